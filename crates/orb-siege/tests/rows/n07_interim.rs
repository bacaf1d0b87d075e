//! N7: interim answers, bodies where none belong, other protocols.
use super::*;

#[test]
fn n07_interim_answers_are_passed_over_and_other_protocols_refused() {
    let row = HostileRow::N7;
    check(
        row,
        &[
            ("continue", "whole", Some("ok")),
            ("early-hints", "whole", Some("ok")),
            ("thousand-interim", "too_many_interim", None),
            ("interim-without-an-end", "too_many_interim", None),
            ("unasked-switch", "unasked_upgrade", None),
            ("no-content-with-body", "whole", Some("")),
            ("not-modified-with-body", "whole", Some("")),
            ("version-0-9", "not_http", None),
            ("version-2-preface", "not_http", None),
            ("version-2-head", "not_http", None),
            ("status-below-100", "bad_head", None),
            ("mail-server", "not_http", None),
            ("closed-at-once", "empty_response", None),
        ],
    );
    besiege(async |siege: Siege| {
        for case in ["no-content-with-body", "not-modified-with-body"] {
            let fetcher = siege.fetcher();
            siege.send(&fetcher, row, case).await;
            assert_eq!(
                fetcher.idle_connections(),
                0,
                "{case}: what follows is nobody's answer"
            );
        }
    });
}
