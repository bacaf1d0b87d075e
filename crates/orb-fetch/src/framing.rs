//! Where a response's body ends and whether its connection lives on, by its fields (RFC 9112, 6 and 9.3).
//!
//! In: parsed fields, the status. Out: the body's framing, what the connection is good for.
//! May touch: `wire`. Must not touch: buffers, sockets.
//! Invariant: contradictory lengths are an error; framing that is legal to read but known from smuggling
//! marks the connection as not to be used again.

use std::time::Duration;

use memchr::memchr;

use crate::chunked::ChunkState;
use crate::error::FetchError;
use crate::wire::Chunks;

/// How the end of a body is known, and how far it has come.
#[derive(Debug)]
pub(crate) enum Body {
    /// Not known yet: the head is being read.
    Unknown,
    /// As many bytes as announced, or as the cap allows.
    Length {
        wanted: usize,
        cut: bool,
    },
    Chunked {
        chunks: Chunks,
        state: ChunkState,
    },
    UntilClose,
}

/// What the fields say about the body's length and the connection.
#[derive(Default)]
pub(crate) struct HeadFacts {
    length: Option<u64>,
    /// There is a `Transfer-Encoding`, whatever it says.
    has_coding: bool,
    is_chunked: bool,
    pub(crate) persistent: bool,
    /// The framing is legal to read but smells of smuggling: close afterwards.
    pub(crate) is_doubtful: bool,
    pub(crate) idle: Option<Duration>,
}

impl HeadFacts {
    pub(crate) fn of(
        headers: &[httparse::Header<'_>],
        is_1_1: bool,
    ) -> Result<HeadFacts, FetchError> {
        let mut facts = HeadFacts {
            persistent: is_1_1,
            ..HeadFacts::default()
        };
        let mut must_close = false;
        for field in headers {
            if field.name.eq_ignore_ascii_case("content-length") {
                facts.take_length(field.value)?;
            } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
                facts.has_coding = true;
                facts.take_coding(field.value)?;
            } else if field.name.eq_ignore_ascii_case("connection") {
                let has = |word: &[u8]| elements(field.value).any(|e| e.eq_ignore_ascii_case(word));
                must_close |= has(b"close");
                facts.persistent |= has(b"keep-alive");
            } else if field.name.eq_ignore_ascii_case("keep-alive") {
                facts.idle = elements(field.value).find_map(idle_of);
            }
        }
        facts.persistent &= !must_close;
        // RFC 9112, 6.3: the transfer coding overrides the length, and 6.1: a version that does not know
        // it must not use it. Both read well and both are how requests are smuggled, so nothing may follow.
        facts.is_doubtful |= facts.has_coding && (facts.length.is_some() || !is_1_1);
        Ok(facts)
    }

    /// Of an answer that has no body, whatever its fields say of one (RFC 9112, 6.3): they are not believed, and nothing
    /// may follow.
    pub(crate) fn doubtful() -> HeadFacts {
        HeadFacts {
            is_doubtful: true,
            ..HeadFacts::default()
        }
    }

    /// RFC 9110, 8.6: a list of equal numbers counts as one; anything else cannot be framed.
    fn take_length(&mut self, value: &[u8]) -> Result<(), FetchError> {
        let bad = |reason| FetchError::BadFraming { reason };
        for element in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            if element.is_empty() || !element.iter().all(u8::is_ascii_digit) {
                return Err(bad("content-length is not a number"));
            }
            let length = std::str::from_utf8(element)
                .ok()
                .and_then(|digits| digits.parse::<u64>().ok());
            let length = length.filter(|&length| length <= i64::MAX as u64);
            let length = length.ok_or_else(|| bad("content-length is out of range"))?;
            if self.length.is_some_and(|other| other != length) {
                return Err(bad("content-length fields differ"));
            }
            self.length = Some(length);
        }
        Ok(())
    }

    fn take_coding(&mut self, value: &[u8]) -> Result<(), FetchError> {
        for coding in elements(value) {
            if coding.eq_ignore_ascii_case(b"chunked") && !self.is_chunked {
                self.is_chunked = true;
            } else if coding.eq_ignore_ascii_case(b"identity") && !self.is_chunked {
                // Obsolete, and says nothing.
            } else {
                return Err(FetchError::BadFraming {
                    reason: "unknown transfer coding",
                });
            }
        }
        Ok(())
    }

    /// RFC 9112, 6.3, for responses to GET: `head_len` is where the body begins, `max` its cap.
    pub(crate) fn body(&self, status: u16, head_len: usize, max: usize) -> Body {
        if status == 204 || status == 304 {
            return Body::Length {
                wanted: 0,
                cut: false,
            };
        }
        if self.is_chunked {
            return Body::Chunked {
                chunks: Chunks::new(head_len, max),
                state: ChunkState::More,
            };
        }
        match self.length.map(usize::try_from) {
            None => Body::UntilClose,
            Some(Ok(length)) if length <= max => Body::Length {
                wanted: length,
                cut: false,
            },
            Some(_) => Body::Length {
                wanted: max,
                cut: true,
            },
        }
    }
}

/// The non-empty elements of a comma-separated field.
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}

/// `timeout=N` of `Keep-Alive`.
fn idle_of(element: &[u8]) -> Option<Duration> {
    let equals = memchr(b'=', element)?;
    let (name, value) = (
        element[..equals].trim_ascii(),
        element[equals + 1..].trim_ascii(),
    );
    let seconds = std::str::from_utf8(value).ok()?.parse().ok()?;
    name.eq_ignore_ascii_case(b"timeout")
        .then(|| Duration::from_secs(seconds))
}
