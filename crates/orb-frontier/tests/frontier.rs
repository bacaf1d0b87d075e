//! One slot's frontier driven by hand: groups, books, kills, retries, budgets.

#![allow(clippy::unwrap_used)] // the bench fails as the test does that drives it

mod bench;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bench::{Bench, any, both_ways, fate, own_page};
use orb_api::{Reason, UrlState};
use orb_env::{Disk, Mono, Wall};
use orb_frontier::{
    CutCause, FrontierConfig, How, Scope, SeedsEnd, Settled, SieveKey, UrlLook, UrlLooked, Waits,
    Weighed, Yield, restore_cold,
};
use orb_shard::{SlotId, SlotMap};
use orb_store::{Batch, JournalEnd, StoreOpener};
use orb_url::{CrawlKey, CrawlUrl};

#[test]
fn each_url_comes_out_once_and_ends_in_one_state() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        for _ in 0..3 {
            bench.offer("https://a.example/", How::Seed, 0);
            bench.offer("https://a.example/x", How::Link, 1);
            bench.offer("https://b.example/", How::Link, 1);
            bench.absorb();
        }
        let mut seen = Vec::new();
        while let Some((visit, queued)) = bench.next() {
            seen.push(queued.row.found.url.to_string());
            let settled = fate(&queued, UrlState::Done);
            bench.settle(&visit, queued, settled);
            bench.pass(Duration::from_secs(1));
        }
        seen.sort();
        assert_eq!(
            seen,
            [
                "https://a.example/",
                "https://a.example/x",
                "https://b.example/"
            ]
        );
        let books = bench.f().books();
        assert_eq!((books.discovered, books.done, books.pending), (3, 3, 0));
        assert!(bench.f().is_idle());
    });
}

#[test]
fn while_the_store_is_behind_a_flood_waits_and_requests_do_not() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        bench.offer("https://a.example/", How::Seed, 0);
        bench.absorb();

        bench.opener.set_behind(true);
        for i in 0..3_000 {
            bench.offer(&format!("https://hot.example/{i}"), How::Link, 1);
        }
        bench.merge();
        let now = bench.now.mono;
        assert!(bench.f().waits_for_store(now) && bench.f().has_undrained());
        let (visit, queued) = bench.next().unwrap();
        let settled = fate(&queued, UrlState::Done);
        bench.settle(&visit, queued, settled);
        let books = bench.f().books();
        assert_eq!(
            (books.discovered, books.done, books.pending),
            (3_001, 1, 3_000)
        );
        assert!(bench.next().is_none() && !bench.f().is_idle());

        bench.opener.set_behind(false);
        assert!(!bench.f().waits_for_store(now));
        bench.absorb();
        assert!(bench.next().is_some());
        drop(bench.frontier.take());
        assert_eq!(bench.check().undrained, 0);
    });
}

#[test]
fn intake_does_not_wait_for_ever_for_a_store_that_may_have_failed() {
    let mut bench = Bench::new(any());
    bench.opener.set_behind(true);
    let waits = |bench: &mut Bench| {
        let now = bench.now.mono;
        bench.f().waits_for_store(now)
    };
    assert!(waits(&mut bench));
    bench.pass(Duration::from_secs(599));
    assert!(waits(&mut bench));
    bench.pass(Duration::from_secs(1));
    assert!(!waits(&mut bench));

    bench.opener.set_behind(false);
    assert!(!waits(&mut bench));
    bench.opener.set_behind(true);
    assert!(waits(&mut bench), "the next wait is as long");
}

#[test]
fn a_reopened_frontier_goes_on_where_the_last_group_left_it() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        for i in 0..40 {
            bench.offer(&format!("https://a.example/{i}"), How::Link, 1);
        }
        bench.absorb();
        let mut seen = Vec::new();
        loop {
            bench.open(true);
            bench.pass(Duration::from_secs(1));
            let Some((visit, queued)) = bench.next() else {
                break;
            };
            seen.push(queued.row.found.url.to_string());
            let settled = fate(&queued, UrlState::Done);
            bench.settle(&visit, queued, settled);
        }
        assert_eq!(seen.len(), 40);
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 40, "none was handed out twice");
        // What was handed out but not settled comes again.
        bench.offer("https://a.example/last", How::Link, 1);
        bench.absorb();
        bench.pass(Duration::from_secs(1));
        assert!(bench.next().is_some());
        bench.open(false);
        bench.pass(Duration::from_secs(2));
        assert!(bench.next().is_some());
    });
}

