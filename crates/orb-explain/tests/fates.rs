//! Every fate of a URL, explained from hand-made facts, rows and records.
//!
//! In: facts as a crawl would tell them. Out: verdicts, ways to the seed, tables.
//! May touch: a folder in memory. Invariant: the facts of each case say one thing only.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking"
)]

mod hand;

use hand::{Hand, NOW, check, fate, fated, link, queued, seed, stopped_by, why, why_on};
use orb_api::{
    FateFacts, Outcome, Phase, QueueFacts, Reason, RobotsFacts, SieveFacts, SiteFacts, UrlFacts,
    UrlState,
};
use orb_env::MemoryDisk;
use orb_explain::{ChainEnd, DelayCause, Ruling, VerdictKind as K};

/// Outcome, reason, state and detail of a fate with its status; the verdict and words of its sentence.
type Settled = (
    Outcome,
    Reason,
    UrlState,
    &'static str,
    u16,
    K,
    &'static str,
);

const SETTLED: [Settled; 14] = [
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
        "content type",
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

#[test]
fn settled_urls_say_how_they_ended() {
    for (outcome, reason, state, detail, status, kind, words) in SETTLED {
        let fate = FateFacts {
            detail: detail.into(),
            status,
            attempts: if state == UrlState::Failed { 3 } else { 1 },
            ..fate(outcome, reason, state)
        };
        check(Phase::Stopped, fated(fate), kind, &[words]);
    }
}

/// Three URLs of its site before it.
fn fourth() -> QueueFacts {
    QueueFacts {
        ahead: Some(3),
        lane: 4,
        ..QueueFacts::default()
    }
}

#[test]
fn waiting_urls_say_for_what() {
    let queue = fourth();
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
}

#[test]
fn a_site_may_rest_for_other_reasons_than_its_pause() {
    let queue = fourth();
    let nameless = SiteFacts {
        next_in_ms: 42_000,
        ..SiteFacts::default()
    };
    check(
        Phase::Running,
        queued(queue.clone(), nameless),
        K::Waiting,
        &["in 42 s", "its name gave no address"],
    );
    let held = SiteFacts {
        next_in_ms: 42_000,
        hold_ms: 42_000,
        ..SiteFacts::default()
    };
    check(
        Phase::Running,
        queued(queue.clone(), held),
        K::Waiting,
        &["in 42 s", "its Retry-After asked for that"],
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
}

#[test]
fn places_of_the_queue_have_verdicts_of_their_own() {
    let queue = fourth();
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
