//! N3: `Content-Length` that is wrong, contradictory or no number.
use super::*;

#[test]
fn n03_lengths_that_cannot_be_believed_are_cut_or_refused_and_the_connection_closed() {
    let row = HostileRow::N3;
    check(
        row,
        &[
            ("larger", "disconnect", Some("hello")),
            ("smaller", "whole", Some("hello")),
            ("equal-twice", "whole", Some("hello")),
            ("largest", "disconnect", Some("hello")),
            ("negative", "bad_framing", None),
            ("signed", "bad_framing", None),
            ("differing", "bad_framing", None),
            ("differing-list", "bad_framing", None),
            ("above-63-bits", "bad_framing", None),
            ("above-64-bits", "bad_framing", None),
            ("words", "bad_framing", None),
            ("empty", "bad_framing", None),
            ("hexadecimal", "bad_framing", None),
            ("fraction", "bad_framing", None),
        ],
    );
    besiege(async |siege: Siege| {
        for case in row.cases() {
            let fetcher = siege.fetcher();
            siege.send(&fetcher, row, case).await;
            assert_eq!(
                fetcher.idle_connections(),
                0,
                "{case}: the connection is not used again"
            );
            let next = siege.send(&fetcher, row, "plain").await;
            assert!(!next.reused);
        }
    });
}
