//! `orb doctor` and `orb plan` as a person runs them: on a synthetic web, before and after a crawl of it.

#![allow(clippy::unwrap_used)] // in a test's own tools too, a panic is the report

mod orb;

use std::path::Path;

use orb::{Web, command, end, orb_in};
use serde_json::Value;

/// The finding of a topic.
fn finding<'a>(examined: &'a Value, topic: &str) -> &'a Value {
    let findings = examined["findings"].as_array().unwrap();
    findings
        .iter()
        .find(|one| one["topic"] == topic)
        .unwrap_or_else(|| panic!("nothing about {topic}: {examined}"))
}

#[test]
fn doctor_finds_a_way_for_a_web_of_ones_own_and_none_without_a_contact() {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(
        folder.path(),
        &["--sites", "3", "--size", "tiny", "--faults", "none"],
    );
    let dns = web.served["dns"].as_str().unwrap();
    let own = [
        "doctor",
        "--json",
        "--out",
        "crawl",
        "--dns",
        dns,
        "--dns-name",
        "s000001.sim",
    ];
    let ran = orb_in(
        folder.path(),
        &[&own[..], &["--allow-net", "127.0.0.0/8"]].concat(),
    );
    let examined = ran.json();
    assert_eq!(
        finding(&examined, "identity")["level"],
        "note",
        "{examined}"
    );
    assert_eq!(finding(&examined, "dns")["level"], "ok", "{examined}");
    assert_eq!(finding(&examined, "folder")["level"], "ok", "{examined}");
    // Whether this machine has problems of its own is not for a test to say; the code must agree with what was found.
    assert_eq!(
        ran.code,
        i32::from(examined["level"] == "problem"),
        "{examined}"
    );
    assert!(
        !folder.path().join("crawl").exists(),
        "looking makes nothing"
    );

    let ran = orb_in(folder.path(), &own);
    let examined = ran.json();
    let identity = finding(&examined, "identity");
    assert_eq!((ran.code, &identity["level"]), (1, &Value::from("problem")));
    assert!(identity["mend"].as_str().unwrap().contains("--contact"));

    let ran = orb_in(
        folder.path(),
        &["doctor", "--dns", dns, "--dns-name", "s000001.sim"],
    );
    assert!(
        ran.out.contains("why:") && ran.out.contains("mend: --contact"),
        "{}",
        ran.out
    );
}

/// Runs with a cache folder of its own.
fn orb_cached(folder: &Path, arguments: &[&str]) -> orb::Ran {
    let mut command = command(arguments);
    command.current_dir(folder);
    command.env("XDG_CACHE_HOME", folder.join("cache"));
    end(command.spawn().unwrap())
}

#[test]
fn a_plan_is_made_before_a_crawl_and_held_against_it_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let plan = |more: &[&str]| {
        let ran = orb_cached(folder.path(), &[&["plan", "--json"], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        (ran.json(), ran.err)
    };
    let (planned, notes) = plan(&[
        "--sites",
        "100",
        "--pages-per-site",
        "10",
        "--pages-spread",
        "0",
    ]);
    assert!(notes.contains("measuring"), "{notes}");
    let forecast = &planned["forecast"];
    assert_eq!(forecast["binds"], "politeness");
    // Ten pages, two robots.txt and every tenth request more, each 1.3 s or 1.5 s (five times 300 ms) after the other.
    let seconds = forecast["seconds"].as_f64().unwrap();
    assert!((20.0..28.0).contains(&seconds), "{seconds}");
    assert!(forecast["needs"]["cpu_seconds"].as_f64().unwrap() > 0.0);

    let (_, notes) = plan(&["a.example", "b.example"]);
    assert!(
        !notes.contains("measuring"),
        "costs are remembered: {notes}"
    );

    let web = Web::start(
        folder.path(),
        &["--sites", "5", "--pages-per-site", "4", "--size", "tiny"],
    );
    let reach = web.reach();
    let reach: Vec<&str> = reach.iter().map(String::as_str).collect();
    let crawl = [
        "crawl",
        "--seeds",
        "web/seeds.txt",
        "--out",
        "crawl",
        "--quiet",
        "--max-duration",
        "10s",
    ];
    orb_in(folder.path(), &[&crawl[..], &reach[..]].concat());
    let (compared, _) = plan(&["crawl"]);
    let pages = compared["fact"]["pages"].as_u64().unwrap();
    assert!(pages > 5, "{compared}");
    assert!(compared["plan"]["pages"].as_f64().unwrap() + 0.5 > pages as f64);

    let refused = orb_cached(folder.path(), &["plan", "web"]);
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("folder without a crawl"),
        "{}",
        refused.err
    );
}
