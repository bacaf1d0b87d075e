//! A stopped crawl's state as a whole: checked, and taken apart by partitions.
//!
//! In: a folder nobody works on. Out: what is wrong with it; one partition as a stream, and back into a folder.
//! May touch: stores, sieves, journals, seed files, blocking. Must not touch: the archive.
//! Invariant: found URLs that a slot has not absorbed move with their partition; a folder takes only what was cut
//! from a crawl of its own key.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::rc::Rc;
use std::sync::Arc;

use orb_api::{CrawlDir, FORMAT_VERSION};
use orb_env::Disk;
use orb_frontier::{
    Found, FrontierError, MoveError, PartitionEnd, PartitionHead, SlotCheck, SlotSnapshot,
    SlotState, check_partition, check_slot, drop_partition, half_imported, judge_partition,
    partition_head, read_partition, restore_cold, write_partition,
};
use orb_shard::{Partition, SiteKey, SlotId, SlotMap};
use orb_store::{JournalError, JournalReader, Store};
use orb_url::{CrawlKey, PSL_VERSION, Site};

use crate::files::FileEnds;
use crate::identity::CrawlIdentity;
use crate::limits::{ABSORB_BYTES, STOPPED_STORE_BYTES};
use crate::opening::{clean_marker, make_folders};
use crate::{CrawlError, World, seeds};

/// Why a partition did not move.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The folder.
    #[error(transparent)]
    Crawl(#[from] CrawlError),
    /// The partition or its export.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// A link journal cannot be read.
    #[error("read the link journal of slot {slot}")]
    Journal {
        /// Whose.
        slot: SlotId,
        /// What is wrong.
        #[source]
        source: JournalError,
    },
    /// The crawl did not stop cleanly.
    #[error("{} was not stopped cleanly, so clocks of its last requests are not stored: run `orb crawl` on it and stop it, then export", dir.display())]
    Unclean {
        /// The folder.
        dir: std::path::PathBuf,
    },
}

/// The state of a crawl that is not running. The caller holds the folder's lock.
pub struct StoredCrawl {
    disk: Arc<dyn Disk>,
    world: Arc<dyn World>,
    dir: CrawlDir,
    key: CrawlKey,
    slots: SlotMap,
    /// What was opened last: partitions that follow each other are mostly of one slot.
    open: RefCell<Option<OpenSlot>>,
}

struct OpenSlot {
    slot: SlotId,
    store: Arc<dyn Store>,
    /// Found URLs it has not absorbed, once they were asked for.
    unabsorbed: Option<Rc<Vec<Found>>>,
}

impl StoredCrawl {
    /// The state of the crawl in `dir`.
    ///
    /// # Errors
    /// [`CrawlError::NoCrawl`] when there is none, a folder of another format or suffix list.
    pub fn open(world: Arc<dyn World>, dir: CrawlDir) -> Result<StoredCrawl, CrawlError> {
        let identity = CrawlIdentity::read(world.disk().as_ref(), &dir)?;
        let no_crawl = || CrawlError::NoCrawl {
            dir: dir.root().to_path_buf(),
        };
        StoredCrawl::of(world, &dir, &identity.ok_or_else(no_crawl)?)
    }

