//! One slot's frontier: joins sieve, queues, site table and books.
//!
//! In: found URLs, finished visits, the current instant. Out: visits, jobs for helpers, rows for the next group.
//! May touch: the slot's store and sieve files, through jobs. Must not touch: sockets, the archive.
//! Invariant: every change of a count or row is in the batch of exactly one group; a position moves only with
//! the outcome of every link before it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use orb_api::Sightings;
use orb_env::mutant::{Mutant, planted};
use orb_env::{Disk, Mono, Stamp, Wall};
use orb_gate::{PolitenessConfig, SiteClock};
use orb_metrics::{Busiest, Counted};
use orb_shard::{SiteKey, SlotId, SlotMap};
use orb_store::{Batch, JournalEnd, Keyspace, Store};
use orb_url::{CrawlKey, Site};

use crate::exclusions::Exclusions;
use crate::limits::{LOAD_SITES_MAX, PREFETCH, RESTS_AHEAD, WINDOW_ROWS};
use crate::readmitting::Readmission;
use crate::rests::{Leaving, Rests};
use crate::rows::{FateRow, Lane, QueueRow, fate_key, queue_place, retry_key, site_prefix};
use crate::sites::{Errands, Mark, Phase, SiteTable, Warm};
use crate::snapshot::{SeedsEnd, SlotSnapshot};
use crate::window::{Held, LoadItem, LoadJob, Loaded, LoadedSite};
use crate::wishes::SiteWishes;
use crate::{FrontierConfig, FrontierError, Queued, Sieve, SiteId, SiteRow, UrlRules};

/// What a frontier is told once.
#[derive(Clone)]
pub struct FrontierSetup {
    /// Which slot it is.
    pub slot: SlotId,
    /// Which slot owns what.
    pub slots: SlotMap,
    /// Key of fingerprints and partitions.
    pub key: CrawlKey,
    /// Folder of sieve runs and admitted files.
    pub sieve_dir: PathBuf,
    /// Folder of waiting sites that were in memory; emptied when it is opened.
    pub rests_dir: PathBuf,
    /// What is wanted.
    pub config: FrontierConfig,
    /// What is not.
    pub rules: Arc<UrlRules>,
    /// How hard sites may be pressed.
    pub politeness: PolitenessConfig,
    /// Files.
    pub disk: Arc<dyn Disk>,
    /// Whether the process before stopped cleanly.
    pub clean: bool,
    /// When this process opened the crawl.
    pub opened: Stamp,
}

/// A site handed out for one request.
#[derive(Debug)]
pub struct Visit {
    /// Which site.
    pub id: SiteId,
    /// Its name.
    pub site: Site,
    /// Its key in the store.
    pub key: SiteKey,
    /// When its turn came.
    pub since: Mono,
}

/// What became of a queued URL.
#[derive(Debug)]
pub enum Settled {
    /// It has a final state.
    Final(Box<FateRow>),
    /// It has a state, and is to be fetched again at this time: it stays pending.
    Again(Box<FateRow>, Wall),
    /// It is tried again at this time; attempts so far.
    Retry(Wall, u8),
}

/// See the module.
pub struct Frontier {
    pub(crate) setup: FrontierSetup,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sieve: Sieve,
    pub(crate) sites: SiteTable,
    pub(crate) snapshot: SlotSnapshot,
    /// Positions read so far, ahead of the stored ones.
    pub(crate) read_to: BTreeMap<u8, JournalEnd>,
    /// Positions as of the last durable group.
    pub(crate) durable_to: BTreeMap<u8, JournalEnd>,
    pub(crate) seeds_to: SeedsEnd,
    pub(crate) sightings: Sightings,
    /// What the merge that is out covers.
    pub(crate) covering: Option<(BTreeMap<u8, JournalEnd>, SeedsEnd, Sightings)>,
    pub(crate) draining: bool,
    /// Since when intake waits for a store that is behind.
    pub(crate) behind_since: Option<Mono>,
    pub(crate) buffered_since: Option<Mono>,
    pub(crate) exclusions: Arc<Exclusions>,
    pub(crate) wishes: Arc<SiteWishes>,
    pub(crate) readmission: Readmission,
    /// Whose URLs are queued lately, and what the last minute had.
    pub(crate) busiest: Busiest,
    pub(crate) queued_lately: Counted,
    loading: usize,
    /// The latest moment that was told.
    pub(crate) seen: Stamp,
    rests: Rests,
    leaving: Leaving,
    /// Sites to wake when the group being built is durable, and the lanes their rows are in.
    pub(crate) wake: Vec<(SiteId, u32)>,
    /// Keys whose removal is in the group being built.
    pub(crate) removed: Vec<(SiteId, Vec<u8>)>,
    /// Admitted files that the group being built finishes.
    pub(crate) finished_files: Vec<u64>,
}

