//! Budgets on the pages of the trap web, site by site, without a crawler: what is read, and how much of it is traps.

use std::collections::{BTreeMap, BTreeSet};

use orb_dedup::TextMarks;
use orb_frontier::{BudgetBounds, Budgets, Verdict, Yield};
use orb_page::{ScanOptions, scan};
use orb_simweb::{SimRequest, SimWeb, SimWebConfig, TrapKind};
use orb_url::{BaseUrl, CrawlUrl};

const LAST: u16 = 99;

/// Crawls one site in lane order; fetches by kind.
fn crawl(web: &SimWeb, seed: &str, fetches_max: u32) -> BTreeMap<TrapKind, u32> {
    let bounds = BudgetBounds {
        novelty: true,
        ..BudgetBounds::default()
    };
    let options = ScanOptions {
        text: true,
        ..ScanOptions::default()
    };
    let mut budgets = Budgets::default();
    let seed = CrawlUrl::parse(seed).expect("seeds are URLs");
    let mut seen = BTreeSet::from([seed.clone()]);
    let mut queue = BTreeMap::from([((0, 0), (seed, 0))]);
    let (mut order, mut fetches) = (0, BTreeMap::new());
    while let Some(((lane, _), (url, depth))) = queue.pop_first() {
        match budgets.verdict(&url, lane == LAST, &bounds) {
            Verdict::Take => {}
            Verdict::Later => {
                order += 1;
                queue.insert((LAST, order), (url, depth));
                continue;
            }
            Verdict::Cut(_) => continue,
        }
        let kind = web.trap_kind(url.host(), url.path_and_query());
        *fetches.entry(kind).or_default() += 1;
        if fetches.values().sum::<u32>() == fetches_max {
            break;
        }
        let request = SimRequest::get(url.host(), url.path_and_query(), false);
        let body = web.respond(&request).body.concat();
        let page = scan(&String::from_utf8(body).expect("pages are UTF-8"), &options);
        let title = page.title.as_deref().unwrap_or_default();
        let marks = TextMarks::of(&[title, &page.visible_text], url.as_str());
        let base = BaseUrl::new(&url);
        let links: Vec<CrawlUrl> = page
            .links
            .iter()
            .filter_map(|link| base.join(&link.href).ok())
            .filter(|link| link.site_str() == url.site_str())
            .collect();
        let brought = Yield {
            marks: marks.marks(),
            body: None,
            links: &links.iter().collect::<Vec<_>>(),
        };
        budgets.note(&url, &brought, queue.len() as u64, &bounds);
        for link in links {
            if seen.insert(link.clone()) {
                order += 1;
                queue.insert((depth, order), (link, depth + 1));
            }
        }
    }
    fetches
}

#[test]
fn real_pages_are_read_and_traps_starve() {
    let web = SimWeb::new(SimWebConfig {
        sites: 25,
        pages_per_site: 100,
        http_port: 80,
        traps: true,
        ..SimWebConfig::default()
    });
    let (mut real, mut traps) = (0, 0);
    for seed in web.seeds() {
        let fetches = crawl(&web, &seed, 1_000);
        let read = fetches.get(&TrapKind::Real).copied().unwrap_or(0);
        real += read;
        traps += fetches.values().sum::<u32>() - read;
    }
    assert!(real * 100 >= 24 * 100 * 95, "{real}");
    assert!(traps * 3 <= real, "{traps} traps, {real} real pages");
}
