//! N2: bodies without an end.
use super::*;

/// Whatever frames it, reading stops at the cap, the prefix is kept and the record says `length`.
#[test]
fn n02_endless_bodies_end_at_the_cap() {
    let row = HostileRow::N2;
    let cut = |case| (case, "length", None);
    check(
        row,
        &["until-close", "by-length", "one-chunk", "many-chunks"].map(cut),
    );
    besiege(async |siege: Siege| {
        let cap = siege.config.body_bytes_max as usize;
        for case in row.cases() {
            let fetcher = siege.fetcher();
            let exchange = siege.send(&fetcher, row, case).await;
            let response = exchange.outcome.unwrap();
            assert_eq!(response.payload().len(), cap, "{case}");
            let took = response.wire_len();
            assert!(took < cap + (1 << 20), "{case} took {took} bytes");
            assert!(
                exchange.wire_bytes_in as usize <= cap + (cap / 8) + (1 << 20),
                "{case}"
            );
            assert_eq!(fetcher.idle_connections(), 0, "{case}");
        }
    });
}
