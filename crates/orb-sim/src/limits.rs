//! Limits of the simulation, each with its reason.

use std::time::Duration;

/// Virtual time after which a crawl that has not finished counts as wedged. The slowest webs (a silent site
/// whose attempts double their pauses) need about half an hour.
pub(crate) const CRAWL_TIME_MAX: Duration = Duration::from_secs(2 * 3600);

/// Polls of one process after which it counts as spinning: the longest honest runs need a hundred thousand.
pub(crate) const POLLS_MAX: u64 = 20_000_000;

/// Processes of one scenario; beyond it something keeps the crawl from ever getting through its opening.
pub(crate) const LIVES_MAX: usize = 24;

/// Bytes on their way from a server to a client: a usual receive window. A server that writes more waits.
pub(crate) const WINDOW_BYTES: usize = 64 * 1024;

/// Violations that are kept in words; the rest would only repeat them.
pub(crate) const VIOLATIONS_NAMED_MAX: usize = 20;

/// Server-side times are compared to the microsecond; this much is forgiven for rounding on the way.
pub(crate) const TIME_TOLERANCE_US: u64 = 2;

/// A request that ended this long before a kill was committed, or its row written: what it taught must hold
/// after the kill. Commits happen every quarter of a second and take some helper jobs' time.
pub(crate) const COMMITTED_FOR_SURE: Duration = Duration::from_secs(3);
