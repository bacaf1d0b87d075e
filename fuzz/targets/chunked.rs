//! A chunked body behind a plain head: bounded, and the same however it is cut into pieces.
//!
//! In: bytes of a body. Out: a panic where the reader breaks a promise. May touch: `orb-fetch`.
//! Invariant: what is asserted holds for every input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orb_fetch::alone::response;

fuzz_target!(|bytes: &[u8]| {
    let head: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let all = [head, bytes].concat();
    let whole = response(&all, all.len());
    if let Ok(whole) = &whole {
        assert!(whole.payload().len() <= bytes.len());
    }
    for piece in [1, 2, 7] {
        match (&whole, response(&all, piece)) {
            (Ok(whole), Ok(pieces)) => {
                assert_eq!(whole.payload(), pieces.payload(), "{piece}");
                assert_eq!(whole.truncated, pieces.truncated, "{piece}");
            }
            (Err(one), Err(other)) => assert_eq!(*one, other, "{piece}"),
            (one, other) => panic!("at once {one:?}, in pieces of {piece} {other:?}"),
        }
    }
});
