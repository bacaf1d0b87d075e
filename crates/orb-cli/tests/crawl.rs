//! Whole crawls of the synthetic web by the program itself: ended, stopped, killed, resumed, watched and audited.

#![allow(clippy::unwrap_used)] // in a test's own tools too, a panic is the report

mod orb;
#[path = "crawl/revisits.rs"]
mod revisits;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::Duration;

use orb::{Ran, Web, command, end, orb_in, signal};
use orb_api::{SieveFacts, Stage, ViewQuery};
use orb_serve::{Client, Request};
use serde_json::Value;

/// A web where nothing goes wrong, so that a crawl of it ends soon.
const CALM: [&str; 8] = [
    "--sites",
    "12",
    "--pages-per-site",
    "4",
    "--size",
    "tiny",
    "--faults",
    "none",
];

/// A web that takes a while at the pauses of these tests.
const LONG: [&str; 8] = [
    "--sites",
    "20",
    "--pages-per-site",
    "100",
    "--size",
    "tiny",
    "--faults",
    "none",
];

fn crawl(web: &Web, extra: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> = vec![
        "crawl".into(),
        "--scope".into(),
        "any".into(),
        "--json".into(),
    ];
    arguments.extend(web.reach());
    arguments.extend(extra.iter().map(|text| (*text).to_owned()));
    arguments
}

fn run(folder: &Path, arguments: &[String]) -> Ran {
    orb_in(
        folder,
        &arguments.iter().map(String::as_str).collect::<Vec<_>>(),
    )
}

fn spawn(folder: &Path, arguments: &[String]) -> Child {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    command(&arguments).current_dir(folder).spawn().unwrap()
}

/// How often is asked, 50 ms apart, for something that takes a second on an idle machine.
const LOOKS_MAX: u32 = 1_200;

/// Asks until the answer is good; a test must not wait for ever.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..LOOKS_MAX {
        if let Some(answer) = ask() {
            return answer;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not come about");
}

fn status(folder: &Path) -> Option<Value> {
    let ran = orb_in(folder, &["status", "--json"]);
    (ran.code == 0).then(|| ran.json())
}

fn pages_running(folder: &Path, pages: u64) -> Option<Value> {
    status(folder)
        .filter(|status| status["pid"].is_u64() && status["pages"].as_u64().unwrap() >= pages)
}

fn check_balanced(summary: &Value) {
    let states = &summary["states"];
    for field in ["pending", "in_flight", "done", "failed"] {
        assert!(states[field].is_u64(), "{summary}");
    }
    assert!(states["excluded"].is_object(), "{summary}");
}

fn check_audit(folder: &Path) {
    let audit = orb_in(folder, &["audit"]);
    assert_eq!(audit.code, 0, "{}\n{}", audit.out, audit.err);
}

#[test]
fn a_crawl_finishes_is_told_and_stands_the_audit() {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(folder.path(), &CALM);
    let ran = run(folder.path(), &crawl(&web, &["--seeds", "web/seeds.txt"]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let summary = ran.json();
    check_balanced(&summary);
    for field in [
        "pages",
        "bytes_wire",
        "bytes_archived",
        "seconds",
        "cpu_seconds",
        "pages_per_cpu_second",
        "rss_peak_bytes",
    ] {
        assert!(summary[field].as_f64().unwrap() > 0.0, "{field}: {summary}");
    }
    assert_eq!(summary["states"]["pending"], 0, "{summary}");
    for part in ["warc", "index", "state", "logs"] {
        let mode = fs::metadata(folder.path().join("orb-crawl").join(part))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700, "{part}");
    }
    assert!(
        fs::metadata(folder.path().join("orb-crawl/logs/orb.log"))
            .unwrap()
            .len()
            > 0
    );
    assert_eq!(status(folder.path()).unwrap()["phase"], "finished");
    check_audit(folder.path());
    let report = orb_in(folder.path(), &["audit", "--json"]).json();
    assert_eq!(report["verdicts"].as_array().unwrap().len(), 9);
}

#[test]
fn a_signal_ends_it_cleanly_and_the_same_command_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(folder.path(), &LONG);
    let child = spawn(folder.path(), &crawl(&web, &["--seeds", "web/seeds.txt"]));
    until("the crawl", || pages_running(folder.path(), 20));
    signal(child.id(), "TERM");
    let ran = end(child);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("stopping"), "{}", ran.err);
    let first = ran.json();
    let stopped = status(folder.path()).unwrap();
    assert_eq!(stopped["phase"], "stopped");
    assert_eq!(stopped["states"]["done"], first["states"]["done"]);
    check_audit(folder.path());
    let ran = run(folder.path(), &crawl(&web, &["--max-duration", "2s"]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("going on with the crawl"), "{}", ran.err);
    let second = ran.json();
    assert!(
        second["states"]["done"].as_u64() > first["states"]["done"].as_u64(),
        "{first}\n{second}"
    );
    check_audit(folder.path());
}

