//! Limits of this crate, each with the reason for its number.
//!
//! In: nothing. Out: constants. May touch: nothing. Must not touch: settings.
//! Invariant: whatever a server sends, parsing and judging stay inside these.

use std::time::Duration;

/// Bytes of a robots.txt that are read: the 500 KiB that RFC 9309, 2.5 asks for at least, and no more, so that
/// what a site can make us hold is known beforehand.
pub const ROBOTS_BYTES_MAX: usize = 500 * 1024;

/// Longest product token. Real ones have under 30 letters; it goes into every request.
pub const TOKEN_BYTES_MAX: usize = 64;

/// Sitemap lines kept from one file: ten times what large news sites list; an index file can name more.
pub const SITEMAPS_MAX: usize = 1_000;

/// Longest sitemap address kept: the crawler's own limit on a URL.
pub const SITEMAP_BYTES_MAX: usize = 2_048;

/// Usage-preference lines kept for one agent: enough for one per section of a large site.
pub const USAGE_LINES_MAX: usize = 100;

/// Longest usage-preference line kept: a path at the URL limit with a full list of preferences would be cut, and
/// is then left out whole, because half a preference could say the opposite.
pub const USAGE_BYTES_MAX: usize = 1_024;

/// Oddities kept from one file: a person reads them, and the first few show the pattern.
pub const ODDITIES_MAX: usize = 32;

/// Longest crawl-delay represented; longer ones are clamped. Any cap on delays in use lies far below a year, so a
/// clamped value is still "too long" to whoever compares it.
pub const CRAWL_DELAY_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// Work one query may spend on searching for the pieces of wildcard rules, counted in bytes looked at. Ordinary
/// files use under a hundredth of it; it keeps the worst file that fits into [`ROBOTS_BYTES_MAX`] near half a
/// millisecond for each query.
pub const SEARCH_BYTES_MAX: usize = 512 * 1024;

/// Charged for each search on top of the bytes it looked at: setting one up costs about as much as this many.
pub const SEARCH_SETUP_BYTES: usize = 64;

/// Bytes of a rule's text repeated in a verdict: a log line stays readable, and a rule that matched a URL of
/// legal length fits whole.
pub const RULE_TEXT_BYTES_MAX: usize = 2_048;

/// How long an answer to /robots.txt is used without asking again (RFC 9309, 2.4).
pub const FRESH_FOR: Duration = Duration::from_secs(24 * 3600);

/// How long robots.txt must have been unreachable to count as lastingly so (RFC 9309, 2.3.1.4).
pub const LONG_UNREACHABLE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Redirects followed in a row while fetching robots.txt (RFC 9309, 2.3.1.2).
pub const REDIRECTS_MAX: u32 = 5;
