//! Gzip members: written stored, headers measured (RFC 1952, RFC 1951).
//!
//! In: the pieces of a record, or the first bytes of a member. Out: a member appended, or the length of its header.
//! May touch: nothing else.
//! Invariant: a member written here is the same for the same pieces, on every machine and at every time.
//!
//! A stored member, for blocks that came compressed. Everything is stored, the record header too: deflating some 900 bytes of
//! header saves less than two percent of an average record and costs about as much of a page's time, while this layout needs no
//! compressor, no second buffer, and shows the header to `grep`.
//!
//! | bytes | what |
//! |---|---|
//! | 10 | `1f 8b 08`, no flags, no time, no hint, system 255 (unknown) |
//! | 5 + n, repeated | last-block bit, n, not n (16 bits each, little endian), n <= 65,535 bytes as they are |
//! | 4 | CRC-32 of all n |
//! | 4 | sum of all n, modulo 2^32 |

use crate::limits::STORED_BLOCK_BYTES_MAX;

/// The two bytes every gzip member begins with, and the only method there is.
pub(crate) const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

/// Appends the pieces, joined, as one member of stored blocks.
pub(crate) fn stored_member<'a>(out: &mut Vec<u8>, pieces: impl Iterator<Item = &'a [u8]> + Clone) {
    let total: usize = pieces.clone().map(<[u8]>::len).sum();
    out.reserve(total + 18 + 5 * (total / STORED_BLOCK_BYTES_MAX + 1));
    out.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    let mut crc = crc32fast::Hasher::new();
    let mut left = total;
    let mut room = open_block(out, left);
    for mut piece in pieces {
        crc.update(piece);
        while !piece.is_empty() {
            if room == 0 {
                room = open_block(out, left);
            }
            let (now, later) = piece.split_at(room.min(piece.len()));
            out.extend_from_slice(now);
            piece = later;
            room -= now.len();
            left -= now.len();
        }
    }
    out.extend_from_slice(&crc.finalize().to_le_bytes());
    out.extend_from_slice(&(total as u32).to_le_bytes());
}

/// Appends the head of the next stored block and returns how many bytes it holds.
fn open_block(out: &mut Vec<u8>, left: usize) -> usize {
    let size = left.min(STORED_BLOCK_BYTES_MAX);
    let length = size as u16;
    out.push(u8::from(size == left));
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&(!length).to_le_bytes());
    size
}

/// What the first bytes of a member say about its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderLen {
    /// The deflate stream begins here.
    Known(usize),
    /// So far it is one, but more bytes are needed.
    NeedsMore,
    /// This is no gzip member.
    Not,
}

/// Measures the header that `bytes` begin with, optional parts included (RFC 1952, 2.3).
pub(crate) fn header_len(bytes: &[u8]) -> HeaderLen {
    let seen = bytes.len().min(MAGIC.len());
    if bytes[..seen] != MAGIC[..seen] {
        return HeaderLen::Not;
    }
    let Some(&flags) = bytes.get(3) else {
        return HeaderLen::NeedsMore;
    };
    if flags & 0xe0 != 0 {
        return HeaderLen::Not;
    }
    let mut len = 10;
    if flags & 4 != 0 {
        match bytes.get(len..len + 2) {
            Some(size) => len += 2 + usize::from(u16::from_le_bytes([size[0], size[1]])),
            None => return HeaderLen::NeedsMore,
        }
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            match bytes.get(len..).and_then(|rest| memchr::memchr(0, rest)) {
                Some(end) => len += end + 1,
                None => return HeaderLen::NeedsMore,
            }
        }
    }
    if flags & 2 != 0 {
        len += 2;
    }
    if bytes.len() < len {
        HeaderLen::NeedsMore
    } else {
        HeaderLen::Known(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Read as _;

    #[test]
    fn optional_header_parts_are_stepped_over() {
        let plain = [0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 0, 255];
        assert_eq!(header_len(&plain), HeaderLen::Known(10));
        let mut all = plain.to_vec();
        all[3] = 2 | 4 | 8 | 16;
        all.extend_from_slice(b"\x03\0abcname\0comment\0\x12\x34");
        assert_eq!(header_len(&all), HeaderLen::Known(all.len()));
        for cut in 0..all.len() {
            assert_eq!(header_len(&all[..cut]), HeaderLen::NeedsMore, "{cut}");
        }
        assert_eq!(header_len(b"WARC"), HeaderLen::Not);
        assert_eq!(header_len(&[0x1f, 0x8b, 8, 0x80]), HeaderLen::Not);
    }

    #[test]
    fn blocks_split_at_the_length_field() {
        for size in [
            0,
            1,
            STORED_BLOCK_BYTES_MAX,
            STORED_BLOCK_BYTES_MAX + 1,
            2 * STORED_BLOCK_BYTES_MAX,
        ] {
            let bytes = vec![7; size];
            let mut member = Vec::new();
            stored_member(&mut member, std::iter::once(&bytes[..]));
            assert_eq!(
                member.len(),
                size + 18 + 5 * size.div_ceil(STORED_BLOCK_BYTES_MAX).max(1)
            );
            let mut back = Vec::new();
            flate2::bufread::GzDecoder::new(&member[..])
                .read_to_end(&mut back)
                .unwrap();
            assert_eq!(back, bytes);
        }
    }

    proptest! {
        #[test]
        fn stored_members_inflate_to_their_pieces(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40_000), 0..6)) {
            let mut member = Vec::new();
            stored_member(&mut member, pieces.iter().map(|p| &p[..]));
            let mut back = vec![0; pieces.concat().len()];
            libdeflater::Decompressor::new().gzip_decompress(&member, &mut back).unwrap();
            prop_assert_eq!(back, pieces.concat());
        }
    }
}
