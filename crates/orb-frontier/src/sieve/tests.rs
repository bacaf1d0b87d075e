//! The sieve against a set in memory, and under every fault of the disk.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use orb_env::mutant::{Mutant, plant};
use orb_env::{Disk, DiskFaults, Entropy, MemoryDisk, SeededEntropy};
use orb_shard::Partition;
use orb_store::StoreStep;
use orb_url::{CrawlUrl, Fingerprint};

use super::limits::{BLOCK_KEYS, SIEVE_RUNS_MAX};
use super::*;
use crate::found::How;

mod moving;
mod spill;

const DIR: &str = "/slot/sieve";

fn dir() -> &'static Path {
    Path::new(DIR)
}

/// URL number `n`. Its key is spread like a real one; `via` tells offers of one URL apart.
fn url(n: u64, via: u64) -> (SieveKey, Found) {
    let mixed = SeededEntropy::new(n).next_u64();
    let key = SieveKey {
        partition: Partition::new((n % 4096) as u16).unwrap(),
        fingerprint: Fingerprint(mixed),
    };
    let text = |n: u64| CrawlUrl::from_stored(&format!("https://a.example/{n}")).unwrap();
    let found = Found {
        url: text(n),
        via: Some(text(via)),
        depth: 1,
        hops: 0,
        how: How::Link,
        bare_domain: false,
        rank: None,
    };
    (key, found)
}

/// A slot's store, as far as the sieve needs one, and what must be true of it.
struct Slot {
    disk: MemoryDisk,
    memory: SieveMemory,
    /// What the store holds.
    list: RunList,
    /// Named admitted files with the rows that must be in them.
    admitted: Vec<(u64, Vec<(SieveKey, Found)>)>,
    /// Every key ever let through.
    seen: BTreeSet<SieveKey>,
}

impl Slot {
    fn new() -> Slot {
        Slot {
            disk: MemoryDisk::new(),
            memory: SieveMemory::default(),
            list: RunList::default(),
            admitted: Vec::new(),
            seen: BTreeSet::new(),
        }
    }

    fn open(&self) -> Result<Sieve, SieveError> {
        let named: Vec<u64> = self.admitted.iter().map(|(id, _)| *id).collect();
        let stored = RunList::decode(&self.list.encode()).unwrap();
        Sieve::open(
            Arc::new(self.disk.clone()),
            dir(),
            &stored,
            &named,
            self.memory,
        )
    }

    /// Offers the rows and tells which of them a merge has to let through.
    fn offer(&self, sieve: &mut Sieve, rows: &[(SieveKey, Found)]) -> Vec<(SieveKey, Found)> {
        let mut fresh: Vec<(SieveKey, Found)> = Vec::new();
        let mut known = self.seen.clone();
        for (key, found) in rows {
            sieve.offer(*key, found);
            if known.insert(*key) {
                fresh.push((*key, found.clone()));
            }
        }
        fresh
    }

    /// The store's batch: from here on the merge happened.
    fn switch(&mut self, merged: &Merged, fresh: Vec<(SieveKey, Found)>) {
        assert_eq!(merged.offered - merged.seen, fresh.len() as u64);
        assert_eq!(
            merged.admitted.map_or(0, |file| file.rows),
            fresh.len() as u64
        );
        self.list = merged.runs.clone();
        self.seen.extend(fresh.iter().map(|(key, _)| *key));
        if let Some(file) = merged.admitted {
            self.admitted.push((file.id, fresh));
        }
    }

    /// Everything stored is there, and nothing else.
    fn check(&self) -> Result<(), SieveError> {
        let mut keys = Vec::new();
        let checked = check_runs(&self.disk, dir(), &self.list, &mut |key| keys.push(key))?;
        assert_eq!(checked.keys, self.list.entries());
        assert!(
            keys.iter().eq(&self.seen),
            "the runs hold other keys than were let through"
        );
        for (id, rows) in &self.admitted {
            assert_eq!(&drain(&self.disk, *id, 7)?, rows, "first found, first out");
        }
        Ok(())
    }

    fn names(&self) -> Vec<String> {
        self.disk
            .list(dir())
            .unwrap()
            .into_iter()
            .map(|file| file.name)
            .collect()
    }
}

