//! A crawl that is steered while it runs: what servers felt of it, and what the books say.
//!
//! In: a calm scenario, orders. Out: the servers' log and the rows, held against what was ordered.
//! May touch: the run's parts. Invariant: what an exclusion promises to servers is judged by what servers saw.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use orb_api::{Act, Books, Effect, OrderReply, OrderWish, Reason, SiteOrder, ViewQuery};
use orb_crawl::{Control, CrawlEnd, EndReason, StoppedCrawl, Wish};
use orb_env::{BootId, Mono, Stamp, Wall};
use orb_frontier::{SlotSnapshot, UrlRules};
use orb_shard::SlotId;
use orb_simweb::SimWeb;
use orb_store::StoreOpener;
use orb_url::CrawlUrl;

use crate::dice::mix;
use crate::net::SimNet;
use crate::run::{Run, WALL_START};
use crate::scenario::{NAMESERVER, Scenario};
use crate::server_log::Visit;
use crate::time::TrueTime;

/// A world and a folder in it.
struct Stage<'a> {
    run: Run<'a>,
    time: Arc<TrueTime>,
    net: Arc<SimNet>,
    shards: u16,
    life: usize,
}

impl<'a> Stage<'a> {
    fn new(scenario: &'a Scenario, web: &Arc<SimWeb>) -> Stage<'a> {
        web.forget_attempts();
        let run = Run::new(scenario, web);
        let time = TrueTime::new();
        let net = Arc::new(SimNet::new(
            Arc::clone(web),
            Arc::clone(&time),
            run.disk.clone(),
            mix(scenario.seed, "net"),
            scenario.weather.clone(),
            NAMESERVER,
        ));
        Stage {
            run,
            time,
            net,
            shards: scenario.shards,
            life: 0,
        }
    }

    /// One process, with an operator at its side.
    async fn live<T>(
        &mut self,
        operator: impl AsyncFnOnce(Control, Arc<TrueTime>) -> T,
    ) -> (CrawlEnd, T) {
        self.net.begin_life(self.life);
        let stamp = Stamp {
            boot: BootId([1; 16]),
            mono: Mono(5_000_000_000 + self.time.now()),
            wall: Wall(WALL_START + self.time.now() as i64),
        };
        let clock = self.run.clock_of(self.life, stamp, &self.time);
        let control = Control::new();
        let setup = self.run.setup_of(self.life, &clock, &self.net, &control);
        let mut crawl = orb_crawl::open(setup).unwrap();
        if self.life == 0 {
            crawl.add_seeds(self.run.seeds.iter().cloned()).unwrap();
        }
        self.life += 1;
        let crawling = pin!(crawl.run_inline(self.shards));
        let operating = pin!(operator(control, Arc::clone(&self.time)));
        match select(crawling, operating).await {
            Either::Left(_) => panic!("the crawl ended before its operator had done"),
            Either::Right((told, crawling)) => (crawling.await.unwrap(), told),
        }
    }

    fn books(&self) -> Books {
        let mut books = Books::default();
        for slot in (0..4).map(SlotId) {
            let store = self.run.stores.open(&self.run.dir.store(slot)).unwrap();
            books += &SlotSnapshot::read(store.as_ref()).unwrap().unwrap().books;
        }
        books
    }

    /// Everything is done, and nothing counts as excluded by an order.
    fn expect_all_back(&self, seed: u64) {
        let books = self.books();
        assert!(
            books.balanced() && books.pending == 0,
            "seed {seed}: {books:?}"
        );
        let by_order = books.excluded.get(&Reason::Rule);
        assert_eq!(by_order, None, "seed {seed}: {books:?}");
    }

    /// Requests to a site that began in this span of true time.
    fn visits(&self, site: &str, from: u64, to: u64) -> Vec<Visit> {
        let visits = self.net.log().visits.into_iter();
        let of_site = |host: &str| {
            host == site
                || host
                    .strip_suffix(site)
                    .is_some_and(|left| left.ends_with('.'))
        };
        visits
            .filter(|visit| of_site(&visit.host) && (from..to).contains(&visit.begun))
            .collect()
    }

    /// What a stopped crawl says of a URL.
    fn stopped(&self) -> StoppedCrawl {
        let clock = self.run.clock_of(9, Stamp::default(), &self.time);
        let setup = self.run.setup_of(9, &clock, &self.net, &Control::new());
        StoppedCrawl::open(setup.world, setup.dir, setup.config, UrlRules::default()).unwrap()
    }
}

async fn pass(time: &Arc<TrueTime>, seconds: u64) {
    time.sleep_until(time.now() + seconds * 1_000_000).await;
}

async fn order(control: &Control, dry_run: bool, act: Act) -> OrderReply {
    let wish = OrderWish {
        who: "ann".to_owned(),
        why: "its owner asked".to_owned(),
        dry_run,
        act,
    };
    control.order(wish).await.unwrap()
}

/// The site with most URLs pending, and how many.
async fn largest(control: &Control) -> (String, u64) {
    let query = ViewQuery {
        order: SiteOrder::Slow,
        filter: String::new(),
        sites_max: 100,
    };
    let sites = control.view(query).await.sites;
    let open = sites.into_iter().filter(|line| line.parked.is_none());
    let line = open.max_by_key(|line| line.pending).unwrap();
    (line.site, line.pending)
}

fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(work)
}

