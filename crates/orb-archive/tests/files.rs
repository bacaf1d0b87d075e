//! Files of our own writer, whole and damaged, through everything this crate does with them.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its file has failed"
)]

use std::ops::ControlFlow;
use std::path::Path;

use orb_archive::{
    DamageKind, Look, list, newest, record_at, record_referred, records_of, repair, verify,
};
use orb_env::{Disk, MemoryDisk};
use orb_url::CrawlUrl;
use orb_warc::{Compression, Digest, RecordId, ResponseRecord, Writer};

const FOLDER: &str = "/crawl/warc";

/// A file of `count` responses; returns the offset and length of each.
fn write(disk: &dyn Disk, name: &str, count: u8) -> Vec<(usize, usize)> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(Compression::Gzip);
    writer.warcinfo(
        &mut bytes,
        RecordId::from_random([255; 16]),
        0,
        name,
        &[("software", "orb")],
    );
    let mut places = Vec::new();
    for number in 0..count {
        let body = format!("page {number}");
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset=utf-8\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let block = format!("{head}{body}");
        let url = format!("https://www.example.org/{number}?b&a");
        let written = writer.response(
            &mut bytes,
            &ResponseRecord {
                id: RecordId::from_random([number + 1; 16]),
                date_us: 1_790_000_000_000_000,
                target_uri: &url,
                ip: None,
                block: &[block.as_bytes()],
                payload_digest: Some(Digest::sha1(body.as_bytes())),
                truncated: None,
                content_encoded: false,
                protocol: &["http/1.1"],
                cipher: None,
                warcinfo_id: None,
                concurrent_to: None,
            },
        );
        places.push((written.start, written.len));
    }
    let path = Path::new(FOLDER).join(name);
    disk.create_dir_all(Path::new(FOLDER)).unwrap();
    disk.append(&path).unwrap().append(&bytes).unwrap();
    places
}

/// Replaces `bytes` of a file from `at` on.
fn overwrite(disk: &dyn Disk, name: &str, at: usize, bytes: &[u8]) {
    let path = Path::new(FOLDER).join(name);
    let mut whole = disk.read_all(&path).unwrap();
    whole[at..at + bytes.len()].copy_from_slice(bytes);
    disk.remove(&path).unwrap();
    disk.append(&path).unwrap().append(&whole).unwrap();
}

fn only(disk: &dyn Disk) -> orb_archive::ArchiveFile {
    let files = list(disk, Path::new("/crawl")).unwrap();
    assert_eq!(files.len(), 1);
    files[0].clone()
}

#[test]
fn a_sound_file_is_called_sound_and_nothing_is_repaired() {
    let disk = MemoryDisk::new();
    write(&disk, "a.warc.gz", 5);
    let report = verify(&disk, &only(&disk), &mut |_| {}).unwrap();
    assert!(report.is_sound(), "{report:?}");
    assert_eq!(
        (report.records["response"], report.records["warcinfo"]),
        (5, 1)
    );
    assert_eq!((report.digests, report.odd), (11, 0));
    let repaired = repair(&disk, &only(&disk), Path::new("/out"), &mut |_| {}).unwrap();
    assert!(repaired.copy.is_none() && disk.list(Path::new("/out")).unwrap().is_empty());
}

/// A record overwritten in the middle and a torn end: both are named in their place, and the copy holds all the rest.
#[test]
fn damage_is_named_in_its_place_and_left_out_of_the_copy() {
    let disk = MemoryDisk::new();
    let places = write(&disk, "a.warc.gz", 6);
    overwrite(&disk, "a.warc.gz", places[2].0, &[0; 20]);
    let path = Path::new(FOLDER).join("a.warc.gz");
    disk.truncate(&path, (places[5].0 + 9) as u64).unwrap();

    let report = verify(&disk, &only(&disk), &mut |_| {}).unwrap();
    let found: Vec<_> = report
        .damages
        .iter()
        .map(|d| (d.kind, d.offset, d.bytes))
        .collect();
    let place = |at: usize| (places[at].0 as u64, places[at].1 as u64);
    assert_eq!(
        found,
        [
            (DamageKind::NoRecord, place(2).0, place(2).1),
            (DamageKind::Torn, place(5).0, 9)
        ]
    );

    let repaired = repair(&disk, &only(&disk), Path::new("/out"), &mut |_| {}).unwrap();
    assert_eq!(repaired.records, 5); // the warcinfo record and four responses
    let copy = list(&disk, &repaired.copy.unwrap()).unwrap().remove(0);
    assert!(verify(&disk, &copy, &mut |_| {}).unwrap().is_sound());
    let rest = disk.read_all(&repaired.rest.unwrap()).unwrap();
    assert_eq!(rest.len() as u64 + copy.bytes, only(&disk).bytes);
    assert!(
        repair(&disk, &only(&disk), Path::new("/out"), &mut |_| {}).is_err(),
        "nothing is replaced"
    );
}

