//! What a browser would load to show the page.
//!
//! In: an element and its tag. Out: references as written, with their kind.
//! May touch: attributes of the tag. Must not touch: the page, which takes or drops what is found here.
//! Invariant: references come in the order a reader of the tag meets them; linear in the tag.

use crate::element::Element;
use crate::page::LinkKind;
use crate::tokens::{Attribute, StartTag};

/// Calls `found` for every requisite the tag names; `foreign` tells SVG's elements from HTML's.
/// Cost: O(bytes of the tag).
pub(crate) fn of_tag(
    element: Element,
    tag: &StartTag<'_>,
    foreign: bool,
    mut found: impl FnMut(LinkKind, &str),
) {
    let mut take = |kind: LinkKind, attribute: Option<Attribute<'_>>| {
        if let Some(attribute) = attribute {
            found(kind, &attribute.value());
        }
    };
    match element {
        Element::Image | Element::Script if foreign => {
            let [href, xlink] = tag.raw_values(["href", "xlink:href"]);
            let kind = match element {
                Element::Script => LinkKind::Script,
                _ => LinkKind::Image,
            };
            take(kind, href.or(xlink));
        }
        _ if foreign => {}
        Element::Img | Element::Image => {
            let [src, srcset] = tag.raw_values(["src", "srcset"]);
            take(LinkKind::Image, src);
            candidates_of(srcset, found);
        }
        Element::Input => {
            let [kind, src] = tag.raw_values(["type", "src"]);
            if kind.is_some_and(|kind| kind.value().eq_ignore_ascii_case("image")) {
                take(LinkKind::Image, src);
            }
        }
        Element::Script => {
            let [src] = tag.raw_values(["src"]);
            take(LinkKind::Script, src);
        }
        Element::Source => {
            let [src, srcset] = tag.raw_values(["src", "srcset"]);
            take(LinkKind::Media, src);
            candidates_of(srcset, found);
        }
        Element::Video => {
            let [src, poster] = tag.raw_values(["src", "poster"]);
            take(LinkKind::Image, poster);
            take(LinkKind::Media, src);
        }
        Element::Audio | Element::Track | Element::Embed => {
            let [src] = tag.raw_values(["src"]);
            take(LinkKind::Media, src);
        }
        Element::Object => {
            let [data] = tag.raw_values(["data"]);
            take(LinkKind::Media, data);
        }
        _ => {}
    }
}

/// The kind of requisite a `link` names, if its `rel` (one token) makes it one.
///
/// - `destination`: the `as` attribute, which says what is preloaded.
pub(crate) fn kind_of_rel(token: &str, destination: &str) -> Option<LinkKind> {
    let is = |names: &[&str]| names.iter().any(|name| token.eq_ignore_ascii_case(name));
    if is(&["stylesheet"]) {
        Some(LinkKind::Style)
    } else if is(&[
        "icon",
        "apple-touch-icon",
        "apple-touch-icon-precomposed",
        "mask-icon",
    ]) {
        Some(LinkKind::Image)
    } else if is(&["modulepreload"]) {
        Some(LinkKind::Script)
    } else if is(&["preload", "prefetch"]) {
        match destination.to_ascii_lowercase().as_str() {
            "font" => Some(LinkKind::Font),
            "style" => Some(LinkKind::Style),
            "script" => Some(LinkKind::Script),
            "image" => Some(LinkKind::Image),
            "audio" | "track" | "video" => Some(LinkKind::Media),
            _ => None,
        }
    } else {
        None
    }
}

fn candidates_of(srcset: Option<Attribute<'_>>, mut found: impl FnMut(LinkKind, &str)) {
    if let Some(srcset) = srcset {
        candidates(&srcset.value(), |url| found(LinkKind::Image, url));
    }
}

/// The URLs of a `srcset` (HTML Standard, 4.8.4.3.9): a URL runs to white space, commas at its end
/// separate candidates, descriptors are skipped.
fn candidates(srcset: &str, mut found: impl FnMut(&str)) {
    let mut rest = srcset;
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
        if rest.is_empty() {
            return;
        }
        let end = rest
            .find(|c: char| c.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let (written, after) = rest.split_at(end);
        let url = written.trim_end_matches(',');
        found(url);
        rest = if url.len() < written.len() {
            after
        } else {
            skip_descriptors(after)
        };
    }
}

/// To behind the next comma that is not in brackets.
fn skip_descriptors(text: &str) -> &str {
    let mut in_brackets = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => in_brackets = true,
            b')' => in_brackets = false,
            b',' if !in_brackets => return &text[at + 1..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::candidates;

    fn check(srcset: &str, expected: &[&str]) {
        let mut all = Vec::new();
        candidates(srcset, |url| all.push(url.to_owned()));
        assert_eq!(all, expected, "{srcset:?}");
    }

    #[test]
    fn candidates_are_separated_as_in_the_standard() {
        check("a.png 1x, b.png 2x", &["a.png", "b.png"]);
        check(" a.png, b.png ,c,d 100w", &["a.png", "b.png", "c,d"]);
        check("data:,x 1x, b (1,2) 3x, c", &["data:,x", "b", "c"]);
        check(" , ,", &[]);
    }
}
