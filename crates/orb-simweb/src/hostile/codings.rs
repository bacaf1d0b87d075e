//! Row N9: content codings that expand, stack, break off or lie.
//!
//! In: the name of a case. Out: acts. May touch: `play`, `filler`, compression. Must not touch: streams.
//! Invariant: every listed case has acts; no body on the wire is larger than a crawler's usual cap of 10 MiB.

use std::io::Write;

use flate2::write::{GzEncoder, ZlibEncoder};
use flate2::{Compress, Compression, FlushCompress};

use super::filler::Filler;
use super::play::Act;

/// N9.
pub(super) const CODINGS: &[&str] = &[
    "gzip-bomb",
    "deflate-bomb",
    "br-bomb",
    "zstd-bomb",
    "gzip-bomb-in-gzip",
    "three-layers",
    "five-layers",
    "zstd-window",
    "zstd-empty-blocks",
    "deflate-empty-blocks",
    "gzip-empty-members",
    "gzip-then-garbage",
    "gzip-cut",
    "gzip-damaged",
    "gzip-wrong-sum",
    "unknown-name",
    "label-without-coding",
    "coding-without-label",
    "wrong-label",
    "long-list-of-labels",
];

/// Decoded bytes of a bomb: ten times 2^30.
const BOMB_BYTES: u64 = 10 << 30;

/// What one block of the bombs by deflate decodes to.
const BLOCK_BYTES: u64 = 16 << 20;

const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

pub(super) fn codings(case: &str, filler: &Filler) -> Option<Vec<Act>> {
    let text = filler.text(100_000);
    let (coding, body) = match case {
        "gzip-bomb" => ("gzip", [&GZIP_HEAD[..], &zeros(BOMB_BYTES)].concat()),
        "deflate-bomb" => ("deflate", [&[0x78, 0x9c][..], &zeros(BOMB_BYTES)].concat()),
        "br-bomb" => ("br", brotli_bomb(BOMB_BYTES)),
        "zstd-bomb" => ("zstd", zstd_bomb(BOMB_BYTES)),
        // The layer between is itself as large as a decoded page may be.
        "gzip-bomb-in-gzip" => (
            "gzip, gzip",
            gzip(&[&GZIP_HEAD[..], &zeros(5 * BOMB_BYTES)].concat()),
        ),
        "three-layers" => ("gzip, gzip, gzip", gzip(&gzip(&gzip(&text)))),
        "five-layers" => (
            "gzip, gzip, gzip, gzip, gzip",
            gzip(&gzip(&gzip(&gzip(&gzip(&text))))),
        ),
        // 3.75 TiB: the largest that the field can say.
        "zstd-window" => ("zstd", [&ZSTD_MAGIC[..], &[0, 0xff], &[1, 0, 0]].concat()),
        "zstd-empty-blocks" => (
            "zstd",
            [&ZSTD_MAGIC[..], &[0, 0x58], &[0, 0, 0].repeat(3 << 20)].concat(),
        ),
        "deflate-empty-blocks" => (
            "deflate",
            [
                &[0x78, 0x9c][..],
                &[0, 0, 0, 0xff, 0xff].repeat(2 << 20)[..9 << 20],
            ]
            .concat(),
        ),
        "gzip-empty-members" => ("gzip", gzip(b"").repeat(400_000)),
        "gzip-then-garbage" => ("gzip", [gzip(&text), text.clone()].concat()),
        "gzip-cut" => ("gzip", cut(gzip(&text))),
        "gzip-damaged" => ("gzip", damaged(gzip(&text))),
        "gzip-wrong-sum" => ("gzip", wrong_sum(gzip(&text))),
        "unknown-name" => ("rot13", text),
        "label-without-coding" => ("gzip", text),
        "coding-without-label" => ("", gzip(&text)),
        "wrong-label" => ("br", zlib(&text)),
        "long-list-of-labels" => (LABELS, text),
        _ => return None,
    };
    let mut head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n",
        body.len()
    );
    if !coding.is_empty() {
        head.push_str(&format!("Content-Encoding: {coding}\r\n"));
    }
    head.push_str("\r\n");
    Some(vec![Act::send(head), Act::Send(body.into()), Act::Close])
}

const LABELS: &str =
    "gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip,gzip";

const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A deflate stream of `bytes` zeros that never says it ends. One block that ends on a byte refers to zeros only, so
/// it can follow itself.
fn zeros(bytes: u64) -> Vec<u8> {
    let mut block = Vec::with_capacity(64 << 10);
    let input = vec![0; BLOCK_BYTES as usize];
    Compress::new(Compression::best(), false)
        .compress_vec(&input, &mut block, FlushCompress::Full)
        .expect("zeros can be compressed");
    block.repeat((bytes / BLOCK_BYTES) as usize)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("writing to memory does not fail")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("writing to memory does not fail")
}

fn cut(mut coded: Vec<u8>) -> Vec<u8> {
    coded.truncate(coded.len() / 2);
    coded
}

fn damaged(mut coded: Vec<u8>) -> Vec<u8> {
    let middle = coded.len() / 2;
    coded[middle..middle + 40].fill(0xff);
    coded
}

/// RFC 1952, 2.3.1: the checksum stands before the size, both at the end.
fn wrong_sum(mut coded: Vec<u8>) -> Vec<u8> {
    let at = coded.len() - 8;
    coded[at] ^= 1;
    coded
}

/// RFC 8878, 3.1.1.2: blocks that say one byte 131,072 times, four bytes each; a window of 8 MiB.
fn zstd_bomb(bytes: u64) -> Vec<u8> {
    let block = (131_072_u32 << 3) | (1 << 1);
    let [a, b, c, _] = block.to_le_bytes();
    let blocks = [a, b, c, b'x'].repeat((bytes / 131_072) as usize);
    [&ZSTD_MAGIC[..], &[0, 0x68], &blocks].concat()
}

/// RFC 7932, 9.2: meta-blocks of 16 MiB from 102 bits: one literal, then a copy of distance 1.
fn brotli_bomb(bytes: u64) -> Vec<u8> {
    const LENGTH: u64 = (1 << 24) - 1;
    const BLOCK: [(u64, u32); 16] = [
        (0, 1),           // not the last
        (2, 2),           // the length has six nibbles
        (LENGTH, 24),     // less one
        (0, 1),           // compressed
        (0, 3),           // one block type each
        (0, 6),           // no postfix, no direct distances
        (0, 2),           // context mode
        (0, 2),           // one tree each
        (1, 4),           // literals: one symbol
        (b'x' as u64, 8), // this one
        (1, 4),           // commands: one symbol
        (399, 10),        // insert 1, copy 2,118 and 24 bits more
        (1, 4),           // distances: one symbol
        (16, 6),          // 1, and one bit more
        (LENGTH - 2_118, 24),
        (0, 1),
    ];
    let (mut out, mut held, mut count) = (Vec::new(), 0b0011_u64, 4); // a window of 2^18
    for _ in 0..bytes / (LENGTH + 1) {
        for (value, bits) in BLOCK {
            held |= value << count;
            count += bits;
            while count >= 8 {
                out.push(held as u8);
                held >>= 8;
                count -= 8;
            }
        }
    }
    out.push(held as u8 | 0b11 << count); // the last meta-block, empty
    out
}
