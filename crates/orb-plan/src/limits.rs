//! Limits of forecasts, each with its reason.

/// Kinds of sites that a forecast tells apart: a quarter of a percent of the sites each, which is finer than anybody
/// knows their sizes, and a run-out of them takes milliseconds.
pub(crate) const KINDS_MAX: usize = 400;

/// Kinds of sites on one address: the address is worked off as a whole, so what differs among its sites matters less.
pub(crate) const KINDS_PER_ADDRESS_MAX: usize = 16;

/// Sites that [`crate::Learnt`] tells apart, about 200 bytes each; the rest are counted together.
pub(crate) const LEARNT_SITES_MAX: usize = 1_000_000;

/// Steps of a bisection: halves an interval to a part in a billion.
pub(crate) const BISECTIONS: u32 = 30;

/// Memory of one known site: what a crawl of 100,000 sites took above an empty one, site table, queues' windows and
/// the store's share together (`docs/performance.md`).
pub(crate) const SITE_MEMORY_BYTES: f64 = 3_300.0;

/// Memory of one request under way: the buffer it is admitted with, connection and TLS state.
pub(crate) const REQUEST_MEMORY_BYTES: f64 = 300_000.0;

/// Bytes received for one robots.txt, headers included, where nothing is measured.
pub(crate) const ROBOTS_BYTES: f64 = 1_500.0;

/// Bytes sent for one request: its head, and the packets that acknowledge the answer.
pub(crate) const SENT_BYTES: f64 = 700.0;

/// Seconds after which robots.txt is asked for again (RFC 9309, 2.4).
pub(crate) const ROBOTS_LIFE_SECONDS: f64 = 86_400.0;
