//! Crawls of made-up sites, without a crawler: a queue in lane order, and budgets.
//!
//! In: a site as a function from URL to what is there. Out: what was fetched, put off and cut.
//! May touch: nothing. Must not touch: the frontier.
//! Invariant: deterministic; budgets are stored and read back as often as a waiting site's are.

use std::collections::{BTreeMap, BTreeSet};

use orb_url::CrawlUrl;

use super::{BudgetBounds, Budgets, Verdict, Yield};

/// What is at a URL.
#[derive(Default)]
pub(super) struct There {
    /// `real`, or the kind of trap; nothing for what is not there.
    pub(super) kind: &'static str,
    pub(super) marks: Vec<u32>,
    pub(super) links: Vec<String>,
}

/// What a crawl came to.
#[derive(Default, Debug)]
pub(super) struct Crawled {
    pub(super) fetches: BTreeMap<&'static str, u32>,
    pub(super) later: u32,
    pub(super) cut: BTreeMap<&'static str, u32>,
    pub(super) bytes_max: usize,
}

impl Crawled {
    pub(super) fn of(&self, kind: &str) -> u32 {
        self.fetches.get(kind).copied().unwrap_or(0)
    }

    pub(super) fn traps(&self) -> u32 {
        self.fetches.values().sum::<u32>() - self.of("real")
    }
}

/// Fetches after which a site's URLs are read anew: what is not stored by then is forgotten. As many as the frontier
/// reads at once.
const WINDOW: u32 = 8;

/// Depth from which pages share a lane, and the lane of what is put off.
const LANE_DEEPEST: u16 = 29;
const LANE_LAST: u16 = 255;

pub(super) fn crawl(seed: &str, fetches_max: u32, site: &dyn Fn(&CrawlUrl) -> There) -> Crawled {
    let bounds = BudgetBounds {
        novelty: true,
        ..BudgetBounds::default()
    };
    let mut budgets = Budgets::default();
    let mut seen = BTreeSet::new();
    let mut queue = BTreeMap::new();
    let mut order = 0_u32;
    let mut crawled = Crawled::default();
    let seed = CrawlUrl::parse(seed).unwrap();
    seen.insert(seed.clone());
    queue.insert((0, 0), (seed, 0));
    let mut fetches = 0;
    while let Some(((lane, _), (url, depth))) = queue.pop_first() {
        if fetches == fetches_max {
            break;
        }
        match budgets.verdict(&url, lane == LANE_LAST, &bounds) {
            Verdict::Take => {}
            Verdict::Later => {
                crawled.later += 1;
                order += 1;
                queue.insert((LANE_LAST, order), (url, depth));
                continue;
            }
            Verdict::Cut(_) => {
                *crawled.cut.entry(site(&url).kind).or_default() += 1;
                continue;
            }
        }
        fetches += 1;
        let there = site(&url);
        *crawled.fetches.entry(there.kind).or_default() += 1;
        let links: Vec<CrawlUrl> = there
            .links
            .iter()
            .map(|link| url.join(link).unwrap())
            .collect();
        let mut marks = there.marks;
        marks.sort_unstable();
        marks.dedup();
        let brought = Yield {
            marks: &marks,
            body: None,
            links: &links.iter().collect::<Vec<_>>(),
        };
        budgets.note(&url, &brought, queue.len() as u64, &bounds);
        for link in links {
            if link.site_str() == url.site_str() && seen.insert(link.clone()) {
                order += 1;
                queue.insert((depth.min(LANE_DEEPEST), order), (link, depth + 1));
            }
        }
        if fetches % WINDOW == 0 {
            let stored = budgets.encode();
            crawled.bytes_max = crawled.bytes_max.max(stored.len());
            assert!(stored.len() <= Budgets::BYTES_MAX);
            budgets = Budgets::decode(&stored).unwrap();
            assert_eq!(budgets.encode(), stored);
        }
    }
    crawled
}

/// Hashes of a text of `words` words that stands nowhere else.
pub(super) fn text(what: &str, number: u64, words: u32) -> impl Iterator<Item = u32> + use<> {
    let start = super::shape::hash(number as u32, what.as_bytes());
    (0..words).map(move |word| super::shape::mix(start, word))
}
