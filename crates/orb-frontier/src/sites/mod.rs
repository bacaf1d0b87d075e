//! The site table: every known site of one slot, and which is due next.
//!
//! In: counts, clocks, loaded windows of URLs. Out: the next site that may be visited.
//! May touch: memory. Must not touch: the store, sockets.
//! Invariant: a waiting site costs an entry and its number in an index, less than sixty-four bytes, whatever its
//! name; a site is on the wheel or in the heap of due ones at most once in force, and out on at most one visit.

mod entry;
mod importance;
mod warm;
mod wheel;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use orb_api::Reason;
use orb_env::{Mono, Stamp};
use orb_gate::PolitenessConfig;
use orb_shard::SiteKey;
use orb_url::Site;
use rustc_hash::FxHashMap;

use crate::limits::{
    READY_SITES_MAX, UNWRITTEN_SITE_BYTES, UNWRITTEN_TALLY_BYTES, WARM_SITE_BYTES,
};
use crate::rows::{FateRow, site_prefix};
use crate::scope::ScopeMarks;
use crate::site_row::Tally;
use crate::{Claimed, QueueRow};

pub(crate) use entry::{Entry, Mark, Phase};
pub use importance::Importance;
use importance::STEP;
pub(crate) use warm::Warm;

use entry::Entries;
use wheel::Wheel;

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
    /// Of a page that is fetched again what is known of it.
    pub known: Option<Box<FateRow>>,
    /// What its sitemap says of it.
    pub(crate) claimed: Option<Claimed>,
    /// Its site's budgets found it worth a fetch; they are not asked twice.
    pub(crate) is_weighed: bool,
}

