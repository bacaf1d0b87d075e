//! Content codings: never more than the limits, whatever is in the body and however it is labelled.
//!
//! In: a byte that chooses the codings, a body. Out: a panic where a limit is broken. May touch: `orb-fetch`.
//! Invariant: what is asserted holds for every input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orb_fetch::{DecodeLimits, decode_content};

const CODINGS: [&str; 8] = [
    "gzip",
    "deflate",
    "br",
    "zstd",
    "gzip, br",
    "zstd, gzip",
    "deflate, deflate, deflate",
    "gzip, gzip, gzip, gzip",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, body)) = bytes.split_first() else {
        return;
    };
    let limits = DecodeLimits {
        bytes_max: 1 << 20,
        ratio_max: 250,
        layers_max: 3,
    };
    let coding = CODINGS[usize::from(*choice) % CODINGS.len()];
    let decoded = decode_content(Some(coding), body, &limits);
    assert!(decoded.bytes.len() <= (1 << 20).max(body.len()));
    let again = decode_content(Some(coding), body, &limits);
    assert_eq!(decoded, again);
    decoded.recycle();
});
