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

use orb_api::{Reason, Sightings, UrlState};
use orb_env::mutant::{Mutant, planted};
use orb_env::{Disk, Mono, Stamp, Wall};
use orb_gate::{PolitenessConfig, SiteClock};
use orb_shard::{Partition, SlotId, SlotMap};
use orb_store::{Batch, JournalEnd, Keyspace, Store};
use orb_url::{CrawlKey, Site};

use crate::limits::{LOAD_SITES_MAX, PREFETCH};
use crate::rows::{FateRow, Lane, QueueRow, fate_key, queue_key, site_prefix};
use crate::sites::{Phase, SiteTable};
use crate::snapshot::{SeedsEnd, SlotSnapshot};
use crate::window::{LoadItem, LoadJob, Loaded};
use crate::{FrontierConfig, FrontierError, Queued, Sieve, SiteId, UrlRules};

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
    /// Its partition.
    pub partition: Partition,
    /// When its turn came.
    pub since: Mono,
}

/// What became of a queued URL.
#[derive(Debug)]
pub enum Settled {
    /// It has a final state.
    Final(Box<FateRow>),
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
    pub(crate) buffered_since: Option<Mono>,
    loading: usize,
    /// Sites to wake when the group being built is durable.
    pub(crate) wake: Vec<SiteId>,
    /// Keys whose removal is in the group being built.
    pub(crate) removed: Vec<(SiteId, Vec<u8>)>,
    /// Admitted files that the group being built finishes.
    pub(crate) finished_files: Vec<u64>,
}

