//! The numbers of this crate, each with its reason.
//!
//! In: nothing. Out: constants. May touch: nothing. Invariant: nothing else in the crate is a bare limit.

use std::time::Duration;

/// Parts of one upload under way at once: enough to hide the round trip of each, and two parts of memory.
pub const PARTS_AT_ONCE: usize = 2;

/// The least size of a part: S3 refuses smaller ones but for the last.
pub const PART_BYTES_LEAST: u64 = 5 << 20;

/// Parts of one upload at most. S3 takes 10,000; larger files get larger parts.
pub const PARTS_MAX: u64 = 9_000;

/// A request whose connection moves no byte for this long is given up: an S3 server that assembles a large object says
/// something at least every half minute.
pub const STALL_MAX: Duration = Duration::from_secs(60);

/// A connection to the store is made within this time, or tried again.
pub const CONNECT_MAX: Duration = Duration::from_secs(10);

/// How often one request is repeated after a failure that may pass (5xx, a connection that breaks, a stall).
pub const RETRIES_MAX: usize = 8;

/// The first pause before a request is repeated; it doubles, with chance.
pub const RETRY_FIRST: Duration = Duration::from_millis(200);

/// The longest such pause.
pub const RETRY_LONGEST: Duration = Duration::from_secs(15);

/// No request is repeated after this time: what it was signed with may have expired.
pub const RETRY_SPAN: Duration = Duration::from_secs(180);

/// Bytes of a file that are read at once while it is only digested.
pub const READ_BYTES: usize = 1 << 20;

/// Bytes of the ledger that are read as its torn end, if it has one; a row is shorter.
pub const ROW_BYTES_MAX: usize = 64 << 10;
