//! The oracle against a walk by HTTP: a naive crawler must find exactly what the truth says.

#![allow(clippy::unwrap_used)] // in a test's own tools too, a panic is the report

mod naive;

use std::collections::{BTreeMap, VecDeque};

use naive::{Fetched, Robots, fetch, followed_links, gunzip};
use orb_simweb::{Fate, FaultMix, SimWeb, SimWebConfig, SizeProfile, TruthRules};
use url::Url;

const ATTEMPTS: usize = 3;
const HOPS_MAX: u8 = 5;

enum RobotsCopy {
    Rules(Robots),
    Unreachable,
}

struct Crawler<'a> {
    web: &'a SimWeb,
    rules: TruthRules,
    robots: BTreeMap<String, RobotsCopy>,
    fates: BTreeMap<String, Fate>,
    queue: VecDeque<(Url, u8)>,
}

impl Crawler<'_> {
    fn find(&mut self, url: Url, hops: u8) {
        if hops <= HOPS_MAX && !self.fates.contains_key(url.as_str()) {
            self.fates.insert(url.to_string(), Fate::Failed);
            self.queue.push_back((url, hops));
        }
    }

    fn fetch_with_retries(&self, url: &Url) -> Option<Fetched> {
        let retry = |status| status == 429 || status >= 500;
        (0..ATTEMPTS)
            .filter_map(|_| fetch(self.web, url, true))
            .find(|fetched| !retry(fetched.status))
    }

    fn fetch_robots(&self, origin: &Url) -> RobotsCopy {
        let mut url = origin.join("/robots.txt").unwrap();
        for _ in 0..=HOPS_MAX {
            let Some(fetched) = self.fetch_with_retries(&url) else {
                return RobotsCopy::Unreachable;
            };
            match fetched.status {
                200 => return RobotsCopy::Rules(Robots::parse(&fetched.body)),
                300..400 => url = url.join(fetched.field("location").unwrap()).unwrap(),
                _ => return RobotsCopy::Rules(Robots::allow_all()),
            }
        }
        RobotsCopy::Rules(Robots::allow_all())
    }

    fn visit(&mut self, url: &Url, hops: u8) -> Fate {
        if self.web.resolve(url.host_str().unwrap()).is_none() {
            return Fate::Unresolved;
        }
        let origin = url.origin().ascii_serialization();
        if !self.robots.contains_key(&origin) {
            let copy = self.fetch_robots(url);
            if let (true, RobotsCopy::Rules(robots)) = (self.rules.sitemaps, &copy) {
                let found: Vec<String> = robots
                    .sitemaps
                    .iter()
                    .filter(|url| self.rules.forbidden_sitemaps || may_read(robots, url))
                    .flat_map(|url| self.read_sitemap(url))
                    .collect();
                found
                    .iter()
                    .for_each(|url| self.find(Url::parse(url).unwrap(), 0));
            }
            self.robots.insert(origin.clone(), copy);
        }
        let RobotsCopy::Rules(robots) = &self.robots[&origin] else {
            return Fate::RobotsUnreachable;
        };
        if robots.crawl_delay > 300 {
            return Fate::DelayTooLong;
        }
        if !robots.allows(&url[url::Position::BeforePath..]) {
            return Fate::RobotsDenied;
        }
        let Some(fetched) = self.fetch_with_retries(url) else {
            return Fate::Failed;
        };
        match fetched.status {
            200 => {
                if !fetched.short {
                    followed_links(url, &fetched)
                        .into_iter()
                        .for_each(|link| self.find(link, 0));
                }
                if fetched.short {
                    Fate::CutShort
                } else {
                    Fate::Captured
                }
            }
            300..400 => {
                self.find(
                    url.join(fetched.field("location").unwrap()).unwrap(),
                    hops + 1,
                );
                Fate::Redirect
            }
            _ => Fate::Gone,
        }
    }

    fn read_sitemap(&self, url: &str) -> Vec<String> {
        let fetched = self.fetch_with_retries(&Url::parse(url).unwrap()).unwrap();
        let body = if fetched.body.starts_with(&[0x1F, 0x8B]) {
            gunzip(&fetched.body)
        } else {
            fetched.body
        };
        let text = String::from_utf8(body).unwrap();
        let locs = text
            .split("<loc>")
            .skip(1)
            .map(|rest| rest.split("</loc>").next().unwrap());
        let locs = locs.map(|loc| loc.replace("&amp;", "&"));
        if text.contains("<sitemapindex") {
            return locs.flat_map(|part| self.read_sitemap(&part)).collect();
        }
        locs.collect()
    }
}

fn may_read(robots: &Robots, sitemap: &str) -> bool {
    let url = Url::parse(sitemap).unwrap();
    robots.crawl_delay <= 300 && robots.allows(&url[url::Position::BeforePath..])
}

