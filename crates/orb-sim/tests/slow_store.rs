//! A store that is behind: found URLs wait in their files, and the sites that have something queued are asked on as if
//! nothing were.
//!
//! In: a site, and a flood of links to another that comes while the store is behind. Out: when each was asked.
//! May touch: virtual time, a folder in memory. Invariant: what is expected follows from the site's definition alone.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking"
)]

mod hand_web;
mod timed_web;

use std::rc::Rc;
use std::time::Duration;

use hand_web::Page;
use orb_frontier::Scope;
use timed_web::{Outcome, crawl_web, index, page, stores_are_behind, story};

/// The store is behind from here on.
const FROM: f64 = 60.0;

/// And no longer from here on.
const TO: f64 = 180.0;

/// Pages of the site that is asked all the time, one a second.
const PAGES: usize = 300;

/// Links of one page to the other site.
const FLOOD: usize = 50;

fn site(host: &str, seconds: f64, path: &str) -> Page {
    match (host, path) {
        (_, "/robots.txt") => page(404, "", String::new()),
        ("site.test", "/") => index(PAGES, |n| format!("/{n}")),
        ("site.test", _) if seconds >= FROM => {
            let mut page = story(path);
            let link = |n| format!("<a href=\"http://far.test{path}-{n}\">x</a>");
            page.body.extend((0..FLOOD).map(link));
            page
        }
        _ => story(path),
    }
}

fn crawl(falls_behind: bool) -> Outcome {
    let web = move |host: &str, seconds: f64, path: &str| {
        stores_are_behind(falls_behind && (FROM..TO).contains(&seconds));
        // Else each page of the flood would be asked for, for hours.
        if host == "far.test" && seconds > TO + 60.0 {
            return page(503, "", String::new());
        }
        site(host, seconds, path)
    };
    crawl_web(Rc::new(web), 1, &[], |config| {
        config.frontier.scope = Scope::Any;
        config.politeness.site_delay = Duration::from_secs(1);
        config.politeness.site_delay_factor = 0;
    })
}

/// When the pages of one host were asked for, before the flood was turned away.
fn asked(outcome: &Outcome, host: &str) -> Vec<f64> {
    let seen = outcome.seen.iter();
    let of_host = seen.filter(|(at, path)| path.starts_with(host) && *at < TO + 60.0);
    of_host.map(|(at, _)| *at).collect()
}

#[test]
fn while_the_store_is_behind_what_is_found_waits_and_known_sites_are_asked_as_ever() {
    let (usual, behind) = (crawl(false), crawl(true));
    let known = asked(&behind, "/");
    assert!(known.iter().filter(|at| (FROM..TO).contains(at)).count() > 100);
    assert_eq!(asked(&usual, "/").len(), known.len());

    let (flood, held) = (asked(&usual, "far.test/"), asked(&behind, "far.test/"));
    assert!(flood[0] < FROM + 10.0, "{flood:?}");
    assert!(held[0] >= TO && held[0] < TO + 10.0, "{held:?}");
    assert!(held.len() > 40, "{held:?}");
}
