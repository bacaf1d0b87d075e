//! Exclusions in a running slot: sites set aside under a mark, single URLs settled at their turn, all of it taken back.

#![allow(clippy::unwrap_used)] // the bench fails as the test does that drives it

mod bench;

use std::sync::Arc;
use std::time::Duration;

use bench::{Bench, any, both_ways, fate};
use orb_api::{Outcome, Reason, UrlState};
use orb_env::Mono;
use orb_frontier::{Excluded, Exclusion, Exclusions, How, Settled, TakenBack};
use orb_store::Batch;
use orb_url::Site;

fn exclusions(lines: &[&str]) -> Arc<Exclusions> {
    let mut all = Exclusions::default();
    for line in lines {
        let exclusion = Exclusion {
            order: 1,
            reason: Reason::Rule,
            words: (*line).into(),
        };
        all.add(&Excluded::read(line).unwrap(), exclusion).unwrap();
    }
    Arc::new(all)
}

fn excluded(bench: &mut Bench) -> u64 {
    let books = bench.f().books();
    books.excluded.get(&Reason::Rule).copied().unwrap_or(0)
}

/// Everything that is fetched, in order, a second apart.
fn fetch_all(bench: &mut Bench) -> Vec<String> {
    let mut seen = Vec::new();
    for _ in 0..60 {
        while let Some((visit, queued)) = bench.next() {
            seen.push(queued.row.found.url.to_string());
            let settled = fate(&queued, UrlState::Done);
            bench.settle(&visit, queued, settled);
        }
        bench.pass(Duration::from_secs(1));
    }
    seen.sort();
    seen
}

/// What is stored agrees with itself. The bench is one slot of four and takes every site.
fn check_rows(bench: &Bench) {
    let mut findings = bench.check().findings;
    findings.retain(|finding| !finding.contains(" slot"));
    assert_eq!(findings, Vec::<String>::new());
}

fn bench_of(urls: &[&str]) -> Bench {
    let mut bench = Bench::new(any());
    for url in urls {
        bench.offer(url, How::Link, 1);
    }
    bench.absorb();
    bench
}

#[test]
fn an_excluded_site_keeps_its_queue_under_a_mark_and_gets_it_back_whole() {
    both_ways(|| {
        let urls = [
            "https://a.example/1",
            "https://a.example/2",
            "https://b.example/",
        ];
        let mut bench = bench_of(&urls);
        let sites = [Site::of_host("a.example"), Site::of_host("never.example")];
        bench
            .f()
            .set_exclusions(exclusions(&["a.example", "never.example"]));
        assert_eq!(bench.f().heed_sites(&sites), 2);
        assert_eq!(
            bench.f().heed_sites(&sites),
            0,
            "heeding twice moves nothing"
        );
        bench.commit(Batch::new());
        bench.offer("https://www.a.example/3", How::Link, 1);
        bench.offer("https://never.example/", How::Link, 1);
        bench.absorb();
        assert_eq!(excluded(&mut bench), 2, "links to it stop before the sieve");
        assert_eq!(bench.f().sightings().0["rule"], 2);
        bench.open(false);
        bench.pass(Duration::from_secs(9));
        assert_eq!(fetch_all(&mut bench), ["https://b.example/"]);
        assert!(bench.f().is_idle());

        bench.f().set_exclusions(Arc::default());
        assert_eq!(bench.f().heed_sites(&sites), 2);
        bench.commit(Batch::new());
        assert_eq!(fetch_all(&mut bench), urls[..2]);
        let books = bench.f().books().clone();
        assert_eq!((books.done, books.pending, books.excluded.len()), (3, 0, 0));
        check_rows(&bench);
    });
}

#[test]
fn a_url_in_hand_is_not_requested_once_its_site_is_excluded() {
    both_ways(|| {
        let mut bench = bench_of(&["https://a.example/1", "https://a.example/2"]);
        let sites = [Site::of_host("a.example")];
        bench.pass(Duration::from_secs(2));
        let (visit, queued) = bench.next().unwrap();
        bench.f().set_exclusions(exclusions(&["a.example"]));
        bench.f().heed_sites(&sites);
        bench.f().put_back(visit.id, queued);
        bench.f().release(visit.id, Mono(0));
        bench.commit(Batch::new());
        bench.pass(Duration::from_secs(9));
        assert!(bench.next().is_none());
        bench.f().set_exclusions(Arc::default());
        bench.f().heed_sites(&sites);
        assert_eq!(fetch_all(&mut bench).len(), 2);
    });
}

