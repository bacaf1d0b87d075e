//! Sitemaps and feeds: the addresses a site lists of its own accord, and when it says each was changed.
//!
//! In: the body of a sitemap, packed or not, and [`SitemapLimits`]. Out: a [`Sitemap`], what it lists in its order.
//! May touch: nothing but its arguments. Must not touch: URLs' meaning, sockets, files, clocks, other crates of ground.
//! Invariant: no input makes it fail or costs more than in proportion to the bytes read; nothing is fetched, no DTD is
//! heeded; what a document that breaks off gives is the beginning of what the whole one gives.
//!
//! `read.rs` is the way of a body: `packed.rs` takes gzip off, `encoding.rs` makes it text, `records.rs` reads XML,
//! `lines.rs` plain text. Whether a listed address may be believed (its host, its date) is the caller's to judge.

mod dates;
mod encoding;
pub mod limits;
mod lines;
mod oddity;
mod open_elements;
mod packed;
mod read;
mod records;
pub mod xml;

use orb_env::Wall;

pub use oddity::{Oddity, OddityKind};
pub use read::{looks_like_sitemap, read_sitemap};

/// One address that a sitemap lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SitemapEntry {
    /// The address as written, its references resolved; without blanks around it, and without tabs and line ends, which
    /// the URL Standard drops too. Never empty, no control characters in it. Feeds may give it relative to themselves.
    pub location: String,
    /// When it was last changed, as the site says; a form without a time or day means its first instant, one without an
    /// offset UTC. May lie in the future.
    pub modified: Option<Wall>,
}

/// What a body was read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SitemapKind {
    /// `urlset`: the entries are pages.
    Urls,
    /// `sitemapindex`: the entries are sitemaps.
    Index,
    /// An address on each line: the entries are pages.
    Text,
    /// RSS or Atom: the entries are pages.
    Feed,
    /// Nothing of these: no entries.
    Unknown,
}

impl SitemapKind {
    /// A stable name in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            SitemapKind::Urls => "urls",
            SitemapKind::Index => "index",
            SitemapKind::Text => "text",
            SitemapKind::Feed => "feed",
            SitemapKind::Unknown => "unknown",
        }
    }
}

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// It is longer, unpacked, than [`SitemapLimits::unpacked_bytes_max`].
    Bytes,
    /// It lists more than [`SitemapLimits::entries_max`].
    Entries,
    /// Its gzip data end early or are damaged.
    Packed,
    /// Its XML ends before its first element does, or goes wrong.
    Broken,
}

impl Cut {
    /// A stable name in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Cut::Bytes => "bytes",
            Cut::Entries => "entries",
            Cut::Packed => "packed",
            Cut::Broken => "broken",
        }
    }
}

/// What a sitemap says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sitemap {
    /// What it was read as.
    pub kind: SitemapKind,
    /// What it lists, in its order, doubles included.
    pub entries: Vec<SitemapEntry>,
    /// Length of the unpacked document, as far as it was taken in.
    pub bytes_read: usize,
    /// Why it was not read to its end.
    pub truncated: Option<Cut>,
    /// What was odd about it: each kind once, with its count, in the order of their first occurrence.
    pub oddities: Vec<Oddity>,
}

/// How much of a sitemap is read. The default is what the protocol allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SitemapLimits {
    /// Bytes of the unpacked document.
    pub unpacked_bytes_max: usize,
    /// Number of entries.
    pub entries_max: usize,
    /// Bytes of one location; longer ones are left out.
    pub location_bytes_max: usize,
}

impl Default for SitemapLimits {
    fn default() -> Self {
        SitemapLimits {
            unpacked_bytes_max: limits::UNPACKED_BYTES_MAX,
            entries_max: limits::ENTRIES_MAX,
            location_bytes_max: limits::LOCATION_BYTES_MAX,
        }
    }
}