#[test]
fn a_wrong_payload_is_told_with_its_address() {
    let disk = MemoryDisk::new();
    let mut bytes = Vec::new();
    Writer::new(Compression::None).response(
        &mut bytes,
        &ResponseRecord {
            id: RecordId::from_random([1; 16]),
            date_us: 0,
            target_uri: "https://a.example/",
            ip: None,
            block: &[b"HTTP/1.1 200 OK\r\n\r\nbody"],
            payload_digest: Some(Digest::sha1(b"another body")),
            truncated: None,
            content_encoded: false,
            protocol: &[],
            cipher: None,
            warcinfo_id: None,
            concurrent_to: None,
        },
    );
    disk.append(Path::new("/crawl/warc/a.warc"))
        .unwrap()
        .append(&bytes)
        .unwrap();
    let report = verify(&disk, &only(&disk), &mut |_| {}).unwrap();
    assert_eq!(report.damages[0].kind, DamageKind::PayloadDigest);
    assert_eq!(report.damages[0].url.as_deref(), Some("https://a.example/"));
}

#[test]
fn records_are_found_by_place_and_by_address_however_it_is_written() {
    let disk = MemoryDisk::new();
    let places = write(&disk, "a.warc.gz", 4);
    let file = only(&disk);
    let record = record_at(&disk, &file, places[3].0 as u64)
        .unwrap()
        .unwrap();
    assert_eq!(record.target_uri(), Some("https://www.example.org/3?b&a"));
    assert!(record_at(&disk, &file, 1).unwrap().is_none());
    assert!(record_at(&disk, &file, u64::MAX).unwrap().is_none());

    let look = Look {
        url: Some(CrawlUrl::parse("HTTPS://WWW.example.org:443/2?b&a#top").unwrap()),
        kind: Some("Response".to_owned()),
    };
    let mut offsets = Vec::new();
    let went = records_of(&disk, &file, &look, &mut |_| {}, &mut |record| {
        offsets.push(record.offset as usize);
        ControlFlow::Continue(())
    });
    assert!(went.unwrap().is_continue());
    assert_eq!(offsets, [places[2].0]);
}

/// A revisit leads on by the id it refers to, or by address and date; of two captures the newer counts.
#[test]
fn the_newest_capture_and_the_record_a_revisit_refers_to_are_found() {
    let disk = MemoryDisk::new();
    write(&disk, "a.warc.gz", 3);
    write(&disk, "b.warc.gz", 2);
    let files = list(&disk, Path::new("/crawl")).unwrap();
    let look = Look {
        url: Some(CrawlUrl::parse("https://www.example.org/1?b&a").unwrap()),
        kind: None,
    };
    let mut heard = 0;
    let found = newest(&disk, &files, &look, &mut |at| heard = at).unwrap();
    let found = found.unwrap();
    assert_eq!(found.target_uri(), Some("https://www.example.org/1?b&a"));
    assert_eq!(heard, files.iter().map(|file| file.bytes).sum::<u64>());
    let id = found.fields.get("WARC-Record-ID").unwrap();
    let refers = |fields: &str| {
        let text =
            format!("WARC/1.1\r\nWARC-Type: revisit\r\n{fields}Content-Length: 0\r\n\r\n\r\n\r\n");
        let mut reader = orb_warc::Reader::new(text.as_bytes());
        let revisit = reader.next_record().unwrap().unwrap();
        let found = record_referred(&disk, &files, &revisit, &mut |_| {}).unwrap();
        found.and_then(|record| record.fields.get("WARC-Record-ID").map(str::to_owned))
    };
    let by_id = |id: &str| refers(&format!("WARC-Refers-To: {id}\r\n"));
    assert_eq!(by_id(id).as_deref(), Some(id));
    assert_eq!(by_id("<urn:x>"), None);
    // Of another archive only address and second may be known.
    let (url, at) = (
        found.target_uri().unwrap(),
        found.fields.get("WARC-Date").unwrap(),
    );
    let by_place = |url: &str, at: &str| {
        refers(&format!(
            "WARC-Refers-To-Target-URI: {url}\r\nWARC-Refers-To-Date: {at}\r\n"
        ))
    };
    let second = format!("{}Z", &at[..19]);
    assert!(by_place(url, &second).is_some());
    assert_eq!(by_place(url, "2001-01-01T00:00:00Z"), None);
    assert_eq!(by_place("https://www.example.org/9", at), None);
    let nowhere = Look {
        url: Some(CrawlUrl::parse("https://www.example.org/9").unwrap()),
        kind: None,
    };
    assert!(
        newest(&disk, &files, &nowhere, &mut |_| {})
            .unwrap()
            .is_none()
    );
}
