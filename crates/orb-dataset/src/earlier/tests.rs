//! Earlier archives by their indexes: of this crawler, of other tools, and what is none.

use super::*;
use crate::ZipNum;
use orb_env::MemoryDisk;
use std::sync::Arc;

const URL: &str = "https://example.org/a";

fn line(time: &str, url: &str, mime: &str, digest: &str) -> String {
    format!(
        r#"org,example)/a {time} {{"url":"{url}","mime":"{mime}","status":"200","digest":"{digest}","length":"9","offset":"7","filename":"x.warc.gz"}}"#
    )
}

fn digest(text: &str) -> Digest {
    Digest::sha1(text.as_bytes())
}

fn disk_with(path: &str, lines: &[String]) -> Arc<dyn Disk> {
    let disk = MemoryDisk::new();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    disk.replace(Path::new(path), text.as_bytes()).unwrap();
    Arc::new(disk)
}

fn opened(disk: &Arc<dyn Disk>, path: &str) -> Result<EarlierIndexes, EarlierError> {
    EarlierIndexes::open(disk.as_ref(), &[PathBuf::from(path)])
}

/// Digests with and without the algorithm's name; a revisit holds no payload, an address with the same key is another.
#[test]
fn captures_with_a_payload_of_the_very_address_are_offered_the_newest_last() {
    let (old, new) = (digest("old"), digest("new"));
    let bare = new.to_string().replace("sha1:", "");
    let lines = [
        line("20250101000000", URL, "text/html", &old.to_string()),
        line("20250201000000", URL, "warc/revisit", &old.to_string()),
        line("20250301000000", URL, "text/html", &bare),
        line(
            "20250401000000",
            "https://www.example.org/a",
            "text/html",
            &digest("x").to_string(),
        ),
    ];
    let disk = disk_with("/old.cdxj", &lines);
    let indexes = opened(&disk, "/old.cdxj").unwrap();
    let url = CrawlUrl::parse(URL).unwrap();
    let found = indexes.captures(disk.as_ref(), &url).unwrap();
    let digests: Vec<Digest> = found.iter().map(|one| one.digest).collect();
    assert_eq!(digests, [old, new]);
    assert_eq!(Some(found[0].at_us), parse_date("2025-01-01T00:00:00Z"));
    assert_eq!(found[0].place, None, "no WARC file lies beside");
    let at = found[1].at_us;
    assert!(
        indexes
            .holds(disk.as_ref(), &url, at + 999_999, new)
            .unwrap()
    );
    assert!(
        !indexes
            .holds(disk.as_ref(), &url, at + 1_000_000, new)
            .unwrap()
    );
    assert!(!indexes.holds(disk.as_ref(), &url, at, old).unwrap());
}

#[test]
fn a_cluster_and_a_folder_of_files_tell_the_same() {
    let lines = [line(
        "20250101000000",
        URL,
        "text/html",
        &digest("a").to_string(),
    )];
    let disk = disk_with("/indexes/a.cdxj", &lines);
    let mut cluster = ZipNum::create(Arc::clone(&disk), Path::new("/z")).unwrap();
    cluster.push(&lines[0]).unwrap();
    cluster.finish().unwrap();
    let url = CrawlUrl::parse(URL).unwrap();
    let found = |path| {
        opened(&disk, path)
            .unwrap()
            .captures(disk.as_ref(), &url)
            .unwrap()
    };
    assert_eq!(found("/indexes").len(), 1);
    assert_eq!(found("/z"), found("/indexes"));
    assert_eq!(found("/z/cluster.idx"), found("/indexes"));
}

/// Only a folder of this crawler has its WARC files beside, and each must have its index.
#[test]
fn a_crawls_folder_tells_where_records_are_and_must_be_indexed_whole() {
    let lines = [line(
        "20250101000000",
        URL,
        "text/html",
        &digest("a").to_string(),
    )];
    let disk = disk_with("/old/index/cdxj/x.warc.gz.cdxj", &lines);
    disk.replace(Path::new("/old/warc/x.warc.gz"), b"WARC")
        .unwrap();
    let url = CrawlUrl::parse(URL).unwrap();
    let found = opened(&disk, "/old")
        .unwrap()
        .captures(disk.as_ref(), &url)
        .unwrap();
    assert_eq!(
        found[0].place,
        Some((PathBuf::from("/old/warc/x.warc.gz"), 7))
    );
    disk.replace(Path::new("/old/warc/y.warc.gz"), b"WARC")
        .unwrap();
    let error = opened(&disk, "/old").map(|_| ()).unwrap_err();
    assert!(matches!(error, EarlierError::Unindexed { name, .. } if name == "y.warc.gz"));
}

#[test]
fn what_is_no_index_is_refused_by_name() {
    let sorted = [
        line("20250101000000", URL, "text/html", ""),
        line("20250102000000", URL, "text/html", ""),
    ];
    let unsorted = [
        sorted[1].clone(),
        sorted[0].replace("org,example)/a", "org,example)/A"),
    ];
    for (lines, word) in [
        (&unsorted[..], "sort"),
        (&["a 1 not json".to_owned()][..], "CDXJ"),
        (&[" CDX N b a m s k r M S V g".to_owned()][..], "CDXJ"),
    ] {
        let disk = disk_with("/old.cdxj", lines);
        let error = opened(&disk, "/old.cdxj")
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("/old.cdxj") && error.contains(word),
            "{error}"
        );
    }
    let disk = disk_with("/old.cdxj", &sorted);
    let error = opened(&disk, "/none").map(|_| ()).unwrap_err();
    assert!(matches!(error, EarlierError::NoIndex { .. }), "{error}");
}