#[test]
fn an_undrained_admitted_file_drains_after_reopening() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        bench.offer("https://a.example/", How::Seed, 0);
        let merged = bench.f().start_merge().unwrap().run().unwrap();
        let mut batch = Batch::new();
        bench.f().merged(&merged, &mut batch);
        bench.commit(batch);
        assert_eq!(bench.f().books().pending, 1);
        bench.open(false);
        assert!(!bench.f().is_idle());
        bench.absorb();
        bench.pass(Duration::from_secs(2));
        assert!(bench.next().is_some());
    });
}

#[test]
fn a_position_moves_only_with_the_outcome_of_its_links() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        let source = SlotId(2);
        let end = JournalEnd { file: 1, bytes: 77 };
        bench.offer("https://a.example/", How::Link, 1);
        bench.f().covered(source, end);
        bench.commit(Batch::new());
        assert_eq!(
            bench.f().durable_to(source),
            JournalEnd::default(),
            "the link is only buffered"
        );
        bench.absorb();
        assert_eq!(bench.f().durable_to(source), end);
        // Links that are all known move the position with the next group.
        let later = JournalEnd { file: 1, bytes: 99 };
        bench.f().covered(source, later);
        assert!(!bench.f().is_idle());
        bench.commit(Batch::new());
        assert_eq!(bench.f().durable_to(source), later);
        let seeds = SeedsEnd { file: 1, bytes: 5 };
        bench.f().covered_seeds(seeds);
        bench.commit(Batch::new());
        bench.open(true);
        assert_eq!(bench.f().seeds_read_to(), seeds);
    });
}

#[test]
fn a_retry_waits_for_its_time_and_comes_before_fresh_urls() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        bench.offer("https://a.example/1", How::Link, 1);
        bench.offer("https://a.example/2", How::Link, 1);
        bench.absorb();
        let (visit, queued) = bench.next().unwrap();
        let due = bench.now.wall.plus(Duration::from_secs(30));
        bench.settle(&visit, queued, Settled::Retry(due, 1));
        bench.pass(Duration::from_secs(2));
        let (visit, queued) = bench.next().unwrap();
        assert!(queued.row.found.url.as_str().ends_with("/2"));
        let settled = fate(&queued, UrlState::Done);
        bench.settle(&visit, queued, settled);
        bench.pass(Duration::from_secs(2));
        assert!(bench.next().is_none());
        bench.pass(Duration::from_secs(30));
        let (visit, queued) = bench.next().unwrap();
        assert_eq!(queued.row.attempts, 1);
        let settled = fate(&queued, UrlState::Failed);
        bench.settle(&visit, queued, settled);
        assert_eq!(bench.f().books().failed, 1);
    });
}

/// A read that began before a group was durable saw nothing; the rows of that group must not be forgotten.
#[test]
fn rows_that_arrive_during_a_read_are_read_again() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        bench.offer("https://a.example/1", How::Link, 1);
        bench.absorb();
        let (visit, queued) = bench.next().unwrap();
        bench.offer("https://a.example/2", How::Link, 1);
        let merged = bench.f().start_merge().unwrap().run().unwrap();
        let mut batch = Batch::new();
        bench.f().merged(&merged, &mut batch);
        bench.commit(batch);
        // The drained row is counted, but not committed yet.
        let drained = bench.f().start_drain().unwrap().run().unwrap();
        let mut batch = Batch::new();
        bench.f().drained(drained, &mut batch);
        let settled = fate(&queued, UrlState::Done);
        bench.f().settle(visit.id, queued, settled, &mut batch);
        bench.f().release(visit.id, Mono(0));
        bench.pass(Duration::from_secs(1));
        let now = bench.now;
        let early = bench.f().start_load(now).unwrap().run().unwrap();
        bench.commit(batch);
        bench.f().loaded(early, now);
        let (_, queued) = bench.next().expect("the row is found");
        assert!(queued.row.found.url.as_str().ends_with("/2"));
    });
}