/// What to do when a group is durable: hand it back by [`Frontier::durable`].
#[derive(Debug, Default)]
pub struct GroupTail {
    wake: Vec<(SiteId, u32)>,
    /// Sites whose row is in the group.
    saved: Vec<SiteId>,
    removed: Vec<(SiteId, Vec<u8>)>,
    finished_files: Vec<u64>,
    replaced_runs: Vec<u64>,
    group: u64,
    absorbed: BTreeMap<u8, JournalEnd>,
}

impl Frontier {
    pub(crate) fn assemble(
        setup: FrontierSetup,
        store: Arc<dyn Store>,
        sieve: Sieve,
        sites: SiteTable,
        snapshot: SlotSnapshot,
    ) -> Frontier {
        Frontier {
            readmission: Readmission::opened(snapshot.group),
            seen: setup.opened,
            rests: Rests::open(Arc::clone(&setup.disk), setup.rests_dir.clone()),
            leaving: Leaving::default(),
            read_to: snapshot.absorbed_ends(),
            durable_to: snapshot.absorbed_ends(),
            seeds_to: snapshot.seeds,
            sightings: snapshot.sightings.clone(),
            setup,
            store,
            sieve,
            sites,
            snapshot,
            covering: None,
            draining: false,
            behind_since: None,
            buffered_since: None,
            exclusions: Arc::default(),
            wishes: Arc::default(),
            busiest: Busiest::default(),
            queued_lately: Counted::default(),
            loading: 0,
            wake: Vec::new(),
            removed: Vec::new(),
            finished_files: Vec::new(),
        }
    }

    // ---- choosing ----

    /// Moves sites whose time is near towards a visit and returns what has to be read for them.
    pub fn start_load(&mut self, now: Stamp) -> Option<LoadJob> {
        self.seen = now;
        self.queued_lately = self.busiest.last(now.mono.0);
        let mut items = Vec::new();
        while items.len() < LOAD_SITES_MAX {
            let Some(id) = self.sites.pop_waiting(now.mono.plus(PREFETCH)) else {
                break;
            };
            let in_memory = self
                .sites
                .warm(id)
                .is_some_and(|warm| warm.has_urls() || self.sites.errands.contains_key(&id));
            if in_memory {
                let due = self.sites.get(id).due;
                self.sites.make_ready(id, due);
            } else if self.has_more(id) || self.sites.errands.contains_key(&id) {
                items.push(self.load_item(id));
                self.sites.set_phase(id, Phase::Loading);
            } else {
                self.sites.set_phase(id, Phase::Idle);
            }
        }
        if items.is_empty() && !self.leaving.is_much() {
            return None;
        }
        self.loading += items.len();
        Some(LoadJob {
            store: Arc::clone(&self.store),
            crawl: self.setup.key,
            items,
            now: now.wall,
            rests: self.rests.clone(),
            leaving: std::mem::take(&mut self.leaving),
        })
    }

    fn load_item(&mut self, id: SiteId) -> LoadItem {
        let (wanted, claims) = (self.has_more(id), self.heeds_claims());
        let errand = self.sites.errands.get(&id);
        let held = match self.sites.warm(id) {
            Some(warm) => Held::Warm {
                taken: warm.taken.clone(),
                starts: warm.starts.clone(),
                retries: warm.retries,
            },
            None => Held::Cold(errand.map(|errand| errand.name.clone())),
        };
        let entry = self.sites.get_mut(id);
        let rests = entry.set(Mark::Resting, false);
        if !rests {
            entry.set(Mark::Came, false);
        }
        LoadItem {
            id,
            key: entry.key,
            held,
            rest: rests.then_some(entry.due),
            lanes: entry.lanes,
            claims,
            rows_max: if wanted {
                WINDOW_ROWS.min(entry.pending as usize)
            } else {
                0
            },
        }
    }

