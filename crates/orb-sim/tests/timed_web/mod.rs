//! Whole crawls of webs whose servers answer by the time of asking, in virtual time, measured where the requests arrive.
//!
//! In: a web as a function of host, time and path. Out: when each request came; the folder that the crawl left.
//! May touch: virtual time, a folder in memory. Invariant: the same web makes the same crawl.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "the helpers of a test fail by panicking, and no test needs all of them"
)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use orb_api::CrawlDir;
use orb_crawl::{Control, CrawlConfig, CrawlSetup, StoppedCrawl, World};
use orb_env::{BootId, Clock, Disk, MemoryDisk, Mono, Stamp, VirtualClock, Wall};
use orb_frontier::UrlRules;
use orb_store::ModelOpener;
use orb_url::{CrawlUrl, parse_seed_line};
use orb_warc::{Reader, RecordType};

use crate::hand_web::{HandNet, HandWorld, Page, nameserver};

/// The site that crawls begin with.
pub(crate) const HOST: &str = "site.test";

/// A request as the server saw it: seconds since the crawl began, path; of other hosts than `site.test` behind the host.
pub(crate) type Seen = Vec<(f64, String)>;

/// Says what a host answers to a path so many seconds after the crawl began.
pub(crate) type Web = Rc<dyn Fn(&str, f64, &str) -> Page>;

/// The web of the crawl that this thread runs.
struct Running {
    clock: Arc<VirtualClock>,
    began: Mono,
    web: Web,
    seen: Seen,
}

thread_local! {
    static WEB: RefCell<Option<Running>> = const { RefCell::new(None) };
    static STORES: RefCell<Option<ModelOpener>> = const { RefCell::new(None) };
}

/// From now on the running crawl's stores are behind, or no longer. For a web, while it answers.
pub(crate) fn stores_are_behind(behind: bool) {
    STORES.with_borrow(|stores| stores.as_ref().unwrap().set_behind(behind));
}

fn answers(host: &str, path: &str) -> Page {
    WEB.with_borrow_mut(|web| {
        let web = web.as_mut().unwrap();
        let seconds = web.clock.mono().since(web.began).as_secs_f64();
        let seen = if host == HOST {
            path.to_owned()
        } else {
            format!("{host}{path}")
        };
        web.seen.push((seconds, seen));
        (web.web)(host, seconds, path)
    })
}

/// Hosts whose name begins with `inside.` are in somebody's own network, those with `far.` on a machine of their own.
fn addresses(host: &str, _: u32) -> Option<Ipv4Addr> {
    let inside = host.starts_with("inside.");
    let far = host.starts_with("far.");
    Some(Ipv4Addr::new(
        if inside { 10 } else { 11 },
        1,
        1,
        1 + u8::from(far),
    ))
}

pub(crate) fn page(status: u16, fields: &str, body: String) -> Page {
    Page {
        status,
        fields: format!("Content-Type: text/html\r\n{fields}"),
        body,
    }
}

/// A page with words of its own, so that no budget takes it for a copy of another.
pub(crate) fn story(path: &str) -> Page {
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
pub(crate) fn index(links: usize, path: fn(usize) -> String) -> Page {
    let links = (0..links).map(|n| format!("<a href=\"{}\">x</a>", path(n)));
    page(200, "", links.collect())
}

pub(crate) fn robots(text: &str) -> Page {
    Page {
        status: 200,
        fields: "Content-Type: text/plain\r\n".into(),
        body: text.into(),
    }
}

pub(crate) struct Outcome {
    pub(crate) seen: Seen,
    pub(crate) seconds: f64,
    pub(crate) folder: StoppedCrawl,
    disk: Arc<dyn Disk>,
    dir: CrawlDir,
}

impl Outcome {
    /// The smallest time between two requests, in seconds.
    pub(crate) fn least_gap(&self) -> f64 {
        let gaps = self.seen.windows(2).map(|two| two[1].0 - two[0].0);
        gaps.fold(f64::INFINITY, f64::min)
    }

    pub(crate) fn requests(&self, from: f64, to: f64) -> usize {
        let inside = |at: &f64| *at >= from && *at < to;
        self.seen.iter().filter(|(at, _)| inside(at)).count()
    }

    pub(crate) fn paths(&self) -> BTreeSet<&str> {
        self.seen.iter().map(|(_, path)| path.as_str()).collect()
    }

    /// What the archive's metadata record of a page says: its fields, one a line.
    pub(crate) fn metadata(&self, path: &str) -> String {
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

    /// What the books say of a URL of the site, in words.
    pub(crate) fn fate(&self, path: &str) -> String {
        self.fate_of(&format!("http://{HOST}{path}"))
    }

    /// What the books say of a URL, in words.
    pub(crate) fn fate_of(&self, url: &str) -> String {
        let facts = self
            .folder
            .url_facts(&CrawlUrl::parse(url).unwrap())
            .unwrap();
        serde_json::to_string(&facts).unwrap()
    }
}

fn world(clock: &Arc<VirtualClock>) -> Arc<dyn World> {
    let disk = MemoryDisk::new();
    let stores = ModelOpener::new(disk.clone());
    STORES.set(Some(stores.clone()));
    Arc::new(HandWorld {
        clock: Arc::<VirtualClock>::clone(clock),
        stores,
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
pub(crate) fn crawl_web(
    web: Web,
    hours: u64,
    jumps: &[(u64, i64)],
    configure: impl FnOnce(&mut CrawlConfig),
) -> Outcome {
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
        WEB.set(Some(Running {
            clock: Arc::clone(&clock),
            began,
            web,
            seen: Seen::new(),
        }));
        let world = world(&clock);
        let mut config = config(hours);
        configure(&mut config);
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
