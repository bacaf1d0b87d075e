//! Limits of the gate, each with its reason.

use std::time::Duration;

/// How long a granted time stays good. Long enough for a shard that is busy with a page to come round,
/// short enough that the address clock's step (this plus the delay) wastes little.
pub const GRANT_WINDOW: Duration = Duration::from_millis(100);

/// How far ahead a time may be granted. Beyond it the asker comes back, so that a site which changes its
/// mind does not hold a place for long.
pub(crate) const GRANT_HORIZON: Duration = Duration::from_secs(1);

/// How far ahead those who ask again are spread. Past it the places of askers that never come back would
/// leave an address idle.
pub(crate) const QUEUE_AHEAD_MAX: Duration = Duration::from_secs(60);

/// Sites that may be named as one's own. Each costs a comparison whenever a site's pause is asked for, and nobody
/// runs more of them from one settings file.
pub const OWN_SITES_MAX: usize = 100;

/// Entries after which passed ones are swept out; below it a sweep costs more than the memory it frees.
pub(crate) const SWEEP_ENTRIES_MIN: usize = 1024;
