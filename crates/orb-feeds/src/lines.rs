//! Text sitemaps: an address on each line (sitemaps.org, "Text file").
//!
//! In: text. Out: entries. May touch: `oddity`. Must not touch: XML.
//! Invariant: each byte is looked at a fixed number of times.

use crate::oddity::{Oddities, OddityKind};
use crate::read::location;
use crate::{Cut, SitemapEntry, SitemapLimits};

/// Reads the lines of `text`.
///
/// - `is_cut`: whether the text goes on where nobody looks; then its last line is part of one, and left out.
pub(crate) fn read(
    text: &str,
    is_cut: bool,
    limits: &SitemapLimits,
    oddities: &mut Oddities,
) -> (Vec<SitemapEntry>, Option<Cut>) {
    let text = match text.rfind(['\n', '\r']) {
        Some(end) if is_cut => &text[..end],
        None if is_cut => "",
        _ => text,
    };
    let mut entries = Vec::new();
    for line in text.split(['\n', '\r']) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if !is_address(line) {
            oddities.note(OddityKind::NoAddress);
            continue;
        }
        let Some(location) = location(line, limits, oddities) else {
            continue;
        };
        if entries.len() == limits.entries_max {
            return (entries, Some(Cut::Entries));
        }
        entries.push(SitemapEntry {
            location,
            modified: None,
        });
    }
    (entries, None)
}

fn is_address(line: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| {
        line.get(..scheme.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    })
}
