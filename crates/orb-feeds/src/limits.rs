//! Limits of this crate, each with the reason for its number.
//!
//! In: nothing. Out: constants. May touch: nothing. Must not touch: settings.
//! Invariant: whatever a server sends, reading stays inside these.

/// Bytes of an unpacked sitemap: the 50 MB of sitemaps.org.
pub const UNPACKED_BYTES_MAX: usize = 52_428_800;

/// Entries of one sitemap: as many as sitemaps.org allows.
pub const ENTRIES_MAX: usize = 50_000;

/// Bytes of a location: fewer than 2,048 by sitemaps.org, and the crawler's own limit on a URL.
pub const LOCATION_BYTES_MAX: usize = 2_048;

/// Bytes of a date: the longest form has 35, and a line break around it is nothing unusual.
pub const DATE_BYTES_MAX: usize = 64;

/// gzip members in one body: tools that append write one each time; each costs setting up a decoder.
pub const MEMBERS_MAX: usize = 1_000;

/// Bytes unpacked at a time: few enough for the stack, and that a bomb goes little beyond the limit.
pub const PIECE_BYTES: usize = 16 * 1024;

/// Open elements whose names are kept; the extensions that are in use nest to six.
pub const DEPTH_MAX: usize = 32;

/// Bytes in which an XML declaration must have ended: with version, encoding and `standalone` it has under 60.
pub const DECLARATION_BYTES_MAX: usize = 256;

/// Bytes of a body that tell what it is.
pub const HEAD_BYTES_MAX: usize = 4_096;
