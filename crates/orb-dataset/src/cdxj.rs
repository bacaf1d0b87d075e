//! CDXJ: the line index that replay tools look addresses up in.
//!
//! In: records with their places. Out: one line each: key, time, one JSON object.
//! May touch: nothing. Invariant: a line holds no line end and no control character, whatever a server wrote.
//!
//! ```text
//! org,example)/a?b=1 20261122101500 {"url":"https://example.org/a?b=1","mime":"text/html","status":"200",
//!   "digest":"sha1:B2LTWWPUOYAH7UIPQ7ZUPQ4VMBSVC36A","length":"1043","offset":"333","filename":"x.warc.gz"}
//! ```
//!
//! Values are strings, as replay tools expect. A revisit has the type `warc/revisit`.

use orb_warc::{HttpHead, Record, RecordType, format_date};
use serde::Serialize;

use crate::cdx_key::cdx_key;
use crate::limits::URL_BYTES_MAX;

/// The JSON part of a line.
#[derive(Serialize)]
struct CdxLine {
    /// The address as the record names it.
    url: String,
    /// Media type as the server named it, `warc/revisit`, or `unk`.
    mime: String,
    /// HTTP status; empty for a record without one.
    #[serde(skip_serializing_if = "String::is_empty")]
    status: String,
    /// Payload digest with the name of its algorithm, `sha1:…`; absent when it is another algorithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    /// Bytes of the record in the file.
    length: String,
    /// Offset of the record.
    offset: String,
    /// The file.
    filename: String,
}

/// What lines and rows both need of a record.
pub(crate) struct Seen {
    pub(crate) kind: RecordType,
    pub(crate) key: String,
    pub(crate) time_us: i64,
    pub(crate) head: Option<HttpHead>,
}

impl Seen {
    /// `None` for records that are not looked up, and for those that share a compressed member with others, which
    /// nothing can seek to.
    pub(crate) fn of(record: &Record) -> Option<Seen> {
        let kind = record.record_type();
        let looked_up = Seen::is_capture(record);
        let url = record.target_uri().filter(|url| url.len() <= URL_BYTES_MAX);
        if !looked_up || record.len == 0 {
            return None;
        }
        Some(Seen {
            kind,
            key: cdx_key(url?)?,
            time_us: record.date_us()?,
            head: record.http_head(),
        })
    }
}

impl Seen {
    /// Whether a record is of a kind that is looked up.
    pub(crate) fn is_capture(record: &Record) -> bool {
        let kind = record.record_type();
        matches!(
            kind,
            RecordType::Response | RecordType::Revisit | RecordType::Resource
        )
    }
}

/// The line of one record, without a line end; `None` for records that are not looked up, and for those that share a
/// compressed member with others, which nothing can seek to.
#[must_use]
pub fn cdxj_line(record: &Record, filename: &str) -> Option<String> {
    line_of(record, &Seen::of(record)?, filename)
}

pub(crate) fn line_of(record: &Record, seen: &Seen, filename: &str) -> Option<String> {
    let date = format_date(seen.time_us);
    let time: String = date.chars().filter(char::is_ascii_digit).take(14).collect();
    let mime = match seen.kind {
        RecordType::Revisit => Some("warc/revisit".to_owned()),
        RecordType::Resource => record.fields.get("Content-Type").map(media_type),
        _ => seen
            .head
            .as_ref()
            .and_then(|head| head.fields.get("Content-Type"))
            .map(media_type),
    };
    let status = seen.head.as_ref().and_then(|head| head.status);
    let line = CdxLine {
        url: record.target_uri()?.to_owned(),
        mime: mime
            .filter(|mime| !mime.is_empty())
            .unwrap_or_else(|| "unk".to_owned()),
        status: status
            .map(|status| format!("{status:03}"))
            .unwrap_or_default(),
        digest: record.payload_digest().map(|digest| digest.to_string()),
        length: record.len.to_string(),
        offset: record.offset.to_string(),
        filename: filename.to_owned(),
    };
    let json = serde_json::to_string(&line).ok()?;
    Some(format!("{} {time} {json}", seen.key))
}

/// `text/html` of `Text/HTML; charset=x`; only what can stand in a media type.
pub(crate) fn media_type(value: &str) -> String {
    let first = value.split([';', ',']).next().unwrap_or_default().trim();
    first
        .chars()
        .filter(|c| c.is_ascii_graphic())
        .take(127)
        .collect::<String>()
        .to_ascii_lowercase()
}
