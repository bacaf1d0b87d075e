//! Fault N16: a domain that answers for any sub-domain, and an address with domains without number, beside ordinary sites.
//!
//! In: a web made by hand, crawled in virtual time. Out: who was asked how often, measured where the requests arrive.
//! May touch: virtual time, a folder in memory. Invariant: what is expected follows from the pauses in force alone.
//! With five million hosts, the real program and its memory: `cargo xtask long wildcard`.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking"
)]

mod hand_web;

use std::cell::RefCell;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hand_web::{HandNet, HandWorld, Page, nameserver};
use orb_api::{CrawlDir, Status};
use orb_crawl::{Control, CrawlConfig, CrawlSetup, StoppedCrawl, World};
use orb_env::{BootId, Clock, MemoryDisk, Mono, Stamp, VirtualClock, Wall};
use orb_frontier::{Scope, UrlRules};
use orb_store::ModelOpener;
use orb_url::parse_seed_line;

const GOOD_SITES: usize = 150;
const SECONDS: u64 = 90;
const HOSTS_PER_PAGE: usize = 200;

/// Each request so far: when, and of which host.
type Seen = Vec<(Mono, String)>;

thread_local! {
    /// The clock of the crawl that this thread runs, and what its servers saw.
    static SEEN: RefCell<Option<(Arc<VirtualClock>, Seen)>> = const { RefCell::new(None) };
}

/// Good sites have as many pages as a crawl of this length can ask for; every other host links to hosts that are new.
fn answers(host: &str, path: &str) -> Page {
    SEEN.with_borrow_mut(|seen| {
        let (clock, seen) = seen.as_mut().unwrap();
        seen.push((clock.mono(), host.to_owned()));
    });
    let body = match (host.starts_with("good"), path) {
        (_, "/robots.txt") => {
            return Page {
                status: 404,
                fields: String::new(),
                body: String::new(),
            };
        }
        (true, "/") => (0..SECONDS)
            .map(|n| format!("<a href=/{n}>x</a>"))
            .collect(),
        (true, _) => format!("{host} {path}"),
        (false, _) => {
            let domain = host.split_once('.').unwrap().1;
            let at = host.bytes().fold(7_u64, |at, byte| {
                (at ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
            let link = |n| format!("<a href=http://h{:x}.{domain}/>x</a>", at.wrapping_add(n));
            (0..HOSTS_PER_PAGE as u64).map(link).collect()
        }
    };
    Page {
        status: 200,
        fields: "Content-Type: text/html\r\n".to_owned(),
        body,
    }
}

/// Each good site has an address of its own, all other hosts share one.
fn addresses(host: &str, _: u32) -> Option<Ipv4Addr> {
    let number = host
        .strip_prefix("good")
        .and_then(|rest| rest.split('.').next()?.parse::<u8>().ok());
    Some(number.map_or(Ipv4Addr::new(11, 2, 0, 1), |number| {
        Ipv4Addr::new(11, 1, 0, number)
    }))
}

struct Outcome {
    /// When each host that is not a good site's was asked.
    wild: Vec<Mono>,
    requests: usize,
    status: Status,
}

impl Outcome {
    fn share(&self) -> f64 {
        self.wild.len() as f64 / self.requests as f64
    }

    /// The smallest time between two requests to hosts that are not good sites'.
    fn least_gap(&self) -> Duration {
        let gaps = self.wild.windows(2).map(|two| two[1].since(two[0]));
        gaps.min().unwrap_or_default()
    }
}

fn crawl(good_sites: usize, seeds: &[String]) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let clock = Arc::new(VirtualClock::new(Stamp {
        boot: BootId([1; 16]),
        mono: Mono(5_000_000_000),
        wall: Wall(1_795_000_000_000_000),
    }));
    SEEN.set(Some((Arc::clone(&clock), Vec::new())));
    let disk = MemoryDisk::new();
    let world: Arc<dyn World> = Arc::new(HandWorld {
        clock: Arc::<VirtualClock>::clone(&clock),
        stores: ModelOpener::new(disk.clone()),
        disk,
        net: Arc::new(HandNet {
            clock: Arc::<VirtualClock>::clone(&clock),
            answers,
            addresses,
            asked: Arc::default(),
            questions: Mutex::default(),
        }),
    });
    let mut config = CrawlConfig {
        slots: 4,
        threads: 1,
        ..CrawlConfig::default()
    };
    config.identity.contact = "operator@example.org".into();
    config.fetch.user_agent = "orbweaver/0.1.0 (+mailto:operator@example.org)".into();
    config.limits.duration_max = Duration::from_secs(SECONDS);
    config.dns.servers = vec![nameserver()];
    config.frontier.scope = Scope::Any;
    let setup = CrawlSetup {
        dir: CrawlDir::new("/crawl"),
        config: config.clone(),
        rules: UrlRules::default(),
        world: Arc::clone(&world),
        control: Control::new(),
        software: "orbweaver/simulated".into(),
    };
    let good = (0..good_sites).map(|number| format!("http://good{number}.test/"));
    let seeds: Vec<String> = good.chain(seeds.iter().cloned()).collect();
    runtime.block_on(async {
        let mut crawl = orb_crawl::open(setup).unwrap();
        let seeds = seeds
            .iter()
            .filter_map(|seed| parse_seed_line(seed).unwrap());
        crawl.add_seeds(seeds).unwrap();
        crawl.run_inline(1).await.unwrap();
    });
    let seen = SEEN.take().unwrap().1;
    let folder = StoppedCrawl::open(world, CrawlDir::new("/crawl"), config, UrlRules::default());
    let wild = seen.iter().filter(|(_, host)| !host.starts_with("good"));
    Outcome {
        wild: wild.map(|(at, _)| *at).collect(),
        requests: seen.len(),
        status: folder.unwrap().status().unwrap(),
    }
}

/// Thousands of sub-domains are one site, with one site's clock, share and row.
#[test]
fn n16_sub_domains_without_number_get_one_sites_share() {
    let crawl = crawl(GOOD_SITES, &["http://start.wild.test/".to_owned()]);
    let found = crawl.status.discovered;
    assert!(found > 5_000, "only {found} hosts were found");
    assert!(crawl.wild.len() > 20, "{}", crawl.wild.len());
    assert!(
        crawl.share() <= 0.01,
        "{:.4} of {}",
        crawl.share(),
        crawl.requests
    );
    assert!(
        crawl.least_gap() >= Duration::from_secs(1),
        "{:?}",
        crawl.least_gap()
    );
    assert_eq!(crawl.status.sites, GOOD_SITES as u64 + 1);
}

/// Where each name is a site of its own (here below a public suffix), the address's clock is what holds them.
#[test]
fn n16_sites_without_number_at_one_address_share_its_clock() {
    let crawl = crawl(GOOD_SITES, &["http://start.github.io/".to_owned()]);
    assert!(crawl.status.sites > 1_000, "{}", crawl.status.sites);
    assert!(
        crawl.least_gap() >= Duration::from_millis(500),
        "{:?}",
        crawl.least_gap()
    );
    // More than one site's share: the test above could fail.
    assert!(crawl.share() > 0.01, "{:.4}", crawl.share());
}
