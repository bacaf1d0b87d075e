//! What a slot's frontier tells: counts, books, the state of one site.
//!
//! In: the current instant. Out: numbers and states, as of the group being built.
//! May touch: nothing. Must not touch: anything; this side only reads.
//! Invariant: nothing in here costs more than a few reads, whatever the number of sites.

use std::sync::Arc;
use std::time::Duration;

use orb_api::{Books, Sightings, SitePhase};
use orb_env::Mono;
use orb_gate::SiteClock;
use orb_shard::Partition;
use orb_store::Store;
use orb_url::{CrawlUrl, Fingerprint, Site};

use crate::frontier::Frontier;
use crate::rows::SiteRow;
use crate::sites::{Phase, SiteId};

/// How many sites of a slot do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiteCounts {
    /// Known.
    pub known: u64,
    /// With something pending.
    pub pending: u64,
    /// Queued for a visit, and not out on one.
    pub waiting: u64,
    /// Set aside.
    pub parked: u64,
    /// Those of the waiting ones that an address's clock keeps, not their own.
    pub deferred: u64,
}

/// One site as it stands in memory.
#[derive(Clone, Copy, Debug)]
pub struct SiteState<'a> {
    /// Its name.
    pub name: &'a Site,
    /// Its partition.
    pub partition: Partition,
    /// What it is doing.
    pub phase: SitePhase,
    /// The pause in force.
    pub delay: Duration,
    /// How long until it may be visited.
    pub next_in: Duration,
    /// Largest crawl-delay of its origins in use.
    pub crawl_delay: Option<Duration>,
    /// Its clock.
    pub clock: &'a SiteClock,
    /// Its row, as of the group being built; the clock in it is that of the last stored one.
    pub row: &'a SiteRow,
}

impl Frontier {
    /// Whether nothing is left to do here: nothing pending, buffered, merging or undrained.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.snapshot.books.pending == 0
            && self.nothing_underway()
            && self.snapshot.admitted.is_empty()
            && !self.draining
            && !self.positions_moved()
    }

    /// The books of the group being built.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.snapshot.books
    }

    /// Links stopped before the sieve.
    #[must_use]
    pub fn sightings(&self) -> &Sightings {
        &self.sightings
    }

    /// How many sites there are, and what they do.
    #[must_use]
    pub fn site_counts(&self) -> SiteCounts {
        SiteCounts {
            known: self.sites.len() as u64,
            pending: self.sites.pending_sites,
            waiting: self.sites.waiting_sites(),
            parked: self.sites.parked_sites,
            deferred: self.sites.deferred_sites,
        }
    }

    /// How long the site that has been due longest has waited for its turn.
    #[must_use]
    pub fn lateness(&self, now: Mono) -> Duration {
        now.since(self.sites.due_since())
    }

    /// Every site's place in the table.
    pub fn site_ids(&self) -> impl ExactSizeIterator<Item = SiteId> + use<> {
        self.sites.ids()
    }

    /// URLs of a site that are pending.
    #[must_use]
    pub fn site_pending(&self, id: SiteId) -> u64 {
        self.sites.get(id).row.pending
    }

    /// What is known of a site in memory. Cost: a few reads.
    #[must_use]
    pub fn site_state(&self, id: SiteId, now: Mono) -> SiteState<'_> {
        let entry = self.sites.get(id);
        let politeness = &self.setup.politeness;
        let next = entry
            .clock
            .next_allowed(&entry.name, politeness, entry.crawl_delay);
        let (phase, at) = match entry.phase {
            _ if entry.row.parked.is_some() && entry.phase != Phase::Visiting => {
                (SitePhase::Parked, next)
            }
            Phase::Idle => (SitePhase::Idle, next),
            Phase::Waiting(at) => (SitePhase::Waiting, at.max(next)),
            Phase::Loading | Phase::Ready(_) if next > now => (SitePhase::Waiting, next),
            Phase::Loading | Phase::Ready(_) => (SitePhase::Ready, next),
            Phase::Visiting => (SitePhase::Visiting, next),
        };
        SiteState {
            name: &entry.name,
            partition: entry.partition,
            phase,
            delay: entry
                .clock
                .delay(&entry.name, politeness, entry.crawl_delay),
            next_in: at.since(now),
            crawl_delay: entry.crawl_delay,
            clock: &entry.clock,
            row: &entry.row,
        }
    }

    /// Number of the last sealed group.
    #[must_use]
    pub fn group(&self) -> u64 {
        self.snapshot.group
    }

    /// Bytes of found URLs that wait for a merge.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.sieve.buffered_bytes()
    }

    /// Estimated memory.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.sites.heap_bytes() + self.sieve.heap_bytes()
    }

    /// The slot's store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Fingerprint of a URL under the crawl's key.
    #[must_use]
    pub fn fingerprint(&self, url: &CrawlUrl) -> Fingerprint {
        self.setup.key.fingerprint(url)
    }
}
