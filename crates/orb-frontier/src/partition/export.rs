//! A partition on its way out of a slot.
//!
//! In: a slot that nobody works on. Out: a stream, and a slot without the partition.
//! May touch: the store, blocking. Must not touch: the archive: places of records stay behind.
//! Invariant: the books of the stream are counted from its rows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use orb_api::{Reason, UrlState};
use orb_shard::{Partition, SiteKey};
use orb_store::{Batch, Keyspace, Row};
use orb_url::Fingerprint;

use super::stream::Frames;
use super::{MoveError, PartitionEnd, PartitionHead, clear, each_of, live_runs};
use crate::check::SlotState;
use crate::limits::OPEN_ROWS;
use crate::rows::{FateRow, Lane, QueueRow, queue_key, queue_place, site_of_key};
use crate::sieve::{export_partition, read_admitted};
use crate::{Found, FrontierError, SiteRow, SlotSnapshot, Tally};

/// Writes everything that `state` holds of `partition`, and of `links` what belongs to it: the found URLs its slot
/// has not absorbed. Blocking; changes nothing. Cost: one pass over the partition, over what is admitted and not
/// drained, and over `links`.
///
/// # Errors
/// [`MoveError`].
pub fn write_partition(
    state: &SlotState<'_>,
    head: &PartitionHead,
    links: impl IntoIterator<Item = Found>,
    out: &mut dyn Write,
) -> Result<PartitionEnd, MoveError> {
    let partition = head.partition;
    let snapshot = SlotSnapshot::read(state.store)?.unwrap_or_default();
    if snapshot.moved.contains(&partition.get()) {
        return Err(MoveError::MovedAway { partition });
    }
    let mut frames = Frames::begin(out)?;
    frames.json(b'H', head)?;
    let mut end = PartitionEnd::default();
    let mut admitted = undrained(state, &snapshot, partition)?;
    write_tallies(state, partition, &mut admitted, &mut frames, &mut end)?;
    for keyspace in [Keyspace::Sites, Keyspace::Robots] {
        each_of(state, keyspace, partition, |key, value| {
            end.rows += 1;
            frames.row(keyspace, key, value)
        })?;
    }
    let mut parked = BTreeMap::new();
    each_of(state, Keyspace::Tallies, partition, |key, value| {
        let reason = Tally::decode(value)?.0.parked;
        parked.extend(reason.map(|reason| (site_of_key(key).ok(), reason)));
        Ok(())
    })?;
    let mut again = BTreeSet::new();
    each_of(state, Keyspace::Queue, partition, |key, value| {
        if queue_place(key).0 == Lane::RETRY {
            let tie: [u8; 8] = key.last_chunk().copied().unwrap_or_default();
            again.insert((site_of_key(key).ok(), tie));
        }
        end.rows += 1;
        end.books.discover(1);
        if let Some(reason) = parked.get(&site_of_key(key).ok()) {
            end.books.settle(1, UrlState::Excluded, *reason);
        }
        frames.row(Keyspace::Queue, key, value)
    })?;
    each_of(state, Keyspace::Cold, partition, |key, value| {
        end.rows += 1;
        end.books.discover(1);
        end.books.settle(1, UrlState::Excluded, Reason::Budget);
        frames.row(Keyspace::Cold, key, value)
    })?;
    each_of(state, Keyspace::Fates, partition, |key, value| {
        let row = FateRow::decode(value)?;
        end.rows += 1;
        let tie: [u8; 8] = key.last_chunk().copied().unwrap_or_default();
        // A page that is fetched again counts where it waits.
        if !again.contains(&(site_of_key(key).ok(), tie)) {
            end.books.discover(1);
            end.books.settle(1, row.state, row.reason);
        }
        // The record stays in the archive it was written to.
        let row = FateRow { place: None, ..row };
        frames.row(Keyspace::Fates, key, &row.encode())
    })?;
    let runs = live_runs(state)?;
    for key in export_partition(state.disk, state.sieve_dir, &runs, partition)
        .map_err(FrontierError::from)?
    {
        let key = key.map_err(FrontierError::from)?;
        end.sieve_keys += 1;
        frames.add(b'K', &key.fingerprint.0.to_be_bytes())?;
    }
    for found in links {
        if SiteKey::of_url(&state.key, &found.url).partition() == partition {
            let mut row = Vec::new();
            found.encode_into(&mut row);
            end.found += 1;
            frames.add(b'F', &row)?;
        }
    }
    frames.json(b'E', &end)?;
    Ok(end)
}

