//! Archives of our own writer, exported whole, in pieces, and with what their authors ask for.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its file has failed"
)]

use std::path::Path;

use orb_archive::{ArchiveFile, list};
use orb_env::{Disk, DiskFaults, MemoryDisk};
use orb_export::{
    ContentForm, ExportError, ExportOptions, Exported, Tally, export_file, output_name, prepare,
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
    let mut writer = Writer::new(Compression::Gzip);
    for (number, made) in captures.iter().enumerate() {
        let head = if made.head.is_empty() {
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
        } else {
            made.head
        };
        let block = format!("{head}\r\n{}", made.body);
        let url = format!("https://www.example.org/{number}");
        let mut id = [1; 16];
        id[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let id = RecordId::from_random(id);
        writer.response(
            &mut bytes,
            &ResponseRecord {
                id,
                date_us: 1_790_000_000_000_000,
                target_uri: &url,
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
        writer.metadata(
            &mut bytes,
            &MetadataRecord {
                id: RecordId::from_random([9; 16]),
                date_us: 1_790_000_000_000_000,
                target_uri: &url,
                fields: made.metadata,
                warcinfo_id: None,
                concurrent_to: Some(id),
            },
        );
    }
    let path = Path::new(ARCHIVE).join("a.warc.gz");
    disk.remove(&path).unwrap();
    disk.create_dir_all(Path::new(ARCHIVE)).unwrap();
    disk.append(&path).unwrap().append(&bytes).unwrap();
    list(disk, Path::new(ARCHIVE)).unwrap().remove(0)
}

fn options(uses: &[PageUse]) -> ExportOptions {
    ExportOptions {
        form: ContentForm::Markdown,
        uses: uses.to_vec(),
        all_kinds: false,
    }
}

fn run(disk: &dyn Disk, file: &ArchiveFile, uses: &[PageUse]) -> Result<Exported, ExportError> {
    prepare(disk, Path::new(OUT), &options(uses))?;
    export_file(disk, file, Path::new(OUT), &options(uses), 2, &mut |_| {})
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
    assert_eq!((again.resumed, again.tally.pages), (true, 0));
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
    prepare(&disk, Path::new(OUT), &options(&[])).unwrap();
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
