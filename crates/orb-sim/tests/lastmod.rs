//! Pages fetched again by what sitemaps say of their changes: an honest `lastmod` finds changes sooner and spares fetches
//! that would find none, and one that is wrong is soon not believed. Days of virtual time, measured at the server.
//!
//! In: a site whose pages change at known times. Out: which fetches found something new.
//! May touch: virtual time, a folder in memory. Invariant: what is expected follows from the site's definition alone.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking"
)]

mod hand_web;
mod timed_web;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use hand_web::Page;
use timed_web::{HOST, Outcome, crawl_web, index, page, robots, story};

/// A day of this web: so that months of it pass in a night.
const DAY: f64 = 1_440.0;
const PAGES: usize = 60;

/// When the web begins, seconds of wall time.
const BEGAN: i64 = 1_795_000_000;

/// Time between two changes of a page; a third of the pages never change.
fn period(number: usize) -> Option<f64> {
    match number % 3 {
        0 => None,
        1 => Some(DAY * (1.7 + 0.25 * number as f64)),
        _ => Some(DAY * (8.0 + 0.25 * number as f64)),
    }
}

/// Which version of a page is there, and since when.
fn edition(number: usize, seconds: f64) -> (u64, f64) {
    match period(number) {
        None => (0, 0.0),
        Some(period) => {
            let edition = (seconds / period).floor();
            (edition as u64, edition * period)
        }
    }
}

/// What a sitemap says of a page's last change.
type LastMod = fn(number: usize, seconds: f64) -> f64;

fn site(lastmod: Option<LastMod>, seconds: f64, path: &str) -> Page {
    match path {
        "/robots.txt" if lastmod.is_some() => robots("Sitemap: /map.xml\n"),
        "/robots.txt" => page(404, "", String::new()),
        "/" => index(PAGES, |n| format!("/{n}")),
        "/map.xml" => {
            let line = |number| {
                let at = lastmod.unwrap()(number, seconds);
                let at = jiff::Timestamp::from_second(BEGAN + at as i64).unwrap();
                format!("<url><loc>http://{HOST}/{number}</loc><lastmod>{at}</lastmod></url>\n")
            };
            let lines: String = (0..PAGES).map(line).collect();
            Page {
                status: 200,
                fields: "Content-Type: text/xml\r\n".into(),
                body: format!("<urlset>{lines}</urlset>"),
            }
        }
        _ => {
            let number = path[1..].parse().unwrap();
            story(&format!("{path} {}", edition(number, seconds).0))
        }
    }
}

fn crawl(lastmod: Option<LastMod>) -> Outcome {
    let web = move |_: &str, seconds: f64, path: &str| site(lastmod, seconds, path);
    crawl_web(Rc::new(web), 16, &[], |config| {
        let recrawl = &mut config.frontier.recrawl;
        recrawl.enabled = true;
        recrawl.interval_first = Duration::from_secs_f64(DAY);
        recrawl.interval_min = Duration::from_secs_f64(DAY / 24.0);
        recrawl.interval_max = Duration::from_secs_f64(DAY * 20.0);
    })
}

/// What fetching pages again came to.
#[derive(Debug, Default)]
struct Again {
    fetches: u32,
    useful: u32,
    /// Requests for the sitemap.
    sitemaps: u32,
    /// Mean days from a change to the fetch that found it.
    late_days: f64,
    /// The longest time between two fetches of a page, in days.
    longest_days: f64,
}

impl Again {
    fn share(&self) -> f64 {
        f64::from(self.useful) / f64::from(self.fetches)
    }
}

fn again(crawl: &Outcome) -> Again {
    let mut last: BTreeMap<usize, f64> = BTreeMap::new();
    let mut again = Again::default();
    for (at, path) in &crawl.seen {
        if path == "/map.xml" {
            again.sitemaps += 1;
        }
        let Ok(number) = path[1..].parse() else {
            continue;
        };
        let Some(before) = last.insert(number, *at) else {
            continue;
        };
        again.fetches += 1;
        again.longest_days = again.longest_days.max((at - before) / DAY);
        let (now, since) = edition(number, *at);
        if now != edition(number, before).0 {
            again.useful += 1;
            again.late_days += (at - since) / DAY;
        }
    }
    again.late_days /= f64::from(again.useful.max(1));
    again
}

#[test]
fn an_honest_lastmod_finds_changes_sooner_and_spares_fetches() {
    let without = again(&crawl(None));
    let with = again(&crawl(Some(|number, seconds| edition(number, seconds).1)));
    assert!(
        with.share() > without.share() + 0.2,
        "{without:?}\n{with:?}"
    );
    assert!(with.useful >= without.useful, "{without:?}\n{with:?}");
    assert!(
        with.late_days < without.late_days / 2.0,
        "{without:?}\n{with:?}"
    );
}

/// A sitemap that says of everything that it was changed just now, or tomorrow, costs a handful of fetches.
#[test]
fn a_sitemap_that_cries_wolf_is_believed_no_more() {
    let without = again(&crawl(None));
    let liars: [LastMod; 2] = [|_, seconds| seconds, |_, seconds| seconds + DAY];
    for lastmod in liars {
        let with = again(&crawl(Some(lastmod)));
        assert!(
            with.fetches < without.fetches * 11 / 10 + 10,
            "{without:?}\n{with:?}"
        );
        assert!(
            with.share() > without.share() * 0.85,
            "{without:?}\n{with:?}"
        );
    }
}

/// A sitemap that nobody keeps up says of everything that it is as it was: changes are found all the same.
#[test]
fn a_sitemap_that_is_not_kept_up_hides_no_change() {
    let without = again(&crawl(None));
    let with = again(&crawl(Some(|_, _| 0.0)));
    assert!(
        with.useful * 10 >= without.useful * 8,
        "{without:?}\n{with:?}"
    );
    assert!(with.longest_days <= 20.5, "{with:?}");
}