fn scenario(seed: u64) -> (Scenario, Arc<SimWeb>) {
    let mut scenario = Scenario::calm(seed);
    scenario.config.politeness.site_delay = Duration::from_secs(3);
    scenario.config.limits.in_flight_max = 64;
    let web = scenario.build_web();
    (scenario, web)
}

/// Design, promise to site owners: no request begins later than one second after an exclusion. Faults: S13.
#[test]
fn an_excluded_site_is_left_alone_at_once_and_comes_back_whole() {
    for seed in 11..19 {
        let (scenario, web) = scenario(seed);
        in_virtual_time(async {
            let mut stage = Stage::new(&scenario, &web);
            let (end, (site, from, to)) = stage
                .live(async |control, time| {
                    pass(&time, 6).await;
                    let (what, pending) = largest(&control).await;
                    let exclude = |what: &str| Act::Exclude {
                        what: what.to_owned(),
                    };
                    let foreseen = order(&control, true, exclude(&what)).await;
                    assert_eq!(
                        (foreseen.order, foreseen.effect),
                        (None, Effect::exactly(pending))
                    );
                    let given = order(&control, false, exclude(&what)).await;
                    assert_eq!(given.effect, foreseen.effect, "seed {seed}: {what}");
                    let from = time.now();
                    assert!(order(&control, false, exclude(&what)).await.already);
                    pass(&time, 10).await;
                    let undo = Act::Undo {
                        undoes: given.order.unwrap(),
                    };
                    let foreseen = order(&control, true, undo.clone()).await;
                    let to = time.now();
                    let undone = order(&control, false, undo).await;
                    assert_eq!(undone.effect, foreseen.effect, "seed {seed}: {what}");
                    assert!(undone.effect.urls_min > 0, "seed {seed}: {what}");
                    (what, from, to)
                })
                .await;
            assert!(end.clean && end.why == EndReason::Finished, "seed {seed}");
            let late = stage.visits(&site, from, to);
            assert!(late.is_empty(), "seed {seed}: {site} was asked {late:?}");
            assert!(
                !stage.visits(&site, to, u64::MAX).is_empty(),
                "seed {seed}: {site}"
            );
            stage.expect_all_back(seed);
        });
    }
}

