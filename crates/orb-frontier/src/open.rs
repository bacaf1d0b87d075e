//! Opening a slot's frontier from its store.
//!
//! In: the store and the sieve's folder. Out: a frontier that goes on where the last group left it.
//! May touch: store and files; blocking. Invariant: reads only, apart from deleting unnamed sieve files.

use std::sync::Arc;

use orb_env::Stamp;
use orb_shard::{SiteKey, SlotId};
use orb_store::{JournalEnd, Keyspace, Rows, Store, StoreError};

use crate::frontier::{Frontier, FrontierSetup};
use crate::rows::site_of_key;
use crate::scope::ScopeMarks;
use crate::sieve::{RunList, Sieve, SieveError, SieveMemory};
use crate::sites::{SiteTable, Warm};
use crate::snapshot::SlotSnapshot;
use crate::{DecodeError, SiteRow, StoredSite, Tally};

/// Why a frontier could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrontierError {
    /// The store failed.
    #[error("read or write the slot's store")]
    Store(#[from] StoreError),
    /// The sieve failed.
    #[error("read or write the sieve")]
    Sieve(#[from] SieveError),
    /// A row cannot be read.
    #[error("row of the slot's store")]
    Row(#[from] DecodeError),
    /// A JSON row cannot be read.
    #[error("row `{key}` of the slot's store")]
    Json {
        /// Its key.
        key: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

impl SlotSnapshot {
    /// Reads the stored snapshot; a fresh slot has none.
    ///
    /// # Errors
    /// When the store fails or the row cannot be read.
    pub fn read(store: &dyn Store) -> Result<Option<SlotSnapshot>, FrontierError> {
        let Some(bytes) = store.get(Keyspace::Meta, b"frontier")? else {
            return Ok(None);
        };
        let json = |source| FrontierError::Json {
            key: "frontier".into(),
            source,
        };
        Ok(Some(serde_json::from_slice(&bytes).map_err(json)?))
    }

    /// Absorbed positions by source, to be held against the stored lengths of the journals.
    pub fn positions(&self) -> impl Iterator<Item = (SlotId, JournalEnd)> + '_ {
        self.absorbed
            .iter()
            .map(|(&slot, &(file, bytes))| (SlotId(slot), JournalEnd { file, bytes }))
    }
}

impl RunList {
    /// Reads the stored list; a fresh slot has none.
    ///
    /// # Errors
    /// When the store fails or the row cannot be read.
    pub fn read(store: &dyn Store) -> Result<RunList, FrontierError> {
        let row = store.get(Keyspace::Meta, b"runs")?;
        Ok(row
            .map(|row| RunList::decode(&row))
            .transpose()?
            .unwrap_or_default())
    }
}

impl Frontier {
    /// Opens the frontier of one slot. Blocking; cost: one read of all tallies, some twenty bytes a site.
    ///
    /// # Errors
    /// When store or sieve cannot be read.
    pub fn open(setup: FrontierSetup, store: Arc<dyn Store>) -> Result<Frontier, FrontierError> {
        let snapshot = SlotSnapshot::read(store.as_ref())?.unwrap_or_default();
        let runs = RunList::read(store.as_ref())?;
        let named: Vec<u64> = snapshot.admitted.iter().map(|file| file.id).collect();
        let memory = SieveMemory::of(setup.config.sieve_memory_max.bytes());
        let disk = Arc::clone(&setup.disk);
        let sieve = Sieve::open(disk, &setup.sieve_dir, &runs, &named, memory)?;
        let sites = read_sites(&setup, store.as_ref(), snapshot.at)?;
        Ok(Frontier::assemble(setup, store, sieve, sites, snapshot))
    }
}

/// The table as the stored tallies tell it, with every site that has something to do on the wheel; the rows of all
/// sites too, when they are few.
fn read_sites(
    setup: &FrontierSetup,
    store: &dyn Store,
    stored: Stamp,
) -> Result<SiteTable, FrontierError> {
    let opened = setup.opened;
    // What the wall clock would say now had it not been set since. After another boot nobody knows.
    let elapsed = opened.mono.since(stored.mono);
    let now = (stored.boot == opened.boot).then(|| stored.wall.plus(elapsed));
    // A hint only spares reading a site too early; one that is wrong must not keep it waiting. Clocks are read with it.
    let hint_max = setup.politeness.site_delay * 2;
    let mut table = SiteTable::new(setup.config.warm_sites_max, opened.mono);
    for row in Rows::all(store, Keyspace::Tallies) {
        let (key, value) = row?;
        let (tally, marks) = Tally::decode(&value)?;
        let id = table.insert(site_of_key(&key)?, &tally, marks);
        if table.get(id).is_pending() {
            let hint = tally.due.zip(now).map(|(due, now)| due.since(now));
            let due = opened.mono.plus(hint.unwrap_or_default().min(hint_max));
            table.schedule(id, due, false);
        }
    }
    if table.keeps_all() {
        for row in Rows::all(store, Keyspace::Sites) {
            let (key, value) = row?;
            let key = site_of_key(&key)?;
            let known = table.find(key);
            let id = known
                .unwrap_or_else(|| table.insert(key, &Tally::default(), ScopeMarks::default()));
            let warm = Warm::new(SiteRow::decode(&value)?, setup.clean, opened);
            let next = warm.next_allowed(&setup.politeness);
            table.make_warm(id, warm);
            if table.get(id).is_pending() {
                table.schedule(id, next.max(opened.mono), false);
            }
        }
    }
    Ok(table)
}

/// Visits every site of a store, in the order of keys. Blocking; cost: all site rows and tallies are read.
///
/// # Errors
/// When the store fails or a row cannot be read.
pub fn each_site(
    store: &dyn Store,
    visit: &mut dyn FnMut(&StoredSite),
) -> Result<(), FrontierError> {
    for row in Rows::all(store, Keyspace::Sites) {
        let (key, value) = row?;
        visit(&stored_site(store, site_of_key(&key)?, &value)?);
    }
    Ok(())
}

/// Visits the tally of every site of a store, in the order of keys. Blocking.
///
/// # Errors
/// When the store fails or a row cannot be read.
pub fn each_tally(
    store: &dyn Store,
    visit: &mut dyn FnMut(SiteKey, &Tally),
) -> Result<(), FrontierError> {
    for row in Rows::all(store, Keyspace::Tallies) {
        let (key, value) = row?;
        visit(site_of_key(&key)?, &Tally::decode(&value)?.0);
    }
    Ok(())
}

/// All that is stored of the site whose row is `value`.
pub(crate) fn stored_site(
    store: &dyn Store,
    key: SiteKey,
    value: &[u8],
) -> Result<StoredSite, FrontierError> {
    let row = SiteRow::decode(value)?;
    let (tally, marks) = Tally::read(store, key)?;
    Ok(StoredSite {
        key,
        row,
        tally,
        marks,
    })
}

impl Tally {
    /// Reads a site's stored tally; an unknown site has none.
    pub(crate) fn read(
        store: &dyn Store,
        key: SiteKey,
    ) -> Result<(Tally, ScopeMarks), FrontierError> {
        let row = store.get(Keyspace::Tallies, &key.to_bytes())?;
        let tally = row.map(|row| Tally::decode(&row)).transpose()?;
        Ok(tally.unwrap_or_default())
    }
}
