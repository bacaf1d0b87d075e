//! Records into members: one gzip member or zstd frame for each record, or none.
//!
//! In: header and block parts of one record. Out: its bytes, appended to the caller's buffer.
//! May touch: its own compressor and scratch buffer. Must not touch: files.
//! Invariant: one record is one member (WARC 1.1, annex D), so any record can be read without the ones before it.

use crate::gzip;
use crate::limits::{GZIP_LEVEL, SCRATCH_BYTES_KEPT};

/// What stands after every block (WARC 1.1, 4).
pub(crate) const RECORD_END: &[u8] = b"\r\n\r\n";

/// How the records of a file are compressed, each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// One gzip member a record: what every tool reads.
    Gzip,
    /// One zstd frame a record.
    #[cfg(feature = "zstd")]
    Zstd,
    /// Records as they are.
    None,
}

impl Compression {
    /// End of the name of such a file, `.warc.gz` for gzip.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Gzip => ".warc.gz",
            #[cfg(feature = "zstd")]
            Self::Zstd => ".warc.zst",
            Self::None => ".warc",
        }
    }

    /// Splits a file name into its stem and the compression its end names.
    pub fn of_name(name: &str) -> Option<(&str, Self)> {
        let all = [
            Self::Gzip,
            #[cfg(feature = "zstd")]
            Self::Zstd,
            Self::None,
        ];
        all.into_iter()
            .find_map(|compression| Some((name.strip_suffix(compression.suffix())?, compression)))
    }
}

/// The compressor of one writer, reused for all its records.
pub(crate) enum Encoder {
    /// libdeflate works on whole buffers, so a record is joined first.
    Gzip {
        compressor: libdeflater::Compressor,
        scratch: Vec<u8>,
    },
    #[cfg(feature = "zstd")]
    Zstd {
        compressor: zstd::bulk::Compressor<'static>,
        scratch: Vec<u8>,
    },
    Plain,
}

impl Encoder {
    /// zstd with what the records have in common; the file must begin with it.
    #[cfg(feature = "zstd")]
    pub(crate) fn with_dictionary(dictionary: &crate::Dictionary) -> Self {
        Self::Zstd {
            compressor: zstd_compressor(dictionary.as_bytes()),
            scratch: Vec::new(),
        }
    }

    pub(crate) fn new(compression: Compression) -> Self {
        match compression {
            Compression::Gzip => {
                let level = libdeflater::CompressionLvl::new(GZIP_LEVEL)
                    .expect("the level is one of libdeflate's");
                Self::Gzip {
                    compressor: libdeflater::Compressor::new(level),
                    scratch: Vec::new(),
                }
            }
            #[cfg(feature = "zstd")]
            Compression::Zstd => Self::Zstd {
                compressor: zstd_compressor(&[]),
                scratch: Vec::new(),
            },
            Compression::None => Self::Plain,
        }
    }

    /// Appends one record. `stored` says that compressing the block again would be wasted; zstd finds that out by itself.
    pub(crate) fn append(
        &mut self,
        out: &mut Vec<u8>,
        header: &[u8],
        block: &[&[u8]],
        stored: bool,
    ) {
        let pieces = std::iter::once(header)
            .chain(block.iter().copied())
            .chain(std::iter::once(RECORD_END));
        match self {
            Self::Plain => pieces.for_each(|piece| out.extend_from_slice(piece)),
            Self::Gzip { .. } if stored => gzip::stored_member(out, pieces),
            Self::Gzip {
                compressor,
                scratch,
            } => {
                pieces.for_each(|piece| scratch.extend_from_slice(piece));
                let start = out.len();
                out.resize(start + compressor.gzip_compress_bound(scratch.len()), 0);
                let size = compressor
                    .gzip_compress(scratch, &mut out[start..])
                    .expect("the bound leaves room");
                out.truncate(start + size);
                recycle(scratch);
            }
            #[cfg(feature = "zstd")]
            Self::Zstd {
                compressor,
                scratch,
            } => {
                pieces.for_each(|piece| scratch.extend_from_slice(piece));
                let start = out.len();
                out.resize(start + zstd::zstd_safe::compress_bound(scratch.len()), 0);
                let size = compressor
                    .compress_to_buffer(scratch, &mut out[start..])
                    .expect("the bound leaves room");
                out.truncate(start + size);
                recycle(scratch);
            }
        }
    }
}

#[cfg(feature = "zstd")]
fn zstd_compressor(dictionary: &[u8]) -> zstd::bulk::Compressor<'static> {
    let level = crate::limits::ZSTD_LEVEL;
    let mut compressor = zstd::bulk::Compressor::with_dictionary(level, dictionary)
        .expect("the level is one of zstd's, and the dictionary was loaded before");
    // Without a checksum a damaged frame would be read as if it were whole.
    compressor
        .set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true))
        .expect("every zstd has checksums");
    compressor
}

/// Empties the buffer and gives back what one huge record made it grow.
fn recycle(scratch: &mut Vec<u8>) {
    scratch.clear();
    scratch.shrink_to(SCRATCH_BYTES_KEPT);
}
