//! One slot in a running crawl: its frontier, robots copies, open group and files.
//!
//! In: the slot's store and files. Out: groups to commit, jobs for helpers.
//! May touch: everything of this slot. Must not touch: other slots.
//! Invariant: at most one group is unsynced beside the one being built; a failed group undoes the slot to its
//! last committed state by the same code that opens it.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use orb_api::{AttemptRow, Outcome};
use orb_env::mutant::{Mutant, planted};
use orb_env::{AppendFile, Job, Mono, Stamp};
use orb_frontier::{Frontier, FrontierSetup, MemoryShares, SiteId, half_imported};
use orb_shard::SlotId;
use orb_store::{JournalEnd, JournalReader, Keyspace, Store};
use orb_url::{Fingerprint, Site};
use rustc_hash::FxHashMap;
use tokio::sync::oneshot;

use crate::CrawlError;
use crate::archive::{Archivist, Original};
use crate::board::{RunCounts, SlotReport};
use crate::copies::Copies;
use crate::dictionary::{DictionaryJob, of_segment};
use crate::errand::{Errand, HopAnswer, tell};
use crate::files::{FileEnds, SlotFiles};
use crate::group::{CommitJob, Committed, Group};
use crate::index::{close, open_segment, unfinished};
use crate::limits::READING_BYTES_MAX;
use crate::orders::InForce;
use crate::recent::RecentLinks;
use crate::same_texts::SameTexts;
use crate::seeds;
use crate::shared::Shared;
use crate::visited::Visited;

/// Why a slot stands still, and since when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failure {
    pub(crate) retry_at: Mono,
    pub(crate) times: u32,
}

/// The records a revisit may refer to before their group is durable, by payload digest.
pub(crate) type FreshPayloads = FxHashMap<[u8; 20], (u64, Original)>;

/// See the module.
pub(crate) struct Slot {
    pub(crate) id: SlotId,
    pub(crate) frontier: Frontier,
    pub(crate) copies: Copies,
    pub(crate) archivist: Archivist,
    pub(crate) group: Group,
    group_bytes_max: usize,
    /// Ends as of the group being built.
    pub(crate) ends: FileEnds,
    files: Option<SlotFiles>,
    pub(crate) attempts: Box<dyn AppendFile>,
    reading: Box<dyn AppendFile>,
    pub(crate) fresh: FreshPayloads,
    pub(crate) recent: RecentLinks,
    pub(crate) same_texts: SameTexts,
    pub(crate) durable_group: u64,
    readers: Vec<Option<JournalReader>>,
    pub(crate) absorbing: bool,
    pub(crate) seeding: bool,
    seed_files: Vec<(u64, u64)>,
    /// The last order that was heeded; none in a slot that was just opened.
    heeded: u64,
    /// Orders whose seeds are among these files.
    seeds_taken: u64,
    pub(crate) suspects: BTreeMap<u64, u8>,
    pub(crate) errands: FxHashMap<SiteId, VecDeque<Errand>>,
    /// Answers to errands, told when their group is durable.
    pub(crate) answers: Vec<(u64, HopAnswer, Vec<oneshot::Sender<HopAnswer>>)>,
    /// Requests under way.
    pub(crate) in_flight: u32,
    /// Helper jobs under way.
    pub(crate) jobs: u32,
    /// Robots hops of ours that other slots have not answered yet.
    pub(crate) hops: u32,
    pub(crate) failed: Option<Failure>,
    pub(crate) failures: u32,
    pub(crate) counts: RunCounts,
    pub(crate) visited: Visited,
    committed_ends: FileEnds,
    /// Segments that are whole, and that nothing was begun for yet.
    closed: VecDeque<String>,
    /// When the group that is being written was sealed.
    pub(crate) sealed_at: Mono,
    /// Bytes of the store's files after the last group.
    disk_bytes: u64,
}

/// Makes the names of what was made in a slot's folder just now durable, the store's folder among them.
fn sync_names(disk: &dyn orb_env::Disk, folder: &Path) -> Result<(), CrawlError> {
    disk.sync_dir(folder)
        .map_err(CrawlError::file("sync folder", folder))
}

