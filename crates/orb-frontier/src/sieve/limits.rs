//! Limits of the sieve, each with its reason.

/// Runs that a look-up visits. Each costs a block read per key of a small batch; fewer would mean
/// more rewriting.
pub(super) const SIEVE_RUNS_MAX: usize = 8;

/// Blocks read at once in a sequential pass: a quarter of a megabyte for each run, long enough that
/// the disk streams.
pub(super) const SIEVE_READ_BLOCKS: usize = 64;

/// Bytes gathered before a file is appended to; the same reason.
pub(super) const SIEVE_WRITE_BYTES: usize = 256 << 10;

/// Bytes of one admitted row. Two URLs of 2,048 bytes and a few numbers.
pub(super) const ADMITTED_ROW_BYTES_MAX: usize = 8 << 10;

/// Bytes read at once from an admitted file; several rows of any size.
pub(super) const ADMITTED_READ_BYTES: usize = 128 << 10;

/// Keys remembered because they came lately: most links of a site point at the same few pages. Two
/// thirds of a megabyte for each slot.
pub(super) const RECENT_KEYS: usize = 1 << 16;
