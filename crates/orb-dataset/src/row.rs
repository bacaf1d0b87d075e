//! One capture as a row: what its response or revisit record and its metadata record say.
//!
//! In: the records of a file in their order. Out: rows. May touch: nothing.
//! Invariant: a row is made of one capture's records and no others'; every text in it is bounded.

use orb_url::CrawlUrl;
use orb_warc::{HttpHead, Record, RecordId, RecordType};
use serde::{Deserialize, Serialize};

use crate::cdxj::{Seen, media_type};
use crate::language::iso_639_3;
use crate::limits::{LIST_VALUES_MAX, TEXT_BYTES_MAX};
use crate::place::Subset;

/// One capture. Columns of Common Crawl's schema that follow from the address are made when a table is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaptureRow {
    /// Key that rows are sorted by.
    pub key: String,
    /// Canonical address.
    pub url: String,
    /// When the request was sent, microseconds since the Unix epoch.
    pub time_us: i64,
    /// HTTP status; 0 where the server sent none.
    pub status: u16,
    /// Where a redirect leads, absolute.
    pub redirect: Option<String>,
    /// SHA-1 of the payload, base32 without label.
    pub digest: Option<String>,
    /// Media type as the server named it.
    pub mime: Option<String>,
    /// Media type by the payload's first bytes.
    pub mime_detected: Option<String>,
    /// Charset the page was read in.
    pub charset: Option<String>,
    /// Language the page declares, ISO 639-3.
    pub languages: Option<String>,
    /// Why the payload is not whole.
    pub truncated: Option<String>,
    /// UUID of the record, 32 hexadecimal digits; empty where its id is none.
    pub record_id: String,
    /// Name of the WARC file.
    pub filename: String,
    /// Place in it.
    pub offset: i64,
    /// Bytes in it.
    pub length: i64,
    /// `response` or `revisit`.
    pub record_type: String,
    /// The capture that holds a revisit's payload: address.
    pub refers_to_url: Option<String>,
    /// The same: UUID of its record.
    pub refers_to: Option<String>,
    /// What became of the URL.
    pub outcome: Option<String>,
    /// Milliseconds from request to the end of the answer.
    pub duration_ms: Option<i32>,
    /// The page that led here.
    pub via: Option<String>,
    /// Links from a seed.
    pub depth: Option<i32>,
    /// How it was found: link, redirect, sitemap …
    pub found_by: Option<String>,
    /// Address that answered.
    pub ip: Option<String>,
    /// Protocols, comma-separated.
    pub protocol: Option<String>,
    /// TLS cipher suite.
    pub cipher: Option<String>,
    /// Content codings as the server named them.
    pub encoding: Option<String>,
    /// Bytes of the block: head and body as received.
    pub block_bytes: i64,
    /// The page's title.
    pub title: Option<String>,
    /// What page and header fields ask of robots, comma-separated.
    pub directives: Option<String>,
    /// What page, header fields and robots.txt say of the use of the page, one a line.
    pub usage: Option<String>,
    /// An answer to a request for robots.txt.
    pub robots: bool,
}

impl CaptureRow {
    /// The subset it belongs to.
    #[must_use]
    pub fn subset(&self) -> Subset {
        if self.robots {
            Subset::Robots
        } else if self.record_type == "response" && (200..300).contains(&self.status) {
            Subset::Warc
        } else {
            Subset::Diagnostics
        }
    }

