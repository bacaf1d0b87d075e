//! Copies, pages that say that they are none, and clusters, found in an archive of our own writer.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its file has failed"
)]

use std::path::Path;

use orb_archive::{ArchiveFile, list};
use orb_env::{Disk, MemoryDisk};
use orb_export::{CopiesOptions, CopiesTally, ExportError, find_copies};
use orb_warc::{Compression, RecordId, ResponseRecord, Writer};
use serde_json::Value;

const ARCHIVE: &str = "/crawl/warc";

/// Sentences of its own for each number: no two pages share one by chance.
fn story(number: u64) -> String {
    let words = [
        "garden", "winter", "copper", "letter", "harbour", "violin", "marble", "orchard", "signal",
        "meadow", "lantern", "granite", "feather", "compass", "thunder", "velvet",
    ];
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::new();
    for _ in 0..12 {
        text.push_str("<p>");
        for _ in 0..14 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push_str(words[(state >> 33) as usize % words.len()]);
            text.push(' ');
        }
    }
    text
}

fn html(head: &str, body: &str) -> String {
    format!("<!doctype html><title>A page</title>{head}<body>{body}")
}

fn archive(disk: &dyn Disk, pages: &[(&str, u16, String)]) -> Vec<ArchiveFile> {
    let mut bytes = Vec::new();
    for (number, (url, status, body)) in pages.iter().enumerate() {
        let block = format!("HTTP/1.1 {status} X\r\nContent-Type: text/html\r\n\r\n{body}");
        let record = ResponseRecord {
            id: RecordId::from_random((number as u128 + 1).to_be_bytes()),
            date_us: 1_790_000_000_000_000,
            target_uri: url,
            ip: None,
            block: &[block.as_bytes()],
            payload_digest: None,
            truncated: None,
            content_encoded: false,
            protocol: &[],
            cipher: None,
            warcinfo_id: None,
            concurrent_to: None,
        };
        Writer::new(Compression::Gzip).response(&mut bytes, &record);
    }
    let path = Path::new(ARCHIVE).join("a.warc.gz");
    disk.append(&path).unwrap().append(&bytes).unwrap();
    list(disk, Path::new(ARCHIVE)).unwrap()
}

fn found(pages: &[(&str, u16, String)], clusters: bool) -> (CopiesTally, Vec<Value>) {
    let disk = MemoryDisk::new();
    let files = archive(&disk, pages);
    let mut lines = Vec::new();
    let options = CopiesOptions {
        clusters,
        ..CopiesOptions::default()
    };
    let mut line = |text: &str| {
        lines.push(serde_json::from_str(text).unwrap());
        Ok::<(), ExportError>(())
    };
    let tally = find_copies(&disk, &files, &options, &mut |_| {}, &mut line).unwrap();
    (tally, lines)
}

#[test]
fn a_copy_names_the_page_it_says_the_same_as() {
    let page = |number| html("", &story(number));
    let nearly = page(1).replacen("garden", "cellar", 1);
    let (tally, lines) = found(
        &[
            ("http://a.example/1", 200, page(1)),
            ("http://a.example/2", 200, page(2)),
            ("http://a.example/again", 200, page(1)),
            ("http://other.example/taken", 200, nearly),
            ("http://a.example/3", 200, page(3)),
        ],
        false,
    );
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            let copy = &line["copy_of"];
            (
                line["url"].as_str(),
                copy["url"].as_str(),
                copy["same_site"].as_bool(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                Some("http://a.example/again"),
                Some("http://a.example/1"),
                Some(true)
            ),
            (
                Some("http://other.example/taken"),
                Some("http://a.example/1"),
                Some(false)
            ),
        ]
    );
    assert_eq!(lines[0]["copy_of"]["distance"], 0);
    assert_eq!(
        (tally.pages, tally.copies_on_site, tally.copies_elsewhere),
        (5, 1, 1)
    );
}

