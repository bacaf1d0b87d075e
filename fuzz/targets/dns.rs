//! DNS answers: only addresses of the right family, a few of them, or none.
//!
//! In: bytes of a server. Out: a panic where the judge breaks a promise. May touch: `orb-fetch`.
//! Invariant: what is asserted holds for every input.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orb_fetch::alone::dns_answer;
use orb_fetch::limits::DNS_ADDRESSES_MAX;

/// An answer's first bytes: id 0, a response without error, one question for `a.test`.
fn answer(v6: bool, records: &[u8]) -> Vec<u8> {
    let kind = if v6 { 28 } else { 1 };
    let (count, records) = records.split_first().unwrap_or((&0, &[]));
    let mut bytes = vec![0, 0, 0x81, 0x80, 0, 1, 0, *count, 0, 0, 0, 0];
    bytes.extend_from_slice(b"\x01a\x04test\x00\x00");
    bytes.extend_from_slice(&[kind, 0, 1]);
    bytes.extend_from_slice(records);
    bytes
}

fuzz_target!(|bytes: &[u8]| {
    for v6 in [false, true] {
        for message in [bytes.to_vec(), answer(v6, bytes)] {
            if let Some(addresses) = dns_answer(&message, "a.test", v6) {
                assert!(addresses.len() <= DNS_ADDRESSES_MAX);
                assert!(addresses.iter().all(|address| address.is_ipv6() == v6));
            }
        }
    }
});