/// Settles what is excluded as its turn comes, as the crawl does.
fn purge(bench: &mut Bench) {
    for _ in 0..20 {
        while let Some((visit, queued)) = bench.next() {
            let stopped = bench
                .f()
                .exclusions()
                .stopping(&queued.row.found.url)
                .is_some();
            if stopped {
                let Settled::Final(mut row) = fate(&queued, UrlState::Excluded) else {
                    unreachable!("a fate is final")
                };
                (row.reason, row.outcome) = (Reason::Rule, Outcome::Refused);
                bench.settle(&visit, queued, Settled::Final(row));
            } else {
                bench.f().put_back(visit.id, queued);
                let later = bench.now.mono.plus(Duration::from_secs(1_000));
                bench.f().release(visit.id, later);
            }
        }
        bench.pass(Duration::from_secs(1));
    }
}

fn readmit(bench: &mut Bench, order: u64, site: Option<&str>) {
    let back = TakenBack {
        order,
        site: site.map(Site::of_host),
    };
    bench.f().readmit(&[back]).unwrap();
    while let Some(job) = bench.f().start_readmit() {
        let found = job.run().unwrap();
        let mut batch = Batch::new();
        bench.f().readmitted(found, &mut batch);
        assert!(
            bench
                .f()
                .start_readmit()
                .is_none_or(|_| bench.f().is_readmitting())
        );
        bench.commit(batch);
    }
}

#[test]
fn urls_that_a_pattern_settled_come_back_when_it_is_taken_back() {
    both_ways(|| {
        let urls = [
            "https://a.example/x/1",
            "https://a.example/x/2",
            "https://b.example/x/1",
        ];
        let mut bench = bench_of(&urls);
        bench.f().set_exclusions(exclusions(&["*/x/*"]));
        purge(&mut bench);
        assert_eq!(excluded(&mut bench), 3);
        assert!(bench.f().is_idle());

        // Another exclusion still holds for one of them.
        bench.f().set_exclusions(exclusions(&["b.example"]));
        readmit(&mut bench, 2, None);
        assert_eq!(excluded(&mut bench), 1);
        check_rows(&bench);
        bench.open(false);
        bench.f().set_exclusions(exclusions(&["b.example"]));
        readmit(&mut bench, 2, None);
        assert_eq!(fetch_all(&mut bench), urls[..2], "and once only");

        bench.f().set_exclusions(Arc::default());
        readmit(&mut bench, 3, Some("b.example"));
        assert_eq!(fetch_all(&mut bench), urls[2..]);
        let books = bench.f().books().clone();
        assert_eq!((books.done, books.pending, books.excluded.len()), (3, 0, 0));
        check_rows(&bench);
    });
}

/// A look reads what is stored: it must not begin while a URL that it seeks is on its way there.
#[test]
fn what_is_taken_back_at_once_waits_for_the_group_that_settled_it() {
    both_ways(|| {
        let urls = ["https://a.example/x/1"];
        let mut bench = bench_of(&urls);
        bench.f().set_exclusions(exclusions(&["*/x/*"]));
        bench.pass(Duration::from_secs(2));
        let (visit, queued) = bench.next().unwrap();
        let Settled::Final(mut row) = fate(&queued, UrlState::Excluded) else {
            unreachable!("a fate is final")
        };
        (row.reason, row.outcome) = (Reason::Rule, Outcome::Refused);
        let mut batch = Batch::new();
        bench
            .f()
            .settle(visit.id, queued, Settled::Final(row), &mut batch);
        bench.f().release(visit.id, Mono(0));
        bench.f().set_exclusions(Arc::default());
        let back = TakenBack {
            order: 2,
            site: None,
        };
        bench.f().readmit(&[back]).unwrap();
        assert!(bench.f().start_readmit().is_none());
        assert!(!bench.f().is_idle());
        bench.commit(batch);
        readmit(&mut bench, 2, None);
        assert_eq!(fetch_all(&mut bench), urls);
        check_rows(&bench);
    });
}
