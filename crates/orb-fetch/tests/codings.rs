//! Content codings, bombs and damage (fault N9).
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use orb_fetch::{DecodeLimits, DecodeOddity, decode_content};
use proptest::prelude::*;

const TEXT: &str = "Orb-weavers rebuild their web every day. ";

fn text() -> Vec<u8> {
    (0..2000)
        .flat_map(|i| format!("{i} {TEXT}").into_bytes())
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

/// A brotli stream (RFC 7932, 9.2) of uncompressed meta-blocks of 65,536 bytes each, window 2^18.
fn brotli_stored(bytes: &[u8]) -> Vec<u8> {
    brotli_in_window(0b0011, 4, bytes)
}

/// The same with a window of its own, as the stream's first bits tell it.
fn brotli_in_window(window: u64, window_bits: u32, bytes: &[u8]) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(window, window_bits);
    for block in bytes.chunks(65_536) {
        bits.put(0, 1); // ISLAST
        bits.put(0, 2); // MNIBBLES = 4
        bits.put(block.len() as u64 - 1, 16);
        bits.put(1, 1); // ISUNCOMPRESSED
        bits.align();
        bits.bytes.extend_from_slice(block);
    }
    bits.put(0b11, 2); // ISLAST, ISLASTEMPTY
    bits.align();
    bits.bytes
}

/// A brotli stream that says "repeat": one literal, then copies of distance 1; 16 MiB from a few bytes.
fn brotli_bomb(blocks: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.put(0b0011, 4);
    for _ in 0..blocks {
        bits.put(0, 1); // ISLAST
        bits.put(2, 2); // MNIBBLES = 6
        bits.put((1 << 24) - 1, 24);
        bits.put(0, 1); // ISUNCOMPRESSED
        bits.put(0, 3); // one block type for literals, commands, distances
        bits.put(0, 6); // NPOSTFIX, NDIRECT
        bits.put(0, 2); // context mode of the one block type
        bits.put(0, 2); // one tree for literals, one for distances
        bits.put(0b0001, 4); // simple literal code of one symbol
        bits.put(u64::from(b'x'), 8);
        bits.put(0b0001, 4); // simple command code of one symbol
        bits.put(384 + 8 + 7, 10); // insert 1, copy 2,118 and 24 extra bits
        bits.put(0b0001, 4); // simple distance code of one symbol
        bits.put(16, 6); // distance 1 and one extra bit
        bits.put((1 << 24) - 1 - 2118, 24); // the copy's extra bits
        bits.put(0, 1); // the distance's
    }
    bits.put(0b11, 2); // ISLAST, ISLASTEMPTY
    bits.align();
    bits.bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits {
    fn put(&mut self, value: u64, count: u32) {
        self.held |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.count -= 8;
        }
    }

    fn align(&mut self) {
        if self.count > 0 {
            self.bytes.push(self.held as u8);
        }
        (self.held, self.count) = (0, 0);
    }
}

/// Decodes under the default limits: bytes, whether cut, whether still coded, the oddities.
fn check(coding: &str, coded: &[u8]) -> (Vec<u8>, bool, bool, Vec<DecodeOddity>) {
    let decoded = decode_content(Some(coding), coded, &DecodeLimits::default());
    (
        decoded.bytes.into_owned(),
        decoded.truncated,
        decoded.encoded,
        decoded.oddities,
    )
}

fn whole(bytes: &[u8]) -> (Vec<u8>, bool, bool, Vec<DecodeOddity>) {
    (bytes.to_vec(), false, false, Vec::new())
}

#[test]
fn each_coding_is_undone() {
    let text = text();
    for (coding, coded) in [
        ("gzip", gzip(&text)),
        ("x-gzip", gzip(&text)),
        ("GZip ", gzip(&text)),
        ("deflate", zlib(&text)),
        ("deflate", deflate(&text)),
        ("br", brotli_stored(&text)),
        ("zstd", zstd(&text)),
        ("identity", text.clone()),
        ("", text.clone()),
        (", gzip ,identity", gzip(&text)),
        ("gzip, br", brotli_stored(&gzip(&text))),
        ("zstd, deflate, gzip", gzip(&zlib(&zstd(&text)))),
    ] {
        assert_eq!(check(coding, &coded), whole(&text), "{coding}");
    }
    let plain = decode_content(None, &text, &DecodeLimits::default());
    assert!(
        matches!(plain.bytes, std::borrow::Cow::Borrowed(_)),
        "nothing is copied without need"
    );
}

