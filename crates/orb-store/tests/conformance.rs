//! The contract of `Store`, told once and held by both implementations.

#![allow(clippy::unwrap_used)] // a test file: clippy knows only functions marked as tests

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use orb_env::{DiskFaults, Entropy, MemoryDisk, SeededEntropy};
use orb_store::limits::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
use orb_store::{
    Batch, FjallOpener, Keyspace, ModelOpener, Store, StoreError, StoreOpener, StoreStep,
};

const SHARE: u64 = 8 << 20;

fn put(keyspace: Keyspace, key: &str, value: &str) -> Batch {
    let mut batch = Batch::new();
    batch.put(keyspace, key, value);
    batch
}

fn keys(store: &dyn Store, from: &str, to: Option<&str>, limit: usize) -> Vec<String> {
    let rows = store
        .range(
            Keyspace::Queue,
            from.as_bytes(),
            to.map(str::as_bytes),
            limit,
        )
        .unwrap();
    rows.into_iter()
        .map(|(key, _)| String::from_utf8(key).unwrap())
        .collect()
}

/// Every sentence of the trait's contract that needs no fault.
fn conformance(opener: &dyn StoreOpener, dir: &Path) {
    a_batch_changes_several_keyspaces_at_once(&*opener.open(&dir.join("a")).unwrap());
    later_changes_win_within_a_batch(&*opener.open(&dir.join("b")).unwrap());
    ranges_are_ordered_and_half_open(&*opener.open(&dir.join("c")).unwrap());
    rows_outside_the_limits_change_nothing(&*opener.open(&dir.join("d")).unwrap());
    reopening_finds_what_was_committed(opener, &dir.join("e"));
    one_folder_has_one_handle(opener, &dir.join("f"));
    random_batches_agree_with_a_map(opener, &dir.join("g"));
    a_range_beside_commits_goes_only_forward(opener.open(&dir.join("h")).unwrap());
}

fn a_batch_changes_several_keyspaces_at_once(store: &dyn Store) {
    let mut batch = Batch::new();
    for keyspace in Keyspace::ALL {
        batch.put(keyspace, "key", keyspace.name());
    }
    assert_eq!(
        (batch.len(), batch.is_empty()),
        (Keyspace::ALL.len(), false)
    );
    store.commit(batch).unwrap();
    for keyspace in Keyspace::ALL {
        assert_eq!(
            store.get(keyspace, b"key").unwrap().unwrap(),
            keyspace.name().as_bytes()
        );
        assert_eq!(store.get(keyspace, b"ke").unwrap(), None);
        assert_eq!(store.get(keyspace, b"").unwrap(), None);
    }
    store.commit(Batch::new()).unwrap();
    assert!(store.disk_bytes() > 0);
}

fn later_changes_win_within_a_batch(store: &dyn Store) {
    let mut batch = put(Keyspace::Queue, "a", "1");
    batch.delete(Keyspace::Queue, "a");
    batch.put(Keyspace::Queue, "b", "1");
    let mut later = put(Keyspace::Queue, "b", "2");
    later.delete(Keyspace::Queue, "absent");
    later.put(Keyspace::Queue, "c", "");
    batch.append(later);
    store.commit(batch).unwrap();
    assert_eq!(store.get(Keyspace::Queue, b"a").unwrap(), None);
    assert_eq!(store.get(Keyspace::Queue, b"b").unwrap().unwrap(), b"2");
    assert_eq!(store.get(Keyspace::Queue, b"c").unwrap().unwrap(), b"");
}

fn ranges_are_ordered_and_half_open(store: &dyn Store) {
    let mut batch = Batch::new();
    for key in ["b", "a", "ba", "\u{ff}", "b\0", "c"] {
        batch.put(Keyspace::Queue, key, "v");
    }
    batch.put(Keyspace::Fates, "bb", "another keyspace");
    store.commit(batch).unwrap();
    assert_eq!(
        keys(store, "", None, 99),
        ["a", "b", "b\0", "ba", "c", "\u{ff}"]
    );
    assert_eq!(keys(store, "b", Some("c"), 99), ["b", "b\0", "ba"]);
    assert_eq!(keys(store, "b\0", Some("c"), 1), ["b\0"]);
    assert_eq!(keys(store, "b", Some("b"), 99), [""; 0]);
    assert_eq!(keys(store, "c", Some("b"), 99), [""; 0]);
    assert_eq!(keys(store, "a", None, 0), [""; 0]);
    let mut batch = Batch::new();
    batch.delete(Keyspace::Queue, "b");
    store.commit(batch).unwrap();
    assert_eq!(keys(store, "", Some("c"), 2), ["a", "b\0"]);
}

