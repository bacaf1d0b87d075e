//! Limits and tolerances of the audit, each with its reason.
//!
//! In: nothing. Out: constants. May touch: nothing. Must not touch: settings.
//! Invariant: a tolerance covers rounding or the way of a message, never a mistake.

use std::time::Duration;

/// Violations named for each promise; the rest is counted. A person reads them, and the first ones show the pattern.
pub const VIOLATIONS_NAMED_MAX: usize = 10;

/// A pause may be short by this much: rows hold whole microseconds and are stamped beside the permit, not by it.
pub const PAUSE_TOLERANCE: Duration = Duration::from_millis(1);

/// How old above 24 h a robots answer may be when the page's request begins: it was judged before the address was
/// looked up and the permit was waited for.
pub const ROBOTS_AGE_TOLERANCE: Duration = Duration::from_secs(60);

/// How long the news of a robots answer that another site's slot fetched may be on its way.
pub const HOP_NEWS_TOLERANCE: Duration = Duration::from_secs(2);

/// A permit may have been given this long before its request begins, under the settings of that moment: a grant
/// lies at most a second ahead and is good for a tenth of one.
pub const SETTINGS_TOLERANCE: Duration = Duration::from_secs(2);

/// Longest row. A URL has at most 2,048 bytes, and nothing else in a row is long.
pub const ROW_BYTES_MAX: usize = 256 << 10;

/// Bytes read from a file of rows or records at once.
pub const READ_BYTES: usize = 256 << 10;

/// Decoded bytes of a robots.txt that are held: all that its parser reads, and some, so that it sees that it was cut.
pub const ROBOTS_BYTES_MAX: usize = orb_robots::limits::ROBOTS_BYTES_MAX + 1024;

/// Largest robots record that is read back; a body is cut at 500 KiB while it is fetched, and a head has 64 KiB.
pub const ROBOTS_RECORD_BYTES_MAX: u64 = 16 << 20;

/// How long after an exclusion a request may still begin: the promise to site owners.
pub const EXCLUSION_GRACE: Duration = Duration::from_secs(1);
