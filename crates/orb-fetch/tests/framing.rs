//! HTTP/1.1 framing by RFC 9112, whatever the server sends (faults N2 to N7, N11).
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod scripted;

use orb_fetch::{FetchError, Response};
use scripted::{Step, World, answer, class};

/// What the server sent, as it goes into the record.
fn received(response: &Response) -> Vec<u8> {
    response.wire_parts().collect::<Vec<_>>().concat()
}

/// What comes of one answer: the class (or `whole`, or how it was cut) and the payload.
async fn read(body_max: u64, bytes: &[u8], piece: usize) -> (&'static str, String) {
    let mut world = World::new();
    world.config.body_bytes_max = body_max;
    world.net.read_at_most(piece);
    let exchange = world.exchange(answer(bytes)).await;
    let payload = exchange.outcome.as_ref().map_or(String::new(), |response| {
        assert!(
            bytes
                .windows(response.wire_len())
                .any(|part| part == received(response)),
            "raw is what was sent"
        );
        String::from_utf8_lossy(response.payload()).into_owned()
    });
    (class(&exchange), payload)
}

const BODY_MAX: u64 = 12;

const CASES: &[(&str, &str, &str)] = &[
    // framing by length
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "whole",
        "hello",
    ),
    ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "whole", ""),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, too much",
        "whole",
        "hello",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        "disconnect",
        "hello",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n0123456789ab",
        "whole",
        "0123456789ab",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n0123456789abc",
        "length",
        "0123456789ab",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello",
        "whole",
        "hello",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "bad_framing",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
        "bad_framing",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "bad_framing",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
        "bad_framing",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
        "bad_framing",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello",
        "bad_framing",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nhello",
        "bad_framing",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello",
        "bad_framing",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nhello",
        "disconnect",
        "hello",
    ),
    // framing by close
    ("HTTP/1.1 200 OK\r\n\r\nhello", "whole", "hello"),
    ("HTTP/1.0 200 OK\r\n\r\nhello", "whole", "hello"),
    (
        "HTTP/1.1 200 OK\r\n\r\n0123456789ab",
        "whole",
        "0123456789ab",
    ),
    (
        "HTTP/1.1 200 OK\r\n\r\n0123456789abc",
        "length",
        "0123456789ab",
    ),
    // framing by chunks
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "whole",
        "hello",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n",
        "whole",
        "hello",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "whole",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "disconnect",
        "hello",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "disconnect",
        "hello",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
        "disconnect",
        "hello",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n0123456789abc\r\n0\r\n\r\n",
        "length",
        "0123456789ab",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n",
        "bad_framing",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello",
        "bad_framing",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "bad_framing",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "bad_framing",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "whole",
        "hello",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
        "whole",
        "hello",
    ),
    // no body
    ("HTTP/1.1 204 No Content\r\n\r\nhello", "whole", ""),
    (
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
        "whole",
        "",
    ),
    // interim answers
    (
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "whole",
        "ok",
    ),
    ("HTTP/1.1 100 Continue\r\n\r\n", "head_incomplete", ""),
    (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\nPRI",
        "unasked_upgrade",
        "",
    ),
    // heads that are none
    ("<html>hello, 0.9</html>", "not_http", ""),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "not_http", ""),
    ("HTTP/2.0 200 OK\r\n\r\n", "not_http", ""),
    ("\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "not_http", ""),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
        "head_incomplete",
        "",
    ),
    ("HTTP/1.1 099 Odd\r\n\r\n", "bad_head", ""),
    ("HTTP/1.1 20x Odd\r\n\r\n", "bad_head", ""),
    (
        "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
        "bad_head",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\x01\r\n\r\nhello",
        "bad_head",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\x01\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "bad_head",
        "",
    ),
    ("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\nhello", "bad_head", ""),
    ("HTTP/1.1 200 OK\r\nA\0: b\r\n\r\nhello", "bad_head", ""),
    // what browsers read is read, unless it is about the body's length, and the connection is closed
    (
        "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\nhello",
        "whole",
        "hello",
    ),
    (
        "HTTP/1.1 200 OK\r\nno colon\r\n: empty\r\nA : b\r\n\r\nhello",
        "whole",
        "hello",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n 5\r\n\r\nhello",
        "bad_head",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n 0\r\n\r\nhello",
        "bad_head",
        "",
    ),
    (
        "HTTP/1.1 200 OK\r\nA: b\r\n\tTransfer-Encoding: chunked\r\n\r\nhello",
        "bad_head",
        "",
    ),
    (
        "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
        "whole",
        "hello",
    ),
    ("", "empty_response", ""),
];

