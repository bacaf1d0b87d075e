//! What an archived record says of an answer: type, redirect, and what a revisit repeats.
//!
//! In: a place in the archive. Out: a few fields of that one record. May touch: one segment, reading only.
//! Must not touch: the payload. Invariant: what cannot be read is absent, never guessed.

use std::io::{self, Read};

use orb_api::ArchivePlace;
use orb_env::ReadFile;
use orb_warc::{Compression, Dictionary, Reader, Record, RecordType, SegmentName, parse_date};
use serde::Serialize;

use crate::limits::BLOCK_BYTES_MAX;
use crate::source::Crawl;

/// What one record says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Glance {
    /// `response`, `revisit` or `metadata`.
    pub kind: String,
    /// `WARC-Record-ID`.
    pub id: Option<String>,
    /// HTTP status.
    pub status: Option<u16>,
    /// `Content-Type` of the answer.
    pub content_type: Option<String>,
    /// `Location` of the answer.
    pub location: Option<String>,
    /// Bytes of the record's block.
    pub block_bytes: u64,
    /// `WARC-Payload-Digest`.
    pub payload_digest: Option<String>,
    /// Of a revisit: the URL whose payload it repeats.
    pub repeats_url: Option<String>,
    /// Of a revisit: when that was captured, microseconds.
    pub repeats_at_us: Option<i64>,
    /// Why the body was not kept.
    pub body_absent: Option<String>,
}

/// Reads the record at `place`. `None` when it cannot be read, or is not committed yet.
#[must_use]
pub fn glance(crawl: &Crawl<'_>, place: &ArchivePlace) -> Option<Glance> {
    let name = SegmentName::parse(&place.file)?;
    let file = crawl.disk.read(&crawl.dir.warc().join(&place.file)).ok()?;
    let mut input = From { file, at: 0 };
    let mut dictionary = None;
    if name.compression == Compression::Zstd && place.offset > 0 {
        dictionary = Dictionary::read(&mut input).ok()?;
    }
    input.at = place.offset;
    let record = Reader::with_compression(input, name.compression)
        .with_dictionary(dictionary)
        .starting_at(place.offset)
        .block_bytes_max(BLOCK_BYTES_MAX)
        .next_record()
        .ok()??;
    Some(of_record(&record))
}

fn of_record(record: &Record) -> Glance {
    let mut glance = Glance {
        kind: match record.record_type() {
            RecordType::Response => "response",
            RecordType::Revisit => "revisit",
            RecordType::Metadata => "metadata",
            _ => "other",
        }
        .to_owned(),
        id: record.fields.get("WARC-Record-ID").map(str::to_owned),
        block_bytes: record.block_len,
        payload_digest: record.fields.get("WARC-Payload-Digest").map(str::to_owned),
        repeats_url: record
            .fields
            .get("WARC-Refers-To-Target-URI")
            .map(str::to_owned),
        repeats_at_us: record
            .fields
            .get("WARC-Refers-To-Date")
            .and_then(parse_date),
        ..Glance::default()
    };
    match record.record_type() {
        RecordType::Metadata => {
            let (fields, _) = record.block_fields();
            glance.body_absent = fields.get("bodyAbsent").map(str::to_owned);
        }
        RecordType::Response | RecordType::Revisit => read_head(record, &mut glance),
        _ => {}
    }
    glance
}

fn read_head(record: &Record, glance: &mut Glance) {
    let Some(head) = record.http_head() else {
        return;
    };
    glance.status = head.status;
    glance.content_type = head.fields.get("Content-Type").map(str::to_owned);
    glance.location = head.fields.get("Location").map(str::to_owned);
}

/// A file from an offset on.
struct From {
    file: Box<dyn ReadFile>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(self.at, buf)?;
        self.at += got as u64;
        Ok(got)
    }
}
