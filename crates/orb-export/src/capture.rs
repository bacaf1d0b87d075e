//! Captures put together from the records of an archive.
//!
//! In: records in the order of the file. Out: each response with what is known of it, once that is known.
//! May touch: nothing else. Must not touch: what a body holds.
//! Invariant: one capture is held at most; it leaves with the first record that is not about it.

use orb_page::{RobotsDirectives, header_directives};
use orb_warc::{Record, RecordId, RecordType};

use crate::limits::USAGE_LINES_MAX;

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
    pub(crate) directives: RobotsDirectives,
    pub(crate) usage: Vec<String>,
    /// Content coding kept.
    pub(crate) payload: Vec<u8>,
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
    /// Responses that are no page: failures, redirects, robots.txt.
    pub(crate) no_pages: u64,
    /// Captures whose body is another record's, or was not kept.
    pub(crate) without_body: u64,
}

/// Header fields that state preferences about a response's use.
const USAGE_FIELDS: [&str; 4] = [
    "content-usage",
    "content-signal",
    "tdm-reservation",
    "tdm-policy",
];

impl Gatherer {
    /// The capture that the next record may still add to.
    pub(crate) fn end(&mut self) -> Option<Capture> {
        self.held.take()
    }

    /// Takes a record; returns the capture that it ends.
    pub(crate) fn take(&mut self, record: &Record) -> Option<Capture> {
        match record.record_type() {
            RecordType::Metadata if self.is_about_held(record) => {
                self.add_metadata(record);
                None
            }
            RecordType::Response => {
                let ended = self.held.take();
                self.held = response(record);
                self.no_pages += u64::from(self.held.is_none());
                ended
            }
            RecordType::Resource => {
                let ended = self.held.take();
                self.held = resource(record);
                ended
            }
            RecordType::Revisit => {
                self.without_body += 1;
                self.held.take()
            }
            RecordType::Metadata => {
                let is_withheld = record.block_fields().0.get("bodyAbsent").is_some();
                self.without_body += u64::from(is_withheld);
                self.held.take()
            }
            _ => None,
        }
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
        let fields = record.block_fields().0;
        for line in fields.get_all("usage") {
            capture.add_usage(line);
        }
        for name in fields.get_all("robotsDirective") {
            capture.directives.merge(header_directives(name, ""));
        }
    }
}

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
        id: record.id(),
        offset: record.offset,
        url: url.to_owned(),
        date_us: record.date_us(),
        content_type: head.fields.get("Content-Type").map(str::to_owned),
        content_coding: head.joined("Content-Encoding"),
        may_sniff: !head
            .fields
            .get("X-Content-Type-Options")
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("nosniff")),
        directives: header_directives(&tags.join("\n"), ""),
        usage: Vec::new(),
        payload: record.http_payload()?.into_owned(),
    };
    for name in USAGE_FIELDS {
        for value in head.fields.get_all(name) {
            capture.add_usage(&format!("{name}: {value}"));
        }
    }
    Some(capture)
}

/// A document without a protocol around it, as other programs archive it.
fn resource(record: &Record) -> Option<Capture> {
    Some(Capture {
        id: record.id(),
        offset: record.offset,
        url: record.target_uri()?.to_owned(),
        date_us: record.date_us(),
        content_type: record.fields.get("Content-Type").map(str::to_owned),
        content_coding: None,
        may_sniff: true,
        directives: RobotsDirectives::default(),
        usage: Vec::new(),
        payload: record.block.clone(),
    })
}
