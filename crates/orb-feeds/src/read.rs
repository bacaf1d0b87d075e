//! The way of a body: packing, encoding, then XML or lines.
//!
//! In: bytes and limits. Out: a [`Sitemap`]. May touch: the other modules. Must not touch: anything else.
//! Invariant: see the crate's.

use std::borrow::Cow;

use crate::encoding::text;
use crate::limits::HEAD_BYTES_MAX;
use crate::oddity::{Oddities, OddityKind};
use crate::packed::unpacked;
use crate::{Cut, Sitemap, SitemapKind, SitemapLimits, lines, records};

/// Reads a sitemap of any kind (sitemaps.org protocol 0.9, RSS, Atom, plain text).
///
/// - `body`: its content coding taken off; a gzip file's own packing is taken off here, and known by its first bytes,
///   whatever name or type the file had.
/// - A record counts once it is complete. So a body that breaks off (here or on its way) gives the beginning of what the
///   whole one lists; only of plain text may the last line be a part of one, which whoever cut it takes off.
/// - Cost: O(bytes unpacked, up to the limit); memory: the unpacked document, the same as text where it is not UTF-8,
///   and the entries.
#[must_use]
pub fn read_sitemap(body: &[u8], limits: &SitemapLimits) -> Sitemap {
    let mut oddities = Oddities::default();
    let document = unpacked(body, limits.unpacked_bytes_max, &mut oddities);
    let mut sitemap = Sitemap {
        kind: SitemapKind::Unknown,
        entries: Vec::new(),
        bytes_read: document.bytes.len(),
        truncated: document.cut,
        oddities: Vec::new(),
    };
    if let Some(text) = text(&document.bytes, &mut oddities) {
        let cut;
        if text.trim_start().starts_with('<') {
            (sitemap.kind, sitemap.entries, cut) = records::read(&text, limits, &mut oddities);
        } else {
            let is_cut = document.cut.is_some();
            (sitemap.entries, cut) = lines::read(&text, is_cut, limits, &mut oddities);
            if !sitemap.entries.is_empty() {
                sitemap.kind = SitemapKind::Text;
            }
        }
        // A document that was cut off breaks off for that reason.
        if cut == Some(Cut::Entries) || sitemap.truncated.is_none() {
            sitemap.truncated = cut;
        }
    }
    sitemap.oddities = oddities.0;
    sitemap
}

/// Whether a body begins like a sitemap in XML or a feed, packed or not. Plain text does not tell.
///
/// - `head`: the first bytes of the body; no more than [`HEAD_BYTES_MAX`] are looked at.
#[must_use]
pub fn looks_like_sitemap(head: &[u8]) -> bool {
    let limits = SitemapLimits {
        unpacked_bytes_max: HEAD_BYTES_MAX,
        entries_max: 0,
        ..SitemapLimits::default()
    };
    let head = &head[..head.len().min(HEAD_BYTES_MAX)];
    match read_sitemap(head, &limits).kind {
        SitemapKind::Urls | SitemapKind::Index | SitemapKind::Feed => true,
        SitemapKind::Text | SitemapKind::Unknown => false,
    }
}

/// A location fit to be handed out; `None`, and told, where it is none.
pub(crate) fn location(
    written: &str,
    limits: &SitemapLimits,
    oddities: &mut Oddities,
) -> Option<String> {
    let line_ends = ['\t', '\n', '\r'];
    let written = written.trim();
    let written = if written.contains(line_ends) {
        Cow::Owned(written.replace(line_ends, ""))
    } else {
        Cow::Borrowed(written)
    };
    let odd = if written.is_empty() {
        OddityKind::NoLocation
    } else if written.len() > limits.location_bytes_max {
        OddityKind::LongLocation
    } else if written.contains(|letter: char| letter.is_control() || letter == '\u{FFFD}') {
        OddityKind::BadLocation
    } else {
        return Some(written.into_owned());
    };
    oddities.note(odd);
    None
}
