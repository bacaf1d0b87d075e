//! Bounds of this crate, each with its reason.
//!
//! In: nothing. Out: numbers. May touch: nothing. Invariant: memory grows neither with the archive nor with its records.

/// Bytes of all work under way: pages that wait, that are decoded, that are read, and lines that wait to be written; a
/// page being read counts with what reading it may take. Reached only by archives of huge pages: one of 200 KB counts
/// about 10 MB.
pub const IN_FLIGHT_BYTES_MAX: usize = 1 << 30;

/// Bytes read of one page, both as it was sent and with its content coding undone; the line of a longer one says
/// `"truncated": true`. Crawls keep 10 MiB of a body; what is longer is no page that anybody reads.
pub const PAGE_BYTES_MAX: usize = 16 << 20;

/// Memory that reading a page may take for each of its bytes, decoded: text, content and line of it. The most that was
/// measured is 8 (`orb read` on 4 MB of text without any mark).
pub const READING_BYTES_PER_BYTE: usize = 12;

/// Memory that reading a page may take for each of its marks: a tag, a line, a comma or bracket of JSON. The most that
/// was measured is 520 (`orb read` on 4 MB of `<p>x`).
pub const READING_BYTES_PER_MARK: usize = 560;

/// Memory that reading one page may take; of a page that would take more the beginning is read.
pub const READING_BYTES_MAX: usize = 640 << 20;

/// Memory of a page beside its bytes: its address, its preferences, the fields of its line.
pub const PAGE_SPARE_BYTES: usize = 16 << 10;

/// What the page whose line is next to be written may take beyond the others, so that it never waits for them.
pub const ONE_PAGE_BYTES_MAX: usize = PAGE_BYTES_MAX + READING_BYTES_MAX + PAGE_SPARE_BYTES;

/// Decoded bytes for each coded one that room is taken for at first: text reaches 20, but mostly stays below this.
pub const DECODED_RATIO_EXPECTED: usize = 8;

/// Processes that read PDFs at once, whatever the threads: each may take all the memory that `orb-pdf` allows one.
pub const PDF_PROCESSES_MAX: usize = 2;

/// Pages that wait for each thread: enough that none waits for the reader, few enough that all threads end together.
pub const WAITING_PER_THREAD: usize = 32;

/// Bytes of a record's HTTP head kept beside its page, as much as a crawl accepts and more.
pub const HEAD_BYTES_MAX: usize = 1 << 20;

/// Usage preferences kept of one capture: several vocabularies may speak at once, hundreds do not.
pub const USAGE_LINES_MAX: usize = 32;

/// Bytes looked at from an output's end for its last whole line. The longest line is a page of Markdown at the bound of
/// `orb-read`, escaped; without one in so many bytes the file is none of ours.
pub const LAST_LINE_BYTES_MAX: u64 = 512 << 20;

const _: () = assert!(ONE_PAGE_BYTES_MAX < IN_FLIGHT_BYTES_MAX);
