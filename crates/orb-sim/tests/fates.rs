//! `orb why` tells every fate of a URL rightly: a whole crawl of a web made by hand, in virtual time, then each of its
//! URLs explained, while the crawl runs and after it ended.
//!
//! In: the web below. Out: a verdict for each URL. May touch: virtual time, a folder in memory.
//! Invariant: what is expected follows from the web's definition alone.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking"
)]

mod hand_web;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hand_web::{HandNet, HandWorld, Page, nameserver};
use orb_api::{CrawlDir, Phase, SiteFacts, UrlFacts};
use orb_crawl::{Control, CrawlConfig, CrawlSetup, EndReason, StoppedCrawl, World};
use orb_env::{BootId, Clock, MemoryDisk, Mono, Stamp, VirtualClock, Wall};
use orb_explain::{
    ChainEnd, Crawl, Explanation, FactError, FactSource, Ruling, Times, VerdictKind as Kind, Whose,
    explain, inspect, understand_url,
};
use orb_frontier::UrlRules;
use orb_store::ModelOpener;
use orb_url::{CrawlUrl, Site, parse_seed_line};

const SEEDS: [&str; 13] = [
    "http://home.test/",
    "http://big.test/",
    "http://slow.test/",
    "http://busy.test/",
    "http://broken.test/",
    "http://nowhere.test/",
    "http://patient.test/",
    "http://guarded.test/",
    "http://norobots.test/",
    "https://tls.test/",
    "http://rebinds.test/",
    "http://vanishes.test/",
    "http://hermit.test/",
];

/// What the web's definition says of each URL, once everything but the slow site is done.
const FATES: [(&str, Kind, &str); 31] = [
    ("http://home.test/", Kind::Captured, "status 200"),
    ("http://home.test/c", Kind::Captured, "response record"),
    (
        "http://home.test/old",
        Kind::Redirect,
        "redirects (301) to http://home.test/new, which is captured",
    ),
    ("http://home.test/new", Kind::Captured, ""),
    (
        "http://home.test/private/x",
        Kind::Robots,
        "robots.txt line 3 `Disallow: /private` forbids it",
    ),
    ("http://home.test/plain", Kind::Captured, ""),
    ("http://home.test/dressed", Kind::Captured, ""),
    ("http://home.test/missing", Kind::Gone, "404"),
    (
        "http://home.test/file.bin",
        Kind::TypeFilter,
        "content type is not among those",
    ),
    ("http://home.test/paid", Kind::PaymentRequired, "402"),
    (
        "http://home.test/nobody-links-here",
        Kind::NeverFound,
        "no page that was read links to it",
    ),
    ("http://optout.test/page", Kind::OptedOut, "operator"),
    ("http://deep.optout.test/page", Kind::OptedOut, "operator"),
    ("http://home.test/skip/this", Kind::OptedOut, "operator"),
    (
        "http://elsewhere.test/",
        Kind::OutOfScope,
        "no seed lies in elsewhere.test",
    ),
    (
        "http://busy.test/",
        Kind::InBackoff,
        "in back-off after status 503 (a server error), attempt 1 of 3: next try",
    ),
    (
        "http://broken.test/",
        Kind::Failed,
        "failed after 3 attempts: status 500 (a server error)",
    ),
    (
        "http://vanishes.test/",
        Kind::Failed,
        "failed after 3 attempts: its name could not be resolved (dns_not_found)",
    ),
    (
        "http://nowhere.test/",
        Kind::RobotsUnreachable,
        "its name could not be resolved (dns_not_found)",
    ),
    (
        "https://tls.test/",
        Kind::RobotsUnreachable,
        "could not be had",
    ),
    (
        "http://patient.test/",
        Kind::CrawlDelay,
        "is set aside: its robots.txt asks for 5 min between two requests, and politeness.crawl_delay_max is 4 min",
    ),
    (
        "http://hermit.test/",
        Kind::CrawlDelay,
        "will be set aside at its next turn: its robots.txt asks for 60 min",
    ),
    (
        "http://rebinds.test/",
        Kind::GuardedAddress,
        "every address of rebinds.test is private",
    ),
    (
        "http://guarded.test/",
        Kind::RobotsUnreachable,
        "every address",
    ),
    (
        "http://norobots.test/",
        Kind::RobotsUnreachable,
        "status 503",
    ),
    (
        "http://nothing.nowhere.test/x",
        Kind::NeverFound,
        "never found",
    ),
    ("http://big.test/", Kind::Captured, ""),
    ("http://home.test/a", Kind::Captured, ""),
    ("http://home.test/b", Kind::Captured, ""),
    ("http://slow.test/", Kind::Captured, ""),
    ("http://home.test/robots.txt", Kind::NeverFound, ""),
];