fn drain(disk: &dyn Disk, id: u64, rows_max: usize) -> Result<Vec<(SieveKey, Found)>, SieveError> {
    let (mut all, mut from) = (Vec::new(), 0);
    loop {
        let part = read_admitted(disk, dir(), id, from, rows_max)?;
        assert!(part.rows.len() <= rows_max && (part.end || part.rows.len() == rows_max));
        all.extend(part.rows);
        from = part.next;
        if part.end {
            return Ok(all);
        }
    }
}

fn random_rows(entropy: &dyn Entropy, count: u64, space: u64) -> Vec<(SieveKey, Found)> {
    (0..count)
        .map(|via| url(entropy.below(space), via))
        .collect()
}

/// Every number below `count` once, in a random order.
fn shuffled_rows(entropy: &dyn Entropy, from: u64, count: u64) -> Vec<(SieveKey, Found)> {
    let mut numbers: Vec<u64> = (from..from + count).collect();
    for place in (1..numbers.len()).rev() {
        numbers.swap(place, entropy.below(place as u64 + 1) as usize);
    }
    numbers.into_iter().map(|n| url(n, n)).collect()
}

#[test]
fn what_comes_out_is_what_a_set_never_held_in_the_order_it_was_found() {
    for seed in 0..20 {
        let entropy = SeededEntropy::new(seed);
        let mut slot = Slot::new();
        let mut sieve = slot.open().unwrap();
        for _ in 0..12 {
            let rows = random_rows(&entropy, entropy.below(400), 1_500);
            let fresh = slot.offer(&mut sieve, &rows);
            let Some(job) = sieve.start_merge() else {
                continue;
            };
            let merged = job.run().unwrap();
            slot.switch(&merged, fresh);
            sieve.installed(&merged);
            let replaced = sieve.take_replaced();
            sieve.sweep(&replaced).unwrap();
            slot.check().unwrap();
            assert_eq!(sieve.runs(), &slot.list);
            assert_eq!(
                slot.names().len(),
                slot.list.runs.len() + slot.admitted.len()
            );
            if entropy.below(4) == 0 {
                sieve = slot.open().unwrap();
            }
        }
    }
}

/// Blocks, read-ahead and compaction at sizes where runs have many blocks; small batches and large.
#[test]
fn many_blocks_are_searched_and_rewritten() {
    let entropy = SeededEntropy::new(5);
    let mut slot = Slot::new();
    let mut sieve = slot.open().unwrap();
    let mut known = 0;
    for count in [
        60_000, 3, 1_000, 1, 20_000, 409, 408, 410, 5, 40_000, 1, 1, 1, 1, 1, 1, 1,
    ] {
        let mut rows = shuffled_rows(&entropy, known, count);
        known += count;
        // Some that were seen, next to each other and far apart.
        rows.extend((0..count.min(500)).map(|n| url(entropy.below(known), n)));
        let fresh = slot.offer(&mut sieve, &rows);
        let merged = sieve.start_merge().unwrap().run().unwrap();
        slot.switch(&merged, fresh);
        sieve.installed(&merged);
        assert!(merged.runs.runs.len() <= SIEVE_RUNS_MAX);
        slot.admitted.clear();
    }
    assert_eq!(slot.list.entries(), known);
    slot.check().unwrap();
    sieve = slot.open().unwrap();
    let rows: Vec<_> = (0..known).map(|n| url(n, 0)).collect();
    slot.offer(&mut sieve, &rows);
    let merged = sieve.start_merge().unwrap().run().unwrap();
    assert_eq!(
        (merged.offered, merged.seen, merged.admitted),
        (known, known, None)
    );
    assert_eq!(merged.runs, slot.list, "nothing new writes nothing");
    assert!(sieve.heap_bytes() > known as usize / BLOCK_KEYS * 10);
}

