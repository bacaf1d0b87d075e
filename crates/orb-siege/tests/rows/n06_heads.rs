//! N6: heads that are too large.
use super::*;

#[test]
fn n06_header_bombs_end_at_the_caps_and_are_counted() {
    let row = HostileRow::N6;
    check(
        row,
        &[
            ("one-line-of-a-megabyte", "head_too_large", None),
            ("one-line-without-an-end", "head_too_large", None),
            ("hundred-thousand-fields", "head_too_large", None),
            ("thousand-cookies", "head_too_many_fields", None),
            ("two-hundred-and-one-fields", "head_too_many_fields", None),
            ("fields-without-an-end", "head_too_large", None),
            ("status-line-of-a-megabyte", "head_too_large", None),
            ("just-below", "whole", Some("ok")),
        ],
    );
    besiege(async |siege: Siege| {
        for case in row.cases() {
            let read = siege.get(row, case).await.wire_bytes_in;
            assert!(
                read <= siege.config.head_bytes_max + 1,
                "{case}: {read} bytes were read"
            );
        }
    });
}
