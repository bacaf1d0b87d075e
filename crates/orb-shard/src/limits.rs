//! The limits of this crate, each with the reason for its number.
//!
//! In: nothing. Out: constants. May touch: nothing. Must not touch: anything.
//! Invariant: all are powers of two, so that each division is a shift.

/// Partitions of a crawl: fine enough to even out 64 slots and to move a crawl in small pieces
/// between machines, coarse enough that a table of all of them is small. Fixed for ever: stored
/// keys begin with the partition.
pub const PARTITIONS: u16 = 4_096;

/// Fewest slots of a crawl: a folder made on a small machine can still spread over four cores.
pub const SLOTS_MIN: u8 = 4;

/// Most slots of a crawl: each has files, a store and buffers of its own, which 64 times over
/// still fit a large machine.
pub const SLOTS_MAX: u8 = 64;
