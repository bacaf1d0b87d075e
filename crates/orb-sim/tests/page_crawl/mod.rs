//! A crawl of one site, page by page, without a crawler: a queue in lane order, and budgets.
//!
//! In: a site as a function from URL to what is there. Out: what was fetched, put off and cut, by kind.
//! May touch: nothing. Must not touch: a frontier, a network.
//! Invariant: deterministic; budgets are stored and read back as often as a waiting site's are.
#![allow(clippy::expect_used, reason = "what serves tests fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher as _;
use std::rc::Rc;

use orb_dedup::TextMarks;
use orb_frontier::{BudgetBounds, Budgets, Verdict, Yield};
use orb_page::{LinkKind, ScanOptions, scan};
use orb_url::{BaseUrl, CrawlUrl};
use rustc_hash::FxBuildHasher;

/// Depth from which pages share a lane, and the lane of what is put off.
const LANE_DEEPEST: u16 = 29;
const LANE_LAST: u16 = 255;

/// Fetches after which budgets are stored and read back.
const WINDOW: u32 = 8;

/// The kind of pages that are no trap.
pub(crate) const REAL: &str = "real";

/// What is at a URL.
pub(crate) struct There {
    pub(crate) kind: &'static str,
    pub(crate) marks: Vec<u32>,
    pub(crate) body: Option<u32>,
    pub(crate) links: Vec<CrawlUrl>,
}

impl There {
    /// Reads a page.
    pub(crate) fn read(kind: &'static str, url: &CrawlUrl, text: &str) -> There {
        let options = ScanOptions {
            text: true,
            ..ScanOptions::default()
        };
        let page = scan(text, &options);
        let title = page.title.as_deref().unwrap_or_default();
        let marks = TextMarks::of(&[title, &page.visible_text], url.as_str());
        let own = BaseUrl::new(url);
        let base = page.base.as_deref().and_then(|href| own.rebased(href));
        let base = base.unwrap_or(own);
        let follows = |kind| matches!(kind, LinkKind::Anchor | LinkKind::Area | LinkKind::Frame);
        let links = page.links.iter().filter(|link| follows(link.kind));
        There {
            kind,
            marks: marks.marks().to_vec(),
            body: Some(FxBuildHasher.hash_one(text) as u32),
            links: links
                .filter_map(|link| base.join(&link.href).ok())
                .collect(),
        }
    }
}

/// What a crawl came to.
#[derive(Default)]
pub(crate) struct Crawled {
    pub(crate) fetched: BTreeMap<&'static str, u32>,
    pub(crate) cut: BTreeMap<&'static str, u32>,
    /// Real pages that were cut.
    pub(crate) lost: Vec<CrawlUrl>,
    pub(crate) put_off: u32,
}

impl Crawled {
    pub(crate) fn real(&self) -> u32 {
        self.fetched.get(REAL).copied().unwrap_or(0)
    }

    pub(crate) fn fetches(&self) -> u32 {
        self.fetched.values().sum()
    }
}

/// Crawls a site from its seed, for so many fetches at most. `novelty`: whether budgets judge.
pub(crate) fn crawl(
    seed: &CrawlUrl,
    fetches_max: u32,
    novelty: bool,
    site: &dyn Fn(&CrawlUrl) -> Option<Rc<There>>,
) -> Crawled {
    let bounds = BudgetBounds {
        novelty,
        ..BudgetBounds::default()
    };
    let mut budgets = Budgets::default();
    let mut seen = BTreeSet::from([seed.clone()]);
    let mut queue = BTreeMap::from([((0, 0), (seed.clone(), 0))]);
    let (mut order, mut fetches) = (0_u32, 0);
    let mut crawled = Crawled::default();
    while let Some(((lane, _), (url, depth))) = queue.pop_first() {
        let Some(there) = site(&url) else { continue };
        match budgets.verdict(&url, lane == LANE_LAST, &bounds) {
            Verdict::Take if fetches == fetches_max => break,
            Verdict::Take => {}
            Verdict::Later => {
                crawled.put_off += 1;
                order += 1;
                queue.insert((LANE_LAST, order), (url, depth));
                continue;
            }
            Verdict::Cut(_) => {
                *crawled.cut.entry(there.kind).or_default() += 1;
                if there.kind == REAL {
                    crawled.lost.push(url);
                }
                continue;
            }
        }
        fetches += 1;
        *crawled.fetched.entry(there.kind).or_default() += 1;
        let brought = Yield {
            marks: &there.marks,
            body: there.body,
            links: &there.links.iter().collect::<Vec<_>>(),
        };
        budgets.note(&url, &brought, queue.len() as u64, &bounds);
        for link in &there.links {
            if link.site_str() == url.site_str() && seen.insert(link.clone()) {
                order += 1;
                queue.insert((depth.min(LANE_DEEPEST), order), (link.clone(), depth + 1));
            }
        }
        if fetches % WINDOW == 0 {
            budgets = Budgets::decode(&budgets.encode()).expect("what was stored reads back");
        }
    }
    crawled
}