/// What a site answers with 404 is known again where it comes with 200; words tell it where the site never does.
#[test]
fn pages_that_are_none_are_named() {
    let shop = |own: &str| {
        html(
            "",
            &format!("<p>The shop of all shops, since 1904<p>{own}<p>Imprint and contact"),
        )
    };
    let sorry =
        "Alas, our elves looked everywhere and came home with empty hands, do try the menu above";
    let (tally, lines) = found(
        &[
            (
                "http://shop.example/",
                200,
                shop("Welcome to spades, rakes and hoes of oak and steel, made by hand"),
            ),
            ("http://shop.example/nowhere", 404, shop(sorry)),
            ("http://shop.example/sold-out", 200, shop(sorry)),
            (
                "http://shop.example/spade",
                200,
                shop("A spade of oak and steel for heavy soil, with a long handle, made to last"),
            ),
            (
                "http://words.example/gone",
                200,
                html("", "<h1>Page not found</h1>"),
            ),
            (
                "http://sale.example/",
                200,
                html("", "<h1>This domain is for sale</h1>"),
            ),
        ],
        false,
    );
    let told: Vec<_> = lines
        .iter()
        .map(|line| (line["url"].as_str(), line["says"].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Some("http://shop.example/sold-out"), Some("missing")),
            (Some("http://words.example/gone"), Some("missing")),
            (Some("http://sale.example/"), Some("parked")),
        ]
    );
    assert_eq!((tally.pages, tally.missing, tally.parked), (5, 2, 1));
}

#[test]
fn pages_that_call_themselves_one_are_a_cluster() {
    let canonical = "<link rel=canonical href=/tea><link rel=alternate hreflang=de href=/de/tee>";
    let german = "<link rel=alternate hreflang=en href=/tea>";
    let pages = [
        ("http://a.example/tea", 200, html(canonical, &story(1))),
        (
            "http://a.example/tea?from=mail",
            200,
            html(canonical, &story(2)),
        ),
        ("http://a.example/de/tee", 200, html(german, &story(3))),
        ("http://a.example/coffee", 200, html("", &story(4))),
    ];
    let (tally, lines) = found(&pages, true);
    let tea: Vec<_> = lines
        .iter()
        .filter(|line| line["cluster"] == "http://a.example/tea")
        .collect();
    assert_eq!(tea.len(), 1, "{lines:?}");
    assert_eq!(
        tea[0]["members"],
        serde_json::json!(["http://a.example/tea", "http://a.example/tea?from=mail"])
    );
    assert_eq!(
        tea[0]["languages"],
        serde_json::json!({"de": "http://a.example/de/tee"})
    );
    assert_eq!(tally.clusters, lines.len() as u64);
    assert_eq!(found(&pages, false).0.clusters, 0);
}

/// What was forgotten is not found again; nothing else changes.
#[test]
fn memory_is_bounded() {
    let page = |number| html("", &story(number));
    let urls: Vec<String> = (0..300)
        .map(|number| format!("http://a.example/{number}"))
        .collect();
    let mut pages: Vec<(&str, u16, String)> = urls
        .iter()
        .zip(0..)
        .map(|(url, number)| (url.as_str(), 200, page(number)))
        .collect();
    pages.push(("http://a.example/old", 200, page(100)));
    pages.push(("http://a.example/new", 200, page(298)));
    let disk = MemoryDisk::new();
    let files = archive(&disk, &pages);
    let mut options = CopiesOptions::default();
    options.bounds.index_bytes_max = 64 * 128;
    let mut copies = Vec::new();
    let mut line = |text: &str| {
        let line: Value = serde_json::from_str(text).unwrap();
        copies.push(line["url"].as_str().unwrap().to_owned());
        Ok::<(), ExportError>(())
    };
    let tally = find_copies(&disk, &files, &options, &mut |_| {}, &mut line).unwrap();
    assert_eq!(tally.pages, 302);
    assert_eq!(copies, ["http://a.example/new"]);
}
