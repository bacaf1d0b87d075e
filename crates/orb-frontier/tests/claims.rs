//! What a sitemap says of a page's change moves the page's row in the queue, and never makes two of one.

#![allow(clippy::unwrap_used)] // the bench fails as the test does that drives it

mod bench;

use std::time::Duration;

use bench::{Bench, any, both_ways, fate, own_page};
use orb_api::UrlState;
use orb_env::Wall;
use orb_frontier::{Claim, FrontierConfig, History, How, Queued, RecrawlConfig, Settled, Visit};
use orb_store::{Batch, Keyspace};
use orb_url::{CrawlKey, CrawlUrl, Fingerprint};

const HOUR: Duration = Duration::from_secs(3_600);

fn config() -> FrontierConfig {
    FrontierConfig {
        recrawl: RecrawlConfig {
            enabled: true,
            ..RecrawlConfig::default()
        },
        ..any()
    }
}

fn fingerprint(url: &str) -> Fingerprint {
    CrawlKey::ZERO.fingerprint(&CrawlUrl::parse(url).unwrap())
}

/// Settles a URL as fetched now, and again in so many hours.
fn fetched(bench: &mut Bench, visit: &Visit, queued: Queued, hours: u32) {
    let Settled::Final(mut done) = fate(&queued, UrlState::Done) else {
        unreachable!()
    };
    done.at = bench.now.wall;
    done.history = Some(History::default());
    let due = bench.now.wall.plus(HOUR * hours);
    bench.settle(visit, queued, Settled::Again(done, due));
}

/// Two pages and the sitemap that lists them, all fetched; the sitemap last.
fn filled() -> (Bench, [String; 3]) {
    let mut bench = Bench::new(config());
    let page = own_page();
    let urls = [
        format!("{page}1"),
        format!("{page}2"),
        format!("{page}map.xml"),
    ];
    for (url, how) in urls.iter().zip([How::Link, How::Link, How::SitemapFile]) {
        bench.offer(url, how, 1);
        bench.absorb();
        let (visit, queued) = bench.next().unwrap();
        fetched(&mut bench, &visit, queued, 24 * 10);
        bench.pass(HOUR);
    }
    (bench, urls)
}

/// The sitemap is read again: it says that a page was changed at a time.
fn claims(bench: &mut Bench, map: &str, page: &str, modified: Wall) {
    let (visit, queued) = bench.next().unwrap();
    assert_eq!(
        queued.row.found.url.as_str(),
        map,
        "the only one that is due"
    );
    let claim = Claim {
        modified,
        sitemap: fingerprint(map),
    };
    let mut batch = Batch::new();
    claim.put(visit.key, fingerprint(page), &mut batch);
    bench.f().claims_made(visit.id);
    let store = std::sync::Arc::clone(bench.f().store());
    store.commit(batch).unwrap();
    fetched(bench, &visit, queued, 24 * 10);
    while bench.f().is_readmitting() {
        let mut batch = Batch::new();
        if let Some(job) = bench.f().start_readmit() {
            let found = job.run().unwrap();
            bench.f().readmitted(found, &mut batch);
        }
        bench.commit(batch);
    }
}

/// Rows of the queue.
fn rows(bench: &mut Bench) -> usize {
    let store = std::sync::Arc::clone(bench.f().store());
    store.range(Keyspace::Queue, &[], None, 100).unwrap().len()
}

#[test]
fn a_page_that_changed_comes_forward_and_stays_one_row() {
    both_ways(|| {
        for restart in [false, true] {
            let (mut bench, [page, other, map]) = filled();
            // Ten days on everything comes again: the sitemap next in an hour, the pages in a month.
            bench.pass(HOUR * (24 * 10 - 1));
            let mut due = Vec::new();
            for _ in 0..3 {
                let (visit, queued) = bench.next().unwrap();
                due.push(queued.row.found.url.to_string());
                let hours = if due.len() == 3 { 1 } else { 24 * 30 };
                fetched(&mut bench, &visit, queued, hours);
                bench.pass(HOUR);
            }
            assert_eq!(due, [page.clone(), other, map.clone()]);
            let modified = bench.now.wall;
            bench.pass(HOUR * 2);
            claims(&mut bench, &map, &page, modified);
            assert_eq!(bench.f().take_moved_forward(), 1);
            assert_eq!(rows(&mut bench), 3);
            assert_eq!(bench.check().findings, [] as [String; 0]);
            if restart {
                bench.open(false);
            }
            bench.pass(HOUR);
            let (visit, queued) = bench.next().unwrap();
            assert_eq!(queued.row.found.url.as_str(), page);
            let now = bench.now.wall;
            assert_eq!(bench.f().put_off_until(visit.id, &queued, now), None);
            fetched(&mut bench, &visit, queued, 24);
            assert!(bench.next().is_none(), "the other one waits as it did");
            assert_eq!((rows(&mut bench), bench.f().books().pending), (3, 3));
            assert_eq!(bench.check().findings, [] as [String; 0]);
        }
    });
}
