//! Bounds of one reading, each with its reason.
//!
//! In: nothing. Out: numbers. May touch: nothing.

/// Bytes of a file: what a crawl keeps of one is far below.
pub const PDF_BYTES_MAX: usize = 128 << 20;

/// Bytes that one stream of a file may unpack to: a page of text is below a megabyte, and pictures are not unpacked.
pub const STREAM_BYTES_MAX: usize = 32 << 20;

/// Pages that are read: the longest manuals have a thousand; the library looks through the list of pages for each one.
pub const PAGES_MAX: usize = 2_000;

/// Bytes of text in all: three times the longest books.
pub const TEXT_BYTES_MAX: usize = 16 << 20;

/// Links that are kept.
pub const LINKS_MAX: usize = 10_000;

/// Bytes of one address, of a title and of an author; longer ones are none.
pub const FIELD_BYTES_MAX: usize = 4 << 10;

/// Address space of the reading process: the file, its objects and unpacked streams, and what the allocator sets aside.
pub const PROCESS_BYTES_MAX: u64 = 2 << 30;

/// CPU seconds of the reading process: a manual of a thousand pages takes two.
pub const PROCESS_SECONDS_MAX: u64 = 20;

/// Bytes of the process's answer: text in JSON, where each character may take six bytes.
pub const ANSWER_BYTES_MAX: u64 = 8 * TEXT_BYTES_MAX as u64;
