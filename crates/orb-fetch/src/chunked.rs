//! The chunked transfer coding (RFC 9112, 7.1), read as it arrives.
//!
//! In: the bytes after the head, growing. Out: where the body ends and which bytes are payload.
//! May touch: nothing. Must not touch: the buffer, which the caller owns.
//! Invariant: each byte is looked at a bounded number of times however the input is split; extensions,
//! trailers and the payload are bounded; the outcome does not depend on the split.

use std::ops::Range;

use memchr::memchr;

use crate::limits::{CHUNK_LINE_BYTES_MAX, CHUNK_OVERHEAD_BYTES_FREE, TRAILER_BYTES_MAX};

/// How far a body has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChunkState {
    /// More bytes are needed.
    More,
    /// The last chunk and its trailers are here.
    Complete,
    /// The payload reached its cap, or the framing outweighs it; nothing beyond `position` counts.
    Cut,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Size,
    Data { left: u64 },
    DataEnd,
    Trailer { from: usize },
    End(ChunkState),
}

/// A reader that stands somewhere in a chunked body.
#[derive(Clone, Debug)]
pub(crate) struct ChunkScanner {
    phase: Phase,
    /// Where the body began.
    start: usize,
    /// Everything before is understood.
    position: usize,
    /// In a line: where to go on looking for its end.
    looked: usize,
    payload_bytes: usize,
    payload_bytes_max: usize,
    /// The first unbroken run of payload, and whether there is another.
    run: Range<usize>,
    runs: u32,
}

impl ChunkScanner {
    /// A reader of the body that begins at `start` of the buffer.
    pub(crate) fn new(start: usize, payload_bytes_max: usize) -> ChunkScanner {
        ChunkScanner {
            phase: Phase::Size,
            start,
            position: start,
            looked: start,
            payload_bytes: 0,
            payload_bytes_max,
            run: start..start,
            runs: 0,
        }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn payload_bytes(&self) -> usize {
        self.payload_bytes
    }

    /// The payload's place in the buffer, if it stands there in one piece.
    pub(crate) fn single_run(&self) -> Option<Range<usize>> {
        (self.runs <= 1).then(|| self.run.clone())
    }

    /// Reads on in `buffer`, which holds what it held before and more.
    ///
    /// # Errors
    /// What breaks the grammar.
    pub(crate) fn advance(
        &mut self,
        buffer: &[u8],
        mut sink: impl FnMut(&[u8]),
    ) -> Result<ChunkState, &'static str> {
        loop {
            match self.phase {
                Phase::End(state) => return Ok(state),
                Phase::Data { left } => match self.data(buffer, left, &mut sink) {
                    Some(next) => self.phase = next,
                    None => return Ok(ChunkState::More),
                },
                Phase::DataEnd => {
                    let Some(end) = buffer.get(self.position..self.position + 2) else {
                        let rest = &buffer[self.position..];
                        return if rest.is_empty() || rest == b"\r" {
                            Ok(ChunkState::More)
                        } else {
                            Err("chunk data is not followed by a line break")
                        };
                    };
                    if end != b"\r\n" {
                        return Err("chunk data is not followed by a line break");
                    }
                    self.step_to(self.position + 2, Phase::Size);
                }
                Phase::Size => {
                    let Some(line) =
                        self.line(buffer, CHUNK_LINE_BYTES_MAX, "chunk line is too long")?
                    else {
                        return Ok(ChunkState::More);
                    };
                    let next = match chunk_size(&buffer[self.position..line])? {
                        0 => Phase::Trailer { from: line + 2 },
                        _ if self.is_mostly_framing(line) => Phase::End(ChunkState::Cut),
                        left => Phase::Data { left },
                    };
                    self.step_to(line + 2, next);
                }
                Phase::Trailer { from } => {
                    let left = TRAILER_BYTES_MAX.saturating_sub(self.position - from);
                    let Some(line) = self.line(buffer, left, "trailers are too long")? else {
                        return Ok(ChunkState::More);
                    };
                    let is_last = line == self.position;
                    if !is_last && !is_field(&buffer[self.position..line]) {
                        return Err("trailer is not a field");
                    }
                    let next = if is_last {
                        Phase::End(ChunkState::Complete)
                    } else {
                        self.phase
                    };
                    self.step_to(line + 2, next);
                }
            }
        }
    }

