//! HTTP/1 responses: from bytes, however they are split, to a framed response.
//!
//! In: bytes appended to one buffer, and how the connection ended. Out: a [`Response`], or what is wrong.
//! May touch: `head`, `wire`. Must not touch: sockets, time.
//! Invariant: the outcome does not depend on how the bytes were split; a body whose end is not certain is
//! never called whole (RFC 9112, 6.3 and 8).

use std::time::Duration;

use memchr::memchr_iter;

use crate::chunked::ChunkState;
use crate::config::{FetchConfig, framing_bytes_max, with_room_to_grow};
use crate::error::FetchError;
use crate::framing::Body;
use crate::head::parse_head;
use crate::limits::HEAD_FIELDS_CEILING;
use crate::limits::UNWANTED_BYTES_READ_MAX;
use crate::response::{Field, Response, Truncated, field_values, is_wanted};
use crate::wire::Wire;

/// Bounds of one response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadLimits {
    pub(crate) head_bytes_max: usize,
    pub(crate) head_fields_max: usize,
    pub(crate) body_bytes_max: usize,
    pub(crate) interim_max: u32,
}

impl ReadLimits {
    pub(crate) fn new(config: &FetchConfig, body_bytes_max: Option<u64>) -> ReadLimits {
        let bytes = |max: u64| usize::try_from(max).unwrap_or(usize::MAX);
        let body = body_bytes_max
            .unwrap_or(config.body_bytes_max)
            .min(config.body_bytes_max);
        ReadLimits {
            head_bytes_max: bytes(config.head_bytes_max),
            head_fields_max: (config.head_fields_max as usize).min(HEAD_FIELDS_CEILING),
            body_bytes_max: bytes(body),
            interim_max: config.interim_max,
        }
    }
}

/// Whether the response is all here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    Complete,
}

/// How the bytes stopped coming before the response was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The peer closed in order.
    Closed,
    /// The connection broke: a reset, or TLS without its closing notice.
    Broken,
    /// A limit on time was reached.
    Time,
    /// The rest is not wanted.
    Unwanted,
}

#[derive(Debug, Default)]
struct Head {
    status: u16,
    version_minor: u8,
    len: usize,
    fields: Vec<Field>,
    /// The peer will take another request on this connection.
    persistent: bool,
    idle: Option<Duration>,
}

/// Reads one response out of a buffer that the caller fills.
#[derive(Debug)]
pub(crate) struct ResponseReader {
    /// Everything received since the last interim response, but for chunk framing that was set aside; the caller appends.
    pub(crate) raw: Vec<u8>,
    limits: ReadLimits,
    /// Up to here no end of the head was found.
    looked: usize,
    interim: u32,
    head: Head,
    body: Body,
}

impl ResponseReader {
    pub(crate) fn new(limits: ReadLimits, raw: Vec<u8>) -> ResponseReader {
        ResponseReader {
            raw,
            limits,
            looked: 0,
            interim: 0,
            head: Head::default(),
            body: Body::Unknown,
        }
    }

    /// Whether the head has been read, so that what is missing is body.
    pub(crate) fn in_body(&self) -> bool {
        !matches!(self.body, Body::Unknown)
    }

    /// Bytes the buffer can still take up before the response is complete or over a cap; at least 1.
    pub(crate) fn bytes_wanted_max(&self) -> usize {
        let end = match &self.body {
            Body::Unknown => self.limits.head_bytes_max.saturating_add(1),
            Body::Length { wanted, .. } => self.head.len.saturating_add(*wanted),
            Body::Chunked { chunks, .. } => {
                let most = framing_bytes_max(self.limits.body_bytes_max as u64);
                let body = (self.limits.body_bytes_max)
                    .saturating_add(usize::try_from(most).unwrap_or(usize::MAX));
                let left = body.saturating_sub(chunks.framing_bytes());
                self.head.len.saturating_add(left)
            }
            Body::UntilClose => self
                .head
                .len
                .saturating_add(self.limits.body_bytes_max)
                .saturating_add(1),
        };
        end.saturating_sub(self.raw.len()).max(1)
    }

