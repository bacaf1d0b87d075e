//! Rows N1, N2, N6 and N7: slow, endless, large and foreign answers.
//!
//! In: the name of a case. Out: acts. May touch: `play`, `filler`. Must not touch: streams.
//! Invariant: every listed case has acts; each act is bounded or ends with the client.

use std::time::Duration;

use super::filler::Filler;
use super::play::Act;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
const CLOSED: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
const SECOND: Duration = Duration::from_secs(1);

/// N1.
pub(super) const SLOW: &[&str] = &[
    "silence",
    "slow-head",
    "slow-body",
    "slow-chunks",
    "stalling-body",
    "steady-for-ever",
    "silence-after-interim",
    "interim-then-thinking",
];

pub(super) fn slow(case: &str, filler: &Filler) -> Option<Vec<Act>> {
    let text = filler.text(100_000);
    Some(match case {
        "silence" => vec![Act::Silence],
        "slow-head" => Act::trickle(format!("{OK}X-Filler: {}\r\n\r\n", "x".repeat(2_000))),
        "slow-body" => [vec![Act::send(CLOSED)], Act::trickle(&text[..2_000])].concat(),
        "slow-chunks" => {
            let head = Act::send(format!("{OK}Transfer-Encoding: chunked\r\n\r\n"));
            [vec![head], Act::trickle("1\r\nx\r\n".repeat(300))].concat()
        }
        "stalling-body" => vec![
            Act::send(format!("{OK}Content-Length: 100000\r\n\r\n")),
            Act::send(&text[..40_000]),
            Act::Silence,
        ],
        "steady-for-ever" => vec![
            Act::send(CLOSED),
            Act::Repeat(text[..2_000].to_vec().into(), u64::MAX, SECOND),
        ],
        "silence-after-interim" => {
            vec![Act::send("HTTP/1.1 103 Early Hints\r\n\r\n"), Act::Silence]
        }
        // A slow page behind a front that hints at once: slow, not hostile.
        "interim-then-thinking" => vec![
            Act::send("HTTP/1.1 103 Early Hints\r\n\r\n"),
            Act::Wait(Duration::from_secs(25)),
            Act::send(format!("{OK}Content-Length: 5\r\n\r\nhello")),
            Act::Close,
        ],
        _ => return None,
    })
}

/// N2.
pub(super) const ENDLESS: &[&str] = &["until-close", "by-length", "one-chunk", "many-chunks"];

pub(super) fn endless(case: &str, filler: &Filler) -> Option<Vec<Act>> {
    let text = filler.text(64 * 1024);
    let chunk = [&b"10000\r\n"[..], &text, b"\r\n"].concat();
    Some(match case {
        "until-close" => vec![Act::send(CLOSED), Act::endless(&text)],
        "by-length" => vec![
            Act::send(format!("{OK}Content-Length: 1000000000000000\r\n\r\n")),
            Act::endless(&text),
        ],
        "one-chunk" => vec![
            Act::send(format!(
                "{OK}Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n"
            )),
            Act::endless(&text),
        ],
        "many-chunks" => vec![
            Act::send(format!("{OK}Transfer-Encoding: chunked\r\n\r\n")),
            Act::endless(chunk),
        ],
        _ => return None,
    })
}

/// N6.
pub(super) const HEADS: &[&str] = &[
    "one-line-of-a-megabyte",
    "one-line-without-an-end",
    "hundred-thousand-fields",
    "thousand-cookies",
    "two-hundred-and-one-fields",
    "fields-without-an-end",
    "status-line-of-a-megabyte",
    "just-below",
];

pub(super) fn heads(case: &str) -> Option<Vec<Act>> {
    let fields = |field: &str, count| format!("{OK}{}\r\n", field.repeat(count));
    Some(match case {
        "one-line-of-a-megabyte" => {
            vec![
                Act::send(fields(&format!("A: {}\r\n", "x".repeat(1 << 20)), 1)),
                Act::Close,
            ]
        }
        "one-line-without-an-end" => {
            vec![Act::send(format!("{OK}A: ")), Act::endless([b'x'; 4096])]
        }
        "hundred-thousand-fields" => vec![Act::send(fields("A: b\r\n", 100_000)), Act::Close],
        "thousand-cookies" => vec![Act::send(fields("Set-Cookie: a=b\r\n", 1_000)), Act::Close],
        "two-hundred-and-one-fields" => vec![Act::send(fields("A: b\r\n", 200)), Act::Close],
        "fields-without-an-end" => vec![Act::send(OK), Act::endless("A: b\r\n")],
        "status-line-of-a-megabyte" => {
            vec![
                Act::send(format!("HTTP/1.1 200 {}\r\n\r\n", "x".repeat(1 << 20))),
                Act::Close,
            ]
        }
        "just-below" => vec![
            Act::send(format!(
                "{OK}{}Content-Length: 2\r\n\r\nok",
                "Set-Cookie: a=b\r\n".repeat(190)
            )),
            Act::Close,
        ],
        _ => return None,
    })
}

/// N7.
pub(super) const INTERIM: &[&str] = &[
    "continue",
    "early-hints",
    "thousand-interim",
    "interim-without-an-end",
    "unasked-switch",
    "no-content-with-body",
    "not-modified-with-body",
    "version-0-9",
    "version-2-preface",
    "version-2-head",
    "status-below-100",
    "mail-server",
    "closed-at-once",
];

pub(super) fn interim(case: &str) -> Option<Vec<Act>> {
    let ok = format!("{OK}Content-Length: 2\r\n\r\nok");
    let bytes: Vec<u8> = match case {
        "continue" => format!("HTTP/1.1 100 Continue\r\n\r\n{ok}").into(),
        "early-hints" => format!("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n{ok}").into(),
        "thousand-interim" => {
            format!("{}{ok}", "HTTP/1.1 102 Processing\r\n\r\n".repeat(1_000)).into()
        }
        "interim-without-an-end" => {
            return Some(vec![Act::endless("HTTP/1.1 100 Continue\r\n\r\n")]);
        }
        "unasked-switch" => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x01\x02".into(),
        "no-content-with-body" => "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil".into(),
        "not-modified-with-body" => {
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil".into()
        }
        "version-0-9" => "<html><p>a page without a head</html>".into(),
        // A settings frame, as a server of HTTP/2 begins.
        "version-2-preface" => vec![0, 0, 0, 4, 0, 0, 0, 0, 0],
        "version-2-head" => "HTTP/2 200\r\nContent-Length: 2\r\n\r\nok".into(),
        "status-below-100" => "HTTP/1.1 042 Odd\r\nContent-Length: 2\r\n\r\nok".into(),
        "mail-server" => "220 mail.example ESMTP ready\r\n".into(),
        "closed-at-once" => Vec::new(),
        _ => return None,
    };
    Some(vec![Act::send(bytes), Act::Close])
}