#[tokio::test(start_paused = true)]
async fn every_answer_is_framed_as_rfc_9112_says_however_it_is_split() {
    for &(bytes, expected, payload) in CASES {
        for piece in [usize::MAX, 1, 3] {
            let found = read(BODY_MAX, bytes.as_bytes(), piece).await;
            assert_eq!(
                found,
                (expected, payload.to_owned()),
                "in pieces of {piece}: {bytes:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_split_at_any_offset_changes_nothing() {
    for bytes in [
        "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e\r\nde\r\n0\r\nT: v\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello",
    ] {
        let whole = World::new().exchange(answer(bytes)).await.outcome.unwrap();
        assert_eq!(whole.truncated, None);
        for at in 1..bytes.len() {
            let (one, two) = bytes.as_bytes().split_at(at);
            let pause = Step::Wait(std::time::Duration::from_millis(50));
            let steps = vec![
                Step::Request,
                Step::Send(one.to_vec()),
                pause,
                Step::Send(two.to_vec()),
                Step::Close,
            ];
            assert_eq!(
                World::new().exchange(steps).await.outcome.unwrap(),
                whole,
                "split at {at}"
            );
        }
    }
}

/// N11: a reset, a close or silence at each offset is never taken for a whole page.
#[tokio::test(start_paused = true)]
async fn an_end_at_any_offset_is_classified() {
    for bytes in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e\r\nde\r\n0\r\n\r\n",
    ] {
        let head = bytes.find("\r\n\r\n").unwrap() + 4;
        for at in 0..bytes.len() {
            for last in [Step::Close, Step::Reset, Step::Stall] {
                let steps = vec![
                    Step::Request,
                    Step::Send(bytes.as_bytes()[..at].to_vec()),
                    last.clone(),
                ];
                let exchange = World::new().exchange(steps).await;
                let found = class(&exchange);
                let is_right = match (&last, at) {
                    (Step::Stall, 0) => found == "first_byte_timeout",
                    (_, 0) => found == "empty_response",
                    (Step::Stall, _) => found == "too_slow" || (at > head && found == "time"),
                    _ if at < head => found == "head_incomplete",
                    _ => found == "disconnect",
                };
                assert!(is_right, "{last:?} after {at} bytes gave {found}");
            }
        }
    }
}

/// A body framed by close is whole only when the close was orderly.
#[tokio::test(start_paused = true)]
async fn a_reset_ends_a_body_framed_by_close_as_cut() {
    let head = b"HTTP/1.1 200 OK\r\n\r\nhello".to_vec();
    let exchange = World::new()
        .exchange(vec![Step::Request, Step::Send(head), Step::Reset])
        .await;
    assert_eq!(class(&exchange), "disconnect");
}

#[tokio::test(start_paused = true)]
async fn the_record_holds_the_exact_bytes() {
    let bytes = b"HTTP/1.1 200 Fine\r\ncONTENT-tYPE:  text/html \r\nSet-Cookie: a\r\nset-cookie: b\r\nX: \xff\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\nT: v\r\n\r\n";
    let mut sent = b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec();
    sent.extend_from_slice(bytes);
    sent.extend_from_slice(b"surplus");
    let exchange = World::new().exchange(answer(&sent)).await;
    assert_eq!(exchange.wire_bytes_in, sent.len() as u64);
    let response = exchange.outcome.unwrap();
    assert_eq!(
        received(&response),
        bytes,
        "interim answers and what follows the end are left out"
    );
    assert_eq!((response.status, response.version_minor), (200, 1));
    assert!(response.head().ends_with(b"\r\n\r\n"));
    assert_eq!(response.payload(), b"ab");
    assert_eq!(response.header("content-type"), Some("text/html"));
    assert_eq!(
        response.header_values("Set-Cookie").collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(response.header("x"), None, "not utf-8");
    assert_eq!(
        response.headers().map(|(name, _)| name).next(),
        Some("cONTENT-tYPE")
    );
}

/// N6 and N7: heads and interim answers are bounded.
#[tokio::test(start_paused = true)]
async fn heads_are_bounded() {
    let one_line = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(1_000_000));
    let exchange = World::new().exchange(answer(one_line)).await;
    assert_eq!(class(&exchange), "head_too_large");
    assert!(
        exchange.wire_bytes_in < 200_000,
        "reading stops at the cap: {}",
        exchange.wire_bytes_in
    );
    let fields = |count: usize| format!("HTTP/1.1 204 OK\r\n{}\r\n", "A: b\r\n".repeat(count));
    assert_eq!(
        class(&World::new().exchange(answer(fields(200))).await),
        "whole"
    );
    assert_eq!(
        class(&World::new().exchange(answer(fields(201))).await),
        "head_too_many_fields"
    );
    assert_eq!(
        class(&World::new().exchange(answer(fields(100_000))).await),
        "head_too_large"
    );
    let interim = |count: usize| {
        format!(
            "{}HTTP/1.1 204 OK\r\n\r\n",
            "HTTP/1.1 100 C\r\n\r\n".repeat(count)
        )
    };
    assert_eq!(
        class(&World::new().exchange(answer(interim(8))).await),
        "whole"
    );
    assert_eq!(
        class(&World::new().exchange(answer(interim(1000))).await),
        "too_many_interim"
    );
    let exact = format!(
        "HTTP/1.1 204 OK\r\nA: {}\r\n\r\n",
        "x".repeat(65_536 - 17 - 3 - 4)
    );
    assert_eq!(exact.len(), 65_536);
    assert_eq!(class(&World::new().exchange(answer(&exact)).await), "whole");
    assert_eq!(
        class(
            &World::new()
                .exchange(answer(exact.replace("A:", "AA:")))
                .await
        ),
        "head_too_large"
    );
}

/// N2 and N4: an endless body ends at the cap, whatever its framing; its buffer stays near the cap.
#[tokio::test(start_paused = true)]
async fn endless_bodies_end_at_the_cap() {
    let cap = 300_000;
    let plain = "x".repeat(1_000_000);
    let tiny_chunks = "1\r\nx\r\n".repeat(1_000_000);
    for (head, body, least) in [
        ("HTTP/1.1 200 OK\r\n\r\n", &plain, cap),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n",
            &plain,
            cap,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            &tiny_chunks,
            52_000,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
            &plain,
            cap,
        ),
    ] {
        let mut world = World::new();
        world.config.body_bytes_max = cap as u64;
        let response = world
            .exchange(answer(format!("{head}{body}")))
            .await
            .outcome
            .unwrap();
        assert_eq!(
            response.truncated.map(|cut| cut.as_str()),
            Some("length"),
            "{head}"
        );
        assert!(
            (least..=cap).contains(&response.payload().len()),
            "{head} gave {}",
            response.payload().len()
        );
        assert!(
            response.memory_bytes() < 2 * cap,
            "{head} took {}",
            response.memory_bytes()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_may_lower_the_body_cap_but_not_raise_it() {
    for (asked, expected) in [(3, 3), (1_000_000, 10)] {
        let mut world = World::new();
        world.config.body_bytes_max = 10;
        world.net.accept(
            "8.8.8.8:80",
            answer("HTTP/1.1 200 OK\r\n\r\n0123456789abcdef"),
        );
        let mut request = scripted::request("http://example.com/robots.txt");
        request.body_bytes_max = Some(asked);
        let permit = world.permit("http://example.com/", "8.8.8.8");
        let response = world
            .fetcher()
            .fetch(permit, &request)
            .await
            .outcome
            .unwrap();
        assert_eq!(response.payload().len(), expected);
    }
}

#[test]
fn classes_are_a_closed_list_without_repeats() {
    let mut classes = FetchError::CLASSES.to_vec();
    classes.sort_unstable();
    classes.dedup();
    assert_eq!(classes.len(), FetchError::CLASSES.len());
    assert!(
        classes
            .iter()
            .all(|class| class.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    );
}

/// A field that goes over several lines is in the record, and nowhere else: its line break must not reach another head.
#[tokio::test(start_paused = true)]
async fn folded_fields_are_not_handed_on() {
    let bytes =
        "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nX: one\r\n two\r\nLocation: /x\r\n /y\r\n\r\nhello";
    let response = World::new().exchange(answer(bytes)).await.outcome.unwrap();
    assert_eq!(received(&response), bytes.as_bytes());
    assert_eq!(response.header("etag"), Some("\"a\""));
    assert_eq!(
        (response.header("x"), response.header("location")),
        (None, None)
    );
}

/// RFC 9112, 6.3: these have no body, so a length that is no number does not matter.
#[tokio::test(start_paused = true)]
async fn an_answer_without_a_body_needs_no_length() {
    for status in ["204 No Content", "304 Not Modified"] {
        let bytes = format!("HTTP/1.1 {status}\r\nContent-Length: none\r\n\r\n");
        assert_eq!(class(&World::new().exchange(answer(bytes)).await), "whole");
    }
}
