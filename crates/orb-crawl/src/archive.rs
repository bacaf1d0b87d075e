//! From an exchange to archive records.
//!
//! In: an exchange and its verdict. Out: records appended to the group's part of the open segment.
//! May touch: `orb-warc`. Must not touch: files.
//! Invariant: each completed fetch yields exactly one response or revisit record, or a metadata record that
//! says why the body is absent; a revisit refers to a record of this slot that is committed or in this group, or to one of
//! an earlier archive that the operator named.

use std::sync::Arc;

use orb_api::{ArchivePlace, TextFacts};
use orb_env::{Entropy, Wall};
use orb_fetch::Response;
use orb_warc::{
    Compression, Dictionary, Digest, MetadataRecord, RecordId, Referred, RequestRecord,
    ResponseRecord, RevisitProfile, RevisitRecord, SegmentName, Truncated, Writer, segment_name,
};

use crate::config::{ArchiveCompression, ArchiveConfig, Keep};
use crate::dictionary::SharedDictionary;
use crate::event::Finished;
use crate::files::{FileEnds, SegmentEnd, SegmentPart};
use crate::limits::{FIRST_SEGMENT_BYTES, LEFT_SEGMENT_BYTES, SEGMENT_SPARE_BYTES_MAX};
use crate::page::{PageFacts, PageLink};

/// What the writer of one slot's archive knows between groups.
pub(crate) struct Archivist {
    writer: Writer,
    /// Whether the frames of the open segment use a dictionary.
    with_dictionary: bool,
    /// What zstd frames of new segments have in common, once it is known.
    dictionary: Arc<SharedDictionary>,
    config: ArchiveConfig,
    compression: Compression,
    slot: u8,
    info: Vec<(String, String)>,
    info_id: Option<RecordId>,
    /// A segment that is in an object store, so that nothing is appended to it.
    sealed: Option<String>,
    /// What the last durable group's bytes were in: megabytes whose pages the kernel need not clear again.
    spare: Vec<u8>,
}

/// The record a revisit refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Original {
    /// `None` of a record of an earlier archive that only an index tells of.
    pub(crate) id: Option<RecordId>,
    pub(crate) uri: String,
    pub(crate) at: Wall,
}

/// One exchange to be archived.
pub(crate) struct Capture<'a> {
    pub(crate) id: RecordId,
    pub(crate) url: &'a str,
    pub(crate) exchange: &'a Finished,
    pub(crate) response: &'a Response,
    pub(crate) digest: Digest,
    pub(crate) original: Option<Original>,
    /// The server says that the page is as it was.
    pub(crate) not_modified: bool,
    pub(crate) facts: &'a PageFacts,
    pub(crate) fields: Vec<(&'static str, String)>,
    /// Why the body is not kept, if it is not.
    pub(crate) withheld: Option<&'static str>,
}

impl Archivist {
    /// - `open`: the dictionary of the segment that is still open, if it has one.
    pub(crate) fn new(
        config: &ArchiveConfig,
        slot: u8,
        info: Vec<(String, String)>,
        dictionary: Arc<SharedDictionary>,
        open: Option<&Dictionary>,
    ) -> Archivist {
        let compression = match config.compression {
            ArchiveCompression::Gzip => Compression::Gzip,
            ArchiveCompression::Zstd => Compression::Zstd,
            ArchiveCompression::None => Compression::None,
        };
        Archivist {
            writer: match open {
                Some(open) => Writer::with_dictionary(open),
                None => Writer::new(compression),
            },
            with_dictionary: open.is_some(),
            dictionary,
            config: config.clone(),
            compression,
            slot,
            info,
            info_id: None,
            sealed: None,
            spare: Vec::new(),
        }
    }

    /// The same, which leaves the segment of this name as it is.
    pub(crate) fn sealing(self, sealed: Option<String>) -> Archivist {
        Archivist { sealed, ..self }
    }

    /// Takes a buffer for the next group's bytes; one that a burst made huge is let go.
    pub(crate) fn reuse(&mut self, spare: Vec<u8>) {
        if spare.capacity() <= SEGMENT_SPARE_BYTES_MAX {
            self.spare = spare;
        }
    }

    /// Whether answers with this status are kept.
    pub(crate) fn keeps_status(&self, status: u16) -> bool {
        let list = &self.config.statuses;
        list.is_empty()
            || list
                .iter()
                .any(|&code| code == status || code == status / 100)
    }

    pub(crate) fn keep(&self) -> Keep {
        self.config.keep
    }