    /// Memory that chunk framing set aside can take when `more` bytes have come.
    pub(crate) fn framing_bytes(&self, more: usize) -> u64 {
        let Body::Chunked { chunks, .. } = &self.body else {
            return 0;
        };
        let most = framing_bytes_max(self.limits.body_bytes_max as u64);
        let then = (chunks.framing_bytes() as u64).saturating_add(more as u64);
        with_room_to_grow(then.min(most))
    }

    /// Looks at what was appended to `raw`. Cost: amortised O(new bytes).
    ///
    /// # Errors
    /// What makes the response unusable; the connection must be closed.
    pub(crate) fn received(&mut self) -> Result<Progress, FetchError> {
        while !self.in_body() {
            let Some(end) = self.head_end()? else {
                return Ok(Progress::More);
            };
            self.read_head(end)?;
        }
        let body_len = self.raw.len() - self.head.len;
        let is_complete = match &mut self.body {
            Body::Unknown => false,
            Body::Length { wanted, .. } => body_len >= *wanted,
            Body::UntilClose => body_len > self.limits.body_bytes_max,
            Body::Chunked { chunks, state } => {
                *state = chunks
                    .received(&mut self.raw)
                    .map_err(|reason| FetchError::BadFraming { reason })?;
                *state != ChunkState::More
            }
        };
        Ok(if is_complete {
            Progress::Complete
        } else {
            Progress::More
        })
    }

    /// Finds the empty line behind the head, looking only at new bytes.
    fn head_end(&mut self) -> Result<Option<usize>, FetchError> {
        const START: &[u8] = b"HTTP/";
        let seen = self.raw.len().min(START.len());
        if self.raw[..seen] != START[..seen] {
            return Err(FetchError::NotHttp);
        }
        let end = memchr_iter(b'\n', &self.raw[self.looked..])
            .map(|at| self.looked + at)
            .find(|&lf| self.raw[..lf].ends_with(b"\n") || self.raw[..lf].ends_with(b"\n\r"))
            .map(|lf| lf + 1);
        self.looked = self.raw.len();
        if end.unwrap_or(self.raw.len()) > self.limits.head_bytes_max {
            return Err(FetchError::HeadTooLarge {
                limit_bytes: self.limits.head_bytes_max as u64,
            });
        }
        Ok(end)
    }

    /// Parses the head that ends at `end`. An interim one is dropped from the buffer.
    fn read_head(&mut self, end: usize) -> Result<(), FetchError> {
        let parsed = parse_head(&self.raw[..end], self.limits.head_fields_max)?;
        match parsed.status {
            0..100 => {
                return Err(FetchError::BadHead {
                    reason: "status below 100",
                });
            }
            101 => return Err(FetchError::UnaskedUpgrade),
            100..200 => {
                self.interim += 1;
                if self.interim > self.limits.interim_max {
                    return Err(FetchError::TooManyInterim {
                        limit: self.limits.interim_max,
                    });
                }
                self.raw.drain(..end);
                self.looked = 0;
                return Ok(());
            }
            _ => {}
        }
        let facts = parsed.facts;
        self.body = facts.body(parsed.status, end, self.limits.body_bytes_max);
        self.head = Head {
            status: parsed.status,
            version_minor: parsed.version_minor,
            len: end,
            fields: parsed.fields,
            persistent: facts.persistent && !facts.is_doubtful && !parsed.is_odd,
            idle: facts.idle,
        };
        Ok(())
    }

    /// How long the connection may idle if it can take another request: the response is complete, its
    /// end was framed and nothing follows it. The inner value is what the server announced.
    pub(crate) fn reusable(&self) -> Option<Option<Duration>> {
        let end = match &self.body {
            Body::Length { wanted, cut: false } => self.head.len + wanted,
            Body::Chunked {
                chunks,
                state: ChunkState::Complete,
            } => chunks.position(),
            _ => return None,
        };
        (self.head.persistent && self.raw.len() == end).then_some(self.head.idle)
    }

    /// The response, after [`Progress::Complete`].
    pub(crate) fn complete(self) -> Response {
        let truncated = match &self.body {
            Body::Length { cut: false, .. }
            | Body::Chunked {
                state: ChunkState::Complete,
                ..
            } => None,
            _ => Some(Truncated::Length),
        };
        self.into_response(truncated)
    }

