//! The chunked transfer coding (RFC 9112, 7.1), read as it arrives.
//!
//! In: the bytes after the head, growing. Out: where the body ends and which bytes are payload.
//! May touch: nothing. Must not touch: the buffer, which the caller owns and may take framing out of ([`ChunkScanner::moved`]).
//! Invariant: each byte is looked at a bounded number of times however the input is split; extensions,
//! trailers and the payload are bounded; the outcome does not depend on the split.

use std::ops::Range;

use memchr::memchr;

use crate::limits::{
    CHUNK_FRAMING_BYTES_FREE, CHUNK_LINE_BYTES_MAX, CHUNK_PAYLOAD_PER_FRAMING, TRAILER_BYTES_MAX,
};

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

/// What [`ChunkScanner::step`] came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Payload stands here.
    Payload(Range<usize>),
    /// There is no more of it in the buffer.
    Stop(ChunkState),
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Size,
    Data {
        left: u64,
    },
    DataEnd,
    /// So many bytes of trailers were read.
    Trailer {
        taken: usize,
    },
    End(ChunkState),
}

/// A reader that stands somewhere in a chunked body.
#[derive(Clone, Debug)]
pub(crate) struct ChunkScanner {
    phase: Phase,
    /// Bytes of the body that were taken out of the buffer, less where it began there.
    moved: isize,
    /// Everything before is understood.
    position: usize,
    /// In a line: where to go on looking for its end.
    looked: usize,
    payload_bytes: usize,
    payload_bytes_max: usize,
}

impl ChunkScanner {
    /// A reader of the body that begins at `start` of the buffer.
    pub(crate) fn new(start: usize, payload_bytes_max: usize) -> ChunkScanner {
        ChunkScanner {
            phase: Phase::Size,
            moved: -(start as isize),
            position: start,
            looked: start,
            payload_bytes: 0,
            payload_bytes_max,
        }
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn payload_bytes(&self) -> usize {
        self.payload_bytes
    }

    /// So many bytes before [`ChunkScanner::position`] were taken out of the buffer.
    pub(crate) fn moved(&mut self, bytes: usize) {
        self.position -= bytes;
        self.looked -= bytes;
        self.moved += bytes as isize;
    }

    /// Reads on in `buffer`, which holds what it held before and more, to the next piece of payload, which is then
    /// behind it.
    ///
    /// # Errors
    /// What breaks the grammar.
    pub(crate) fn step(&mut self, buffer: &[u8]) -> Result<Step, &'static str> {
        const MORE: Step = Step::Stop(ChunkState::More);
        loop {
            match self.phase {
                Phase::End(state) => return Ok(Step::Stop(state)),
                Phase::Data { left } => return Ok(self.data(buffer, left)),
                Phase::DataEnd => {
                    let Some(end) = buffer.get(self.position..self.position + 2) else {
                        let rest = &buffer[self.position..];
                        return if rest.is_empty() || rest == b"\r" {
                            Ok(MORE)
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
                    let Some((size, line)) = self.size_line(buffer)? else {
                        return Ok(MORE);
                    };
                    let next = match size {
                        0 => Phase::Trailer { taken: 0 },
                        _ if self.is_mostly_framing(line) => Phase::End(ChunkState::Cut),
                        left => Phase::Data { left },
                    };
                    self.step_to(line + 2, next);
                }
                Phase::Trailer { taken } => {
                    let left = TRAILER_BYTES_MAX.saturating_sub(taken);
                    let Some(line) = self.line(buffer, left, "trailers are too long")? else {
                        return Ok(MORE);
                    };
                    let is_last = line == self.position;
                    if !is_last && !is_field(&buffer[self.position..line]) {
                        return Err("trailer is not a field");
                    }
                    let next = if is_last {
                        Phase::End(ChunkState::Complete)
                    } else {
                        let taken = taken + line + 2 - self.position;
                        Phase::Trailer { taken }
                    };
                    self.step_to(line + 2, next);
                }
            }
        }
    }

    /// Whether the chunk line that ends at `line` makes the framing outweigh what it frames.
    fn is_mostly_framing(&self, line: usize) -> bool {
        let framing = (line as isize + self.moved) as u64 - self.payload_bytes as u64;
        framing > CHUNK_FRAMING_BYTES_FREE + self.payload_bytes as u64 / CHUNK_PAYLOAD_PER_FRAMING
    }

    fn step_to(&mut self, position: usize, phase: Phase) {
        self.position = position;
        self.looked = position;
        self.phase = phase;
    }

    /// The size that the line at `position` tells, and where that line ends; none when it is not all here.
    fn size_line(&mut self, buffer: &[u8]) -> Result<Option<(u64, usize)>, &'static str> {
        if let Some((size, digits)) = bare_size(&buffer[self.position..]) {
            return Ok(Some((size, self.position + digits)));
        }
        let found = self.line(buffer, CHUNK_LINE_BYTES_MAX, "chunk line is too long")?;
        found
            .map(|line| Ok((chunk_size(&buffer[self.position..line])?, line)))
            .transpose()
    }

    /// Takes payload.
    fn data(&mut self, buffer: &[u8], left: u64) -> Step {
        let room = self.payload_bytes_max - self.payload_bytes;
        if room == 0 {
            self.phase = Phase::End(ChunkState::Cut);
            return Step::Stop(ChunkState::Cut);
        }
        let here = buffer.len() - self.position;
        let taken = here
            .min(room)
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        if taken == 0 {
            return Step::Stop(ChunkState::More);
        }
        let piece = self.position..self.position + taken;
        self.position = piece.end;
        self.payload_bytes += taken;
        self.phase = match left - taken as u64 {
            0 => Phase::DataEnd,
            left => Phase::Data { left },
        };
        Step::Payload(piece)
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

/// Digits of a size that [`bare_size`] reads: no chunk of a page needs more.
const BARE_DIGITS_MAX: usize = 8;

/// The short way for the line that nearly every chunk has, a size and nothing else, if that is here: the size and the
/// number of its digits. Everything else, what is wrong included, goes the long way.
fn bare_size(line: &[u8]) -> Option<(u64, usize)> {
    let mut size = 0;
    for at in 0..=BARE_DIGITS_MAX {
        let digit = match *line.get(at)? {
            byte @ b'0'..=b'9' => byte - b'0',
            byte @ (b'a'..=b'f' | b'A'..=b'F') => (byte | 0x20) - b'a' + 10,
            b'\r' if at > 0 && line.get(at + 1) == Some(&b'\n') => return Some((size, at)),
            _ => return None,
        };
        size = size << 4 | u64::from(digit);
    }
    None
}

/// `1*HEXDIG [BWS ";" ext]`; extensions are skipped.
pub(crate) fn chunk_size(line: &[u8]) -> Result<u64, &'static str> {
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
            let here = &body[..end.min(body.len())];
            state = loop {
                match scanner.step(here)? {
                    Step::Payload(piece) => payload.extend_from_slice(&here[piece]),
                    Step::Stop(state) => break state,
                }
            };
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
}
