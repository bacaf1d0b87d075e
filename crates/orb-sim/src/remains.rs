//! What a run left: hashes of files and rows for the replay, rows for the checks, a summary for whoever looks for a fault.
//!
//! In: disk and stores. Out: numbers and text. May touch: both, for reading.
//! Invariant: everything is read in an order of its own names, never of a table.

use std::hash::{Hash, Hasher};
use std::path::Path;

use orb_api::CrawlDir;
use orb_crawl::FileEnds;
use orb_env::Disk;
use orb_frontier::SlotSnapshot;
use orb_shard::SlotId;
use orb_store::{Keyspace, ModelOpener, Rows, StoreOpener};
use rustc_hash::FxHasher;

use crate::disk::WitnessedDisk;

/// What the stores of an unfinished crawl say, for whoever looks for the reason.
pub(crate) fn autopsy(stores: &ModelOpener, disk: &WitnessedDisk, dir: &CrawlDir) -> String {
    let mut text = String::new();
    for slot in (0..4).map(SlotId) {
        let Ok(store) = stores.open(&dir.store(slot)) else {
            continue;
        };
        let snapshot = SlotSnapshot::read(store.as_ref())
            .ok()
            .flatten()
            .unwrap_or_default();
        let ends = FileEnds::read(store.as_ref(), slot).unwrap_or_default();
        let seeds = disk.list(&dir.seeds(slot)).unwrap_or_default();
        text.push_str(&format!(
            "\n    slot {slot}: {snapshot:?}\n      {ends:?}\n      seeds {seeds:?}"
        ));
    }
    text
}

pub(crate) fn files_hash(disk: &WitnessedDisk, dir: &CrawlDir) -> u64 {
    let mut folders = vec![dir.warc(), dir.attempts(), dir.commits(), dir.state()];
    for slot in (0..4).map(SlotId) {
        folders.extend([
            dir.slot(slot),
            dir.sieve(slot),
            dir.links(slot),
            dir.seeds(slot),
        ]);
    }
    folders.extend(orb_crawl::index_place(dir).folders());
    let mut hasher = FxHasher::default();
    for folder in folders {
        for entry in disk.list(&folder).unwrap_or_default() {
            entry.name.hash(&mut hasher);
            disk.read_all(&folder.join(&entry.name))
                .unwrap_or_default()
                .hash(&mut hasher);
        }
    }
    hasher.finish()
}

pub(crate) fn rows_hash(stores: &ModelOpener, dir: &CrawlDir) -> u64 {
    let mut hasher = FxHasher::default();
    for slot in (0..4).map(SlotId) {
        for keyspace in Keyspace::ALL {
            for_each_row(stores, &dir.store(slot), keyspace, |key, value| {
                (key, value).hash(&mut hasher);
            });
        }
    }
    hasher.finish()
}

/// Every row of one keyspace of the store in `dir`; none when it cannot be opened.
pub(crate) fn for_each_row(
    stores: &ModelOpener,
    dir: &Path,
    keyspace: Keyspace,
    mut each: impl FnMut(&[u8], &[u8]),
) {
    let Ok(store) = stores.open(dir) else { return };
    Rows::all(store.as_ref(), keyspace)
        .map_while(Result::ok)
        .for_each(|(key, value)| each(&key, &value));
}
