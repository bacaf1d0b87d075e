//! What the audit asks of a crawl's state.
//!
//! In: nothing. Out: the trait and its plain values.
//! May touch: nothing. Must not touch: the store's layout; who implements the trait knows it.
//! Invariant: all answers are of one committed moment of each slot.

use orb_api::{Books, Reason, UrlState};
use orb_shard::SlotId;
use orb_url::Fingerprint;

use crate::error::StateError;

/// Names one URL within its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UrlKey {
    /// Partition of its site.
    pub partition: u16,
    /// Its fingerprint under the crawl's key.
    pub fingerprint: Fingerprint,
}

/// How far the archive of a slot is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveEnd {
    /// Serial number of the last segment.
    pub segment: u32,
    /// Committed bytes of it.
    pub bytes: u64,
}

/// What one slot's last committed batch says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredSlot {
    /// Number of the group.
    pub group: u64,
    /// Its books.
    pub books: Books,
    /// Committed bytes of its attempt rows.
    pub attempts_bytes: u64,
    /// Committed end of its archive; `None` before the first record.
    pub archive: Option<ArchiveEnd>,
}

/// A URL that waits: a row of the queue, of the cold log, or of an admitted file not yet drained.
#[derive(Clone, Copy, Debug)]
pub struct Waiting<'a> {
    /// Its key.
    pub key: UrlKey,
    /// The URL.
    pub url: &'a str,
    /// Why it counts as excluded, if it does: its site is parked, or it lies in the cold log.
    pub excluded: Option<Reason>,
}

/// A row that says what became of a URL.
#[derive(Clone, Copy, Debug)]
pub struct Fate<'a> {
    /// Its key.
    pub key: UrlKey,
    /// The URL.
    pub url: &'a str,
    /// The state it reached.
    pub state: UrlState,
    /// Why.
    pub reason: Reason,
    /// HTTP status of the last attempt, 0 when there was none.
    pub status: u16,
    /// Segment of its slot and offset of the record of its last answer.
    pub place: Option<(u32, u64)>,
}

/// Reads the state of a crawl that nobody is working on.
///
/// Each `for_each` visits every row once, in an order of its own, and stops at the first failure. Called from one
/// thread; may block.
pub trait StateReader {
    /// Number of slots, fixed when the crawl was made.
    fn slots(&self) -> u8;
    /// What the last committed batch of `slot` says; all zero for a slot that never committed.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn stored(&self, slot: SlotId) -> Result<StoredSlot, StateError>;
    /// Distinct keys in the sieve of `slot`.
    ///
    /// # Errors
    /// When a run is not there or damaged.
    fn sieve_keys(&self, slot: SlotId) -> Result<u64, StateError>;
    /// Every row of the queues, and of the cold log.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn for_each_queue_row(
        &self,
        slot: SlotId,
        each: &mut dyn FnMut(Waiting<'_>),
    ) -> Result<(), StateError>;
    /// Every row of the named admitted files that is not drained yet.
    ///
    /// # Errors
    /// When a named file is not there or cannot be read.
    fn for_each_undrained(
        &self,
        slot: SlotId,
        each: &mut dyn FnMut(Waiting<'_>),
    ) -> Result<(), StateError>;
    /// Every fate row.
    ///
    /// # Errors
    /// When the state cannot be read.
    fn for_each_fate(&self, slot: SlotId, each: &mut dyn FnMut(Fate<'_>))
    -> Result<(), StateError>;
}
