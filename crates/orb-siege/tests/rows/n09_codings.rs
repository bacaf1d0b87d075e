//! N9: content codings that expand, stack, break off or lie. What they cost in memory stands in `tests/bombs.rs`.
use orb_fetch::{DecodeOddity, decode_content};

use super::*;

/// A case; the decoded bytes at least and at most; whether they are still coded; the oddities.
type Decoding = (&'static str, usize, usize, bool, &'static [DecodeOddity]);

const PAGE: usize = 100_000;
const CAP: usize = 50 << 20;

#[test]
fn n09_codings_are_bounded_and_what_can_be_read_is_kept() {
    use DecodeOddity as Odd;
    let decodings: &[Decoding] = &[
        ("gzip-bomb", CAP, CAP, false, &[Odd::CapReached]),
        ("deflate-bomb", CAP, CAP, false, &[Odd::CapReached]),
        // 250 bytes for each coded one; a mebibyte is always free.
        ("br-bomb", 1 << 20, 3 << 20, false, &[Odd::CapReached]),
        ("zstd-bomb", CAP, CAP, false, &[Odd::CapReached]),
        (
            "gzip-bomb-in-gzip",
            CAP,
            CAP,
            false,
            &[Odd::CapReached, Odd::CapReached],
        ),
        ("three-layers", PAGE, PAGE, false, &[]),
        ("five-layers", 0, PAGE, true, &[Odd::TooManyLayers]),
        ("zstd-window", 9, 9, true, &[Odd::WindowTooLarge]),
        ("zstd-empty-blocks", 0, 10 << 20, true, &[Odd::CutShort]),
        ("deflate-empty-blocks", 0, 10 << 20, true, &[Odd::CutShort]),
        ("gzip-empty-members", 0, 0, false, &[Odd::TrailingBytes]),
        (
            "gzip-then-garbage",
            PAGE,
            PAGE,
            false,
            &[Odd::TrailingBytes],
        ),
        ("gzip-cut", 30_000, PAGE - 1, false, &[Odd::CutShort]),
        ("gzip-damaged", 30_000, PAGE - 1, false, &[Odd::Damaged]),
        ("gzip-wrong-sum", PAGE, PAGE, false, &[Odd::Damaged]),
        ("unknown-name", PAGE, PAGE, true, &[Odd::UnknownCoding]),
        (
            "label-without-coding",
            PAGE,
            PAGE,
            false,
            &[Odd::Mislabelled],
        ),
        ("coding-without-label", 10_000, PAGE, false, &[]),
        ("wrong-label", 10_000, PAGE, true, &[Odd::Damaged]),
        (
            "long-list-of-labels",
            PAGE,
            PAGE,
            true,
            &[Odd::TooManyLayers],
        ),
    ];
    let row = HostileRow::N9;
    let expected: Vec<Expected> = decodings
        .iter()
        .map(|(case, ..)| (*case, "whole", None))
        .collect();
    check(row, &expected);
    besiege(async |siege: Siege| {
        for &(case, least, most, is_coded, oddities) in decodings {
            let response = siege.get(row, case).await.outcome.unwrap();
            let coding = response.content_encoding();
            let limits = siege.config.decode_limits();
            let decoded = decode_content(coding.as_deref(), response.payload(), &limits);
            let len = decoded.bytes.len();
            assert_eq!(decoded.oddities, oddities, "{case} gave {len} bytes");
            assert!((least..=most).contains(&len), "{case} gave {len} bytes");
            assert_eq!(decoded.encoded, is_coded, "{case}");
            let is_cut = oddities
                .iter()
                .any(|odd| matches!(odd, Odd::CapReached | Odd::CutShort | Odd::Damaged));
            assert_eq!(decoded.truncated, is_cut, "{case}");
        }
    });
}