    /// The row of a capture's own record, what its metadata record says left out. `None` for records that are no
    /// captures over HTTP, and for those nothing can seek to.
    ///
    /// - `detect`: the media type by the record's payload, given the declared one.
    pub(crate) fn of(
        record: &Record,
        seen: Seen,
        filename: &str,
        detect: &dyn Fn(&Record, &HttpHead) -> Option<String>,
    ) -> Option<CaptureRow> {
        let kind = match seen.kind {
            RecordType::Response => "response",
            RecordType::Revisit => "revisit",
            _ => return None,
        };
        let url = CrawlUrl::parse(record.target_uri()?).ok()?;
        let head = seen.head?;
        let text = |name: &str| record.fields.get(name).map(cut);
        let status = head.status.unwrap_or_default();
        let location = head.fields.get("Location").filter(|_| status / 100 == 3);
        let digest = record.payload_digest().map(|digest| digest.to_string());
        let protocols: Vec<&str> = record.fields.get_all("WARC-Protocol").collect();
        let identified = record.fields.get("WARC-Identified-Payload-Type");
        let mime = head.fields.get("Content-Type").map(media_type);
        Some(CaptureRow {
            key: seen.key,
            time_us: seen.time_us,
            status,
            redirect: location.and_then(|to| Some(cut(url.join(to).ok()?.as_str()))),
            digest: digest.map(|digest| digest.trim_start_matches("sha1:").to_owned()),
            mime: mime.filter(|mime| !mime.is_empty()),
            mime_detected: match identified {
                Some(identified) => Some(media_type(identified)),
                None => detect(record, &head),
            },
            truncated: record.truncated().map(|why| why.as_str().to_owned()),
            record_id: record.id().map(hex).unwrap_or_default(),
            filename: filename.to_owned(),
            offset: i64::try_from(record.offset).ok()?,
            length: i64::try_from(record.len).ok()?,
            record_type: kind.to_owned(),
            refers_to_url: text("WARC-Refers-To-Target-URI"),
            refers_to: record.id_of("WARC-Refers-To").map(hex),
            ip: text("WARC-IP-Address"),
            protocol: (!protocols.is_empty()).then(|| cut(&protocols.join(","))),
            cipher: text("WARC-Cipher-Suite"),
            encoding: head.joined("Content-Encoding").as_deref().map(cut),
            block_bytes: i64::try_from(record.block_len).ok()?,
            robots: url.path_and_query() == "/robots.txt",
            url: url.as_str().to_owned(),
            ..CaptureRow::default()
        })
    }

    /// Whether `record` is the metadata record of this capture; takes what it says then.
    pub(crate) fn take_metadata(&mut self, record: &Record) -> bool {
        let about = record.id_of("WARC-Concurrent-To").map(hex);
        if record.record_type() != RecordType::Metadata || about.as_ref() != Some(&self.record_id) {
            return false;
        }
        let fields = orb_warc::Fields::parse(without_links(&record.block)).0;
        let text = |name: &str| fields.get(name).map(cut);
        let number = |name: &str| fields.get(name).and_then(|value| value.parse().ok());
        let all = |name: &str, between: &str| {
            let values: Vec<&str> = fields.get_all(name).take(LIST_VALUES_MAX).collect();
            (!values.is_empty()).then(|| cut(&values.join(between)))
        };
        self.outcome = text("outcome");
        self.duration_ms = number("fetchTimeMs");
        self.via = text("via");
        self.depth = number("hopsFromSeed");
        self.found_by = text("foundBy");
        self.title = text("title");
        self.charset = text("charset");
        self.languages = fields
            .get("language")
            .and_then(iso_639_3)
            .map(str::to_owned);
        self.directives = all("robotsDirective", ",");
        self.usage = all("usage", "\n");
        // The answer to a robots hop may stand under any path.
        self.robots |= fields.get("robotsOf").is_some();
        true
    }

    /// About the bytes it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let texts = [
            &self.redirect,
            &self.digest,
            &self.mime,
            &self.mime_detected,
            &self.charset,
            &self.languages,
            &self.truncated,
            &self.refers_to_url,
            &self.refers_to,
            &self.outcome,
            &self.via,
            &self.found_by,
            &self.ip,
            &self.protocol,
            &self.cipher,
            &self.encoding,
            &self.title,
            &self.directives,
            &self.usage,
        ];
        let texts = texts.into_iter().flatten().map(String::len).sum::<usize>();
        size_of::<CaptureRow>()
            + self.key.len()
            + self.url.len()
            + self.filename.len()
            + self.record_id.len()
            + self.record_type.len()
            + texts
    }
}

/// Links come last in the metadata records we write, by the hundred, and no column holds them.
fn without_links(block: &[u8]) -> &[u8] {
    let end = memchr::memmem::find(block, b"\r\noutlink: ").map_or(block.len(), |at| at + 2);
    &block[..end]
}

/// Text within its bound, whole characters.
fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned()
}

fn hex(id: RecordId) -> String {
    let digits = id.to_bytes();
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}
