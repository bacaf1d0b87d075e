//! Opening a slot's frontier from its store.
//!
//! In: the store and the sieve's folder. Out: a frontier that goes on where the last group left it.
//! May touch: store and files; blocking. Invariant: reads only, apart from deleting unnamed sieve files.

use std::sync::Arc;

use orb_gate::SiteClock;
use orb_shard::{Partition, SlotId};
use orb_store::{JournalEnd, Keyspace, Store, StoreError};
use orb_url::Site;

use crate::DecodeError;
use crate::frontier::{Frontier, FrontierSetup};
use crate::limits::OPEN_ROWS;
use crate::rows::SiteRow;
use crate::sieve::{RunList, Sieve, SieveError};
use crate::sites::SiteTable;
use crate::snapshot::SlotSnapshot;

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

impl Frontier {
    /// Opens the frontier of one slot. Blocking; cost: one read of all site rows.
    ///
    /// # Errors
    /// When store or sieve cannot be read.
    pub fn open(setup: FrontierSetup, store: Arc<dyn Store>) -> Result<Frontier, FrontierError> {
        let snapshot = SlotSnapshot::read(store.as_ref())?.unwrap_or_default();
        let runs = match store.get(Keyspace::Meta, b"runs")? {
            Some(bytes) => RunList::decode(&bytes)?,
            None => RunList::default(),
        };
        let named: Vec<u64> = snapshot.admitted.iter().map(|file| file.id).collect();
        let sieve = Sieve::open(Arc::clone(&setup.disk), &setup.sieve_dir, &runs, &named)?;
        let sites = read_sites(&setup, store.as_ref())?;
        let mut frontier = Frontier::assemble(setup, store, sieve, sites, snapshot);
        for id in frontier.sites.ids() {
            let entry = frontier.sites.get(id);
            if entry.row.pending > 0 && entry.row.parked.is_none() {
                let opened = frontier.setup.opened.mono;
                frontier
                    .sites
                    .schedule(id, opened, &frontier.setup.politeness);
            }
        }
        Ok(frontier)
    }
}

fn read_sites(setup: &FrontierSetup, store: &dyn Store) -> Result<SiteTable, FrontierError> {
    let mut table = SiteTable::default();
    walk_sites(store, &mut |site, partition, row| {
        let clock = SiteClock::opened(row.clock, setup.clean, setup.opened);
        table.insert(site, partition, clock, row);
    })?;
    Ok(table)
}

/// Visits every site of a store, in the order of keys. Blocking.
///
/// # Errors
/// When the store fails or a row cannot be read.
pub fn each_site(
    store: &dyn Store,
    visit: &mut dyn FnMut(&Site, &SiteRow),
) -> Result<(), FrontierError> {
    walk_sites(store, &mut |site, _, row| visit(&site, &row))
}

fn walk_sites(
    store: &dyn Store,
    visit: &mut dyn FnMut(Site, Partition, SiteRow),
) -> Result<(), FrontierError> {
    let mut from = vec![0];
    loop {
        let rows = store.range(Keyspace::Sites, &from, None, OPEN_ROWS)?;
        let Some((last, _)) = rows.last() else {
            return Ok(());
        };
        from = [last, &[0][..]].concat();
        for (key, value) in rows {
            let (site, partition, row) = decode_site(&key, &value)?;
            visit(site, partition, row);
        }
    }
}

/// Reads one row of the keyspace `Sites`.
///
/// # Errors
/// When key or value are not such a row.
pub fn decode_site(key: &[u8], value: &[u8]) -> Result<(Site, Partition, SiteRow), FrontierError> {
    let (number, name) = key.split_first_chunk().ok_or(DecodeError::Short)?;
    let partition = Partition::new(u16::from_be_bytes(*number))
        .ok_or(DecodeError::Value { field: "partition" })?;
    let name = std::str::from_utf8(name).map_err(|_| DecodeError::Value { field: "site" })?;
    let json = |source| FrontierError::Json {
        key: name.to_owned(),
        source,
    };
    let row: SiteRow = serde_json::from_slice(value).map_err(json)?;
    Ok((Site::from_stored(name), partition, row))
}
