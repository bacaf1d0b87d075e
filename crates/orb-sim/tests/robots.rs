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

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hand_web::{HandNet, HandWorld, Page, nameserver};
use orb_api::CrawlDir;
use orb_crawl::{Control, CrawlConfig, CrawlSetup, StoppedCrawl, World};
use orb_env::{BootId, Clock, Disk, MemoryDisk, Mono, Stamp, VirtualClock, Wall};
use orb_frontier::UrlRules;
use orb_store::ModelOpener;
use orb_url::{CrawlUrl, parse_seed_line};
use orb_warc::{Reader, RecordType};

/// A request as the server saw it: seconds since the crawl began, path.
type Seen = Vec<(f64, String)>;

/// Says what a site answers to a path so many seconds after the crawl began.
type Site = fn(seconds: f64, path: &str) -> Page;

/// The web of the crawl that this thread runs.
struct Web {
    clock: Arc<VirtualClock>,
    began: Mono,
    site: Site,
    seen: Seen,
}

thread_local! {
    static WEB: RefCell<Option<Web>> = const { RefCell::new(None) };
}

fn answers(_: &str, path: &str) -> Page {
    WEB.with_borrow_mut(|web| {
        let web = web.as_mut().unwrap();
        let seconds = web.clock.mono().since(web.began).as_secs_f64();
        web.seen.push((seconds, path.to_owned()));
        (web.site)(seconds, path)
    })
}

fn addresses(_: &str, _: u32) -> Option<Ipv4Addr> {
    Some(Ipv4Addr::new(11, 1, 1, 1))
}

fn page(status: u16, fields: &str, body: String) -> Page {
    Page {
        status,
        fields: format!("Content-Type: text/html\r\n{fields}"),
        body,
    }
}

/// A page with words of its own, so that no budget takes it for a copy of another.
fn story(path: &str) -> Page {
    let mut state = path.bytes().fold(7_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut body = String::from("<p>");
    for _ in 0..60 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let letters =
            [33, 38, 43, 48, 53].map(|shift| char::from(b'a' + ((state >> shift) % 26) as u8));
        body.extend(letters);
        body.push(' ');
    }
    page(200, "", body)
}

/// A page that links to this many others.
fn index(links: usize, path: fn(usize) -> String) -> Page {
    let links = (0..links).map(|n| format!("<a href=\"{}\">x</a>", path(n)));
    page(200, "", links.collect())
}

fn robots(text: &str) -> Page {
    Page {
        status: 200,
        fields: "Content-Type: text/plain\r\n".into(),
        body: text.into(),
    }
}

struct Outcome {
    seen: Seen,
    seconds: f64,
    folder: StoppedCrawl,
    disk: Arc<dyn Disk>,
    dir: CrawlDir,
}

impl Outcome {
    /// The smallest time between two requests, in seconds.
    fn least_gap(&self) -> f64 {
        let gaps = self.seen.windows(2).map(|two| two[1].0 - two[0].0);
        gaps.fold(f64::INFINITY, f64::min)
    }

    fn requests(&self, from: f64, to: f64) -> usize {
        let inside = |at: &f64| *at >= from && *at < to;
        self.seen.iter().filter(|(at, _)| inside(at)).count()
    }

    fn paths(&self) -> BTreeSet<&str> {
        self.seen.iter().map(|(_, path)| path.as_str()).collect()
    }

    /// What the archive's metadata record of a page says: its fields, one a line.
    fn metadata(&self, path: &str) -> String {
        let url = format!("http://site.test{path}");
        let mut found = String::new();
        for file in self.disk.list(&self.dir.warc()).unwrap() {
            let bytes = self
                .disk
                .read_all(&self.dir.warc().join(file.name))
                .unwrap();
            let mut reader = Reader::new(&bytes[..]);
            while let Some(record) = reader.next_record().unwrap() {
                if record.record_type() == RecordType::Metadata && record.target_uri() == Some(&url)
                {
                    found.push_str(&String::from_utf8_lossy(&record.block));
                }
            }
        }
        found
    }

    /// What the books say of a URL, in words.
    fn fate(&self, path: &str) -> String {
        let url = CrawlUrl::parse(&format!("http://site.test{path}")).unwrap();
        let facts = self.folder.url_facts(&url).unwrap();
        serde_json::to_string(&facts).unwrap()
    }
}

fn world(clock: &Arc<VirtualClock>) -> Arc<dyn World> {
    let disk = MemoryDisk::new();
    Arc::new(HandWorld {
        clock: Arc::<VirtualClock>::clone(clock),
        stores: ModelOpener::new(disk.clone()),
        disk,
        net: Arc::new(HandNet {
            clock: Arc::<VirtualClock>::clone(clock),
            answers,
            addresses,
            asked: Arc::default(),
            questions: Mutex::default(),
        }),
    })
}

fn config(hours: u64) -> CrawlConfig {
    let mut config = CrawlConfig {
        slots: 4,
        threads: 1,
        ..CrawlConfig::default()
    };
    config.identity.contact = "operator@example.org".into();
    config.limits.duration_max = Duration::from_secs(hours * 3_600);
    config.fetch.user_agent = "orbweaver/0.1.0 (+mailto:operator@example.org)".into();
    config.dns.servers = vec![nameserver()];
    config
}

/// Crawls `http://site.test/` for so many hours at most, with jumps of the wall clock: (at second, by microseconds).
fn crawl(site: Site, hours: u64, jumps: &[(u64, i64)]) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Arc::new(VirtualClock::new(Stamp {
            boot: BootId([1; 16]),
            mono: Mono(5_000_000_000),
            wall: Wall(1_795_000_000_000_000),
        }));
        let began = clock.mono();
        WEB.set(Some(Web {
            clock: Arc::clone(&clock),
            began,
            site,
            seen: Seen::new(),
        }));
        let world = world(&clock);
        let config = config(hours);
        let dir = CrawlDir::new("/crawl");
        let mut crawl = orb_crawl::open(CrawlSetup {
            dir: dir.clone(),
            config: config.clone(),
            rules: UrlRules::default(),
            world: Arc::clone(&world),
            control: Control::new(),
            software: "orbweaver/simulated".into(),
        })
        .unwrap();
        let seed = parse_seed_line("http://site.test/").unwrap().unwrap();
        crawl.add_seeds([seed].into_iter()).unwrap();
        let jump = async {
            for &(second, by) in jumps {
                clock
                    .sleep_until(began.plus(Duration::from_secs(second)))
                    .await;
                clock.jump_wall(by);
            }
            std::future::pending::<()>().await;
        };
        let run = std::pin::pin!(crawl.run_inline(1));
        let jump = std::pin::pin!(jump);
        if let futures_util::future::Either::Left((end, _)) =
            futures_util::future::select(run, jump).await
        {
            end.unwrap();
        }
        let seconds = clock.mono().since(began).as_secs_f64();
        let seen = WEB.take().unwrap().seen;
        let disk = world.disk();
        let folder = StoppedCrawl::open(world, dir.clone(), config, UrlRules::default()).unwrap();
        Outcome {
            seen,
            seconds,
            folder,
            disk,
            dir,
        }
    })
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
    assert_eq!(paths, ["/", "/0", "/1", "/3", "/robots.txt", "/rules"]);
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
