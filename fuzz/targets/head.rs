//! A whole response: how its bytes are cut into pieces decides nothing.
//!
//! In: bytes of a server. Out: a panic where the reader breaks a promise. May touch: `orb-fetch`.
//! Invariant: what is asserted holds for every input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orb_fetch::alone::response;

fuzz_target!(|bytes: &[u8]| {
    let whole = response(bytes, bytes.len());
    for piece in [1, 3, 64] {
        let pieces = response(bytes, piece);
        match (&whole, &pieces) {
            (Ok(whole), Ok(pieces)) => {
                assert_eq!(whole.status, pieces.status, "{piece}");
                assert_eq!(whole.payload(), pieces.payload(), "{piece}");
                assert_eq!(whole.truncated, pieces.truncated, "{piece}");
                assert!(whole.headers().eq(pieces.headers()), "{piece}");
            }
            (Err(_), Err(_)) => {}
            _ => panic!("at once {whole:?}, in pieces of {piece} {pieces:?}"),
        }
    }
});
