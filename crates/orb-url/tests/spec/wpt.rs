//! The web platform tests' URL vectors, run whole, with our canonical rules on top.
//!
//! Vectors that we fail are listed in `tests/wpt_known_failures.txt`. The list must match
//! exactly: a new failure fails the test, and so does a line that no longer fails.

use std::collections::BTreeSet;

use orb_url::{BaseUrl, CrawlUrl};
use serde_json::Value;

const KNOWN_FAILURES: &str = include_str!("../wpt_known_failures.txt");

/// What we say of `input`: the canonical text, or the code of the refusal.
fn ours(input: &str, base: Option<&str>) -> Result<String, &'static str> {
    let parsed = match base {
        None => CrawlUrl::parse(input),
        Some(base) => {
            let page = CrawlUrl::parse("http://page.example/").expect("valid");
            match BaseUrl::new(&page).rebased(base) {
                Some(base) => base.join(input),
                // No base of ours; their relative inputs have none either.
                None => CrawlUrl::parse(input),
            }
        }
    };
    parsed
        .map(|url| url.to_string())
        .map_err(|error| error.code())
}

/// What the vector says, put through our rules; written apart from the crate's code. Any
/// refusal will do where the vector says "failure" or another scheme.
fn expected(vector: &Value) -> Result<String, Option<&'static str>> {
    if vector["failure"] == Value::Bool(true) {
        return Err(None);
    }
    let field = |name: &str| vector[name].as_str().expect("a vector has its parts");
    let scheme = field("protocol");
    if !matches!(scheme, "http:" | "https:") {
        return Err(None);
    }
    let host = host_by_our_rules(field("hostname")).map_err(Some)?;
    let port = match field("port") {
        "" => String::new(),
        "0" => return Err(Some("bad_port")),
        port => format!(":{port}"),
    };
    let query = field("search");
    let query = if query == "?" { "" } else { query };
    let path = upper_hex(field("pathname"));
    Ok(format!("{scheme}//{host}{port}{path}{}", upper_hex(query)))
}

fn host_by_our_rules(host: &str) -> Result<&str, &'static str> {
    if host.starts_with('[') {
        return Ok(host);
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_carried = name.len() <= 253 && name.split('.').all(|l| (1..=63).contains(&l.len()));
    if is_carried {
        Ok(name)
    } else {
        Err("bad_host")
    }
}

fn upper_hex(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_hex = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let is_triplet = |at: usize| bytes[at] == b'%' && is_hex(at + 1) && is_hex(at + 2);
    let mut out = text.to_owned();
    for at in (0..bytes.len()).filter(|&at| is_triplet(at)) {
        out[at..at + 3].make_ascii_uppercase();
    }
    out
}

fn agrees(ours: &Result<String, &str>, expected: &Result<String, Option<&str>>) -> bool {
    match (ours, expected) {
        (Ok(ours), Ok(expected)) => ours == expected,
        (Err(ours), Err(Some(expected))) => ours == expected,
        (Err(_), Err(None)) => true,
        _ => false,
    }
}

/// Runs the vectors of one file and compares the failures with the known ones under `name`.
fn run(name: &str, count: usize, case: impl Fn(&Value) -> Result<(), String>) {
    let Some(text) = crate::corpora::read(&format!("wpt-url/{name}.json")) else {
        return;
    };
    let all: Vec<Value> = serde_json::from_str(&text).expect("the vectors are JSON");
    let vectors: Vec<_> = all.iter().filter(|vector| vector.is_object()).collect();
    assert_eq!(vectors.len(), count);
    println!("corpora: {count} cases");
    let mut failures = BTreeSet::new();
    for vector in vectors {
        if let Err(why) = case(vector) {
            let line = format!("{name} {} {}", vector["input"], vector["base"]);
            println!("{line}: {why}");
            failures.insert(line);
        }
    }
    let known: BTreeSet<String> = KNOWN_FAILURES
        .lines()
        .filter(|line| line.split(' ').next() == Some(name))
        .map(str::to_owned)
        .collect();
    let new: Vec<_> = failures.difference(&known).collect();
    let mended: Vec<_> = known.difference(&failures).collect();
    assert!(new.is_empty(), "new failures: {new:#?}");
    assert!(mended.is_empty(), "take these out of the list: {mended:#?}");
}

#[test]
fn urltestdata_agrees() {
    run("urltestdata", 891, |vector| {
        let input = vector["input"].as_str().expect("an input");
        let ours = ours(input, vector["base"].as_str());
        let expected = expected(vector);
        if agrees(&ours, &expected) {
            return Ok(());
        }
        Err(format!("{ours:?}, expected {expected:?}"))
    });
}

#[test]
fn toascii_agrees() {
    run("toascii", 87, |vector| {
        let input = vector["input"].as_str().expect("an input");
        let ours = ours(&format!("https://{input}/x"), None);
        let expected = match vector["output"].as_str() {
            None => Err(None),
            Some(host) => host_by_our_rules(host)
                .map(|host| format!("https://{host}/x"))
                .map_err(Some),
        };
        if agrees(&ours, &expected) {
            return Ok(());
        }
        Err(format!("{ours:?}, expected {expected:?}"))
    });
}

/// The list of known failures names vectors, and in comments the reasons.
#[test]
fn known_failures_are_lines_of_the_two_files() {
    let lines = KNOWN_FAILURES.lines();
    for line in lines.filter(|line| !line.starts_with('#')) {
        let file = line.split(' ').next();
        assert!(matches!(file, Some("urltestdata" | "toascii")), "{line:?}");
    }
}
