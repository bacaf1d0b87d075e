//! Every fate of a URL, explained from hand-made facts, rows and records.
//!
//! In: facts as a crawl would tell them. Out: verdicts, ways to the seed, tables.
//! May touch: a folder in memory. Invariant: the facts of each case say one thing only.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking"
)]

use std::collections::BTreeMap;
use std::path::Path;

use orb_api::{
    ArchivePlace, AttemptKind, AttemptRow, AttemptTimings, CrawlDir, FateFacts, FoundFacts,
    Outcome, Phase, QueueFacts, Reason, RobotsFacts, RobotsInForce, ScopeFacts, SieveFacts,
    SiteFacts, UrlFacts, UrlState,
};
use orb_env::{BootId, Disk, MemoryDisk, Mono, Stamp, Wall};
use orb_explain::{
    ChainEnd, Crawl, DelayCause, Durability, Explanation, FactError, FactSource, Ruling, Times,
    VerdictKind, Whose, explain, inspect, understand_url,
};
use orb_gate::PolitenessConfig;
use orb_url::{CrawlUrl, Site};
use orb_warc::{Compression, Digest, RecordId, ResponseRecord, Writer, segment_name};

const NOW: Wall = Wall(1_795_000_000_000_000);

/// A crawl made by hand.
#[derive(Default)]
struct Hand {
    urls: BTreeMap<String, UrlFacts>,
    sites: BTreeMap<String, SiteFacts>,
}

impl FactSource for Hand {
    fn url_facts(&mut self, url: &CrawlUrl) -> Result<UrlFacts, FactError> {
        Ok(self.urls.get(url.as_str()).cloned().unwrap_or_default())
    }

    fn site_facts(&mut self, site: &Site) -> Result<SiteFacts, FactError> {
        Ok(self.sites.get(site.as_str()).cloned().unwrap_or_default())
    }
}

impl Hand {
    fn with(mut self, url: &str, facts: UrlFacts) -> Hand {
        let url = url.to_owned();
        self.urls.insert(url.clone(), UrlFacts { url, ..facts });
        self
    }
}

fn dir() -> CrawlDir {
    CrawlDir::new("/crawl")
}

fn politeness() -> PolitenessConfig {
    PolitenessConfig::default()
}

fn why_on(disk: &MemoryDisk, phase: Phase, hand: &mut Hand, text: &str) -> (Explanation, String) {
    let (dir, politeness) = (dir(), politeness());
    let crawl = Crawl {
        disk,
        dir: &dir,
        phase,
        politeness: Some(&politeness),
        attempts_max: Some(3),
    };
    let local = |at: Wall| format!("T{}", at.0.div_euclid(1_000_000));
    let times = Times {
        now: NOW,
        local: &local,
    };
    let given = understand_url(text).unwrap();
    let explained = explain(&crawl, hand, &given, &times, &mut |_| {}).unwrap();
    let page = explained.page(&times);
    serde_json::to_string(&explained).unwrap();
    (explained, page)
}

fn why(phase: Phase, facts: UrlFacts) -> (Explanation, String) {
    let url = "https://a.example/x";
    why_on(
        &MemoryDisk::new(),
        phase,
        &mut Hand::default().with(url, facts),
        url,
    )
}

fn fate(outcome: Outcome, reason: Reason, state: UrlState) -> FateFacts {
    FateFacts {
        state,
        outcome,
        reason,
        detail: String::new(),
        status: 0,
        attempts: 1,
        at_us: NOW.0 - 180_000_000,
        archive: None,
        digest: None,
        found: seed(),
    }
}

fn seed() -> FoundFacts {
    FoundFacts {
        how: "seed".into(),
        ..FoundFacts::default()
    }
}

fn link(via: &str, depth: u16) -> FoundFacts {
    FoundFacts {
        how: "link".into(),
        via: Some(via.into()),
        depth,
        ..FoundFacts::default()
    }
}

