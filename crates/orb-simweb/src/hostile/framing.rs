//! Rows N3, N4 and N5: lengths, chunks, and answers that can be read in two ways.
//!
//! In: the name of a case. Out: acts. May touch: `play`, `filler`. Must not touch: streams.
//! Invariant: every listed case has acts; whatever could be taken for a second answer says `evil`.

use super::filler::Filler;
use super::play::Act;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A whole answer that nobody asked for.
const SMUGGLED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nevil";

/// N3.
pub(super) const LENGTHS: &[&str] = &[
    "larger",
    "smaller",
    "negative",
    "signed",
    "equal-twice",
    "differing",
    "differing-list",
    "above-63-bits",
    "above-64-bits",
    "largest",
    "words",
    "empty",
    "hexadecimal",
    "fraction",
];

pub(super) fn lengths(case: &str) -> Option<Vec<Act>> {
    let length = match case {
        "larger" => "9000",
        "smaller" => "5",
        "negative" => "-5",
        "signed" => "+5",
        "equal-twice" => "5\r\nContent-Length: 5",
        "differing" => "5\r\nContent-Length: 6",
        "differing-list" => "5, 6",
        "above-63-bits" => "9223372036854775808",
        "above-64-bits" => "99999999999999999999999",
        "largest" => "9223372036854775807",
        "words" => "five",
        "empty" => "",
        "hexadecimal" => "0x5",
        "fraction" => "5.0",
        _ => return None,
    };
    // Of the shorter ones, what follows the fifth byte is an answer of its own.
    let body = if matches!(case, "smaller" | "equal-twice") {
        format!("hello{SMUGGLED}")
    } else {
        "hello".to_owned()
    };
    let answer = Act::send(format!("{OK}Content-Length: {length}\r\n\r\n{body}"));
    Some(match case {
        "smaller" | "equal-twice" => vec![answer],
        _ => vec![answer, Act::Close],
    })
}

/// N4.
pub(super) const CHUNKS: &[&str] = &[
    "size-overflow",
    "size-just-fits",
    "size-negative",
    "size-in-words",
    "size-prefixed",
    "size-without-an-end",
    "one-byte-chunks",
    "extension-of-a-megabyte",
    "extensions-everywhere",
    "line-feeds-only",
    "data-too-long",
    "bad-trailer",
    "trailers-without-an-end",
    "trailers",
    "missing-last-chunk",
    "missing-last-line",
];

pub(super) fn chunks(case: &str, filler: &Filler) -> Option<Vec<Act>> {
    let hello = |rest: &str| {
        vec![
            Act::send(format!("{CHUNKED}5\r\nhello\r\n{rest}")),
            Act::Close,
        ]
    };
    let head = Act::send(CHUNKED);
    Some(match case {
        "size-overflow" => hello("10000000000000005\r\nworld\r\n0\r\n\r\n"),
        "size-just-fits" => hello("7fffffffffffffff\r\nworld"),
        "size-negative" => hello("-5\r\nworld\r\n0\r\n\r\n"),
        "size-in-words" => hello("five\r\nworld\r\n0\r\n\r\n"),
        "size-prefixed" => hello("0x5\r\nworld\r\n0\r\n\r\n"),
        "size-without-an-end" => vec![head, Act::endless("0000")],
        "one-byte-chunks" => {
            let block: String = filler
                .text(4_096)
                .iter()
                .map(|&byte| format!("1\r\n{}\r\n", char::from(byte)))
                .collect();
            vec![
                head,
                Act::Repeat(block.into(), 10_000_000 / 4_096, std::time::Duration::ZERO),
                Act::send("0\r\n\r\n"),
                Act::Close,
            ]
        }
        "extension-of-a-megabyte" => hello(&format!(
            "5;a={}\r\nworld\r\n0\r\n\r\n",
            "x".repeat(1 << 20)
        )),
        "extensions-everywhere" => {
            let chunk = format!("1;a={}\r\nx\r\n", "x".repeat(4_000));
            vec![
                head,
                Act::Repeat(chunk.into(), 10_000, std::time::Duration::ZERO),
                Act::send("0\r\n\r\n"),
                Act::Close,
            ]
        }
        "line-feeds-only" => vec![Act::send(format!("{CHUNKED}5\nhello\n0\n\n")), Act::Close],
        "data-too-long" => hello("5\r\nworld and more\r\n0\r\n\r\n"),
        "bad-trailer" => hello("0\r\nno field\r\n\r\n"),
        "trailers-without-an-end" => vec![
            head,
            Act::send("5\r\nhello\r\n0\r\n"),
            Act::endless("A: b\r\n"),
        ],
        "trailers" => hello("0\r\nA: b\r\nServer-Timing: x\r\n\r\n"),
        "missing-last-chunk" => hello(""),
        "missing-last-line" => hello("0\r\n"),
        _ => return None,
    })
}

