//! One slot at work: its frontier, the group being built, links that wait to be absorbed.
//!
//! In: blocks of links, results of jobs. Out: jobs, groups to commit. The calls and their order are those of the
//! crawl's slots.
//! May touch: the slot's frontier. Must not touch: threads, other slots.
//! Invariant: one group is out at most beside the one being built.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use orb_api::ByteSize;
use orb_env::{KernelDisk, Mono, Stamp};
use orb_frontier::{
    Drained, Found, Frontier, FrontierConfig, FrontierError, FrontierSetup, GroupTail, Loaded,
    MemoryShares, Merged, Queued, Scope, SieveError, SiteId, UrlRules, Weighed, Yield,
};
use orb_gate::PolitenessConfig;
use orb_shard::{SlotId, SlotMap};
use orb_store::{Batch, FjallOpener, JournalEnd, Store, StoreError, StoreOpener};
use orb_url::CrawlKey;

use crate::DrillError;
use crate::stream::Block;

/// How long a group gathers before it is committed, as in a crawl.
const GROUP_INTERVAL: Duration = Duration::from_millis(250);
/// The same when nothing else is to do and others wait.
const GROUP_INTERVAL_HUNGRY: Duration = Duration::from_millis(20);

/// URLs of one site judged in one step, as in a crawl.
const JUDGED_PER_VISIT: usize = 64;

/// Marks of a pretended page's text.
const MARKS: usize = 64;

/// What jobs of a slot bring.
pub(crate) enum Done {
    Loaded(Result<Loaded, FrontierError>, u64),
    Drained(Result<Drained, FrontierError>),
    Merged(Result<Merged, SieveError>),
    Committed(Result<GroupTail, StoreError>),
}

/// With what slots are opened.
#[derive(Clone)]
pub(crate) struct SlotSetup {
    pub(crate) slots: SlotMap,
    pub(crate) key: CrawlKey,
    pub(crate) politeness: PolitenessConfig,
    /// Of the whole process.
    pub(crate) memory_bytes: u64,
    /// Of that, for the tables of sites.
    pub(crate) sites_memory_bytes: u64,
    /// Where sieve files go.
    pub(crate) disk: Arc<dyn orb_env::Disk>,
    pub(crate) opened: Stamp,
    pub(crate) clean: bool,
}

impl SlotSetup {
    pub(crate) fn on_disk(
        slots: SlotMap,
        key: CrawlKey,
        politeness: PolitenessConfig,
        memory_bytes: u64,
    ) -> SlotSetup {
        SlotSetup {
            slots,
            key,
            politeness,
            memory_bytes,
            sites_memory_bytes: memory_bytes / 4,
            disk: Arc::new(KernelDisk),
            opened: Stamp::default(),
            clean: true,
        }
    }

    /// The memory of each slot, as in a crawl.
    fn shares(&self) -> MemoryShares {
        MemoryShares::of(ByteSize(self.memory_bytes), self.slots.slots())
    }

    /// Opens the store of a slot.
    pub(crate) fn open_store(
        &self,
        dir: &Path,
        slot: SlotId,
    ) -> Result<Arc<dyn Store>, DrillError> {
        FjallOpener::new(self.shares().store)
            .open(&store_dir(dir, slot))
            .map_err(|source| DrillError::Store { slot, source })
    }

    /// Opens the frontier of a slot.
    pub(crate) fn open_frontier(
        &self,
        dir: &Path,
        slot: SlotId,
        store: Arc<dyn Store>,
    ) -> Result<Frontier, DrillError> {
        let setup = FrontierSetup {
            slot,
            slots: self.slots,
            key: self.key,
            sieve_dir: sieve_dir(dir, slot),
            rests_dir: sieve_dir(dir, slot).with_file_name("rests"),
            config: FrontierConfig {
                scope: Scope::Any,
                memory_max: ByteSize(self.sites_memory_bytes / u64::from(self.slots.slots())),
                sieve_memory_max: ByteSize(self.shares().sieve),
                ..FrontierConfig::default()
            },
            rules: Arc::new(UrlRules::default()),
            politeness: self.politeness.clone(),
            disk: Arc::clone(&self.disk),
            clean: self.clean,
            opened: self.opened,
        };
        Frontier::open(setup, store).map_err(|source| DrillError::Frontier { slot, source })
    }
}

pub(crate) fn store_dir(dir: &Path, slot: SlotId) -> std::path::PathBuf {
    dir.join(format!("slot-{slot}")).join("store")
}

pub(crate) fn sieve_dir(dir: &Path, slot: SlotId) -> std::path::PathBuf {
    dir.join(format!("slot-{slot}")).join("sieve")
}

/// See the module.
pub(crate) struct Slot {
    pub(crate) id: SlotId,
    pub(crate) frontier: Frontier,
    pub(crate) batch: Batch,
    pub(crate) inbox: VecDeque<(SlotId, Block)>,
    number: u64,
    since: Option<Mono>,
    urgent: Option<Mono>,
    committing: bool,
    group_bytes_max: usize,
}

