//! The captures of one URL in an archive, by its indexes where they are, from its records where not.
//!
//! In: archive files, a URL. Out: its captures. May touch: the disk, for reading.
//! Invariant: what an index says is believed only when the record is where it says; else the file itself is read.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use orb_archive::{ArchiveFile, Look, record_at, records_of};
use orb_dataset::{IndexPlace, cdx_key, cdxj_line, lines_of_key};
use orb_env::Disk;
use orb_url::CrawlUrl;
use orb_warc::{Record, RecordType};
use serde::{Deserialize, Serialize};

use crate::IndexError;
use crate::limits::CAPTURES_MAX;

/// One capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Capture {
    /// When, as the record says it.
    pub at: String,
    /// `response`, `revisit` or `resource`.
    pub kind: &'static str,
    /// HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Media type as the server named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// Payload digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Of a revisit: the capture that holds the payload, when and of which address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as_at: Option<String>,
    /// The same: its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as_url: Option<String>,
    /// The WARC file.
    pub file: String,
    /// Place in it.
    pub offset: u64,
    /// Bytes in it.
    pub bytes: u64,
}

/// The captures of `url` in `file`, in the order of the file. `progress` hears how many bytes were read, where the whole
/// file must be.
///
/// Cost: with an index some reads; without one reading of the file.
///
/// # Errors
/// What the disk says.
pub fn captures_in(
    disk: &Arc<dyn Disk>,
    file: &ArchiveFile,
    url: &CrawlUrl,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<Capture>, IndexError> {
    if let Some(place) = index_of(file)
        && place.is_complete(disk.as_ref(), &file.name)
        && let Some(found) = by_index(disk.as_ref(), file, &place, url)?
    {
        progress(file.bytes);
        return Ok(found);
    }
    let look = Look {
        url: Some(url.clone()),
        kind: None,
    };
    let mut found = Vec::new();
    let _read = records_of(disk.as_ref(), file, &look, progress, &mut |record| {
        found.extend(capture_of(record, &file.name));
        if found.len() < CAPTURES_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    Ok(found)
}

/// The index of a crawl's own file: `warc/NAME` has it in `index/`, beside.
fn index_of(file: &ArchiveFile) -> Option<IndexPlace> {
    let warc = file
        .path
        .parent()
        .filter(|folder| folder.ends_with("warc"))?;
    let root = warc.parent().unwrap_or(Path::new(""));
    Some(IndexPlace::new(&root.join("index"), ""))
}

/// What is needed of a line.
#[derive(Deserialize)]
struct Line {
    url: String,
    offset: String,
}

/// By the index; `None` when it does not fit the file.
fn by_index(
    disk: &dyn Disk,
    file: &ArchiveFile,
    place: &IndexPlace,
    url: &CrawlUrl,
) -> Result<Option<Vec<Capture>>, IndexError> {
    let Some(key) = cdx_key(url.as_str()) else {
        return Ok(None);
    };
    let lines = lines_of_key(disk, &place.cdxj_of(&file.name), &key, CAPTURES_MAX)?;
    let mut found = Vec::new();
    for line in &lines {
        let json = line.splitn(3, ' ').nth(2).unwrap_or_default();
        let Ok(place) = serde_json::from_str::<Line>(json) else {
            return Ok(None);
        };
        // Other addresses may have the same key.
        if !CrawlUrl::parse(&place.url).is_ok_and(|found| found == *url) {
            continue;
        }
        let Ok(offset) = place.offset.parse() else {
            return Ok(None);
        };
        let record = record_at(disk, file, offset)?;
        match record.filter(|record| cdxj_line(record, &file.name).as_ref() == Some(line)) {
            Some(record) => found.extend(capture_of(&record, &file.name)),
            None => return Ok(None),
        }
    }
    found.sort_by_key(|capture| capture.offset);
    Ok(Some(found))
}

fn capture_of(record: &Record, file: &str) -> Option<Capture> {
    let kind = match record.record_type() {
        RecordType::Response => "response",
        RecordType::Revisit => "revisit",
        RecordType::Resource => "resource",
        _ => return None,
    };
    let head = record.http_head();
    let text = |name: &str| record.fields.get(name).map(str::to_owned);
    let mime = head
        .as_ref()
        .and_then(|head| head.fields.get("Content-Type").map(str::to_owned));
    Some(Capture {
        at: text("WARC-Date").unwrap_or_default(),
        kind,
        status: head.and_then(|head| head.status),
        mime,
        digest: text("WARC-Payload-Digest"),
        same_as_at: text("WARC-Refers-To-Date"),
        same_as_url: text("WARC-Refers-To-Target-URI"),
        file: file.to_owned(),
        offset: record.offset,
        bytes: record.len,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index_warc;
    use orb_env::MemoryDisk;
    use orb_warc::{Compression, Digest, RecordId, ResponseRecord, Writer};

    const URL: &str = "https://a.example/x";

    /// A file of two captures of one address among others; another address has the same key.
    fn file(disk: &MemoryDisk) -> ArchiveFile {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(Compression::Gzip);
        let urls = ["https://a.example/", URL, "https://www.a.example/x", URL];
        for (url, number) in urls.iter().zip(1..) {
            let record = ResponseRecord {
                id: RecordId::from_random([number; 16]),
                date_us: 1_790_000_000_000_000 + i64::from(number) * 1_000_000,
                target_uri: url,
                ip: None,
                block: &[b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nbody"],
                payload_digest: Some(Digest::sha1(b"body")),
                truncated: None,
                content_encoded: false,
                protocol: &[],
                cipher: None,
                warcinfo_id: None,
                concurrent_to: None,
            };
            writer.response(&mut bytes, &record);
        }
        let path = Path::new("/c/warc/one.warc.gz").to_path_buf();
        disk.create_dir_all(Path::new("/c/warc")).unwrap();
        disk.append(&path).unwrap().append(&bytes).unwrap();
        ArchiveFile {
            path,
            name: "one.warc.gz".into(),
            bytes: bytes.len() as u64,
        }
    }

    /// A disk that gets full while an index is made has the room again that it took.
    #[test]
    fn what_was_begun_of_an_index_is_removed_when_the_disk_is_full() {
        let memory = MemoryDisk::new();
        let file = file(&memory);
        let disk: Arc<dyn Disk> = Arc::new(memory.clone());
        let place = IndexPlace::new(Path::new("/c/index"), "c");
        let full = orb_env::DiskFaults {
            room_bytes: Some(file.bytes + 3_000),
            ..orb_env::DiskFaults::default()
        };
        memory.set_faults(full);
        assert!(index_warc(&disk, &file, &place, &mut |_| {}).is_err());
        let left: Vec<_> = place
            .folders()
            .iter()
            .flat_map(|it| disk.list(it).unwrap())
            .collect();
        assert_eq!(left, []);
        assert!(!place.is_complete(disk.as_ref(), &file.name));
    }

    #[test]
    fn an_index_finds_what_the_records_say_and_a_wrong_one_is_not_believed() {
        let memory = MemoryDisk::new();
        let file = file(&memory);
        let disk: Arc<dyn Disk> = Arc::new(memory);
        let url = CrawlUrl::parse(URL).unwrap();
        let found = || captures_in(&disk, &file, &url, &mut |_| {}).unwrap();
        let without = found();
        let times: Vec<&str> = without.iter().map(|one| one.at.as_str()).collect();
        assert_eq!(
            times,
            ["2026-09-21T14:13:22.000000Z", "2026-09-21T14:13:24.000000Z"]
        );
        let place = IndexPlace::new(Path::new("/c/index"), "c");
        index_warc(&disk, &file, &place, &mut |_| {}).unwrap();
        let index = place.cdxj_of(&file.name);
        let text = String::from_utf8(disk.read_all(&index).unwrap()).unwrap();
        let by_index = by_index(disk.as_ref(), &file, &place, &url).unwrap();
        assert_eq!(by_index.as_ref(), Some(&without));
        assert_eq!(found(), without);
        // Of another file by the same name.
        disk.replace(
            &index,
            text.replace("\"offset\":\"", "\"offset\":\"1").as_bytes(),
        )
        .unwrap();
        assert_eq!(found(), without);
    }
}