    /// Whether the chunk line that ends at `line` makes the framing outweigh what it frames.
    fn is_mostly_framing(&self, line: usize) -> bool {
        let framing = (line - self.start - self.payload_bytes) as u64;
        framing > CHUNK_OVERHEAD_BYTES_FREE + self.payload_bytes as u64
    }

    fn step_to(&mut self, position: usize, phase: Phase) {
        self.position = position;
        self.looked = position;
        self.phase = phase;
    }

    /// Takes payload; the next phase, or none when more bytes are needed.
    fn data(&mut self, buffer: &[u8], left: u64, sink: &mut impl FnMut(&[u8])) -> Option<Phase> {
        let room = self.payload_bytes_max - self.payload_bytes;
        if room == 0 {
            return Some(Phase::End(ChunkState::Cut));
        }
        let here = buffer.len() - self.position;
        let taken = here
            .min(room)
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        if taken == 0 {
            return None;
        }
        let piece = self.position..self.position + taken;
        sink(&buffer[piece.clone()]);
        if self.runs > 0 && piece.start == self.run.end {
            self.run.end = piece.end;
        } else {
            if self.runs == 0 {
                self.run = piece.clone();
            }
            self.runs = self.runs.saturating_add(1);
        }
        self.position = piece.end;
        self.payload_bytes += taken;
        match left - taken as u64 {
            0 => Some(Phase::DataEnd),
            left => Some(Phase::Data { left }),
        }
    }

    /// Where the line at `position` ends (its CR), or none when it is not all here.
    fn line(
        &mut self,
        buffer: &[u8],
        max: usize,
        too_long: &'static str,
    ) -> Result<Option<usize>, &'static str> {
        let found = memchr(b'\n', &buffer[self.looked..]).map(|at| self.looked + at);
        let end = found.unwrap_or(buffer.len());
        if end - self.position > max {
            return Err(too_long);
        }
        self.looked = end;
        match found {
            None => Ok(None),
            Some(lf) if lf > self.position && buffer[lf - 1] == b'\r' => Ok(Some(lf - 1)),
            Some(_) => Err("bare line feed in chunk framing"),
        }
    }
}

/// `1*HEXDIG [BWS ";" ext]`; extensions are skipped.
fn chunk_size(line: &[u8]) -> Result<u64, &'static str> {
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    // White space is spaces and tabs only: a carriage return here is the end of a line to others.
    let blanks = line[digits..]
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let rest = &line[digits + blanks..];
    if digits == 0 || !(rest.is_empty() || rest[0] == b';') {
        return Err("chunk size is not a number");
    }
    if rest
        .iter()
        .any(|&byte| byte.is_ascii_control() && byte != b'\t')
    {
        return Err("control character in chunk extension");
    }
    let digits = std::str::from_utf8(&line[..digits]).map_err(|_| "chunk size is not a number")?;
    match u64::from_str_radix(digits, 16) {
        Ok(size) if size <= i64::MAX as u64 => Ok(size),
        _ => Err("chunk size is out of range"),
    }
}

