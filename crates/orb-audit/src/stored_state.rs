//! The state as the stores and sieves of a crawl hold it.
//!
//! In: the folder and a way to open its stores. Out: a [`StateReader`].
//! May touch: stores and sieve files, for reading. Must not touch: the frontier's memory or counters.
//! Invariant: every count is of rows; only `stored` repeats what a committed batch claims.
//!
//! | asked | read from |
//! |---|---|
//! | group, books, admitted files | `Meta`, row `frontier` |
//! | committed lengths | `Meta`, row `files` |
//! | sieve keys | every run that `Meta`, row `runs` names |
//! | waiting URLs | `Queue` (excluded where the site's row in `Tallies` is parked), `Cold` (excluded: budget), admitted files |
//! | fates | `Fates` |

use std::collections::BTreeMap;
use std::sync::Arc;

use orb_api::{CrawlDir, Reason};
use orb_env::Disk;
use orb_frontier::rows::{FateRow, QueueRow, site_of_key};
use orb_frontier::{DecodeError, RunList, SlotSnapshot, Undrained, check_runs, each_tally};
use orb_shard::{SiteKey, SlotId};
use orb_store::{Keyspace, Rows, Store, StoreOpener};
use orb_url::{CrawlKey, Fingerprint};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::error::{AuditError, StateError};
use crate::state::{ArchiveEnd, Fate, StateReader, StoredSlot, UrlKey, Waiting};

/// The open stores of one crawl. Nobody else may have them open.
pub struct StoredState {
    disk: Arc<dyn Disk>,
    dir: CrawlDir,
    stores: Vec<Arc<dyn Store>>,
    key: CrawlKey,
}

#[derive(Deserialize)]
struct Identity {
    slots: u8,
    #[serde(deserialize_with = "crawl_key")]
    key: CrawlKey,
}

fn crawl_key<'de, D: Deserializer<'de>>(value: D) -> Result<CrawlKey, D::Error> {
    let text = String::deserialize(value)?;
    CrawlKey::from_hex(&text).ok_or_else(|| D::Error::custom("a crawl's key is 32 hex digits"))
}

/// Row `files` of the keyspace `Meta`, as far as it is needed here.
#[derive(Default, Deserialize)]
struct FileEnds {
    segment: Option<SegmentEnd>,
    attempts_bytes: u64,
}

#[derive(Deserialize)]
struct SegmentEnd {
    serial: u32,
    bytes: u64,
}

impl StoredState {
    /// Opens the store of every slot that the crawl's identity names. Blocking.
    ///
    /// # Errors
    /// When the folder is no crawl's, or a store cannot be opened.
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &CrawlDir,
        opener: &dyn StoreOpener,
    ) -> Result<StoredState, AuditError> {
        let path = dir.identity();
        let bytes = disk.read_all(&path).map_err(AuditError::disk(&path))?;
        let identity: Identity = serde_json::from_slice(&bytes)
            .map_err(|source| AuditError::Identity { path, source })?;
        let open = |slot| {
            let store = opener.open(&dir.store(slot));
            store.map_err(|error| AuditError::state(slot)(error.into()))
        };
        let stores = (0..identity.slots)
            .map(SlotId)
            .map(open)
            .collect::<Result<_, _>>()?;
        Ok(StoredState {
            disk,
            dir: dir.clone(),
            stores,
            key: identity.key,
        })
    }

    fn store(&self, slot: SlotId) -> Result<&dyn Store, StateError> {
        let store = self.stores.get(usize::from(slot.0));
        store
            .map(AsRef::as_ref)
            .ok_or_else(|| format!("there is no slot {slot}").into())
    }

    fn snapshot(&self, slot: SlotId) -> Result<SlotSnapshot, StateError> {
        Ok(SlotSnapshot::read(self.store(slot)?)?.unwrap_or_default())
    }

    /// Sites whose URLs count as excluded.
    fn parked(&self, slot: SlotId) -> Result<BTreeMap<SiteKey, Reason>, StateError> {
        let mut parked = BTreeMap::new();
        each_tally(self.store(slot)?, &mut |key, tally| {
            parked.extend(tally.parked.map(|reason| (key, reason)));
        })?;
        Ok(parked)
    }
}

impl StateReader for StoredState {
    fn slots(&self) -> u8 {
        self.stores.len() as u8
    }

