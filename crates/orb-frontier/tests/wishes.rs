//! Orders for single sites in a running slot: budgets that cut and bring back, priorities, pauses that were taken back.

#![allow(clippy::unwrap_used)] // the bench fails as the test does that drives it

mod bench;

use std::sync::Arc;
use std::time::Duration;

use bench::{Bench, any, both_ways, fate};
use orb_api::{Outcome, Reason, UrlState};
use orb_env::Mono;
use orb_frontier::{
    Exclusions, FrontierConfig, How, Settled, SiteWish, SiteWishes, TakenBack, Weighed,
};
use orb_store::Batch;
use orb_url::Site;

fn site() -> Site {
    Site::of_host("a.example")
}

/// Gives the order that leaves this wish, and lets what it brings back come.
fn wish(bench: &mut Bench, wish: SiteWish) {
    let mut wishes = SiteWishes::default();
    *wishes.at(&site()) = wish;
    bench.f().set_wishes(Arc::new(wishes));
    bench.f().heed_sites(&[site()]);
    bench.f().recall(&[site()]);
    look_back(bench);
}

fn look_back(bench: &mut Bench) {
    while bench.f().is_readmitting() {
        let mut batch = Batch::new();
        if let Some(job) = bench.f().start_readmit() {
            let found = job.run().unwrap();
            bench.f().readmitted(found, &mut batch);
        }
        bench.commit(batch);
    }
}

fn pages(most: u64) -> SiteWish {
    SiteWish {
        pages_max: Some(most),
        ..SiteWish::default()
    }
}

/// Everything that is fetched, as budgets allow, a second apart.
fn fetch_all(bench: &mut Bench) -> usize {
    let mut fetched = 0;
    for _ in 0..60 {
        while let Some((visit, queued)) = bench.next() {
            let mut batch = Batch::new();
            let wall = bench.now.wall;
            match bench.f().weigh(visit.id, queued, wall, &mut batch) {
                Weighed::Take(queued) => {
                    fetched += 1;
                    let settled = fate(&queued, UrlState::Done);
                    bench.settle(&visit, queued, settled);
                }
                Weighed::PutOff | Weighed::Cut(_) => {
                    bench.f().release(visit.id, Mono(0));
                    bench.commit(batch);
                }
            }
        }
        bench.pass(Duration::from_secs(1));
    }
    fetched
}

fn check_rows(bench: &Bench) {
    let mut findings = bench.check().findings;
    findings.retain(|finding| !finding.contains(" slot"));
    assert_eq!(findings, Vec::<String>::new());
}

fn offer(bench: &mut Bench, from: u32, to: u32) {
    for page in from..to {
        bench.offer(&format!("https://a.example/{page}"), How::Link, 1);
    }
    bench.absorb();
}

fn cut(bench: &mut Bench) -> u64 {
    let excluded = &bench.f().books().excluded;
    excluded.get(&Reason::Budget).copied().unwrap_or(0)
}

#[test]
fn a_budget_by_order_cuts_what_is_queued_and_brings_it_back_when_it_grows() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        offer(&mut bench, 0, 10);
        wish(&mut bench, pages(4));
        assert_eq!(fetch_all(&mut bench), 4);
        assert_eq!(cut(&mut bench), 6);
        check_rows(&bench);

        // What is found now is cut at once; the order outlives the process.
        bench.open(false);
        wish(&mut bench, pages(4));
        offer(&mut bench, 10, 12);
        assert_eq!((cut(&mut bench), fetch_all(&mut bench)), (8, 0));

        wish(&mut bench, pages(7));
        assert_eq!(cut(&mut bench), 5, "as many as have room");
        assert_eq!(fetch_all(&mut bench), 3);
        check_rows(&bench);
        wish(&mut bench, SiteWish::default());
        assert_eq!((cut(&mut bench), fetch_all(&mut bench)), (0, 5));
        let books = bench.f().books().clone();
        assert_eq!((books.done, books.pending), (12, 0));
        check_rows(&bench);
    });
}

#[test]
fn a_budget_by_order_goes_before_the_setting_for_its_site_alone() {
    both_ways(|| {
        let mut bench = Bench::new(FrontierConfig {
            pages_per_site_max: 2,
            ..any()
        });
        wish(&mut bench, pages(0));
        offer(&mut bench, 0, 5);
        for page in 0..5 {
            bench.offer(&format!("https://b.example/{page}"), How::Link, 1);
        }
        bench.absorb();
        assert_eq!(cut(&mut bench), 3, "of the other site");
        assert_eq!(fetch_all(&mut bench), 5 + 2);
        check_rows(&bench);
    });
}

/// A URL that an exclusion settled and that came back was counted when it was first queued.
#[test]
fn what_comes_back_counts_once_against_the_budget() {
    both_ways(|| {
        let mut bench = Bench::new(FrontierConfig {
            pages_per_site_max: 4,
            ..any()
        });
        offer(&mut bench, 0, 3);
        bench.pass(Duration::from_secs(2));
        for _ in 0..3 {
            let (visit, queued) = bench.next().unwrap();
            let Settled::Final(mut row) = fate(&queued, UrlState::Excluded) else {
                unreachable!("a fate is final")
            };
            (row.reason, row.outcome) = (Reason::Rule, Outcome::Refused);
            bench.settle(&visit, queued, Settled::Final(row));
            bench.pass(Duration::from_secs(2));
        }
        bench.f().set_exclusions(Arc::new(Exclusions::default()));
        let order = 2;
        let site = Some(site());
        bench.f().readmit(&[TakenBack { order, site }]).unwrap();
        look_back(&mut bench);
        bench.open(true);
        offer(&mut bench, 3, 5);
        assert_eq!(cut(&mut bench), 1, "three and one are four");
        assert_eq!(fetch_all(&mut bench), 4);
        check_rows(&bench);
    });
}

#[test]
fn a_site_that_waits_for_a_pause_no_longer_asked_for_is_looked_at_again() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        offer(&mut bench, 0, 2);
        bench.pass(Duration::from_secs(2));
        let (visit, queued) = bench.next().unwrap();
        bench.f().put_back(visit.id, queued);
        // As a shard does that finds the order's pause not over.
        let asked = bench.now.mono.plus(Duration::from_secs(3_600));
        bench.f().release(visit.id, asked);
        bench.commit(Batch::new());
        bench.pass(Duration::from_secs(5));
        assert!(bench.next().is_none());
        wish(&mut bench, SiteWish::default());
        assert!(bench.next().is_some());
    });
}

#[test]
fn a_priority_changes_whose_turn_is_first_and_no_clock() {
    let ahead = |steps, expected: &str| {
        both_ways(|| {
            let mut bench = Bench::new(any());
            for host in ["b", "a"] {
                bench.offer(&format!("https://{host}.example/"), How::Seed, 0);
                bench.absorb();
                bench.pass(Duration::from_secs(5));
            }
            wish(
                &mut bench,
                SiteWish {
                    priority: steps,
                    ..SiteWish::default()
                },
            );
            let (first, queued) = bench.next().unwrap();
            assert_eq!(first.site.as_str(), expected, "{steps} steps");
            let settled = fate(&queued, UrlState::Done);
            bench.settle(&first, queued, settled);
        });
    };
    ahead(20, "a.example");
    ahead(-20, "b.example");
}
