//! Row N11: an answer that ends, is reset or falls silent at an offset.
//!
//! In: `FRAMING/END` or `FRAMING/END/OFFSET`. Out: acts. May touch: `play`, `filler`. Must not touch: streams.
//! Invariant: of an answer and an offset exactly the first so many bytes are sent.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::filler::Filler;
use super::play::Act;

/// N11. Without an offset the end is in the middle.
pub(super) const OFFSETS: &[&str] = &[
    "length/close",
    "length/reset",
    "length/silence",
    "chunked/close",
    "chunked/reset",
    "chunked/silence",
    "until-close/close",
    "until-close/reset",
    "until-close/silence",
    "gzip/close",
    "gzip/reset",
    "gzip/silence",
    "gzip-until-close/close",
    "gzip-until-close/reset",
    "gzip-until-close/silence",
    "gzip-chunked/close",
    "gzip-chunked/reset",
    "gzip-chunked/silence",
];

pub(super) fn offsets(case: &str, filler: &Filler) -> Option<Vec<Act>> {
    let mut parts = case.split('/');
    let answer = answer(parts.next()?, filler)?;
    let end = match parts.next()? {
        "close" => Act::Close,
        "reset" => Act::Reset,
        "silence" => Act::Silence,
        _ => return None,
    };
    let offset = match parts.next() {
        None => answer.len() / 2,
        Some(offset) => offset.parse().ok()?,
    };
    Some(vec![Act::send(&answer[..offset.min(answer.len())]), end])
}

/// A whole answer; those `until-close` end by the connection's end.
fn answer(framing: &str, filler: &Filler) -> Option<Vec<u8>> {
    let text = filler.text(400);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&text).ok()?;
    let gzip = encoder.finish().ok()?;
    let (field, body) = match framing {
        "length" => (format!("Content-Length: {}", text.len()), text),
        "chunked" => ("Transfer-Encoding: chunked".to_owned(), in_chunks(&text)),
        "until-close" => ("X-Framing: none".to_owned(), text),
        "gzip" => (
            format!("Content-Encoding: gzip\r\nContent-Length: {}", gzip.len()),
            gzip,
        ),
        "gzip-until-close" => ("Content-Encoding: gzip".to_owned(), gzip),
        "gzip-chunked" => (
            "Content-Encoding: gzip\r\nTransfer-Encoding: chunked".to_owned(),
            in_chunks(&gzip),
        ),
        _ => return None,
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{field}\r\n\r\n");
    Some([head.as_bytes(), &body].concat())
}

/// Chunks of at most 100 bytes with an extension and a trailer.
fn in_chunks(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in body.chunks(100) {
        out.extend_from_slice(format!("{:x};n=v\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\nX-Sum: none\r\n\r\n");
    out
}