    /// Whether rows of a site may be waiting in the store.
    fn has_more(&self, id: SiteId) -> bool {
        let entry = self.sites.get(id);
        let in_hand = self.sites.warm(id).map_or(0, |warm| warm.in_hand);
        entry.parked().is_none() && entry.pending > in_hand
    }

    /// Takes what a [`LoadJob`] read.
    pub fn loaded(&mut self, loaded: Loaded, now: Stamp) {
        for site in loaded.0 {
            self.loading -= 1;
            self.loaded_site(site, now);
        }
    }

    fn loaded_site(&mut self, site: LoadedSite, now: Stamp) {
        let LoadedSite {
            id,
            row,
            rows,
            folded,
            empty,
            retry_at,
            not_before,
        } = site;
        if self.sites.warm(id).is_none() {
            let Some(row) = row else {
                // Nothing is stored of it and nobody waits: its first rows wake it when they are.
                return self.sites.set_phase(id, Phase::Idle);
            };
            let warm = Warm::new(row, self.setup.clean, self.setup.opened);
            self.sites.make_warm(id, warm);
        }
        let entry = self.sites.get_mut(id);
        let again = entry.set(Mark::Again, false);
        if !entry.has(Mark::Came) && !again {
            entry.lanes &= !empty;
        }
        let parked = entry.parked().is_some();
        let warm = self.sites.held(id);
        if !parked {
            // Rows handed out after the read began are not handed out again.
            let taken = std::mem::take(&mut warm.taken);
            let fresh = rows
                .into_iter()
                .filter(|queued| !taken.contains(&queued.key));
            warm.window = fresh.collect();
            warm.folded = folded;
            warm.taken = taken;
        }
        let due = not_before.map_or(Mono(0), |due| now.mono.plus(due.since(now.wall)));
        let at = warm.next_allowed(&self.setup.politeness).max(due);
        let ready = warm.has_urls() || self.sites.errands.contains_key(&id);
        let soon = at <= now.mono.plus(PREFETCH * 2) || self.sites.keeps_all();
        if ready && soon {
            self.sites.make_ready(id, at);
        } else if ready {
            // Its clock allows nothing for a while: nobody knew before it was read.
            self.sites.schedule(id, at, false);
        } else if again && self.has_more(id) {
            self.sites.schedule(id, at, false);
        } else if let Some(due) = retry_at {
            let due = now.mono.plus(due.since(now.wall));
            self.sites.schedule(id, at.max(due), due > at);
        } else {
            self.sites.set_phase(id, Phase::Idle);
        }
        self.cool(id);
    }

    /// The next site that may be visited now.
    pub fn next_visit(&mut self, now: Mono) -> Option<Visit> {
        let id = self.sites.pop_ready(now)?;
        self.sites.set_phase(id, Phase::Visiting);
        self.sites.set_deferred(id, false);
        let key = self.sites.get(id).key;
        Some(Visit {
            id,
            site: self.sites.held(id).name.clone(),
            key,
            since: now,
        })
    }

    /// When something in here wants attention next.
    #[must_use]
    pub fn next_time(&self) -> Mono {
        self.sites.next_time(PREFETCH)
    }

    /// Takes the next URL of a visited site.
    pub fn take_url(&mut self, id: SiteId) -> Option<Queued> {
        let warm = self.sites.held(id);
        let queued = warm.next_url(&self.setup.key)?;
        warm.taken.push(queued.key.clone());
        warm.last_taken = Some(queued.row.fingerprint);
        warm.in_hand += 1;
        Some(queued)
    }

    /// Puts a URL back that was not requested. Of a site that was set aside meanwhile it stays where it is stored.
    pub fn put_back(&mut self, id: SiteId, queued: Queued) {
        let parked = self.sites.get(id).parked().is_some();
        let warm = self.sites.held(id);
        warm.taken.retain(|key| *key != queued.key);
        warm.in_hand -= 1;
        if !parked {
            warm.window.push_front(queued);
        }
    }

