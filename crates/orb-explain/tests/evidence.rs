//! What an explanation is made from: attempt rows, records, foreign text, the requests of a site.
//!
//! In: rows and records as a crawl writes them. Out: tables, redirects, whose time it was.
//! May touch: a folder in memory. Invariant: rows of undone groups are requests all the same.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking"
)]

mod hand;

use std::path::Path;

use hand::{Hand, NOW, dir, fate, fated, known, politeness, queued, why, why_on};
use orb_api::{
    ArchivePlace, AttemptKind, AttemptRow, AttemptTimings, FateFacts, Outcome, Phase, QueueFacts,
    Reason, RobotsFacts, RobotsInForce, SiteFacts, UrlFacts, UrlState,
};
use orb_env::{BootId, Disk, MemoryDisk, Mono, Stamp, Wall};
use orb_explain::{Crawl, Durability, Times, Whose, inspect};
use orb_url::Site;
use orb_warc::{Compression, Digest, RecordId, ResponseRecord, Writer, segment_name};

fn row(url: &str, second: u64, commit: u64) -> AttemptRow {
    let start = Stamp {
        boot: BootId([1; 16]),
        mono: Mono(second * 1_000_000),
        wall: Wall(NOW.0 - 100_000_000 + second as i64 * 1_000_000),
    };
    AttemptRow {
        v: 1,
        id: "ab".repeat(16),
        kind: AttemptKind::Page,
        url: url.into(),
        site: "a.example".into(),
        address: "192.0.2.1".into(),
        group: None,
        end: Mono(start.mono.0 + 400_000),
        end_wall: Wall(start.wall.0 + 400_000),
        start,
        site_delay_us: 500_000,
        address_delay_us: 500_000,
        origin: None,
        robots: Some(RobotsInForce {
            attempt: "cd".repeat(16),
            standing: "rules".into(),
            line: None,
        }),
        status: Some(200),
        outcome: Outcome::Captured,
        reason: Reason::None,
        error: None,
        retry_after_us: None,
        archive: None,
        digest: None,
        text: None,
        timings: Some(AttemptTimings {
            queue_us: 1_200,
            dns_us: Some(900),
            connect_us: Some(20_000),
            tls_us: Some(30_000),
            first_byte_us: Some(300_000),
            body_us: Some(50_000),
            buffer_wait_us: 0,
            ours_us: 700,
            ..AttemptTimings::default()
        }),
        commit,
    }
}

fn write(disk: &MemoryDisk, path: &Path, bytes: &[u8]) {
    disk.append(path).unwrap().append(bytes).unwrap();
}

fn line(row: &AttemptRow) -> String {
    format!("{}\n", serde_json::to_string(row).unwrap())
}

/// Rows: one undone, one committed 503, a robots.txt, another URL's, one not committed yet.
fn rows_on(disk: &MemoryDisk, url: &str) {
    let undone = line(&row(url, 1, 2));
    let mark = format!(
        "{{\"v\":1,\"rolled_back_from\":0,\"rolled_back_to\":{}}}\n",
        undone.len()
    );
    let busy = AttemptRow {
        status: Some(503),
        outcome: Outcome::Retry,
        reason: Reason::ServerError,
        retry_after_us: Some(30_000_000),
        ..row(url, 4, 2)
    };
    let robots = AttemptRow {
        kind: AttemptKind::Robots,
        origin: Some("https://a.example".into()),
        robots: None,
        ..row("https://a.example/robots.txt", 2, 2)
    };
    let other = row("https://a.example/xx", 8, 2);
    let fresh = row(url, 12, 3);
    let text = [
        undone,
        mark,
        line(&robots),
        line(&busy),
        line(&other),
        line(&fresh),
    ]
    .concat();
    write(disk, &dir().attempts_of(0), text.as_bytes());
    let commits = "{\"v\":1,\"group\":1,\"attempts\":1,\"at\":0}\n{\"v\":1,\"group\":2,\"attempts\":3,\"at\":0}\n";
    write(disk, &dir().commits_of(0), commits.as_bytes());
}

#[test]
fn attempts_come_with_their_parts_and_what_became_of_them() {
    let disk = MemoryDisk::new();
    let url = "https://a.example/x";
    rows_on(&disk, url);
    let again = queued(
        QueueFacts {
            attempts: 1,
            due_us: Some(NOW.0 + 42_000_000),
            ..QueueFacts::default()
        },
        SiteFacts::default(),
    );
    let mut hand = Hand::default().with(url, again);
    let (explained, page) = why_on(&disk, Phase::Running, &mut hand, url);
    let durabilities: Vec<Durability> = explained.attempts.iter().map(|a| a.durability).collect();
    assert_eq!(
        durabilities,
        [
            Durability::RolledBack,
            Durability::Committed,
            Durability::Uncommitted
        ]
    );
    assert_eq!(explained.robots_attempts.len(), 1);
    assert_eq!(explained.attempts[1].exchange_us, 400_000);
    assert!(page.contains("asked for 30 s of rest"), "{page}");
    assert!(page.contains("its group was undone"), "{page}");
    for line in page.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    println!("{page}");
}

