//! Bounds of this crate, each with its reason.
//!
//! In: nothing. Out: numbers. May touch: nothing. Invariant: no input makes memory grow past what these allow.

/// Bytes read from a file at once: large enough that a disk streams, small beside a record's block.
pub const READ_BYTES: usize = 256 << 10;

/// Damages of one file that are listed; the rest is counted. A person looks at the first few; a program wants to know
/// how many there are.
pub const DAMAGES_LISTED_MAX: usize = 1_000;

/// Bytes of index lines that are sorted in memory; more go to disk as sorted runs. A line is about 300 bytes, so a run
/// holds a million.
pub const SORT_BYTES: usize = 256 << 20;

/// Bytes of one URL in an index line; a longer one is no address that any reader asks for.
pub const URL_BYTES_MAX: usize = 64 << 10;
