//! One test for each row of the catalogue of faults, the row's number in its name.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod n01_slow;
mod n02_endless;
mod n03_lengths;
mod n04_chunks;
mod n05_desyncs;
mod n06_heads;
mod n07_interim;
mod n09_codings;
mod n10_handshakes;
mod n11_offsets;
mod n12_redirects;
mod n13_pointers;
mod n14_names;

use orb_siege::{Siege, besiege, class};
use orb_simweb::HostileRow;

/// What comes of one case: `whole`, how the body was cut, or the class of the error; and the payload where it matters.
type Expected = (&'static str, &'static str, Option<&'static str>);

/// Every case of `row` comes out as expected, by a fresh fetcher each; every case is expected.
fn check(row: HostileRow, expected: &[Expected]) {
    let mut named: Vec<&str> = expected.iter().map(|(case, ..)| *case).collect();
    let mut cases = row.cases();
    named.sort_unstable();
    cases.sort_unstable();
    assert_eq!(named, cases, "{row}: every case has its line");
    besiege(async |siege: Siege| {
        for &(case, expected, payload) in expected {
            let exchange = siege.get(row, case).await;
            assert_eq!(class(&exchange), expected, "{row} {case}");
            if let (Some(payload), Ok(response)) = (payload, &exchange.outcome) {
                let found = String::from_utf8_lossy(response.payload());
                assert_eq!(found, payload, "{row} {case}");
            }
        }
    });
}
