//! The slot's snapshot: counts and positions as of one committed group.
//!
//! In: a frontier's state. Out: one row of the keyspace `Meta`. May touch: nothing.
//! Invariant: committed together with the rows it counts.

use std::collections::{BTreeMap, BTreeSet};

use orb_api::{Books, Sightings};
use orb_env::Stamp;
use orb_store::JournalEnd;
use serde::{Deserialize, Serialize};

/// How far the slot's seed files have been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeedsEnd {
    /// Number of the seed file.
    pub file: u64,
    /// Bytes of it.
    pub bytes: u64,
}

/// A file of admitted URLs that is not yet drained into the queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmittedFile {
    /// Its number.
    pub id: u64,
    /// Rows in it.
    pub rows: u64,
    /// Rows drained.
    pub drained: u64,
    /// Where the next row begins; 0 is the start.
    pub offset: u64,
}

/// See the module. Stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotSnapshot {
    /// Layout version, 1.
    pub v: u32,
    /// The group it was committed with.
    pub group: u64,
    /// When.
    #[serde(default)]
    pub at: Stamp,
    /// The books.
    pub books: Books,
    /// Links stopped before the sieve.
    pub sightings: Sightings,
    /// Admitted files to drain, oldest first.
    pub admitted: Vec<AdmittedFile>,
    /// How far each slot's journal is absorbed: file, bytes.
    pub absorbed: BTreeMap<u8, (u64, u64)>,
    /// How far the seeds are absorbed.
    pub seeds: SeedsEnd,
    /// Partitions that were moved to another folder: links to their sites are that folder's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub moved: BTreeSet<u16>,
}

impl SlotSnapshot {
    pub(crate) fn absorbed_ends(&self) -> BTreeMap<u8, JournalEnd> {
        self.absorbed
            .iter()
            .map(|(&slot, &(file, bytes))| (slot, JournalEnd { file, bytes }))
            .collect()
    }

    pub(crate) fn cover(
        &mut self,
        ends: &BTreeMap<u8, JournalEnd>,
        seeds: SeedsEnd,
        sightings: Sightings,
    ) {
        self.absorbed = ends
            .iter()
            .map(|(&slot, end)| (slot, (end.file, end.bytes)))
            .collect();
        self.seeds = seeds;
        self.sightings = sightings;
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(&SlotSnapshot {
            v: 1,
            ..self.clone()
        })
        .expect("a snapshot has only plain keys")
    }
}
