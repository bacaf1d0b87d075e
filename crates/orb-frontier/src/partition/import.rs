//! A partition on its way into a slot.
//!
//! In: a stream. Out: a slot that holds what was in it. May touch: the store and the sieve's files, blocking.
//! Invariant: until the last batch nothing of the partition counts, and the slot says that it is half done.

use std::io::Read;

use orb_shard::Partition;
use orb_store::{Batch, Keyspace, Store};
use orb_url::{CrawlKey, Fingerprint};

use super::stream::{FrameReader, found_of, framed_rows};
use super::{MOVED, MoveError, PartitionEnd, PartitionHead, clear, rows_of};
use crate::check::SlotState;
use crate::sieve::{export_partition, write_run_of};
use crate::{Found, FrontierError, RunList, SieveKey, SlotSnapshot};

/// Row of `Meta` that names a partition whose rows are being written.
const IMPORTING: &[u8] = b"importing";

/// Reads an export to its end and changes nothing. Blocking.
///
/// # Errors
/// [`MoveError::Damaged`] with where, [`MoveError::Stream`].
pub fn check_partition(input: &mut dyn Read) -> Result<(PartitionHead, PartitionEnd), MoveError> {
    let mut reader = FrameReader::begin(input)?;
    let head = reader.head()?;
    let mut counted = PartitionEnd::default();
    loop {
        let (at, kind, payload) = reader.next()?;
        let damaged = |what| MoveError::Damaged { at, what };
        match kind {
            b'R' => counted.rows += framed_rows(&payload)?.1.len() as u64,
            b'K' => counted.sieve_keys += payload.len() as u64 / 8,
            b'F' => counted.found += found_of(&payload)?.len() as u64,
            b'E' => {
                let end: PartitionEnd = serde_json::from_slice(&payload)
                    .map_err(|_| damaged("an end of another form"))?;
                let counts = |end: &PartitionEnd| (end.rows, end.sieve_keys, end.found);
                if counts(&end) != counts(&counted) {
                    return Err(damaged("other counts than it held"));
                }
                return Ok((head, end));
            }
            _ => return Err(damaged("a frame of unknown kind")),
        }
    }
}

/// Reads the head of an export alone.
///
/// # Errors
/// As [`check_partition`].
pub fn partition_head(input: &mut dyn Read) -> Result<PartitionHead, MoveError> {
    FrameReader::begin(input)?.head()
}

/// Takes an export that [`check_partition`] accepted into the slot. `keep_found` is given the found URLs to absorb
/// and makes them durable before the last batch. An import that was cut short is begun anew. Blocking.
///
/// # Errors
/// [`MoveError`]; nothing of the partition counts until the last batch.
pub fn read_partition(
    state: &SlotState<'_>,
    input: &mut dyn Read,
    end: &PartitionEnd,
    keep_found: impl FnOnce(Vec<Found>) -> Result<(), MoveError>,
) -> Result<(), MoveError> {
    let mut reader = FrameReader::begin(input)?;
    let partition = reader.head()?.partition;
    let mut snapshot = SlotSnapshot::read(state.store)?.unwrap_or_default();
    make_room(state, partition, &snapshot)?;
    let mut keys = Vec::new();
    let mut found = Vec::new();
    loop {
        let (_, kind, payload) = reader.next()?;
        match kind {
            b'R' => {
                let (keyspace, rows) = framed_rows(&payload)?;
                let mut batch = Batch::new();
                for (key, value) in rows {
                    batch.put(keyspace, key, value);
                }
                state.store.commit(batch)?;
            }
            b'K' => keys.extend(payload.as_chunks().0.iter().map(|bytes| SieveKey {
                partition,
                fingerprint: Fingerprint(u64::from_be_bytes(*bytes)),
            })),
            b'F' => found.extend(found_of(&payload)?),
            _ => break,
        }
    }
    let runs = RunList::read(state.store)?;
    let mut batch = Batch::new();
    // Keys of a partition that was here before are in the runs already.
    if snapshot.moved.remove(&partition.get()) {
        let known = export_partition(state.disk, state.sieve_dir, &runs, partition);
        let known = known.and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let known = known.map_err(FrontierError::from)?;
        keys.retain(|key| known.binary_search(key).is_err());
    }
    if !keys.is_empty() {
        let runs =
            write_run_of(state.disk, state.sieve_dir, &runs, keys).map_err(FrontierError::from)?;
        batch.put(Keyspace::Meta, b"runs".to_vec(), runs.encode());
    }
    keep_found(found)?;
    snapshot.books += &end.books;
    batch.put(Keyspace::Meta, b"frontier".to_vec(), snapshot.encode());
    batch.delete(Keyspace::Meta, IMPORTING.to_vec());
    state.store.commit(batch)?;
    Ok(())
}

/// The partition whose import was cut short, if one was.
///
/// # Errors
/// When the store fails.
pub fn half_imported(store: &dyn Store) -> Result<Option<Partition>, FrontierError> {
    let row = store.get(Keyspace::Meta, IMPORTING)?;
    let number = row.and_then(|row| Some(u16::from_be_bytes(row.try_into().ok()?)));
    Ok(number.and_then(Partition::new))
}

/// Marks the partition as being imported, after clearing what an earlier try left; refuses one that is in use.
fn make_room(
    state: &SlotState<'_>,
    partition: Partition,
    snapshot: &SlotSnapshot,
) -> Result<(), MoveError> {
    let again = half_imported(state.store)? == Some(partition);
    if snapshot.moved.contains(&partition.get()) && !snapshot.admitted.is_empty() {
        return Err(MoveError::Undrained { partition });
    }
    if !again && !snapshot.moved.contains(&partition.get()) {
        let mut rows = 0;
        for keyspace in MOVED {
            for row in rows_of(state, keyspace, partition) {
                row?;
                rows += 1;
            }
        }
        let runs = RunList::read(state.store)?;
        let keys = export_partition(state.disk, state.sieve_dir, &runs, partition)?;
        rows += keys.count() as u64;
        if rows > 0 {
            return Err(MoveError::NotEmpty { partition, rows });
        }
    }
    let mut batch = Batch::new();
    let number = partition.get().to_be_bytes();
    batch.put(Keyspace::Meta, IMPORTING.to_vec(), number.to_vec());
    state.store.commit(batch)?;
    clear(state, partition)
}

/// Whether an export fits the crawl it comes to.
///
/// # Errors
/// [`MoveError::Foreign`].
pub fn judge_partition(
    head: &PartitionHead,
    format: u32,
    key: &CrawlKey,
    suffix_list: &str,
) -> Result<(), MoveError> {
    let foreign = |what, theirs: &str, ours: &str| {
        Err(MoveError::Foreign {
            what,
            theirs: theirs.to_owned(),
            ours: ours.to_owned(),
        })
    };
    if head.format != format {
        return foreign(
            "another format",
            &head.format.to_string(),
            &format.to_string(),
        );
    }
    if CrawlKey::from_hex(&head.key) != Some(*key) {
        return foreign("another crawl's key", "one", "another");
    }
    if head.suffix_list != suffix_list {
        return foreign("another public suffix list", &head.suffix_list, suffix_list);
    }
    Ok(())
}
