//! What a slot's frontier tells: counts, books, the state of one site.
//!
//! In: the current instant. Out: numbers and states, as of the group being built.
//! May touch: nothing. Must not touch: anything; this side only reads.
//! Invariant: nothing in here costs more than a few reads, whatever the number of sites.

use std::sync::Arc;
use std::time::Duration;

use orb_api::{Books, Sightings, SitePhase};
use orb_env::{Mono, Stamp};
use orb_gate::SiteClock;
use orb_metrics::Counted;
use orb_store::Store;
use orb_url::{CrawlUrl, Fingerprint, Site};

use crate::LoadJob;
use crate::frontier::Frontier;
use crate::scope::ScopeMarks;
use crate::sites::{Phase, SiteId};
use crate::{SiteRow, Tally};

/// How many sites of a slot do what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiteCounts {
    /// Known.
    pub known: u64,
    /// With something pending.
    pub pending: u64,
    /// Queued for a visit, and not out on one.
    pub waiting: u64,
    /// With their row in memory.
    pub warm: u64,
    /// Set aside.
    pub parked: u64,
    /// Those of the waiting ones that an address's clock keeps, not their own.
    pub deferred: u64,
    /// Whose server is in trouble, of those visited or read since the frontier was opened.
    pub backed_off: u64,
    /// Whose URLs were most of those queued in the last minute.
    pub queued: Counted,
}

/// One site as its entry tells it, and if it is in memory, more.
#[derive(Clone, Copy, Debug)]
pub struct SiteState<'a> {
    /// What it is doing.
    pub phase: SitePhase,
    /// How long until it may be visited, as far as is known.
    pub next_in: Duration,
    /// Its counts and marks, as of the group being built.
    pub tally: Tally,
    /// Hosts and folders of its seeds.
    pub marks: Option<&'a ScopeMarks>,
    /// What a site in memory tells beside.
    pub warm: Option<WarmState<'a>>,
}

/// A site that is in memory.
#[derive(Clone, Copy, Debug)]
pub struct WarmState<'a> {
    /// Its name.
    pub name: &'a Site,
    /// The pause in force.
    pub delay: Duration,
    /// Largest crawl-delay of its origins in use.
    pub crawl_delay: Option<Duration>,
    /// Its clock.
    pub clock: &'a SiteClock,
}

impl LoadJob {
    /// How many sites it reads for.
    #[must_use]
    pub fn sites(&self) -> usize {
        self.items.len()
    }
}

impl Frontier {
    /// Whether nothing is left to do here: nothing pending, buffered, merging or undrained.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.snapshot.books.pending == 0
            && self.nothing_underway()
            && self.snapshot.admitted.is_empty()
            && !self.draining
            && !self.is_readmitting()
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
            warm: self.sites.warm_len() as u64,
            parked: self.sites.parked_sites,
            deferred: self.sites.deferred_sites,
            backed_off: self.sites.backed_off_sites,
            queued: self.queued_lately,
        }
    }

    /// How long the site that has been due longest has waited for its turn.
    #[must_use]
    pub fn lateness(&self, now: Mono) -> Duration {
        now.since(self.sites.due_since())
    }

    /// Sites in memory, in the order they became known: all of a small slot.
    #[must_use]
    pub fn warm_sites(&self) -> Vec<SiteId> {
        self.sites.warm_ids()
    }

    /// URLs of a site that are pending.
    #[must_use]
    pub fn site_pending(&self, id: SiteId) -> u64 {
        u64::from(self.sites.get(id).pending)
    }

    /// What is known of a site without reading. Cost: a few reads of memory.
    #[must_use]
    pub fn site_state(&self, id: SiteId, now: Mono) -> SiteState<'_> {
        let entry = self.sites.get(id);
        let politeness = &self.setup.politeness;
        let warm = self.sites.warm(id);
        let next = warm.map_or(entry.due, |warm| warm.next_allowed(politeness));
        let (phase, at) = match entry.phase {
            phase if entry.parked().is_some() && phase != Phase::Visiting => {
                (SitePhase::Parked, next)
            }
            Phase::Idle => (SitePhase::Idle, next),
            Phase::Waiting => (SitePhase::Waiting, entry.due.max(next)),
            Phase::Loading | Phase::Ready if next > now => (SitePhase::Waiting, next),
            Phase::Loading | Phase::Ready => (SitePhase::Ready, next),
            Phase::Visiting => (SitePhase::Visiting, next),
        };
        SiteState {
            phase,
            next_in: at.since(now),
            tally: self.sites.tally(id),
            marks: self.sites.marks(id),
            warm: warm.map(|warm| WarmState {
                name: &warm.name,
                delay: warm.clock.delay(&warm.name, politeness, warm.crawl_delay),
                crawl_delay: warm.crawl_delay,
                clock: &warm.clock,
            }),
        }
    }

    /// The row of a site in memory, as it would be stored now.
    #[must_use]
    pub fn site_row(&self, id: SiteId, now: Stamp) -> Option<SiteRow> {
        self.sites.warm(id).map(|warm| warm.row(now))
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

    /// Whether the sieve's buffer holds as much as it may: no links are read while its merge is out.
    #[must_use]
    pub fn buffer_is_full(&self) -> bool {
        self.sieve.is_full()
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
