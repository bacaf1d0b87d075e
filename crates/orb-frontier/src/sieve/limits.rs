//! Limits of the sieve, each with its reason.

/// Runs that a look-up visits. Each costs a block read per key of a small batch; fewer would mean
/// more rewriting.
pub(super) const SIEVE_RUNS_MAX: usize = 8;

/// Keys of one block: a single look-up reads and checks some 12 KiB, and at a billion keys the index
/// takes 12 MiB of memory.
pub(super) const BLOCK_KEYS: usize = 2048;

/// Bytes of blocks read at once: long enough that the disk streams, short enough that they are still
/// in the processor's cache when they are searched.
pub(super) const SIEVE_READ_BYTES: u64 = 256 << 10;

/// Bytes between two wanted blocks that are read along rather than skipped: a read costs about as
/// much.
pub(super) const SIEVE_READ_GAP: u64 = 32 << 10;

/// Bytes gathered before a file is appended to; as much as is read at once, for the same reason.
pub(super) const SIEVE_WRITE_BYTES: usize = 256 << 10;

/// Keys of one batch up to which the newest runs are asked first: what comes again soon is there, and
/// each run costs a read for every key. Larger batches begin with the oldest, which knows most.
pub(super) const NEWEST_FIRST_KEYS: usize = 4096;

/// Bytes of one admitted row. Two URLs of 2,048 bytes and a few numbers.
pub(super) const ADMITTED_ROW_BYTES_MAX: usize = 8 << 10;

/// Bytes read at once from an admitted file; several rows of any size.
pub(super) const ADMITTED_READ_BYTES: usize = 128 << 10;

/// Keys that a buffer's places can tell apart; four billion, so that a place takes 32 bits.
pub(super) const OFFERS_MAX: usize = u32::MAX as usize;
