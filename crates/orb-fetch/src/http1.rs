//! HTTP/1 responses: from bytes, however they are split, to a framed response.
//!
//! In: bytes appended to one buffer, and how the connection ended. Out: a [`Response`], or what is wrong.
//! May touch: `httparse`, `chunked`. Must not touch: sockets, time.
//! Invariant: the outcome does not depend on how the bytes were split; a body whose end is not certain is
//! never called whole (RFC 9112, 6.3 and 8).

use std::time::Duration;

use memchr::{memchr, memchr_iter};

use crate::chunked::{ChunkScanner, ChunkState};
use crate::config::{FetchConfig, wire_body_bytes_max};
use crate::error::FetchError;
use crate::limits::HEAD_FIELDS_CEILING;
use crate::response::{Field, Payload, Response, Truncated};

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
        let body = body_bytes_max.unwrap_or(config.body_bytes_max).min(config.body_bytes_max);
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
}

#[derive(Debug)]
enum Body {
    /// Not known yet: the head is being read.
    Unknown,
    /// As many bytes as announced, or as the cap allows.
    Length { wanted: usize, cut: bool },
    Chunked { scanner: ChunkScanner, state: ChunkState },
    UntilClose,
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
    /// Everything received since the last interim response; the caller appends.
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
        ResponseReader { raw, limits, looked: 0, interim: 0, head: Head::default(), body: Body::Unknown }
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
            Body::Chunked { .. } => self.head.len.saturating_add(self.wire_body_max()),
            Body::UntilClose => self.head.len.saturating_add(self.limits.body_bytes_max).saturating_add(1),
        };
        end.saturating_sub(self.raw.len()).max(1)
    }

    /// Whether the payload may have to be copied out of the framing at the end.
    pub(crate) fn is_chunked(&self) -> bool {
        matches!(self.body, Body::Chunked { .. })
    }

    fn wire_body_max(&self) -> usize {
        usize::try_from(wire_body_bytes_max(self.limits.body_bytes_max as u64)).unwrap_or(usize::MAX)
    }

    /// Looks at what was appended to `raw`. Cost: amortised O(new bytes).
    ///
    /// # Errors
    /// What makes the response unusable; the connection must be closed.
    pub(crate) fn received(&mut self) -> Result<Progress, FetchError> {
        while !self.in_body() {
            let Some(end) = self.head_end()? else { return Ok(Progress::More) };
            self.read_head(end)?;
        }
        let body_len = self.raw.len() - self.head.len;
        let wire_max = self.wire_body_max();
        let is_complete = match &mut self.body {
            Body::Unknown => false,
            Body::Length { wanted, .. } => body_len >= *wanted,
            Body::UntilClose => body_len > self.limits.body_bytes_max,
            Body::Chunked { scanner, state } => {
                // Never beyond the wire cap, so that the cut does not depend on how much came at once.
                let seen = self.raw.len().min(self.head.len.saturating_add(wire_max));
                *state = scanner
                    .advance(&self.raw[..seen], |_| {})
                    .map_err(|reason| FetchError::BadFraming { reason })?;
                if *state == ChunkState::More && body_len >= wire_max {
                    *state = ChunkState::Cut;
                }
                *state != ChunkState::More
            }
        };
        Ok(if is_complete { Progress::Complete } else { Progress::More })
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
            return Err(FetchError::HeadTooLarge { limit_bytes: self.limits.head_bytes_max as u64 });
        }
        Ok(end)
    }

    /// Parses the head that ends at `end`. An interim one is dropped from the buffer.
    fn read_head(&mut self, end: usize) -> Result<(), FetchError> {
        let mut slots = [httparse::EMPTY_HEADER; HEAD_FIELDS_CEILING];
        let mut parsed = httparse::Response::new(&mut slots[..self.limits.head_fields_max]);
        let parse = httparse::ParserConfig::default().parse_response(&mut parsed, &self.raw[..end]);
        match parse {
            Ok(httparse::Status::Complete(len)) if len == end => {}
            Ok(_) => return Err(FetchError::BadHead { reason: "line breaks inside the head" }),
            Err(httparse::Error::TooManyHeaders) => {
                return Err(FetchError::TooManyFields { limit: self.limits.head_fields_max as u32 });
            }
            Err(httparse::Error::Version) => return Err(FetchError::NotHttp),
            Err(error) => return Err(FetchError::BadHead { reason: reason_of(error) }),
        }
        let status = parsed.code.unwrap_or(0);
        match status {
            0..100 => return Err(FetchError::BadHead { reason: "status below 100" }),
            101 => return Err(FetchError::UnaskedUpgrade),
            100..200 => {
                self.interim += 1;
                if self.interim > self.limits.interim_max {
                    return Err(FetchError::TooManyInterim { limit: self.limits.interim_max });
                }
                self.raw.drain(..end);
                self.looked = 0;
                return Ok(());
            }
            _ => {}
        }
        let facts = HeadFacts::of(parsed.headers, parsed.version == Some(1))?;
        let has_bare_feed = memchr_iter(b'\n', &self.raw[..end]).any(|lf| lf == 0 || self.raw[lf - 1] != b'\r');
        self.body = body_of(status, &facts, end, self.limits.body_bytes_max)?;
        self.head = Head {
            status,
            version_minor: parsed.version.unwrap_or(1),
            len: end,
            fields: spans(&self.raw, parsed.headers),
            persistent: facts.persistent && !facts.is_doubtful && !has_bare_feed,
            idle: facts.idle,
        };
        Ok(())
    }

    /// How long the connection may idle if it can take another request: the response is complete, its
    /// end was framed and nothing follows it. The inner value is what the server announced.
    pub(crate) fn reusable(&self) -> Option<Option<Duration>> {
        let end = match &self.body {
            Body::Length { wanted, cut: false } => self.head.len + wanted,
            Body::Chunked { scanner, state: ChunkState::Complete } => scanner.position(),
            _ => return None,
        };
        (self.head.persistent && self.raw.len() == end).then_some(self.head.idle)
    }

    /// The response, after [`Progress::Complete`].
    pub(crate) fn complete(self) -> Response {
        let truncated = match &self.body {
            Body::Length { cut: false, .. } | Body::Chunked { state: ChunkState::Complete, .. } => None,
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
            End::Closed | End::Broken => Some(Truncated::Disconnect),
        };
        self.into_response(truncated)
    }

    /// Bytes of payload so far.
    pub(crate) fn payload_bytes(&self) -> usize {
        match &self.body {
            Body::Unknown => 0,
            Body::Chunked { scanner, .. } => scanner.payload_bytes(),
            Body::Length { .. } | Body::UntilClose => self.raw.len() - self.head.len,
        }
    }

    fn into_response(mut self, truncated: Option<Truncated>) -> Response {
        let start = self.head.len;
        let end = match &self.body {
            Body::Unknown => start,
            Body::Length { wanted, .. } => start + wanted,
            Body::UntilClose => start.saturating_add(self.limits.body_bytes_max),
            Body::Chunked { state: ChunkState::More, .. } => self.raw.len(),
            Body::Chunked { scanner, .. } => scanner.position(),
        };
        self.raw.truncate(end);
        let payload = match &self.body {
            Body::Chunked { scanner, .. } => match scanner.single_run() {
                Some(run) => Payload::Raw(run),
                None => Payload::Joined(join_chunks(&self.raw, start, scanner.payload_bytes())),
            },
            _ => Payload::Raw(start.min(self.raw.len())..self.raw.len()),
        };
        Response {
            status: self.head.status,
            version_minor: self.head.version_minor,
            raw: self.raw,
            head_len: start,
            payload,
            truncated,
            fields: self.head.fields,
        }
    }
}

