//! The limits of this crate, each with the reason for its number.
//!
//! In: nothing. Out: constants. May touch: nothing.
//! Invariant: every table and loop of this crate is bounded by one of these or by an argument.

/// Bins that a page's marks fall into, the smallest of each being kept: an estimate of what two pages share, and what the
/// index is searched by.
pub const BINS: usize = 32;

/// Bins whose marks together are one key of the index. Pages that share nine tenths of their marks share at least one of
/// the keys in 99.9 of 100 cases, pages that share half of them in 40; each costs a place of 4 bytes.
pub const BINS_PER_BAND: usize = 4;

/// Keys of a page.
pub const BANDS: usize = BINS / BINS_PER_BAND;

/// Pages of one key that are compared, the newest first: a farm of a million copies costs no more than this.
pub const COMPARED_MAX: usize = 16;

/// Pages of a site until what they share counts as its template. Until then pages are compared with all they say.
pub const TEMPLATE_PAGES: usize = 6;

/// Of these so many must have a mark for it to belong to the template: three copies of one page are not one yet.
pub const TEMPLATE_SHARED_BY: usize = 4;

/// Sites whose templates are kept by default: about a kilobyte each, twelve while it is learnt, so at most 100 MB and
/// mostly a tenth of it.
pub const TEMPLATE_SITES_MAX: usize = 8_192;

/// Longest visible text of a page that only says that something is missing, asks to log in, or is for sale. Navigation and
/// an imprint are part of it.
pub const NOTICE_TEXT_BYTES_MAX: usize = 3 << 10;

/// Longest visible text of a page whose lines may say so; of a longer one its title must.
pub const NOTICE_BYTES_BY_LINES_MAX: usize = 1 << 10;

/// Longest chain of canonical links that is followed: honest sites have one link, a moved one two.
pub const CANONICAL_CHAIN_MAX: usize = 5;

/// Alternates of one page that are looked at: the European Union has 24 languages, large shops twice that many places.
pub const ALTERNATES_MAX: usize = 256;

/// Shortest line that counts as prose: a dozen words, more than menus, dates and most ads have.
pub const PROSE_LINE_BYTES_MIN: usize = 80;

/// Own marks of prose below which all lines count: a page of headings and prices has no more.
pub const PROSE_MARKS_MIN: usize = 6;
