//! N4: chunk sizes, extensions, trailers and ends.
use super::*;

#[test]
fn n04_chunks_that_cannot_be_believed_are_refused_or_cut() {
    let row = HostileRow::N4;
    check(
        row,
        &[
            ("size-overflow", "bad_framing", None),
            ("size-just-fits", "disconnect", Some("helloworld")),
            ("size-negative", "bad_framing", None),
            ("size-in-words", "bad_framing", None),
            ("size-prefixed", "bad_framing", None),
            ("size-without-an-end", "bad_framing", None),
            ("one-byte-chunks", "length", None),
            ("extension-of-a-megabyte", "bad_framing", None),
            ("extensions-everywhere", "length", None),
            ("line-feeds-only", "bad_framing", None),
            ("data-too-long", "bad_framing", None),
            ("bad-trailer", "bad_framing", None),
            ("trailers-without-an-end", "bad_framing", None),
            ("trailers", "whole", Some("hello")),
            ("missing-last-chunk", "disconnect", Some("hello")),
            ("missing-last-line", "disconnect", Some("hello")),
        ],
    );
    // Framing that outweighs what it frames ends the body long before its cap.
    besiege(async |siege: Siege| {
        let cases = [
            ("one-byte-chunks", 52_000, &b"<p>"[..]),
            ("extensions-everywhere", 60, &[b'x'; 60]),
        ];
        for (case, payload, begins) in cases {
            let exchange = siege.get(row, case).await;
            let read = exchange.wire_bytes_in;
            assert!(read < (1 << 20), "{case}: {read} bytes were read");
            let response = exchange.outcome.unwrap();
            assert!(response.payload().len() >= payload, "{case}");
            assert!(response.payload().starts_with(begins), "{case}");
        }
    });
}
