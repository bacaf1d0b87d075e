//! Dictionaries of `.warc.zst` files: what their records have in common, said once (warc-zstd 1.0, IIPC).
//!
//! In: samples, or the beginning of a file. Out: a dictionary, or the frame that a file begins with.
//! May touch: the `Read` it is given. Must not touch: files by name.
//! Invariant: a value is a dictionary that zstd loads; what is none is never taken for one.
//!
//! | bytes at the start of a file | what |
//! |---|---|
//! | 4 | `5d 2a 4d 18`, a skippable frame (RFC 8878, 3.1.2) |
//! | 4 | n, little endian |
//! | n | the dictionary (RFC 8878, 5), or a zstd frame that holds it |

use std::io::{self, Read};
use std::sync::Arc;

use crate::limits::{DICTIONARY_BYTES, DICTIONARY_BYTES_MAX, DICTIONARY_LEVEL};

/// First bytes of the frame that holds a dictionary.
pub(crate) const FRAME_MAGIC: [u8; 4] = [0x5d, 0x2a, 0x4d, 0x18];
/// First bytes of a dictionary (RFC 8878, 5).
const MAGIC: [u8; 4] = [0x37, 0xa4, 0x30, 0xec];

/// See the module. Cloning shares the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Dictionary(Arc<[u8]>);

impl std::fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dictionary({} bytes, id {})", self.0.len(), self.id())
    }
}

impl Dictionary {
    /// Makes a dictionary of what `samples` have in common; `None` when they are too few or too small for one.
    ///
    /// Cost: about a second for 8 MB of samples. Equal samples give equal dictionaries.
    #[must_use]
    pub fn train(samples: &[Vec<u8>]) -> Option<Dictionary> {
        let bytes = zstd::dict::from_samples(samples, DICTIONARY_BYTES).ok()?;
        Self::of_bytes(bytes)
    }

    /// Takes a dictionary in the format of RFC 8878; `None` for anything else.
    #[must_use]
    pub fn of_bytes(bytes: Vec<u8>) -> Option<Dictionary> {
        let fits = bytes.len() > 8 && bytes.len() <= DICTIONARY_BYTES_MAX;
        let loads = fits
            && bytes.starts_with(&MAGIC)
            && zstd::stream::raw::Decoder::with_dictionary(&bytes).is_ok();
        loads.then(|| Dictionary(bytes.into()))
    }

    /// Reads the dictionary that a file begins with; `None` when it begins with something else.
    ///
    /// # Errors
    /// What the input says.
    pub fn read(input: &mut impl Read) -> io::Result<Option<Dictionary>> {
        let mut head = Vec::with_capacity(8);
        input.by_ref().take(8).read_to_end(&mut head)?;
        let Some(bytes) = frame_bytes(&head).filter(|bytes| *bytes <= DICTIONARY_BYTES_MAX) else {
            return Ok(None);
        };
        let mut data = Vec::new();
        input.by_ref().take(bytes as u64).read_to_end(&mut data)?;
        Ok(Self::of_frame(data))
    }

    /// Takes what the frame at a file's beginning holds.
    pub(crate) fn of_frame(data: Vec<u8>) -> Option<Dictionary> {
        if data.starts_with(&MAGIC) {
            return Self::of_bytes(data);
        }
        Self::of_bytes(zstd::bulk::decompress(&data, DICTIONARY_BYTES_MAX).ok()?)
    }

    /// The dictionary.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its number, which every frame names that was compressed with it.
    #[must_use]
    pub fn id(&self) -> u32 {
        let id = self.0[4..].first_chunk::<4>();
        id.map_or(0, |id| u32::from_le_bytes(*id))
    }

    /// The frame that a file begins with, the dictionary compressed in it.
    #[must_use]
    pub fn frame(&self) -> Vec<u8> {
        let mut compressor =
            zstd::bulk::Compressor::new(DICTIONARY_LEVEL).expect("the level is one of zstd's");
        compressor
            .set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true))
            .expect("every zstd has checksums");
        let data = compressor
            .compress(&self.0)
            .expect("a dictionary in memory can be compressed");
        let length = u32::try_from(data.len()).expect("a dictionary has at most megabytes");
        [&FRAME_MAGIC[..], &length.to_le_bytes(), &data].concat()
    }
}

/// Bytes that follow the head of a dictionary's frame.
pub(crate) fn frame_bytes(head: &[u8]) -> Option<usize> {
    let length = head.strip_prefix(&FRAME_MAGIC)?.first_chunk::<4>()?;
    usize::try_from(u32::from_le_bytes(*length)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples like the heads of many records.
    fn samples() -> Vec<Vec<u8>> {
        let sample = |n: u32| {
            let n = n.wrapping_mul(2_654_435_761);
            format!(
                "WARC/1.1\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:{n:032x}>\r\nWARC-Target-URI: \
                 https://a.example/{n}\r\nContent-Type: application/http; msgtype=response\r\n\r\nHTTP/1.1 200 OK\r\n\
                 Server: nginx\r\nContent-Type: text/html\r\n\r\n<!DOCTYPE html><html><head><title>{n}</title>"
            )
            .into_bytes()
        };
        (0..2_000).map(sample).collect()
    }

    #[test]
    fn a_dictionary_survives_its_frame() {
        let dictionary = Dictionary::train(&samples()).unwrap();
        assert!(dictionary.id() >= 32_768);
        let mut file = dictionary.frame();
        file.extend_from_slice(b"rest");
        assert_eq!(
            Dictionary::read(&mut &file[..]).unwrap(),
            Some(dictionary.clone())
        );
        let plain = [
            &FRAME_MAGIC[..],
            &(dictionary.0.len() as u32).to_le_bytes(),
            &dictionary.0,
        ]
        .concat();
        assert_eq!(Dictionary::read(&mut &plain[..]).unwrap(), Some(dictionary));
    }

    #[test]
    fn what_is_no_dictionary_is_none() {
        assert_eq!(Dictionary::train(&[b"one".to_vec()]), None);
        for file in [
            &b""[..],
            b"\x5d\x2a\x4d",
            b"\x5d\x2a\x4d\x18\x03\0\0\0abc",
            b"\x5d\x2a\x4d\x18\xff\xff\xff\xffabc",
            b"\x5d\x2a\x4d\x18\x0c\0\0\0\x37\xa4\x30\xecabcdefgh",
            b"\x28\xb5\x2f\xfd",
        ] {
            assert_eq!(Dictionary::read(&mut &file[..]).unwrap(), None, "{file:?}");
        }
    }
}
