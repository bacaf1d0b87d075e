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
use orb_store::{Batch, Keyspace, Rows, StoreError};
use serde::{Deserialize, Serialize};

use crate::check::SlotState;
use crate::limits::CLEARED_AT_ONCE;
use crate::{DecodeError, FrontierError, SieveError};

/// Keyspaces whose rows begin with the site.
const MOVED: [Keyspace; 7] = [
    Keyspace::Tallies,
    Keyspace::Sites,
    Keyspace::Robots,
    Keyspace::Queue,
    Keyspace::Cold,
    Keyspace::Fates,
    Keyspace::Claims,
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

impl From<SieveError> for MoveError {
    fn from(error: SieveError) -> MoveError {
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

/// The rows of a partition: its number is the leading twelve bits of their keys.
fn rows_of<'a>(state: &SlotState<'a>, keyspace: Keyspace, partition: Partition) -> Rows<'a> {
    let first = |number: u16| (number << 4).to_be_bytes().to_vec();
    let next = Partition::new(partition.get() + 1).map(|next| first(next.get()));
    Rows::between(state.store, keyspace, first(partition.get()), next)
}

/// Deletes every row of a partition.
fn clear(state: &SlotState<'_>, partition: Partition) -> Result<(), MoveError> {
    for keyspace in MOVED {
        let mut rows = rows_of(state, keyspace, partition).peekable();
        while rows.peek().is_some() {
            let mut batch = Batch::new();
            for row in rows.by_ref().take(CLEARED_AT_ONCE) {
                batch.delete(keyspace, row?.0);
            }
            state.store.commit(batch)?;
        }
    }
    Ok(())
}
