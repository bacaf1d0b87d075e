//! Sites that live: what is only listed, what changes and when, and whose sitemaps lie.

#![allow(clippy::unwrap_used)] // in a test's own tools too, a panic is the report

mod naive;

use jiff::Timestamp;
use naive::{Fetched, decode, gunzip};
use orb_env::Wall;
use orb_simweb::{
    Fate, FaultMix, LivingSites, SimRequest, SimWeb, SimWebConfig, SizeProfile, TruthRules,
};
use url::Url;

const SECOND_US: i64 = 1_000_000;
/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600 * SECOND_US;

fn config(share: f64) -> SimWebConfig {
    SimWebConfig {
        sites: 12,
        pages_per_site: 12,
        size: SizeProfile::Tiny,
        faults: FaultMix::none(),
        living: LivingSites {
            share,
            lying: 0.3,
            ..LivingSites::NONE
        },
        ..SimWebConfig::default()
    }
}

fn get(web: &SimWeb, url: &str, now: i64, if_none_match: Option<&str>) -> Fetched {
    let url = Url::parse(url).unwrap();
    let request = SimRequest {
        if_none_match,
        now: Wall(now),
        ..SimRequest::get(
            url.host_str().unwrap(),
            url.path_and_query(),
            url.scheme() == "https",
        )
    };
    decode(&web.respond(&request))
}

trait PathAndQuery {
    fn path_and_query(&self) -> &str;
}

impl PathAndQuery for Url {
    fn path_and_query(&self) -> &str {
        &self[url::Position::BeforePath..url::Position::AfterQuery]
    }
}

/// Addresses and dates of a sitemap, and whether it was packed.
fn listed(web: &SimWeb, url: &str, now: i64) -> (bool, Vec<(String, i64)>) {
    let body = get(web, url, now, None).body;
    let packed = body.starts_with(&[0x1F, 0x8B]);
    let text = String::from_utf8(if packed { gunzip(&body) } else { body }).unwrap();
    let between = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>")).unwrap();
        rest.split_once('<').unwrap().0.replace("&amp;", "&")
    };
    let records = text.split("<loc>").skip(1).map(|rest| {
        let rest = format!("<loc>{rest}");
        let date: Timestamp = between(&rest, "lastmod").parse().unwrap();
        (between(&rest, "loc"), date.as_microsecond())
    });
    (packed, records.collect())
}

fn pages_listed(web: &SimWeb, seed: &str, now: i64) -> Vec<(String, i64)> {
    let (packed, index) = listed(web, &format!("{seed}sitemap.xml"), now);
    assert!(!packed && index.len() >= 2);
    let parts = index.iter().map(|(part, _)| listed(web, part, now));
    let parts: Vec<_> = parts.collect();
    assert!(
        parts.iter().any(|(packed, _)| *packed),
        "one part is packed"
    );
    for ((_, told), (_, pages)) in index.iter().zip(&parts) {
        assert!(
            pages.iter().all(|(_, date)| date <= told),
            "an index is as new as its parts"
        );
    }
    parts.into_iter().flat_map(|(_, pages)| pages).collect()
}

#[test]
fn some_pages_are_found_by_sitemaps_only() {
    let web = SimWeb::new(config(1.0));
    let rules = TruthRules {
        sitemaps: true,
        ..TruthRules::default()
    };
    let (without, with) = (web.truth(), web.truth_for(rules));
    let only: Vec<String> = web.listed_only().collect();
    assert!(only.len() >= 12, "{}", only.len());
    for url in &only {
        assert_eq!(
            (without.fate(url), with.fate(url)),
            (None, Some(Fate::Captured)),
            "{url}"
        );
        assert_eq!(get(&web, url, NOW, None).status, 200);
    }
    let seeds = web.seeds();
    let told: Vec<String> = seeds
        .iter()
        .flat_map(|seed| pages_listed(&web, seed, NOW))
        .map(|(url, _)| url)
        .collect();
    assert!(only.iter().all(|url| told.contains(url)));
}

/// What a site says of its pages changes nothing else about it.
#[test]
fn what_does_not_live_is_as_it_was() {
    let (dead, alive) = (SimWeb::new(config(0.0)), SimWeb::new(config(1.0)));
    assert_eq!(dead.listed_only().count(), 0);
    assert_eq!(dead.truth(), alive.truth());
    for seed in dead.seeds() {
        let first = get(&dead, &seed, 0, None);
        assert_eq!(first.body, get(&dead, &seed, NOW, None).body);
        assert_eq!(
            first.field("last-modified"),
            Some("Sat, 01 Mar 2025 12:00:00 GMT")
        );
    }
}

/// A page shows another text with another tag when its last change is another one, and only then.
#[test]
fn pages_change_when_they_say_so() {
    let web = SimWeb::new(config(1.0));
    let hour = 3_600 * SECOND_US;
    let (mut changed, mut stayed) = (0, 0);
    for (url, _) in web
        .truth()
        .iter()
        .filter(|(_, fate)| *fate == Fate::Captured)
    {
        let Some(first) = web.last_change(url, Wall(NOW)) else {
            continue;
        };
        assert!(first.0 <= NOW);
        let old = get(&web, url, NOW, None);
        let tag = old.field("etag").unwrap();
        let http_date = jiff::fmt::rfc2822::parse(old.field("last-modified").unwrap()).unwrap();
        assert_eq!(http_date.timestamp().as_microsecond(), first.0);
        for later in [1, 5, 60].map(|hours| NOW + hours * hour) {
            let new = get(&web, url, later, None);
            let last = web.last_change(url, Wall(later)).unwrap();
            assert!(last.0 <= later && last >= first);
            let same = last == first;
            assert_eq!(new.body == old.body, same, "{url}");
            assert_eq!(
                get(&web, url, later, Some(tag)).status,
                if same { 304 } else { 200 }
            );
            // At the very second of the change it is the new one, and before it the old one.
            if !same {
                assert_eq!(get(&web, url, last.0, None).body, new.body);
                assert_ne!(get(&web, url, last.0 - 1, None).body, new.body);
            }
            *(if same { &mut stayed } else { &mut changed }) += 1;
        }
    }
    assert!(changed > 50 && stayed > 50, "{changed} {stayed}");
}

#[test]
fn sitemaps_tell_the_truth_but_for_liars() {
    let web = SimWeb::new(config(1.0));
    let (mut honest, mut liars) = (0, 0);
    for (site, seed) in web.seeds().iter().enumerate() {
        let site = site as u32;
        assert!(web.lives(site));
        for now in [NOW, NOW + 7 * 3_600 * SECOND_US + 1] {
            for (url, told) in pages_listed(&web, seed, now) {
                let truth = web.last_change(&url, Wall(now)).unwrap();
                if web.lies(site) {
                    assert_eq!(told, now - now % SECOND_US, "{url}");
                } else {
                    assert_eq!(told, truth.0, "{url}");
                }
            }
        }
        *(if web.lies(site) {
            &mut liars
        } else {
            &mut honest
        }) += 1;
    }
    assert!(honest > 1 && liars > 1, "{honest} {liars}");
}
