//! A response's bytes with the framing of its chunks set aside as they come, so that the payload stands in one piece and
//! nothing is held twice.
//!
//! In: bytes as received. Out: head, payload, and the bytes as received again, in parts.
//! May touch: `chunked`. Must not touch: what the bytes mean beyond their framing.
//! Invariant: the parts, joined, are the bytes as received; memory is theirs and no more.

use std::iter::FusedIterator;
use std::ops::Range;

use memchr::memchr;

use crate::chunked::{ChunkScanner, ChunkState, Step, chunk_size};

/// The payload of a chunked body that is on its way, and its framing.
///
/// The buffer holds the head, the first size line, all payload so far, and what is not yet understood. What stood between
/// and behind the pieces of payload is here; each size line of it tells how much payload follows.
#[derive(Clone, Debug)]
pub(crate) struct Chunks {
    scanner: ChunkScanner,
    /// Where the payload stands in the buffer.
    payload: Range<usize>,
    framing: Vec<u8>,
}

impl Chunks {
    /// A body that begins at `start` of the buffer.
    pub(crate) fn new(start: usize, payload_bytes_max: usize) -> Chunks {
        Chunks {
            scanner: ChunkScanner::new(start, payload_bytes_max),
            payload: start..start,
            framing: Vec::new(),
        }
    }

    pub(crate) fn payload_bytes(&self) -> usize {
        self.scanner.payload_bytes()
    }

    /// Bytes set aside.
    pub(crate) fn framing_bytes(&self) -> usize {
        self.framing.len()
    }

    /// What is understood of the buffer; what stands behind is not, or belongs to no body.
    pub(crate) fn position(&self) -> usize {
        self.scanner.position()
    }

    /// Reads what was appended to the buffer, and takes the framing out of it. Cost: each byte is looked at once and
    /// moved once, those up to the end of the first chunk not at all.
    ///
    /// # Errors
    /// What breaks the grammar.
    pub(crate) fn received(&mut self, buffer: &mut Vec<u8>) -> Result<ChunkState, &'static str> {
        let mut read = self.payload.end;
        let state = loop {
            match self.scanner.step(buffer)? {
                Step::Stop(state) => break state,
                Step::Payload(piece) if self.payload.is_empty() => {
                    (self.payload, read) = (piece.clone(), piece.end);
                }
                Step::Payload(piece) => {
                    self.set_aside(&buffer[read..piece.start]);
                    let (to, len) = (self.payload.end, piece.len());
                    read = piece.end;
                    if piece.start != to {
                        buffer.copy_within(piece, to);
                    }
                    self.payload.end += len;
                }
            }
        };
        if !self.payload.is_empty() {
            self.set_aside(&buffer[read..self.scanner.position()]);
            let taken = self.scanner.position() - self.payload.end;
            buffer.drain(self.payload.end..self.scanner.position());
            self.scanner.moved(taken);
        }
        Ok(state)
    }

    fn set_aside(&mut self, framing: &[u8]) {
        // By quarters: twice the room would be paid for by every exchange.
        if self.framing.capacity() - self.framing.len() < framing.len() {
            self.framing
                .reserve_exact(framing.len().max(self.framing.len() / 4));
        }
        self.framing.extend_from_slice(framing);
    }

    /// The whole response: `with_rest` says whether what is not understood belongs to it.
    pub(crate) fn into_wire(
        mut self,
        mut buffer: Vec<u8>,
        head_len: usize,
        with_rest: bool,
    ) -> Wire {
        let position = self.scanner.position();
        if !with_rest {
            buffer.truncate(position);
        }
        if !self.framing.is_empty() {
            self.set_aside(&buffer[position..]);
            buffer.truncate(position);
        }
        Wire {
            bytes: buffer,
            head_len,
            payload: self.payload,
            framing: self.framing,
        }
    }
}

/// The bytes of one response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wire {
    /// All of them, or all but `framing`.
    bytes: Vec<u8>,
    head_len: usize,
    payload: Range<usize>,
    /// What stood between and behind the pieces of payload. Empty where `bytes` is as received.
    framing: Vec<u8>,
}

impl Wire {
    /// Of bytes whose payload is all that stands behind their head.
    pub(crate) fn plain(bytes: Vec<u8>, head_len: usize) -> Wire {
        let end = bytes.len();
        Wire {
            bytes,
            head_len,
            payload: head_len.min(end)..end,
            framing: Vec::new(),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn head(&self) -> &[u8] {
        &self.bytes[..self.head_len]
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.bytes[self.payload.clone()]
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len() + self.framing.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.framing.capacity()
    }

    pub(crate) fn parts(&self) -> WireParts<'_> {
        if self.framing.is_empty() {
            return WireParts {
                first: Some(&self.bytes),
                framing: &[],
                payload: &[],
                due: 0,
            };
        }
        let (first, payload) = self.bytes.split_at(self.payload.start);
        WireParts {
            first: Some(first),
            framing: &self.framing,
            payload,
            due: announced(&first[self.head_len..]),
        }
    }
}

/// The size that a line tells, its end included; 0 for what is not a whole line.
fn announced(line: &[u8]) -> u64 {
    let line = line.strip_suffix(b"\r\n");
    line.map_or(0, |line| chunk_size(line).unwrap_or(0))
}

/// What the server sent, in order and in parts: two for each chunk of a body of several chunks, else one.
#[derive(Clone, Debug)]
pub struct WireParts<'a> {
    first: Option<&'a [u8]>,
    framing: &'a [u8],
    payload: &'a [u8],
    /// Bytes of payload that come next.
    due: u64,
}

