//! The site table: every known site of one slot, and which is due next.
//!
//! In: clocks, loaded windows of URLs. Out: the next site that may be visited.
//! May touch: memory. Must not touch: the store, sockets.
//! Invariant: a site is in the heap at most once in force (`Phase::Waiting` names its time), and out on at
//! most one visit.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use orb_api::Reason;
use orb_env::{Mono, Stamp};
use orb_gate::{PolitenessConfig, SiteClock};
use orb_shard::Partition;
use orb_url::Site;
use rustc_hash::FxHashMap;

use crate::QueueRow;
use crate::limits::SITE_BYTES;
use crate::rows::{SiteRow, site_key};

/// Index of a site in its slot's table, for the life of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(pub(crate) u32);

impl SiteId {
    /// The id of the site at a place of the table.
    #[must_use]
    pub fn at(index: u32) -> SiteId {
        SiteId(index)
    }

    /// Its place in the table.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A queued URL handed out, with the key it is stored under.
#[derive(Clone, Debug, PartialEq)]
pub struct Queued {
    pub(crate) key: Vec<u8>,
    /// The row.
    pub row: QueueRow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing to do until somebody wakes it.
    Idle,
    /// In the heap at this time.
    Waiting(Mono),
    /// Its URLs are being read.
    Loading,
    /// URLs are in memory; in the ready heap at this time.
    Ready(Mono),
    /// Out on a visit.
    Visiting,
}

impl Phase {
    fn place(self) -> usize {
        match self {
            Phase::Idle => 0,
            Phase::Waiting(_) => 1,
            Phase::Loading => 2,
            Phase::Ready(_) => 3,
            Phase::Visiting => 4,
        }
    }
}

#[derive(Debug)]
pub(crate) struct SiteEntry {
    pub(crate) name: Site,
    pub(crate) partition: Partition,
    pub(crate) clock: SiteClock,
    pub(crate) crawl_delay: Option<Duration>,
    pub(crate) row: SiteRow,
    /// Changed by [`SiteTable::set_phase`], which counts.
    pub(crate) phase: Phase,
    /// The clock of its address, not its own, keeps it waiting.
    pub(crate) deferred: bool,
    pub(crate) window: VecDeque<Queued>,
    /// Keys handed out whose removal is not durable yet.
    pub(crate) taken: Vec<Vec<u8>>,
    /// URLs handed out that are not settled: counted pending, but not to be had from the store.
    pub(crate) in_hand: u64,
    /// Requests wanted of this site beside its queue (robots hops of other sites).
    pub(crate) errands: u32,
    /// Rows arrived while a read was under way: read again.
    pub(crate) again: bool,
    pub(crate) dirty: bool,
}

impl SiteEntry {
    /// Whether rows may be waiting in the store.
    pub(crate) fn has_more(&self) -> bool {
        self.row.parked.is_none() && self.row.pending > self.in_hand
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SiteTable {
    entries: Vec<SiteEntry>,
    by_name: FxHashMap<Site, SiteId>,
    waiting: BinaryHeap<Reverse<(Mono, SiteId)>>,
    ready: BinaryHeap<Reverse<(Mono, SiteId)>>,
    name_bytes: usize,
    /// Sites whose row changed since the last group.
    pub(crate) dirty: Vec<SiteId>,
    pub(crate) pending_sites: u64,
    pub(crate) parked_sites: u64,
    pub(crate) deferred_sites: u64,
    /// Sites in each phase.
    in_phase: [u64; 5],
}

impl SiteTable {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Estimated memory of the table.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.entries.len() * SITE_BYTES + self.name_bytes
    }

    pub(crate) fn find(&self, site: &Site) -> Option<SiteId> {
        self.by_name.get(site).copied()
    }

    pub(crate) fn ids(&self) -> impl ExactSizeIterator<Item = SiteId> + use<> {
        (0..self.entries.len() as u32).map(SiteId)
    }

    pub(crate) fn insert(
        &mut self,
        name: Site,
        partition: Partition,
        clock: SiteClock,
        row: SiteRow,
    ) -> SiteId {
        let id = SiteId(
            u32::try_from(self.entries.len()).expect("memory_max ends the table long before 2^32"),
        );
        self.name_bytes += name.as_str().len();
        self.by_name.insert(name.clone(), id);
        self.pending_sites += u64::from(row.pending > 0 && row.parked.is_none());
        self.parked_sites += u64::from(row.parked.is_some());
        self.in_phase[Phase::Idle.place()] += 1;
        self.entries.push(SiteEntry {
            name,
            partition,
            clock,
            crawl_delay: row.crawl_delay_us.map(Duration::from_micros),
            row,
            phase: Phase::Idle,
            deferred: false,
            window: VecDeque::new(),
            taken: Vec::new(),
            in_hand: 0,
            errands: 0,
            again: false,
            dirty: false,
        });
        id
    }

    pub(crate) fn get(&self, id: SiteId) -> &SiteEntry {
        &self.entries[id.0 as usize]
    }

    pub(crate) fn get_mut(&mut self, id: SiteId) -> &mut SiteEntry {
        &mut self.entries[id.0 as usize]
    }

    /// Moves a site to another phase.
    pub(crate) fn set_phase(&mut self, id: SiteId, phase: Phase) {
        let entry = &mut self.entries[id.0 as usize];
        self.in_phase[entry.phase.place()] -= 1;
        self.in_phase[phase.place()] += 1;
        entry.phase = phase;
    }

    /// Sites that are queued for a visit and not out on one.
    pub(crate) fn waiting_sites(&self) -> u64 {
        self.in_phase[1..=3].iter().sum()
    }

    /// Notes whether the clock of its address keeps a site waiting.
    pub(crate) fn set_deferred(&mut self, id: SiteId, deferred: bool) {
        let entry = &mut self.entries[id.0 as usize];
        let before = std::mem::replace(&mut entry.deferred, deferred);
        self.deferred_sites = self.deferred_sites + u64::from(deferred) - u64::from(before);
    }

    /// Notes that a site's row must be written with the next group.
    pub(crate) fn touch(&mut self, id: SiteId) {
        let entry = &mut self.entries[id.0 as usize];
        if !entry.dirty {
            entry.dirty = true;
            self.dirty.push(id);
        }
    }

    /// Changes a site's pending count and keeps the number of sites that have any.
    pub(crate) fn add_pending(&mut self, id: SiteId, change: i64) {
        let row = &mut self.entries[id.0 as usize].row;
        let before = row.pending > 0 && row.parked.is_none();
        row.pending = row
            .pending
            .checked_add_signed(change)
            .expect("a URL is settled once");
        let after = row.pending > 0 && row.parked.is_none();
        self.pending_sites = self.pending_sites + u64::from(after) - u64::from(before);
        self.touch(id);
    }

    /// Marks a site parked, or not.
    pub(crate) fn set_parked(&mut self, id: SiteId, parked: Option<Reason>) {
        let row = &mut self.entries[id.0 as usize].row;
        let before = row.pending > 0 && row.parked.is_none();
        self.parked_sites =
            self.parked_sites + u64::from(parked.is_some()) - u64::from(row.parked.is_some());
        row.parked = parked;
        let after = row.pending > 0 && row.parked.is_none();
        self.pending_sites = self.pending_sites + u64::from(after) - u64::from(before);
        self.touch(id);
    }

    /// Puts a site into the heap at `at`, or at its clock's own time when that is later.
    pub(crate) fn schedule(&mut self, id: SiteId, at: Mono, politeness: &PolitenessConfig) {
        let entry = &self.entries[id.0 as usize];
        let at = at.max(
            entry
                .clock
                .next_allowed(&entry.name, politeness, entry.crawl_delay),
        );
        self.set_phase(id, Phase::Waiting(at));
        self.waiting.push(Reverse((at, id)));
    }

    /// The next site whose time comes at or before `until`.
    pub(crate) fn pop_waiting(&mut self, until: Mono) -> Option<(Mono, SiteId)> {
        while let Some(&Reverse((at, id))) = self.waiting.peek() {
            if at > until {
                return None;
            }
            self.waiting.pop();
            if self.get(id).phase == Phase::Waiting(at) {
                return Some((at, id));
            }
        }
        None
    }

    /// Makes a site with URLs in memory ready at `at`.
    pub(crate) fn make_ready(&mut self, id: SiteId, at: Mono) {
        self.set_phase(id, Phase::Ready(at));
        self.ready.push(Reverse((at, id)));
    }

    /// The next ready site whose time has come.
    pub(crate) fn pop_ready(&mut self, now: Mono) -> Option<SiteId> {
        while let Some(&Reverse((at, id))) = self.ready.peek() {
            if at > now {
                return None;
            }
            self.ready.pop();
            if self.get(id).phase == Phase::Ready(at) {
                return Some(id);
            }
        }
        None
    }

    /// When the next thing in either heap comes; waiting sites count `ahead` earlier, when their URLs are read.
    pub(crate) fn next_time(&self, ahead: Duration) -> Mono {
        let waiting = self
            .waiting
            .peek()
            .map_or(Mono::NEVER, |Reverse((at, _))| at.minus(ahead));
        let ready = self
            .ready
            .peek()
            .map_or(Mono::NEVER, |Reverse((at, _))| *at);
        waiting.min(ready)
    }

    /// Since when the site has been due that is next in either heap; later than now when none is.
    pub(crate) fn due_since(&self) -> Mono {
        self.next_time(Duration::ZERO)
    }

    /// Takes the rows of all sites that changed, with their keys.
    pub(crate) fn take_dirty(&mut self, now: Stamp) -> Vec<(Vec<u8>, Vec<u8>)> {
        let ids = std::mem::take(&mut self.dirty);
        ids.into_iter()
            .map(|id| {
                let entry = self.get_mut(id);
                entry.dirty = false;
                entry.row.v = 1;
                entry.row.clock = entry.clock.stored(now);
                entry.row.crawl_delay_us = entry.crawl_delay.map(|d| d.as_micros() as u64);
                let value =
                    serde_json::to_vec(&entry.row).expect("a site row has only string keys");
                (site_key(entry.partition, &entry.name), value)
            })
            .collect()
    }
}