#[test]
fn empty_bodies_stay_empty() {
    for coding in ["gzip", "deflate", "br", "zstd", "unheard-of"] {
        assert_eq!(check(coding, b"").0, b"");
        assert!(!check(coding, b"").2, "{coding}: nothing is left coded");
    }
    for coded in [gzip(b""), zlib(b""), zstd(b"")] {
        assert_eq!(
            check(
                if coded[0] == 0x1f {
                    "gzip"
                } else if coded[0] == 0x78 {
                    "deflate"
                } else {
                    "zstd"
                },
                &coded
            ),
            whole(b"")
        );
    }
}

#[test]
fn several_members_and_frames_are_one_body() {
    let (one, two) = (text(), b"and more".to_vec());
    let both = [one.clone(), two.clone()].concat();
    assert_eq!(
        check("gzip", &[gzip(&one), gzip(&two)].concat()),
        whole(&both)
    );
    // Equal members: the trailer alone would fit the first.
    assert_eq!(
        check("gzip", &[gzip(&two), gzip(&two)].concat()),
        whole(b"and moreand more")
    );
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    assert_eq!(
        check(
            "zstd",
            &[zstd(&one), skippable.to_vec(), zstd(&two)].concat()
        ),
        whole(&both)
    );
    let empty_members = gzip(b"").repeat(100_000);
    assert_eq!(
        check("gzip", &empty_members).3,
        [DecodeOddity::TrailingBytes],
        "members are bounded"
    );
}

#[test]
fn what_cannot_be_undone_stays_and_says_so() {
    let text = text();
    for (coding, oddity) in [
        ("unheard-of", DecodeOddity::UnknownCoding),
        ("gzip, unheard-of", DecodeOddity::UnknownCoding),
        ("gzip, gzip, gzip, gzip", DecodeOddity::TooManyLayers),
    ] {
        assert_eq!(
            check(coding, &text),
            (text.clone(), false, true, vec![oddity]),
            "{coding}"
        );
    }
    for coding in ["gzip", "zstd", "deflate"] {
        let found = check(coding, text.as_slice());
        assert_eq!(
            found,
            (text.clone(), false, false, vec![DecodeOddity::Mislabelled]),
            "{coding}"
        );
    }
    let too_wide = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 1, 0, 0]; // window descriptor: 2^30
    let found = check("zstd", &too_wide);
    assert_eq!(
        (found.2, found.3),
        (true, vec![DecodeOddity::WindowTooLarge])
    );
    // RFC 7932, 9.1: 2^24 is the largest; what lies beyond is a mark of its own, and not read.
    let widest = check("br", &brotli_in_window(0b1111, 4, &text));
    assert_eq!(widest, whole(&text));
    let too_wide = check("br", &brotli_in_window(0b001_0001, 7, &text));
    assert!(too_wide.2, "{:?}", too_wide.3);
    let found = check("br", b"\xff\xff\xff\xff\xff\xff\xff\xff");
    assert!(found.2 && found.0 == b"\xff\xff\xff\xff\xff\xff\xff\xff");
}

/// Of a body that was cut or damaged the prefix is kept.
#[test]
fn the_useful_prefix_of_a_broken_body_is_kept() {
    let text = text().repeat(10); // several zstd blocks
    for (coding, coded) in [
        ("gzip", gzip(&text)),
        ("deflate", zlib(&text)),
        ("deflate", deflate(&text)),
        ("br", brotli_stored(&text)),
        ("zstd", zstd(&text)),
    ] {
        let cut = check(coding, &coded[..coded.len() - coded.len() / 4]);
        assert!(
            text.starts_with(&cut.0) && cut.0.len() > text.len() / 10,
            "{coding}: {} bytes",
            cut.0.len()
        );
        assert_eq!((cut.1, cut.2), (true, false), "{coding}");
        assert_eq!(cut.3, [DecodeOddity::CutShort], "{coding}");
    }
    for (coding, coded) in [
        ("gzip", gzip(&text)),
        ("zstd", zstd(&text)),
        ("deflate", zlib(&text)),
    ] {
        let trailing = [coded, b"garbage behind".to_vec()].concat();
        assert_eq!(
            check(coding, &trailing),
            (
                text.clone(),
                false,
                false,
                vec![DecodeOddity::TrailingBytes]
            ),
            "{coding}"
        );
    }
    let mut damaged = gzip(&text);
    let middle = damaged.len() / 2;
    damaged[middle..middle + 40].fill(0xff);
    let found = check("gzip", &damaged);
    assert!(found.1 && !found.0.is_empty(), "{:?}", found.3);
    let mut wrong_sum = gzip(&text);
    let at = wrong_sum.len() - 8;
    wrong_sum[at] ^= 1;
    let found = check("gzip", &wrong_sum);
    assert_eq!(
        (found.0.len(), found.1),
        (text.len(), true),
        "a wrong checksum marks the body"
    );
}