impl<'a> Iterator for WireParts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        if self.due > 0 && !self.payload.is_empty() {
            let due = usize::try_from(self.due).unwrap_or(usize::MAX);
            let (piece, rest) = self.payload.split_at(due.min(self.payload.len()));
            (self.payload, self.due) = (rest, 0);
            return Some(piece);
        }
        if self.framing.is_empty() {
            return None;
        }
        // The end of the chunk before, and a size line. Behind the last chunk's line, or one that was cut, is all the rest.
        let line = self.framing.get(2..).unwrap_or_default();
        let line = memchr(b'\n', line).map(|lf| &line[..=lf]);
        self.due = line.map_or(0, announced);
        let part_len = match line {
            Some(line) if self.due > 0 => 2 + line.len(),
            _ => self.framing.len(),
        };
        let (part, rest) = self.framing.split_at(part_len);
        self.framing = rest;
        Some(part)
    }
}

impl FusedIterator for WireParts<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";

    /// Reads a body in pieces of `step` bytes.
    fn read(body: &[u8], step: usize) -> Wire {
        let mut chunks = Chunks::new(HEAD.len(), usize::MAX);
        let mut buffer = HEAD.to_vec();
        let mut state = ChunkState::More;
        for piece in body.chunks(step) {
            buffer.extend_from_slice(piece);
            state = chunks.received(&mut buffer).unwrap();
        }
        chunks.into_wire(buffer, HEAD.len(), state == ChunkState::More)
    }

    fn check(body: &[u8], payload: &[u8]) {
        let bytes = [HEAD, body].concat();
        for step in [1, 2, 3, 7, body.len().max(1)] {
            let wire = read(body, step);
            assert_eq!(wire.payload(), payload, "in steps of {step}");
            assert_eq!(wire.head(), HEAD);
            assert_eq!(wire.len(), bytes.len());
            let parts: Vec<&[u8]> = wire.parts().collect();
            assert_eq!(parts.concat(), bytes, "in steps of {step}: {parts:?}");
            assert!(parts.iter().all(|part| !part.is_empty()));
        }
    }

    #[test]
    fn what_was_received_comes_back_byte_for_byte() {
        check(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n", b"abcde");
        check(b"5\r\nabcde\r\n0\r\n\r\n", b"abcde");
        // Cut inside a piece, between pieces, inside a line, behind a line.
        check(b"3\r\nabc\r\nff\r\nde", b"abcde");
        check(b"3\r\nabc\r\n2\r\nde\r", b"abcde");
        check(b"3\r\nabc\r\n2\r\nde\r\n1", b"abcde");
        check(b"3\r\nabc\r\n2\r\nde\r\n1;\r", b"abcde");
        check(b"3\r\nabc\r\n2\r\nde\r\n7\r\n", b"abcde");
        check(b"3\r\nabc\r\n2\r\nde\r\n0\r\nT: ", b"abcde");
        check(b"1\r\na\r\n1\r\nb\r\n", b"ab");
        check(b"0\r\n\r\n", b"");
        check(b"7;a", b"");
        check(b"", b"");
    }

    /// N2: what a body takes is what came of it, however many chunks it has.
    #[test]
    fn n02_no_payload_is_held_twice() {
        for chunk in [100, 4_000, 1 << 20] {
            let payload = vec![b'x'; 1 << 20];
            let framed = |piece: &[u8]| {
                [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
            };
            let body: Vec<u8> = payload.chunks(chunk).flat_map(framed).collect();
            let mut chunks = Chunks::new(0, usize::MAX);
            let mut buffer = Vec::with_capacity(payload.len() + 4_000);
            let capacity = buffer.capacity();
            for piece in body.chunks(4_000) {
                let room = capacity - buffer.len();
                let (now, later) = piece.split_at(piece.len().min(room));
                for part in [now, later] {
                    buffer.extend_from_slice(part);
                    chunks.received(&mut buffer).unwrap();
                }
            }
            let wire = chunks.into_wire(buffer, 0, true);
            assert!(wire.payload() == payload && wire.len() == body.len());
            let framing = body.len() - payload.len();
            assert!(
                wire.memory_bytes() <= capacity + framing + framing / 4,
                "{chunk}"
            );
        }
    }
}
