//! WARC records of our own writer through an index: what lines, rows and files come of them.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its file has failed"
)]

use std::path::Path;
use std::sync::Arc;

use orb_dataset::{IndexPlace, Indexed, SegmentIndex, Subset, ZipNum};
use orb_env::{Disk, DiskFaults, MemoryDisk};
use orb_warc::{
    Compression, Digest, HttpHead, MetadataRecord, Reader, Record, RecordId, ResponseRecord,
    RevisitProfile, RevisitRecord, Writer,
};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

const NAME: &str = "ORB-20261122071000000-00007-s03.warc.gz";
const TIME_US: i64 = 1_790_000_000_000_000;

/// A file being written: a capture is a response and what is known about it.
struct File {
    writer: Writer,
    bytes: Vec<u8>,
    number: u8,
}

impl File {
    fn new() -> File {
        File {
            writer: Writer::new(Compression::Gzip),
            bytes: Vec::new(),
            number: 0,
        }
    }

    fn id(&mut self) -> RecordId {
        self.number += 1;
        RecordId::from_random([self.number; 16])
    }

    fn capture(&mut self, url: &str, head: &str, about: &[(&str, &str)]) -> &mut File {
        let id = self.id();
        let block = format!("HTTP/1.1 {head}\r\n\r\nbody");
        let response = ResponseRecord {
            id,
            date_us: TIME_US,
            target_uri: url,
            ip: Some([192, 0, 2, 1].into()),
            block: &[block.as_bytes()],
            payload_digest: Some(Digest::sha1(b"body")),
            truncated: None,
            content_encoded: false,
            protocol: &["http/1.1", "tls/1.3"],
            cipher: Some("TLS_AES_128_GCM_SHA256"),
            warcinfo_id: None,
            concurrent_to: None,
        };
        self.writer.response(&mut self.bytes, &response);
        let own = self.id();
        let metadata = MetadataRecord {
            id: own,
            date_us: TIME_US,
            target_uri: url,
            fields: about,
            warcinfo_id: None,
            concurrent_to: Some(id),
        };
        self.writer.metadata(&mut self.bytes, &metadata);
        self
    }
}

fn detect(_: &Record, _: &HttpHead) -> Option<String> {
    Some("text/html".into())
}

fn place() -> IndexPlace {
    IndexPlace::new(Path::new("/crawl/index"), "crawl")
}

fn index(disk: &MemoryDisk, file: &[u8]) -> Result<Indexed, orb_dataset::DatasetError> {
    let (place, detect) = (place(), detect);
    let mut index = SegmentIndex::begin(Arc::new(disk.clone()), &place, NAME, &detect)?;
    for record in Reader::new(file) {
        index.push(&record.unwrap())?;
    }
    index.finish()
}

/// The rows of a table, each as names and values.
fn rows(disk: &dyn Disk, subset: Subset) -> Vec<Vec<(String, Field)>> {
    let Ok(bytes) = disk.read_all(&place().table_of(NAME, subset)) else {
        return Vec::new();
    };
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    let columns = |row: parquet::record::Row| {
        let columns = row.get_column_iter();
        columns
            .map(|(name, field)| (name.clone(), field.clone()))
            .collect()
    };
    rows.map(|row| columns(row.unwrap())).collect()
}

