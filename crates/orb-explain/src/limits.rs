//! Limits of explanations, each with its reason.

/// Steps followed from a URL towards its seed: more than a person reads, and a bound should a loop be missed.
pub const CHAIN_STEPS_MAX: usize = 64;

/// Redirects followed to say where one ends; a crawl follows five.
pub const REDIRECTS_MAX: usize = 6;

/// Attempts of one URL that are kept, the newest: a URL has three, or some dozens over many visits.
pub const ATTEMPTS_MAX: usize = 200;

/// Attempts at an origin's robots.txt that are kept, the newest.
pub const ROBOTS_ATTEMPTS_MAX: usize = 4;

/// Requests of a site that are shown as recent: half a screen.
pub const RECENT_MAX: usize = 12;

/// Pages of a site that are shown as slowest.
pub const SLOWEST_MAX: usize = 8;

/// URLs named for each reason of failure: the first ones show the pattern.
pub const FAILING_MAX: usize = 4;

/// Bytes of a file of rows that are searched at once: large enough for long runs of the search, small beside the
/// memory of anything.
pub const CHUNK_BYTES: usize = 1 << 20;

/// Longest row; what is longer is no row of ours and is passed over. A URL has at most 2,048 bytes.
pub const ROW_BYTES_MAX: usize = 256 << 10;

/// Bytes at the end of a file of commit rows that surely hold its last whole row.
pub const COMMITS_TAIL_BYTES: u64 = 4 << 10;

/// Bytes of a record's block that are looked at: the head of an answer has at most 64 KiB, a metadata record names
/// its reason in its first lines.
pub const BLOCK_BYTES_MAX: u64 = 128 << 10;

/// Marks of undone groups remembered for one slot; each is one crash or failed disk.
pub const MARKS_MAX: usize = 100_000;

/// Columns of the text form.
pub const COLUMNS: usize = 100;

/// Traces that are told at once.
pub const TRACES_MAX: usize = 1_000;

/// Lines of the log that are told of one request: it has a few.
pub(crate) const LOG_LINES_MAX: usize = 100;
