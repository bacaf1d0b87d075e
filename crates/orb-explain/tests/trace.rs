//! Traces out of attempt rows: which are found, in which order, and what their parts are.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking"
)]

use orb_api::{
    AttemptKind, AttemptRow, AttemptTimings, CommitRow, CrawlDir, Outcome, Phase, Reason,
};
use orb_env::{BootId, Disk, MemoryDisk, Mono, Stamp, Wall};
use orb_explain::{Crawl, Times, Trace, TraceQuery, log_lines, log_words, traces};

fn row(number: u64, site: &str, took_us: u64, outcome: Outcome) -> AttemptRow {
    let start = Stamp {
        boot: BootId([1; 16]),
        mono: Mono(number * 1_000_000),
        wall: Wall(number as i64 * 1_000_000),
    };
    AttemptRow {
        v: 1,
        id: format!("{number:02x}").repeat(16),
        kind: AttemptKind::Page,
        url: format!("https://{site}/{number}\u{202e}"),
        site: site.into(),
        address: "192.0.2.1".into(),
        group: None,
        end: Mono(start.mono.0 + took_us),
        end_wall: Wall(start.wall.0 + took_us as i64),
        start,
        site_delay_us: 1_000_000,
        address_delay_us: 500_000,
        origin: None,
        robots: None,
        status: Some(503),
        outcome,
        reason: Reason::ServerError,
        error: None,
        retry_after_us: None,
        digest: None,
        archive: None,
        text: None,
        timings: Some(AttemptTimings {
            queue_us: 5_000,
            dns_us: Some(4_000),
            connect_us: Some(10_000),
            tls_us: None,
            first_byte_us: Some(took_us - 20_000),
            body_us: Some(10_000),
            buffer_wait_us: 0,
            robots_us: Some(800),
            ours_us: 2_000,
            decode_us: Some(300),
            scan_us: Some(500),
            archive_us: Some(900),
        }),
        commit: number,
    }
}

fn found(query: &TraceQuery) -> Vec<Trace> {
    let (disk, dir) = (MemoryDisk::new(), CrawlDir::new("/c"));
    for slot in 0..2u64 {
        let mut rows = String::new();
        let mut commits = String::new();
        for number in (slot..40).step_by(2) {
            let site = if number % 4 == 0 {
                "a.example"
            } else {
                "b.example"
            };
            let outcome = if number % 5 == 0 {
                Outcome::Retry
            } else {
                Outcome::Captured
            };
            let row = row(number, site, 50_000 + (number * 7 % 40) * 1_000, outcome);
            let commit = CommitRow {
                v: 1,
                group: number,
                attempts: 1,
                at: Wall(row.end_wall.0 + 100_000),
            };
            rows += &(serde_json::to_string(&row).unwrap() + "\n");
            commits += &(serde_json::to_string(&commit).unwrap() + "\n");
        }
        rows += "{\"v\":1,\"id\":\"torn";
        disk.replace(&dir.attempts_of(slot as u8), rows.as_bytes())
            .unwrap();
        disk.replace(&dir.commits_of(slot as u8), commits.as_bytes())
            .unwrap();
    }
    let crawl = Crawl {
        disk: &disk,
        dir: &dir,
        phase: Phase::Stopped,
        politeness: None,
        attempts_max: None,
    };
    traces(&crawl, query, &mut |_| {}).unwrap()
}

fn millis(trace: &Trace) -> u64 {
    trace.row.end.since(trace.row.start.mono).as_millis() as u64
}

#[test]
fn the_slowest_or_the_newest_come_first_and_no_more_than_asked_for() {
    let query = TraceQuery {
        max: 3,
        ..TraceQuery::default()
    };
    let newest: Vec<u64> = found(&query).iter().map(|trace| trace.row.commit).collect();
    assert_eq!(newest, [39, 38, 37]);
    let slow = TraceQuery {
        slow: true,
        ..query
    };
    let slowest: Vec<u64> = found(&slow).iter().map(millis).collect();
    assert_eq!(slowest, [89, 88, 87]);
}

#[test]
fn traces_are_found_by_site_and_by_how_they_ended() {
    let query = TraceQuery {
        site: Some("a.example".into()),
        failed: true,
        max: 100,
        ..TraceQuery::default()
    };
    let numbers: Vec<u64> = found(&query).iter().map(|trace| trace.row.commit).collect();
    assert_eq!(numbers, [20, 0]);
}

#[test]
fn a_waterfall_has_every_part_and_steers_no_terminal() {
    let query = TraceQuery {
        id: Some("0707".into()),
        max: 1,
        ..TraceQuery::default()
    };
    let [trace] = &found(&query)[..] else {
        panic!("one has this id")
    };
    let parts: Vec<(&str, u64, u64)> = trace
        .spans
        .iter()
        .map(|span| (span.name, span.from_us, span.took_us))
        .collect();
    // Number 7 took 50 + 49 % 40 ms.
    assert_eq!(millis(trace), 59);
    let want = [
        ("queue", 0, 5_000),
        ("robots", 0, 800),
        ("dns", 800, 4_000),
        ("connect", 5_000, 10_000),
        ("first_byte", 15_000, 39_000),
        ("body", 54_000, 10_000),
        ("ours", 64_000, 2_000),
        ("decode", 64_000, 300),
        ("scan", 64_300, 500),
        ("archive", 64_800, 900),
        ("commit", 66_000, 98_000),
    ];
    assert_eq!(parts, want);
    let local = |at: Wall| format!("T{}", at.0);
    let times = Times {
        now: Wall(0),
        local: &local,
    };
    let page = trace.page(&times);
    assert!(
        page.contains("first_byte") && !page.contains('\u{202e}'),
        "{page}"
    );
    assert!(!trace.line(&times).contains('\u{202e}'));
}

/// Lines of the log are found by the id of their trace, in all of its files, the oldest first.
#[test]
fn the_lines_of_a_trace_are_found_in_the_log_and_steer_no_terminal() {
    let (disk, dir) = (MemoryDisk::new(), CrawlDir::new("/c"));
    let id = "07".repeat(16);
    let line = |number: u32, id: &str| {
        format!(
            "{{\"timestamp\":\"T{number}\",\"level\":\"INFO\",\"message\":\"request took long\",\"trace_id\":\"{id}\",\"site\":\"a\u{202e}\"}}\n"
        )
    };
    let other = format!("{{\"message\":\"\\\"trace_id\\\":\\\"{id}\\\"\",\"trace_id\":\"08\"}}\n");
    for (name, text) in [
        ("orb.log.2", line(1, &id) + &line(2, "08")),
        ("orb.log.1", line(3, &id) + "torn {\n"),
        ("orb.log", other + &line(4, &id)),
    ] {
        let path = dir.logs().join(name);
        disk.replace(&path, text.as_bytes()).unwrap();
    }
    let crawl = Crawl {
        disk: &disk,
        dir: &dir,
        phase: Phase::Stopped,
        politeness: None,
        attempts_max: None,
    };
    let lines = log_lines(&crawl, &id).unwrap();
    let times: Vec<_> = lines.iter().map(|line| &line["timestamp"]).collect();
    assert_eq!(times, ["T1", "T3", "T4"]);
    let words = log_words(&lines[0]);
    assert!(
        words.contains("request took long") && !words.contains('\u{202e}'),
        "{words}"
    );
}
