//! Sitemaps in XML and feeds: records with a location and a date.
//!
//! In: text. Out: entries. May touch: quick-xml, `dates`. Must not touch: DTDs, namespaces' addresses; nothing is
//! fetched.
//! Invariant: one pass without recursion; a record is handed out when it is complete, never earlier.
//!
//! An element is one of the protocol's when it has the prefix of the first element, whatever that is, or none; what
//! extensions bring (`image:loc`, also where a default namespace hides the prefix) stands one level deeper, where nobody
//! looks, or has another prefix.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::limits::DATE_BYTES_MAX;
use crate::oddity::{Oddities, OddityKind};
use crate::open_elements::OpenElements;
use crate::read::location;
use crate::xml::{referenced, split_name, unescaped};
use crate::{Cut, SitemapEntry, SitemapKind, SitemapLimits, dates};

/// Reads a document: what it is, what it lists, and whether it was left before its end.
pub(crate) fn read(
    text: &str,
    limits: &SitemapLimits,
    oddities: &mut Oddities,
) -> (SitemapKind, Vec<SitemapEntry>, Option<Cut>) {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut records = Records {
        limits,
        oddities,
        kind: None,
        prefix: String::new(),
        open: OpenElements::default(),
        record: None,
        field: None,
        entries: Vec::new(),
        end: None,
    };
    while records.end.is_none() {
        match reader.read_event() {
            Ok(Event::Eof) | Err(_) => records.end = Some(Some(Cut::Broken)),
            Ok(Event::Start(start)) => records.start(&start),
            Ok(Event::Empty(start)) => {
                records.start(&start);
                records.end(start.name().as_ref());
            }
            Ok(Event::End(end)) => records.end(end.name().as_ref()),
            Ok(Event::Text(text)) => records.text(&text),
            Ok(Event::CData(text)) => records.text(&text),
            Ok(Event::GeneralRef(name)) => records.reference(&name),
            Ok(Event::DocType(_)) => records.oddities.note(OddityKind::Dtd),
            Ok(_) => {}
        }
    }
    let kind = records.kind.unwrap_or(SitemapKind::Unknown);
    let cut = match kind {
        // A document of another kind was not broken off, nobody wanted it.
        SitemapKind::Unknown => None,
        _ => records.end.flatten(),
    };
    (kind, records.entries, cut)
}

/// What of a record is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Location,
    /// RSS: an address as well, unless it says that it is none.
    Identifier,
    Modified,
    /// Of feeds: when it first appeared, for want of anything later.
    Published,
}

/// A part of a record, its text so far.
#[derive(Debug)]
struct Field {
    part: Part,
    /// Number of open elements with it.
    depth: usize,
    text: String,
    bytes_max: usize,
    is_long: bool,
}

/// The record being read.
#[derive(Debug, Default)]
struct Record {
    /// Number of open elements with it.
    depth: usize,
    location: Option<String>,
    identifier: Option<String>,
    modified: Option<String>,
    published: Option<String>,
    is_long: bool,
}

struct Records<'l> {
    limits: &'l SitemapLimits,
    oddities: &'l mut Oddities,
    /// `None` before the first element.
    kind: Option<SitemapKind>,
    /// That of the first element.
    prefix: String,
    open: OpenElements,
    record: Option<Record>,
    field: Option<Field>,
    entries: Vec<SitemapEntry>,
    /// Nothing behind is read: why.
    end: Option<Option<Cut>>,
}

