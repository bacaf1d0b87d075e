//! A crawl that is asked while it runs, and when it has ended.
//!
//! In: a calm scenario. Out: what was told, held against the rows. May touch: the run's parts.
//! Invariant: asking changes nothing of what the crawl does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use orb_api::{Limiting, SieveFacts, SiteOrder, UrlFacts, UrlState, View, ViewQuery};
use orb_crawl::{Control, StoppedCrawl};
use orb_env::{BootId, Clock, Mono, Stamp, Wall};
use orb_frontier::UrlRules;
use orb_frontier::rows::FateRow;
use orb_shard::SlotId;
use orb_store::Keyspace;
use orb_url::{CrawlUrl, Site};

use crate::dice::mix;
use crate::net::SimNet;
use crate::remains::for_each_row;
use crate::run::{Run, WALL_START};
use crate::scenario::{NAMESERVER, Scenario};
use crate::time::TrueTime;

/// What an asker heard.
#[derive(Default)]
struct Heard {
    views: Vec<View>,
    urls: Vec<UrlFacts>,
}

async fn ask(control: &Control, clock: Arc<dyn Clock>, seed: &CrawlUrl, heard: &mut Heard) {
    for look in 0.. {
        clock
            .sleep_until(clock.mono().plus(Duration::from_millis(730)))
            .await;
        let query = ViewQuery {
            order: SiteOrder::ALL[look % SiteOrder::ALL.len()],
            filter: String::new(),
            sites_max: 5,
        };
        let view = control.view(query).await;
        // The sites the last view showed, one of them by URL.
        for line in &view.sites {
            let site = Site::parse(&line.site).unwrap();
            if let Ok(facts) = control.site_facts(&site).await {
                assert!(facts.known && facts.site == line.site, "{facts:?}");
            }
        }
        heard.views.push(view);
        if let Ok(facts) = control.url_facts(seed).await {
            heard.urls.push(facts);
        }
    }
}

async fn crawl_and_ask(scenario: &Scenario, asked: bool) -> (u64, Heard) {
    let mut scenario = scenario.clone();
    let web = scenario.build_web();
    web.forget_attempts();
    let run = Run::new(&scenario, &web);
    let time = TrueTime::new();
    let net = Arc::new(SimNet::new(
        Arc::clone(&web),
        Arc::clone(&time),
        run.disk.clone(),
        mix(scenario.seed, "net"),
        scenario.weather.clone(),
        NAMESERVER,
    ));
    net.begin_life(0);
    let stamp = Stamp {
        boot: BootId([1; 16]),
        mono: Mono(5_000_000_000),
        wall: Wall(WALL_START),
    };
    let clock = run.clock_of(0, stamp, &time);
    let control = Control::new();
    let setup = run.setup_of(0, &clock, &net, &control);
    let (world, dir, config) = (
        Arc::clone(&setup.world),
        setup.dir.clone(),
        setup.config.clone(),
    );
    let seed = run.seeds[0].url.clone();
    let mut crawl = orb_crawl::open(setup).unwrap();
    crawl.add_seeds(run.seeds.iter().cloned()).unwrap();
    let mut heard = Heard::default();
    let end = {
        let crawling = crawl.run_inline(scenario.shards).boxed_local();
        if asked {
            let asking = ask(&control, clock.clone(), &seed, &mut heard).boxed_local();
            match futures_util::future::select(crawling, asking).await {
                futures_util::future::Either::Left((end, _)) => end.unwrap(),
                futures_util::future::Either::Right(_) => unreachable!("the asker never ends"),
            }
        } else {
            crawling.await.unwrap()
        }
    };
    assert!(end.clean && end.summary.requests > end.summary.pages);
    let stopped = StoppedCrawl::open(world, dir.clone(), config, UrlRules::default()).unwrap();
    let status = stopped.status().unwrap();
    assert_eq!(status.pages, end.summary.pages);
    assert!(status.sites > 0 && status.sites_pending == 0, "{status:?}");
    check_fates(&run, &stopped);
    let hash = crate::remains::rows_hash(&run.stores, &dir);
    (hash, heard)
}

/// Every fate row is told as it stands, with a segment that is there.
fn check_fates(run: &Run<'_>, stopped: &StoppedCrawl) {
    let mut seen = BTreeSet::new();
    for slot in (0..4).map(SlotId) {
        let mut rows = Vec::new();
        for_each_row(
            &run.stores,
            &run.dir.store(slot),
            Keyspace::Fates,
            |_, value| {
                rows.push(FateRow::decode(value).unwrap());
            },
        );
        for row in rows.into_iter().take(40) {
            let facts = stopped.url_facts(row.url()).unwrap();
            let fate = facts.fate.unwrap();
            assert_eq!(
                (fate.state, fate.outcome, fate.reason),
                (row.state, row.outcome, row.reason)
            );
            assert_eq!(fate.archive.is_some(), row.place.is_some(), "{}", facts.url);
            assert_eq!(
                (facts.sieve, facts.queue),
                (SieveFacts::Seen, None),
                "{}",
                facts.url
            );
            assert!(facts.site.known && facts.site.slot == slot.0);
            if row.state == UrlState::Excluded && row.reason == orb_api::Reason::Robots {
                let robots = facts.robots.unwrap();
                assert_eq!(robots.allowed, Some(false), "{}", facts.url);
                assert!(robots.line.is_some() && robots.rule.is_some());
            }
            seen.insert(row.outcome);
        }
    }
    assert!(seen.len() > 1, "the web is too tame: {seen:?}");
    let never = CrawlUrl::parse("https://never.example/").unwrap();
    let facts = stopped.url_facts(&never).unwrap();
    assert_eq!((facts.sieve, facts.fate), (SieveFacts::Unseen, None));
    assert!(!facts.site.known);
}

fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(work)
}

#[test]
fn a_crawl_tells_of_itself_while_it_runs_and_afterwards() {
    let mut scenario = Scenario::calm(11);
    scenario.config.politeness.site_delay = Duration::from_secs(1);
    let (_, heard) = in_virtual_time(crawl_and_ask(&scenario, true));
    let last = heard.views.last().unwrap();
    assert!(last.status.pages > 0 && last.version == "orbweaver/simulated");
    assert!(heard.views.iter().all(|view| view.sites.len() <= 5));
    let busy = heard
        .views
        .iter()
        .flat_map(|view| &view.sites)
        .map(|line| line.requests)
        .max();
    assert!(busy > Some(1), "{busy:?}");
    let limits: BTreeSet<String> = heard
        .views
        .iter()
        .map(|view| format!("{:?}", view.status.limiting))
        .collect();
    let polite = format!("{:?}", Limiting::Politeness);
    assert!(limits.contains(&polite), "{limits:?}");
    let states: Vec<&UrlFacts> = heard.urls.iter().collect();
    assert!(
        states.last().unwrap().fate.is_some(),
        "a seed has a fate in the end"
    );
    assert!(
        states.iter().any(|facts| facts.site.delay_ms >= 1_000),
        "{:?}",
        states.last()
    );
}
