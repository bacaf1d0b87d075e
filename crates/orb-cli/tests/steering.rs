//! A crawl steered by the program's commands while it runs, killed, steered while it is stopped, and gone on with.

#![allow(clippy::unwrap_used)] // in a test's own tools too, a panic is the report

mod orb;

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use orb::{Ran, Web, command, end, signal};
use serde_json::Value;

/// Runs to the end in a folder, whose list of opt-outs is its own.
fn orb_in(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = command(arguments);
    command.current_dir(folder);
    command.env("XDG_CONFIG_HOME", folder.join("config"));
    end(command.spawn().unwrap())
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let ran = orb_in(folder, arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
    ran.json()
}

fn status(folder: &Path) -> Option<Value> {
    let ran = orb_in(folder, &["status", "--json"]);
    (ran.code == 0).then(|| ran.json())
}

fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1_200 {
        if let Some(answer) = ask() {
            return answer;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not come about");
}

fn host(seeds: &str, line: usize) -> String {
    let url = seeds.lines().nth(line).unwrap();
    let rest = url.split_once("://").unwrap().1;
    rest.split([':', '/']).next().unwrap().to_owned()
}

/// Pace, budget and place in line of one site, of a stopped crawl.
fn give_a_sites_orders(folder: &Path, site: &str) {
    for order in [
        &["rate", "set", site, "1ms"][..],
        &["budget", "set", site, "pages=30", "--why", "enough"],
        &["priority", "set", site, "low"],
    ] {
        assert_eq!(orb_in(folder, order).code, 0, "{order:?}");
    }
    let site = orb_in(folder, &["inspect", "site", site]).out;
    assert!(site.contains("30 pages at most; 20 steps behind"), "{site}");
}

#[test]
fn orders_reach_a_running_crawl_outlive_a_kill_and_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let pages = ["--sites", "12", "--pages-per-site", "40", "--size", "tiny"];
    let web = Web::start(folder, &[&pages[..], &["--faults", "none"]].concat());
    let seeds = fs::read_to_string(folder.join("web/seeds.txt")).unwrap();
    let (first, second, third) = (host(&seeds, 0), host(&seeds, 1), host(&seeds, 2));
    let mut arguments = vec!["crawl".to_owned(), "--json".to_owned()];
    arguments.extend(web.reach());
    let begin = |seeds: &[&str]| {
        let mut all: Vec<&str> = arguments.iter().map(String::as_str).collect();
        all.extend(["--set", "politeness.site_delay=200ms"]);
        all.extend(seeds);
        let mut command = command(&all);
        command.current_dir(folder);
        command.env("XDG_CONFIG_HOME", folder.join("config"));
        command.spawn().unwrap()
    };
    let child = begin(&["--seeds", "web/seeds.txt"]);
    until("pages", || {
        status(folder).filter(|now| now["pages"].as_u64() >= Some(24))
    });

    // From here on nothing changes but by orders, however slow this machine is.
    assert_eq!(orb_in(folder, &["pause", "--why", "lunch"]).code, 0);

    let foreseen = json(folder, &["exclude", "add", &first, "--dry-run", "--json"]);
    assert_eq!(
        foreseen["effect"]["urls_min"],
        foreseen["effect"]["urls_max"]
    );
    let why = ["--why", "its owner\u{1b}[2J asked", "--json"];
    let given = json(folder, &[&["exclude", "add", &first], &why[..]].concat());
    let number = given["order"].as_u64().unwrap();
    assert!(given["effect"]["urls_max"].as_u64() > Some(0), "{given}");
    let gone = orb_in(folder, &["why", &format!("http://{first}/zzz")]);
    assert!(
        gone.out.contains(&format!("order {number} by")),
        "{}",
        gone.out
    );
    assert!(!gone.out.contains('\u{1b}'), "{}", gone.out);

    // The machine's list, given without a folder, is followed by the crawl that runs.
    opt_out_by_the_list(folder, &second);
    let taken_up = || {
        let told = orb_in(folder, &["exclude", "list"]).out;
        told.contains(&format!("opt-out {second}")).then_some(())
    };
    until("the opt-out", taken_up);
    signal(child.id(), "KILL");
    end(child);

    let undo = number.to_string();
    assert_eq!(
        orb_in(folder, &["exclude", "undo", &undo]).code,
        0,
        "of a stopped crawl"
    );
    assert_eq!(orb_in(folder, &["exclude", "undo", &undo]).code, 2);
    give_a_sites_orders(folder, &third);
    let child = begin(&[]);
    let paused = until("a pause", || {
        // Who asks a crawl that is only starting would take its folder's lock.
        UnixStream::connect(folder.join("orb-crawl/state/control.sock")).ok()?;
        status(folder).filter(|now| now["phase"] == "paused")
    });
    assert_eq!(paused["requests"], 0, "it was paused, and stays so");
    assert_eq!(orb_in(folder, &["resume"]).code, 0);
    let ran = end(child);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("orb resume"), "{}", ran.err);
    let states = &ran.json()["states"];
    assert_eq!(states["pending"], 0);
    assert_eq!(states["excluded"]["rule"], Value::Null, "{states}");
    assert!(states["excluded"]["opt_out"].as_u64() > Some(0), "{states}");
    judge_trail(folder);
}

fn opt_out_by_the_list(folder: &Path, domain: &str) {
    let slip = ["opt-out", domain, "--out", "elsewhere"];
    assert_eq!(orb_in(folder, &slip).code, 2, "there is no such crawl");
    let list = folder.join("config/orb/opt-outs.jsonl");
    let given = ["opt-out", domain, "--list", list.to_str().unwrap()];
    // Where no crawl is.
    let ran = orb_in(
        &folder.join("web"),
        &[&given[..], &["--why", "mail"]].concat(),
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("opt-outs.jsonl"), "{}", ran.err);
}

fn judge_trail(folder: &Path) {
    assert_eq!(orb_in(folder, &["audit"]).code, 0);
    let trail = orb_in(folder, &["orders"]).out;
    for part in [
        "exclude", "opt-out", "pause", "undo", "rate", "budget", "priority", "resume", ": lunch",
    ] {
        assert!(trail.contains(part), "{part}: {trail}");
    }
}