#[test]
fn an_offer_that_waits_or_came_lately_is_covered_already() {
    let slot = Slot::new();
    let mut sieve = slot.open().unwrap();
    assert!(sieve.start_merge().is_none(), "nothing to merge");
    let (key, found) = url(1, 1);
    assert!(sieve.offer(key, &found));
    assert!(!sieve.offer(key, &found));
    assert_eq!(sieve.buffered(), 1);
    assert!(sieve.buffered_bytes() > 30);
    assert!(sieve.is_offered(key));
    let job = sieve.start_merge().unwrap();
    assert_eq!((sieve.buffered(), sieve.buffered_bytes()), (0, 0));
    assert!(!sieve.offer(key, &found), "the merge that is out covers it");
    let (other, found) = url(2, 1);
    assert!(sieve.offer(other, &found));
    assert!(sieve.start_merge().is_none(), "one merge at a time");
    sieve.installed(&job.run().unwrap());
    assert_eq!(
        sieve
            .start_merge()
            .unwrap()
            .run()
            .unwrap()
            .admitted
            .unwrap()
            .rows,
        1
    );
}

/// The key that marks an empty place among the recent ones is a key like any other.
#[test]
fn the_key_of_zeroes_is_let_through_once() {
    let mut slot = Slot::new();
    let mut sieve = slot.open().unwrap();
    let (_, found) = url(1, 1);
    let zero = SieveKey {
        partition: Partition::new(0).unwrap(),
        fingerprint: Fingerprint(0),
    };
    for wanted in [1, 0] {
        let fresh = slot.offer(&mut sieve, &[(zero, found.clone()), (zero, found.clone())]);
        let merged = sieve.start_merge().unwrap().run().unwrap();
        assert_eq!(merged.admitted.map_or(0, |file| file.rows), wanted);
        slot.switch(&merged, fresh);
        sieve.installed(&merged);
    }
    slot.check().unwrap();
}

/// A slot with three merges behind it, and rows for a fourth that rewrites runs.
fn prepared() -> (Slot, Vec<(SieveKey, Found)>) {
    let entropy = SeededEntropy::new(9);
    let mut slot = Slot::new();
    let mut sieve = slot.open().unwrap();
    for count in [900, 300, 100] {
        let rows = random_rows(&entropy, count, 3_000);
        let fresh = slot.offer(&mut sieve, &rows);
        let merged = sieve.start_merge().unwrap().run().unwrap();
        slot.switch(&merged, fresh);
        sieve.installed(&merged);
        let replaced = sieve.take_replaced();
        sieve.sweep(&replaced).unwrap();
    }
    slot.disk.sync_dir(dir()).unwrap();
    (slot, random_rows(&entropy, 500, 3_000))
}

/// Faults D1: killed at each writing call of opening, merging and sweeping, with and without power.
/// With the old list nothing is lost; with the new one everything is there.
#[test]
fn a_kill_at_any_write_point_leaves_the_old_or_the_new_state() {
    let mut outcomes = BTreeSet::new();
    for power_cut in [false, true] {
        for killed_at in 1.. {
            let (mut slot, rows) = prepared();
            slot.disk.set_faults(DiskFaults {
                killed_at: Some(killed_at),
                ..Default::default()
            });
            let reached = merge_and_sweep(&mut slot, &rows);
            let killed = slot.disk.is_killed();
            outcomes.insert((killed, reached));
            slot.disk.crash(&SeededEntropy::new(killed_at), power_cut);
            slot.open().unwrap();
            slot.check().unwrap();
            assert_eq!(
                slot.names().len(),
                slot.list.runs.len() + slot.admitted.len()
            );
            if reached == 0 {
                assert_eq!(
                    merge_and_sweep(&mut slot, &rows),
                    2,
                    "the merge can be done again"
                );
                slot.check().unwrap();
            }
            if !killed {
                break;
            }
        }
    }
    assert!(outcomes.contains(&(true, 0)), "killed before the switch");
    assert!(
        outcomes.contains(&(true, 1)),
        "killed while replaced runs were deleted"
    );
    assert!(outcomes.contains(&(false, 2)));
}