impl Slot {
    /// Opens a slot as of its last committed group. Blocking.
    pub(crate) fn open(
        shared: &Shared,
        id: SlotId,
        opened: Stamp,
        clean: bool,
    ) -> Result<Slot, CrawlError> {
        let disk = shared.world.disk();
        let dir = &shared.dir;
        let store = open_store(shared, id)?;
        let ends = FileEnds::read(store.as_ref(), id)?;
        let open = open_segment(shared, &ends);
        let (files, undone) = SlotFiles::open(dir, id, &disk, &ends, open)?;
        let suspects = read_suspects(shared, id, store.as_ref(), clean)?;
        let setup = FrontierSetup {
            slot: id,
            slots: shared.slots,
            key: shared.key,
            sieve_dir: dir.sieve(id),
            rests_dir: dir.rests(id),
            config: shared.config.frontier.clone(),
            rules: Arc::clone(&shared.rules),
            politeness: shared.config.politeness.clone(),
            disk: Arc::clone(&disk),
            clean,
            opened,
        };
        let frontier = Frontier::open(setup, store)
            .map_err(|source| CrawlError::Frontier { slot: id, source })?;
        let append = |path: &Path| disk.append(path).map_err(CrawlError::file("open", path));
        let reading = dir.reading(id);
        disk.remove(&reading)
            .map_err(CrawlError::file("remove", &reading))?;
        sync_names(disk.as_ref(), &dir.slot(id))?;
        let number = frontier.group();
        let mut slot = Slot {
            id,
            copies: Copies::default(),
            archivist: archivist(shared, id, &ends)?,
            group: Group::new(number + 1),
            group_bytes_max: shares(shared).group,
            committed_ends: ends.clone(),
            closed: unfinished(shared, id, &ends)?.into(),
            ends,
            files: Some(files),
            attempts: append(&dir.attempts_of(id))?,
            reading: append(&reading)?,
            fresh: FreshPayloads::default(),
            recent: RecentLinks::new(),
            same_texts: SameTexts::within(
                shared.config.memory_max.bytes() / 48,
                shared.slots.slots(),
            ),
            durable_group: number,
            readers: shared.slots.slot_ids().map(|_| None).collect(),
            absorbing: false,
            seeding: false,
            seed_files: seeds::files(disk.as_ref(), &dir.seeds(id))?,
            heeded: 0,
            seeds_taken: 0,
            suspects,
            errands: FxHashMap::default(),
            answers: Vec::new(),
            in_flight: 0,
            jobs: 0,
            hops: 0,
            failed: None,
            failures: 0,
            counts: RunCounts::default(),
            visited: Visited::default(),
            disk_bytes: 0,
            sealed_at: Mono(0),
            frontier,
        };
        slot.catch_up(shared, &undone, opened)?;
        Ok(slot)
    }

    /// What the store does not say: orders, pages that ended the process, attempts of groups that were not committed.
    fn catch_up(
        &mut self,
        shared: &Shared,
        undone: &[AttemptRow],
        opened: Stamp,
    ) -> Result<(), CrawlError> {
        self.heed(&shared.steering.in_force(), shared)?;
        if !self.suspects.is_empty() {
            self.store_suspects(opened.mono);
        }
        undone
            .iter()
            .try_for_each(|row| self.fold(row, shared, opened))
    }

    /// Lets a site's clock hear of an attempt whose group was not committed: it happened.
    fn fold(&mut self, row: &AttemptRow, shared: &Shared, opened: Stamp) -> Result<(), CrawlError> {
        if !row.has_address() {
            return Ok(());
        }
        let id = self
            .frontier
            .bring(&Site::from_stored(&row.site))
            .map_err(|source| CrawlError::Frontier {
                slot: self.id,
                source,
            })?;
        let took = row.end.since(row.start.mono);
        let trouble = row.outcome == Outcome::Retry
            || row.status == Some(429)
            || row.status.is_some_and(|s| s >= 500);
        let rest = Duration::from_micros(row.retry_after_us.unwrap_or(0));
        let rest = rest.min(shared.config.politeness.retry_after_max);
        let from = if row.start.boot == opened.boot {
            row.end
        } else {
            opened.mono
        };
        self.frontier
            .clock(id)
            .learn(took, trouble, from.plus(rest), &shared.config.politeness);
        self.group.grew(0, opened.mono);
        Ok(())
    }

    /// Undoes everything since the last committed group. Blocking; nothing of the slot may be under way.
    pub(crate) fn reopen(mut self, shared: &Shared, now: Stamp) -> Result<Slot, CrawlError> {
        let (id, failures, counts) = (self.id, self.failures, self.counts.clone());
        let undone = self.ends.pages.saturating_sub(self.committed_ends.pages);
        let fresh = std::mem::take(&mut self.fresh);
        // The store must be closed before it is opened again.
        drop(self);
        // Exchanges of the undone groups happened: every site waits its full delay again.
        let mut again = Slot::open(shared, id, now, false)?;
        again.failures = failures;
        again.counts = RunCounts {
            pages: counts.pages.saturating_sub(undone),
            ..counts
        };
        if planted(Mutant::DanglingRevisit) {
            again.fresh = fresh;
            // Else the next group's commit would forget them before a page comes again.
            let groups = again.fresh.values_mut().map(|(group, _)| group);
            groups.for_each(|group| *group = u64::MAX);
        }
        Ok(again)
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        self.frontier.store()
    }