fn rows_outside_the_limits_change_nothing(store: &dyn Store) {
    for (key, value) in [
        (Vec::new(), Vec::new()),
        (vec![1; KEY_BYTES_MAX + 1], Vec::new()),
        (vec![1], vec![0; VALUE_BYTES_MAX + 1]),
    ] {
        let mut batch = put(Keyspace::Queue, "fine", "v");
        batch.put(Keyspace::Queue, key, value);
        let error = store.commit(batch).unwrap_err();
        assert!(matches!(error, StoreError::Refused { .. }), "{error}");
        assert_eq!(error.next_step(), StoreStep::Bug);
    }
    let mut batch = Batch::new();
    batch.put(
        Keyspace::Queue,
        vec![1; KEY_BYTES_MAX],
        vec![2; VALUE_BYTES_MAX],
    );
    store.commit(batch).unwrap();
    assert_eq!(store.range(Keyspace::Queue, b"", None, 9).unwrap().len(), 1);
}

fn reopening_finds_what_was_committed(opener: &dyn StoreOpener, dir: &Path) {
    for round in 0..4 {
        let store = opener.open(dir).unwrap();
        assert_eq!(keys(&*store, "", None, 99).len(), round);
        store
            .commit(put(Keyspace::Queue, &format!("{round}"), "v"))
            .unwrap();
    }
}

fn one_folder_has_one_handle(opener: &dyn StoreOpener, dir: &Path) {
    let store = opener.open(dir).unwrap();
    let Err(error) = opener.open(dir) else {
        panic!("opened twice")
    };
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert_eq!(error.next_step(), StoreStep::Stop);
    drop(store);
    opener.open(dir).unwrap();
}

fn random_batches_agree_with_a_map(opener: &dyn StoreOpener, dir: &Path) {
    let entropy = SeededEntropy::new(11);
    let mut maps = vec![BTreeMap::new(); Keyspace::ALL.len()];
    for _ in 0..6 {
        let store = opener.open(dir).unwrap();
        for _ in 0..20 {
            let mut batch = Batch::new();
            for _ in 0..entropy.below(60) {
                let place = entropy.below(7) as usize;
                let key = (entropy.below(300) as u16).to_be_bytes().to_vec();
                if entropy.below(3) == 0 {
                    batch.delete(Keyspace::ALL[place], key.clone());
                    maps[place].remove(&key);
                } else {
                    let value = vec![entropy.below(256) as u8; entropy.below(3_000) as usize];
                    batch.put(Keyspace::ALL[place], key.clone(), value.clone());
                    maps[place].insert(key, value);
                }
            }
            store.commit(batch).unwrap();
        }
        for (keyspace, map) in Keyspace::ALL.into_iter().zip(&maps) {
            let rows = store.range(keyspace, b"", None, usize::MAX).unwrap();
            assert!(rows.iter().map(|(k, v)| (k, v)).eq(map), "{keyspace}");
        }
    }
}

fn round_of(value: &[u8]) -> u32 {
    u32::from_be_bytes(value.try_into().unwrap())
}

fn a_range_beside_commits_goes_only_forward(store: Arc<dyn Store>) {
    let writer = Arc::clone(&store);
    let rounds = 200_u32;
    let thread = std::thread::spawn(move || {
        for round in 1..=rounds {
            let mut batch = Batch::new();
            for row in 0..50_u8 {
                batch.put(Keyspace::Queue, vec![1, row], round.to_be_bytes());
            }
            writer.commit(batch).unwrap();
        }
    });
    let mut last = 0;
    while last < rounds {
        let rows = store.range(Keyspace::Queue, b"", None, 99).unwrap();
        assert!(rows.len() <= 50);
        let rounds = rows.iter().map(|(_, value)| value);
        let span = rounds.clone().max().zip(rounds.min());
        assert!(
            span.is_none_or(|(new, old)| round_of(new) - round_of(old) <= 1),
            "rows of three batches"
        );
        if let Some((_, value)) = rows.first() {
            let round = round_of(value);
            assert!(round >= last, "time went back");
            last = round;
        }
    }
    thread.join().unwrap();
}

#[test]
fn the_model_keeps_the_contract() {
    conformance(&ModelOpener::new(MemoryDisk::new()), Path::new("/slots"));
}

#[test]
fn fjall_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    conformance(&FjallOpener::new(SHARE), dir.path());
}

