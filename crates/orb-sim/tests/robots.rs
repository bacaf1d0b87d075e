//! Whole crawls of webs whose servers change their mind: robots.txt that cannot be read or changes, sites that ask for
//! rest, clocks that jump (faults R1, R4, R5 and R6), in virtual time, measured where the requests arrive.
//!
//! In: a web that answers by the time of asking. Out: when each request came.
//! May touch: virtual time, a folder in memory. Invariant: what is expected follows from the web's definition alone.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking"
)]

mod hand_web;
mod timed_web;

use std::collections::BTreeSet;
use std::rc::Rc;

use hand_web::Page;
use timed_web::{Outcome, crawl_web, index, page, robots, story};

/// Says what the site answers to a path so many seconds after the crawl began.
type Site = fn(seconds: f64, path: &str) -> Page;

fn crawl(site: Site, hours: u64, jumps: &[(u64, i64)]) -> Outcome {
    crawl_web(
        Rc::new(move |_, seconds, path| site(seconds, path)),
        hours,
        jumps,
        |_| {},
    )
}

/// What a robots.txt of 200 comes to when its coding cannot be undone: text is text, the rest forbids.
#[test]
fn r1_a_file_that_cannot_be_read_allows_nothing() {
    fn site(coding: &str, body: &str, path: &str) -> Page {
        match path {
            "/robots.txt" => page(
                200,
                &format!("Content-Encoding: {coding}\r\n"),
                body.to_owned(),
            ),
            "/" => index(4, |n| format!("/{n}")),
            _ => story(path),
        }
    }
    const RULES: &str = "User-agent: *\nDisallow: /3\n";
    let cases: [(Site, usize); 5] = [
        (|_, path| site("utf-8", RULES, path), 4),
        (|_, path| site("gzip", RULES, path), 4),
        (|_, path| site("br", RULES, path), 4),
        (|_, path| site("compress", "\0\u{1}\u{9d}", path), 0),
        (|_, path| site("identity", "\0\u{1}\u{9d}", path), 5),
    ];
    for (number, (site, pages)) in cases.into_iter().enumerate() {
        let crawl = crawl(site, 1, &[]);
        let paths = crawl.paths();
        let fetched = paths.iter().filter(|path| **path != "/robots.txt");
        assert_eq!(fetched.count(), pages, "case {number}: {paths:?}");
    }
}

/// A file that is too long is cut behind a whole line: half a rule might allow more than its owner wrote.
#[test]
fn r1_a_rule_that_is_cut_in_two_is_no_rule() {
    fn site(_: f64, path: &str) -> Page {
        match path {
            "/robots.txt" => {
                let head = "User-agent: *\nDisallow: /\nAllow: /$\n#";
                let rule = "\nAllow: /open-to-nobody\n";
                // The limit falls behind "Allow: /".
                let fill = orb_robots::limits::ROBOTS_BYTES_MAX - head.len() - "\nAllow: /".len();
                robots(&format!("{head}{}{rule}", "x".repeat(fill)))
            }
            "/" => index(4, |n| format!("/{n}")),
            _ => story(path),
        }
    }
    let crawl = crawl(site, 1, &[]);
    let paths: Vec<_> = crawl.paths().into_iter().collect();
    assert_eq!(paths, ["/", "/robots.txt"]);
}

/// A hop's host may have an address where nobody answers: its asker's next try goes to another one.
#[test]
fn a_hop_is_tried_at_another_address_after_a_failure() {
    fn site(_: f64, path: &str) -> Page {
        match path {
            "/robots.txt" => page(302, "Location: http://half.test/rules\r\n", String::new()),
            "/rules" => robots("User-agent: *\nDisallow: /2\n"),
            "/" => index(4, |n| format!("/{n}")),
            _ => story(path),
        }
    }
    let crawl = crawl(site, 1, &[]);
    let paths: Vec<_> = crawl.paths().into_iter().collect();
    assert_eq!(
        paths,
        ["/", "/0", "/1", "/3", "/robots.txt", "half.test/rules"]
    );
}