/// Admitted URLs of the partition that are not in the queues yet, by site.
fn undrained(
    state: &SlotState<'_>,
    snapshot: &SlotSnapshot,
    partition: Partition,
) -> Result<BTreeMap<SiteKey, Vec<Found>>, MoveError> {
    let mut by_site: BTreeMap<SiteKey, Vec<Found>> = BTreeMap::new();
    for file in &snapshot.admitted {
        let mut from = file.offset;
        loop {
            let read = read_admitted(state.disk, state.sieve_dir, file.id, from, OPEN_ROWS)
                .map_err(FrontierError::from)?;
            for (key, found) in read.rows {
                if key.partition == partition {
                    let site = SiteKey::of_url(&state.key, &found.url);
                    by_site.entry(site).or_default().push(found);
                }
            }
            if read.end {
                break;
            }
            from = read.next;
        }
    }
    Ok(by_site)
}

/// Writes the tallies, with what is not drained counted as queued, and rows for that.
fn write_tallies(
    state: &SlotState<'_>,
    partition: Partition,
    admitted: &mut BTreeMap<SiteKey, Vec<Found>>,
    frames: &mut Frames<'_>,
    end: &mut PartitionEnd,
) -> Result<(), MoveError> {
    let mut extra = Vec::new();
    each_of(state, Keyspace::Tallies, partition, |key, value| {
        let site = site_of_key(key)?;
        let (mut tally, marks) = Tally::decode(value)?;
        let late = admitted.remove(&site).unwrap_or_default();
        extra.extend(queued(site, &mut tally, late, end));
        end.rows += 1;
        end.sites += 1;
        frames.row(Keyspace::Tallies, key, &tally.encode(&marks))
    })?;
    for (site, late) in std::mem::take(admitted) {
        let mut tally = Tally {
            named: true,
            ..Tally::default()
        };
        let name = late.first().map(|found| found.url.site());
        extra.extend(queued(site, &mut tally, late, end));
        end.rows += 2;
        end.sites += 1;
        let key = site.to_bytes();
        frames.row(Keyspace::Tallies, &key, &tally.encode(&Default::default()))?;
        if let Some(name) = name {
            frames.row(Keyspace::Sites, &key, &SiteRow::new(name).encode())?;
        }
    }
    for (key, value) in extra {
        end.rows += 1;
        frames.row(Keyspace::Queue, &key, &value)?;
    }
    Ok(())
}

/// Rows of URLs that join the queue of a site on the way.
fn queued(site: SiteKey, tally: &mut Tally, late: Vec<Found>, end: &mut PartitionEnd) -> Vec<Row> {
    let rows = late.into_iter().map(|found| {
        let lane = Lane::of(found.how, found.depth);
        let order = u64::from(tally.queued) + u64::from(tally.cold);
        tally.queued += 1;
        tally.pending += 1;
        tally.lanes |= lane.bit();
        end.books.discover(1);
        if let Some(reason) = tally.parked {
            end.books.settle(1, UrlState::Excluded, reason);
        }
        let row = QueueRow {
            fingerprint: Fingerprint(0), // not stored
            found,
            attempts: 0,
        };
        (queue_key(site, lane, order), row.encode())
    });
    rows.collect()
}

/// Drops a partition that was exported: one batch takes its tallies, its counts and notes that it is gone; then its
/// other rows go. Called again after it was cut short, it goes on. Blocking.
///
/// # Errors
/// [`MoveError`].
pub fn drop_partition(
    state: &SlotState<'_>,
    partition: Partition,
    end: &PartitionEnd,
) -> Result<(), MoveError> {
    let mut snapshot = SlotSnapshot::read(state.store)?.unwrap_or_default();
    if snapshot.moved.insert(partition.get()) {
        let mut batch = Batch::new();
        each_of(state, Keyspace::Tallies, partition, |key, _| {
            batch.delete(Keyspace::Tallies, key.to_vec());
            Ok(())
        })?;
        snapshot.books = snapshot.books.less(&end.books);
        batch.put(Keyspace::Meta, b"frontier".to_vec(), snapshot.encode());
        state.store.commit(batch)?;
    }
    clear(state, partition)
}
