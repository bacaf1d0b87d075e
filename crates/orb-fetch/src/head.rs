//! The head of a response: from its bytes to status, fields and framing.
//!
//! In: the bytes up to the empty line. Out: a [`ParsedHead`], or what is wrong with them.
//! May touch: `httparse`, `odd_head`, `framing`. Must not touch: buffers, sockets.
//! Invariant: no value of a field that is handed on holds a line break or a null byte.

use std::ops::Range;

use memchr::{memchr, memchr_iter};

use crate::error::FetchError;
use crate::framing::HeadFacts;
use crate::limits::HEAD_FIELDS_CEILING;
use crate::odd_head::is_harmless;
use crate::response::Field;

/// What a head says.
pub(crate) struct ParsedHead {
    pub(crate) status: u16,
    pub(crate) version_minor: u8,
    /// Where the body ends.
    pub(crate) facts: HeadFacts,
    pub(crate) fields: Vec<Field>,
    /// Something about it is not as the grammar wants it: nothing may follow on the connection.
    pub(crate) is_odd: bool,
}

/// Parses `head` strictly; where it breaks the grammar in a way that does no harm, once more as browsers do. Folded
/// fields are then left out of `fields`, lines that are no field skipped.
///
/// # Errors
/// What makes the head unusable.
pub(crate) fn parse_head(head: &[u8], fields_max: usize) -> Result<ParsedHead, FetchError> {
    let mut is_odd = false;
    loop {
        let mut slots = [httparse::EMPTY_HEADER; HEAD_FIELDS_CEILING];
        let mut parsed = httparse::Response::new(&mut slots[..fields_max]);
        let error = match parser(is_odd).parse_response(&mut parsed, head) {
            Ok(httparse::Status::Complete(len)) if len == head.len() => {
                return taken(head, &parsed, is_odd);
            }
            Ok(_) => {
                return Err(FetchError::BadHead {
                    reason: "line breaks inside the head",
                });
            }
            Err(error) => error,
        };
        match error {
            httparse::Error::TooManyHeaders => {
                return Err(FetchError::TooManyFields {
                    limit: fields_max as u32,
                });
            }
            httparse::Error::Version => return Err(FetchError::NotHttp),
            httparse::Error::HeaderName
            | httparse::Error::HeaderValue
            | httparse::Error::NewLine
                if !is_odd && is_harmless(head) =>
            {
                is_odd = true;
            }
            error => {
                return Err(FetchError::BadHead {
                    reason: reason_of(error),
                });
            }
        }
    }
}

fn parser(is_odd: bool) -> httparse::ParserConfig {
    let mut parser = httparse::ParserConfig::default();
    parser
        .allow_obsolete_multiline_headers_in_responses(is_odd)
        .allow_spaces_after_header_name_in_responses(is_odd)
        .ignore_invalid_headers_in_responses(is_odd);
    parser
}

fn taken(
    head: &[u8],
    parsed: &httparse::Response<'_, '_>,
    is_odd: bool,
) -> Result<ParsedHead, FetchError> {
    let status = parsed.code.unwrap_or(0);
    let version_minor = parsed.version.unwrap_or(1);
    let facts = match (status, HeadFacts::of(parsed.headers, version_minor == 1)) {
        (_, Ok(facts)) => facts,
        (..200 | 204 | 304, Err(_)) => HeadFacts::doubtful(),
        (_, Err(error)) => return Err(error),
    };
    let has_bare_feed = memchr_iter(b'\n', head).any(|lf| lf == 0 || head[lf - 1] != b'\r');
    Ok(ParsedHead {
        status,
        version_minor,
        facts,
        fields: spans(head, parsed.headers),
        is_odd: is_odd || has_bare_feed,
    })
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

/// Where the fields stand; those whose value goes over several lines are left out.
fn spans(head: &[u8], headers: &[httparse::Header<'_>]) -> Vec<Field> {
    let base = head.as_ptr() as usize;
    let span = |part: &[u8]| -> Range<u32> {
        // Heads are bounded far below 4 GiB. An empty value may point anywhere.
        let start = if part.is_empty() {
            0
        } else {
            (part.as_ptr() as usize - base) as u32
        };
        start..start + part.len() as u32
    };
    headers
        .iter()
        .filter(|field| memchr(b'\n', field.value).is_none())
        .map(|field| Field {
            name: span(field.name.as_bytes()),
            value: span(field.value),
        })
        .collect()
}