/// URLs of a site that its budget holds, `/` included.
const BUDGET: usize = 15;

fn page(links: &[&str], text: &str) -> Page {
    let links: String = links
        .iter()
        .map(|to| format!("<a href=\"{to}\">x</a> "))
        .collect();
    Page {
        status: 200,
        fields: "Content-Type: text/html\r\n".into(),
        body: format!("<!doctype html><title>t</title><p>{text}</p>{links}"),
    }
}

fn bare(status: u16, fields: &str) -> Page {
    Page {
        status,
        fields: fields.into(),
        body: String::new(),
    }
}

fn robots(text: &str) -> Page {
    Page {
        status: 200,
        fields: "Content-Type: text/plain\r\n".into(),
        body: text.into(),
    }
}

fn answers(host: &str, path: &str) -> Page {
    match (host, path) {
        ("home.test", "/robots.txt") => robots("# ours\nUser-agent: *\nDisallow: /private\n"),
        ("slow.test", "/robots.txt") => robots("User-agent: *\nCrawl-delay: 200\n"),
        ("patient.test", "/robots.txt") => robots("User-agent: *\nCrawl-delay: 300\n"),
        ("hermit.test", "/robots.txt") => robots("User-agent: *\nCrawl-delay: 3600\n"),
        // Long enough that the name is looked up again before the page.
        ("rebinds.test" | "vanishes.test", "/robots.txt") => {
            robots("User-agent: *\nCrawl-delay: 100\n")
        }
        ("norobots.test", "/robots.txt") => bare(503, ""),
        (_, "/robots.txt") => bare(404, ""),
        ("home.test", "/") => page(
            &[
                "/a",
                "/old",
                "/private/x",
                "/original",
                "/copy",
                "/missing",
                "/file.bin",
                "/paid",
                "/skip/this",
                "http://optout.test/page",
                "http://deep.optout.test/page",
                "http://elsewhere.test/",
                "/plain",
                "/dressed",
            ],
            "home",
        ),
        ("home.test", "/a") => page(&["/b"], "a"),
        ("home.test", "/b") => page(&["/c"], "b"),
        ("home.test", "/old") => bare(301, "Location: /new\r\n"),
        ("home.test", "/original" | "/copy") => page(&[], &"the same words ".repeat(40)),
        ("home.test", "/plain") => page(&[], "Words in a coat."),
        ("home.test", "/dressed") => page(&[], "<b class=x>Words</b>\n in a <i>coat</i>."),
        ("home.test", "/missing") => bare(404, ""),
        ("home.test", "/paid") => bare(402, ""),
        ("home.test", "/file.bin") => Page {
            status: 200,
            fields: "Content-Type: application/octet-stream\r\n".into(),
            body: "0123456789".into(),
        },
        ("big.test", "/") => {
            let links: Vec<String> = (0..20).map(|number| format!("/{number}")).collect();
            page(&links.iter().map(String::as_str).collect::<Vec<_>>(), "big")
        }
        ("slow.test", "/") => page(&["/1", "/2", "/3"], "slow"),
        ("busy.test", _) => bare(503, "Retry-After: 7200\r\n"),
        ("broken.test", _) => bare(500, ""),
        (_, path) => page(&[], path),
    }
}

fn addresses(host: &str, nth: u32) -> Option<Ipv4Addr> {
    let number = SEEDS
        .iter()
        .position(|seed| seed.contains(&format!("/{host}/")))?;
    match host {
        "nowhere.test" => None,
        "vanishes.test" if nth > 1 => None,
        "rebinds.test" if nth > 1 => Some(Ipv4Addr::new(10, 0, 0, 2)),
        "guarded.test" => Some(Ipv4Addr::new(10, 0, 0, 1)),
        _ => Some(Ipv4Addr::new(11, 1, number as u8, 1)),
    }
}

fn rules() -> UrlRules {
    let mut rules = UrlRules::default();
    rules.add("optout.test").unwrap();
    rules.add("http://home.test/skip/*").unwrap();
    rules
}