/// N5. After each the server would go on with what was smuggled in.
pub(super) const DESYNCS: &[&str] = &[
    "both-lengths",
    "both-lengths-other-order",
    "chunked-twice",
    "chunked-in-disguise",
    "chunked-by-1-0",
    "unknown-coding",
    "folded-field",
    "folded-length",
    "folded-coding",
    "bare-line-feeds",
    "one-bare-line-feed",
    "bare-carriage-return",
    "null-in-value",
    "null-in-name",
    "space-before-colon",
    "space-before-colon-of-length",
    "space-before-colon-of-coding",
    "broken-line",
    "line-break-before-head",
    "answer-behind-answer",
    "answer-behind-no-content",
    "answer-behind-chunks",
];

/// `CASE`: the answer with another behind it at once; `late/CASE`: a second later; `alone/CASE`: nothing behind it.
pub(super) fn desyncs(case: &str) -> Option<Vec<Act>> {
    let (how, case) = case.split_once('/').unwrap_or(("", case));
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    let five = "Content-Length: 5\r\n\r\nhello";
    let first = match case {
        "both-lengths" => {
            format!("{OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")
        }
        "both-lengths-other-order" => {
            format!("{OK}Transfer-Encoding: chunked\r\nContent-Length: 15\r\n\r\n{chunks}")
        }
        "chunked-twice" => format!("{OK}Transfer-Encoding: chunked, chunked\r\n\r\n{chunks}"),
        "chunked-in-disguise" => format!("{OK}Transfer-Encoding: xchunked\r\n{five}"),
        "chunked-by-1-0" => format!(
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
        ),
        "unknown-coding" => format!("{OK}Transfer-Encoding: gzip, chunked\r\n\r\n{chunks}"),
        "folded-field" => format!("{OK}X-Folded: one\r\n two\r\n{five}"),
        "folded-length" => format!("{OK}Content-Length:\r\n 5\r\n\r\nhello"),
        "folded-coding" => format!("{OK}Transfer-Encoding:\r\n chunked\r\n{five}"),
        "bare-line-feeds" => format!("{OK}{five}").replace("\r\n", "\n"),
        "one-bare-line-feed" => format!("{OK}X-A: b\n{five}"),
        "bare-carriage-return" => format!("{OK}X-A: b\rContent-Length: 9\r\n{five}"),
        "null-in-value" => format!("{OK}X-A: b\0c\r\n{five}"),
        "null-in-name" => format!("{OK}X\0A: b\r\n{five}"),
        "space-before-colon" => format!("{OK}X-A : b\r\n{five}"),
        "space-before-colon-of-length" => format!("{OK}Content-Length : 5\r\n\r\nhello"),
        "space-before-colon-of-coding" => format!("{OK}Transfer-Encoding : chunked\r\n{five}"),
        "broken-line" => format!("{OK}this is no field\r\n{five}"),
        "line-break-before-head" => format!("\r\n{OK}{five}"),
        "answer-behind-answer" => format!("{OK}{five}"),
        "answer-behind-no-content" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
        "answer-behind-chunks" => format!("{CHUNKED}{chunks}"),
        _ => return None,
    };
    Some(match how {
        "" => vec![Act::send(format!("{first}{SMUGGLED}"))],
        "late" => vec![
            Act::send(first),
            Act::Wait(std::time::Duration::from_secs(1)),
            Act::send(SMUGGLED),
        ],
        "alone" => vec![Act::send(first)],
        _ => return None,
    })
}
