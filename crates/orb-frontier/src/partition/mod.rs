//! Moving a partition: everything a slot holds of it, out into one stream and into another slot.
//!
//! In: a slot that nobody works on, found URLs it has not absorbed. Out: framed bytes, and back.
//! May touch: store and sieve files, blocking. Must not touch: the archive: places of records stay behind.
//! Invariant: a stream is checked to its end before anything is changed; books go with the rows they count; what was
//! moved away is dropped in one batch, before its rows are cleaned up.
//!
//! A stream is `ORBP`, version 1 (2 bytes, little-endian), then frames: kind (1), bytes of the payload (4), CRC-32 of
//! kind and payload (4), payload.
//!
//! | kind | payload |
//! |---|---|
//! | `H` | JSON of [`PartitionHead`] |
//! | `R` | keyspace by name (length, text), then rows: key and value (length and bytes each) |
//! | `K` | fingerprints of the sieve, ascending, 8 bytes each, big-endian |
//! | `F` | found URLs that are not absorbed, in the order they came |
//! | `E` | JSON of [`PartitionEnd`]; nothing follows |

mod export;
mod import;
mod stream;

pub use export::{drop_partition, write_partition};
pub use import::{check_partition, half_imported, judge_partition, partition_head, read_partition};

use std::io;

use orb_api::Books;
use orb_shard::Partition;
use orb_store::{Batch, Keyspace, StoreError};
use serde::{Deserialize, Serialize};

use crate::check::SlotState;
use crate::limits::OPEN_ROWS;
use crate::{DecodeError, FrontierError, RunList};

/// Keyspaces whose rows begin with the site.
const MOVED: [Keyspace; 6] = [
    Keyspace::Tallies,
    Keyspace::Sites,
    Keyspace::Robots,
    Keyspace::Queue,
    Keyspace::Cold,
    Keyspace::Fates,
];

/// Why a partition cannot be moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// The slot could not be read or written.
    #[error(transparent)]
    Frontier(#[from] FrontierError),
    /// The stream could not be read or written.
    #[error("read or write the exported partition")]
    Stream(#[from] io::Error),
    /// The stream is not whole, or not one of ours.
    #[error("the exported partition is damaged at byte {at}: {what}")]
    Damaged {
        /// Offset of the frame.
        at: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// It belongs to another crawl.
    #[error("{what}: the export has {theirs}, this folder {ours}")]
    Foreign {
        /// What differs.
        what: &'static str,
        /// In the export.
        theirs: String,
        /// Here.
        ours: String,
    },
    /// The slot holds something of the partition.
    #[error("partition {partition} is not empty here: {rows} rows; export it with --remove first")]
    NotEmpty {
        /// Which.
        partition: Partition,
        /// Rows found.
        rows: u64,
    },
    /// Admitted URLs of it still lie here, from before it was moved away.
    #[error(
        "URLs of partition {partition} from before it was moved away are not drained here; run `orb crawl` on this folder once, then import"
    )]
    Undrained {
        /// Which.
        partition: Partition,
    },
    /// It is not here any more.
    #[error("partition {partition} was moved away from here")]
    MovedAway {
        /// Which.
        partition: Partition,
    },
}

impl From<StoreError> for MoveError {
    fn from(error: StoreError) -> MoveError {
        MoveError::Frontier(error.into())
    }
}

impl From<DecodeError> for MoveError {
    fn from(error: DecodeError) -> MoveError {
        MoveError::Frontier(error.into())
    }
}

/// What an export says of itself first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionHead {
    /// Format of the folder it came from.
    pub format: u32,
    /// The partition.
    pub partition: Partition,
    /// The crawl's key, 32 hex digits: fingerprints mean nothing without it. Keep the file as private as the folder.
    pub key: String,
    /// Version of the public suffix list that sites were derived with.
    pub suffix_list: String,
}

/// What an export says of itself last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionEnd {
    /// The books of the partition.
    pub books: Books,
    /// Rows of all keyspaces.
    pub rows: u64,
    /// Sites.
    pub sites: u64,
    /// Keys of the sieve.
    pub sieve_keys: u64,
    /// Found URLs that are not absorbed.
    pub found: u64,
}

fn live_runs(state: &SlotState<'_>) -> Result<RunList, MoveError> {
    Ok(match state.store.get(Keyspace::Meta, b"runs")? {
        Some(bytes) => RunList::decode(&bytes)?,
        None => RunList::default(),
    })
}

/// Where the keys of a partition begin and end: its number is their leading twelve bits.
fn range_of(partition: Partition) -> (Vec<u8>, Option<Vec<u8>>) {
    let first = |number: u16| (number << 4).to_be_bytes().to_vec();
    let next = Partition::new(partition.get() + 1).map(|next| first(next.get()));
    (first(partition.get()), next)
}

fn each_of(
    state: &SlotState<'_>,
    keyspace: Keyspace,
    partition: Partition,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), MoveError>,
) -> Result<(), MoveError> {
    let (mut from, to) = range_of(partition);
    loop {
        let rows = state
            .store
            .range(keyspace, &from, to.as_deref(), OPEN_ROWS)?;
        let Some((last, _)) = rows.last() else {
            return Ok(());
        };
        from = [last, &[0][..]].concat();
        for (key, value) in rows {
            visit(&key, &value)?;
        }
    }
}

/// Deletes every row of a partition.
fn clear(state: &SlotState<'_>, partition: Partition) -> Result<(), MoveError> {
    let (from, to) = range_of(partition);
    for keyspace in MOVED {
        loop {
            let rows = state
                .store
                .range(keyspace, &from, to.as_deref(), OPEN_ROWS)?;
            if rows.is_empty() {
                break;
            }
            let mut batch = Batch::new();
            for (key, _) in rows {
                batch.delete(keyspace, key);
            }
            state.store.commit(batch)?;
        }
    }
    Ok(())
}