/// A site whose pages, header fields and robots.txt all ask for something.
fn preferring(_: f64, path: &str) -> Page {
    let with = |fields: &str, body: &str| page(200, fields, format!("<p>words of {path}{body}"));
    match path {
        "/robots.txt" => robots(
            "User-agent: *\nContent-Signal: ai-train=no\nContent-Usage: /quiet train-ai=n\nAllow: /\n",
        ),
        "/" => with(
            "",
            "<a href=/open>1</a><a href=/rel1 rel='ugc nofollow'>2</a><a href=/header>3</a><a href=/meta>4</a>\
             <a href=/named>5</a><a href=/other>6</a><a href=/none>7</a><a href=/unkept>8</a><a href=/quiet>9</a>",
        ),
        "/header" => with("X-Robots-Tag: nofollow\r\n", "<a href=/shut1>x</a>"),
        "/meta" => with(
            "",
            "<meta name=robots content=NOFOLLOW><a href=/shut2>x</a>",
        ),
        "/named" => with(
            "X-Robots-Tag: orbweaver: nofollow\r\n",
            "<a href=/shut3>x</a>",
        ),
        "/other" => with("X-Robots-Tag: otherbot: none\r\n", "<a href=/open2>x</a>"),
        "/none" => with("", "<meta name=orbweaver content=none><a href=/shut4>x</a>"),
        "/unkept" => with("X-Robots-Tag: noarchive\r\n", "<a href=/open3>x</a>"),
        "/quiet" => with(
            "X-Robots-Tag: noindex, noai\r\nContent-Usage: train-ai=n, search=y\r\ntdm-reservation: 1\r\n",
            "<meta name=content-usage content='bots=n'>",
        ),
        _ => story(path),
    }
}

/// What pages, header fields and robots.txt ask for reaches whoever must obey: links are not followed, bodies not kept,
/// and the rest travels with the capture.
#[test]
fn preferences_reach_the_policy_that_uses_them() {
    let crawl = crawl(preferring, 1, &[]);
    let paths = crawl.paths();
    let open = [
        "/",
        "/header",
        "/meta",
        "/named",
        "/none",
        "/open",
        "/open2",
        "/open3",
        "/other",
        "/quiet",
        "/robots.txt",
        "/unkept",
    ];
    assert_eq!(paths, BTreeSet::from(open));
    let quiet = crawl.metadata("/quiet");
    for line in [
        "robotsDirective: noindex",
        "robotsDirective: noai",
        "usage: content-usage: train-ai=n, search=y",
        "usage: content-usage: bots=n",
        "usage: tdm-reservation: 1",
        "usage: robots.txt Content-Usage: /quiet train-ai=n",
        "usage: robots.txt Content-Signal: ai-train=no",
    ] {
        assert!(quiet.contains(line), "{line}\n{quiet}");
    }
    let open = crawl.metadata("/open");
    assert!(
        open.contains("Content-Signal: ai-train=no") && !open.contains("train-ai"),
        "{open}"
    );
    assert!(crawl.metadata("/unkept").contains("bodyAbsent: noarchive"));
    assert!(
        crawl
            .metadata("/none")
            .contains("robotsDirective: nofollow")
    );
}

/// 3,000 URLs are queued when a day is over and the site closes half of them: from the next answer on, none of those
/// is asked for, and the others are.
#[test]
fn r4_urls_queued_before_a_change_obey_it() {
    fn site(seconds: f64, path: &str) -> Page {
        match path {
            "/robots.txt" if seconds < 80_000.0 => {
                robots("User-agent: *\nCrawl-delay: 40\nAllow: /\n")
            }
            "/robots.txt" => robots("User-agent: *\nCrawl-delay: 40\nDisallow: /closed/\n"),
            "/" => index(3_000, |n| {
                format!("/{}/{n}", if n % 2 == 0 { "closed" } else { "open" })
            }),
            _ => story(path),
        }
    }
    let crawl = crawl(site, 48, &[]);
    let asked: Vec<f64> = crawl
        .seen
        .iter()
        .filter(|(_, path)| path == "/robots.txt")
        .map(|&(at, _)| at)
        .collect();
    assert_eq!(asked.len(), 2, "once a day: {asked:?}");
    assert!(
        (86_400.0..86_500.0).contains(&(asked[1] - asked[0])),
        "{asked:?}"
    );
    let closed = |after: f64, before: f64| {
        let times = crawl
            .seen
            .iter()
            .filter(|(_, path)| path.starts_with("/closed/"));
        times.filter(|&&(at, _)| at > after && at < before).count()
    };
    assert!(closed(0.0, asked[1]) > 1_000, "open at first");
    assert_eq!(
        closed(asked[1], f64::INFINITY),
        0,
        "closed after the change"
    );
    let open = crawl
        .seen
        .iter()
        .filter(|(_, path)| path.starts_with("/open/"));
    assert_eq!(open.count(), 1_500, "what stays open is all fetched");
    let last = crawl.fate("/closed/2998");
    assert!(last.contains("Disallow: /closed/"), "{last}");
    assert!(crawl.least_gap() >= 40.0, "{}", crawl.least_gap());
}