/// The second pass over a chunked body: copies its payload into a buffer of exactly its size.
fn join_chunks(raw: &[u8], start: usize, payload_bytes: usize) -> Vec<u8> {
    let mut payload = Vec::with_capacity(payload_bytes);
    let again = ChunkScanner::new(start, payload_bytes).advance(raw, |piece| payload.extend_from_slice(piece));
    debug_assert!(again.is_ok() && payload.len() == payload_bytes, "the first pass accepted these bytes");
    payload
}

fn reason_of(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::HeaderName => "invalid byte in a field name",
        httparse::Error::HeaderValue => "invalid byte in a field value",
        httparse::Error::NewLine => "invalid line break",
        httparse::Error::Status => "invalid status code",
        httparse::Error::Token => "invalid byte in the status line",
        httparse::Error::TooManyHeaders => "too many fields",
        httparse::Error::Version => "invalid version",
    }
}

fn spans(raw: &[u8], headers: &[httparse::Header<'_>]) -> Vec<Field> {
    let base = raw.as_ptr() as usize;
    let span = |part: &[u8]| {
        // Heads are bounded far below 4 GiB. An empty value may point anywhere.
        let start = if part.is_empty() { 0 } else { (part.as_ptr() as usize - base) as u32 };
        start..start + part.len() as u32
    };
    headers.iter().map(|field| Field { name: span(field.name.as_bytes()), value: span(field.value) }).collect()
}

/// What the fields say about the body's length and the connection.
#[derive(Default)]
struct HeadFacts {
    length: Option<u64>,
    is_chunked: bool,
    persistent: bool,
    /// The framing is legal to read but smells of smuggling: close afterwards.
    is_doubtful: bool,
    idle: Option<Duration>,
}

impl HeadFacts {
    fn of(headers: &[httparse::Header<'_>], is_1_1: bool) -> Result<HeadFacts, FetchError> {
        let mut facts = HeadFacts { persistent: is_1_1, ..HeadFacts::default() };
        let mut must_close = false;
        for field in headers {
            if field.name.eq_ignore_ascii_case("content-length") {
                facts.take_length(field.value)?;
            } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
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
        facts.is_doubtful |= facts.is_chunked && (facts.length.is_some() || !is_1_1);
        Ok(facts)
    }

    /// RFC 9110, 8.6: a list of equal numbers counts as one; anything else cannot be framed.
    fn take_length(&mut self, value: &[u8]) -> Result<(), FetchError> {
        let bad = |reason| FetchError::BadFraming { reason };
        for element in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            if element.is_empty() || !element.iter().all(u8::is_ascii_digit) {
                return Err(bad("content-length is not a number"));
            }
            let length = std::str::from_utf8(element).ok().and_then(|digits| digits.parse::<u64>().ok());
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
                return Err(FetchError::BadFraming { reason: "unknown transfer coding" });
            }
        }
        Ok(())
    }
}

/// The non-empty elements of a comma-separated field.
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// `timeout=N` of `Keep-Alive`.
fn idle_of(element: &[u8]) -> Option<Duration> {
    let equals = memchr(b'=', element)?;
    let (name, value) = (element[..equals].trim_ascii(), element[equals + 1..].trim_ascii());
    let seconds = std::str::from_utf8(value).ok()?.parse().ok()?;
    name.eq_ignore_ascii_case(b"timeout").then(|| Duration::from_secs(seconds))
}

/// RFC 9112, 6.3, for responses to GET.
fn body_of(status: u16, facts: &HeadFacts, head_len: usize, max: usize) -> Result<Body, FetchError> {
    if status == 204 || status == 304 {
        return Ok(Body::Length { wanted: 0, cut: false });
    }
    if facts.is_chunked {
        let scanner = ChunkScanner::new(head_len, max);
        return Ok(Body::Chunked { scanner, state: ChunkState::More });
    }
    Ok(match facts.length {
        Some(length) => match usize::try_from(length) {
            Ok(length) if length <= max => Body::Length { wanted: length, cut: false },
            _ => Body::Length { wanted: max, cut: true },
        },
        None => Body::UntilClose,
    })
}
