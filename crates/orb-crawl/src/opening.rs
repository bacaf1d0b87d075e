//! Opening a crawl's folder: identity, seeds, slots, and the check that they belong together.
//!
//! In: settings, a world, a folder. Out: an [`OpenCrawl`] that can run.
//! May touch: the folder, blocking. Must not touch: sockets.
//! Invariant: a folder is refused when it is newer, of another suffix list, or mixes two states.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use orb_api::CrawlDir;
use orb_env::{Disk, Stamp};
use orb_fetch::limits::GROW_AT_ONCE_BYTES;
use orb_frontier::{MemoryShares, UrlRules};
use orb_objects::Ledger;
use orb_robots::ProductToken;
use orb_shard::SlotMap;
use orb_store::JournalEnd;
use orb_url::Seed;

use crate::board::{Board, PageBudget};
use crate::bringing::Bringer;
use crate::dictionary::SharedDictionary;
use crate::earlier::Earlier;
use crate::identity::{CrawlIdentity, RunSettings};
use crate::seed_lists::{self, SeedTally, add};
use crate::seeds::SeedIntake;
use crate::shared::Shared;
use crate::slot::Slot;
use crate::steering::Steering;
use crate::uploads::Shelf;
use crate::{ConfigError, Control, CrawlConfig, CrawlError, Wish, World};

/// What a crawl is begun with.
pub struct CrawlSetup {
    /// The folder.
    pub dir: CrawlDir,
    /// Settings.
    pub config: CrawlConfig,
    /// URLs the operator does not want.
    pub rules: UrlRules,
    /// The world to crawl in.
    pub world: Arc<dyn World>,
    /// The operator's hand.
    pub control: Control,
    /// Name and version of the program, for the archive.
    pub software: String,
}

/// A crawl that is open and can run.
pub struct OpenCrawl {
    pub(crate) setup: CrawlSetup,
    pub(crate) identity: CrawlIdentity,
    pub(crate) slots: SlotMap,
    pub(crate) token: ProductToken,
    pub(crate) opened: Stamp,
    pub(crate) clean: bool,
    pub(crate) rebooted: bool,
    pub(crate) shards: u16,
    pub(crate) earlier: Option<Arc<Earlier>>,
    is_new: bool,
}

/// Opens a folder, or makes it.
///
/// Blocking. Nobody else may work on the folder: the caller holds its lock.
///
/// # Errors
/// Settings that cannot be, a folder of a newer format or another suffix list, what the disk says.
pub fn open(setup: CrawlSetup) -> Result<OpenCrawl, CrawlError> {
    setup.config.check()?;
    let token = ProductToken::new(&setup.config.identity.product).map_err(|error| ConfigError {
        key: "identity.product",
        problem: error.to_string(),
    })?;
    let disk = setup.world.disk();
    let dir = &setup.dir;
    let earlier = Earlier::open(setup.world.disk(), &setup.config.archive.revisits_of, dir)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let known = CrawlIdentity::read(disk.as_ref(), dir)?;
    let is_new = known.is_none();
    let mut identity = known.unwrap_or_else(|| {
        CrawlIdentity::fresh(&setup.config, setup.world.entropy().as_ref(), cores)
    });
    let slots = identity.slot_map()?;
    make_folders(disk.as_ref(), dir, &slots)?;
    let opened = setup.world.clock().stamp();
    let before = identity.runs.last().map(|run| run.started.boot);
    let rebooted = before.is_some_and(|boot| boot != opened.boot);
    let run = RunSettings::of(&setup.config, opened)?;
    // A new crawl is clean; an old one only if it said so when it ended.
    let clean = is_new || was_clean(disk.as_ref(), dir)?;
    identity.write(disk.as_ref(), dir, run)?;
    let shards = match setup.config.threads {
        0 => cores.min(usize::from(slots.slots())) as u16,
        threads => threads.min(u16::from(slots.slots())),
    };
    Ok(OpenCrawl {
        setup,
        identity,
        slots,
        token,
        opened,
        clean,
        rebooted,
        shards,
        earlier,
        is_new,
    })
}

pub(crate) fn make_folders(
    disk: &dyn Disk,
    dir: &CrawlDir,
    slots: &SlotMap,
) -> Result<(), CrawlError> {
    let mut folders = vec![
        dir.root().to_path_buf(),
        dir.warc(),
        dir.attempts(),
        dir.commits(),
        dir.state(),
        dir.logs(),
    ];
    for slot in slots.slot_ids() {
        folders.extend([
            dir.slot(slot),
            dir.sieve(slot),
            dir.links(slot),
            dir.seeds(slot),
        ]);
    }
    for folder in &folders {
        disk.create_dir_all(folder)
            .map_err(CrawlError::file("make folder", folder))?;
    }
    let parents = [
        dir.root().to_path_buf(),
        dir.index(),
        dir.attempts(),
        dir.commits(),
        dir.warc(),
        dir.state(),
    ];
    for parent in &parents {
        disk.sync_dir(parent)
            .map_err(CrawlError::file("sync folder", parent))?;
    }
    sync_name(disk, dir)
}

