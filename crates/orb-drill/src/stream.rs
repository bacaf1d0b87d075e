//! The generated stream of found URLs: as if many people clicked through many sites, and every link were found.
//!
//! In: a size, a seed. Out: rounds of links, in the stored form of link journals, by the slot that owns their site.
//! May touch: nothing. Must not touch: the frontier.
//! Invariant: the same size and seed give the same links in the same order; each URL is counted as fresh once.
//!
//! First come the front pages of all sites, as seeds. Then page views: a site by Zipf's law, a page of it, and the
//! links on that page. Three in four stay on the site: half of those are its navigation, the same on each page; the
//! rest are pages found before, mostly old ones, and now and then a fresh one. The others lead to another site, mostly
//! to its front page or to a page known before.

use std::sync::Arc;

use orb_env::{Entropy, SeededEntropy};
use orb_frontier::{Found, How};
use orb_shard::SlotMap;
use orb_url::{CrawlKey, CrawlUrl};

use crate::names::{self, SECTIONS};
use crate::zipf::{Zipf, unit};

/// Of a hundred links, how many stay on their page's site.
const SAME_SITE_PERCENT: u64 = 75;

/// Part of the links to another site that nobody found before.
const FRESH_ELSEWHERE: f64 = 0.1;

/// What is generated.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamSize {
    /// Distinct URLs in all.
    pub urls: u64,
    /// Sites, the hot one included.
    pub sites: u64,
    /// URLs of the one hot site, if there is one; it is site 0.
    pub hot_urls: u64,
    /// Links on a page.
    pub links_per_page: u32,
    /// How often each URL is found, on average.
    pub repeat: f64,
    /// Exponent of the law by which sites are popular.
    pub exponent: f64,
    /// Which stream.
    pub seed: u64,
}

impl StreamSize {
    /// `urls` on `sites`, twenty links a page, each URL found ten times.
    #[must_use]
    pub fn of(urls: u64, sites: u64, seed: u64) -> StreamSize {
        StreamSize {
            urls: urls.max(sites),
            sites,
            hot_urls: 0,
            links_per_page: 20,
            repeat: 10.0,
            exponent: 0.9,
            seed,
        }
    }
}

/// Links for one slot, in the form they have in a link journal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    pub(crate) links: u64,
    /// Of them those that were not in the stream before.
    pub(crate) fresh: u64,
    /// How far in the stream this block goes, itself included.
    pub(crate) end: u64,
}

/// One block a slot, in the order of slots.
pub(crate) type Round = Vec<Block>;

/// See the module.
pub(crate) struct Stream {
    size: StreamSize,
    slots: SlotMap,
    key: CrawlKey,
    entropy: SeededEntropy,
    popular: Zipf,
    /// Pages of each site so far.
    pages: Vec<u32>,
    fresh: u64,
    links: u64,
    seeded: u64,
    text: String,
}

impl Stream {
    pub(crate) fn new(size: StreamSize, slots: SlotMap, key: CrawlKey) -> Stream {
        let ordinary = size.sites - u64::from(size.hot_urls > 0);
        Stream {
            popular: Zipf::new(ordinary, size.exponent),
            pages: vec![0; usize::try_from(size.sites).unwrap_or(0)],
            entropy: SeededEntropy::new(size.seed),
            slots,
            key,
            fresh: 0,
            links: 0,
            seeded: 0,
            text: String::new(),
            size,
        }
    }

    /// Memory that grows with the number of sites.
    pub(crate) fn heap_bytes(&self) -> u64 {
        self.pages.capacity() as u64 * 4
    }

    /// Links so far.
    #[cfg(test)]
    pub(crate) fn links(&self) -> u64 {
        self.links
    }

    /// The next links, some `links` of them; `None` when every URL was given.
    pub(crate) fn round(&mut self, links: u64) -> Option<Round> {
        if self.fresh >= self.size.urls {
            return None;
        }
        let mut round: Round = vec![Block::default(); usize::from(self.slots.slots())];
        let until = self.links + links;
        while self.links < until && self.fresh < self.size.urls {
            if self.seeded < self.size.sites {
                let site = self.seeded;
                self.seeded += 1;
                self.find(site, 0, None, How::Seed, &mut round);
            } else {
                self.view(&mut round);
            }
        }
        round.iter_mut().for_each(|block| block.end = self.links);
        Some(round)
    }

    fn site(&self) -> u64 {
        let hot = self.size.hot_urls;
        if hot > 0 && unit(&self.entropy) * (self.size.urls as f64) < hot as f64 {
            return 0;
        }
        self.popular.draw(&self.entropy) - u64::from(hot == 0)
    }

    fn known_page(&self, site: u64) -> u32 {
        let pages = f64::from(self.pages[site as usize]);
        // Pages found early are linked more often than those found late.
        (pages * unit(&self.entropy).powi(2)) as u32
    }