    /// The segment part that the next records of a group go to; opens or rotates segments as needed.
    pub(crate) fn part<'p>(
        &mut self,
        parts: &'p mut Vec<SegmentPart>,
        ends: &mut FileEnds,
        entropy: &dyn Entropy,
        now: Wall,
    ) -> &'p mut SegmentPart {
        let full = ends
            .segment
            .as_ref()
            .is_none_or(|end| self.is_full(end, now));
        if full {
            let serial = ends.next_serial;
            ends.next_serial += 1;
            let name = segment_name(
                &self.config.prefix,
                now.0,
                serial,
                self.slot,
                self.compression,
            );
            let mut part = SegmentPart {
                name: name.clone(),
                serial,
                start: 0,
                bytes: std::mem::take(&mut self.spare),
            };
            self.begin_file(&mut part.bytes);
            let id = RecordId::from_random(entropy.bytes16());
            let info: Vec<(&str, &str)> = self
                .info
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str()))
                .collect();
            self.writer
                .warcinfo(&mut part.bytes, id, now.0, &name, &info);
            self.info_id = Some(id);
            ends.segment = Some(SegmentEnd {
                name,
                serial,
                bytes: part.bytes.len() as u64,
            });
            parts.push(part);
        } else if parts.is_empty() {
            let end = ends
                .segment
                .as_ref()
                .expect("an open segment, or it would have been full");
            parts.push(SegmentPart {
                name: end.name.clone(),
                serial: end.serial,
                start: end.bytes,
                bytes: std::mem::take(&mut self.spare),
            });
        }
        parts.last_mut().expect("pushed above")
    }

    /// Whether the next record goes to a new segment: this one has its size or its age, was begun in another form, or is in
    /// an object store.
    fn is_full(&self, end: &SegmentEnd, now: Wall) -> bool {
        let mut bytes_max = self.config.segment_bytes_max.bytes();
        if self.compression == Compression::Zstd && self.dictionary.is_awaited() {
            bytes_max = bytes_max.min(FIRST_SEGMENT_BYTES);
        }
        if self.compression == Compression::Zstd
            && !self.with_dictionary
            && self.dictionary.get().is_some()
        {
            bytes_max = bytes_max.min(LEFT_SEGMENT_BYTES);
        }
        let age_max = i64::try_from(self.config.segment_age_max.as_micros()).unwrap_or(i64::MAX);
        let over = |name: SegmentName| {
            let old = age_max > 0 && now.0.saturating_sub(name.date_us) >= age_max;
            old || name.compression != self.compression
        };
        self.sealed.as_ref() == Some(&end.name)
            || end.bytes >= bytes_max
            || SegmentName::parse(&end.name).is_some_and(over)
    }

    /// All frames of a file use the dictionary it begins with, or none.
    fn begin_file(&mut self, out: &mut Vec<u8>) {
        let dictionary = self
            .dictionary
            .get()
            .filter(|_| self.compression == Compression::Zstd);
        self.with_dictionary = dictionary.is_some();
        self.writer = match dictionary {
            Some(dictionary) => {
                out.extend_from_slice(&dictionary.frame());
                Writer::with_dictionary(dictionary)
            }
            None => Writer::new(self.compression),
        };
    }

    /// Appends request, response (or revisit) and metadata records; returns where the response or revisit lies,
    /// or the metadata record when the body is withheld.
    pub(crate) fn capture(
        &mut self,
        part: &mut SegmentPart,
        ends: &mut FileEnds,
        entropy: &dyn Entropy,
        capture: &Capture<'_>,
    ) -> ArchivePlace {
        let before = part.bytes.len();
        let main = match (capture.withheld, &capture.original) {
            (Some(_), _) => None,
            (None, None) if !capture.not_modified => Some(self.response(part, capture)),
            (None, original) => Some(self.revisit(part, capture, original.as_ref())),
        };
        self.request(part, capture, entropy);
        let metadata = self.metadata(part, capture, entropy);
        let end = ends
            .segment
            .as_mut()
            .expect("the part belongs to the open segment");
        end.bytes = part.start + part.bytes.len() as u64;
        ends.bytes_archived += (part.bytes.len() - before) as u64;
        main.unwrap_or(metadata)
    }

    fn response(&mut self, part: &mut SegmentPart, capture: &Capture<'_>) -> ArchivePlace {
        let protocols = protocols(capture.exchange);
        // A slice of 16 bytes for each part; a page at a time, so what chunks without number take is soon given back.
        let parts: Vec<&[u8]> = capture.response.wire_parts().collect();
        let record = ResponseRecord {
            id: capture.id,
            date_us: capture.exchange.started.wall.0,
            target_uri: capture.url,
            ip: Some(capture.exchange.remote.ip()),
            block: &parts,
            payload_digest: Some(capture.digest),
            truncated: capture
                .response
                .truncated
                .map(|why| Truncated::parse(why.as_str())),
            content_encoded: capture.response.content_encoding().is_some(),
            protocol: &protocols.iter().map(String::as_str).collect::<Vec<_>>(),
            cipher: capture.exchange.tls.as_ref().map(|tls| tls.cipher.as_str()),
            warcinfo_id: self.info_id,
            concurrent_to: None,
        };
        let written = self.writer.response(&mut part.bytes, &record);
        part.place(written.start, written.len)
    }

    fn revisit(
        &mut self,
        part: &mut SegmentPart,
        capture: &Capture<'_>,
        original: Option<&Original>,
    ) -> ArchivePlace {
        let protocols = protocols(capture.exchange);
        let record = RevisitRecord {
            id: capture.id,
            date_us: capture.exchange.started.wall.0,
            target_uri: capture.url,
            ip: Some(capture.exchange.remote.ip()),
            block: &[capture.response.head()],
            profile: if capture.not_modified {
                RevisitProfile::ServerNotModified(Some(capture.digest))
            } else {
                RevisitProfile::IdenticalPayloadDigest(capture.digest)
            },
            refers_to: original.map(|original| Referred {
                id: original.id,
                target_uri: &original.uri,
                date_us: original.at.0,
            }),
            protocol: &protocols.iter().map(String::as_str).collect::<Vec<_>>(),
            cipher: capture.exchange.tls.as_ref().map(|tls| tls.cipher.as_str()),
            warcinfo_id: self.info_id,
            concurrent_to: None,
        };
        let written = self.writer.revisit(&mut part.bytes, &record);
        part.place(written.start, written.len)
    }

    fn request(&mut self, part: &mut SegmentPart, capture: &Capture<'_>, entropy: &dyn Entropy) {
        let record = RequestRecord {
            id: RecordId::from_random(entropy.bytes16()),
            date_us: capture.exchange.started.wall.0,
            target_uri: capture.url,
            ip: Some(capture.exchange.remote.ip()),
            block: &[&capture.exchange.request_bytes],
            warcinfo_id: self.info_id,
            concurrent_to: Some(capture.id),
        };
        self.writer.request(&mut part.bytes, &record);
    }

    fn metadata(
        &mut self,
        part: &mut SegmentPart,
        capture: &Capture<'_>,
        entropy: &dyn Entropy,
    ) -> ArchivePlace {
        let facts = capture.facts;
        // What a sitemap lists is its payload.
        let links = if facts.map.is_some() {
            &[][..]
        } else {
            &facts.links[..]
        };
        let outlinks = OutlinkLines::of(links);
        let mut fields: Vec<(&str, &str)> = capture
            .fields
            .iter()
            .map(|(k, v)| (*k, v.as_str()))
            .collect();
        let known = [("title", &facts.title), ("language", &facts.language)];
        fields.extend(
            known
                .iter()
                .filter_map(|(name, value)| Some((*name, value.as_deref()?))),
        );
        let same = facts.known_by.as_ref().and_then(same_text);
        if let Some(text) = &facts.known_by {
            fields.push(("textDigest", &text.digest));
            fields.push(("textSimhash", &text.simhash));
            fields.extend(same.as_deref().map(|same| ("sameText", same)));
        }
        if !facts.charset.is_empty() {
            fields.push(("charset", facts.charset));
        }
        fields.extend(facts.usage.iter().map(|line| ("usage", line.as_str())));
        fields.extend(
            facts
                .decode_oddities
                .iter()
                .map(|name| ("decodeOddity", *name)),
        );
        let directives = facts.directives.names();
        fields.extend(directives.map(|name| ("robotsDirective", name)));
        if let Some(why) = capture.withheld {
            fields.push(("bodyAbsent", why));
        }
        if capture.withheld.is_some()
            && self.config.keep == Keep::Text
            && !facts.directives.noarchive
        {
            fields.push(("text", facts.text.as_str()));
        }
        fields.extend(outlinks.iter().map(|line| ("outlink", line)));
        let withheld = capture.withheld.is_some();
        let id = if withheld {
            capture.id
        } else {
            RecordId::from_random(entropy.bytes16())
        };
        let record = MetadataRecord {
            id,
            date_us: capture.exchange.started.wall.0,
            target_uri: capture.url,
            fields: &fields,
            warcinfo_id: self.info_id,
            concurrent_to: (!withheld).then_some(capture.id),
        };
        let written = self.writer.metadata(&mut part.bytes, &record);
        part.place(written.start, written.len)
    }
}

