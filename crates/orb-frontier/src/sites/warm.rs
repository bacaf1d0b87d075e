//! A site whose row is in memory: it is being visited, is about to be, or the table is small.
//!
//! In: a stored row. Out: the same after visits. May touch: memory.
//! Invariant: only a site whose row is stored as it stands, and that nobody holds, is let go.

use std::collections::VecDeque;
use std::time::Duration;

use orb_env::Stamp;
use orb_gate::{PolitenessConfig, SiteClock};
use orb_url::{CrawlKey, Fingerprint, Site};

use super::Queued;
use crate::rests::{Folded, fold_site};
use crate::site_row::{LaneStarts, SiteRow};
use crate::{Budgets, QueueRow, SiteMaps};

/// See the module.
#[derive(Debug)]
pub(crate) struct Warm {
    pub(crate) name: Site,
    pub(crate) clock: SiteClock,
    pub(crate) crawl_delay: Option<Duration>,
    pub(crate) retries: u64,
    pub(crate) starts: LaneStarts,
    pub(crate) budgets: Option<Box<Budgets>>,
    pub(crate) maps: SiteMaps,
    pub(crate) window: VecDeque<Queued>,
    /// What follows the window, as it is stored.
    pub(crate) folded: Folded,
    /// Keys handed out whose removal is not durable yet.
    pub(crate) taken: Vec<Vec<u8>>,
    /// The URL handed out last.
    pub(crate) last_taken: Option<Fingerprint>,
    /// URLs handed out that are not settled: counted pending, but not to be had from the store.
    pub(crate) in_hand: u32,
    /// Held for something that comes later: an answer that is out.
    pub(crate) pins: u32,
    /// Groups that hold its row and are not durable.
    pub(crate) unsaved: u32,
    /// Its row must be written with the next group.
    pub(crate) dirty: bool,
}

impl Warm {
    /// A site in a process that opened at `opened`.
    pub(crate) fn new(row: SiteRow, clean: bool, opened: Stamp) -> Warm {
        let clock = match row.clock {
            None => SiteClock::fresh(opened.mono, clean),
            Some(stored) => {
                // What this very process stored is known to be so, however the one before it ended.
                let ours = stored.at.boot == opened.boot && stored.at.mono > opened.mono;
                SiteClock::opened(stored, clean || ours, opened)
            }
        };
        Warm {
            name: row.name,
            clock,
            crawl_delay: row.crawl_delay,
            retries: row.retries,
            starts: row.starts,
            budgets: row.budgets,
            maps: row.maps,
            window: VecDeque::new(),
            folded: Folded::default(),
            taken: Vec::new(),
            last_taken: None,
            in_hand: 0,
            pins: 0,
            unsaved: 0,
            dirty: false,
        }
    }

    /// What to store.
    pub(crate) fn row(&self, now: Stamp) -> SiteRow {
        SiteRow {
            name: self.name.clone(),
            clock: Some(self.clock.stored(now)),
            crawl_delay: self.crawl_delay,
            retries: self.retries,
            starts: self.starts.clone(),
            budgets: self.budgets.clone(),
            maps: self.maps,
        }
    }

    /// Whether URLs of it are in memory.
    pub(crate) fn has_urls(&self) -> bool {
        !self.window.is_empty() || !self.folded.is_empty()
    }

    /// Forgets the URLs in memory; they are stored.
    pub(crate) fn drop_urls(&mut self) {
        self.window.clear();
        self.folded.clear();
    }

    /// Takes the next URL.
    pub(crate) fn next_url(&mut self, key: &CrawlKey) -> Option<Queued> {
        if let Some(queued) = self.window.pop_front() {
            return Some(queued);
        }
        let (row_key, value, is_weighed) = self.folded.pop()?;
        let row = QueueRow::decode(key, value).expect("a row is read before it is folded");
        Some(Queued {
            key: row_key.to_vec(),
            row,
            known: None,
            claimed: None,
            is_weighed,
        })
    }

    /// Its row and URLs as one rest; none when it has no URLs, or some that are more than their rows.
    pub(crate) fn fold(&self, now: Stamp) -> Option<Vec<u8>> {
        if !self.has_urls() || self.window.iter().any(|queued| queued.known.is_some()) {
            return None;
        }
        let mut urls = Folded::default();
        for queued in &self.window {
            urls.push(&queued.key, &queued.row.encode(), queued.is_weighed);
        }
        urls.append(&self.folded);
        Some(fold_site(&self.row(now).encode(), &urls))
    }

    /// The first instant at which a request may begin.
    pub(crate) fn next_allowed(&self, politeness: &PolitenessConfig) -> orb_env::Mono {
        self.clock
            .next_allowed(&self.name, politeness, self.crawl_delay)
    }

    /// Whether nothing but the stored row would be lost with it.
    pub(crate) fn is_loose(&self) -> bool {
        !self.dirty
            && self.unsaved == 0
            && self.pins == 0
            && self.in_hand == 0
            && self.taken.is_empty()
    }
}
