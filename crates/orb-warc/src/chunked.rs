//! The chunked transfer coding, taken off (RFC 9112, 7.1).
//!
//! In: the bytes after an HTTP head. Out: the payload, how it ended, how far it reached.
//! May touch: nothing else.
//! Invariant: never fails; what was decoded before a fault is kept, and never more bytes come out than went in.

use memchr::memchr;

/// How a chunked body ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkedEnd {
    /// The last chunk (size zero) was seen.
    Complete,
    /// The bytes ran out before the last chunk.
    Cut,
    /// Something that is no chunk stood where one must begin; decoding stopped there.
    Malformed,
}

/// A body without its transfer coding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dechunked {
    /// The payload, content coding untouched.
    pub payload: Vec<u8>,
    /// Why decoding stopped.
    pub end: ChunkedEnd,
    /// Bytes of the body that belong to well-formed chunks and trailers; 0 when it was not chunked at all.
    pub consumed: usize,
}

/// Removes the chunked transfer coding from `body`, as tolerantly as browsers do: bare LF, spaces around the size, any extension.
///
/// - Returns what the chunks held, also of a chunk that the end of `body` cut.
/// - Cost: one pass and one copy.
pub fn dechunk(body: &[u8]) -> Dechunked {
    let mut payload = Vec::with_capacity(body.len());
    let mut consumed = 0;
    loop {
        let rest = &body[consumed..];
        let Some((size, line)) = size_line(rest) else {
            let end = if is_size_prefix(rest) {
                ChunkedEnd::Cut
            } else {
                ChunkedEnd::Malformed
            };
            return Dechunked {
                payload,
                end,
                consumed,
            };
        };
        let data = &rest[line..];
        if size == 0 {
            consumed += line + trailer_len(data);
            return Dechunked {
                payload,
                end: ChunkedEnd::Complete,
                consumed,
            };
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if data.len() < size {
            payload.extend_from_slice(data);
            return Dechunked {
                payload,
                end: ChunkedEnd::Cut,
                consumed: body.len(),
            };
        }
        payload.extend_from_slice(&data[..size]);
        let after = match &data[size..] {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            [] | [b'\r'] => {
                return Dechunked {
                    payload,
                    end: ChunkedEnd::Cut,
                    consumed: body.len(),
                };
            }
            _ => {
                return Dechunked {
                    payload,
                    end: ChunkedEnd::Malformed,
                    consumed: consumed + line + size,
                };
            }
        };
        consumed += line + size + after;
    }
}

/// Size of the chunk that `bytes` begin with, and the length of its line; `None` when there is no whole size line.
fn size_line(bytes: &[u8]) -> Option<(u64, usize)> {
    let line = memchr(b'\n', bytes)?;
    let text = bytes[..line].trim_ascii_start();
    let digits = text.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    // Sixteen digits fill 64 bits; no server sends a chunk of that size.
    if digits == 0 || digits > 16 {
        return None;
    }
    let after = text[digits..].trim_ascii();
    if !after.is_empty() && after[0] != b';' {
        return None;
    }
    let mut size = 0u64;
    for &digit in &text[..digits] {
        size = size << 4 | u64::from((digit as char).to_digit(16)?);
    }
    Some((size, line + 1))
}

/// Whether `bytes`, which hold no line end, could grow into a size line.
fn is_size_prefix(bytes: &[u8]) -> bool {
    memchr(b'\n', bytes).is_none()
        && bytes
            .iter()
            .take_while(|&&b| b != b';')
            .all(|b| b.is_ascii_hexdigit() || b.is_ascii_whitespace())
}

/// Length of the trailer section, its closing empty line included; everything when that line is missing.
fn trailer_len(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(line) = memchr(b'\n', &bytes[at..]) {
        let empty = matches!(&bytes[at..at + line], [] | [b'\r']);
        at += line + 1;
        if empty {
            return at;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(body: &str, payload: &str, end: ChunkedEnd, consumed: usize) {
        let found = dechunk(body.as_bytes());
        assert_eq!(
            (
                String::from_utf8_lossy(&found.payload).as_ref(),
                found.end,
                found.consumed
            ),
            (payload, end, consumed),
            "{body:?}"
        );
    }

    #[test]
    fn chunks_are_joined() {
        check(
            "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
            "hello world",
            ChunkedEnd::Complete,
            26,
        );
        check(
            "A;name=\"v\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nnext",
            "0123456789",
            ChunkedEnd::Complete,
            41,
        );
        check(" 3 \nabc\n00\n\n", "abc", ChunkedEnd::Complete, 12);
        check("0\r\n", "", ChunkedEnd::Complete, 3);
    }

    #[test]
    fn a_cut_body_keeps_what_came() {
        check("", "", ChunkedEnd::Cut, 0);
        check("5", "", ChunkedEnd::Cut, 0);
        check("5\r\nhel", "hel", ChunkedEnd::Cut, 6);
        check("5\r\nhello\r", "hello", ChunkedEnd::Cut, 9);
        check("5\r\nhello\r\n", "hello", ChunkedEnd::Cut, 10);
        check("ffffffffffffffff\r\nab", "ab", ChunkedEnd::Cut, 20);
    }

    #[test]
    fn what_is_no_chunk_ends_it() {
        check("<html>\n", "", ChunkedEnd::Malformed, 0);
        check("5\r\nhello!\r\n", "hello", ChunkedEnd::Malformed, 8);
        check("5 x\r\nhello", "", ChunkedEnd::Malformed, 0);
        check("10000000000000000\r\nab", "", ChunkedEnd::Malformed, 0);
        check("-1\r\nab", "", ChunkedEnd::Malformed, 0);
    }

    proptest! {
        #[test]
        fn chunking_is_undone(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..8)) {
            let mut body = Vec::new();
            for piece in &pieces {
                body.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                body.extend_from_slice(piece);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\n\r\n");
            let found = dechunk(&body);
            prop_assert_eq!(found, Dechunked { payload: pieces.concat(), end: ChunkedEnd::Complete, consumed: body.len() });
        }

        #[test]
        fn no_bytes_panic(body in "[0-9a-f;\r\n x]{0,40}") {
            let found = dechunk(body.as_bytes());
            prop_assert!(found.payload.len() <= body.len() && found.consumed <= body.len());
        }
    }
}