/// What to do when a group is durable: hand it back by [`Frontier::durable`].
#[derive(Debug, Default)]
pub struct GroupTail {
    wake: Vec<SiteId>,
    removed: Vec<(SiteId, Vec<u8>)>,
    finished_files: Vec<u64>,
    replaced_runs: Vec<u64>,
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
            buffered_since: None,
            loading: 0,
            wake: Vec::new(),
            removed: Vec::new(),
            finished_files: Vec::new(),
        }
    }

    // ---- choosing ----

    /// Moves sites whose time is near towards a visit and returns what has to be read for them.
    pub fn start_load(&mut self, now: Stamp) -> Option<LoadJob> {
        let mut items = Vec::new();
        while items.len() < LOAD_SITES_MAX {
            let Some((at, id)) = self.sites.pop_waiting(now.mono.plus(PREFETCH)) else {
                break;
            };
            let entry = self.sites.get(id);
            if !entry.window.is_empty() || entry.errands > 0 {
                self.sites.make_ready(id, at);
            } else if entry.has_more() {
                let prefix = site_prefix(entry.partition, &entry.name);
                items.push(LoadItem {
                    id,
                    prefix,
                    taken: entry.taken.clone(),
                });
                self.sites.set_phase(id, Phase::Loading);
            } else {
                self.sites.set_phase(id, Phase::Idle);
            }
        }
        if items.is_empty() {
            return None;
        }
        self.loading += items.len();
        Some(LoadJob {
            store: Arc::clone(&self.store),
            items,
            now: now.wall,
        })
    }

    /// Takes what a [`LoadJob`] read.
    pub fn loaded(&mut self, loaded: Loaded, now: Stamp) {
        for site in loaded.0 {
            self.loading -= 1;
            let entry = self.sites.get_mut(site.id);
            if entry.row.parked.is_none() {
                // Rows handed out after the read began are not handed out again.
                let fresh = site
                    .rows
                    .into_iter()
                    .filter(|queued| !entry.taken.contains(&queued.key));
                entry.window = fresh.collect();
            }
            let at =
                entry
                    .clock
                    .next_allowed(&entry.name, &self.setup.politeness, entry.crawl_delay);
            let again = std::mem::take(&mut entry.again);
            if !entry.window.is_empty() || entry.errands > 0 {
                self.sites.make_ready(site.id, at);
            } else if again && entry.has_more() {
                self.sites.schedule(site.id, at, &self.setup.politeness);
            } else if let Some(due) = site.retry_at {
                let at = now.mono.plus(due.since(now.wall));
                self.sites.schedule(site.id, at, &self.setup.politeness);
            } else {
                self.sites.set_phase(site.id, Phase::Idle);
            }
        }
    }

    /// The next site that may be visited now.
    pub fn next_visit(&mut self, now: Mono) -> Option<Visit> {
        let id = self.sites.pop_ready(now)?;
        self.sites.set_phase(id, Phase::Visiting);
        self.sites.set_deferred(id, false);
        let entry = self.sites.get(id);
        Some(Visit {
            id,
            site: entry.name.clone(),
            partition: entry.partition,
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
        let entry = self.sites.get_mut(id);
        let queued = entry.window.pop_front()?;
        entry.taken.push(queued.key.clone());
        entry.in_hand += 1;
        Some(queued)
    }

    /// Puts a URL back that was not requested.
    pub fn put_back(&mut self, id: SiteId, queued: Queued) {
        let entry = self.sites.get_mut(id);
        entry.taken.retain(|key| *key != queued.key);
        entry.in_hand -= 1;
        entry.window.push_front(queued);
    }

    /// The visit is over; the site may be visited again when its clock allows and not before `not_before`.
    pub fn release(&mut self, id: SiteId, not_before: Mono) {
        debug_assert_eq!(
            self.sites.get(id).phase,
            Phase::Visiting,
            "only a visited site is released"
        );
        self.sites.set_phase(id, Phase::Idle);
        self.wake_site(id, not_before);
    }

    /// The address of a visited site must rest: its clock, not the site's own, keeps it waiting till the next turn.
    pub fn deferred(&mut self, id: SiteId) {
        self.sites.set_deferred(id, true);
    }

    fn wake_site(&mut self, id: SiteId, not_before: Mono) {
        let entry = self.sites.get_mut(id);
        let wanted = !entry.window.is_empty() || entry.errands > 0 || entry.has_more();
        if entry.phase == Phase::Idle && wanted {
            self.sites.schedule(id, not_before, &self.setup.politeness);
        }
    }

    /// Rows of a site can be read from the store now. A read that began before may have missed them, and a
    /// site that waits for a far retry has something nearer.
    fn rows_arrived(&mut self, id: SiteId) {
        match self.sites.get(id).phase {
            Phase::Loading => self.sites.get_mut(id).again = true,
            Phase::Waiting(_) => self.nudge(id),
            Phase::Idle | Phase::Ready(_) | Phase::Visiting => self.wake_site(id, Mono(0)),
        }
    }

    /// Something changed for a site that waits: it is looked at as soon as its clock allows.
    pub fn nudge(&mut self, id: SiteId) {
        if matches!(self.sites.get(id).phase, Phase::Waiting(_) | Phase::Idle) {
            self.sites.set_phase(id, Phase::Idle);
            self.wake_site(id, Mono(0));
        }
    }

    /// The clock of a site, to give a permit or take an unused one back. Nothing of that is stored: until the
    /// exchange ends, the row says what it said.
    pub fn permits(&mut self, id: SiteId) -> &mut SiteClock {
        &mut self.sites.get_mut(id).clock
    }

    /// The clock of a site, for the end of an exchange; its row is written with the group.
    pub fn clock(&mut self, id: SiteId) -> &mut SiteClock {
        self.sites.touch(id);
        &mut self.sites.get_mut(id).clock
    }

    /// The crawl-delay in use for a site: the largest of its origins'.
    #[must_use]
    pub fn crawl_delay(&self, id: SiteId) -> Option<Duration> {
        self.sites.get(id).crawl_delay
    }

    /// Takes note of an origin's crawl-delay.
    pub fn note_crawl_delay(&mut self, id: SiteId, delay: Option<Duration>) {
        let entry = self.sites.get_mut(id);
        let largest = entry.crawl_delay.max(delay);
        if largest != entry.crawl_delay {
            entry.crawl_delay = largest;
            self.sites.touch(id);
        }
    }

    /// Durable positions in every slot's journal.
    pub fn positions(&self) -> impl Iterator<Item = (SlotId, JournalEnd)> + '_ {
        self.durable_to
            .iter()
            .map(|(&slot, &end)| (SlotId(slot), end))
    }

    /// A site, made known if it is not.
    pub fn known_site(&mut self, site: &Site) -> SiteId {
        self.sites.find(site).unwrap_or_else(|| self.new_site(site))
    }

    /// A site that is known.
    #[must_use]
    pub fn find_site(&self, site: &Site) -> Option<SiteId> {
        self.sites.find(site)
    }

    /// Name of a site.
    #[must_use]
    pub fn site_name(&self, id: SiteId) -> &Site {
        &self.sites.get(id).name
    }

    /// The site that an errand (a request beside the queue) goes to; it will be visited when its clock allows.
    pub fn begin_errand(&mut self, site: &Site) -> SiteId {
        let id = self.sites.find(site).unwrap_or_else(|| self.new_site(site));
        self.sites.get_mut(id).errands += 1;
        self.nudge(id);
        id
    }

    /// An errand was done or given up.
    pub fn end_errand(&mut self, id: SiteId) {
        let entry = self.sites.get_mut(id);
        entry.errands = entry.errands.saturating_sub(1);
    }

    // ---- settling ----

    /// Writes what became of a URL into the group being built.
    pub fn settle(&mut self, id: SiteId, queued: Queued, settled: Settled, batch: &mut Batch) {
        let entry = self.sites.get_mut(id);
        entry.in_hand -= 1;
        batch.delete(Keyspace::Queue, queued.key.clone());
        let parked = entry.row.parked;
        let (partition, name) = (entry.partition, entry.name.clone());
        match settled {
            Settled::Final(fate) => {
                if parked.is_none() {
                    self.snapshot.books.settle(1, fate.state, fate.reason);
                } else {
                    // It was counted excluded when its site was parked while it was in flight.
                    self.snapshot
                        .books
                        .restore(1, parked.unwrap_or(Reason::None));
                    self.snapshot.books.settle(1, fate.state, fate.reason);
                }
                let key = fate_key(partition, &name, queued.row.fingerprint);
                batch.put(Keyspace::Fates, key, fate.encode());
                self.sites.add_pending(id, -1);
            }
            Settled::Retry(due, attempts) => {
                let order = u64::try_from(due.0).unwrap_or(0);
                let key = queue_key(partition, &name, Lane::RETRY, order, queued.row.fingerprint);
                let row = QueueRow {
                    attempts,
                    ..queued.row
                };
                batch.put(Keyspace::Queue, key, row.encode());
                if self.wake.last() != Some(&id) {
                    self.wake.push(id);
                }
            }
        }
        self.removed.push((id, queued.key));
    }

    /// Parks a site: one mark moves everything pending of it to excluded.
    pub fn park(&mut self, id: SiteId, reason: Reason) {
        let entry = self.sites.get_mut(id);
        if entry.row.parked.is_some() {
            return;
        }
        entry.window.clear();
        let pending = entry.row.pending;
        self.sites.set_parked(id, Some(reason));
        self.snapshot
            .books
            .settle(pending, UrlState::Excluded, reason);
    }

    // ---- groups ----

    /// Whether the group being built must be committed even if nothing was fetched.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        !self.sites.dirty.is_empty() || self.positions_moved()
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
        for (key, value) in self.sites.take_dirty(now) {
            batch.put(Keyspace::Sites, key, value);
        }
        self.snapshot.group = group;
        batch.put(Keyspace::Meta, b"frontier".to_vec(), self.snapshot.encode());
        GroupTail {
            wake: std::mem::take(&mut self.wake),
            removed: std::mem::take(&mut self.removed),
            finished_files: std::mem::take(&mut self.finished_files),
            replaced_runs: self.sieve.take_replaced(),
            absorbed: self.snapshot.absorbed_ends(),
        }
    }

    /// A group is durable: sites whose rows can be read now are woken, files no longer needed are removed.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn durable(&mut self, tail: GroupTail) -> Result<(), FrontierError> {
        for (id, key) in tail.removed {
            self.sites.get_mut(id).taken.retain(|taken| *taken != key);
            self.wake_site(id, Mono(0));
        }
        for id in tail.wake {
            self.rows_arrived(id);
        }
        self.durable_to = tail.absorbed;
        self.sieve.sweep(&tail.replaced_runs)?;
        for id in tail.finished_files {
            crate::remove_admitted(self.setup.disk.as_ref(), &self.setup.sieve_dir, id)?;
        }
        Ok(())
    }
}
