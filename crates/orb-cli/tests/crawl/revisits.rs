//! Pages crawled again into another folder: what an earlier archive holds is referred to, what changed is stored.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{CALM, Web, crawl, orb_in, run};

/// The lines of a crawl's CDXJ files, sorted.
fn lines(crawl: &Path) -> Vec<String> {
    let folder = fs::read_dir(crawl.join("index/cdxj")).unwrap();
    let texts = folder.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let lines: BTreeSet<String> = texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    lines.into_iter().collect()
}

fn again(folder: &Path, web: &Web, out: &str, earlier: &str) {
    let seeds = ["--seeds", "web/seeds.txt", "--out", out];
    let extra = [&seeds[..], &["--revisits-of", earlier]].concat();
    let ran = run(folder, &crawl(web, &extra));
    assert_eq!(ran.code, 0, "{}", ran.err);
}

fn audit_code(folder: &Path, of: &str) -> (i32, String) {
    let ran = orb_in(folder, &["audit", of]);
    (ran.code, ran.out)
}

/// Payloads shorter than a revisit record are stored each time.
fn is_long(line: &str) -> bool {
    !line.contains("robots.txt") && !line.contains("/sitemap")
}

/// The folder of a crawl: records are read, so that ids are known.
fn of_a_folder(folder: &Path, web: &Web, one: &[String]) -> Vec<String> {
    again(folder, web, "two", "one");
    let two = lines(&folder.join("two"));
    assert_eq!(
        one.len(),
        two.len(),
        "the links of unchanged pages were found"
    );
    let stored = two
        .iter()
        .filter(|line| is_long(line) && !line.contains("warc/revisit"));
    let pages = one
        .iter()
        .filter(|line| is_long(line) && line.contains("\"200\""))
        .count();
    assert_eq!(stored.filter(|line| line.contains("\"200\"")).count(), 0);
    assert!(pages > 10, "{pages}");
    check_audit_of(folder, "two");
    let url = web_url(one);
    let both = orb_in(folder, &["history", &url, "one", "two"]).out;
    let kinds: Vec<bool> = both
        .lines()
        .map(|line| line.contains("revisit: as of"))
        .collect();
    assert_eq!(kinds, [false, true], "{both}");
    let to = "page.html";
    let got = orb_in(
        folder,
        &[
            "archive", "extract", "--url", &url, "--to", to, "two", "one",
        ],
    );
    assert_eq!(got.code, 0, "{}", got.err);
    two
}

/// An index of any tool, in which every other payload was another.
fn of_an_index(folder: &Path, web: &Web, one: &[String], two: &[String]) -> Vec<String> {
    let other = |number: usize, line: &String| match (number % 2, line.find("sha1:")) {
        (0, Some(at)) => format!("{}{}{}", &line[..at + 5], "A".repeat(32), &line[at + 37..]),
        _ => line.clone(),
    };
    let spoilt: Vec<String> = one
        .iter()
        .enumerate()
        .map(|(at, line)| other(at, line))
        .collect();
    fs::write(folder.join("old.cdxj"), spoilt.join("\n") + "\n").unwrap();
    again(folder, web, "three", "old.cdxj");
    let revisits = |lines: &[String]| -> BTreeSet<String> {
        let revisits = lines.iter().filter(|line| line.contains("warc/revisit"));
        revisits.map(|line| url_of(line)).collect()
    };
    let (two, three) = (revisits(two), revisits(&lines(&folder.join("three"))));
    let held = |line: &&String| !line.contains("warc/revisit") && two.contains(&url_of(line));
    let (mut kept, mut changed) = (0, 0);
    for (at, line) in one.iter().enumerate().filter(|(_, line)| held(line)) {
        let again = three.contains(&url_of(line));
        kept += u64::from(at % 2 == 1);
        changed += u64::from(at % 2 == 0 && !again);
        assert!(at % 2 == 0 || again, "its payload is as it was: {line}");
    }
    assert!(
        kept > 5 && changed > 5,
        "{kept} kept, {changed} stored anew"
    );
    check_audit_of(folder, "three");
    let got = orb_in(
        folder,
        &["archive", "cat", "three", "--type", "revisit", "--head"],
    );
    assert!(
        got.out.contains("WARC-Refers-To-Date: "),
        "{}{}",
        got.out,
        got.err
    );
    assert!(
        !got.out.contains("WARC-Refers-To: "),
        "an index tells no id"
    );
    spoilt
}

/// What the audit reads is the index: one that tells of other payloads, or is gone, is told.
fn of_none(folder: &Path, web: &Web, spoilt: &str) {
    fs::write(folder.join("old.cdxj"), spoilt.to_owned() + "\n").unwrap();
    let (code, told) = audit_code(folder, "three");
    assert!(code == 1 && told.contains("dangling"), "{told}");
    fs::remove_file(folder.join("old.cdxj")).unwrap();
    let (_, told) = audit_code(folder, "three");
    assert!(told.contains("old.cdxj holds no index"), "{told}");
    let seeds = [
        "--seeds",
        "web/seeds.txt",
        "--out",
        "four",
        "--revisits-of",
        "old.cdxj",
    ];
    let ran = run(folder, &crawl(web, &seeds));
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("archive.revisits_of"), "{}", ran.err);
}

#[test]
fn what_an_earlier_archive_holds_is_referred_to_and_what_changed_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let web = Web::start(folder, &CALM);
    let seeds = ["--seeds", "web/seeds.txt", "--out", "one"];
    assert_eq!(run(folder, &crawl(&web, &seeds)).code, 0);
    let one = lines(&folder.join("one"));
    let two = of_a_folder(folder, &web, &one);
    let spoilt = of_an_index(folder, &web, &one, &two);
    of_none(folder, &web, &spoilt[0]);
}

fn web_url(lines: &[String]) -> String {
    let page = |line: &&String| is_long(line) && line.contains("\"200\"");
    url_of(lines.iter().find(page).unwrap())
}

fn url_of(line: &str) -> String {
    let at = line.find("\"url\":\"").unwrap() + 7;
    line[at..].split('"').next().unwrap().to_owned()
}

fn check_audit_of(folder: &Path, of: &str) {
    let (code, told) = audit_code(folder, of);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("revisits of earlier archives"), "{told}");
}
