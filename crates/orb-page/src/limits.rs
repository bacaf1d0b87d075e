//! Every bound of this crate, each with the reason for its number.
//!
//! In: nothing. Out: constants.
//! May touch: nothing. Must not touch: settings (a caller's own bound is a field of `ScanOptions`).
//! Invariant: whatever a page contains, no list or string of a `Page` outgrows the bound named here.

/// Links kept of one page. Real pages stay below a few thousand; ten thousand covers archives and
/// site maps written as HTML, and stops pages that exist to flood a frontier.
pub const LINKS_MAX_DEFAULT: usize = 10_000;

/// Bytes of one `href` after decoding. Four times the longest URL a crawl accepts, because a fragment
/// or `../` steps may still shorten it; beyond that nothing useful remains.
pub const HREF_BYTES_MAX: usize = 8 * 1024;

/// Bytes of one attribute value before decoding. Written wholly in numeric references a value takes up
/// to ten bytes for one; more than that is padding and is not decoded.
pub const RAW_VALUE_BYTES_MAX: usize = 10 * HREF_BYTES_MAX;

/// Bytes of anchor text kept with a link: a headline fits, a whole card of a shop does not need to.
pub const LINK_TEXT_BYTES_MAX: usize = 256;

/// Bytes of the raw `rel` kept beside its parsed flags, for people who read reports.
pub const REL_BYTES_MAX: usize = 64;

/// Bytes of a language tag; RFC 5646 (4.4.1) puts the longest registered combination at 35.
pub const LANGUAGE_BYTES_MAX: usize = 64;

/// Bytes of the title; longer ones are unclosed `title` elements that swallowed the page.
pub const TITLE_BYTES_MAX: usize = 4 * 1024;

/// Bytes of visible text. Books on one page fit; generated filler does not.
pub const VISIBLE_TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// AI usage preferences kept of one page: several vocabularies may speak at once, hundreds do not.
pub const USAGE_ENTRIES_MAX: usize = 16;

/// Bytes of one AI usage preference as written.
pub const USAGE_BYTES_MAX: usize = 256;

/// Nested changes between HTML and foreign content that are followed. Inline drawings nest two or
/// three; beyond the bound content is read as HTML, which can only miss a CDATA section.
pub const FOREIGN_DEPTH_MAX: usize = 64;

/// Nested templates whose own kind is remembered: one bit each in a machine word. Deeper ones are as
/// inert as the template around them.
pub const TEMPLATE_DEPTH_MAX: u32 = 64;

/// Bytes of the body searched for `<meta charset>`, as the HTML Standard (13.2.3.2) advises.
pub const PRESCAN_BYTES_MAX: usize = 1_024;

/// Bytes shown to the charset guesser. It costs about 20 ns a byte, thirty times a scan, and its
/// verdict rarely changes after the first kilobytes of text that is not ASCII.
pub const GUESS_BYTES_MAX: usize = 16 * 1024;