fn config() -> CrawlConfig {
    let mut config = CrawlConfig {
        slots: 4,
        threads: 2,
        ..CrawlConfig::default()
    };
    config.identity.contact = "operator@example.org".into();
    config.frontier.pages_per_site_max = BUDGET as u64;
    config.archive.text_marks = true;
    config.limits.duration_max = Duration::from_secs(700);
    config.limits.retry_first = Duration::from_secs(1);
    config.politeness.crawl_delay_max = Duration::from_secs(240);
    config.politeness.backoff_first = Duration::from_secs(2);
    config.politeness.backoff_max = Duration::from_secs(8);
    config.fetch.user_agent = "orbweaver/0.1.0 (+mailto:operator@example.org)".into();
    config.dns.servers = vec![nameserver()];
    config.dns.failure_ttl = Duration::from_secs(1);
    config
}

/// Facts asked for beforehand, so that they can be told without waiting.
#[derive(Default)]
struct Told {
    urls: BTreeMap<String, UrlFacts>,
    sites: BTreeMap<String, SiteFacts>,
}

impl FactSource for Told {
    fn url_facts(&mut self, url: &CrawlUrl) -> Result<UrlFacts, FactError> {
        let facts = self.urls.get(url.as_str()).cloned();
        Ok(facts.ok_or_else(|| format!("{url} was not asked about"))?)
    }

    fn site_facts(&mut self, site: &Site) -> Result<SiteFacts, FactError> {
        let facts = self.sites.get(site.as_str()).cloned();
        Ok(facts.ok_or_else(|| format!("{site} was not asked about"))?)
    }
}

/// Every URL that is asked about.
fn urls() -> Vec<CrawlUrl> {
    let mut list: Vec<String> = FATES.iter().map(|(url, ..)| (*url).to_owned()).collect();
    list.extend(["original", "copy"].map(|path| format!("http://home.test/{path}")));
    list.extend((0..20).map(|number| format!("http://big.test/{number}")));
    list.extend((1..4).map(|number| format!("http://slow.test/{number}")));
    list.iter()
        .map(|url| CrawlUrl::parse(url).unwrap())
        .collect()
}

