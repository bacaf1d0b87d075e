//! Captures put together from the records of an archive.
//!
//! In: records in the order of the file. Out: each response with what is known of it, once that is known.
//! May touch: nothing else. Must not touch: what a body holds.
//! Invariant: one capture is held at most; it leaves with the first record that is not about it.

use orb_page::{RobotsDirectives, USAGE_FIELDS, header_directives};
use orb_read::may_sniff;
use orb_warc::{Oddity, Record, RecordId, RecordType};

use crate::limits::{PAGE_BYTES_MAX, USAGE_LINES_MAX};

/// A response and what its header fields, its page and its site's robots.txt said of its use.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    id: Option<RecordId>,
    pub(crate) offset: u64,
    pub(crate) url: String,
    pub(crate) date_us: Option<i64>,
    pub(crate) content_type: Option<String>,
    pub(crate) content_coding: Option<String>,
    pub(crate) may_sniff: bool,
    /// Whether the page is longer than `payload`.
    pub(crate) truncated: bool,
    pub(crate) directives: RobotsDirectives,
    pub(crate) usage: Vec<String>,
    /// Content coding kept.
    pub(crate) payload: Vec<u8>,
    /// Whether its metadata record was met.
    has_metadata: bool,
}

impl Capture {
    /// One more preference, unless it was said already.
    pub(crate) fn add_usage(&mut self, line: &str) {
        if self.usage.len() < USAGE_LINES_MAX && !self.usage.iter().any(|own| own == line) {
            self.usage.push(line.to_owned());
        }
    }
}

/// Puts captures together.
#[derive(Debug, Default)]
pub(crate) struct Gatherer {
    held: Option<Capture>,
    /// Whether each response has a metadata record behind it, as ours do: robots.txt's preferences stand there. A page
    /// without one is not given out.
    metadata_follows: bool,
    /// Responses that are no page: failures, redirects, robots.txt.
    pub(crate) no_pages: u64,
    /// Captures whose body is another record's, or was not kept.
    pub(crate) without_body: u64,
    /// Captures whose metadata record is missing though it should be there.
    pub(crate) without_metadata: u64,
}

/// Whether an archive file says of itself that this crawler wrote it.
pub(crate) fn is_ours(first: &Record) -> bool {
    let fields = first.block_fields().0;
    let software = fields.get("software").unwrap_or_default();
    first.record_type() == RecordType::Warcinfo && software.starts_with("orbweaver/")
}

impl Gatherer {
    /// - `metadata_follows`: see the field.
    pub(crate) fn new(metadata_follows: bool) -> Gatherer {
        Gatherer {
            metadata_follows,
            ..Gatherer::default()
        }
    }

    /// The capture that the end of the file ends; `Err` when its metadata record is still to be written.
    pub(crate) fn end(&mut self) -> Result<Option<Capture>, StillWritten> {
        match self.held.take() {
            Some(capture) if self.metadata_follows && !capture.has_metadata => Err(StillWritten),
            held => Ok(held),
        }
    }

    /// Takes a record; returns the capture that it ends.
    pub(crate) fn take(&mut self, record: &Record) -> Option<Capture> {
        match record.record_type() {
            RecordType::Metadata if self.is_about_held(record) => {
                self.add_metadata(record);
                None
            }
            RecordType::Response => {
                let page = response(record);
                self.next(page)
            }
            RecordType::Resource => {
                let page = resource(record);
                self.next(page)
            }
            RecordType::Revisit => {
                self.without_body += 1;
                self.ended()
            }
            RecordType::Metadata => {
                let is_withheld = record.block_fields().0.get("bodyAbsent").is_some();
                self.without_body += u64::from(is_withheld);
                self.ended()
            }
            _ => None,
        }
    }

    fn next(&mut self, page: Option<Capture>) -> Option<Capture> {
        let ended = self.ended();
        self.no_pages += u64::from(page.is_none());
        self.held = page;
        ended
    }

    fn ended(&mut self) -> Option<Capture> {
        self.end().unwrap_or_else(|StillWritten| {
            self.without_metadata += 1;
            None
        })
    }

    fn is_about_held(&self, record: &Record) -> bool {
        let about = ["WARC-Concurrent-To", "WARC-Refers-To"]
            .iter()
            .find_map(|name| record.id_of(name));
        let held = self.held.as_ref().and_then(|capture| capture.id);
        about.is_some() && about == held
    }

    fn add_metadata(&mut self, record: &Record) {
        let Some(capture) = &mut self.held else {
            return;
        };
        capture.has_metadata = true;
        let fields = record.block_fields().0;
        for line in fields.get_all("usage") {
            capture.add_usage(line);
        }
        for name in fields.get_all("robotsDirective") {
            capture.directives.merge(header_directives(name, ""));
        }
    }
}

/// A capture that is not whole yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StillWritten;

/// A response that is a page: 200 or 203, and not a site's robots.txt.
fn response(record: &Record) -> Option<Capture> {
    let head = record.http_head()?;
    let url = record.target_uri()?;
    let path = url.splitn(4, '/').nth(3).unwrap_or_default();
    if !matches!(head.status, Some(200 | 203)) || path == "robots.txt" {
        return None;
    }
    let tags: Vec<&str> = head.fields.get_all("X-Robots-Tag").collect();
    let mut capture = Capture {
        content_type: head.fields.get("Content-Type").map(str::to_owned),
        content_coding: head.joined("Content-Encoding"),
        may_sniff: may_sniff(head.fields.get("X-Content-Type-Options")),
        directives: header_directives(&tags.join("\n"), ""),
        ..of_record(record, url, &record.http_payload()?)
    };
    for name in USAGE_FIELDS {
        for value in head.fields.get_all(name) {
            capture.add_usage(&format!("{name}: {value}"));
        }
    }
    Some(capture)
}

/// A document without a protocol around it, as other programs archive it. Under another scheme than the web's they keep
/// what is about the archive: the settings of a crawl, screenshots, answers of name servers.
fn resource(record: &Record) -> Option<Capture> {
    let url = record.target_uri()?;
    let scheme = url.split_once(':')?.0;
    let is_web = ["http", "https"]
        .iter()
        .any(|web| scheme.eq_ignore_ascii_case(web));
    is_web.then(|| Capture {
        content_type: record.fields.get("Content-Type").map(str::to_owned),
        ..of_record(record, url, &record.block)
    })
}

/// What every capture has.
fn of_record(record: &Record, url: &str, payload: &[u8]) -> Capture {
    let kept = &payload[..payload.len().min(PAGE_BYTES_MAX)];
    Capture {
        id: record.id(),
        offset: record.offset,
        url: url.to_owned(),
        date_us: record.date_us(),
        content_type: None,
        content_coding: None,
        may_sniff: true,
        truncated: record.truncated().is_some()
            || record.oddities.contains(&Oddity::BlockCut)
            || kept.len() < payload.len(),
        directives: RobotsDirectives::default(),
        usage: Vec::new(),
        payload: kept.to_vec(),
        has_metadata: false,
    }
}
