//! Bounds of this crate, each with its reason.
//!
//! In: nothing. Out: numbers. May touch: nothing. Invariant: no input makes memory grow past what these allow.

/// Bytes read from a file at once: large enough that a disk streams, small beside a record's block.
pub const READ_BYTES: usize = 256 << 10;

/// Damages of one file that are listed; the rest is counted. A person looks at the first few; a program wants to know
/// how many there are.
pub const DAMAGES_LISTED_MAX: usize = 1_000;

/// Bytes of a record's block that are read where only its head is wanted: the most a crawl takes of an HTTP head.
pub const HEAD_BYTES_MAX: u64 = 64 << 10;