#[test]
fn a_killed_crawl_goes_on_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(folder.path(), &LONG);
    let child = spawn(folder.path(), &crawl(&web, &["--seeds", "web/seeds.txt"]));
    until("the crawl", || pages_running(folder.path(), 20));
    signal(child.id(), "KILL");
    assert_eq!(end(child).code, -1);
    // Its socket is left over; the status comes from disk.
    let stopped = status(folder.path()).unwrap();
    assert!(stopped["pid"].is_null(), "{stopped}");
    let done = stopped["states"]["done"].as_u64().unwrap();
    let ran = run(folder.path(), &crawl(&web, &["--max-duration", "2s"]));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.json()["states"]["done"].as_u64().unwrap() > done);
    check_audit(folder.path());
}

/// What the live view and `orb why` ask a running crawl for.
#[test]
fn a_running_crawl_shows_its_sites_and_tells_of_a_url() {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(folder.path(), &LONG);
    let child = spawn(folder.path(), &crawl(&web, &["--seeds", "web/seeds.txt"]));
    until("the crawl", || pages_running(folder.path(), 20));
    let socket = orb_api::CrawlDir::new(folder.path().join("orb-crawl")).socket();
    let mut client = Client::connect(&socket).unwrap();
    let query = ViewQuery {
        sites_max: 4,
        ..ViewQuery::default()
    };
    let view = until("a second of the crawl", || {
        let view = client.ask(&Request::View(query.clone())).unwrap().view?;
        (!view.stages.is_empty()).then_some(view)
    });
    assert_eq!(view.status.pid, Some(child.id()));
    assert_eq!(view.sites.len(), 4);
    assert!(view.sites[0].requests >= view.sites[3].requests && view.sites[0].pages > 0);
    assert!(view.status.bounds.in_flight_max > 0 && view.status.cpu_seconds > 0.0);
    let sum: f64 = view.stages.values().map(|stage| stage.cpu_seconds).sum();
    assert!(
        sum > 0.0 && view.stages[&Stage::Scan].times > 0,
        "{:?}",
        view.stages
    );

    let seeds = fs::read_to_string(folder.path().join("web/seeds.txt")).unwrap();
    let seed = seeds.lines().next().unwrap().to_owned();
    let facts = until("the seed's fate", || {
        let reply = client.ask(&Request::Url { url: seed.clone() }).unwrap();
        reply.url.filter(|facts| facts.fate.is_some())
    });
    assert_eq!(
        (facts.sieve, facts.scope.stopped_by),
        (SieveFacts::Seen, None)
    );
    assert!(facts.site.known && facts.site.delay_ms > 0 && facts.robots.is_some());
    let site = facts.site.site.clone();
    let reply = client.ask(&Request::Site { site: site.clone() }).unwrap();
    let told = reply.site.unwrap();
    assert!(told.site == site && !told.robots.is_empty(), "{told:?}");
    let reply = client
        .ask(&Request::Url {
            url: "no url".into(),
        })
        .unwrap();
    assert!(!reply.ok && reply.error.is_some());
    signal(child.id(), "TERM");
    let summary = end(child).json();
    let stages = summary["stages"].as_object().unwrap();
    let sum: f64 = stages
        .values()
        .map(|stage| stage["cpu_seconds"].as_f64().unwrap())
        .sum();
    let cpu = summary["cpu_seconds"].as_f64().unwrap();
    assert!((sum - cpu).abs() < cpu / 20.0, "{summary}");
    assert!(summary["requests"].as_u64() > summary["pages"].as_u64());
}