    /// The response as far as it came, when the head is here and the rest never will be.
    pub(crate) fn ended(self, end: End) -> Response {
        let is_whole = matches!((&self.body, end), (Body::UntilClose, End::Closed));
        let truncated = match end {
            _ if is_whole => None,
            End::Time => Some(Truncated::Time),
            End::Unwanted => Some(Truncated::Unwanted),
            End::Closed | End::Broken => Some(Truncated::Disconnect),
        };
        self.into_response(truncated)
    }

    /// Whether the head says that the body is of none of `types`, and not so small that it is read all the same.
    pub(crate) fn is_unwanted(&self, types: &[String]) -> bool {
        let is_small =
            matches!(&self.body, Body::Length { wanted, .. } if *wanted <= UNWANTED_BYTES_READ_MAX);
        let mut values = field_values(&self.raw, &self.head.fields, "content-type");
        self.in_body()
            && (200..300).contains(&self.head.status)
            && !is_small
            && values.next().is_some_and(|value| !is_wanted(value, types))
    }

    /// Bytes of payload so far.
    pub(crate) fn payload_bytes(&self) -> usize {
        match &self.body {
            Body::Unknown => 0,
            Body::Chunked { chunks, .. } => chunks.payload_bytes(),
            Body::Length { .. } | Body::UntilClose => self.raw.len() - self.head.len,
        }
    }

    fn into_response(self, truncated: Option<Truncated>) -> Response {
        let start = self.head.len;
        let plain = |mut raw: Vec<u8>, end: usize| {
            raw.truncate(end);
            Wire::plain(raw, start)
        };
        let wire = match self.body {
            _ if truncated == Some(Truncated::Unwanted) => plain(self.raw, start),
            Body::Unknown => plain(self.raw, start),
            Body::Length { wanted, .. } => plain(self.raw, start + wanted),
            Body::UntilClose => plain(self.raw, start.saturating_add(self.limits.body_bytes_max)),
            Body::Chunked { chunks, state } => {
                chunks.into_wire(self.raw, start, state == ChunkState::More)
            }
        };
        Response {
            status: self.head.status,
            version_minor: self.head.version_minor,
            wire,
            truncated,
            fields: self.head.fields,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: ReadLimits = ReadLimits {
        head_bytes_max: 120,
        head_fields_max: 4,
        body_bytes_max: 10,
        interim_max: 2,
    };

    /// Feeds `bytes` in pieces of `step`, then closes: the response, or the class of the error.
    fn read(bytes: &[u8], step: usize) -> Result<Response, &'static str> {
        let mut reader = ResponseReader::new(LIMITS, Vec::new());
        for piece in bytes.chunks(step) {
            assert!(reader.bytes_wanted_max() > 0);
            reader.raw.extend_from_slice(piece);
            match reader.received() {
                Ok(Progress::More) => {}
                Ok(Progress::Complete) => return Ok(reader.complete()),
                Err(error) => return Err(error.class()),
            }
        }
        if reader.in_body() {
            Ok(reader.ended(End::Closed))
        } else {
            Err("head_incomplete")
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever comes: no panic, and the same outcome however it was split.
        #[test]
        fn no_input_and_no_split_changes_the_outcome(
            parts in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(vec![
                        &b"HTTP/1.1 200 OK\r\n"[..], b"HTTP/1.0 404 No\r\n", b"HTTP/1.1 100 C\r\n\r\n", b"\r\n", b"\n",
                        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"Content-Length: 7\r\n", b"A: b\r\n",
                        b"3\r\nabc\r\n", b"0\r\n\r\n", b"c\r\n0123456789ab\r\n", b"2;x=y\r\n", b"\0", b"\r", b" ",
                    ]).prop_map(<[u8]>::to_vec),
                    prop::collection::vec(any::<u8>(), 0..12),
                ],
                0..12,
            ),
            step in 1usize..9,
        ) {
            let bytes = parts.concat();
            let whole = read(&bytes, bytes.len().max(1));
            prop_assert_eq!(&read(&bytes, step), &whole);
            if let Ok(response) = whole {
                let received = response.wire_parts().collect::<Vec<_>>().concat();
                prop_assert!(bytes.windows(received.len()).any(|part| part == received));
                prop_assert!(response.payload().len() <= LIMITS.body_bytes_max);
                prop_assert!(response.head().len() <= LIMITS.head_bytes_max);
            }
        }
    }
}
