//! Archives of our own writer, exported whole, in pieces, and with what their authors ask for.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its file has failed"
)]

use std::io::Write;
use std::path::Path;

use orb_archive::{ArchiveFile, list};
use orb_env::{Disk, DiskFaults, MemoryDisk};
use orb_export::limits::PAGE_BYTES_MAX;
use orb_export::{
    ContentForm, ExportError, ExportFolder, ExportOptions, Exported, Tally, output_name,
};
use orb_page::PageUse;
use orb_warc::{Compression, MetadataRecord, RecordId, ResponseRecord, Writer};
use serde_json::Value;

const ARCHIVE: &str = "/crawl/warc";
const OUT: &str = "/crawl/export";

/// What one capture is made of.
#[derive(Clone, Copy, Default)]
struct Made<'a> {
    head: &'a str,
    body: &'a str,
    metadata: &'a [(&'a str, &'a str)],
}

fn page(body: &str) -> Made<'_> {
    Made {
        body,
        ..Made::default()
    }
}

fn write(disk: &dyn Disk, captures: &[Made<'_>]) -> ArchiveFile {
    let mut bytes = Vec::new();
    for (number, made) in captures.iter().enumerate() {
        add_response(&mut bytes, number, made);
        add_metadata(&mut bytes, number, made);
    }
    put(disk, &bytes)
}

/// Makes an archive file of these bytes, instead of the one that was there.
fn put(disk: &dyn Disk, bytes: &[u8]) -> ArchiveFile {
    put_as(disk, "a.warc.gz", bytes)
}

fn put_as(disk: &dyn Disk, name: &str, bytes: &[u8]) -> ArchiveFile {
    let path = Path::new(ARCHIVE).join(name);
    disk.remove(&path).unwrap();
    disk.append(&path).unwrap().append(bytes).unwrap();
    let files = list(disk, Path::new(ARCHIVE)).unwrap();
    files.into_iter().find(|file| file.name == name).unwrap()
}

fn id_of(number: usize) -> RecordId {
    let mut id = [1; 16];
    id[..8].copy_from_slice(&(number as u64).to_be_bytes());
    RecordId::from_random(id)
}

const CAPTURED_US: i64 = 1_790_000_000_000_000;

fn add_info(bytes: &mut Vec<u8>, software: &str) {
    let info = [("software", software)];
    Writer::new(Compression::Gzip).warcinfo(bytes, id_of(1 << 40), CAPTURED_US, "a", &info);
}

fn add_response(bytes: &mut Vec<u8>, number: usize, made: &Made<'_>) {
    let head = if made.head.is_empty() {
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
    } else {
        made.head
    };
    let block = format!("{head}\r\n{}", made.body);
    Writer::new(Compression::Gzip).response(
        bytes,
        &ResponseRecord {
            id: id_of(number),
            date_us: CAPTURED_US,
            target_uri: &format!("https://www.example.org/{number}"),
            ip: None,
            block: &[block.as_bytes()],
            payload_digest: None,
            truncated: None,
            content_encoded: false,
            protocol: &[],
            cipher: None,
            warcinfo_id: None,
            concurrent_to: None,
        },
    );
}

fn add_metadata(bytes: &mut Vec<u8>, number: usize, made: &Made<'_>) {
    Writer::new(Compression::Gzip).metadata(
        bytes,
        &MetadataRecord {
            id: RecordId::from_random([9; 16]),
            date_us: CAPTURED_US,
            target_uri: &format!("https://www.example.org/{number}"),
            fields: made.metadata,
            warcinfo_id: None,
            concurrent_to: Some(id_of(number)),
        },
    );
}

fn options(uses: &[PageUse]) -> ExportOptions {
    ExportOptions {
        form: ContentForm::Markdown,
        uses: uses.to_vec(),
        all_kinds: false,
        pdf: None,
    }
}

fn run(disk: &dyn Disk, file: &ArchiveFile, uses: &[PageUse]) -> Result<Exported, ExportError> {
    run_all(disk, std::slice::from_ref(file), uses)
}

fn run_all(
    disk: &dyn Disk,
    files: &[ArchiveFile],
    uses: &[PageUse],
) -> Result<Exported, ExportError> {
    ExportFolder::open(disk, Path::new(OUT), &options(uses))?.export(files, 2, &mut |_| {})
}

fn lines(disk: &dyn Disk) -> Vec<Value> {
    let bytes = disk.read_all(&Path::new(OUT).join("a.jsonl")).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn urls(disk: &dyn Disk) -> Vec<String> {
    let url = |line: &Value| line["url"].as_str().unwrap().to_owned();
    lines(disk).iter().map(url).collect()
}

#[test]
fn a_page_is_one_line_with_its_facts() {
    let disk = MemoryDisk::new();
    let html = "<html lang=en><title>A title</title><nav><a href=/>menu</a></nav>\
        <main><h1>Heading</h1><p>The words of the page, of which there are enough to be read.</main>";
    let file = write(&disk, &[page(html)]);
    let done = run(&disk, &file, &PageUse::ALL).unwrap();
    assert_eq!(done.tally.pages, 1);
    let line = &lines(&disk)[0];
    assert_eq!(line["title"], "A title");
    assert_eq!(line["url"], "https://www.example.org/0");
    assert_eq!(line["captured"], "2026-09-21T14:13:20.000000Z");
    assert_eq!(line["record"]["file"], "a.warc.gz");
    assert_eq!(line["record"]["offset"], 0);
    assert_eq!(line["media_type"], "text/html");
    assert_eq!(line["truncated"], false);
    let markdown = line["markdown"].as_str().unwrap();
    assert!(
        markdown.starts_with("# Heading\n") && !markdown.contains("menu"),
        "{markdown}"
    );
    assert!(line.get("text").is_none());
}

#[test]
fn what_is_no_page_or_has_nothing_to_read_is_counted() {
    let disk = MemoryDisk::new();
    let of = |head, body| Made {
        head,
        body,
        metadata: &[],
    };
    let file = write(
        &disk,
        &[
            of(
                "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n",
                "<p>gone",
            ),
            of("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n", "\x01\x02"),
            of(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
                "{\"a\": \"words\"}",
            ),
            page("<img src=x>"),
            of(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n",
                "Plain words.",
            ),
            of(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: rot13\r\n",
                "x",
            ),
        ],
    );
    let done = run(&disk, &file, &[]).unwrap();
    let expected = Tally {
        pages: 1,
        other_kinds: 2,
        without_text: 1,
        no_pages: 1,
        unreadable: 1,
        ..Tally::default()
    };
    assert_eq!(done.tally, expected);
    assert_eq!(lines(&disk)[0]["markdown"], "Plain words.\n");
}

/// Design, 9: `noindex` and usage preferences travel with the capture and bind exports, wherever they stood.
#[test]
fn what_authors_refuse_binds() {
    let body = "<p>Words to be read.";
    let tagged = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-Robots-Tag: noindex\r\n";
    let signal = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Usage: search=n\r\n";
    let captures = [
        page(body),
        page("<meta name=robots content=noindex><p>Words to be read."),
        Made {
            head: tagged,
            body,
            metadata: &[],
        },
        Made {
            head: signal,
            body,
            metadata: &[],
        },
        Made {
            head: "",
            body,
            metadata: &[("usage", "robots.txt Content-Signal: ai-train=no")],
        },
        Made {
            head: "",
            body,
            metadata: &[("robotsDirective", "noindex")],
        },
        page("<meta name=tdm-reservation content=1><p>Words to be read."),
    ];
    let check = |uses: &[PageUse], expected: &[u32]| {
        let disk = MemoryDisk::new();
        let file = write(&disk, &captures);
        let done = run(&disk, &file, uses).unwrap();
        let expected: Vec<String> = expected
            .iter()
            .map(|number| format!("https://www.example.org/{number}"))
            .collect();
        assert_eq!(urls(&disk), expected, "{uses:?}");
        assert_eq!(done.tally.refused, 7 - expected.len() as u64);
        disk
    };
    check(&PageUse::ALL, &[0]);
    check(&[PageUse::Search], &[0, 4, 6]);
    check(&[PageUse::AiTrain], &[0, 3]);
    let disk = check(&[], &[0, 1, 2, 3, 4, 5, 6]);
    // They travel along, for whoever takes the lines.
    assert_eq!(
        lines(&disk)[4]["usage"][0],
        "robots.txt Content-Signal: ai-train=no"
    );
    assert_eq!(lines(&disk)[6]["usage"][0], "tdm-reservation: 1");
}

fn many(count: usize) -> Vec<String> {
    let text = |number: usize| {
        if number % 5 == 3 {
            String::new()
        } else {
            format!(
                "<p>Page number {number} says this. {}",
                "word ".repeat(number % 90)
            )
        }
    };
    (0..count).map(text).collect()
}

#[test]
fn lines_keep_the_order_of_the_archive() {
    let disk = MemoryDisk::new();
    let bodies = many(300);
    let captures: Vec<Made<'_>> = bodies.iter().map(|body| page(body)).collect();
    let file = write(&disk, &captures);
    let done = run(&disk, &file, &[]).unwrap();
    assert_eq!((done.tally.pages, done.tally.without_text), (240, 60));
    let expected: Vec<String> = (0..300)
        .filter(|number| number % 5 != 3)
        .map(|number| format!("https://www.example.org/{number}"))
        .collect();
    assert_eq!(urls(&disk), expected);
}

/// Whatever byte a run ended at, the next one makes the same file.
#[test]
fn a_run_that_ended_anywhere_goes_on() {
    let disk = MemoryDisk::new();
    let bodies = many(40);
    let captures: Vec<Made<'_>> = bodies.iter().map(|body| page(body)).collect();
    let file = write(&disk, &captures);
    run(&disk, &file, &[]).unwrap();
    let output = Path::new(OUT).join("a.jsonl");
    let whole = disk.read_all(&output).unwrap();
    for cut in (0..whole.len() as u64).step_by(97) {
        disk.truncate(&output, cut).unwrap();
        run(&disk, &file, &[]).unwrap();
        assert!(disk.read_all(&output).unwrap() == whole, "cut at {cut}");
    }
    let again = run(&disk, &file, &[]).unwrap();
    assert_eq!((again.resumed, again.tally.pages), (1, 0));
    assert!(disk.read_all(&output).unwrap() == whole);
}

#[test]
fn an_archive_that_grew_adds_its_new_pages() {
    let disk = MemoryDisk::new();
    let bodies = many(20);
    let captures: Vec<Made<'_>> = bodies.iter().map(|body| page(body)).collect();
    let file = write(&disk, &captures[..11]);
    run(&disk, &file, &[]).unwrap();
    let file = write(&disk, &captures);
    let done = run(&disk, &file, &[]).unwrap();
    assert_eq!(done.tally.pages, 7);
    assert_eq!(urls(&disk).len(), 16);
}

#[test]
fn a_disk_that_fails_ends_the_run_and_nothing_hangs() {
    let disk = MemoryDisk::new();
    let bodies = many(200);
    let captures: Vec<Made<'_>> = bodies.iter().map(|body| page(body)).collect();
    let file = write(&disk, &captures);
    drop(ExportFolder::open(&disk, Path::new(OUT), &options(&[])).unwrap());
    disk.set_faults(DiskFaults {
        room_bytes: Some(1),
        ..DiskFaults::default()
    });
    assert!(matches!(
        run(&disk, &file, &[]),
        Err(ExportError::Output { .. })
    ));
}

#[test]
fn other_settings_need_another_folder() {
    let disk = MemoryDisk::new();
    let file = write(&disk, &[page("<p>words")]);
    run(&disk, &file, &[]).unwrap();
    let refused = run(&disk, &file, &PageUse::ALL).unwrap_err();
    assert!(
        matches!(refused, ExportError::OtherSettings { .. }),
        "{refused}"
    );
}

#[test]
fn outputs_are_called_like_their_archive() {
    assert_eq!(output_name("ORB-1.warc.gz"), "ORB-1.jsonl");
    assert_eq!(output_name("a.WARC"), "a.jsonl");
    assert_eq!(output_name("b.c.warc.zst"), "b.c.jsonl");
}

const WORDS: &str = "<p>Words to be read.";

/// A running crawl writes a response before its metadata record, in which robots.txt's preferences stand: until then
/// nobody knows whether the page may be written.
#[test]
fn a_page_whose_metadata_is_still_to_be_written_is_held_back() {
    let disk = MemoryDisk::new();
    let silent = page(WORDS);
    let speaking = Made {
        metadata: &[("usage", "robots.txt Content-Signal: ai-train=no")],
        ..silent
    };
    let mut bytes = Vec::new();
    add_info(&mut bytes, "orbweaver/9.9");
    add_response(&mut bytes, 0, &silent);
    add_metadata(&mut bytes, 0, &silent);
    add_response(&mut bytes, 1, &speaking);
    let file = put(&disk, &bytes);
    let done = run(&disk, &file, &PageUse::ALL).unwrap();
    assert_eq!((done.tally.pages, done.tally.still_written), (1, 1));

    let whole = bytes.len();
    add_metadata(&mut bytes, 1, &speaking);
    let file = put(&disk, &bytes[..whole + 20]);
    let done = run(&disk, &file, &PageUse::ALL).unwrap();
    assert_eq!((done.tally.pages, done.tally.still_written), (0, 1));
    assert_eq!(done.tally.damages, 0);
    add_response(&mut bytes, 2, &silent);
    add_metadata(&mut bytes, 2, &silent);
    let file = put(&disk, &bytes);
    let done = run(&disk, &file, &PageUse::ALL).unwrap();
    assert_eq!((done.tally.pages, done.tally.refused), (1, 1));
    assert_eq!(done.tally.still_written, 0);
    let expected = [0, 2].map(|number| format!("https://www.example.org/{number}"));
    assert_eq!(urls(&disk), expected);
}

/// Damage took the metadata record: what stood in it is unknown. Other writers have none, and lose nothing by it.
#[test]
fn a_page_of_ours_without_its_metadata_is_left_out() {
    for (software, expected) in [("orbweaver/9.9", (1, 1)), ("Wget/1.21", (2, 0))] {
        let disk = MemoryDisk::new();
        let mut bytes = Vec::new();
        add_info(&mut bytes, software);
        add_response(&mut bytes, 0, &page(WORDS));
        add_response(&mut bytes, 1, &page(WORDS));
        add_metadata(&mut bytes, 1, &page(WORDS));
        let done = run(&disk, &put(&disk, &bytes), &[]).unwrap();
        assert_eq!((done.tally.pages, done.tally.without_metadata), expected);
    }
}

/// That is no fault of the page, which another run would take for done.
#[test]
fn a_pdf_that_no_process_can_be_started_for_ends_the_export() {
    let disk = MemoryDisk::new();
    let pdf = Made {
        head: "HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n",
        ..page("%PDF-1.4\n")
    };
    let file = write(&disk, &[page(WORDS), pdf]);
    let options = ExportOptions {
        all_kinds: true,
        pdf: Some(orb_pdf::Reader::new("/nowhere/reader".into(), &[])),
        ..options(&[])
    };
    let export = ExportFolder::open(&disk, Path::new(OUT), &options).unwrap();
    let done = export.export(&[file], 2, &mut |_| {});
    assert!(matches!(done, Err(ExportError::NoPdfReader { .. })));
    drop(export);
    assert_eq!(urls(&disk).len(), 1);
}

#[test]
fn damaged_places_are_counted() {
    let disk = MemoryDisk::new();
    let (mut bytes, made) = (Vec::new(), page(WORDS));
    let mut place = 0..0;
    for number in 0..3 {
        let start = bytes.len();
        add_response(&mut bytes, number, &made);
        if number == 1 {
            place = start..bytes.len();
        }
    }
    let end = bytes.len();
    bytes[place.start..place.end - 4].fill(b'x');
    let done = run(&disk, &put(&disk, &bytes), &[]).unwrap();
    assert_eq!((done.tally.pages, done.tally.damages), (2, 1));
    // The end of a file that was cut is such a place, too.
    let disk = MemoryDisk::new();
    let done = run(&disk, &put(&disk, &bytes[..end - 9]), &[]).unwrap();
    assert_eq!((done.tally.pages, done.tally.damages), (1, 2));
}

fn plain_record(kind: &str, uri: &str, content_type: &str, block: &str, more: &str) -> String {
    format!(
        "WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {uri}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n\
         WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000000>\r\nContent-Type: {content_type}\r\n{more}\
         Content-Length: {}\r\n\r\n{block}\r\n\r\n",
        block.len()
    )
}

#[test]
fn a_resource_is_a_page_when_it_is_of_the_web() {
    let disk = MemoryDisk::new();
    let of = |uri| plain_record("resource", uri, "text/html", WORDS, "");
    let bytes = [
        of("HTTPS://www.example.org/doc"),
        of("urn:pageinfo:https://www.example.org/doc"),
        of("file:///etc/crawl.html"),
        of("metadata://example/crawl.log"),
    ];
    let file = put_as(&disk, "a.warc", bytes.concat().as_bytes());
    let done = run(&disk, &file, &[]).unwrap();
    assert_eq!((done.tally.pages, done.tally.no_pages), (1, 3));
    assert_eq!(urls(&disk), ["HTTPS://www.example.org/doc"]);
}

/// A page that the archive cut, that a coding cuts, or that is longer than what is read, is marked.
#[test]
fn a_page_that_is_not_whole_says_so() {
    let disk = MemoryDisk::new();
    let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>Words.";
    let long = format!("{html}{}", "<!-- x -->".repeat(PAGE_BYTES_MAX / 10));
    let of = |block: &str, more: &str| {
        let kind = "application/http; msgtype=response";
        plain_record("response", "http://a.example/", kind, block, more)
    };
    let bytes = [
        of(html, ""),
        of(html, "WARC-Truncated: length\r\n"),
        of(&long, ""),
    ];
    let file = put_as(&disk, "a.warc", bytes.concat().as_bytes());
    let done = run(&disk, &file, &[]).unwrap();
    assert_eq!((done.tally.pages, done.tally.truncated), (3, 2));
    let marked: Vec<Value> = lines(&disk)
        .iter()
        .map(|line| line["truncated"].clone())
        .collect();
    assert_eq!(marked, [false, true, true]);
}

/// An archive that was replaced since, or cut by a crawl that went on, has another capture where the last line's was.
#[test]
fn lines_are_only_added_to_those_of_the_same_captures() {
    let disk = MemoryDisk::new();
    let made = page(WORDS);
    let mut bytes = Vec::new();
    add_response(&mut bytes, 0, &made);
    run(&disk, &put(&disk, &bytes), &[]).unwrap();
    let output = Path::new(OUT).join("a.jsonl");
    let before = disk.read_all(&output).unwrap();
    let mut other = Vec::new();
    add_response(&mut other, 7, &made);
    add_response(&mut other, 8, &made);
    for bytes in [&other[..], b""] {
        let refused = run(&disk, &put(&disk, bytes), &[]).unwrap_err();
        assert!(
            matches!(refused, ExportError::ArchiveChanged { .. }),
            "{refused}"
        );
        assert!(refused.to_string().contains("a.jsonl"), "{refused}");
        assert!(disk.read_all(&output).unwrap() == before);
    }
}

/// Records of one compressed member have one place: the lines are made again, and the old ones stand until then.
#[test]
fn records_that_share_members_are_exported_anew() {
    let disk = MemoryDisk::new();
    let mut bytes = Vec::new();
    for number in 0..4 {
        let url = format!("http://a.example/{number}");
        let block = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>Words to be read.";
        let kind = "application/http; msgtype=response";
        bytes.extend(plain_record("response", &url, kind, block, "").into_bytes());
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&bytes).unwrap();
    let file = put(&disk, &gzip.finish().unwrap());
    let done = run(&disk, &file, &[]).unwrap();
    assert_eq!((done.tally.pages, done.anew), (4, 0));
    let output = Path::new(OUT).join("a.jsonl");
    let before = disk.read_all(&output).unwrap();
    for cut in [before.len() as u64, before.len() as u64 / 2] {
        disk.truncate(&output, cut).unwrap();
        let done = run(&disk, &file, &[]).unwrap();
        assert_eq!((done.tally.pages, done.anew, done.resumed), (4, 1, 0));
        assert!(disk.read_all(&output).unwrap() == before);
    }
}

#[test]
fn one_export_writes_to_a_folder_at_a_time() {
    let disk = MemoryDisk::new();
    let file = write(&disk, &[page(WORDS)]);
    let held = ExportFolder::open(&disk, Path::new(OUT), &options(&[])).unwrap();
    let refused = run(&disk, &file, &[]).unwrap_err();
    assert!(matches!(refused, ExportError::InUse { .. }), "{refused}");
    drop(held);
    assert_eq!(run(&disk, &file, &[]).unwrap().tally.pages, 1);
}

#[test]
fn two_archive_files_never_share_their_lines() {
    let disk = MemoryDisk::new();
    let first = write(&disk, &[page(WORDS)]);
    let second = put_as(&disk, "a.warc", b"");
    let refused = run_all(&disk, &[first, second], &[]).unwrap_err();
    assert!(matches!(refused, ExportError::SameName { .. }), "{refused}");
    let told = refused.to_string();
    assert!(
        ["/a.warc.gz and ", "/a.warc would"]
            .iter()
            .all(|part| told.contains(part)),
        "{told}"
    );
    assert!(disk.read(&Path::new(OUT).join("a.jsonl")).is_err());
}
