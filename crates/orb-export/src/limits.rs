//! Bounds of this crate, each with its reason.
//!
//! In: nothing. Out: numbers. May touch: nothing. Invariant: memory does not grow with the archive.

/// Captures handed to a thread at once: enough that handing over costs nothing, few enough that all threads end together.
pub const BATCH_CAPTURES_MAX: usize = 32;

/// Bytes of bodies in one batch, beyond which it is handed over.
pub const BATCH_BYTES_MAX: usize = 2 << 20;

/// Batches that wait for each thread: one is enough that none waits for the reader.
pub const BATCHES_WAITING_PER_THREAD: usize = 2;

/// Usage preferences kept of one capture: several vocabularies may speak at once, hundreds do not.
pub const USAGE_LINES_MAX: usize = 32;

/// Bytes looked at from an output's end for its last whole line. The longest line is a page of Markdown at the bound of
/// `orb-read`, escaped; without one in so many bytes the file is none of ours.
pub const LAST_LINE_BYTES_MAX: u64 = 512 << 20;