#[test]
fn a_running_crawl_is_asked_paused_resumed_and_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(folder.path(), &LONG);
    let child = spawn(
        folder.path(),
        &crawl(
            &web,
            &["--seeds", "web/seeds.txt", "--listen", "127.0.0.1:0"],
        ),
    );
    let running = until("the crawl", || pages_running(folder.path(), 5));
    assert_eq!(running["pid"], child.id());
    let mode = fs::metadata(folder.path().join("orb-crawl/state/control.sock"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let second = run(folder.path(), &crawl(&web, &[]));
    assert_eq!(second.code, 2);
    assert!(
        second
            .err
            .contains(&format!("in use by process {}", child.id())),
        "{}",
        second.err
    );
    assert_eq!(orb_in(folder.path(), &["audit"]).code, 2);

    let watcher = command(&["status", "--watch", "--json"])
        .current_dir(folder.path())
        .spawn()
        .unwrap();

    assert_eq!(orb_in(folder.path(), &["pause"]).code, 0);
    let quiet = |folder: &Path| {
        let status = status(folder)?;
        let idle = status["phase"] == "paused" && status["states"]["in_flight"] == 0;
        idle.then(|| status["requests"].as_u64().unwrap())
    };
    let requests = until("rest", || quiet(folder.path()));
    thread::sleep(Duration::from_millis(500));
    assert_eq!(
        until("rest", || quiet(folder.path())),
        requests,
        "a paused crawl begins nothing"
    );
    assert_eq!(orb_in(folder.path(), &["resume"]).code, 0);
    until("going on", || {
        status(folder.path()).filter(|now| now["requests"].as_u64() > Some(requests))
    });

    assert_eq!(orb_in(folder.path(), &["stop", "--wait"]).code, 0);
    let ran = end(child);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(
        ran.err.contains("orb: status at http://127.0.0.1:"),
        "{}",
        ran.err
    );
    assert!(!folder.path().join("orb-crawl/state/control.sock").exists());
    assert_eq!(orb_in(folder.path(), &["stop"]).code, 2);

    // A watcher without a terminal told of it line by line, and closes with what the folder holds.
    let watched = end(watcher);
    assert_eq!(watched.code, 0, "{}", watched.err);
    let lines: Vec<Value> = watched
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() >= 2, "{}", watched.out);
    assert_eq!(lines[0]["pid"], running["pid"]);
    assert_eq!(lines.last().unwrap()["phase"], "stopped");
}

#[test]
fn limits_end_a_run_and_bad_seeds_among_good_ones_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let web = Web::start(folder.path(), &LONG);
    let list = fs::read_to_string(folder.path().join("web/seeds.txt")).unwrap();
    fs::write(
        folder.path().join("mixed.txt"),
        format!("ftp://bad.example/\n{list}"),
    )
    .unwrap();
    let ran = run(
        folder.path(),
        &crawl(
            &web,
            &[
                "--seeds",
                "mixed.txt",
                "--max-pages",
                "30",
                "--threads",
                "1",
            ],
        ),
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("mixed.txt:1: "), "{}", ran.err);
    let pages = ran.json()["pages"].as_u64().unwrap();
    assert!((30..=60).contains(&pages), "{pages}");
    // The limit is the folder's: reached already, it ends the next run at once.
    let ran = run(folder.path(), &crawl(&web, &["--max-pages", "30"]));
    assert_eq!(
        (ran.code, ran.json()["pages"].as_u64()),
        (0, Some(0)),
        "{}",
        ran.err
    );
}

#[test]
fn a_folder_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("orb-crawl/state");
    fs::create_dir_all(&state).unwrap();
    fs::write(
        state.join("crawl.json"),
        "{\"format\":99,\"anything\":true}",
    )
    .unwrap();
    for line in ["crawl --allow-net 127.0.0.0/8", "status"] {
        let ran = orb_in(folder.path(), &line.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.code, 2, "{line}: {}", ran.err);
        assert!(ran.err.contains("format version 99"), "{line}: {}", ran.err);
    }
}

/// Nobody answers: the crawl comes to an end all the same, and says where to look.
#[test]
fn without_a_network_a_crawl_ends_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let line = "crawl http://127.0.0.1:88/ --allow-net 127.0.0.0/8 --json --set limits.attempts_max=1 \
                --set politeness.site_delay=1ms --set politeness.address_delay=1ms --set politeness.backoff_first=1ms \
                --set limits.retry_first=1ms";
    let ran = orb_in(folder.path(), &line.split_whitespace().collect::<Vec<_>>());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.json()["pages"], 0);
    assert!(ran.err.contains("nothing was fetched"), "{}", ran.err);
}
