//! The bounds of this crate, each with its reason.
//!
//! In: nothing. Out: constants.
//! May touch: nothing.
//! Invariant: every buffer that foreign bytes can grow is bounded by one of these.

/// Bytes of one value that the writer takes over; the rest is cut. A URL ends at 2,048, a page title worth keeping far below this.
pub const FIELD_VALUE_BYTES_MAX: usize = 64 << 10;
/// Bytes of one record header the reader accepts; real ones stay under 4 KiB, and ours under this even with every field at its limit.
pub const HEADER_BYTES_MAX: usize = 4 << 20;
/// Fields kept of one header or one `application/warc-fields` block: 10,000 links a page, six times over.
pub const FIELDS_MAX: usize = 65_536;
/// Bytes of one block the reader keeps unless told otherwise; a record of gigabytes is stepped over without holding it.
pub const BLOCK_BYTES_MAX: u64 = 128 << 20;
/// Compressed bytes remembered so that a search for the next record can start inside a damaged member: one full body (10 MiB) fits.
pub const RESCAN_BYTES_MAX: usize = 16 << 20;
/// Bytes asked of the input, and decoded, in one step: large enough to amortise calls, small enough to stay in cache.
pub const STEP_BYTES: usize = 64 << 10;
/// Bytes of a gzip member header (extra field, name and comment included) that are looked at before it counts as damage.
pub const GZIP_HEADER_BYTES_MAX: usize = 192 << 10;
/// Buffer the writer keeps between records; one huge page must not pin its size for the whole crawl.
pub const SCRATCH_BYTES_KEPT: usize = 1 << 20;
/// Level of libdeflate for bodies that came uncompressed: a page's CPU is worth more than the last percents of disk.
pub const GZIP_LEVEL: i32 = 1;
/// Level of zstd, for the same reason.
pub const ZSTD_LEVEL: i32 = 1;
/// Bytes of a dictionary that is read, compressed or not: the size every reader must support (warc-zstd 1.0, "window and
/// dictionary limits").
pub const DICTIONARY_BYTES_MAX: usize = 8 << 20;
/// Bytes of a dictionary that is made: zstd's own default, above which pages gain little.
pub const DICTIONARY_BYTES: usize = 112_640;
/// Level at which a dictionary itself is compressed: once a file.
pub const DICTIONARY_LEVEL: i32 = 19;
/// Payload bytes of one stored deflate block (RFC 1951, 3.2.4: the length field has 16 bits).
pub const STORED_BLOCK_BYTES_MAX: usize = 65_535;

/// Window of a zstd frame that is decoded, as a power of two: 16 MiB. Writers stay at 8 MiB unless told otherwise, and a
/// frame may ask for 128 MiB with a few bytes.
#[cfg(feature = "zstd")]
pub(crate) const ZSTD_WINDOW_LOG_MAX: u32 = 24;