/// A site that falls over for two minutes and says so by 503 or 429.
fn storm(status: u16, fields: &str, seconds: f64, path: &str) -> Page {
    match path {
        "/robots.txt" => page(404, "", String::new()),
        "/" => index(5_000, |n| format!("/{n}")),
        _ if (120.0..240.0).contains(&seconds) => page(status, fields, String::new()),
        _ => story(path),
    }
}

#[test]
fn r5_a_storm_halves_the_rate_at_once_and_the_site_recovers() {
    let sites: [Site; 2] = [
        |seconds, path| storm(503, "", seconds, path),
        |seconds, path| storm(429, "", seconds, path),
    ];
    for site in sites {
        let crawl = crawl(site, 1, &[]);
        let before = crawl.requests(100.0, 120.0);
        // The request that is answered so is the last at the old rate.
        let during = crawl.requests(130.0, 240.0);
        let after = crawl.requests(840.0, 860.0);
        assert!(before >= 15, "{before} in 20 s before");
        assert!(during <= 5, "{during} in 110 s of storm");
        assert!(
            crawl.requests(121.0, 131.0) * 2 <= before / 2,
            "halved within 10 s"
        );
        assert!(
            after * 10 >= before * 9,
            "{before} before, {after} ten minutes after"
        );
        assert!(crawl.least_gap() >= 1.0);
    }
}

/// The whole site rests, whichever of its URLs said so, in every form of the field.
#[test]
fn r5_retry_after_holds_for_the_whole_site() {
    fn asks(field: &'static str, seconds: f64, path: &str) -> Page {
        match path {
            "/robots.txt" => page(404, "", String::new()),
            "/" => index(100, |n| format!("/{n}")),
            _ if (30.0..32.0).contains(&seconds) => page(503, field, String::new()),
            _ => story(path),
        }
    }
    // What is asked for, and the pause that follows: a day at most, and the usual back-off where it makes no sense.
    let cases: [(Site, f64, f64); 6] = [
        (|s, p| asks("Retry-After: 600\r\n", s, p), 600.0, 610.0),
        // The crawl begins at 1,795,000,000 s, which is Wed, 18 Nov 2026 11:06:40 GMT.
        (
            |s, p| asks("Retry-After: Wed, 18 Nov 2026 11:26:40 GMT\r\n", s, p),
            1_160.0,
            1_200.0,
        ),
        (
            |s, p| asks("Retry-After: 315360000\r\n", s, p),
            86_400.0,
            86_500.0,
        ),
        (
            |s, p| asks("Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", s, p),
            10.0,
            20.0,
        ),
        (|s, p| asks("Retry-After: -5\r\n", s, p), 10.0, 20.0),
        (|s, p| asks("Retry-After: soon\r\n", s, p), 10.0, 20.0),
    ];
    for (number, (site, least, most)) in cases.into_iter().enumerate() {
        let crawl = crawl(site, 30, &[]);
        let asked = crawl.seen.iter().position(|&(at, _)| at >= 30.0).unwrap();
        let pause = crawl.seen[asked + 1].0 - crawl.seen[asked].0;
        assert!((least..=most).contains(&pause), "case {number}: {pause} s");
    }
}

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A jump of the wall clock makes neither a burst nor a stall, and nobody is asked sooner than he asked for.
#[test]
fn r6_a_wall_clock_that_jumps_makes_no_burst_and_no_stall() {
    fn site(seconds: f64, path: &str) -> Page {
        match path {
            "/robots.txt" => page(404, "", String::new()),
            "/" => index(200, |n| format!("/{n}")),
            "/7" if seconds < 60.0 => page(503, "", String::new()),
            "/77" if seconds < 150.0 => page(503, "Retry-After: 30\r\n", String::new()),
            _ => story(path),
        }
    }
    let steady = crawl(site, 24, &[]);
    assert!(steady.least_gap() >= 1.0);
    for jumps in [
        vec![(20, DAY)],
        vec![(20, -DAY)],
        vec![(20, 365 * DAY)],
        vec![(20, -365 * DAY)],
        vec![(20, SECOND)],
        vec![(20, -SECOND)],
        vec![(10, DAY), (20, -2 * DAY), (40, 400 * DAY), (90, -399 * DAY)],
    ] {
        let jumped = crawl(site, 24, &jumps);
        let gap = jumped.least_gap();
        assert!(gap >= 1.0, "{jumps:?}: {gap} s between two requests");
        // A retry that comes sooner may be in vain once more, so only the paths are the same.
        assert_eq!(jumped.paths(), steady.paths(), "{jumps:?}");
        assert!(
            jumped.seconds < steady.seconds * 1.5,
            "{jumps:?}: {} s instead of {}",
            jumped.seconds,
            steady.seconds
        );
    }
}