struct Scene {
    dir: CrawlDir,
    disk: MemoryDisk,
    clock: Arc<dyn Clock>,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Scene {
    fn crawl<'a>(&'a self, config: &'a CrawlConfig, phase: Phase) -> Crawl<'a> {
        Crawl {
            disk: &self.disk,
            dir: &self.dir,
            phase,
            politeness: Some(&config.politeness),
            attempts_max: Some(config.limits.attempts_max),
        }
    }

    fn why(&self, phase: Phase, told: &mut Told, url: &str) -> (Explanation, String) {
        let config = config();
        let local = |at: Wall| format!("at {} s", at.0 / 1_000_000);
        let times = Times {
            now: self.clock.wall(),
            local: &local,
        };
        let given = understand_url(url).unwrap();
        let crawl = self.crawl(&config, phase);
        let explained = explain(&crawl, told, &given, &times, &mut |_| {})
            .unwrap_or_else(|error| panic!("{url}: {error:?}"));
        let page = explained.page(&times);
        (explained, page)
    }

    /// Whether the server was asked for a page.
    fn served(&self, host: &str, path: &str) -> bool {
        let asked = self.asked.lock().unwrap();
        asked.iter().any(|(at, what)| at == host && what == path)
    }

    fn judge_fates(&self, phase: Phase, told: &mut Told) {
        for (url, kind, words) in FATES {
            let (explained, page) = self.why(phase, told, url);
            assert_eq!(explained.verdict.kind, kind, "{phase:?}\n{page}");
            assert!(
                explained.verdict.sentence.contains(words),
                "{phase:?} {words}\n{page}"
            );
        }
        self.judge_way(phase, told);
        self.judge_duplicate(phase, told);
        self.judge_text(phase, told);
        self.judge_budget(phase, told);
    }

    fn judge_way(&self, phase: Phase, told: &mut Told) {
        let (explained, page) = self.why(phase, told, "http://home.test/c");
        let way: Vec<(&str, u16)> = explained
            .discovery
            .steps
            .iter()
            .map(|step| (step.url.rsplit('/').next().unwrap(), step.depth))
            .collect();
        assert_eq!(way, [("c", 3), ("b", 2), ("a", 1), ("", 0)], "{page}");
        assert_eq!(explained.discovery.end, ChainEnd::Seed);
        assert_eq!(explained.attempts.len(), 1, "{page}");
        let (explained, page) = self.why(phase, told, "http://home.test/private/x");
        let robots = explained
            .rules
            .iter()
            .find(|rule| rule.rule == "robots")
            .unwrap();
        assert_eq!(
            (robots.ruling, robots.line),
            (Ruling::Forbids, Some(3)),
            "{page}"
        );
        assert!(explained.attempts.is_empty(), "{page}");
    }

    /// Whichever of the two came second repeats the other.
    fn judge_duplicate(&self, phase: Phase, told: &mut Told) {
        let pair = ["http://home.test/original", "http://home.test/copy"];
        let [first, second] = pair.map(|url| self.why(phase, told, url).0);
        let (original, copy) = match first.verdict.kind {
            Kind::Captured => (first, second),
            _ => (second, first),
        };
        let kinds = (original.verdict.kind, copy.verdict.kind);
        assert_eq!(kinds, (Kind::Captured, Kind::Duplicate));
        let sentence = &copy.verdict.sentence;
        assert!(
            sentence.contains(&format!("the same payload as {}", original.url)),
            "{sentence}"
        );
    }

    /// Whichever of two pages with one text came second names the other: in its row, by `orb why`, in the archive.
    fn judge_text(&self, phase: Phase, told: &mut Told) {
        let pair = ["http://home.test/plain", "http://home.test/dressed"];
        let [first, second] = pair.map(|url| self.why(phase, told, url));
        let text = |explained: &Explanation| explained.attempts[0].text.clone().unwrap();
        let (one, other) = (text(&first.0), text(&second.0));
        assert_eq!((&one.digest, &one.simhash), (&other.digest, &other.simhash));
        let (same, page, earlier, url) = match (one.same_as, other.same_as) {
            (None, Some(same)) => (same, second.1, pair[0], pair[1]),
            (Some(same), None) => (same, first.1, pair[1], pair[0]),
            both => panic!("{both:?}"),
        };
        assert_eq!((&*same.url, same.same_site), (earlier, true));
        let line = format!("the same as {earlier}, of its site");
        assert!(page.contains(&line), "{page}");
        assert_eq!(self.same_text_of(url), Some(format!("site {earlier}")));
        assert_eq!(self.same_text_of(earlier), None);
    }

    /// What the metadata record of a page says of its text.
    fn same_text_of(&self, url: &str) -> Option<String> {
        let files = orb_archive::list(&self.disk, &self.dir.warc()).unwrap();
        let look = orb_archive::Look {
            url: Some(CrawlUrl::parse(url).unwrap()),
            kind: Some("metadata".to_owned()),
        };
        let found = orb_archive::newest(&self.disk, &files, &look, &mut |_| {}).unwrap();
        let fields = found.unwrap().block_fields().0;
        assert!(fields.get("textDigest").unwrap().starts_with("sha1:"));
        assert_eq!(fields.get("textSimhash").unwrap().len(), 16);
        fields.get("sameText").map(str::to_owned)
    }

    /// `/` and the links that came first are queued, the others cut.
    fn judge_budget(&self, phase: Phase, told: &mut Told) {
        let (mut captured, mut cut) = (0, 0);
        for number in 0..20 {
            let (explained, page) = self.why(phase, told, &format!("http://big.test/{number}"));
            let served = self.served("big.test", &format!("/{number}"));
            match explained.verdict.kind {
                Kind::Captured if served => captured += 1,
                Kind::Budget if !served => cut += 1,
                _ => panic!("{page}"),
            }
            if explained.verdict.kind == Kind::Budget {
                assert!(
                    explained.verdict.sentence.contains("15 URLs of big.test"),
                    "{page}"
                );
            }
        }
        assert_eq!((captured, cut), (BUDGET - 1, 21 - BUDGET));
    }

    /// Of the slow site, what was not served yet waits for the pause its robots.txt asks for.
    fn judge_waiting(&self, phase: Phase, told: &mut Told) {
        let mut waiting = 0;
        for number in 1..4 {
            let (explained, page) = self.why(phase, told, &format!("http://slow.test/{number}"));
            let served = self.served("slow.test", &format!("/{number}"));
            let kind = explained.verdict.kind;
            assert_eq!(
                kind,
                if served {
                    Kind::Captured
                } else {
                    Kind::Waiting
                },
                "{page}"
            );
            if kind == Kind::Waiting {
                waiting += 1;
                assert!(page.contains("crawl-delay"), "{page}");
                let sentence = &explained.verdict.sentence;
                let words = if phase == Phase::Running {
                    "the site rests until"
                } else {
                    "nobody crawls now"
                };
                assert!(sentence.contains(words), "{page}");
            }
        }
        assert!(waiting > 0, "the crawl ends before the slow site does");
    }
}

/// Asks the running crawl about everything.
async fn ask(control: &Control) -> Told {
    let mut told = Told::default();
    for url in urls() {
        let facts = control.url_facts(&url).await.unwrap();
        told.urls.insert(url.as_str().to_owned(), facts);
        let site = url.site();
        if !told.sites.contains_key(site.as_str()) {
            let facts = control.site_facts(&site).await.unwrap();
            told.sites.insert(site.as_str().to_owned(), facts);
        }
    }
    told
}

/// Asks the folder about everything.
fn read(crawl: &StoppedCrawl) -> Told {
    let mut told = Told::default();
    let stranger = Site::of_host("never-heard-of.test");
    let facts = crawl.site_facts(&stranger).unwrap();
    told.sites.insert(stranger.as_str().to_owned(), facts);
    for url in urls() {
        let facts = crawl.url_facts(&url).unwrap();
        told.urls.insert(url.as_str().to_owned(), facts);
        let site = url.site();
        let facts = crawl.site_facts(&site).unwrap();
        told.sites.insert(site.as_str().to_owned(), facts);
    }
    told
}

#[test]
fn every_fate_is_explained_while_the_crawl_runs_and_after() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(whole());
}

