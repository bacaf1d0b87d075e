//! The limits of this crate, each with the reason for its number.
//!
//! In: nothing. Out: constants. May touch: nothing. Must not touch: anything.
//! Invariant: every text that this crate keeps is bounded by one of these.

/// Longest canonical URL in bytes: real pages stay far below, and servers and caches commonly
/// refuse beyond this, so longer ones are mazes or mistakes; it also lets offsets be 16 bits.
pub const URL_BYTES_MAX: usize = 2_048;

/// Longest text given to the parser in bytes: a short URL may come with a long fragment or
/// much white space, but megabytes (inlined `data:` links) must cost nothing.
pub const INPUT_BYTES_MAX: usize = 65_536;

/// Longest host name in bytes, without a trailing dot: what fits a DNS message (RFC 1035, 3.1).
pub const HOST_BYTES_MAX: usize = 253;

/// Longest label of a host name in bytes (RFC 1035, 2.3.4).
pub const LABEL_BYTES_MAX: usize = 63;

/// Longest excerpt of a refused text in bytes, in errors and logs: enough to recognise it,
/// short enough for one line of a terminal.
pub const EXCERPT_BYTES_MAX: usize = 100;

/// Characters of a refused text that are searched for user information before it is shown:
/// covers every credential that fits an address bar.
pub const EXCERPT_SEARCH_CHARS_MAX: usize = 4_096;

/// Origins that a linker remembers: more than a page's links name, and small beside one page.
pub const ORIGINS_REMEMBERED: usize = 256;