/// Promise 8: what was not committed at a kill is dropped, what was committed is there.
#[test]
fn the_model_keeps_exactly_what_was_committed_before_a_kill() {
    let dir = Path::new("/slot");
    for killed_at in 1..12 {
        let disk = MemoryDisk::new();
        let opener = ModelOpener::new(disk.clone());
        disk.set_faults(DiskFaults {
            killed_at: Some(killed_at),
            ..DiskFaults::default()
        });
        let mut acknowledged = 0;
        if let Ok(store) = opener.open(dir) {
            while store
                .commit(put(Keyspace::Queue, &format!("{acknowledged:03}"), "v"))
                .is_ok()
            {
                acknowledged += 1;
            }
            let error = store
                .commit(put(Keyspace::Queue, "after", "v"))
                .unwrap_err();
            assert_eq!(error.next_step(), StoreStep::Reopen);
        }
        assert!(opener.open(dir).is_err(), "a dead process opens nothing");
        disk.crash(&SeededEntropy::new(killed_at), true);
        let store = opener.open(dir).unwrap();
        assert_eq!(keys(&*store, "", None, 99).len(), acknowledged);
        assert_eq!(acknowledged as u64, killed_at.saturating_sub(2));
    }
}

/// As the real store does: nothing of a failed batch, and no commit until it is opened again.
#[test]
fn a_planted_failure_spoils_the_handle_and_loses_nothing() {
    let dir = Path::new("/slot");
    let opener = ModelOpener::new(MemoryDisk::new());
    let store = opener.open(dir).unwrap();
    opener.fail_commit_at(Some(2));
    store.commit(put(Keyspace::Queue, "1", "v")).unwrap();
    assert!(store.commit(put(Keyspace::Queue, "2", "v")).is_err());
    assert!(store.commit(put(Keyspace::Queue, "3", "v")).is_err());
    drop(store);
    let store = opener.open(dir).unwrap();
    store.commit(put(Keyspace::Queue, "4", "v")).unwrap();
    assert_eq!(keys(&*store, "", None, 9), ["1", "4"]);
    assert_eq!(store.disk_bytes(), 4);
}

/// A folder whose making was cut short holds nothing, so the next opening makes it anew.
#[test]
fn an_opening_that_was_cut_short_is_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    let half = dir.path().join("slot.new");
    std::fs::create_dir_all(half.join("keyspaces")).unwrap();
    std::fs::write(half.join("lock"), b"").unwrap();
    std::fs::write(half.join("0.jnl"), b"half").unwrap();
    let store = FjallOpener::new(SHARE)
        .open(&dir.path().join("slot"))
        .unwrap();
    store.commit(put(Keyspace::Queue, "1", "v")).unwrap();
    assert!(!half.exists());
}

/// More than its buffers may hold is written out while small batches go on.
#[test]
fn a_store_tells_that_it_is_behind_until_it_has_caught_up() {
    let dir = tempfile::tempdir().unwrap();
    let store = FjallOpener::new(SHARE)
        .open(&dir.path().join("slot"))
        .unwrap();
    assert!(!store.is_behind());
    // Again where its worker was done before this thread looked.
    let is_behind = (0..20_u8).any(|n| {
        let mut flood = Batch::new();
        for part in 0..9 {
            flood.put(Keyspace::Queue, vec![n, part], vec![n; 5 << 20]);
        }
        store.commit(flood).unwrap();
        store.is_behind()
    });
    assert!(is_behind);
    let caught_up = (0..10_000).any(|n| {
        store
            .commit(put(Keyspace::Meta, &n.to_string(), "v"))
            .unwrap();
        !store.is_behind()
    });
    assert!(caught_up);
}

/// Promise 4: a small share of memory makes small buffers, also in a folder made with a large one.
#[test]
fn a_small_share_writes_out_and_reads_back_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("slot");
    let fill = |store: &dyn Store, round: u8| {
        for part in 0..40_u8 {
            let mut batch = Batch::new();
            for row in 0..100_u8 {
                batch.put(Keyspace::Queue, vec![round, part, row], vec![row; 400]);
                batch.put(Keyspace::Fates, vec![round, part, row], vec![part; 40]);
            }
            store.commit(batch).unwrap();
        }
    };
    fill(&*FjallOpener::new(1 << 30).open(&path).unwrap(), 0);
    let store = FjallOpener::new(1 << 20).open(&path).unwrap();
    fill(&*store, 1);
    for keyspace in [Keyspace::Queue, Keyspace::Fates] {
        assert_eq!(
            store.range(keyspace, b"", None, usize::MAX).unwrap().len(),
            8_000
        );
    }
    assert_eq!(
        store.get(Keyspace::Queue, &[1, 39, 99]).unwrap().unwrap(),
        [99; 400]
    );
}