    fn stored(&self, slot: SlotId) -> Result<StoredSlot, StateError> {
        let snapshot = self.snapshot(slot)?;
        let row = self.store(slot)?.get(Keyspace::Meta, b"files")?;
        let ends: FileEnds = row
            .map(|row| serde_json::from_slice(&row))
            .transpose()?
            .unwrap_or_default();
        let archive = ends.segment.map(|end| ArchiveEnd {
            segment: end.serial,
            bytes: end.bytes,
        });
        Ok(StoredSlot {
            group: snapshot.group,
            books: snapshot.books,
            attempts_bytes: ends.attempts_bytes,
            archive,
        })
    }

    fn sieve_keys(&self, slot: SlotId) -> Result<u64, StateError> {
        let store = self.store(slot)?;
        let (runs, dir) = (RunList::read(store)?, self.dir.sieve(slot));
        let moved = self.snapshot(slot)?.moved;
        let mut keys = 0;
        check_runs(self.disk.as_ref(), &dir, &runs, &mut |key| {
            keys += u64::from(!moved.contains(&key.partition.get()));
        })?;
        Ok(keys)
    }

    fn for_each_queue_row(
        &self,
        slot: SlotId,
        each: &mut dyn FnMut(Waiting<'_>),
    ) -> Result<(), StateError> {
        let parked = self.parked(slot)?;
        let store = self.store(slot)?;
        let mut waiting = |key: &[u8], value: &[u8], excluded| {
            let row = QueueRow::decode(&self.key, value)?;
            let key = UrlKey {
                partition: site_of_key(key)?.partition().get(),
                fingerprint: row.fingerprint,
            };
            each(Waiting {
                key,
                url: row.found.url.as_str(),
                excluded,
            });
            Ok(())
        };
        for_each_row(store, Keyspace::Queue, |key, value| {
            let site = site_of_key(key)?;
            waiting(key, value, parked.get(&site).copied())
        })?;
        for_each_row(store, Keyspace::Cold, |key, value| {
            waiting(key, value, Some(Reason::Budget))
        })
    }

    fn for_each_undrained(
        &self,
        slot: SlotId,
        each: &mut dyn FnMut(Waiting<'_>),
    ) -> Result<(), StateError> {
        let dir = self.dir.sieve(slot);
        let snapshot = self.snapshot(slot)?;
        for file in snapshot.admitted {
            for row in Undrained::of(self.disk.as_ref(), &dir, &file) {
                let (key, found) = row?;
                if snapshot.moved.contains(&key.partition.get()) {
                    continue; // it went with its partition
                }
                let key = UrlKey {
                    partition: key.partition.get(),
                    fingerprint: key.fingerprint,
                };
                each(Waiting {
                    key,
                    url: found.url.as_str(),
                    excluded: None,
                });
            }
        }
        Ok(())
    }

    fn for_each_fate(
        &self,
        slot: SlotId,
        each: &mut dyn FnMut(Fate<'_>),
    ) -> Result<(), StateError> {
        for_each_row(self.store(slot)?, Keyspace::Fates, |key, value| {
            let row = FateRow::decode(value)?;
            let fingerprint = key.last_chunk().ok_or(DecodeError::Short)?;
            let key = UrlKey {
                partition: site_of_key(key)?.partition().get(),
                fingerprint: Fingerprint(u64::from_be_bytes(*fingerprint)),
            };
            each(Fate {
                key,
                url: row.url().as_str(),
                state: row.state,
                reason: row.reason,
                status: row.status,
                place: row.place.map(|place| (place.segment, place.offset)),
            });
            Ok(())
        })
    }
}

/// Visits every row of a keyspace in key order; an error names its row.
fn for_each_row(
    store: &dyn Store,
    keyspace: Keyspace,
    mut each: impl FnMut(&[u8], &[u8]) -> Result<(), StateError>,
) -> Result<(), StateError> {
    for row in Rows::all(store, keyspace) {
        let (key, value) = row?;
        each(&key, &value)
            .map_err(|error| format!("row {} of {keyspace}: {error}", shown(&key)))?;
    }
    Ok(())
}

/// A key for people: text with the rest escaped.
fn shown(key: &[u8]) -> String {
    key.escape_ascii().to_string()
}

#[cfg(test)]
mod tests;