/// How far it came: 0 not switched, 1 switched, 2 swept.
fn merge_and_sweep(slot: &mut Slot, rows: &[(SieveKey, Found)]) -> u8 {
    let Ok(mut sieve) = slot.open() else { return 0 };
    let fresh = slot.offer(&mut sieve, rows);
    let Ok(merged) = sieve.start_merge().unwrap().run() else {
        return 0;
    };
    let runs_before = slot.list.runs.len();
    slot.switch(&merged, fresh);
    sieve.installed(&merged);
    let replaced = sieve.take_replaced();
    assert!(
        !replaced.is_empty() && replaced.len() <= runs_before,
        "this merge rewrites runs"
    );
    if sieve.sweep(&replaced).is_err() {
        1
    } else {
        2
    }
}

/// Design 7: the runs a second merge replaces stay until the batch with its own switch is durable.
#[test]
fn runs_that_a_stored_list_names_outlive_the_sweep_of_an_earlier_merge() {
    let mut slot = Slot::new();
    let mut sieve = slot.open().unwrap();
    let mut merge = |slot: &mut Slot, from: u64| {
        let fresh = slot.offer(
            &mut sieve,
            &shuffled_rows(&SeededEntropy::new(from), from, 50),
        );
        let merged = sieve.start_merge().unwrap().run().unwrap();
        sieve.installed(&merged);
        (merged, fresh, sieve.take_replaced())
    };
    let (first, fresh, _) = merge(&mut slot, 0);
    slot.switch(&first, fresh);
    let (second, fresh, replaced_by_second) = merge(&mut slot, 50);
    slot.switch(&second, fresh); // the batch is durable
    let (_, _, replaced_by_third) = merge(&mut slot, 100); // its batch is not
    assert!(!replaced_by_third.is_empty());
    sieve.sweep(&replaced_by_second).unwrap();
    slot.open().unwrap();
    slot.check().unwrap();
}

#[test]
fn unnamed_files_go_at_opening_and_other_names_stay() {
    let (mut slot, rows) = prepared();
    let mut sieve = slot.open().unwrap();
    slot.offer(&mut sieve, &rows);
    sieve.start_merge().unwrap().run().unwrap();
    slot.disk
        .replace(&dir().join("notes.txt"), b"not ours")
        .unwrap();
    slot.disk
        .replace(&dir().join("run-x.orbs"), b"not ours")
        .unwrap();
    let named = slot.list.runs.len() + slot.admitted.len();
    assert_eq!(slot.names().len(), named + 4);
    slot.open().unwrap();
    assert_eq!(slot.names().len(), named + 2);
    let (id, _) = slot.admitted.remove(0);
    remove_admitted(&slot.disk, dir(), id).unwrap();
    remove_admitted(&slot.disk, dir(), id).unwrap();
    slot.open().unwrap();
    assert_eq!(slot.names().len(), named + 1);
}

#[test]
fn a_named_file_that_is_gone_or_short_is_an_error() {
    let (slot, _) = prepared();
    let names = slot.names();
    for name in &names {
        let path = dir().join(name);
        let bytes = slot.disk.read_all(&path).unwrap();
        slot.disk.remove(&path).unwrap();
        let Err(error) = slot.open() else {
            panic!("opened without {name}")
        };
        assert!(
            matches!(&error, SieveError::Missing { path: named } if *named == path),
            "{error}"
        );
        assert_eq!(error.next_step(), StoreStep::Stop);
        for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            slot.disk.replace(&path, &bytes[..cut]).unwrap();
            let Err(error) = slot.open() else {
                panic!("opened with {cut} bytes of {name}")
            };
            assert!(matches!(error, SieveError::Damaged { .. }), "{error}");
        }
        slot.disk.replace(&path, &bytes).unwrap();
    }
    slot.open().unwrap();
}

/// Faults D5: no flipped byte gives a wrong answer.
#[test]
fn every_flipped_byte_is_detected() {
    let (slot, _) = prepared();
    for name in slot.names() {
        let path = dir().join(&name);
        let bytes = slot.disk.read_all(&path).unwrap();
        for place in (0..bytes.len()).step_by(7) {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << (place % 8);
            slot.disk.replace(&path, &flipped).unwrap();
            let error = slot
                .open()
                .map(drop)
                .and_then(|()| slot.check())
                .unwrap_err();
            assert!(matches!(error, SieveError::Damaged { .. }), "{error}");
        }
        slot.disk.replace(&path, &bytes).unwrap();
    }
    slot.check().unwrap();
}