impl Records<'_> {
    fn start(&mut self, start: &BytesStart<'_>) {
        let name = start.name();
        let name: &str = name.as_ref();
        let (prefix, own) = split_name(name);
        let Some(kind) = self.kind else {
            prefix.clone_into(&mut self.prefix);
            self.root(own);
            self.open.push(name);
            return;
        };
        let is_ours = self.is_ours(kind, prefix);
        let is_record = is_ours && is_record(kind, own);
        if is_record && self.is_next_record() {
            self.oddities.note(OddityKind::UnclosedRecord);
            let outside = self.record.as_ref().map_or(0, |record| record.depth - 1);
            self.close_to(outside);
        }
        if !self.open.push(name) {
            self.oddities.note(OddityKind::Deep);
            return;
        }
        let depth = self.open.depth();
        match &self.record {
            _ if self.field.is_some() => {}
            None if is_record => {
                self.record = Some(Record {
                    depth,
                    ..Record::default()
                });
            }
            None if is_ours && own == "loc" && depth == 2 && kind != SitemapKind::Feed => {
                self.oddities.note(OddityKind::LooseLocation);
                self.record = Some(Record {
                    depth,
                    ..Record::default()
                });
                self.begin(Part::Location);
            }
            Some(record) if depth == record.depth + 1 => {
                if let Some(part) = self.part(kind, is_ours, own, start) {
                    self.begin(part);
                }
            }
            _ => {}
        }
    }

    fn root(&mut self, own: &str) {
        let kinds = [
            ("urlset", SitemapKind::Urls),
            ("sitemapindex", SitemapKind::Index),
            ("rss", SitemapKind::Feed),
            ("feed", SitemapKind::Feed),
            ("RDF", SitemapKind::Feed),
        ];
        let kind = kinds
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(own))
            .map_or(SitemapKind::Unknown, |(_, kind)| *kind);
        self.kind = Some(kind);
        if kind == SitemapKind::Unknown {
            self.end = Some(None);
        }
    }

    fn is_ours(&self, kind: SitemapKind, prefix: &str) -> bool {
        prefix.is_empty()
            || prefix == self.prefix
            || kind == SitemapKind::Feed && matches!(prefix, "dc" | "dcterms" | "atom" | "a10")
    }

    /// Whether a record's name stands where parts of the open record do, so that its end tag must be missing.
    fn is_next_record(&self) -> bool {
        let depth = self.open.depth();
        self.record
            .as_ref()
            .is_some_and(|record| record.depth == depth || self.field.is_some())
    }

    /// What an element of a record is.
    fn part(
        &mut self,
        kind: SitemapKind,
        is_ours: bool,
        own: &str,
        start: &BytesStart<'_>,
    ) -> Option<Part> {
        if !is_ours {
            return None;
        }
        if kind != SitemapKind::Feed {
            return match own {
                "loc" => Some(Part::Location),
                "lastmod" => Some(Part::Modified),
                _ => None,
            };
        }
        match own {
            "link" => match attribute(start, "href") {
                None => Some(Part::Location),
                Some(href) => {
                    self.atom_link(&href, start);
                    None
                }
            },
            "guid" => attribute(start, "isPermaLink")
                .is_none_or(|is_link| is_link != "false")
                .then_some(Part::Identifier),
            "updated" | "modified" => Some(Part::Modified),
            "pubDate" | "published" | "issued" | "date" => Some(Part::Published),
            _ => None,
        }
    }

    /// RFC 4287, 4.2.7: a link without a relation is an `alternate` one, the entry's page.
    fn atom_link(&mut self, href: &str, start: &BytesStart<'_>) {
        let is_page = attribute(start, "rel").is_none_or(|rel| rel == "alternate");
        if let Some(record) = &mut self.record
            && is_page
            && record.location.is_none()
        {
            record.is_long = href.len() > self.limits.location_bytes_max;
            record.location = Some(href.to_owned());
        }
    }

    fn begin(&mut self, part: Part) {
        let bytes_max = match part {
            Part::Location | Part::Identifier => self.limits.location_bytes_max,
            Part::Modified | Part::Published => DATE_BYTES_MAX,
        };
        self.field = Some(Field {
            part,
            depth: self.open.depth(),
            text: String::new(),
            bytes_max,
            is_long: false,
        });
    }

    fn end(&mut self, name: &str) {
        if let Some(depth) = self.open.end(name) {
            self.close_to(depth);
        }
    }

    /// Leaves `depth` elements open.
    fn close_to(&mut self, depth: usize) {
        if let Some(field) = self.field.take_if(|field| field.depth > depth) {
            self.keep(field);
        }
        if let Some(record) = self.record.take_if(|record| record.depth > depth) {
            self.hand_out(record);
        }
        self.open.truncate(depth);
        if depth == 0 && self.end.is_none() {
            self.end = Some(None);
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(field) = &mut self.field {
            field.push(text);
        }
    }

    fn reference(&mut self, name: &str) {
        let Some(field) = &mut self.field else {
            return;
        };
        match referenced(name) {
            Some(letter) => field.push(letter.encode_utf8(&mut [0; 4])),
            None => {
                // Most are the `&` of a query that nobody escaped.
                self.oddities.note(OddityKind::UnknownEntity);
                field.push("&");
                field.push(name);
                field.push(";");
            }
        }
    }

    /// A part of the record is read. The first one counts.
    fn keep(&mut self, field: Field) {
        let Some(record) = &mut self.record else {
            return;
        };
        let place = match field.part {
            Part::Location => &mut record.location,
            Part::Identifier => &mut record.identifier,
            Part::Modified => &mut record.modified,
            Part::Published => &mut record.published,
        };
        if place.is_none() {
            *place = Some(field.text);
            record.is_long |= field.part == Part::Location && field.is_long;
        } else if field.part == Part::Location {
            self.oddities.note(OddityKind::SecondLocation);
        }
    }

    /// The record is complete.
    fn hand_out(&mut self, record: Record) {
        let identifier = record.identifier.filter(|text| text.starts_with("http"));
        let written = record
            .location
            .filter(|location| !location.trim().is_empty())
            .or(identifier)
            .unwrap_or_default();
        if record.is_long {
            self.oddities.note(OddityKind::LongLocation);
            return;
        }
        let Some(location) = location(&written, self.limits, self.oddities) else {
            return;
        };
        if self.entries.len() == self.limits.entries_max {
            self.end = Some(Some(Cut::Entries));
            return;
        }
        let dates = [record.modified, record.published];
        let dates = dates
            .iter()
            .flatten()
            .filter(|date| !date.trim().is_empty());
        let modified = dates.clone().find_map(|date| match self.kind {
            Some(SitemapKind::Feed) => dates::of_feed(date),
            _ => dates::of_sitemap(date),
        });
        if modified.is_none() && dates.count() > 0 {
            self.oddities.note(OddityKind::BadDate);
        }
        self.entries.push(SitemapEntry { location, modified });
    }
}

impl Field {
    /// Adds to the text, without blanks before it, as much as can matter.
    fn push(&mut self, text: &str) {
        let text = if self.text.is_empty() {
            text.trim_start()
        } else {
            text
        };
        let room = self.bytes_max - self.text.len();
        let fits = text.floor_char_boundary(room);
        self.text.push_str(&text[..fits]);
        self.is_long |= !text[fits..].trim_start().is_empty();
    }
}

/// Whether an element of this name is a record in a document of this kind.
fn is_record(kind: SitemapKind, own: &str) -> bool {
    match kind {
        SitemapKind::Urls => own == "url",
        SitemapKind::Index => own == "sitemap",
        SitemapKind::Feed => matches!(own, "item" | "entry"),
        SitemapKind::Text | SitemapKind::Unknown => false,
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let value = start.try_get_attribute(name).ok().flatten()?;
    Some(unescaped(&value.value).into_owned())
}