    /// The same, or of a new folder that takes the key of an export.
    ///
    /// # Errors
    /// As [`StoredCrawl::open`], and what the disk says.
    pub fn open_or_make(
        world: Arc<dyn World>,
        dir: CrawlDir,
        head: &PartitionHead,
    ) -> Result<StoredCrawl, CrawlError> {
        let disk = world.disk();
        let identity = match CrawlIdentity::read(disk.as_ref(), &dir)? {
            Some(identity) => identity,
            None => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                let identity = CrawlIdentity::of_key(&head.key, cores);
                make_folders(disk.as_ref(), &dir, &identity.slot_map()?)?;
                identity.store(disk.as_ref(), &dir)?;
                identity
            }
        };
        StoredCrawl::of(world, &dir, &identity)
    }

    fn of(
        world: Arc<dyn World>,
        dir: &CrawlDir,
        identity: &CrawlIdentity,
    ) -> Result<StoredCrawl, CrawlError> {
        Ok(StoredCrawl {
            disk: world.disk(),
            world,
            dir: dir.clone(),
            key: identity.crawl_key(),
            slots: identity.slot_map()?,
            open: RefCell::new(None),
        })
    }

    /// All slots, in order.
    pub fn slot_ids(&self) -> impl ExactSizeIterator<Item = SlotId> + use<> {
        self.slots.slot_ids()
    }

    /// Brings the URLs that budgets cut back into the queues, of one site or of all; returns how many there are. With
    /// `dry` nothing is changed. Blocking; cost: every such URL is read, and written once.
    ///
    /// # Errors
    /// When a store cannot be read or written.
    pub fn restore(&self, site: Option<&Site>, dry: bool) -> Result<u64, StateError> {
        let key = site.map(|site| SiteKey::of(&self.key, site));
        let mut restored = 0;
        for slot in self.slot_ids() {
            let owner = site.map(|site| self.slots.slot_of_site(&self.key, site));
            if owner.is_none_or(|owner| owner == slot) {
                restored += self.with_slot(slot, |state| {
                    restore_cold(state.store, key, dry)
                        .map_err(|source| CrawlError::Frontier { slot, source }.into())
                })?;
            }
        }
        Ok(restored)
    }

    /// Checks one slot: its rows, counts, books and sieve, and that nothing is half done. Blocking; cost: one pass
    /// over its store and sieve.
    ///
    /// # Errors
    /// When something cannot be read at all.
    pub fn check(&self, slot: SlotId) -> Result<SlotCheck, StateError> {
        self.with_slot(slot, |state| {
            let frontier = |source| CrawlError::Frontier { slot, source };
            let mut check = check_slot(state).map_err(frontier)?;
            if let Some(partition) = half_imported(state.store).map_err(frontier)? {
                check.wrong += 1;
                check.findings.push(format!(
                    "partition {partition}: its import was cut short; run it again"
                ));
            }
            self.positions(state, &mut check)?;
            Ok(check)
        })
    }

    /// No stored position may lie past what its journal holds.
    fn positions(&self, state: &SlotState<'_>, check: &mut SlotCheck) -> Result<(), StateError> {
        let snapshot = self.snapshot(state)?;
        for (source, position) in snapshot.positions() {
            let ends = self.ends(state, source)?;
            if position > ends.journal_end() {
                check.wrong += 1;
                check.findings.push(format!(
                    "journal of slot {source}: absorbed past its end: {position:?}, {:?}",
                    ends.journal_end()
                ));
            }
        }
        Ok(())
    }

    /// Writes everything of `partition` to `out`. Changes nothing. Blocking; cost: one pass over the partition; for the
    /// first of a slot also over what the slot has not absorbed, which is kept in memory for the others.
    ///
    /// # Errors
    /// [`StateError::Unclean`], and what cannot be read or written.
    pub fn export(
        &self,
        partition: Partition,
        out: &mut dyn Write,
    ) -> Result<PartitionEnd, StateError> {
        if self.disk.read(&clean_marker(&self.dir)).is_err() {
            return Err(StateError::Unclean {
                dir: self.dir.root().to_path_buf(),
            });
        }
        self.with_slot(self.slots.slot_of(partition), |state| {
            let found = self.unabsorbed(state)?;
            let found = found
                .iter()
                .filter(|found| SiteKey::of_url(&self.key, &found.url).partition() == partition);
            let head = PartitionHead {
                format: FORMAT_VERSION,
                partition,
                key: self.key.to_hex(),
                suffix_list: PSL_VERSION.to_owned(),
            };
            Ok(write_partition(state, &head, found.cloned(), out)?)
        })
    }

    /// Drops `partition`, of which an export with this `end` is durable elsewhere.
    ///
    /// # Errors
    /// What cannot be written; called again it goes on.
    pub fn remove(&self, partition: Partition, end: &PartitionEnd) -> Result<(), StateError> {
        self.with_slot(self.slots.slot_of(partition), |state| {
            Ok(drop_partition(state, partition, end)?)
        })
    }

    /// Takes an export in: all of it, or nothing that counts.
    ///
    /// # Errors
    /// [`MoveError::Foreign`] when it is of another crawl, [`MoveError::NotEmpty`], and what cannot be read or
    /// written; an import that was cut short is run again.
    pub fn import<R: Read + Seek>(&self, input: &mut R) -> Result<PartitionHead, StateError> {
        let (head, end) = check_partition(input)?;
        judge_partition(&head, FORMAT_VERSION, &self.key, PSL_VERSION)?;
        input.seek(SeekFrom::Start(0)).map_err(MoveError::from)?;
        let slot = self.slots.slot_of(head.partition);
        self.with_slot(slot, |state| {
            let keep = |found: Vec<Found>| {
                seeds::store_found(self.disk.as_ref(), &self.dir.seeds(slot), &found)
                    .map_err(|error| MoveError::Stream(std::io::Error::other(error)))
            };
            Ok(read_partition(state, input, &end, keep)?)
        })?;
        Ok(head)
    }

    /// Found URLs that a slot has not read yet: seeds, then links in every slot's journal.
    fn unabsorbed(&self, state: &SlotState<'_>) -> Result<Rc<Vec<Found>>, StateError> {
        let known = self
            .open
            .borrow()
            .as_ref()
            .and_then(|open| open.unabsorbed.clone());
        if let Some(found) = known {
            return Ok(found);
        }
        let slot = state.slot;
        let snapshot = self.snapshot(state)?;
        let mut all = seeds::rest(&self.disk, &self.dir.seeds(slot), snapshot.seeds)?;
        let positions: BTreeMap<_, _> = snapshot.positions().collect();
        for source in self.slots.slot_ids() {
            let shown = self.ends(state, source)?.journal_end();
            let position = positions.get(&source).copied().unwrap_or_default();
            let links = self.dir.links(source);
            let mut reader = JournalReader::open(Arc::clone(&self.disk), &links, slot.0, position);
            let failed = |error| StateError::Journal {
                slot: source,
                source: error,
            };
            while let Some(block) = reader.read(shown, ABSORB_BYTES).map_err(failed)? {
                let mut rest = &block.bytes[..];
                while !rest.is_empty() {
                    all.push(Found::decode(&mut rest).map_err(MoveError::from)?);
                }
            }
        }
        let all = Rc::new(all);
        if let Some(open) = self.open.borrow_mut().as_mut() {
            open.unabsorbed = Some(Rc::clone(&all));
        }
        Ok(all)
    }

    /// Lengths of a slot's files, asked while another slot's state is looked at.
    fn ends(&self, state: &SlotState<'_>, slot: SlotId) -> Result<FileEnds, CrawlError> {
        if slot == state.slot {
            return FileEnds::read(state.store, slot);
        }
        FileEnds::read(self.store(slot)?.as_ref(), slot)
    }

    fn snapshot(&self, state: &SlotState<'_>) -> Result<SlotSnapshot, CrawlError> {
        let read = SlotSnapshot::read(state.store);
        let failed = |source: FrontierError| CrawlError::Frontier {
            slot: state.slot,
            source,
        };
        Ok(read.map_err(failed)?.unwrap_or_default())
    }

    fn store(&self, slot: SlotId) -> Result<Arc<dyn Store>, CrawlError> {
        self.world
            .stores(STOPPED_STORE_BYTES)
            .open(&self.dir.store(slot))
            .map_err(|source| CrawlError::Store { slot, source })
    }

    fn with_slot<T>(
        &self,
        slot: SlotId,
        work: impl FnOnce(&SlotState<'_>) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        let known = self.open.borrow().as_ref().map(|open| open.slot);
        if known != Some(slot) {
            // The one before is closed first.
            self.open.take();
            let store = self.store(slot)?;
            *self.open.borrow_mut() = Some(OpenSlot {
                slot,
                store,
                unabsorbed: None,
            });
        }
        let store = self
            .open
            .borrow()
            .as_ref()
            .map(|open| Arc::clone(&open.store));
        let store = store.expect("opened above");
        work(&SlotState {
            slot,
            slots: self.slots,
            key: self.key,
            store: store.as_ref(),
            disk: self.disk.as_ref(),
            sieve_dir: &self.dir.sieve(slot),
        })
    }
}

/// What an export says of itself.
///
/// # Errors
/// [`MoveError`] when it is none.
pub fn export_head<R: Read + Seek>(input: &mut R) -> Result<PartitionHead, MoveError> {
    let head = partition_head(input)?;
    input.seek(SeekFrom::Start(0))?;
    Ok(head)
}