/// Requests wanted of a site beside its queue (robots hops of other sites).
#[derive(Debug)]
pub(crate) struct Errands {
    pub(crate) name: Site,
    pub(crate) count: u32,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct SiteTable {
    entries: Entries,
    wheel: Wheel,
    /// Waiting sites that are due soon.
    near: BinaryHeap<Reverse<Turn>>,
    /// Ready sites by time.
    ready: BinaryHeap<Reverse<(Mono, SiteId)>>,
    /// Ready sites whose time has come.
    turns: BinaryHeap<Reverse<Turn>>,
    warm: FxHashMap<SiteId, Box<Warm>>,
    /// Sites that stay warm even with nothing to do.
    warm_max: usize,
    pub(crate) errands: FxHashMap<SiteId, Errands>,
    marks: FxHashMap<SiteId, ScopeMarks>,
    marks_bytes: usize,
    /// URLs that came back after an exclusion, of the few sites that have some.
    readmitted: FxHashMap<SiteId, u32>,
    /// Sites whose row changed since the last group.
    dirty: Vec<SiteId>,
    /// Sites whose tally changed since the last group.
    changed: Vec<SiteId>,
    pub(crate) pending_sites: u64,
    pub(crate) parked_sites: u64,
    pub(crate) deferred_sites: u64,
    pub(crate) backed_off_sites: u64,
    /// Sites in each phase.
    in_phase: [u64; 5],
}

impl SiteTable {
    /// An empty table that keeps `warm_max` sites in memory even while they wait.
    pub(crate) fn new(warm_max: usize, now: Mono) -> SiteTable {
        SiteTable {
            entries: Entries::default(),
            wheel: Wheel::new(now),
            near: BinaryHeap::new(),
            ready: BinaryHeap::new(),
            turns: BinaryHeap::new(),
            warm: FxHashMap::default(),
            warm_max,
            errands: FxHashMap::default(),
            marks: FxHashMap::default(),
            marks_bytes: 0,
            readmitted: FxHashMap::default(),
            dirty: Vec::new(),
            changed: Vec::new(),
            pending_sites: 0,
            parked_sites: 0,
            deferred_sites: 0,
            backed_off_sites: 0,
            in_phase: [0; 5],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Memory of the table; that of warm sites is estimated.
    pub(crate) fn heap_bytes(&self) -> usize {
        let turns = self.near.capacity() + self.turns.capacity();
        self.entries.heap_bytes()
            + self.wheel.heap_bytes()
            + turns * size_of::<Turn>()
            + self.ready.capacity() * size_of::<(Mono, SiteId)>()
            + self.warm.len() * WARM_SITE_BYTES
            + self.marks_bytes
    }

    pub(crate) fn find(&self, key: SiteKey) -> Option<SiteId> {
        self.entries.find(key)
    }

    pub(crate) fn insert(&mut self, key: SiteKey, tally: &Tally, marks: ScopeMarks) -> SiteId {
        let id = self.entries.insert(key, tally);
        self.pending_sites += u64::from(self.get(id).is_pending());
        self.parked_sites += u64::from(tally.parked.is_some());
        self.in_phase[Phase::Idle as usize] += 1;
        if !marks.is_empty() {
            self.marks_bytes += marks.heap_bytes();
            self.marks.insert(id, marks);
        }
        if tally.readmitted > 0 {
            self.readmitted.insert(id, tally.readmitted);
        }
        id
    }

    pub(crate) fn get(&self, id: SiteId) -> &Entry {
        self.entries.at(id.0)
    }

    pub(crate) fn get_mut(&mut self, id: SiteId) -> &mut Entry {
        self.entries.at_mut(id.0)
    }

    pub(crate) fn marks(&self, id: SiteId) -> Option<&ScopeMarks> {
        self.marks.get(&id)
    }

    /// Counts and marks of a site, as they would be stored; `due` is left out.
    pub(crate) fn tally(&self, id: SiteId) -> Tally {
        Tally {
            readmitted: self.readmitted.get(&id).copied().unwrap_or(0),
            ..self.get(id).tally()
        }
    }

    /// One of the URLs queued was queued before. Its count is written with what else changes.
    pub(crate) fn note_readmitted(&mut self, id: SiteId) {
        *self.readmitted.entry(id).or_default() += 1;
    }

    /// Gives a site its place beside others that are due; one that waits for its turn takes it at once.
    pub(crate) fn set_priority(&mut self, id: SiteId, priority: i8) {
        let entry = self.get_mut(id);
        if entry.priority == priority {
            return;
        }
        entry.priority = priority;
        let (phase, due) = (entry.phase, entry.due);
        if phase == Phase::Ready {
            // Another due: what stands in the heaps under the old one is passed over.
            self.make_ready(id, Mono(due.0.saturating_add(1)));
        }
    }

    /// Changes the marks of a site.
    pub(crate) fn note_marks(
        &mut self,
        id: SiteId,
        note: impl FnOnce(&mut ScopeMarks) -> bool,
    ) -> bool {
        let mut marks = self.marks.remove(&id).unwrap_or_default();
        let before = marks.heap_bytes();
        let noted = note(&mut marks);
        self.marks_bytes = self.marks_bytes + marks.heap_bytes() - before;
        if !marks.is_empty() {
            self.marks.insert(id, marks);
        }
        noted
    }

    // ---- warm and cold ----

    /// Whether the table is small enough for every site to stay warm.
    pub(crate) fn keeps_all(&self) -> bool {
        self.entries.len() <= self.warm_max
    }

    pub(crate) fn warm(&self, id: SiteId) -> Option<&Warm> {
        self.warm.get(&id).map(AsRef::as_ref)
    }

    /// A site that somebody has in hand: visited ones are warm.
    pub(crate) fn held(&mut self, id: SiteId) -> &mut Warm {
        let warm = self.warm.get_mut(&id);
        warm.expect("a site that is visited or held is in memory")
    }

    pub(crate) fn warm_mut(&mut self, id: SiteId) -> Option<&mut Warm> {
        self.warm.get_mut(&id).map(AsMut::as_mut)
    }

    pub(crate) fn make_warm(&mut self, id: SiteId, warm: Warm) {
        self.get_mut(id).set(Mark::Resting, false);
        self.warm.insert(id, Box::new(warm));
        self.note_back_off(id);
    }

    /// Counts a site in memory among those backed off, or no longer, as its clock says.
    pub(crate) fn note_back_off(&mut self, id: SiteId) {
        let now = self.warm(id).is_some_and(|warm| warm.clock.is_backed_off());
        let before = std::mem::replace(&mut self.entries.at_mut(id.0).backed_off, now);
        self.backed_off_sites = self.backed_off_sites + u64::from(now) - u64::from(before);
    }

    /// Lets a site go that nobody holds, when there are too many in memory. What it waits for stays in its entry.
    /// Returns what went.
    pub(crate) fn cool(&mut self, id: SiteId, politeness: &PolitenessConfig) -> Option<Box<Warm>> {
        if self.keeps_all() || self.warm.len() <= self.warm_max {
            return None;
        }
        let entry = self.entries.at(id.0);
        let rests = matches!(entry.phase, Phase::Idle | Phase::Waiting);
        let warm = self.warm.get(&id)?;
        // Without a stored row its name would be lost.
        let stored = entry.has(Mark::Stored);
        if !rests || !stored || !warm.is_loose() || self.errands.contains_key(&id) {
            return None;
        }
        if entry.phase == Phase::Idle {
            let next = warm.next_allowed(politeness);
            self.get_mut(id).due = next;
        }
        self.warm.remove(&id)
    }

    /// Sites in memory, in the order they became known.
    pub(crate) fn warm_ids(&self) -> Vec<SiteId> {
        let mut ids: Vec<SiteId> = self.warm.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    pub(crate) fn warm_len(&self) -> usize {
        self.warm.len()
    }

    // ---- phases ----

    /// Moves a site to another phase.
    pub(crate) fn set_phase(&mut self, id: SiteId, phase: Phase) {
        self.wheel.remove(&mut self.entries, id);
        let entry = self.entries.at_mut(id.0);
        self.in_phase[entry.phase as usize] -= 1;
        self.in_phase[phase as usize] += 1;
        entry.phase = phase;
    }

    /// Sites that are queued for a visit and not out on one.
    pub(crate) fn waiting_sites(&self) -> u64 {
        self.in_phase[1..=3].iter().sum()
    }

    /// Notes whether the clock of its address keeps a site waiting.
    pub(crate) fn set_deferred(&mut self, id: SiteId, deferred: bool) {
        let before = self.get_mut(id).set(Mark::Deferred, deferred);
        self.deferred_sites = self.deferred_sites + u64::from(deferred) - u64::from(before);
    }

    /// Puts a site on the wheel at `at`; `far`: not for its clock's sake.
    pub(crate) fn schedule(&mut self, id: SiteId, at: Mono, far: bool) {
        self.set_phase(id, Phase::Waiting);
        let entry = self.entries.at_mut(id.0);
        entry.due = at;
        entry.set(Mark::Far, far);
        if !self.wheel.insert(&mut self.entries, id) {
            let turn = Turn::of(self.entries.at(id.0), id);
            self.near.push(Reverse(turn));
        }
    }

    /// The next site whose time comes at or before `until` (to a quarter of a second), when there is room for it.
    pub(crate) fn pop_waiting(&mut self, until: Mono) -> Option<SiteId> {
        let near = &mut self.near;
        self.wheel.turn(&mut self.entries, until, |entries, id| {
            near.push(Reverse(Turn::of(entries.at(id.0), id)));
        });
        if self.is_crowded() {
            return None;
        }
        while let Some(Reverse(turn)) = self.near.pop() {
            let entry = self.entries.at(turn.id.0);
            if entry.phase == Phase::Waiting && entry.due == turn.due {
                return Some(turn.id);
            }
        }
        None
    }

    /// Whether as many sites have URLs in memory as may.
    fn is_crowded(&self) -> bool {
        self.in_phase[Phase::Ready as usize] + self.in_phase[Phase::Loading as usize]
            >= READY_SITES_MAX as u64
    }

    /// Makes a site with URLs in memory ready at `at`.
    pub(crate) fn make_ready(&mut self, id: SiteId, at: Mono) {
        self.set_phase(id, Phase::Ready);
        self.get_mut(id).due = at;
        self.ready.push(Reverse((at, id)));
    }

    /// The next ready site whose time has come: the one that has waited longest, head start and all.
    pub(crate) fn pop_ready(&mut self, now: Mono) -> Option<SiteId> {
        while let Some(&Reverse((at, id))) = self.ready.peek() {
            if at > now {
                break;
            }
            self.ready.pop();
            let entry = self.entries.at(id.0);
            if entry.phase == Phase::Ready && entry.due == at {
                self.turns.push(Reverse(Turn::of(entry, id)));
            }
        }
        while let Some(Reverse(turn)) = self.turns.pop() {
            let entry = self.entries.at(turn.id.0);
            if entry.phase == Phase::Ready && entry.due == turn.due {
                return Some(turn.id);
            }
        }
        None
    }

    /// When the next site wants attention; waiting ones count `ahead` earlier, when their URLs are read.
    pub(crate) fn next_time(&self, ahead: Duration) -> Mono {
        let near = self.near.peek().map(|Reverse(turn)| turn.due);
        // While there is no room, the next visit makes some, not time.
        let waiting = near.filter(|_| !self.is_crowded()).unwrap_or(Mono::NEVER);
        let waiting = waiting.min(self.wheel.next_time()).minus(ahead);
        let ready = self
            .ready
            .peek()
            .map_or(Mono::NEVER, |Reverse((at, _))| *at);
        let turn = self
            .turns
            .peek()
            .map_or(Mono::NEVER, |Reverse(turn)| turn.due);
        waiting.min(ready).min(turn)
    }

    /// Since when the site has been due that is next; later than now when none is.
    pub(crate) fn due_since(&self) -> Mono {
        self.next_time(Duration::ZERO)
    }

    // ---- what is stored ----

    /// Notes that a site's row must be written with the next group.
    pub(crate) fn touch(&mut self, id: SiteId) {
        let warm = self.held(id);
        if !std::mem::replace(&mut warm.dirty, true) {
            self.dirty.push(id);
        }
    }

    /// Notes that a site's tally must be written with the next group.
    pub(crate) fn change(&mut self, id: SiteId) {
        if !self.get_mut(id).set(Mark::Changed, true) {
            self.changed.push(id);
        }
    }

    /// Whether a row must be written.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.dirty.is_empty() || !self.changed.is_empty()
    }

    /// Memory of what the next group stores of sites, estimated.
    pub(crate) fn unwritten_bytes(&self) -> usize {
        self.dirty.len() * UNWRITTEN_SITE_BYTES + self.changed.len() * UNWRITTEN_TALLY_BYTES
    }

    /// Changes a site's pending count and keeps the number of sites that have any.
    pub(crate) fn add_pending(&mut self, id: SiteId, change: i32) {
        let entry = self.entries.at_mut(id.0);
        let before = entry.is_pending();
        let pending = entry.pending.checked_add_signed(change);
        entry.pending = pending.expect("a URL is settled once");
        let after = entry.is_pending();
        self.pending_sites = self.pending_sites + u64::from(after) - u64::from(before);
        self.change(id);
    }

    /// Marks a site parked, or not.
    pub(crate) fn set_parked(&mut self, id: SiteId, parked: Option<Reason>) {
        let entry = self.entries.at_mut(id.0);
        let (before, was) = (entry.is_pending(), entry.parked().is_some());
        entry.set_parked(parked);
        let after = entry.is_pending();
        self.parked_sites = self.parked_sites + u64::from(parked.is_some()) - u64::from(was);
        self.pending_sites = self.pending_sites + u64::from(after) - u64::from(before);
        self.change(id);
    }

    /// Takes the rows of all sites whose row changed, with their keys and numbers.
    pub(crate) fn take_dirty(&mut self, now: Stamp) -> Vec<(SiteId, Vec<u8>, Vec<u8>)> {
        let ids = std::mem::take(&mut self.dirty);
        ids.into_iter()
            .map(|id| {
                if !self.get_mut(id).set(Mark::Stored, true) {
                    self.change(id);
                }
                let warm = self.held(id);
                warm.dirty = false;
                warm.unsaved += 1;
                let row = warm.row(now).encode();
                (id, site_prefix(self.get(id).key), row)
            })
            .collect()
    }

    /// Takes the tallies that changed, with their keys.
    pub(crate) fn take_changed(&mut self, now: Stamp) -> Vec<(Vec<u8>, Vec<u8>)> {
        let ids = std::mem::take(&mut self.changed);
        let none = ScopeMarks::default();
        ids.into_iter()
            .map(|id| {
                let entry = self.entries.at_mut(id.0);
                entry.set(Mark::Changed, false);
                let due = matches!(entry.phase, Phase::Waiting | Phase::Ready | Phase::Idle);
                let due = due.then(|| now.wall.plus(entry.due.since(now.mono)));
                let tally = Tally {
                    due: due.filter(|_| entry.due > now.mono),
                    readmitted: self.readmitted.get(&id).copied().unwrap_or(0),
                    ..entry.tally()
                };
                let row = tally.encode(self.marks.get(&id).unwrap_or(&none));
                (site_prefix(entry.key), row)
            })
            .collect()
    }
}

/// A site's place among others that are due: by time less head start, which may have grown since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    /// Microseconds; before boot, for one that was never visited and matters.
    at: i64,
    due: Mono,
    id: SiteId,
}

impl Turn {
    fn of(entry: &Entry, id: SiteId) -> Turn {
        let due = i64::try_from(entry.due.0).unwrap_or(i64::MAX);
        let head_start = Importance(entry.importance).head_start().as_micros() as i64;
        let ordered = i64::from(entry.priority) * STEP.as_micros() as i64;
        Turn {
            at: due.saturating_sub(head_start + ordered),
            due: entry.due,
            id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A site is in the heaps by the head start it had; what it gains meanwhile must not make it forgotten.
    #[test]
    fn a_site_that_gains_importance_while_it_waits_still_gets_its_turn() {
        let mut table = SiteTable::new(0, Mono(0));
        let key = SiteKey::from_bytes([1; 8]);
        let id = table.insert(key, &Tally::default(), ScopeMarks::default());
        let now = Mono(60_000_000);
        table.schedule(id, now, false);
        assert_eq!(table.pop_waiting(Mono(1_000)), None);
        table.get_mut(id).importance = 3;
        table.pop_waiting(Mono(59_000_000));
        table.get_mut(id).importance = 7;
        assert_eq!(table.pop_waiting(now), Some(id));
        table.make_ready(id, now);
        table.get_mut(id).importance = 9;
        assert_eq!(table.pop_ready(now), Some(id));
        table.make_ready(id, now);
        assert_eq!(table.pop_ready(Mono(0)), None);
    }

    /// What makes a group of new sites end in time.
    #[test]
    fn each_site_that_waits_to_be_stored_counts_until_the_group_takes_it() {
        let mut table = SiteTable::new(0, Mono(0));
        for n in 0..100 {
            let key = SiteKey::from_bytes([n; 8]);
            let id = table.insert(key, &Tally::default(), ScopeMarks::default());
            table.change(id);
            table.change(id);
        }
        assert_eq!(table.unwritten_bytes(), 100 * UNWRITTEN_TALLY_BYTES);
        table.take_changed(Stamp::default());
        assert_eq!(table.unwritten_bytes(), 0);
    }

    #[test]
    fn the_head_start_of_a_site_is_bounded_so_that_nobody_starves() {
        let mut table = SiteTable::new(0, Mono(0));
        let mut site = |byte, importance, due| {
            let tally = Tally {
                importance,
                ..Tally::default()
            };
            let id = table.insert(
                SiteKey::from_bytes([byte; 8]),
                &tally,
                ScopeMarks::default(),
            );
            table.make_ready(id, Mono(due));
            id
        };
        let (plain, great, late) = (
            site(1, 0, 40_000_000),
            site(2, 20, 60_000_000),
            site(3, 20, 80_000_000),
        );
        let mut order = Vec::new();
        while let Some(id) = table.pop_ready(Mono(90_000_000)) {
            table.set_phase(id, Phase::Visiting);
            order.push(id);
        }
        assert_eq!(order, [great, plain, late]);
    }
}