fn fated(fate: FateFacts) -> UrlFacts {
    UrlFacts {
        sieve: SieveFacts::Seen,
        site: known(SiteFacts::default()),
        fate: Some(fate),
        ..UrlFacts::default()
    }
}

fn queued(queue: QueueFacts, site: SiteFacts) -> UrlFacts {
    UrlFacts {
        sieve: SieveFacts::Seen,
        site: known(site),
        queue: Some(QueueFacts {
            found: seed(),
            place: if queue.place.is_empty() {
                "queue".into()
            } else {
                queue.place
            },
            ..queue
        }),
        ..UrlFacts::default()
    }
}

fn known(site: SiteFacts) -> SiteFacts {
    SiteFacts {
        site: "a.example".into(),
        known: true,
        delay_ms: if site.delay_ms == 0 {
            1_000
        } else {
            site.delay_ms
        },
        ..site
    }
}

fn stopped_by(cause: &str, scope: &str, rule: Option<&str>) -> UrlFacts {
    UrlFacts {
        site: known(SiteFacts::default()),
        scope: ScopeFacts {
            scope: scope.into(),
            stopped_by: (!cause.is_empty()).then(|| cause.to_owned()),
            rule: rule.map(str::to_owned),
        },
        ..UrlFacts::default()
    }
}

fn check(phase: Phase, facts: UrlFacts, kind: VerdictKind, words: &[&str]) {
    let (explained, page) = why(phase, facts);
    assert_eq!(explained.verdict.kind, kind, "{page}");
    for word in words {
        let sentence = &explained.verdict.sentence;
        assert!(sentence.contains(word), "{word}: {sentence}");
    }
    for line in page.lines() {
        assert!(
            line.chars().count() <= 100,
            "{} columns: {line}",
            line.len()
        );
    }
}

#[test]
fn settled_urls_say_how_they_ended() {
    use VerdictKind as K;
    let cases = [
        (
            Outcome::Captured,
            Reason::None,
            UrlState::Done,
            "",
            200,
            K::Captured,
            "captured T",
        ),
        (
            Outcome::NotModified,
            Reason::None,
            UrlState::Done,
            "",
            304,
            K::NotModified,
            "304",
        ),
        (
            Outcome::NotModified,
            Reason::None,
            UrlState::Done,
            "",
            200,
            K::Duplicate,
            "same payload",
        ),
        (
            Outcome::Redirect,
            Reason::None,
            UrlState::Done,
            "",
            301,
            K::Redirect,
            "redirects (301)",
        ),
        (
            Outcome::Gone,
            Reason::None,
            UrlState::Done,
            "",
            404,
            K::Gone,
            "404",
        ),
        (
            Outcome::Refused,
            Reason::Robots,
            UrlState::Excluded,
            "line 12: Disallow: /x",
            0,
            K::Robots,
            "robots.txt line 12 `Disallow: /x` forbids it",
        ),
        (
            Outcome::Refused,
            Reason::RobotsUnreachable,
            UrlState::Excluded,
            "",
            0,
            K::RobotsUnreachable,
            "could not be had",
        ),
        (
            Outcome::Refused,
            Reason::GuardedAddress,
            UrlState::Excluded,
            "guarded_address",
            0,
            K::GuardedAddress,
            "every address of a.example",
        ),
        (
            Outcome::Refused,
            Reason::OptOut,
            UrlState::Excluded,
            "",
            0,
            K::OptedOut,
            "by the operator",
        ),
        (
            Outcome::Refused,
            Reason::TypeFilter,
            UrlState::Excluded,
            "",
            200,
            K::TypeFilter,
            "content types",
        ),
        (
            Outcome::Refused,
            Reason::PaymentRequired,
            UrlState::Excluded,
            "",
            402,
            K::PaymentRequired,
            "402",
        ),
        (
            Outcome::Failed,
            Reason::Poison,
            UrlState::Failed,
            "",
            200,
            K::Poison,
            "ended the process twice",
        ),
        (
            Outcome::Failed,
            Reason::Tls,
            UrlState::Failed,
            "tls_alert",
            0,
            K::Failed,
            "failed after 3 attempts: no trusted TLS session (tls_alert)",
        ),
        (
            Outcome::Failed,
            Reason::ServerError,
            UrlState::Failed,
            "",
            503,
            K::Failed,
            "status 503",
        ),
    ];
    for (outcome, reason, state, detail, status, kind, words) in cases {
        let fate = FateFacts {
            detail: detail.into(),
            status,
            attempts: if state == UrlState::Failed { 3 } else { 1 },
            ..fate(outcome, reason, state)
        };
        check(Phase::Stopped, fated(fate), kind, &[words]);
    }
}