async fn whole() {
    let disk = MemoryDisk::new();
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(Stamp {
        boot: BootId([1; 16]),
        mono: Mono(5_000_000_000),
        wall: Wall(1_795_000_000_000_000),
    }));
    let scene = Scene {
        dir: CrawlDir::new("/crawl"),
        disk: disk.clone(),
        clock: Arc::clone(&clock),
        asked: Arc::default(),
    };
    let world: Arc<dyn World> = Arc::new(HandWorld {
        clock: Arc::clone(&clock),
        stores: ModelOpener::new(disk.clone()),
        disk,
        net: Arc::new(HandNet {
            clock: Arc::clone(&clock),
            answers,
            addresses,
            asked: Arc::clone(&scene.asked),
            questions: Mutex::default(),
        }),
    });
    let control = Control::new();
    let mut crawl = orb_crawl::open(CrawlSetup {
        dir: scene.dir.clone(),
        config: config(),
        rules: rules(),
        world: Arc::clone(&world),
        control: control.clone(),
        software: "orbweaver/simulated".into(),
    })
    .unwrap();
    let seeds = SEEDS.map(|line| parse_seed_line(line).unwrap().unwrap());
    crawl.add_seeds(seeds.into_iter()).unwrap();
    let watch = async {
        clock
            .sleep_until(clock.mono().plus(Duration::from_secs(550)))
            .await;
        let mut told = ask(&control).await;
        scene.judge_fates(Phase::Running, &mut told);
        scene.judge_waiting(Phase::Running, &mut told);
    };
    let (end, ()) = futures_util::future::join(crawl.run_inline(2), watch).await;
    assert_eq!(end.unwrap().why, EndReason::DurationMax);

    let stopped = StoppedCrawl::open(world, scene.dir.clone(), config(), rules()).unwrap();
    let mut told = read(&stopped);
    scene.judge_fates(Phase::Stopped, &mut told);
    scene.judge_waiting(Phase::Stopped, &mut told);
    judge_sites(&scene, &mut told);
}

fn judge_sites(scene: &Scene, told: &mut Told) {
    let config = config();
    let local = |at: Wall| format!("at {} s", at.0 / 1_000_000);
    let times = Times {
        now: scene.clock.wall(),
        local: &local,
    };
    let mut report = |site: &str| {
        let crawl = scene.crawl(&config, Phase::Stopped);
        inspect(&crawl, told, &Site::of_host(site), &times, &mut |_| {}).unwrap()
    };
    let home = report("home.test");
    assert_eq!(home.whose.whose, Whose::Site, "{}", home.page(&times));
    assert_eq!(home.facts.pending, 0);
    let parked = report("patient.test").standing;
    assert!(parked.starts_with("set aside (crawl_delay)"), "{parked}");
    let hermit = report("hermit.test").standing;
    assert!(hermit.contains("will be set aside"), "{hermit}");
    let broken = report("broken.test");
    assert_eq!(broken.requests.troubles(), 3, "{}", broken.page(&times));
    assert!(
        report("never-heard-of.test")
            .standing
            .starts_with("not known")
    );
}