#[test]
fn a_page_that_is_fetched_again_stays_pending_and_comes_with_what_is_known_of_it() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        bench.offer(&own_page(), How::Seed, 0);
        bench.absorb();
        for round in 1..3_u32 {
            let (visit, queued) = bench.next().unwrap();
            assert_eq!(queued.known.is_some(), round > 1);
            let Settled::Final(mut done) = fate(&queued, UrlState::Done) else {
                unreachable!("a fate is final");
            };
            done.etag = Some(format!("\"{round}\""));
            let due = bench.now.wall.plus(Duration::from_secs(86_400));
            bench.settle(&visit, queued, Settled::Again(done, due));
            assert_eq!((bench.f().books().pending, bench.f().books().done), (1, 0));
            assert!(!bench.f().is_idle());
            assert_eq!(bench.check().findings, [] as [String; 0]);
            bench.pass(Duration::from_secs(86_000));
            assert!(bench.next().is_none(), "not before its time");
            bench.open(true);
            bench.pass(Duration::from_secs(1_000));
        }
        let (_, queued) = bench.next().unwrap();
        assert_eq!(queued.known.unwrap().etag.as_deref(), Some("\"2\""));
    });
}

#[test]
fn trouble_on_a_page_that_is_fetched_again_loses_nothing_that_is_known_of_it() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        bench.offer(&own_page(), How::Seed, 0);
        bench.absorb();
        let (visit, queued) = bench.next().unwrap();
        let Settled::Final(done) = fate(&queued, UrlState::Done) else {
            unreachable!("a fate is final");
        };
        let due = bench.now.wall.plus(Duration::from_secs(86_400));
        bench.settle(&visit, queued, Settled::Again(done.clone(), due));
        bench.pass(Duration::from_secs(86_400));
        for attempts in 0..3 {
            let (visit, queued) = bench.next().unwrap();
            let known = queued.known.as_deref();
            assert_eq!(known, Some(done.as_ref()), "after {attempts} failures");
            let due = bench.now.wall.plus(Duration::from_secs(60));
            bench.settle(&visit, queued, Settled::Retry(due, attempts + 1));
            bench.pass(Duration::from_secs(60));
        }
    });
}

#[test]
fn what_a_host_budget_cut_is_named_and_comes_back_when_restored() {
    both_ways(|| {
        let mut bench = Bench::new(FrontierConfig {
            pages_per_host_max: 2,
            novelty: false,
            ..any()
        });
        let own = own_page();
        let pages: Vec<String> = (0..5).map(|i| format!("{own}{i}")).collect();
        for page in &pages {
            bench.offer(page, How::Link, 1);
        }
        bench.absorb();
        let mut fetched = Vec::new();
        for _ in &pages {
            bench.pass(Duration::from_secs(60));
            let Some((visit, queued)) = bench.next() else {
                break;
            };
            let (now, mut batch) = (bench.now.wall, Batch::new());
            match bench.f().weigh(visit.id, queued, now, &mut batch) {
                Weighed::Take(queued) => {
                    let url = queued.row.found.url.clone();
                    bench.f().note_fetched(visit.id, &url, &Yield::default());
                    let settled = fate(&queued, UrlState::Done);
                    bench.f().settle(visit.id, queued, settled, &mut batch);
                    fetched.push(url.to_string());
                }
                Weighed::Cut(cause) => assert_eq!(cause, CutCause::HostPages),
                Weighed::PutOff => panic!("nothing is put off by a bound"),
            }
            bench.f().release(visit.id, Mono(0));
            bench.commit(batch);
        }
        assert_eq!(fetched, pages[..2]);
        assert_eq!(place(&mut bench, &pages[2]), "host_pages behind 0");
        assert_eq!(bench.f().books().excluded.get(&Reason::Budget), Some(&3));
        assert_eq!(bench.check().findings, [] as [String; 0]);

        bench.frontier = None;
        let store = bench.opener.open(Path::new("/c/store")).unwrap();
        assert_eq!(restore_cold(store.as_ref(), None, true).unwrap(), 3);
        assert_eq!(restore_cold(store.as_ref(), None, false).unwrap(), 3);
        drop(store);
        assert_eq!(bench.check().findings, [] as [String; 0]);
        bench.open(true);
        assert_eq!((bench.f().books().pending, bench.f().books().done), (3, 2));
        bench.pass(Duration::from_secs(60));
        let (visit, queued) = bench.next().unwrap();
        let (now, mut batch) = (bench.now.wall, Batch::new());
        let weighed = bench.f().weigh(visit.id, queued, now, &mut batch);
        assert!(
            matches!(weighed, Weighed::Take(_)),
            "what the operator wants back is not judged again"
        );
    });
}

