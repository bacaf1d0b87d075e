//! A response as it was received.
//!
//! In: bytes that the reader has framed. Out: status, fields, payload, exact bytes.
//! May touch: nothing. Must not touch: content codings, which `decode_content` undoes.
//! Invariant: the bytes of the final response are had as the server sent them, and nothing else.

use std::ops::Range;

use crate::wire::{Wire, WireParts};

/// Why a body is not whole (WARC 1.1, `WARC-Truncated`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncated {
    /// It reached the cap.
    Length,
    /// It came too slowly or took too long.
    Time,
    /// The connection ended inside it.
    Disconnect,
    /// Its type was not asked for, so it was not read.
    Unwanted,
}

impl Truncated {
    /// The word of the WARC field.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Truncated::Length => "length",
            Truncated::Time => "time",
            Truncated::Disconnect => "disconnect",
            Truncated::Unwanted => "unspecified",
        }
    }
}

/// Where one header field stands in the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: Range<u32>,
    pub(crate) value: Range<u32>,
}

impl Field {
    fn read<'a>(&self, raw: &'a [u8]) -> (&'a str, &'a [u8]) {
        let name = &raw[self.name.start as usize..self.name.end as usize];
        let value = &raw[self.value.start as usize..self.value.end as usize];
        // The parser lets only ASCII tokens through as names.
        (std::str::from_utf8(name).unwrap_or(""), value)
    }
}

/// The values of all fields called `name` (without case), in order; those that are not UTF-8 are skipped.
pub(crate) fn field_values<'a, 'n>(
    raw: &'a [u8],
    fields: &'a [Field],
    name: &'n str,
) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
    fields
        .iter()
        .map(|field| field.read(raw))
        .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
        .filter_map(|(_, value)| std::str::from_utf8(value).ok())
}

/// A final response (never an interim one).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code, 200 to 999.
    pub status: u16,
    /// The version: 0 or 1 for HTTP/1.0 and HTTP/1.1.
    pub version_minor: u8,
    pub(crate) wire: Wire,
    /// Why the body is not whole, if it is not.
    pub truncated: Option<Truncated>,
    pub(crate) fields: Vec<Field>,
}

impl Response {
    /// Exactly what the server sent, in order and in parts: the head, then the body with its chunk framing, cut where it
    /// was cut. Interim responses before it and bytes after its end are left out.
    pub fn wire_parts(&self) -> WireParts<'_> {
        self.wire.parts()
    }

    /// Bytes of all [`Response::wire_parts`].
    #[must_use]
    pub fn wire_len(&self) -> usize {
        self.wire.len()
    }

    /// Memory that the response's bytes take: the room of the buffer and of the framing beside it.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.wire.memory_bytes()
    }

    /// The head as the server sent it, its empty line included.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        self.wire.head()
    }

    /// The body with its transfer coding removed and its content coding kept.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.wire.payload()
    }

    /// The first field called `name` (without case) whose value is UTF-8.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.header_values(name).next()
    }

    /// The values of all fields called `name`, in order; those that are not UTF-8 are skipped.
    pub fn header_values<'a, 'n>(
        &'a self,
        name: &'n str,
    ) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        field_values(self.wire.bytes(), &self.fields, name)
    }

    /// All fields in order, as received, values without the white space around them.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields
            .iter()
            .map(|field| field.read(self.wire.bytes()))
    }

    /// The media type, lower-case and without parameters; none when the server names none.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(media_type(value)).filter(|media| !media.is_empty())
    }

    /// Whether the content's type begins like one of `types`. So does one that is not told, and any when `types` is
    /// empty.
    #[must_use]
    pub fn is_of_type(&self, types: &[String]) -> bool {
        self.header("content-type")
            .is_none_or(|value| is_wanted(value, types))
    }

    /// The joined values of `Content-Encoding`, as [`crate::decode_content`] takes them.
    #[must_use]
    pub fn content_encoding(&self) -> Option<String> {
        let mut joined = None::<String>;
        for value in self.header_values("content-encoding") {
            joined =
                Some(joined.map_or_else(|| value.to_owned(), |before| format!("{before},{value}")));
        }
        joined
    }
}

fn media_type(content_type: &str) -> String {
    let media = content_type.split(';').next().unwrap_or_default();
    media.trim().to_ascii_lowercase()
}

/// Whether the value of a `Content-Type` begins like one of `types`; an empty one, and an empty list, say nothing.
pub(crate) fn is_wanted(content_type: &str, types: &[String]) -> bool {
    let media = media_type(content_type);
    let begins = |prefix: &String| media.starts_with(prefix.as_str());
    media.is_empty() || types.is_empty() || types.iter().any(begins)
}