    // ---- groups ----

    fn group_bytes(&self) -> usize {
        self.group.bytes() + self.frontier.unwritten_bytes()
    }

    /// Whether intake must wait for a commit.
    pub(crate) fn is_clogged(&self) -> bool {
        self.files.is_none() && self.group_bytes() >= self.group_bytes_max
    }

    /// When the group being built should be committed. A hungry slot does not let others wait for what they need;
    /// a slot that `stops` does not wait for more.
    pub(crate) fn commit_time(&self, hungry: bool, stops: bool, now: Mono) -> Mono {
        if self.files.is_none() || self.failed.is_some() {
            return Mono::NEVER;
        }
        let since = match self.group.since {
            Some(since) => since,
            None if self.frontier.is_dirty() => now,
            None => return Mono::NEVER,
        };
        if self.group_bytes() >= self.group_bytes_max {
            return now;
        }
        self.group.commit_time(since, hungry, stops)
    }

    /// Absorbed positions, to be held against the journals they belong to.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (SlotId, JournalEnd)> + '_ {
        self.frontier.positions()
    }

    /// Whether nothing waits to be committed and nothing is being committed.
    pub(crate) fn is_settled(&self) -> bool {
        self.files.is_some() && self.group.since.is_none() && !self.frontier.is_dirty()
    }

    /// Seals the group being built and starts the next. The caller runs the job.
    pub(crate) fn seal(&mut self, shared: &Shared, now: Stamp) -> Option<CommitJob> {
        let files = self.files.take()?;
        let number = self.group.number;
        let mut group = std::mem::replace(&mut self.group, Group::new(number + 1));
        let tail = self.frontier.seal(number, now, &mut group.batch);
        self.ends.attempts_bytes = self.attempts.bytes();
        let begun = group.segments.iter().map(|part| part.name.as_str());
        let open = self.committed_ends.segment.iter();
        let mut names: Vec<&str> = open.map(|end| end.name.as_str()).chain(begun).collect();
        names.dedup();
        let last = names.pop();
        let closed = names.into_iter().filter(|name| Some(*name) != last);
        let closed = closed.map(str::to_owned).collect();
        Some(CommitJob {
            group,
            ends: self.ends.clone(),
            files,
            store: Arc::clone(self.store()),
            clock: shared.world.clock(),
            tail,
            closed,
            links_needed_from: shared.board.links_needed_from(self.id),
        })
    }

    /// Takes a durable group back.
    pub(crate) fn committed(&mut self, committed: Committed) -> Result<JournalEnd, CrawlError> {
        let end = committed.ends.journal_end();
        self.durable_group += 1;
        self.counts.groups += 1;
        self.failures = 0;
        self.disk_bytes = self.store().disk_bytes();
        // The journal's end is known only by the commit; the rest has moved on since.
        self.ends.journal = committed.ends.journal;
        self.committed_ends = committed.ends;
        self.closed.extend(committed.closed);
        self.files = Some(committed.files);
        self.archivist.reuse(committed.spare);
        let durable = self.durable_group;
        self.fresh.retain(|_, (group, _)| *group > durable);
        for (_, answer, replies) in self.answers.extract_if(.., |(group, ..)| *group <= durable) {
            tell(&answer, replies);
        }
        self.frontier
            .durable(committed.tail)
            .map_err(|source| CrawlError::Frontier {
                slot: self.id,
                source,
            })?;
        Ok(end)
    }

    /// Takes note that a group failed.
    pub(crate) fn fail(&mut self, retry_at: Mono) {
        self.failures += 1;
        self.failed = Some(Failure {
            retry_at,
            times: self.failures,
        });
        for (_, errands) in self.errands.drain() {
            drop(errands);
        }
        self.answers.clear();
    }

    /// Heeds what orders say; returns how many URLs changed their state at once. Blocking where seeds were added: a
    /// look into a folder.
    pub(crate) fn heed(&mut self, orders: &InForce, shared: &Shared) -> Result<u64, CrawlError> {
        self.frontier.set_exclusions(Arc::clone(&orders.exclusions));
        self.frontier.set_wishes(Arc::clone(&orders.wishes));
        let moved = self.frontier.heed_sites(orders.named_after(self.heeded));
        self.frontier.recall(orders.budgeted_after(self.heeded));
        self.frontier
            .readmit(&orders.taken_back)
            .map_err(|source| CrawlError::Frontier {
                slot: self.id,
                source,
            })?;
        if orders.seeds_taken != self.seeds_taken {
            let folder = shared.dir.seeds(self.id);
            self.seed_files = seeds::files(shared.world.disk().as_ref(), &folder)?;
            self.seeds_taken = orders.seeds_taken;
        }
        self.heeded = orders.number;
        Ok(moved)
    }

    // ---- absorbing ----

    /// Whether seeds wait to be read.
    pub(crate) fn seeds_waiting(&self) -> bool {
        seeds::waiting(self.frontier.seeds_read_to(), &self.seed_files)
    }

    /// The job that reads the next seeds.
    pub(crate) fn start_seeds(&mut self, shared: &Shared) -> Option<seeds::SeedJob> {
        if self.seeding || !self.seeds_waiting() || self.is_full() {
            return None;
        }
        self.seeding = true;
        Some(seeds::SeedJob {
            disk: shared.world.disk(),
            dir: shared.dir.seeds(self.id),
            from: self.frontier.seeds_read_to(),
            files: self.seed_files.clone(),
        })
    }

    /// A reader of a journal that holds something new for this slot, and how far it may read.
    pub(crate) fn start_absorb(
        &mut self,
        shared: &Shared,
    ) -> Option<(SlotId, JournalReader, JournalEnd)> {
        if self.absorbing || self.seeding || self.seeds_waiting() || self.is_full() {
            return None;
        }
        let source = shared
            .slots
            .slot_ids()
            .find(|&source| self.is_behind(shared, source))?;
        self.absorbing = true;
        let reader = self.readers[usize::from(source.0)]
            .take()
            .unwrap_or_else(|| {
                let position = self.frontier.read_to(source);
                JournalReader::open(
                    shared.world.disk(),
                    &shared.dir.links(source),
                    self.id.0,
                    position,
                )
            });
        Some((source, reader, shared.board.shown(source)))
    }

    fn is_behind(&self, shared: &Shared, source: SlotId) -> bool {
        shared.board.shown(source) > self.frontier.read_to(source)
    }

    /// A reader comes back.
    pub(crate) fn keep_reader(&mut self, source: SlotId, reader: JournalReader) {
        self.absorbing = false;
        self.readers[usize::from(source.0)] = Some(reader);
    }

    /// Where a kept reader stands.
    pub(crate) fn reader_end(&self, source: SlotId) -> JournalEnd {
        let reader = self.readers[usize::from(source.0)].as_ref();
        reader.map_or_else(|| self.frontier.read_to(source), JournalReader::position)
    }

    fn is_full(&self) -> bool {
        self.frontier.buffer_is_full()
    }

    /// What is to be done for the next segment that was closed: an index, its place among the uploads, and the first
    /// dictionary. Where the disk is nearly full, it waits for room as intake does, unless uploads make that room.
    pub(crate) fn start_closing(&mut self, shared: &Arc<Shared>) -> Option<Job> {
        if shared.board.is_held() && !shared.shelf.is_wanted() {
            return None;
        }
        while let Some(name) = self.closed.pop_front() {
            let dictionary = DictionaryJob::of(shared, &name);
            let wanted = shared.config.archive.index || shared.shelf.is_wanted();
            if dictionary.is_none() && !wanted {
                continue;
            }
            let (shared, slot) = (Arc::clone(shared), self.id);
            return Some(Box::new(move || {
                // The dictionary first: other slots wait for it with the segments they write.
                if let Some(job) = dictionary {
                    job.run();
                }
                if wanted {
                    close(&shared, slot, name);
                }
            }));
        }
        None
    }

    // ---- pages that end the process ----

    /// Notes which page is about to be read.
    pub(crate) fn note_reading(&mut self, fingerprint: Fingerprint) -> std::io::Result<()> {
        if self.reading.bytes() < READING_BYTES_MAX {
            self.reading.append(&fingerprint.0.to_be_bytes())?;
        }
        Ok(())
    }

    /// Notes that the page was read to its end: whatever ends the process from here on, the page did not.
    pub(crate) fn note_read(&mut self) -> std::io::Result<()> {
        self.note_reading(READ)
    }

    /// Makes room in the note file, if it is full.
    pub(crate) fn trim_reading(&mut self, shared: &Shared) -> std::io::Result<()> {
        if self.reading.bytes() >= READING_BYTES_MAX {
            let path = shared.dir.reading(self.id);
            let disk = shared.world.disk();
            disk.remove(&path)?;
            self.reading = disk.append(&path)?;
        }
        Ok(())
    }

    pub(crate) fn store_suspects(&mut self, now: Mono) {
        let row = serde_json::to_vec(&self.suspects).expect("numbers are keys of JSON maps");
        self.group
            .batch
            .put(Keyspace::Meta, b"suspects".to_vec(), row);
        self.group.grew(0, now);
    }

    // ---- telling ----

    /// Whether nothing is left here but what journals may bring.
    pub(crate) fn is_idle(&self, shared: &Shared) -> bool {
        let unread = shared
            .slots
            .slot_ids()
            .any(|source| self.is_behind(shared, source));
        // The planted mistake overlooks journals, those that are just being read too.
        let overlooked = planted(Mutant::FinishedWithUnreadJournal);
        let jobs = self.jobs - u32::from(overlooked && self.absorbing);
        self.in_flight == 0
            && jobs == 0
            && self.hops == 0
            && self.failed.is_none()
            && self.errands.is_empty()
            && !self.seeds_waiting()
            && (!unread || overlooked)
            && self.is_settled()
            && self.frontier.is_idle()
    }

    pub(crate) fn report(&self, shared: &Shared) -> SlotReport {
        let mut counts = self.counts.clone();
        counts.bytes_received = self.ends.bytes_received;
        counts.pages_in_all = self.ends.pages;
        counts.disk_bytes = self.disk_bytes;
        SlotReport {
            idle: self.is_idle(shared),
            read_to: shared
                .slots
                .slot_ids()
                .map(|source| self.frontier.read_to(source))
                .collect(),
            stored_to: shared
                .slots
                .slot_ids()
                .map(|source| self.frontier.durable_to(source))
                .collect(),
            books: self.frontier.books().clone(),
            in_flight: u64::from(self.in_flight),
            sightings: self.frontier.sightings().clone(),
            sites: self.frontier.site_counts(),
            counts,
        }
    }
}