#[test]
fn waiting_urls_say_for_what() {
    use VerdictKind as K;
    let queue = QueueFacts {
        ahead: Some(3),
        lane: 4,
        ..QueueFacts::default()
    };
    let resting = SiteFacts {
        phase: orb_api::SitePhase::Waiting,
        next_in_ms: 42_000,
        delay_ms: 60_000,
        crawl_delay_ms: Some(60_000),
        ..SiteFacts::default()
    };
    check(
        Phase::Running,
        queued(queue.clone(), resting.clone()),
        K::Waiting,
        &[
            "the site rests until T",
            "in 42 s",
            "3 URLs are before it",
            "crawl-delay of its robots.txt",
        ],
    );
    let (explained, _) = why(Phase::Running, queued(queue.clone(), resting.clone()));
    assert_eq!(explained.clocks.because, DelayCause::CrawlDelay);
    assert_eq!(
        explained.earliest_us,
        Some(NOW.0 + 42_000_000 + 3 * 60_000_000)
    );
    check(
        Phase::Stopped,
        queued(queue.clone(), resting),
        K::Waiting,
        &["waits: 3 URLs are before it", "nobody crawls now"],
    );
    check(
        Phase::Paused,
        queued(queue.clone(), SiteFacts::default()),
        K::Waiting,
        &["the crawl is paused"],
    );
    let forbidden = UrlFacts {
        robots: Some(RobotsFacts {
            allowed: Some(false),
            rule: Some("Disallow: /x".into()),
            line: Some(2),
            ..RobotsFacts::default()
        }),
        ..queued(queue.clone(), SiteFacts::default())
    };
    check(
        Phase::Running,
        forbidden,
        K::Waiting,
        &["robots.txt forbids it as things stand"],
    );
    let again = QueueFacts {
        attempts: 1,
        due_us: Some(NOW.0 + 42_000_000),
        ..QueueFacts::default()
    };
    check(
        Phase::Running,
        queued(again, SiteFacts::default()),
        K::InBackoff,
        &["attempt 1 of 3", "next try T", "in 42 s"],
    );
    for (place, kind) in [
        ("cold", K::Budget),
        ("in_flight", K::InFlight),
        ("admitted", K::Found),
    ] {
        let queue = QueueFacts {
            place: place.into(),
            ..queue.clone()
        };
        check(
            Phase::Running,
            queued(
                queue,
                SiteFacts {
                    queued: 10_000,
                    cold: 7,
                    ..SiteFacts::default()
                },
            ),
            kind,
            &[],
        );
    }
    let parked = SiteFacts {
        parked: Some(Reason::CrawlDelay),
        crawl_delay_ms: Some(600_000),
        ..SiteFacts::default()
    };
    check(
        Phase::Running,
        queued(queue, parked),
        K::CrawlDelay,
        &["asks for 10 min", "crawl_delay_max is 5 min"],
    );
}