/// What is on its way when the order comes, at a name server or an address's clock, goes back as well.
#[test]
fn a_pause_holds_at_the_gate() {
    for seed in 30..34 {
        let (scenario, web) = scenario(seed);
        in_virtual_time(async {
            let mut stage = Stage::new(&scenario, &web);
            let (end, (from, to)) = stage
                .live(async |control, time| {
                    pass(&time, 5).await;
                    order(&control, false, Act::Pause {}).await;
                    let from = time.now();
                    pass(&time, 60).await;
                    let to = time.now();
                    order(&control, false, Act::Resume {}).await;
                    (from, to)
                })
                .await;
            assert_eq!(end.why, EndReason::Finished, "seed {seed}");
            let visits = stage.net.log().visits;
            let begun = |from, to| move |visit: &&Visit| (from + 1..to).contains(&visit.begun);
            let late = visits.iter().filter(begun(from, to)).count();
            assert_eq!(late, 0, "seed {seed}: a paused crawl asks nobody");
            assert!(visits.iter().any(|visit| visit.begun > to), "seed {seed}");
            stage.expect_all_back(seed);
        });
    }
}

#[test]
fn an_opt_out_and_a_pause_hold_over_a_kill() {
    let (scenario, web) = scenario(23);
    in_virtual_time(async {
        let mut stage = Stage::new(&scenario, &web);
        let (_, (site, from)) = stage
            .live(async |control, time| {
                pass(&time, 5).await;
                let (what, _) = largest(&control).await;
                let opt_out = Act::OptOut { what: what.clone() };
                order(&control, false, opt_out).await;
                let from = time.now();
                order(&control, false, Act::Pause {}).await;
                control.ask(Wish::Abort);
                (what, from)
            })
            .await;
        let (end, paused) = stage
            .live(async |control, time| {
                pass(&time, 20).await;
                let paused = (from, time.now());
                assert_eq!(control.wish(), Wish::Pause, "it is paused as it was");
                order(&control, false, Act::Resume {}).await;
                paused
            })
            .await;
        assert_eq!(end.why, EndReason::Finished);
        let log = stage.net.log();
        let begun = |visit: &&Visit| visit.life == 1 && visit.begun < paused.1;
        assert_eq!(
            log.visits.iter().filter(begun).count(),
            0,
            "a paused crawl asks nobody"
        );
        assert!(log.visits.iter().any(|visit| visit.life == 1));
        let late = stage.visits(&site, from, u64::MAX);
        assert!(late.is_empty(), "{site} was asked {late:?}");
        let books = stage.books();
        assert!(books.balanced() && books.pending == 0, "{books:?}");
        assert!(books.excluded[&Reason::OptOut] > 0);
        let url = CrawlUrl::parse(&format!("https://{site}/never-found")).unwrap();
        let scope = stage.stopped().url_facts(&url).unwrap().scope;
        assert_eq!(scope.stopped_by.as_deref(), Some("opt_out"));
        let words = scope.rule.unwrap();
        assert!(words.contains("by ann: its owner asked"), "{words}");
    });
}

#[test]
fn what_a_pattern_excludes_ends_at_its_turn_and_comes_back_when_it_is_taken_back() {
    for seed in 31..35 {
        let (scenario, web) = scenario(seed);
        in_virtual_time(async {
            let mut stage = Stage::new(&scenario, &web);
            let (end, (from, to)) = stage
                .live(async |control, time| {
                    pass(&time, 4).await;
                    let act = Act::Exclude {
                        what: "*://*".to_owned(),
                    };
                    let foreseen = order(&control, true, act.clone()).await.effect;
                    let given = order(&control, false, act).await;
                    let from = time.now();
                    pass(&time, 1).await;
                    let books = control.status().states;
                    let excluded = books.excluded.get(&Reason::Rule).copied().unwrap_or(0);
                    let bound = 1..=foreseen.urls_max;
                    assert!(bound.contains(&excluded), "{excluded} of {foreseen:?}");
                    let undoes = given.order.unwrap();
                    let to = time.now();
                    order(&control, false, Act::Undo { undoes }).await;
                    (from, to)
                })
                .await;
            assert!(end.clean && end.why == EndReason::Finished, "seed {seed}");
            let pages =
                |visit: &&Visit| visit.target != "/robots.txt" && (from..to).contains(&visit.begun);
            let log = stage.net.log();
            assert_eq!(log.visits.iter().filter(pages).count(), 0, "seed {seed}");
            assert!(
                log.visits.iter().any(|visit| visit.begun > to),
                "seed {seed}"
            );
            stage.expect_all_back(seed);
        });
    }
}

