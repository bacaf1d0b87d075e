//! HTTP/1.1 framing: status line, fields, lengths and chunks, right ones and the wrong ones a site wants.
//!
//! In: content, the site's framing. Out: a response's bytes and conduct. May touch: `body`, `respond`'s types.
//! Must not touch: what the content is.
//! Invariant: without a cut, a client that obeys RFC 9112 reads exactly the content's bytes.

use bytes::Bytes;

use crate::answer::Cut;
use crate::body::Parts;
use crate::respond::{Conduct, SimResponse};
use crate::site::Framing;
use crate::words::number;

/// A response's content before it is framed.
pub(crate) struct Content {
    pub(crate) status: u16,
    pub(crate) kind: &'static [u8],
    pub(crate) parts: Parts,
    pub(crate) gzip: bool,
    /// More fields of the head, each with its line end.
    pub(crate) fields: Vec<u8>,
}

impl Content {
    pub(crate) fn new(status: u16, kind: &'static [u8], text: Vec<u8>) -> Content {
        let bytes = text.len();
        let parts = if bytes == 0 {
            Vec::new()
        } else {
            vec![Bytes::from(text)]
        };
        Content {
            status,
            kind,
            parts: Parts { parts, bytes },
            gzip: false,
            fields: Vec::new(),
        }
    }
}

fn reason(status: u16) -> &'static [u8] {
    match status {
        200 => b"200 OK",
        301 => b"301 Moved Permanently",
        302 => b"302 Found",
        303 => b"303 See Other",
        304 => b"304 Not Modified",
        307 => b"307 Temporary Redirect",
        308 => b"308 Permanent Redirect",
        403 => b"403 Forbidden",
        404 => b"404 Not Found",
        405 => b"405 Method Not Allowed",
        410 => b"410 Gone",
        421 => b"421 Misdirected Request",
        429 => b"429 Too Many Requests",
        503 => b"503 Service Unavailable",
        _ => b"500 Internal Server Error",
    }
}

/// Bytes promised and never sent.
const MISSING_BYTES: usize = 1_000;
/// Bytes sent and never promised.
const SURPLUS: &[u8] = b"<!-- beyond the promised length -->";

/// Puts a head before the content and frames the body as the site does (RFC 9112, 6).
pub(crate) fn frame(
    content: Content,
    framing: Framing,
    cut: Option<Cut>,
    head_only: bool,
) -> SimResponse {
    let Content {
        status,
        kind,
        parts,
        gzip,
        fields,
    } = content;
    let mut head = Vec::with_capacity(384);
    head.extend_from_slice(b"HTTP/1.1 ");
    head.extend_from_slice(reason(status));
    head.extend_from_slice(b"\r\nServer: simweb\r\n");
    head.extend_from_slice(&fields);
    let has_body = status != 304;
    let page = status == 200 && !head_only;
    let under = framing.length_under && page && cut.is_none();
    let chunked = framing.chunked && has_body && cut.is_none() && !under && !head_only;
    if has_body {
        head.extend_from_slice(b"Content-Type: ");
        head.extend_from_slice(kind);
        head.extend_from_slice(b"\r\n");
    }
    if gzip {
        head.extend_from_slice(b"Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n");
    }
    if chunked {
        head.extend_from_slice(b"transfer-encoding: chunked\r\n");
    } else if has_body {
        head.extend_from_slice(b"Content-Length: ");
        let promised = if cut == Some(Cut::Close) {
            parts.bytes + MISSING_BYTES
        } else {
            parts.bytes
        };
        number(&mut head, promised as u64);
        head.extend_from_slice(b"\r\n");
    }
    let close = framing.closing || under || cut.is_some();
    head.extend_from_slice(if framing.closing {
        b"Connection: close\r\n\r\n"
    } else {
        b"\r\n"
    });
    let reset_after = (cut == Some(Cut::Reset)).then(|| head.len() + parts.bytes / 2);
    let mut body = match (has_body && !head_only, chunked) {
        (false, _) => Vec::new(),
        (true, false) => parts.parts,
        (true, true) => chunks(&parts.parts),
    };
    if under {
        body.push(Bytes::from_static(SURPLUS));
    }
    let conduct = Conduct {
        reset_after,
        close,
        ..Conduct::default()
    };
    SimResponse {
        status,
        head,
        body,
        conduct,
    }
}

/// One chunk per part (RFC 9112, 7.1), every fourth one with an extension.
fn chunks(parts: &[Bytes]) -> Vec<Bytes> {
    let mut text = Vec::with_capacity(parts.len() * 12 + 8);
    let mut heads = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        let start = text.len();
        if at > 0 {
            text.extend_from_slice(b"\r\n");
        }
        hexadecimal(&mut text, part.len());
        text.extend_from_slice(if at % 4 == 3 { b";part=4\r\n" } else { b"\r\n" });
        heads.push(start..text.len());
    }
    let start = text.len();
    text.extend_from_slice(if parts.is_empty() {
        b"0\r\n\r\n"
    } else {
        b"\r\n0\r\n\r\n"
    });
    let text = Bytes::from(text);
    let mut out = Vec::with_capacity(parts.len() * 2 + 1);
    for (head, part) in heads.into_iter().zip(parts) {
        out.push(text.slice(head));
        out.push(part.clone());
    }
    out.push(text.slice(start..));
    out
}

fn hexadecimal(out: &mut Vec<u8>, value: usize) {
    let digits = (usize::BITS - value.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(value >> (digit * 4)) & 15]);
    }
}
