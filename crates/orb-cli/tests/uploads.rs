//! Crawls whose archive goes to a store while they run, by the program itself. What goes wrong with a store is tried in
//! `orb-objects`, and over a real protocol by `cargo xtask long uploads`; here the store is a folder.

#![allow(clippy::unwrap_used)] // in a test's own tools too, a panic is the report

mod orb;

use std::fs;
use std::path::Path;

use orb::{Ran, Web, orb_in};
use serde_json::Value;

const WEB: [&str; 8] = [
    "--sites",
    "12",
    "--pages-per-site",
    "12",
    "--size",
    "small",
    "--faults",
    "none",
];

fn crawl(web: &Web, folder: &Path, extra: &[&str]) -> Ran {
    let store = format!("archive.store=file://{}/store", folder.display());
    let mut arguments: Vec<String> = ["crawl", "--scope", "any", "--json", "--set", &store]
        .map(str::to_owned)
        .to_vec();
    arguments.extend(["--set".into(), "archive.segment_bytes_max=64KiB".into()]);
    arguments.extend(web.reach());
    arguments.extend(extra.iter().map(|text| (*text).to_owned()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    orb_in(folder, &arguments)
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn arrived(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("orb-crawl/state/uploads.jsonl")).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str(line).unwrap());
    rows.filter(|row: &Value| row["event"] == "arrived")
        .collect()
}

/// Every WARC file and its index is in the store, proven, and no WARC file is left here; what the folder no longer holds
/// is told, not called damaged; and it comes back.
#[test]
fn an_archive_goes_to_the_store_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(folder.path(), &WEB);
    let begun = ["--seeds", "web/seeds.txt", "--max-pages", "60"];
    let ran = crawl(&web, folder.path(), &begun);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let store = folder.path().join("store");
    let first = files(&store.join("warc"));
    assert!(first.len() > 4, "{first:?}");
    assert_eq!(files(&folder.path().join("orb-crawl/warc")), [""; 0]);
    // The files that were open at that end are in the store: the crawl goes on in new ones.
    let ran = crawl(&web, folder.path(), &[]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let all = files(&store.join("warc"));
    assert!(all.len() > first.len() && first.iter().all(|name| all.contains(name)));
    assert_eq!(files(&store.join("index/cdxj")).len(), all.len());
    let rows = arrived(folder.path());
    let objects = rows
        .iter()
        .filter_map(|row| row["object"].as_str()?.strip_prefix("warc/"));
    let mut objects: Vec<&str> = objects.collect();
    objects.sort_unstable();
    assert_eq!(objects, all, "each arrived once");
    let sound = orb_in(folder.path(), &["archive", "verify", "store"]);
    assert_eq!(sound.code, 0, "{}", sound.out);

    let away = orb_in(folder.path(), &["archive", "verify", "orb-crawl"]);
    assert_eq!(away.code, 2, "{}", away.out);
    assert!(away.err.contains("orb archive fetch"), "{}", away.err);
    let one = format!("orb-crawl/warc/{}", all[0]);
    let one = orb_in(folder.path(), &["archive", "cat", &one]);
    assert!(
        one.code == 2 && one.err.contains(" lies in "),
        "{}",
        one.err
    );
    let audit = orb_in(folder.path(), &["audit", "orb-crawl"]);
    assert!(
        audit.code == 2 && audit.err.contains("lie in file:///"),
        "{}",
        audit.err
    );
    let back = orb_in(folder.path(), &["archive", "fetch", "orb-crawl"]);
    assert_eq!(back.code, 0, "{}", back.err);
    assert_eq!(files(&folder.path().join("orb-crawl/warc")), all);
    let audit = orb_in(folder.path(), &["audit", "orb-crawl"]);
    assert_eq!(audit.code, 0, "{}\n{}", audit.out, audit.err);
    // They are known to be in the store, and go without being sent.
    let again = orb_in(folder.path(), &["archive", "upload", "orb-crawl", "--json"]);
    assert_eq!(again.json()["files"], 0, "{}", again.out);
    assert_eq!(files(&folder.path().join("orb-crawl/warc")), [""; 0]);
}

/// A crawl that was never told of a store is brought to one when it has stopped; its files stay if they should.
#[test]
fn a_stopped_crawl_is_uploaded_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(folder.path(), &WEB);
    let plain = [
        "--seeds",
        "web/seeds.txt",
        "--max-pages",
        "30",
        "--set",
        "archive.store=",
    ];
    let ran = crawl(&web, folder.path(), &plain);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let here = files(&folder.path().join("orb-crawl/warc"));
    let none = orb_in(folder.path(), &["archive", "upload"]);
    assert!(none.code == 2 && none.err.contains("--to"), "{}", none.err);
    let to = format!("file://{}/store", folder.path().display());
    let upload = |extra: &[&str]| {
        let arguments = [&["archive", "upload", "--to", &to], extra].concat();
        orb_in(folder.path(), &arguments)
    };
    let list = upload(&["--list"]);
    assert!(list.out.contains(&here[0]), "{}", list.out);
    assert!(!folder.path().join("store").exists());
    let kept = upload(&["--keep-local", "--json"]);
    assert_eq!(kept.json()["files"], here.len(), "{}", kept.err);
    assert_eq!(files(&folder.path().join("orb-crawl/warc")), here);
    for name in &here {
        let copy = fs::read(folder.path().join("store/warc").join(name)).unwrap();
        assert_eq!(
            copy,
            fs::read(folder.path().join("orb-crawl/warc").join(name)).unwrap()
        );
    }
    assert_eq!(upload(&["--json"]).json()["sent_bytes"], 0);
    assert_eq!(files(&folder.path().join("orb-crawl/warc")), [""; 0]);
}