#[test]
fn seeds_and_slower_rates_reach_a_running_crawl() {
    let (mut scenario, web) = scenario(41);
    scenario.config.frontier.scope = orb_frontier::Scope::Site;
    in_virtual_time(async {
        let mut stage = Stage::new(&scenario, &web);
        let last = stage.run.seeds.pop().unwrap();
        let rated = stage.run.seeds[0].url.site().as_str().to_owned();
        let (_, from) = stage
            .live(async |control, time| {
                pass(&time, 2).await;
                let rate = Act::Rate {
                    site: rated.clone(),
                    delay_ms: 7_000,
                };
                order(&control, false, rate).await;
                let seeds = vec![last.url.as_str().to_owned()];
                order(&control, false, Act::Seeds { seeds }).await;
                time.now()
            })
            .await;
        let site = last.url.site();
        assert!(!stage.visits(site.as_str(), from, u64::MAX).is_empty());
        let visits = stage.visits(&rated, from, u64::MAX);
        let gaps = visits.windows(2).map(|pair| pair[1].begun - pair[0].ended);
        let least = gaps.min().unwrap();
        assert!(least >= 7_000_000, "{least}");
    });
}

/// A budget and a rate that are taken back leave nothing behind: what was cut is fetched, and the pauses are the old ones.
#[test]
fn budgets_and_rates_hold_over_a_kill_and_leave_nothing_when_they_are_taken_back() {
    for seed in 51..54 {
        let (scenario, web) = scenario(seed);
        in_virtual_time(async {
            let mut stage = Stage::new(&scenario, &web);
            let (_, (site, budget, rate)) = stage
                .live(async |control, time| {
                    pass(&time, 6).await;
                    let (site, pending) = largest(&control).await;
                    let pages = Some(1);
                    let what = || site.clone();
                    let budget = Act::Budget {
                        site: what(),
                        pages,
                    };
                    let foreseen = order(&control, true, budget.clone()).await;
                    assert_eq!(foreseen.effect, Effect::at_most(pending), "seed {seed}");
                    let budget = order(&control, false, budget).await.order.unwrap();
                    let rate = Act::Rate {
                        site: what(),
                        delay_ms: 3_600_000,
                    };
                    let rate = order(&control, false, rate).await.order.unwrap();
                    let (site, steps) = (what(), -20);
                    order(&control, false, Act::Priority { site, steps }).await;
                    pass(&time, 10).await;
                    control.ask(Wish::Abort);
                    (what(), budget, rate)
                })
                .await;
            let (end, (from, to)) = stage
                .live(async |control, time| {
                    let from = time.now();
                    pass(&time, 8).await;
                    let cut = control.status().states.excluded;
                    let cut = cut.get(&Reason::Budget).copied().unwrap_or(0);
                    let to = time.now();
                    for undoes in [rate, budget] {
                        order(&control, false, Act::Undo { undoes }).await;
                    }
                    assert!(cut > 0, "seed {seed}: its budget was spent");
                    (from, to)
                })
                .await;
            assert_eq!(end.why, EndReason::Finished, "seed {seed}");
            assert!(stage.visits(&site, from, to).is_empty(), "seed {seed}");
            // The pause that is left is the site's own, not the rest of an hour.
            let soon = stage.visits(&site, to, to + 30_000_000);
            assert!(!soon.is_empty(), "seed {seed}: {site}");
            let books = stage.books();
            assert!(books.balanced() && books.pending == 0, "{books:?}");
            assert_eq!(books.excluded.get(&Reason::Budget), None, "{books:?}");
        });
    }
}