#[test]
fn a_retry_that_is_due_soon_is_read_once() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        bench.offer("https://a.example/", How::Seed, 0);
        bench.absorb();
        let (visit, queued) = bench.next().unwrap();
        let due = bench.now.wall.plus(Duration::from_secs(30));
        bench.settle(&visit, queued, Settled::Retry(due, 1));
        // As a shard does in the last second: whatever wants to be read is.
        bench.pass(Duration::from_millis(29_100));
        let now = bench.now;
        let mut reads = 0;
        while let Some(job) = bench.f().start_load(now) {
            let loaded = job.run().unwrap();
            bench.f().loaded(loaded, now);
            reads += 1;
        }
        assert!(reads <= 2, "{reads} reads");
        assert!(bench.next().is_none(), "it is not due yet");
        bench.pass(Duration::from_millis(900));
        assert!(bench.next().is_some());
    });
}

#[test]
fn a_fresh_url_does_not_wait_for_a_far_retry() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        bench.offer("https://a.example/1", How::Link, 1);
        bench.absorb();
        let (visit, queued) = bench.next().unwrap();
        let due = bench.now.wall.plus(Duration::from_secs(3600));
        bench.settle(&visit, queued, Settled::Retry(due, 1));
        bench.pass(Duration::from_secs(2));
        assert!(bench.next().is_none());
        bench.offer("https://a.example/2", How::Link, 1);
        bench.absorb();
        assert!(bench.next().is_some());
    });
}

#[test]
fn a_budget_sends_the_rest_to_the_cold_log_and_then_closes_the_site() {
    both_ways(|| {
        let config = FrontierConfig {
            pages_per_site_max: 3,
            cold_per_site_max: 2,
            ..any()
        };
        let mut bench = Bench::new(config);
        for i in 0..8 {
            bench.offer(&format!("https://a.example/{i}"), How::Link, 1);
            bench.absorb();
        }
        let books = bench.f().books();
        assert_eq!((books.discovered, books.pending), (5, 3));
        assert_eq!(books.excluded[&Reason::Budget], 2);
        assert_eq!(bench.f().sightings().0["full"], 3);
    });
}

#[test]
fn a_parked_site_counts_as_excluded_with_everything_that_comes_later() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        bench.offer("https://a.example/1", How::Link, 1);
        bench.offer("https://a.example/2", How::Link, 1);
        bench.absorb();
        let (visit, queued) = bench.next().unwrap();
        bench.f().put_back(visit.id, queued);
        bench.f().park(visit.id, Reason::CrawlDelay);
        bench.f().release(visit.id, Mono(0));
        bench.commit(Batch::new());
        bench.offer("https://a.example/3", How::Link, 1);
        bench.absorb();
        assert_eq!(bench.f().books().excluded[&Reason::CrawlDelay], 3);
        assert!(bench.f().is_idle());
        bench.open(true);
        bench.pass(Duration::from_secs(5));
        assert!(bench.next().is_none());
    });
}

#[test]
fn scope_depth_and_redirect_limits_stop_links_as_sightings() {
    both_ways(|| {
        let config = FrontierConfig {
            scope: Scope::Host,
            depth_max: 2,
            ..FrontierConfig::default()
        };
        let mut bench = Bench::new(config);
        bench.offer("https://www.a.example/", How::Seed, 0);
        bench.offer("https://www.a.example/in", How::Link, 1);
        bench.offer("https://other.a.example/", How::Link, 1);
        bench.offer("https://b.example/", How::Link, 1);
        bench.offer("https://www.a.example/deep", How::Link, 3);
        // Where a seed redirects to is as good as a seed.
        bench.offer("https://c.example/", How::Redirect, 0);
        bench.absorb();
        assert_eq!(bench.f().books().discovered, 3);
        assert_eq!(bench.f().sightings().0["scope"], 2);
        assert_eq!(bench.f().sightings().0["depth"], 1);
    });
}

#[test]
fn a_full_site_table_stops_new_sites_and_known_ones_go_on() {
    both_ways(|| {
        let config = FrontierConfig {
            memory_max: orb_api::ByteSize(300_000),
            ..any()
        };
        let mut bench = Bench::new(config);
        for i in 0..5_000 {
            bench.offer(&format!("https://s{i}.example/"), How::Link, 1);
        }
        bench.offer("https://s0.example/more", How::Link, 1);
        bench.absorb();
        let known = bench.f().site_counts().known;
        let full = bench.f().sightings().0["frontier_full"];
        assert_eq!(known + full, 5_000);
        assert_eq!(bench.f().books().discovered, known + 1);
        assert!(bench.f().heap_bytes() < 2_000_000 && full > 0);
    });
}