/// What a merge in a random slot may meet, one life of the process after the other. Returns the
/// first error that a sound disk should never give.
fn lives(seed: u64) -> Result<(), SieveError> {
    let entropy = SeededEntropy::new(seed);
    let mut slot = Slot::new();
    for _ in 0..5 {
        let faults = DiskFaults {
            killed_at: Some(entropy.below(60) + 1),
            sync_fails_at: (entropy.below(4) == 0).then(|| entropy.below(20) + 1),
            ..Default::default()
        };
        slot.disk.set_faults(faults);
        if let Ok(mut sieve) = slot.open() {
            for _ in 0..entropy.below(8) {
                let rows = random_rows(&entropy, entropy.below(120), 700);
                let fresh = slot.offer(&mut sieve, &rows);
                let Some(job) = sieve.start_merge() else {
                    continue;
                };
                let Ok(merged) = job.run() else { break };
                if entropy.below(6) == 0 {
                    break; // the batch failed
                }
                slot.switch(&merged, fresh);
                sieve.installed(&merged);
                let replaced = sieve.take_replaced();
                if entropy.below(3) > 0 && sieve.sweep(&replaced).is_err() {
                    break;
                }
                if entropy.below(3) == 0 && !slot.admitted.is_empty() {
                    let (id, _) = slot.admitted.remove(0);
                    if remove_admitted(&slot.disk, dir(), id).is_err() {
                        break;
                    }
                }
            }
        }
        slot.disk.crash(&entropy, entropy.below(3) > 0);
        slot.open()?;
        slot.check()?;
    }
    Ok(())
}

/// Faults D2 and D3: power cuts, failed syncs and kills, life after life.
#[test]
fn nothing_switched_to_is_lost_whenever_the_power_goes() {
    for seed in 0..300 {
        lives(seed).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}

/// The promise is watched: a program that switches before the run is synced loses keys.
#[test]
fn mutant_run_list_before_sync_is_caught() {
    plant(Some(Mutant::RunListBeforeSync));
    let caught = (0..50).filter(|seed| lives(*seed).is_err()).count();
    plant(None);
    assert!(caught > 25, "{caught} of 50 seeds");
}

#[test]
fn a_full_disk_is_told_apart_and_undone_by_opening() {
    let (mut slot, rows) = prepared();
    let mut sieve = slot.open().unwrap();
    slot.offer(&mut sieve, &rows);
    let used = 1 << 40;
    let room = used - slot.disk.room(dir()).unwrap().free_bytes;
    slot.disk.set_faults(DiskFaults {
        room_bytes: Some(room + 100),
        ..Default::default()
    });
    let Err(error) = sieve.start_merge().unwrap().run() else {
        panic!("there was no room")
    };
    assert!(error.is_disk_full(), "{error}");
    assert_eq!(error.next_step(), StoreStep::Reopen);
    slot.disk.set_faults(DiskFaults::default());
    slot.check().unwrap();
    assert_eq!(merge_and_sweep(&mut slot, &rows), 2);
    slot.check().unwrap();
}

/// An offset that no read gave is an error, not an endless or empty answer.
#[test]
fn an_admitted_file_is_read_from_its_own_offsets_only() {
    let (slot, _) = prepared();
    let (id, rows) = &slot.admitted[0];
    let whole = read_admitted(&slot.disk, dir(), *id, 0, usize::MAX).unwrap();
    assert_eq!((&whole.rows, whole.end), (rows, true));
    let end = read_admitted(&slot.disk, dir(), *id, whole.next, 5).unwrap();
    assert_eq!((end.rows.len(), end.next, end.end), (0, whole.next, true));
    for from in [whole.next + 1, 21, 1 << 40] {
        let error = read_admitted(&slot.disk, dir(), *id, from, 5).unwrap_err();
        assert!(matches!(error, SieveError::Damaged { .. }), "{error}");
    }
    let one = read_admitted(&slot.disk, dir(), *id, 0, 0).unwrap();
    assert_eq!(one.rows.len(), 1, "one row at least, so that draining ends");
}