impl Slot {
    pub(crate) fn open(setup: &SlotSetup, dir: &Path, id: SlotId) -> Result<Slot, DrillError> {
        Slot::with_store(setup, dir, id, setup.open_store(dir, id)?)
    }

    /// Opens a slot whose store is open.
    pub(crate) fn with_store(
        setup: &SlotSetup,
        dir: &Path,
        id: SlotId,
        store: Arc<dyn Store>,
    ) -> Result<Slot, DrillError> {
        let frontier = setup.open_frontier(dir, id, store)?;
        Ok(Slot {
            id,
            number: frontier.group() + 1,
            frontier,
            batch: Batch::new(),
            inbox: VecDeque::new(),
            since: None,
            urgent: None,
            committing: false,
            group_bytes_max: setup.shares().group,
        })
    }

    pub(crate) fn broken(&self, source: FrontierError) -> DrillError {
        DrillError::Frontier {
            slot: self.id,
            source,
        }
    }

    // ---- absorbing ----

    /// Whether links wait that there is room for.
    pub(crate) fn can_absorb(&self) -> bool {
        !self.inbox.is_empty() && !self.frontier.buffer_is_full()
    }

    /// Offers the links of the next block. Returns how many.
    pub(crate) fn absorb(&mut self, now: Mono) -> Result<u64, DrillError> {
        let Some((source, block)) = self.inbox.pop_front() else {
            return Ok(0);
        };
        let mut rest = &block.bytes[..];
        while !rest.is_empty() {
            let found = Found::decode(&mut rest).map_err(|error| self.broken(error.into()))?;
            self.frontier.offer(&found, now);
        }
        let end = JournalEnd {
            file: 1,
            bytes: block.end,
        };
        self.frontier.covered(source, end);
        Ok(block.links)
    }

    // ---- choosing ----

    /// The next URL of a visited site that its budgets find worth a request.
    pub(crate) fn take_worthy(&mut self, id: SiteId, now: Stamp) -> Option<Queued> {
        for _ in 0..JUDGED_PER_VISIT {
            let queued = self.frontier.take_url(id)?;
            match self.frontier.weigh(id, queued, now.wall, &mut self.batch) {
                Weighed::Take(queued) => return Some(queued),
                Weighed::PutOff | Weighed::Cut(_) => self.grew(now.mono),
            }
        }
        None
    }

    /// Tells the budgets of a visited site that one of its pages said something of its own.
    pub(crate) fn note_fetched(&mut self, id: SiteId, queued: &Queued) {
        let bits = queued.row.fingerprint.0;
        let mut marks: [u32; MARKS] = std::array::from_fn(|place| {
            let mixed = bits
                .wrapping_add(place as u64)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            (mixed >> 32) as u32
        });
        marks.sort_unstable();
        let brought = Yield {
            marks: &marks,
            body: Some(bits as u32),
            links: &[],
        };
        self.frontier
            .note_fetched(id, &queued.row.found.url, &brought);
    }

    // ---- groups ----

    pub(crate) fn grew(&mut self, now: Mono) {
        self.since.get_or_insert(now);
    }

    pub(crate) fn grew_urgently(&mut self, now: Mono) {
        self.grew(now);
        self.urgent.get_or_insert(now);
    }

    fn group_bytes(&self) -> usize {
        self.batch.bytes() + self.frontier.unwritten_bytes()
    }

    /// Whether intake must wait for a commit.
    pub(crate) fn is_clogged(&self) -> bool {
        self.committing && self.group_bytes() >= self.group_bytes_max
    }

    pub(crate) fn is_hungry(&self, now: Mono) -> bool {
        self.frontier.next_time() > now
    }

    /// When the group being built should be committed.
    pub(crate) fn commit_time(&self, now: Mono) -> Mono {
        let Some(since) = self.since.filter(|_| !self.committing) else {
            return Mono::NEVER;
        };
        if self.group_bytes() >= self.group_bytes_max {
            return now;
        }
        let soon = self.urgent.filter(|_| self.is_hungry(now));
        let soon = soon.map_or(Mono::NEVER, |soon| soon.plus(GROUP_INTERVAL_HUNGRY));
        soon.min(since.plus(GROUP_INTERVAL))
    }

    /// Whether something waits to be committed and nothing is being committed.
    pub(crate) fn wants_commit(&self) -> bool {
        !self.committing && (self.since.is_some() || self.frontier.is_dirty())
    }

    /// Closes the group being built.
    pub(crate) fn seal(&mut self, now: Stamp) -> (Batch, GroupTail) {
        let mut batch = std::mem::take(&mut self.batch);
        let number = self.number;
        self.number += 1;
        self.since = None;
        self.urgent = None;
        self.committing = true;
        let tail = self.frontier.seal(number, now, &mut batch);
        (batch, tail)
    }

    /// A group is durable.
    pub(crate) fn durable(&mut self, tail: GroupTail) -> Result<(), DrillError> {
        self.committing = false;
        if !self.frontier.books().balanced() {
            let what = format!("books do not balance: {:?}", self.frontier.books());
            return Err(DrillError::Broken {
                slot: self.id,
                what,
            });
        }
        self.frontier
            .durable(tail)
            .map_err(|source| self.broken(source))
    }
}