    /// Lets a site go, if it may. What memory held of it rests in a file until it is due, unless that is far away.
    fn cool(&mut self, id: SiteId) {
        let Some(warm) = self.sites.cool(id, &self.setup.politeness) else {
            return;
        };
        let entry = self.sites.get(id);
        let due = entry.due;
        if entry.phase != Phase::Waiting || due > self.seen.mono.plus(RESTS_AHEAD) {
            return;
        }
        let rest = warm.fold(self.seen);
        if rest.is_some_and(|rest| self.leaving.put(id, due, &rest)) {
            self.sites.get_mut(id).set(Mark::Resting, true);
        }
    }

    /// The visit is over; the site may be visited again when its clock allows and not before `not_before`.
    pub fn release(&mut self, id: SiteId, not_before: Mono) {
        debug_assert_eq!(
            self.sites.get(id).phase,
            Phase::Visiting,
            "only a visited site is released"
        );
        self.sites.note_back_off(id);
        self.sites.set_phase(id, Phase::Idle);
        self.wake_site(id, not_before);
        self.cool(id);
    }

    /// The address of a visited site must rest: its clock, not the site's own, keeps it waiting till the next turn.
    pub fn deferred(&mut self, id: SiteId) {
        self.sites.set_deferred(id, true);
    }

    /// Puts an idle site that is wanted on the wheel, at `not_before` or when its clock allows.
    fn wake_site(&mut self, id: SiteId, not_before: Mono) {
        let wanted = self.sites.warm(id).is_some_and(Warm::has_urls)
            || self.sites.errands.contains_key(&id)
            || self.has_more(id);
        let entry = self.sites.get(id);
        if entry.phase != Phase::Idle || !wanted {
            return;
        }
        let own = match self.sites.warm(id) {
            Some(warm) => warm.next_allowed(&self.setup.politeness),
            None => entry.due,
        };
        self.sites
            .schedule(id, own.max(not_before), not_before > own);
    }

    /// Rows of a site can be read from the store now. A read that began before may have missed them, and a
    /// site that waits for a far retry has something nearer.
    pub(crate) fn rows_arrived(&mut self, id: SiteId, lanes: u32) {
        let entry = self.sites.get_mut(id);
        entry.lanes |= lanes;
        match entry.phase {
            Phase::Loading => {
                entry.set(Mark::Again, true);
            }
            Phase::Waiting => self.nudge(id),
            Phase::Idle | Phase::Ready | Phase::Visiting => self.wake_site(id, Mono(0)),
        }
    }

    /// Something changed for a site that waits: it is looked at as soon as its clock allows.
    pub fn nudge(&mut self, id: SiteId) {
        let cold = self.sites.warm(id).is_none();
        let entry = self.sites.get_mut(id);
        match entry.phase {
            // What a cold one waits for is its clock, unless it says otherwise.
            Phase::Waiting if cold && !entry.has(Mark::Far) => return,
            Phase::Waiting if cold => {
                entry.due = Mono(0);
                entry.set(Mark::Resting, false);
            }
            Phase::Waiting | Phase::Idle => {}
            Phase::Loading | Phase::Ready | Phase::Visiting => return,
        }
        self.sites.set_phase(id, Phase::Idle);
        self.wake_site(id, Mono(0));
    }

    /// Holds a site in memory until [`Frontier::unpin`]: something that is out will come back to it.
    pub fn pin(&mut self, id: SiteId) {
        self.sites.held(id).pins += 1;
    }

    /// What a site was held for is over.
    pub fn unpin(&mut self, id: SiteId) {
        let warm = self.sites.held(id);
        warm.pins = warm.pins.saturating_sub(1);
        self.cool(id);
    }

    /// The clock of a site, to give a permit or take an unused one back. Nothing of that is stored: until the
    /// exchange ends, the row says what it said.
    pub fn permits(&mut self, id: SiteId) -> &mut SiteClock {
        &mut self.sites.held(id).clock
    }

    /// The clock of a site, for the end of an exchange; its row is written with the group.
    pub fn clock(&mut self, id: SiteId) -> &mut SiteClock {
        self.sites.touch(id);
        &mut self.sites.held(id).clock
    }

    /// The crawl-delay in use for a site: the largest of its origins'.
    #[must_use]
    pub fn crawl_delay(&self, id: SiteId) -> Option<Duration> {
        self.sites.warm(id).and_then(|warm| warm.crawl_delay)
    }