#[test]
fn a_redirect_is_read_from_the_archive_and_followed() {
    let disk = MemoryDisk::new();
    let segment = segment_name("ORB", NOW.0, 0, 0, Compression::None);
    let mut bytes = b"something before".to_vec();
    let offset = bytes.len() as u64;
    let raw: &[u8] = b"HTTP/1.1 301 Moved\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n";
    Writer::new(Compression::None).response(
        &mut bytes,
        &ResponseRecord {
            id: RecordId::from_random([7; 16]),
            date_us: NOW.0,
            target_uri: "https://a.example/x",
            ip: None,
            block: &[raw],
            payload_digest: Some(Digest::sha1(b"")),
            truncated: None,
            content_encoded: false,
            protocol: &[],
            cipher: None,
            warcinfo_id: None,
            concurrent_to: None,
        },
    );
    write(&disk, &dir().warc().join(&segment), &bytes);
    let moved = FateFacts {
        status: 301,
        archive: Some(ArchivePlace {
            file: segment.clone(),
            offset,
            bytes: 0,
        }),
        ..fate(Outcome::Redirect, Reason::None, UrlState::Done)
    };
    let there = fate(Outcome::Gone, Reason::None, UrlState::Done);
    let mut hand = Hand::default()
        .with("https://a.example/x", fated(moved))
        .with("https://a.example/there", fated(there));
    let (explained, page) = why_on(&disk, Phase::Stopped, &mut hand, "https://a.example/x");
    assert_eq!(
        explained.verdict.sentence,
        "redirects (301) to https://a.example/there, which is gone"
    );
    assert!(
        page.contains(&format!(
            "orb archive cat /crawl/warc/{segment} --offset {offset}"
        )),
        "{page}"
    );
}

#[test]
fn text_of_pages_and_servers_cannot_steer_a_terminal() {
    let hostile = FateFacts {
        detail: "line 1: Disallow: /\u{1b}[2J\n\u{202e}x".into(),
        ..fate(Outcome::Refused, Reason::Robots, UrlState::Excluded)
    };
    let facts = UrlFacts {
        robots: Some(RobotsFacts {
            rule: Some("Disallow: /\u{1b}[2J".into()),
            allowed: Some(false),
            ..RobotsFacts::default()
        }),
        ..fated(hostile)
    };
    let (explained, page) = why(Phase::Stopped, facts);
    let steers = |text: &str| {
        text.chars()
            .any(|c| c != '\n' && (c.is_control() || c == '\u{202e}'))
    };
    assert!(
        !steers(&page) && !steers(&explained.verdict.sentence),
        "{page:?}"
    );
    assert!(page.contains("\\u{1b}[2J"), "{page}");
}

#[test]
fn a_site_is_told_apart_from_us() {
    let disk = MemoryDisk::new();
    rows_on(&disk, "https://a.example/x");
    let mut hand = Hand::default();
    hand.sites.insert(
        "a.example".into(),
        known(SiteFacts {
            pending: 2,
            queued: 5,
            ..SiteFacts::default()
        }),
    );
    let (dir, politeness) = (dir(), politeness());
    let crawl = Crawl {
        disk: &disk,
        dir: &dir,
        phase: Phase::Running,
        politeness: Some(&politeness),
        attempts_max: Some(3),
    };
    let local = |at: Wall| format!("T{}", at.0 / 1_000_000);
    let times = Times {
        now: NOW,
        local: &local,
    };
    let site = Site::of_host("a.example");
    let report = inspect(&crawl, &mut hand, &site, &times, &mut |_| {}).unwrap();
    assert_eq!(report.whose.whose, Whose::Site, "{}", report.whose.sentence);
    assert!(
        report.whose.sentence.contains("the server is slow"),
        "{}",
        report.whose.sentence
    );
    assert_eq!(
        (report.requests.requests, report.requests.rolled_back),
        (5, 1)
    );
    assert_eq!(report.requests.outcomes[&Outcome::Captured], 2);
    assert_eq!(report.requests.troubles(), 1);
    assert!(
        report.standing.starts_with("2 URLs pending"),
        "{}",
        report.standing
    );
    let page = report.page(&times);
    for line in page.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    serde_json::to_string(&report).unwrap();
    println!("{page}");
}