#[test]
fn bombs_stop_at_the_ratio_or_the_cap() {
    let zeros = vec![0; 64 << 20];
    let bombs = [
        ("gzip", gzip(&zeros)),
        ("deflate", zlib(&zeros)),
        ("zstd", zstd(&zeros)),
        ("br", brotli_bomb(4)),
    ];
    let limits = DecodeLimits::default();
    for (coding, bomb) in &bombs {
        let by_ratio = (bomb.len() as u64 * limits.ratio_max).max(1 << 20);
        let expected = by_ratio.min(limits.bytes_max) as usize;
        assert!(
            expected < zeros.len(),
            "{coding} is a bomb of {} bytes",
            bomb.len()
        );
        let decoded = decode_content(Some(coding), bomb, &limits);
        assert_eq!(
            decoded.bytes.len(),
            expected,
            "{coding} {:?}",
            decoded.oddities
        );
        assert!(
            decoded.truncated && decoded.oddities == [DecodeOddity::CapReached],
            "{coding}"
        );
        let small = DecodeLimits {
            bytes_max: 1000,
            ..limits
        };
        assert_eq!(
            decode_content(Some(coding), bomb, &small).bytes.len(),
            1000,
            "{coding}"
        );
    }
    // Stacked: the ratio is one of the whole stack.
    let stacked = gzip(&gzip(&gzip(&zeros)));
    let decoded = decode_content(Some("gzip, gzip, gzip"), &stacked, &limits);
    assert!(
        decoded.bytes.len() <= (stacked.len() * 250).max(1 << 20),
        "{}",
        decoded.bytes.len()
    );
    // A page of blanks below the free bytes is no bomb.
    let blanks = vec![b' '; 900_000];
    assert_eq!(check("gzip", &gzip(&blanks)), whole(&blanks));
}

/// Three bytes that decode to nothing, as often as a body can hold them.
#[test]
fn endless_empty_blocks_end() {
    let mut coded = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58];
    coded.extend([0u8, 0, 0].repeat(1 << 20));
    let found = check("zstd", &coded);
    assert_eq!(found.3, [DecodeOddity::CutShort]);
    let stored = [0u8, 0, 0, 0xff, 0xff].repeat(1 << 20);
    assert!(check("deflate", &stored).1);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bytes: no panic, and never more than the cap.
    #[test]
    fn no_input_breaks_the_bounds(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        signature in prop::sample::select(vec![&b""[..], &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], &[0x78, 0x9c], &[0x28, 0xb5, 0x2f, 0xfd]]),
        coding in prop::sample::select(vec!["gzip", "deflate", "br", "zstd", "br, gzip", "zstd, br"]),
    ) {
        let input = [signature, &bytes].concat();
        let limits = DecodeLimits { bytes_max: 5000, ..DecodeLimits::default() };
        let decoded = decode_content(Some(coding), &input, &limits);
        prop_assert!(decoded.bytes.len() <= 5000.max(input.len()));
    }

    /// Whatever the damage to a real body: no panic, a prefix or the raw bytes.
    #[test]
    fn no_damage_breaks_a_decoder(at in 0usize..4000, to in any::<u8>(), cut in 0usize..4000, which in 0usize..4) {
        let text = text();
        let (coding, mut coded) =
            [("gzip", gzip(&text)), ("deflate", zlib(&text)), ("zstd", zstd(&text)), ("br", brotli_stored(&text))][which].clone();
        coded.truncate(cut.max(1));
        let at = at % coded.len();
        coded[at] = to;
        let decoded = decode_content(Some(coding), &coded, &DecodeLimits::default());
        prop_assert!(decoded.bytes.len() <= DecodeLimits::default().bytes_max as usize);
    }
}

/// A buffer that is used again shows nothing of the page before.
#[test]
fn a_recycled_buffer_holds_the_next_body_only() {
    let (long, short) = (b"long ".repeat(40_000), b"short".to_vec());
    for body in [&long, &short, &long] {
        let coded = gzip(body);
        let decoded = decode_content(Some("gzip"), &coded, &DecodeLimits::default());
        assert_eq!(&*decoded.bytes, &body[..]);
        decoded.recycle();
    }
}