fn check(config: SimWebConfig, sitemaps: bool) -> BTreeMap<&'static str, usize> {
    let rules = TruthRules {
        sitemaps,
        ..TruthRules::default()
    };
    check_for(config, rules)
}

fn check_for(config: SimWebConfig, rules: TruthRules) -> BTreeMap<&'static str, usize> {
    let seed = config.seed;
    let web = SimWeb::new(config);
    let mut crawler = Crawler {
        web: &web,
        rules,
        robots: BTreeMap::new(),
        fates: BTreeMap::new(),
        queue: VecDeque::new(),
    };
    web.seeds()
        .iter()
        .for_each(|url| crawler.find(Url::parse(url).unwrap(), 0));
    while let Some((url, hops)) = crawler.queue.pop_front() {
        let fate = crawler.visit(&url, hops);
        crawler.fates.insert(url.to_string(), fate);
    }
    let truth = web.truth_for(rules);
    for (url, fate) in &crawler.fates {
        assert_eq!(
            truth.fate(url),
            Some(*fate),
            "seed {seed}: the walk found {url} as {}",
            fate.name()
        );
    }
    for (url, fate) in truth.iter() {
        assert!(
            crawler.fates.contains_key(url),
            "seed {seed}: the walk missed {url}, {}",
            fate.name()
        );
        assert!(
            !url.contains("/maze/"),
            "{url} is behind a link not to be followed"
        );
    }
    let mut counts = BTreeMap::new();
    truth
        .iter()
        .for_each(|(_, fate)| *counts.entry(fate.name()).or_default() += 1);
    counts
}

fn tiny(seed: u64) -> SimWebConfig {
    SimWebConfig {
        seed,
        sites: 60,
        pages_per_site: 20,
        size: SizeProfile::Tiny,
        faults: FaultMix::harsh(),
        ..SimWebConfig::default()
    }
}

#[test]
fn a_naive_walk_finds_what_the_truth_says() {
    let mut sums = BTreeMap::<&str, usize>::new();
    for seed in 1..=12 {
        for (name, count) in check(tiny(seed), false) {
            *sums.entry(name).or_default() += count;
        }
    }
    let all = [
        Fate::Captured,
        Fate::CutShort,
        Fate::Redirect,
        Fate::Gone,
        Fate::Failed,
        Fate::RobotsDenied,
        Fate::RobotsUnreachable,
        Fate::DelayTooLong,
        Fate::Unresolved,
    ];
    for fate in all {
        assert!(
            sums.get(fate.name()).is_some_and(|&count| count > 20),
            "{}: {sums:?}",
            fate.name()
        );
    }
}

/// With the schemes' own ports, links that name the port mean the same URL as those that do not.
#[test]
fn default_ports_mean_nothing() {
    check(
        SimWebConfig {
            http_port: 80,
            https_port: 443,
            ..tiny(77)
        },
        false,
    );
}

#[test]
fn sitemaps_add_the_pages_nobody_links_to() {
    let config = SimWebConfig {
        sites: 4,
        pages_per_site: 800,
        faults: FaultMix::none(),
        ..tiny(5)
    };
    let with = check(config.clone(), true);
    let without = check(config, false);
    assert!(with["captured"] > without["captured"]);
    check(tiny(6), true);
}

#[test]
fn the_other_sizes_are_true_too() {
    let small = SimWebConfig {
        size: SizeProfile::Small,
        sites: 30,
        pages_per_site: 15,
        ..tiny(8)
    };
    check(small.clone(), false);
    check(
        SimWebConfig {
            size: SizeProfile::Large,
            sites: 12,
            pages_per_site: 8,
            ..small
        },
        false,
    );
}

/// Without faults every seed is captured, and nothing but pages and the ways to `www.` and `https` exist.
#[test]
fn a_web_without_faults_is_whole() {
    let counts = check(
        SimWebConfig {
            faults: FaultMix::none(),
            ..tiny(9)
        },
        false,
    );
    assert!(
        counts
            .keys()
            .all(|name| ["captured", "redirect"].contains(name)),
        "{counts:?}"
    );
}

/// Sites that live are found out the same way, with all that goes wrong elsewhere.
#[test]
fn a_naive_walk_finds_what_living_sites_list() {
    for seed in 1..=6 {
        let mut config = tiny(seed);
        config.living.share = 0.7;
        let sum = |counts: BTreeMap<&str, usize>| counts.values().sum::<usize>();
        let listed = sum(check(config.clone(), true));
        let obedient = TruthRules {
            sitemaps: true,
            forbidden_sitemaps: false,
            ..TruthRules::default()
        };
        let allowed = sum(check_for(config.clone(), obedient));
        let linked = sum(check(config, false));
        assert!(
            listed >= allowed && allowed > linked,
            "seed {seed}: {listed} {allowed} {linked}"
        );
    }
}