    /// Takes note of an origin's crawl-delay.
    pub fn note_crawl_delay(&mut self, id: SiteId, delay: Option<Duration>) {
        let warm = self.sites.held(id);
        let largest = warm.crawl_delay.max(delay);
        if largest != warm.crawl_delay {
            warm.crawl_delay = largest;
            self.sites.touch(id);
        }
    }

    /// Durable positions in every slot's journal.
    pub fn positions(&self) -> impl Iterator<Item = (SlotId, JournalEnd)> + '_ {
        self.durable_to
            .iter()
            .map(|(&slot, &end)| (SlotId(slot), end))
    }

    /// A site, made known if it is not and brought into memory: for what an opening slot has to tell its clock.
    /// Blocking.
    ///
    /// # Errors
    /// When the store fails, or its row cannot be read.
    pub fn bring(&mut self, site: &Site) -> Result<SiteId, FrontierError> {
        let id = self.known(site);
        if self.sites.warm(id).is_none() {
            let key = site_prefix(self.sites.get(id).key);
            let stored = self.store.get(Keyspace::Sites, &key)?;
            let row = stored.map(|row| SiteRow::decode(&row)).transpose()?;
            let row = row.unwrap_or_else(|| SiteRow::new(site.clone()));
            let warm = Warm::new(row, self.setup.clean, self.setup.opened);
            self.sites.make_warm(id, warm);
        }
        Ok(id)
    }

    fn known(&mut self, site: &Site) -> SiteId {
        let key = SiteKey::of(&self.setup.key, site);
        let found = self.sites.find(key);
        found.unwrap_or_else(|| self.new_site(key, site))
    }

    /// A site that is known.
    #[must_use]
    pub fn find_site(&self, site: &Site) -> Option<SiteId> {
        self.sites.find(SiteKey::of(&self.setup.key, site))
    }

    /// Key of a site.
    #[must_use]
    pub fn site_key(&self, id: SiteId) -> SiteKey {
        self.sites.get(id).key
    }

    /// Name of a site that is in memory: one that is visited or pinned.
    #[must_use]
    pub fn site_name(&self, id: SiteId) -> Option<&Site> {
        self.sites.warm(id).map(|warm| &warm.name)
    }

    /// The site that an errand (a request beside the queue) goes to; it will be visited when its clock allows.
    pub fn begin_errand(&mut self, site: &Site) -> SiteId {
        let id = self.known(site);
        let errands = self.sites.errands.entry(id);
        errands
            .or_insert_with(|| Errands {
                name: site.clone(),
                count: 0,
            })
            .count += 1;
        self.nudge(id);
        id
    }

    /// An errand was done or given up.
    pub fn end_errand(&mut self, id: SiteId) {
        if let Some(errands) = self.sites.errands.get_mut(&id) {
            errands.count -= 1;
            if errands.count == 0 {
                self.sites.errands.remove(&id);
            }
        }
    }

    // ---- settling ----

    /// Writes what became of a URL into the group being built.
    pub fn settle(&mut self, id: SiteId, queued: Queued, settled: Settled, batch: &mut Batch) {
        let (key, parked) = (self.sites.get(id).key, self.sites.get(id).parked());
        let warm = self.sites.held(id);
        warm.in_hand -= 1;
        let (lane, order) = queue_place(&queued.key);
        if lane == Lane::RETRY {
            warm.retries = warm.retries.saturating_sub(1);
        } else {
            warm.starts.pass(lane, order);
        }
        batch.delete(Keyspace::Queue, queued.key.clone());
        match settled {
            Settled::Final(fate) => {
                if let Some(reason) = parked {
                    // It was counted excluded when its site was parked while it was in flight.
                    self.snapshot.books.restore(1, reason);
                }
                self.snapshot.books.settle(1, fate.state, fate.reason);
                self.readmission.settled(&fate);
                let key = fate_key(key, queued.row.fingerprint);
                batch.put(Keyspace::Fates, key, fate.encode());
                self.sites.add_pending(id, -1);
                self.recall_listed(id);
            }
            Settled::Again(fate, due) => {
                let fate_key = fate_key(key, queued.row.fingerprint);
                batch.put(Keyspace::Fates, fate_key, fate.encode());
                self.queue_until(id, due, 0, queued.row, batch);
            }
            Settled::Retry(due, attempts) => {
                self.queue_until(id, due, attempts, queued.row, batch);
            }
        }
        self.sites.touch(id);
        self.removed.push((id, queued.key));
    }

    /// Queues a URL that is fetched at `due` and not before.
    fn queue_until(
        &mut self,
        id: SiteId,
        due: Wall,
        attempts: u8,
        row: QueueRow,
        batch: &mut Batch,
    ) {
        let key = retry_key(self.sites.get(id).key, due, row.fingerprint);
        self.sites.held(id).retries += 1;
        let row = QueueRow { attempts, ..row };
        batch.put(Keyspace::Queue, key, row.encode());
        self.will_wake(id, 0);
    }

    /// Rows of `lanes` are in the group being built: the site is woken when it is durable.
    pub(crate) fn will_wake(&mut self, id: SiteId, lanes: u32) {
        match self.wake.last_mut() {
            Some((last, known)) if *last == id => *known |= lanes,
            _ => self.wake.push((id, lanes)),
        }
    }

    // ---- groups ----

    /// Whether the group being built must be committed even if nothing was fetched.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.sites.is_dirty() || self.positions_moved()
    }

    /// Memory of the sites that the group being built will store, estimated: with a flood of new ones it is several
    /// times that of their URLs.
    #[must_use]
    pub fn unwritten_bytes(&self) -> usize {
        self.sites.unwritten_bytes()
    }

    pub(crate) fn nothing_underway(&self) -> bool {
        self.sieve.buffered() == 0 && self.covering.is_none()
    }

    pub(crate) fn positions_moved(&self) -> bool {
        self.nothing_underway()
            && (self.seeds_to != self.snapshot.seeds
                || self.read_to != self.snapshot.absorbed_ends())
    }

    /// Closes the group being built: site rows and the snapshot join the batch.
    pub fn seal(&mut self, group: u64, now: Stamp, batch: &mut Batch) -> GroupTail {
        // With nothing buffered or being merged, the outcome of every link read so far is known.
        if self.nothing_underway() || planted(Mutant::PositionMovedEarly) {
            let sightings = self.sightings.clone();
            let ends = self.read_to.clone();
            self.snapshot.cover(&ends, self.seeds_to, sightings);
        }
        let mut saved = Vec::new();
        for (id, key, row) in self.sites.take_dirty(now) {
            batch.put(Keyspace::Sites, key, row);
            saved.push(id);
        }
        // A read that ended since may have found these lanes empty: their rows were not stored yet.
        for (id, lanes) in &self.wake {
            self.sites.get_mut(*id).lanes |= lanes;
        }
        for (key, tally) in self.sites.take_changed(now) {
            batch.put(Keyspace::Tallies, key, tally);
        }
        self.snapshot.group = group;
        self.readmission.seal(group);
        self.snapshot.at = now;
        batch.put(Keyspace::Meta, b"frontier".to_vec(), self.snapshot.encode());
        GroupTail {
            wake: std::mem::take(&mut self.wake),
            saved,
            removed: std::mem::take(&mut self.removed),
            finished_files: std::mem::take(&mut self.finished_files),
            replaced_runs: self.sieve.take_replaced(),
            group,
            absorbed: self.snapshot.absorbed_ends(),
        }
    }

    /// A group is durable: sites whose rows can be read now are woken, files no longer needed are removed.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn durable(&mut self, tail: GroupTail) -> Result<(), FrontierError> {
        for (id, key) in tail.removed {
            let warm = self.sites.held(id);
            warm.taken.retain(|taken| *taken != key);
            self.wake_site(id, Mono(0));
        }
        for (id, lanes) in tail.wake {
            self.rows_arrived(id, lanes);
        }
        for id in tail.saved {
            self.sites.held(id).unsaved -= 1;
            self.cool(id);
        }
        self.readmission.durable(tail.group);
        self.durable_to = tail.absorbed;
        self.sieve.sweep(&tail.replaced_runs)?;
        for id in tail.finished_files {
            crate::remove_admitted(self.setup.disk.as_ref(), &self.setup.sieve_dir, id)?;
        }
        Ok(())
    }
}