/// Makes the folder's own name durable, which lies in the folder above; and those of folders above that were made with it.
fn sync_name(disk: &dyn Disk, dir: &CrawlDir) -> Result<(), CrawlError> {
    let root = std::path::absolute(dir.root()).map_err(CrawlError::file("find", dir.root()))?;
    for (place, above) in root.ancestors().skip(1).enumerate() {
        match disk.sync_dir(above) {
            Err(error) if place == 0 && error.kind() != std::io::ErrorKind::PermissionDenied => {
                return Err(CrawlError::file("sync folder", above)(error));
            }
            // What cannot be opened for reading was not made by us, and its names have been there for long.
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn clean_marker(dir: &CrawlDir) -> std::path::PathBuf {
    dir.state().join("clean")
}

/// Whether the process before ended cleanly; the mark is used up.
fn was_clean(disk: &dyn Disk, dir: &CrawlDir) -> Result<bool, CrawlError> {
    let marker = clean_marker(dir);
    let clean = disk.read(&marker).is_ok();
    if clean {
        disk.remove(&marker)
            .map_err(CrawlError::file("remove", &marker))?;
        disk.sync_dir(&dir.state())
            .map_err(CrawlError::file("sync folder", &dir.state()))?;
    }
    Ok(clean)
}

/// Says that the process ends cleanly.
pub(crate) fn mark_clean(disk: &dyn Disk, dir: &CrawlDir) -> Result<(), CrawlError> {
    let marker = clean_marker(dir);
    disk.replace(&marker, b"clean\n")
        .map_err(CrawlError::file("write", &marker))
}

impl OpenCrawl {
    /// Whether the folder was made just now.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether any seed was ever taken in.
    ///
    /// # Errors
    /// What the disk says.
    pub fn has_seeds(&self) -> Result<bool, CrawlError> {
        let disk = self.setup.world.disk();
        for slot in self.slots.slot_ids() {
            if !crate::seeds::files(disk.as_ref(), &self.setup.dir.seeds(slot))?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes seeds in; they are durable when this returns. The same seed twice is harmless.
    ///
    /// # Errors
    /// What the disk says; a list that was not taken in whole is not used.
    pub fn add_seeds(&mut self, seeds: impl Iterator<Item = Seed>) -> Result<u64, CrawlError> {
        let disk = self.setup.world.disk();
        let key = self.identity.crawl_key();
        let mut intake = SeedIntake::new(disk.as_ref(), &self.setup.dir, &self.slots, key);
        let mut tally = SeedTally::default();
        for seed in seeds {
            intake.add(&seed)?;
            tally.note(&seed);
        }
        intake.finish()?;
        let count = tally.count();
        if let Some(list) = tally.list()
            && add(&mut self.identity.seed_lists, list)
        {
            self.identity.store(disk.as_ref(), &self.setup.dir)?;
        }
        Ok(count)
    }

    /// Opens every slot and checks that they belong together.
    pub(crate) fn open_slots(self, shards: u16) -> Result<(Arc<Shared>, Vec<Slot>), CrawlError> {
        let (bringer, shelf) = self.setup.uploads()?;
        let mut config = self.setup.config;
        share_memory(&mut config, self.slots.slots(), shards);
        let steering = Arc::new(Steering::open(
            self.setup.world.disk(),
            self.setup.world.clock(),
            &self.setup.dir,
            self.slots,
            self.identity.crawl_key(),
            &config.opt_outs,
        )?);
        if steering.in_force().paused {
            self.setup.control.ask(Wish::Pause);
        }
        let mut info = info_of(&config, &self.setup.software, &self.setup.dir);
        info.extend(seed_lists::info(&self.identity.seed_lists));
        let indexing = crate::index::turns(&config, self.slots.slots());
        let disk = self.setup.world.disk();
        let dictionary = Arc::new(SharedDictionary::stored(disk.as_ref(), &self.setup.dir)?);
        let pages_max = config.limits.pages_max;
        let mut shared = Shared {
            types: types_of(&config),
            key: self.identity.crawl_key(),
            board: Board::new(self.slots.slots(), shards, &[], PageBudget::default()),
            dir: self.setup.dir,
            config,
            rules: Arc::new(self.setup.rules),
            world: self.setup.world,
            control: self.setup.control,
            steering,
            slots: self.slots,
            shards,
            token: self.token,
            software: self.setup.software,
            info,
            dictionary,
            indexing,
            earlier: self.earlier,
            shelf,
            bringer: Mutex::new(bringer),
            sealed: BTreeSet::new(),
            opened: self.opened,
            clean: self.clean,
            rebooted: self.rebooted,
        };
        shared.sealed = sealed(&shared.dir, shared.world.disk().as_ref())?;
        let mut slots = Vec::new();
        for id in shared.slots.slot_ids() {
            slots.push(Slot::open(&shared, id, shared.opened, shared.clean)?);
        }
        let ends = journal_ends(&slots)?;
        let done = slots.iter().map(|slot| slot.ends.pages).sum();
        shared.board = Board::new(
            shared.slots.slots(),
            shards,
            &ends,
            PageBudget::new(pages_max, done),
        );
        Ok((Arc::new(shared), slots))
    }
}

/// Content types that are asked for; empty for all.
fn types_of(config: &CrawlConfig) -> Arc<[String]> {
    match config.limits.requisites {
        true => Arc::from([]),
        false => Arc::from(config.limits.types.as_slice()),
    }
}

/// Where each slot's link journal ends; nobody may have absorbed more of it.
fn journal_ends(slots: &[Slot]) -> Result<Vec<JournalEnd>, CrawlError> {
    let ends: Vec<JournalEnd> = slots.iter().map(|slot| slot.ends.journal_end()).collect();
    for slot in slots {
        for (writer, position) in slot.positions() {
            let end = ends.get(usize::from(writer.0));
            if end.is_none_or(|end| position > *end) {
                return Err(CrawlError::PositionAhead {
                    reader: slot.id,
                    writer,
                });
            }
        }
    }
    Ok(ends)
}

impl CrawlSetup {
    /// Who takes closed segments to an object store, and the shelf they wait on.
    fn uploads(&self) -> Result<(Option<Bringer>, Shelf), CrawlError> {
        let config = &self.config;
        let place = config.archive.place().map_err(|error| ConfigError {
            key: "archive.store",
            problem: error.to_string(),
        })?;
        let Some(place) = place else {
            return Ok((None, Shelf::default()));
        };
        let store = self.world.objects(&place)?;
        let bringer = Bringer::open(store, self.world.disk(), &self.dir, &config.archive)?;
        let backlog = config.archive.store_backlog_max.bytes();
        let shelf = Shelf::for_store(place.to_string(), backlog, bringer.uploader().meter());
        Ok((Some(bringer), shelf))
    }
}

/// The segments that are in an object store or on their way, whatever the settings say now.
fn sealed(dir: &CrawlDir, disk: &dyn Disk) -> Result<BTreeSet<String>, CrawlError> {
    let known = Ledger::look(disk, &dir.uploads())?;
    let objects = known.arrived.into_keys().chain(known.begun);
    let names = objects.filter_map(|object| Some(object.strip_prefix("warc/")?.to_owned()));
    Ok(names.collect())
}

/// Gives each part its share of `memory_max`: a quarter to the stores, a quarter to the site tables, a quarter to fetch
/// buffers, a twelfth to the sieves, a twelfth to open groups; of the last twelfth three quarters to indexes being made, the
/// rest to marks of texts and to code.
fn share_memory(config: &mut CrawlConfig, slots: u8, shards: u16) {
    let of_slot = MemoryShares::of(config.memory_max, slots);
    if config.frontier.memory_max.bytes() == 0 {
        config.frontier.memory_max = orb_api::ByteSize(of_slot.sites);
    }
    if config.frontier.sieve_memory_max.bytes() == 0 {
        config.frontier.sieve_memory_max = orb_api::ByteSize(of_slot.sieve);
    }
    let need = config.fetch.exchange_bytes_max() + GROW_AT_ONCE_BYTES;
    let share = (config.memory_max.bytes() / 4 / u64::from(shards.max(1))).max(need);
    config.fetch.buffer_memory_max = config.fetch.buffer_memory_max.min(share).max(need);
}

/// What the settings were, so that files written under others show it.
fn settings_digest(config: &CrawlConfig) -> String {
    let text = serde_json::to_vec(config).expect("settings have only plain keys");
    orb_warc::Digest::sha1(&text).to_string()
}

fn info_of(config: &CrawlConfig, software: &str, dir: &CrawlDir) -> Vec<(String, String)> {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut info = vec![
        field("software", software),
        field("format", "WARC File Format 1.1"),
        field(
            "conformsTo",
            "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        ),
        field("robots", "RFC 9309"),
        field("isPartOf", &crate::index::crawl_name(dir)),
        field("settings-digest", &settings_digest(config)),
        field("http-header-user-agent", &config.fetch.user_agent),
    ];
    if !config.identity.contact.is_empty() {
        info.push(field("operator", &config.identity.contact));
    }
    info
}
