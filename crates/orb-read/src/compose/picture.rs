//! Pictures.
//!
//! In: an `img`. Out: its address and what it shows, or nothing for decoration.
//! May touch: attributes. Must not touch: the picture.
//! Invariant: no inlined data comes out, and no picture of a pixel or two that counts visits.

use std::borrow::Cow;

use crate::document::Inline;
use crate::tree::NodeId;

use super::Composer;

/// Sides of pictures that only count visits.
const PIXELS_FEW: u32 = 3;

impl Composer<'_, '_> {
    pub(super) fn picture(&self, id: NodeId) -> Option<Inline> {
        let [src, lazy, original, srcset, lazy_set, alt, width, height] = self.tree.attributes(
            id,
            [
                "src",
                "data-src",
                "data-original",
                "srcset",
                "data-srcset",
                "alt",
                "width",
                "height",
            ],
        );
        let is_dot = |side: Option<Cow<'_, str>>| {
            side.and_then(|side| side.trim().trim_end_matches("px").parse::<u32>().ok())
                .is_some_and(|side| side <= PIXELS_FEW)
        };
        if is_dot(width) || is_dot(height) {
            return None;
        }
        let of_set =
            |set: Option<Cow<'_, str>>| set.and_then(|set| widest(&set).map(str::to_owned));
        // What a script would load comes first: `src` then holds a placeholder.
        let candidates = [
            lazy.map(Cow::into_owned),
            original.map(Cow::into_owned),
            of_set(lazy_set),
            src.map(Cow::into_owned),
            of_set(srcset),
        ];
        let url = candidates
            .into_iter()
            .flatten()
            .find_map(|candidate| self.addresses.resolve(&candidate))?;
        let alt = alt.unwrap_or_default();
        Some(Inline::Image {
            url,
            alt: alt.split_whitespace().collect::<Vec<_>>().join(" "),
        })
    }
}

/// The candidate of a `srcset` with the largest descriptor (HTML Standard, 4.8.4.2.1).
fn widest(srcset: &str) -> Option<&str> {
    let mut best: Option<(f64, &str)> = None;
    for candidate in srcset.split(", ").take(64) {
        let mut parts = candidate.split_ascii_whitespace();
        let Some(url) = parts.next() else { continue };
        let size = parts
            .next()
            .and_then(|size| size.trim_end_matches(['w', 'x', ',']).parse().ok())
            .unwrap_or(1.0);
        if best.is_none_or(|(largest, _)| size > largest) {
            best = Some((size, url.trim_end_matches(',')));
        }
    }
    best.map(|(_, url)| url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_candidate_is_taken() {
        assert_eq!(widest("a.png 1x, b.png 2x"), Some("b.png"));
        assert_eq!(
            widest("a.png 320w, b,c.png 1024w, d.png 640w"),
            Some("b,c.png")
        );
        assert_eq!(widest(""), None);
    }
}