/// In the note file: the page before this was read to its end. No page is looked for under it.
const READ: Fingerprint = Fingerprint(0);

/// Refuses a slot into which a partition was being written when the process ended.
fn whole(slot: SlotId, store: &dyn Store) -> Result<(), CrawlError> {
    match half_imported(store) {
        Ok(None) => Ok(()),
        Ok(Some(partition)) => Err(CrawlError::HalfImported { partition }),
        Err(source) => Err(CrawlError::Frontier { slot, source }),
    }
}

fn shares(shared: &Shared) -> MemoryShares {
    MemoryShares::of(shared.config.memory_max, shared.slots.slots())
}

/// The slot's store, in which no partition is half.
fn open_store(shared: &Shared, id: SlotId) -> Result<Arc<dyn Store>, CrawlError> {
    let store = shared
        .world
        .stores(shares(shared).store)
        .open(&shared.dir.store(id))
        .map_err(|source| CrawlError::Store { slot: id, source })?;
    whole(id, store.as_ref())?;
    Ok(store)
}

/// The writer of a slot's archive, ready to go on with the segment that is open.
fn archivist(shared: &Shared, id: SlotId, ends: &FileEnds) -> Result<Archivist, CrawlError> {
    let disk = shared.world.disk();
    let end = open_segment(shared, ends);
    let open = of_segment(disk.as_ref(), &shared.dir, end)?;
    let sealed = ends.segment.as_ref().filter(|_| end.is_none());
    let sealed = sealed.map(|end| end.name.clone());
    Ok(Archivist::new(
        &shared.config.archive,
        id.0,
        shared.info.clone(),
        Arc::clone(&shared.dictionary),
        open.as_ref(),
    )
    .sealing(sealed))
}

fn read_suspects(
    shared: &Shared,
    id: SlotId,
    store: &dyn Store,
    clean: bool,
) -> Result<BTreeMap<u64, u8>, CrawlError> {
    let row = store
        .get(Keyspace::Meta, b"suspects")
        .map_err(|source| CrawlError::Store { slot: id, source })?;
    let mut suspects: BTreeMap<u64, u8> = row
        .and_then(|row| serde_json::from_slice(&row).ok())
        .unwrap_or_default();
    // A machine that stopped is no page's doing, and after a power cut the notes say what they like.
    if !clean && !shared.rebooted {
        let bytes = shared
            .world
            .disk()
            .read_all(&shared.dir.reading(id))
            .unwrap_or_default();
        if let Some(last) = bytes
            .chunks_exact(8)
            .next_back()
            .and_then(|chunk| chunk.try_into().ok())
            .filter(|last| *last != READ.0.to_be_bytes())
        {
            *suspects.entry(u64::from_be_bytes(last)).or_default() += 1;
        }
    }
    Ok(suspects)
}
