//! Limits of the pipeline, each with its reason.

use std::time::Duration;

/// How long a group gathers before it is committed: bounds what a kill costs, and amortises the syncs.
pub(crate) const GROUP_INTERVAL: Duration = Duration::from_millis(250);

/// The same when the slot has nothing else to do: found links reach the queues within a second.
pub(crate) const GROUP_INTERVAL_HUNGRY: Duration = Duration::from_millis(20);

/// A group of this size is committed at once; while the one before is not synced, intake stops.
pub(crate) const GROUP_BYTES_MAX: usize = 32 << 20;

/// Journal bytes absorbed in one step: about a thousand links.
pub(crate) const ABSORB_BYTES: usize = 256 << 10;

/// Seed bytes absorbed in one step.
pub(crate) const SEED_BYTES: usize = 256 << 10;

/// Sieve bytes above which nothing more is absorbed until a merge is done.
pub(crate) const ABSORB_BUFFER_MAX: usize = 32 << 20;

/// How long another slot may take to answer a robots hop before it counts as unreachable.
pub(crate) const HOP_TIMEOUT: Duration = Duration::from_secs(60);

/// Robots hops that may wait in a shard's inbox; one more counts as unreachable.
pub(crate) const HOPS_WAITING_MAX: usize = 1_024;

/// Questions to the address clocks that may wait, per shard; no shard has more out.
pub(crate) const QUESTIONS_PER_SHARD: usize = 4_096;

/// Memory of parsed robots.txt copies per slot; older ones are read again from the store.
pub(crate) const ROBOTS_BYTES_MAX: usize = 16 << 20;

/// Payloads shorter than this are archived each time: a revisit record would be as long.
pub(crate) const REVISIT_BYTES_MIN: usize = 256;

/// Links remembered per slot to drop repeats before the journal; a power of two.
pub(crate) const RECENT_LINKS: usize = 1 << 16;

/// Groups of one slot that may fail in a row before the crawl ends.
pub(crate) const GROUP_FAILURES_MAX: u32 = 5;

/// Pause before a slot whose group failed is opened again.
pub(crate) const REOPEN_PAUSE: Duration = Duration::from_secs(1);

/// How often the coordinator looks at the slots, the disk and memory.
pub(crate) const COORDINATOR_INTERVAL: Duration = Duration::from_millis(200);

/// How long requests in flight may take to end after a stop; later the stop counts as unclean.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(30);

/// How often one page may end the process before it is given up.
pub(crate) const POISON_TIMES: u8 = 2;

/// URLs of one site judged in one step before the others have their turn.
pub(crate) const JUDGED_PER_VISIT: usize = 64;

/// Bytes of the file that names the page being read, before it starts anew.
pub(crate) const READING_BYTES_MAX: u64 = 1 << 20;

/// Pages handled before sockets and timers are served again.
pub(crate) const EVENTS_PER_TURN: usize = 4;
