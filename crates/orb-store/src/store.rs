//! The contract of a slot's store.
//!
//! In: batches. Out: rows in key order.
//! May touch: nothing itself. Must not touch: the meaning of rows.
//! Invariant: see [`Store`].

use std::path::Path;
use std::sync::Arc;

use crate::{Batch, Keyspace, StoreError};

/// A key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// One slot's store: eight sorted maps that change together.
///
/// Every call blocks; call it on a helper thread. Several threads may call at once; commits happen
/// one after another. A `get` or `range` that begins after a commit returned sees all of it; one
/// that runs beside a commit may see any part of it, so nobody relies on more.
///
/// After an error of `commit` the batch is either wholly there or wholly absent, and this handle
/// must be dropped and the folder opened again, which tells which. Dropping every handle closes the
/// store and releases the folder.
pub trait Store: Send + Sync {
    /// The value of `key`, or `None`.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The first `limit` rows with `from <= key < to`, in ascending order; without `to` up to the
    /// end. Empty when `from >= to`.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    fn range(
        &self,
        keyspace: Keyspace,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// Applies the whole batch, across keyspaces, or nothing; on `Ok` it survives a power cut.
    /// Cost: one sync, and a wait of up to two minutes where buffers hold twice their share.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for a row outside the limits (nothing happened, the handle is
    /// good); [`StoreError::Commit`] otherwise.
    fn commit(&self, batch: Batch) -> Result<(), StoreError>;

    /// Whether buffers hold more than their share and wait to be written out. Commits go on; whoever brings rows that can
    /// wait, such as a flood of found URLs, leaves them where they are until this is over. Cheap, takes no wait. It may
    /// stay so for minutes, and for ever after a failure, which the next commit tells.
    fn is_behind(&self) -> bool;

    /// Bytes on disk, about; cheap.
    fn disk_bytes(&self) -> u64;

    /// Bytes on disk of one keyspace's rows, about; what was just committed may still be in no keyspace's files.
    fn disk_bytes_of(&self, keyspace: Keyspace) -> u64;
}

/// Opens the store of a folder, for the first time or after a failed group.
pub trait StoreOpener: Send + Sync {
    /// Opens the store in `dir`, making it when absent. Holds everything whose commit returned
    /// `Ok`, and of each other batch all or nothing.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while another handle, here or in another process, has it open;
    /// [`StoreError::Open`] otherwise.
    fn open(&self, dir: &Path) -> Result<Arc<dyn Store>, StoreError>;
}

/// Whether every row of `batch` is within the limits.
pub(crate) fn judge(batch: &Batch) -> Result<(), StoreError> {
    use crate::limits::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
    for op in batch.ops() {
        let key_bytes = op.key().len();
        let value_bytes = op.value().map_or(0, <[u8]>::len);
        if key_bytes == 0 || key_bytes > KEY_BYTES_MAX || value_bytes > VALUE_BYTES_MAX {
            return Err(StoreError::Refused {
                keyspace: op.keyspace(),
                key_bytes,
                value_bytes,
            });
        }
    }
    Ok(())
}