/// Where a page with the same text is: `site` or `elsewhere`, and its URL.
fn same_text(text: &TextFacts) -> Option<String> {
    let same = text.same_as.as_ref()?;
    let place = if same.same_site { "site" } else { "elsewhere" };
    Some(format!("{place} {}", same.url))
}

/// The `outlink` values of a page, one after the other in one allocation: pages have them by the hundred.
struct OutlinkLines {
    text: String,
    ends: Vec<usize>,
}

impl OutlinkLines {
    fn of(links: &[PageLink]) -> OutlinkLines {
        let bytes = links.iter().map(|link| {
            let parts = [
                link.url.as_str(),
                link.how.name(),
                or_dash(&link.rel),
                &link.text,
            ];
            parts.iter().map(|part| part.len() + 1).sum::<usize>()
        });
        let mut text = String::with_capacity(bytes.sum());
        let mut ends = Vec::with_capacity(links.len());
        for link in links {
            for part in [link.url.as_str(), link.how.name(), or_dash(&link.rel)] {
                text.push_str(part);
                text.push(' ');
            }
            text.push_str(&link.text);
            ends.push(text.len());
        }
        OutlinkLines { text, ends }
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let lines = starts.zip(&self.ends);
        lines.map(|(start, &end)| &self.text[start..end])
    }
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn protocols(exchange: &Finished) -> Vec<String> {
    let minor = exchange
        .outcome
        .as_ref()
        .map_or(1, |response| response.version_minor);
    let mut list = vec![format!("http/1.{minor}")];
    if let Some(tls) = &exchange.tls {
        list.push(tls_name(&tls.protocol));
    }
    list
}

/// `tls/1.3` of `TLSv1_3`, as archives name it.
fn tls_name(protocol: &str) -> String {
    let name = protocol.to_ascii_lowercase().replace("tlsv", "tls/");
    name.replace('_', ".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_frontier::How;
    use orb_url::CrawlUrl;

    #[test]
    fn a_segment_is_full_by_size_age_and_form() {
        let archivist =
            |config: ArchiveConfig| Archivist::new(&config, 0, Vec::new(), Arc::default(), None);
        let end = |bytes| SegmentEnd {
            name: segment_name("ORB", 1_000_000, 0, 0, Compression::Gzip),
            serial: 0,
            bytes,
        };
        let gzip = archivist(ArchiveConfig::default());
        let day = 86_400_000_000;
        assert!(!gzip.is_full(&end(1_000), Wall(1_000_000 + day - 1)));
        assert!(gzip.is_full(&end(1_000), Wall(1_000_000 + day)));
        assert!(gzip.is_full(&end(1_000_000_000), Wall(1_000_000)));
        let other = |compression| {
            let config = ArchiveConfig {
                compression,
                segment_age_max: std::time::Duration::ZERO,
                ..ArchiveConfig::default()
            };
            archivist(config).is_full(&end(1_000), Wall(i64::MAX))
        };
        assert!(!other(ArchiveCompression::Gzip));
        assert!(other(ArchiveCompression::Zstd) && other(ArchiveCompression::None));
    }

    #[test]
    fn protocols_have_the_names_that_archives_use() {
        assert_eq!(tls_name("TLSv1_3"), "tls/1.3");
        assert_eq!(tls_name("TLSv1.2"), "tls/1.2");
    }

    /// URL, how it was found, rel or a dash, anchor text.
    #[test]
    fn every_link_is_a_line_of_its_own() {
        let link = |url: &str, rel: &str, text: &str| PageLink {
            url: CrawlUrl::parse(url).unwrap(),
            how: How::Link,
            rel: rel.into(),
            text: text.into(),
        };
        let links = [
            link("https://a.example/", "", "first one"),
            link("https://b.example/x", "nofollow me", ""),
        ];
        let lines = OutlinkLines::of(&links);
        assert_eq!(
            lines.iter().collect::<Vec<_>>(),
            [
                "https://a.example/ link - first one",
                "https://b.example/x link nofollow me "
            ]
        );
        assert_eq!(OutlinkLines::of(&[]).iter().count(), 0);
    }
}