    /// One page and its links.
    fn view(&mut self, round: &mut Round) {
        let site = self.site();
        let page = self.known_page(site);
        let via = names::url(&mut self.text, site, page);
        let links = u64::from(self.size.links_per_page);
        let on_site = links * SAME_SITE_PERCENT / 100;
        let navigation = (on_site / 2).min(u64::from(SECTIONS));
        let fresh = links as f64 / self.size.repeat - (links - on_site) as f64 * FRESH_ELSEWHERE;
        let fresh = fresh.max(0.0) / (on_site - navigation).max(1) as f64;
        for section in 0..navigation {
            let known = section < u64::from(self.pages[site as usize]);
            let page = if known { section as u32 } else { 0 };
            self.find(site, page, Some(&via), How::Link, round);
        }
        for _ in navigation..on_site {
            let page = self.page(site, fresh);
            self.find(site, page, Some(&via), How::Link, round);
        }
        for _ in on_site..links {
            let other = self.site();
            let page = match self.entropy.below(10) {
                0..6 => 0,
                _ => self.page(other, FRESH_ELSEWHERE * 2.5),
            };
            self.find(other, page, Some(&via), How::Link, round);
        }
    }

    fn page(&self, site: u64, fresh: f64) -> u32 {
        if unit(&self.entropy) < fresh {
            self.pages[site as usize]
        } else {
            self.known_page(site)
        }
    }

    fn find(&mut self, site: u64, page: u32, via: Option<&CrawlUrl>, how: How, round: &mut Round) {
        let pages = &mut self.pages[site as usize];
        let fresh = page >= *pages;
        if fresh && self.fresh >= self.size.urls {
            return;
        }
        if fresh {
            *pages = page + 1;
            self.fresh += 1;
        }
        self.links += 1;
        let found = found(
            names::url(&mut self.text, site, page),
            via.cloned(),
            how,
            page,
        );
        let slot = self.slots.slot_of_url(&self.key, &found.url);
        let block = &mut round[usize::from(slot.0)];
        found.encode_into(&mut block.bytes);
        block.links += 1;
        block.fresh += u64::from(fresh);
    }
}

/// A found URL; what was found late lies deep.
pub(crate) fn found(url: CrawlUrl, via: Option<CrawlUrl>, how: How, page: u32) -> Found {
    Found {
        url,
        via,
        depth: if page == 0 {
            0
        } else {
            1 + page.ilog2() as u16 / 2
        },
        hops: 0,
        how,
        bare_domain: false,
        rank: None,
    }
}

/// A key for a seed, so that no two streams share fingerprints.
pub(crate) fn key_of(seed: u64) -> CrawlKey {
    let entropy = SeededEntropy::new(seed ^ 0x6b65_7920);
    CrawlKey::new(Arc::new(entropy).bytes16())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn all(size: &StreamSize) -> (Vec<Found>, u64) {
        let slots = SlotMap::new(4).unwrap();
        let mut stream = Stream::new(size.clone(), slots, key_of(size.seed));
        let (mut links, mut fresh) = (Vec::new(), 0);
        while let Some(round) = stream.round(500) {
            for (slot, block) in round.iter().enumerate() {
                let mut rest = &block.bytes[..];
                let before = links.len();
                while !rest.is_empty() {
                    let found = Found::decode(&mut rest).unwrap();
                    assert_eq!(
                        usize::from(slots.slot_of_url(&key_of(size.seed), &found.url).0),
                        slot
                    );
                    links.push(found);
                }
                assert_eq!(block.links, (links.len() - before) as u64);
                fresh += block.fresh;
            }
        }
        assert_eq!(stream.links(), links.len() as u64);
        (links, fresh)
    }

    #[test]
    fn a_stream_is_as_large_and_as_repetitive_as_it_says() {
        let size = StreamSize::of(20_000, 1_000, 7);
        let (links, fresh) = all(&size);
        let distinct: BTreeSet<&str> = links.iter().map(|found| found.url.as_str()).collect();
        assert_eq!((distinct.len(), fresh), (20_000, 20_000));
        let repeat = (links.len() - 1_000) as f64 / 19_000.0;
        assert!((8.0..12.0).contains(&repeat), "{repeat}");
        let inside = links.iter().filter(|found| {
            found
                .via
                .as_ref()
                .is_some_and(|via| via.site() == found.url.site())
        });
        let inside = inside.count() as f64 / links.len() as f64;
        assert!((0.70..0.80).contains(&inside), "{inside}");
        let mut sites: BTreeMap<String, u64> = BTreeMap::new();
        distinct.iter().for_each(|url| {
            let site = CrawlUrl::from_stored(url).unwrap().site();
            *sites.entry(site.as_str().to_owned()).or_default() += 1;
        });
        assert_eq!(sites.len(), 1_000);
        let largest = *sites.values().max().unwrap();
        assert!(largest > 1_000 && largest < 5_000, "{largest}");
    }

    #[test]
    fn one_seed_gives_one_stream_and_a_hot_site_has_most_of_it() {
        let mut size = StreamSize::of(5_000, 101, 3);
        size.hot_urls = 4_500;
        let (links, _) = all(&size);
        assert_eq!(links, all(&size).0);
        let hot: BTreeSet<&str> = links
            .iter()
            .filter(|found| names::number_of_site(found.url.site().as_str()) == Some(0))
            .map(|found| found.url.as_str())
            .collect();
        assert!((4_000..4_900).contains(&hot.len()), "{}", hot.len());
    }
}
