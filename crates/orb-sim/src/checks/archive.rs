//! The archive against the truth: every captured page is there once, whole, and no record is torn.
//!
//! In: archive segments. Out: findings. May touch: segments, for reading.
//! Must not touch: attempt rows and positions, which the audit holds against the archive.
//! Invariant: the segments are read as any reader would find them.

use std::collections::BTreeMap;
use std::io::Cursor;

use orb_api::{Outcome, UrlState};
use orb_crawl::index_place;
use orb_dataset::{Subset, cdxj_line};
use orb_env::Disk;
use orb_warc::{Compression, Reader, Record, RecordType, SegmentName};

use super::books::Fates;
use super::{Aftermath, Findings};

pub(super) fn judge(after: &Aftermath<'_>, fates: &Fates, findings: &mut Findings) {
    let warc = after.dir.warc();
    let mut whole: BTreeMap<String, u64> = BTreeMap::new();
    for entry in after.disk.list(&warc).unwrap_or_default() {
        let Some(name) = SegmentName::parse(&entry.name) else {
            findings.violate("archive", format!("{} is no segment", entry.name));
            continue;
        };
        findings.count("segments", 1);
        findings.count("segments beyond the first", u64::from(name.serial > 0));
        findings.count("archive bytes", entry.bytes);
        let bytes = after
            .disk
            .read_all(&warc.join(&entry.name))
            .unwrap_or_default();
        judge_index(after, &entry.name, &bytes, name.compression, findings);
        read_segment(&entry.name, bytes, name.compression, &mut whole, findings);
    }
    for (url, ended) in &fates.by_url {
        let captured = ended.state == UrlState::Done
            && matches!(ended.outcome, Outcome::Captured | Outcome::NotModified);
        let records = whole.get(url).copied().unwrap_or(0);
        if records != u64::from(captured) {
            findings.violate(
                "archive",
                format!("{url} ended as {ended:?} and has {records} whole records"),
            );
        }
    }
}

/// An index that says it is complete names exactly the captures of its segment. One that a fault kept from being made is
/// made at the next opening, so a missing one is only counted.
fn judge_index(
    after: &Aftermath<'_>,
    name: &str,
    bytes: &[u8],
    compression: Compression,
    findings: &mut Findings,
) {
    let place = index_place(after.dir);
    if !place.is_complete(after.disk, name) {
        return findings.count("segments without an index", 1);
    }
    findings.count("indexes", 1);
    let records = Reader::with_compression(Cursor::new(bytes), compression);
    let lines = records.filter_map(|record| cdxj_line(&record.ok()?, name));
    let mut lines: Vec<String> = lines.collect();
    lines.sort_unstable();
    let found = after.disk.read_all(&place.cdxj_of(name));
    let found = String::from_utf8(found.unwrap_or_default()).unwrap_or_default();
    if !found.lines().eq(lines.iter()) {
        findings.violate("archive", format!("{name}: its index is another file's"));
    }
    let table = after.disk.read_all(&place.table_of(name, Subset::Warc));
    if table.is_ok_and(|bytes| !bytes.ends_with(b"PAR1")) {
        findings.violate("archive", format!("{name}: its table has no end"));
    }
}

fn read_segment(
    name: &str,
    bytes: Vec<u8>,
    compression: Compression,
    whole: &mut BTreeMap<String, u64>,
    findings: &mut Findings,
) {
    let mut reader = Reader::with_compression(Cursor::new(bytes), compression);
    loop {
        match reader.next_record() {
            Ok(Some(record)) => read_record(name, &record, whole, findings),
            Ok(None) => return,
            Err(error) => return findings.violate("archive", format!("{name}: {error}")),
        }
    }
}

fn read_record(
    name: &str,
    record: &Record,
    whole: &mut BTreeMap<String, u64>,
    findings: &mut Findings,
) {
    findings.count("records", 1);
    if !record.oddities.is_empty() {
        let at = record.offset;
        findings.violate("archive", format!("{name}@{at}: {:?}", record.oddities));
    }
    let kind = record.record_type();
    let url = record.target_uri().unwrap_or("");
    if kind == RecordType::Metadata {
        // Where a page wants no copy kept, this record stands for it.
        let (fields, _) = record.block_fields();
        let instead =
            fields.get("bodyAbsent").is_some() && fields.get("outcome") == Some("captured");
        findings.count("bodies withheld", u64::from(instead));
        *whole.entry(url.to_owned()).or_default() += u64::from(instead);
    }
    if !matches!(kind, RecordType::Response | RecordType::Revisit) {
        return;
    }
    findings.count("revisits", u64::from(kind == RecordType::Revisit));
    let good = record.block.get(9..10) == Some(&b"2"[..]);
    if good && record.truncated().is_none() && !url.ends_with("/robots.txt") {
        *whole.entry(url.to_owned()).or_default() += 1;
    }
}
