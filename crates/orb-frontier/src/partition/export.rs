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
use super::{MoveError, PartitionEnd, PartitionHead, clear, rows_of};
use crate::admitted::Undrained;
use crate::check::SlotState;
use crate::rows::{FateRow, Lane, Place, QueueRow, queue_key, queue_place, site_of_key};
use crate::sieve::export_partition;
use crate::{Found, RunList, SiteRow, SlotSnapshot, Tally};

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
    let parked = write_tallies(state, partition, &mut admitted, &mut frames, &mut end)?;
    // Copies of robots.txt stay: the records that prove them do. Where the partition goes they are asked for anew.
    for row in rows_of(state, Keyspace::Sites, partition) {
        let (key, value) = row?;
        end.rows += 1;
        frames.row(Keyspace::Sites, &key, &value)?;
    }
    write_urls(state, partition, &parked, &mut frames, &mut end)?;
    let runs = RunList::read(state.store)?;
    for key in export_partition(state.disk, state.sieve_dir, &runs, partition)? {
        let key = key?;
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

/// Writes queued URLs, those that were cut, and fates.
fn write_urls(
    state: &SlotState<'_>,
    partition: Partition,
    parked: &BTreeMap<SiteKey, Reason>,
    frames: &mut Frames<'_>,
    end: &mut PartitionEnd,
) -> Result<(), MoveError> {
    let tie = |key: &[u8]| -> [u8; 8] { key.last_chunk().copied().unwrap_or_default() };
    let mut again = BTreeSet::new();
    for row in rows_of(state, Keyspace::Queue, partition) {
        let (key, value) = row?;
        let site = site_of_key(&key)?;
        if queue_place(&key).0 == Lane::RETRY {
            again.insert((site, tie(&key)));
        }
        end.rows += 1;
        end.books.discover(1);
        if let Some(reason) = parked.get(&site) {
            end.books.settle(1, UrlState::Excluded, *reason);
        }
        frames.row(Keyspace::Queue, &key, &value)?;
    }
    for row in rows_of(state, Keyspace::Cold, partition) {
        let (key, value) = row?;
        end.rows += 1;
        end.books.discover(1);
        end.books.settle(1, UrlState::Excluded, Reason::Budget);
        frames.row(Keyspace::Cold, &key, &value)?;
    }
    for row in rows_of(state, Keyspace::Fates, partition) {
        let (key, value) = row?;
        let fate = FateRow::decode(&value)?;
        end.rows += 1;
        // A page that is fetched again counts where it waits.
        if !again.contains(&(site_of_key(&key)?, tie(&key))) {
            end.books.discover(1);
            end.books.settle(1, fate.state, fate.reason);
        }
        // The record stays in the archive it was written to.
        let fate = FateRow {
            place: fate.place.map(|_| Place::ELSEWHERE),
            ..fate
        };
        frames.row(Keyspace::Fates, &key, &fate.encode())?;
    }
    for row in rows_of(state, Keyspace::Claims, partition) {
        let (key, value) = row?;
        end.rows += 1;
        frames.row(Keyspace::Claims, &key, &value)?;
    }
    Ok(())
}

/// Admitted URLs of the partition that are not in the queues yet, by site.
fn undrained(
    state: &SlotState<'_>,
    snapshot: &SlotSnapshot,
    partition: Partition,
) -> Result<BTreeMap<SiteKey, Vec<Found>>, MoveError> {
    let mut by_site: BTreeMap<SiteKey, Vec<Found>> = BTreeMap::new();
    for file in &snapshot.admitted {
        for row in Undrained::of(state.disk, state.sieve_dir, file) {
            let (key, found) = row?;
            if key.partition == partition {
                let site = SiteKey::of_url(&state.key, &found.url);
                by_site.entry(site).or_default().push(found);
            }
        }
    }
    Ok(by_site)
}

/// Writes the tallies, with what is not drained counted as queued, and rows for that; returns which sites are parked.
fn write_tallies(
    state: &SlotState<'_>,
    partition: Partition,
    admitted: &mut BTreeMap<SiteKey, Vec<Found>>,
    frames: &mut Frames<'_>,
    end: &mut PartitionEnd,
) -> Result<BTreeMap<SiteKey, Reason>, MoveError> {
    let mut extra = Vec::new();
    let mut parked = BTreeMap::new();
    for row in rows_of(state, Keyspace::Tallies, partition) {
        let (key, value) = row?;
        let site = site_of_key(&key)?;
        let (mut tally, marks) = Tally::decode(&value)?;
        parked.extend(tally.parked.map(|reason| (site, reason)));
        let late = admitted.remove(&site).unwrap_or_default();
        extra.extend(queued(site, &mut tally, late, end));
        end.rows += 1;
        end.sites += 1;
        frames.row(Keyspace::Tallies, &key, &tally.encode(&marks))?;
    }
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
    Ok(parked)
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
        for row in rows_of(state, Keyspace::Tallies, partition) {
            batch.delete(Keyspace::Tallies, row?.0);
        }
        snapshot.books = snapshot.books.less(&end.books);
        batch.put(Keyspace::Meta, b"frontier".to_vec(), snapshot.encode());
        state.store.commit(batch)?;
    }
    clear(state, partition)
}
