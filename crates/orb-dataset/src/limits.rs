//! Bounds of this crate, each with its reason.
//!
//! In: nothing. Out: numbers. May touch: nothing. Invariant: no input makes memory grow past what these allow.

/// Bytes written or read at once: large enough that a disk streams, small beside what is sorted.
pub const STEP_BYTES: usize = 256 << 10;

/// Bytes of lines that are sorted in memory where nothing else is said; more go to disk as sorted runs. A line is about
/// 300 bytes, so a run holds a million.
pub const SORT_BYTES: usize = 256 << 20;

/// The same for the index of one segment, made while a crawl works: a segment of a gigabyte has some 20 MB of lines, and
/// each shard may make one index at a time.
pub const SEGMENT_SORT_BYTES: usize = 8 << 20;

/// Bytes of one URL in an index; a longer one is no address that any reader asks for.
pub const URL_BYTES_MAX: usize = 64 << 10;

/// Bytes of any other text in a row; titles and preferences end far below, and what a stranger wrote must not fill a row
/// group by itself.
pub const TEXT_BYTES_MAX: usize = 8 << 10;

/// Bytes read at once where a line is looked up: a line, mostly.
pub const LOOKUP_BYTES: usize = 2 << 10;

/// Bytes of one line of an index that is looked into: an address of 64 KiB with all of it escaped, twice. What has longer
/// lines is no index.
pub const LINE_BYTES_MAX: usize = 512 << 10;

/// Bytes of one packed block of a zipnum cluster: its 3,000 lines of 300 bytes make some 200 KB.
pub const BLOCK_PACKED_BYTES_MAX: u64 = 16 << 20;

/// Bytes that such a block may unpack to; what is beyond is not looked at.
pub const BLOCK_BYTES_MAX: u64 = 64 << 20;

/// Lines of one address that are looked through for payloads it had; an address with more has changed more often than
/// anybody refers back.
pub const EARLIER_LINES_MAX: usize = 10_000;

/// Payloads of one address that are offered to refer to, the latest ones: a page that changes seldom has one, one that
/// flips between two has two.
pub const EARLIER_PAYLOADS_MAX: usize = 8;

/// Places of an index that are looked at when it is opened, spread over it: one that is not sorted is found out.
pub const PLACES_CHECKED: u64 = 64;

/// Bytes of the file that says where the files of a cluster are: a line for each, and nobody has thousands.
pub const CLUSTER_LOC_BYTES_MAX: u64 = 1 << 20;

/// Rows of one row group: what readers skip or read at once.
pub const GROUP_ROWS_MAX: usize = 50_000;

/// Bytes of the rows of one group in memory, whichever bound comes first.
pub const GROUP_BYTES_MAX: usize = 8 << 20;

/// Lines of one block of a zipnum cluster, the number its readers expect.
pub const ZIPNUM_LINES: usize = 3_000;

/// Values of one list in a row (preferences, directives): as many as a crawl keeps of a page.
pub const LIST_VALUES_MAX: usize = 64;

/// Sorted runs of lines that lie on disk at once; more are merged into one. Each is an open file while they are merged,
/// and a process has 1,024 of those.
pub const RUNS_MAX: usize = 64;