/// Where a URL is, asked of the running slot and of its files alone: both say the same.
fn looked(bench: &mut Bench, url: &str) -> UrlLooked {
    let url = CrawlUrl::parse(url).unwrap();
    let (site, slots) = (url.site(), SlotMap::new(4).unwrap());
    let key = SieveKey {
        partition: slots.partition_of(&CrawlKey::ZERO, &site),
        fingerprint: CrawlKey::ZERO.fingerprint(&url),
    };
    let running = bench.f().look().run(key, &site).unwrap();
    let store = Arc::clone(bench.f().store());
    let disk = Arc::new(bench.disk.clone()) as Arc<dyn Disk>;
    let stopped = UrlLook::open(store, disk, "/c/sieve".into(), CrawlKey::ZERO).unwrap();
    assert_eq!(stopped.run(key, &site).unwrap(), running, "{url}");
    running
}

fn place(bench: &mut Bench, url: &str) -> String {
    match looked(bench, url).waits {
        None => "nowhere".into(),
        Some(Waits::Queue(at)) => format!("queue {} behind {}", at.lane, at.ahead),
        Some(Waits::Cold(at, cause)) => format!("{} behind {}", cause.unwrap().name(), at.ahead),
        Some(Waits::Admitted(found)) => format!("admitted by {}", found.how.name()),
        Some(Waits::Beyond) => "beyond".into(),
    }
}

#[test]
fn a_url_is_found_wherever_it_waits() {
    both_ways(|| {
        let mut bench = Bench::new(FrontierConfig {
            pages_per_site_max: 3,
            ..any()
        });
        let pages: Vec<String> = (0..5).map(|i| format!("https://a.example/{i}")).collect();
        for page in &pages {
            bench.offer(page, How::Link, 1);
        }
        assert!(
            !looked(&mut bench, &pages[0]).seen,
            "offered is not seen yet"
        );
        let merged = bench.f().start_merge().unwrap().run().unwrap();
        let mut batch = Batch::new();
        bench.f().merged(&merged, &mut batch);
        bench.commit(batch);
        assert_eq!(place(&mut bench, &pages[4]), "admitted by link");
        bench.absorb();
        assert_eq!(place(&mut bench, &pages[2]), "queue 3 behind 2");
        assert_eq!(place(&mut bench, &pages[4]), "site_pages behind 1");
        bench.pass(Duration::from_secs(1));
        let (visit, queued) = bench.next().unwrap();
        let url = queued.row.found.url.to_string();
        let fingerprint = queued.row.fingerprint;
        assert!(bench.f().is_in_hand(visit.id, fingerprint));
        let retry = Settled::Retry(Wall(bench.now.wall.0 + 30_000_000), 1);
        bench.settle(&visit, queued, retry);
        assert!(!bench.f().is_in_hand(visit.id, fingerprint));
        let waits = looked(&mut bench, &url).waits.unwrap();
        assert_eq!(waits.due(), Some(bench.now.wall.0 as u64 + 30_000_000));
        assert_eq!(place(&mut bench, &url), "queue 0 behind 0");
        bench.pass(Duration::from_secs(60));
        let (visit, queued) = bench.next().unwrap();
        // A page that was in memory already may come before the one that is tried again.
        let url = queued.row.found.url.to_string();
        let settled = fate(&queued, UrlState::Done);
        bench.settle(&visit, queued, settled);
        let done = looked(&mut bench, &url);
        assert!(done.seen && done.waits.is_none() && done.fate.is_some());
        assert_eq!(
            looked(&mut bench, "https://b.example/"),
            UrlLooked::default()
        );
    });
}

#[test]
fn sites_are_counted_by_what_they_do() {
    both_ways(|| {
        let mut bench = Bench::new(any());
        for site in ["a", "b", "c"] {
            bench.offer(&format!("https://{site}.example/"), How::Seed, 0);
        }
        bench.absorb();
        let counts = bench.f().site_counts();
        assert_eq!((counts.known, counts.pending, counts.waiting), (3, 3, 3));
        bench.pass(Duration::from_secs(2));
        let late = bench.now.mono;
        assert!(bench.f().lateness(late) >= Duration::from_secs(1));
        let (visit, queued) = bench.next().unwrap();
        bench.f().deferred(visit.id);
        let counts = bench.f().site_counts();
        assert_eq!((counts.waiting, counts.deferred), (2, 1));
        bench.f().put_back(visit.id, queued);
        bench.f().release(visit.id, Mono(0));
        bench.f().park(visit.id, Reason::CrawlDelay);
        let counts = bench.f().site_counts();
        assert_eq!((counts.pending, counts.parked), (2, 1));
    });
}