#[test]
fn urls_that_were_never_admitted_say_why() {
    use VerdictKind as K;
    check(
        Phase::Stopped,
        stopped_by("scope", "site", None),
        K::OutOfScope,
        &["no seed lies in a.example"],
    );
    check(
        Phase::Stopped,
        stopped_by("scope", "prefix", None),
        K::OutOfScope,
        &["in no folder of a seed"],
    );
    check(
        Phase::Stopped,
        stopped_by("rule", "site", Some("a.example")),
        K::OptedOut,
        &["`a.example`"],
    );
    check(
        Phase::Stopped,
        stopped_by("full", "site", None),
        K::SiteFull,
        &["is full"],
    );
    check(
        Phase::Stopped,
        stopped_by("", "site", None),
        K::NeverFound,
        &["no page that was read links to it"],
    );
    check(
        Phase::Stopped,
        UrlFacts::default(),
        K::NeverFound,
        &["never found"],
    );
    let offered = UrlFacts {
        sieve: SieveFacts::Offered,
        ..stopped_by("", "site", None)
    };
    check(Phase::Running, offered, K::Found, &["sieve"]);
    let (explained, _) = why(
        Phase::Stopped,
        stopped_by("rule", "site", Some("a.example")),
    );
    let forbids: Vec<&str> = explained
        .rules
        .iter()
        .filter(|rule| rule.ruling == Ruling::Forbids)
        .map(|rule| rule.rule)
        .collect();
    assert_eq!(forbids, ["exclude"]);
}

#[test]
fn the_way_leads_to_the_seed_and_loops_end() {
    let (a, b, c) = (
        "https://a.example/",
        "https://a.example/b",
        "https://a.example/c",
    );
    let captured = || fate(Outcome::Captured, Reason::None, UrlState::Done);
    let found = |found| {
        fated(FateFacts {
            found,
            ..captured()
        })
    };
    let mut hand = Hand::default()
        .with(a, found(seed()))
        .with(b, found(link(a, 1)))
        .with(c, found(link(b, 2)));
    let (explained, page) = why_on(&MemoryDisk::new(), Phase::Stopped, &mut hand, c);
    let urls: Vec<&str> = explained
        .discovery
        .steps
        .iter()
        .map(|step| &step.url[..])
        .collect();
    assert_eq!(
        (urls, explained.discovery.end),
        (vec![c, b, a], ChainEnd::Seed),
        "{page}"
    );
    let mut hand = Hand::default()
        .with(b, found(link(c, 1)))
        .with(c, found(link(b, 1)));
    let (explained, _) = why_on(&MemoryDisk::new(), Phase::Stopped, &mut hand, c);
    assert_eq!(explained.discovery.end, ChainEnd::Loop);
    let mut hand = Hand::default();
    for depth in 0..200 {
        hand = hand.with(
            &format!("{a}{depth}"),
            found(link(&format!("{a}{}", depth + 1), 1)),
        );
    }
    let (explained, page) = why_on(
        &MemoryDisk::new(),
        Phase::Stopped,
        &mut hand,
        &format!("{a}0"),
    );
    assert_eq!(explained.discovery.end, ChainEnd::TooLong);
    assert!(
        explained.discovery.steps.len() == 64 && page.lines().count() < 60,
        "{page}"
    );
}

#[test]
fn a_missing_scheme_is_https_or_what_the_crawl_knows() {
    let facts = || fated(fate(Outcome::Captured, Reason::None, UrlState::Done));
    let mut hand = Hand::default().with("http://a.example/x", facts());
    let (explained, page) = why_on(&MemoryDisk::new(), Phase::Stopped, &mut hand, "A.example/x");
    assert_eq!(explained.url, "http://a.example/x");
    assert!(
        page.contains("http, since the crawl knows it by that"),
        "{page}"
    );
    let (explained, page) = why_on(
        &MemoryDisk::new(),
        Phase::Stopped,
        &mut Hand::default(),
        "a.example/x",
    );
    assert_eq!(explained.url, "https://a.example/x");
    assert!(page.contains("no scheme was given: https"), "{page}");
}

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
        digest: None,
        archive: None,
        timings: Some(AttemptTimings {
            queue_us: 1_200,
            dns_us: Some(900),
            connect_us: Some(20_000),
            tls_us: Some(30_000),
            first_byte_us: Some(300_000),
            body_us: Some(50_000),
            buffer_wait_us: 0,
            ours_us: 700,
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
        page.contains(&format!("warcio extract /crawl/warc/{segment} {offset}")),
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
