//! Budgets on the pages of the trap web, site by site, without a crawler: what is read, and how much of it is traps.

#[path = "page_crawl/mod.rs"]
mod page_crawl;

use std::rc::Rc;

use orb_simweb::{SimRequest, SimWeb, SimWebConfig};
use orb_url::CrawlUrl;

use page_crawl::{There, crawl};

#[test]
fn real_pages_are_read_and_traps_starve() {
    let web = SimWeb::new(SimWebConfig {
        sites: 25,
        pages_per_site: 100,
        http_port: 80,
        traps: true,
        ..SimWebConfig::default()
    });
    let at = |url: &CrawlUrl| {
        let (host, target) = (url.host(), url.path_and_query());
        let body = web.respond(&SimRequest::get(host, target, false)).body;
        let text = String::from_utf8(body.concat()).expect("pages are UTF-8");
        let kind = web.trap_kind(host, target).name();
        Some(Rc::new(There::read(kind, url, &text)))
    };
    let (mut real, mut traps) = (0, 0);
    for seed in web.seeds() {
        let seed = CrawlUrl::parse(&seed).expect("seeds are URLs");
        let crawled = crawl(&seed, 1_000, true, &at);
        real += crawled.real();
        traps += crawled.fetches() - crawled.real();
    }
    assert!(real * 100 >= 24 * 100 * 95, "{real}");
    assert!(traps * 3 <= real, "{traps} traps, {real} real pages");
}