fn text(row: &[(String, Field)], name: &str) -> Option<String> {
    match &row.iter().find(|(column, _)| column == name).unwrap().1 {
        Field::Null => None,
        Field::Str(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn lines(disk: &dyn Disk) -> Vec<String> {
    let bytes = disk.read_all(&place().cdxj_of(NAME)).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_capture_is_a_line_and_a_row_of_what_its_records_say() {
    let disk = MemoryDisk::new();
    let mut file = File::new();
    file.capture(
        "https://www.example.co.uk:8443/a?b&a",
        "200 OK\r\nContent-Type: Text/HTML; charset=latin1\r\nContent-Encoding: gzip",
        &[
            ("outcome", "captured"),
            ("fetchTimeMs", "120"),
            ("hopsFromSeed", "2"),
            ("via", "https://example.co.uk/"),
            ("title", "A title"),
            ("language", "en-GB"),
            ("charset", "windows-1252"),
            ("usage", "page: noai"),
            ("usage", "robots.txt: train-ai=n"),
            ("robotsDirective", "noindex"),
            ("outlink", "https://a.example/ link - "),
        ],
    );
    let done = index(&disk, &file.bytes).unwrap();
    assert_eq!((done.lines, done.rows, done.beyond), (1, 1, 0));
    let body = Digest::sha1(b"body").to_string();
    let line = &lines(&disk)[0];
    let start = format!(
        "uk,co,example:8443)/a?a&b 20260921141320 {{\"url\":\"https://www.example.co.uk:8443/a?b&a\",\
         \"mime\":\"text/html\",\"status\":\"200\",\"digest\":\"{body}\",\"length\":"
    );
    assert!(line.starts_with(&start), "{line}");
    let rows = rows(&disk, Subset::Warc);
    let row = &rows[0];
    for (column, value) in [
        ("url_surtkey", "uk,co,example:8443)/a?a&b"),
        ("url_host_name", "www.example.co.uk"),
        ("url_host_tld", "uk"),
        ("url_host_registered_domain", "example.co.uk"),
        ("url_host_registry_suffix", "co.uk"),
        ("url_host_name_reversed", "uk.co.example.www"),
        ("url_protocol", "https"),
        ("url_port", "8443"),
        ("url_path", "/a"),
        ("url_query", "b&a"),
        ("fetch_status", "200"),
        ("content_digest", &body["sha1:".len()..]),
        ("content_mime_type", "text/html"),
        ("content_mime_detected", "text/html"),
        ("content_charset", "windows-1252"),
        ("content_languages", "eng"),
        ("warc_filename", NAME),
        ("warc_record_offset", "0"),
        ("warc_segment", "s03"),
        ("fetch_outcome", "captured"),
        ("fetch_duration_ms", "120"),
        ("fetch_depth", "2"),
        ("fetch_protocol", "http/1.1,tls/1.3"),
        ("content_encoding", "gzip"),
        ("content_title", "A title"),
        ("robots_directives", "noindex"),
        ("usage_preferences", "page: noai\nrobots.txt: train-ai=n"),
    ] {
        assert_eq!(text(row, column).as_deref(), Some(value), "{column}");
    }
    assert_eq!(text(row, "content_truncated"), None);
}

/// What Common Crawl calls successful, diagnostics, robots.txt.
#[test]
fn subsets_are_apart_and_each_is_sorted() {
    let disk = MemoryDisk::new();
    let mut file = File::new();
    file.capture("https://b.example/", "200 OK", &[])
        .capture("https://a.example/", "200 OK", &[])
        .capture("https://a.example/x", "301 Moved\r\nLocation: /y", &[])
        .capture("https://a.example/robots.txt", "200 OK", &[])
        .capture(
            "https://c.example/r",
            "404 No",
            &[("robotsOf", "https://c.example")],
        );
    let id = file.id();
    let revisit = RevisitRecord {
        id,
        date_us: TIME_US,
        target_uri: "https://a.example/z",
        ip: None,
        block: &[b"HTTP/1.1 200 OK\r\n\r\n"],
        profile: RevisitProfile::IdenticalPayloadDigest(Digest::sha1(b"body")),
        refers_to: None,
        protocol: &[],
        cipher: None,
        warcinfo_id: None,
        concurrent_to: None,
    };
    file.writer.revisit(&mut file.bytes, &revisit);
    assert_eq!(index(&disk, &file.bytes).unwrap().rows, 6);
    let urls = |subset| {
        let rows = rows(&disk, subset);
        let urls = rows.iter().map(|row| text(row, "url").unwrap());
        urls.collect::<Vec<_>>()
    };
    assert_eq!(
        urls(Subset::Warc),
        ["https://a.example/", "https://b.example/"]
    );
    assert_eq!(
        urls(Subset::Diagnostics),
        ["https://a.example/x", "https://a.example/z"]
    );
    assert_eq!(
        urls(Subset::Robots),
        ["https://a.example/robots.txt", "https://c.example/r"]
    );
    let moved = &rows(&disk, Subset::Diagnostics)[0];
    assert_eq!(
        text(moved, "fetch_redirect").as_deref(),
        Some("https://a.example/y")
    );
    assert!(lines(&disk).is_sorted());
}

/// Fault rows D12 and C4: strings that try to end a line, a field or a row.
#[test]
fn hostile_text_adds_no_line_and_no_row() {
    let disk = MemoryDisk::new();
    let strings = [
        "x\r\nWARC/1.1\r\nWARC-Type: response\r\n\r\n",
        "a\tb\nc d\u{0}e\u{1b}[31m\u{7f}",
        "\u{202e}evil\u{2066}\u{feff}\u{2028}\u{85}",
        "\"}\n com,evil)/ 20260101000000 {\"url\":\"",
        "%00%0a%0d\"'\\<script>",
    ];
    let mut file = File::new();
    for hostile in strings {
        file.capture(
            &format!("https://a.example/{hostile}"),
            &format!(
                "200 {hostile}\r\nContent-Type: text/html{hostile}\r\nLocation: {hostile}\r\nContent-Encoding: {hostile}"
            ),
            &[
                ("title", hostile),
                ("via", hostile),
                ("usage", hostile),
                ("language", hostile),
                ("outcome", hostile),
                ("fetchTimeMs", hostile),
            ],
        );
    }
    let done = index(&disk, &file.bytes).unwrap();
    let in_all = strings.len() as u64;
    assert_eq!((done.lines, done.rows), (in_all, in_all));
    let lines = lines(&disk);
    assert_eq!(lines.len(), strings.len());
    for line in &lines {
        let json = line.splitn(3, ' ').nth(2).unwrap();
        assert!(
            serde_json::from_str::<serde_json::Value>(json).is_ok(),
            "{line}"
        );
        assert!(!line.chars().any(|c| c.is_control()), "{line:?}");
    }
    let found: usize = Subset::ALL
        .iter()
        .map(|&subset| rows(&disk, subset).len())
        .sum();
    assert_eq!(found, strings.len());
}

/// The mark of completeness is there only when everything is, wherever the process dies.
#[test]
fn an_index_is_whole_or_not_there() {
    let mut file = File::new();
    file.capture("https://a.example/", "200 OK", &[])
        .capture("https://a.example/x", "404 No", &[]);
    for killed_at in 1.. {
        let disk = MemoryDisk::new();
        disk.set_faults(DiskFaults {
            killed_at: Some(killed_at),
            ..DiskFaults::default()
        });
        let died = index(&disk, &file.bytes).is_err();
        disk.set_faults(DiskFaults::default());
        disk.crash(&orb_env::SeededEntropy::new(killed_at), true);
        let complete = place().is_complete(&disk, NAME);
        if complete {
            assert_eq!(lines(&disk).len(), 2, "killed at write {killed_at}");
            assert_eq!(
                rows(&disk, Subset::Warc).len(),
                1,
                "killed at write {killed_at}"
            );
            assert_eq!(rows(&disk, Subset::Diagnostics).len(), 1);
        }
        assert_eq!(index(&disk, &file.bytes).unwrap().rows, 2);
        if !died {
            assert!(complete && killed_at > 5);
            return;
        }
    }
}

#[test]
fn a_cluster_holds_the_lines_in_blocks_that_its_index_names() {
    let disk = MemoryDisk::new();
    let folder = Path::new("/crawl/index/zipnum");
    let mut cluster = ZipNum::create(Arc::new(disk.clone()), folder).unwrap();
    let lines: Vec<String> = (0..7_000)
        .map(|number| format!("com,example)/{number:05} 20260101000000 {{}}"))
        .collect();
    for line in &lines {
        cluster.push(line).unwrap();
    }
    assert_eq!(cluster.finish().unwrap(), 3);
    let shard = disk.read_all(&folder.join("cdx-00000.gz")).unwrap();
    let index = disk.read_all(&folder.join("cluster.idx")).unwrap();
    let mut found = Vec::new();
    for line in String::from_utf8(index).unwrap().lines() {
        let words: Vec<&str> = line.split('\t').collect();
        let (at, bytes): (usize, usize) = (words[2].parse().unwrap(), words[3].parse().unwrap());
        let mut block = String::new();
        let mut decoder = flate2::read::GzDecoder::new(&shard[at..at + bytes]);
        std::io::Read::read_to_string(&mut decoder, &mut block).unwrap();
        assert!(block.starts_with(words[0]), "{line}");
        found.extend(block.lines().map(str::to_owned));
    }
    assert_eq!(found, lines);
}