fn is_field(line: &[u8]) -> bool {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    match memchr(b':', line) {
        Some(colon) => {
            colon > 0
                && line[..colon].iter().all(is_token)
                && line[colon..]
                    .iter()
                    .all(|&byte| byte == b'\t' || !byte.is_ascii_control())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Payload, state and position.
    type Read = Result<(Vec<u8>, ChunkState, usize), &'static str>;

    /// Reads `body` in pieces of `step` bytes.
    fn read(body: &[u8], max: usize, step: usize) -> Read {
        let mut scanner = ChunkScanner::new(0, max);
        let mut payload = Vec::new();
        let mut state = ChunkState::More;
        for end in (step..body.len() + step).step_by(step) {
            state = scanner.advance(&body[..end.min(body.len())], |piece| {
                payload.extend_from_slice(piece)
            })?;
            if state != ChunkState::More {
                break;
            }
        }
        assert_eq!(payload.len(), scanner.payload_bytes());
        Ok((payload, state, scanner.position()))
    }

    #[test]
    fn the_grammar_holds_however_the_input_is_split() {
        let long_extension = format!("1;{}\r\nx\r\n0\r\n\r\n", "e".repeat(5000));
        let long_trailer = format!("0\r\n{}\r\n", "a: b\r\n".repeat(4000));
        let ok = |payload: &[u8], state: ChunkState, position: usize| {
            Ok((payload.to_vec(), state, position))
        };
        let cases: Vec<(&[u8], Read)> = vec![
            (
                b"3\r\nabc\r\n0\r\n\r\n",
                ok(b"abc", ChunkState::Complete, 13),
            ),
            (
                b"3;name=\"v\"\r\nabc\r\n2 ;x\r\nde\r\n000\r\nT: 1\r\n\r\nrest",
                ok(b"abcde", ChunkState::Complete, 40),
            ),
            (
                b"A\r\n0123456789\r\n0\r\n\r\n",
                ok(b"01234567", ChunkState::Cut, 11),
            ),
            (
                b"8\r\n01234567\r\n0\r\n\r\n",
                ok(b"01234567", ChunkState::Complete, 18),
            ),
            (
                b"8\r\n01234567\r\n1\r\n8\r\n0\r\n\r\n",
                ok(b"01234567", ChunkState::Cut, 16),
            ),
            (b"3\r\nabc\r\n0\r\n", ok(b"abc", ChunkState::More, 11)),
            (b"3\r\nabc", ok(b"abc", ChunkState::More, 6)),
            (b"\r\nabc", Err("chunk size is not a number")),
            (b"-1\r\n", Err("chunk size is not a number")),
            (b"0x3\r\nabc", Err("chunk size is not a number")),
            (b"3 3\r\nabc", Err("chunk size is not a number")),
            (b"3\r\r\nabc", Err("chunk size is not a number")),
            (b"3\r;x\r\nabc", Err("chunk size is not a number")),
            (b"3\x0c\r\nabc", Err("chunk size is not a number")),
            (
                b"3\nabc\r\n0\r\n\r\n",
                Err("bare line feed in chunk framing"),
            ),
            (
                b"3\r\nabcd\r\n0\r\n\r\n",
                Err("chunk data is not followed by a line break"),
            ),
            (
                b"3\r\nabc\n0\r\n\r\n",
                Err("chunk data is not followed by a line break"),
            ),
            (b"FFFFFFFFFFFFFFFF\r\nx", Err("chunk size is out of range")),
            (b"8000000000000000\r\nx", Err("chunk size is out of range")),
            (b"10000000000000000\r\nx", Err("chunk size is out of range")),
            (
                b"1;a\x00b\r\nx",
                Err("control character in chunk extension"),
            ),
            (b"0\r\nno field\r\n\r\n", Err("trailer is not a field")),
            (b"0\r\nT : 1\r\n\r\n", Err("trailer is not a field")),
            (b"0\r\n folded\r\n\r\n", Err("trailer is not a field")),
            (long_extension.as_bytes(), Err("chunk line is too long")),
            (long_trailer.as_bytes(), Err("trailers are too long")),
        ];
        for (body, expected) in cases {
            for step in [body.len().max(1), 1, 2, 3, 7] {
                let shown = String::from_utf8_lossy(&body[..body.len().min(60)]);
                assert_eq!(
                    read(body, 8, step),
                    expected,
                    "{shown:?} in steps of {step}"
                );
            }
        }
    }

    #[test]
    fn one_run_of_payload_needs_no_copy() {
        let body = b"5\r\nhello\r\n0\r\n\r\n";
        let mut scanner = ChunkScanner::new(0, 100);
        for end in 1..=body.len() {
            assert!(scanner.advance(&body[..end], |_| {}).is_ok());
        }
        assert_eq!(scanner.single_run(), Some(3..8));
        let mut scanner = ChunkScanner::new(0, 100);
        assert!(
            scanner
                .advance(b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n", |_| {})
                .is_ok()
        );
        assert_eq!(scanner.single_run(), None);
        let mut scanner = ChunkScanner::new(0, 100);
        assert!(scanner.advance(b"0\r\n\r\n", |_| {}).is_ok());
        assert_eq!(scanner.single_run(), Some(0..0));
    }
}
