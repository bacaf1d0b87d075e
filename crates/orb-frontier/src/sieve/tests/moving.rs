//! Runs of other shapes than merges make, and partitions that move between folders.

use super::*;
use crate::sieve::offers::PLACE_BITS;
use crate::sieve::run_file::open_runs;
use proptest::prelude::*;

fn key(partition: u16, fingerprint: u64) -> SieveKey {
    SieveKey {
        partition: Partition::new(partition).unwrap(),
        fingerprint: Fingerprint(fingerprint),
    }
}

fn all_keys(disk: &dyn Disk, list: &RunList) -> Vec<SieveKey> {
    let mut keys = Vec::new();
    let checked = check_runs(disk, dir(), list, &mut |key| keys.push(key)).unwrap();
    assert_eq!(checked.keys, keys.len() as u64);
    keys
}

/// Keys crowded into few partitions, in few places of them, or anywhere.
fn keys(most: usize) -> impl Strategy<Value = BTreeSet<SieveKey>> {
    (1..=4096_u16, 0..64_u32).prop_flat_map(move |(partitions, shift)| {
        let key = (0..partitions, any::<u64>())
            .prop_map(move |(partition, any)| key(partition, any >> shift));
        proptest::collection::btree_set(key, 0..most)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn runs_give_back_exactly_their_keys(parts in proptest::collection::vec(keys(6_000), 1..4)) {
        let disk = MemoryDisk::new();
        let (mut list, mut known) = (RunList::default(), BTreeSet::new());
        for part in parts {
            let fresh: Vec<SieveKey> = part.difference(&known).copied().collect();
            list = write_run_of(&disk, dir(), &list, fresh.iter().copied()).unwrap();
            known.extend(fresh);
            prop_assert!(all_keys(&disk, &list).iter().eq(&known));
        }
        let list = RunList::decode(&list.encode()).unwrap();
        Sieve::open(Arc::new(disk.clone()), dir(), &list, &[], SieveMemory::default()).unwrap();
        prop_assert_eq!(disk.list(dir()).unwrap().len(), list.runs.len());
    }

    /// However sparse the batch: by blocks, by parts of blocks, or all of it.
    #[test]
    fn looking_up_equals_merging(held in keys(9_000), asked in keys(3_000), every in 1..400_usize) {
        let disk = MemoryDisk::new();
        let list = write_run_of(&disk, dir(), &RunList::default(), held.iter().copied()).unwrap();
        let runs = open_runs(&disk, dir(), &list).unwrap();
        let asked: BTreeSet<SieveKey> = held.iter().step_by(every).chain(&asked).copied().collect();
        let mut batch: Vec<u128> = asked.iter().map(|key| key.number() << PLACE_BITS | 7).collect();
        runs[0].remove_held(&mut batch).unwrap();
        let expected: Vec<u128> = asked.difference(&held).map(|key| key.number() << PLACE_BITS | 7).collect();
        prop_assert_eq!(batch, expected);
        let look = SieveLook::open(&disk, dir(), &list).unwrap();
        for key in asked.iter().step_by(97) {
            prop_assert_eq!(look.holds(*key).unwrap(), held.contains(key));
        }
    }

    #[test]
    fn a_partition_moves_as_it_is(parts in proptest::collection::vec(keys(3_000), 1..4), partition in 0..4096_u16) {
        let disk = MemoryDisk::new();
        let (mut list, mut known) = (RunList::default(), BTreeSet::new());
        for part in parts {
            let fresh: Vec<SieveKey> = part.difference(&known).copied().collect();
            list = write_run_of(&disk, dir(), &list, fresh.iter().copied()).unwrap();
            known.extend(fresh);
        }
        for partition in [partition, 0, 1] {
            let partition = Partition::new(partition).unwrap();
            let moved: Result<Vec<_>, _> = export_partition(&disk, dir(), &list, partition).unwrap().collect();
            let expected = known.iter().filter(|key| key.partition == partition);
            prop_assert!(moved.unwrap().iter().eq(expected));
        }
    }
}

#[test]
fn many_imports_leave_few_runs() {
    let disk = MemoryDisk::new();
    let mut list = RunList::default();
    for partition in 0..40 {
        let keys = (0..50 + u64::from(partition) * 7 % 30).map(|n| key(partition, n << 40));
        list = write_run_of(&disk, dir(), &list, keys).unwrap();
        assert!(list.runs.len() <= SIEVE_RUNS_MAX);
    }
    assert_eq!(all_keys(&disk, &list).len() as u64, list.entries());
}

#[test]
#[should_panic(expected = "keys ascend")]
fn keys_out_of_order_make_no_run() {
    let keys = [key(1, 1), key(1, 1)];
    drop(write_run_of(
        &MemoryDisk::new(),
        dir(),
        &RunList::default(),
        keys,
    ));
}

#[test]
fn a_damaged_partition_ends_with_an_error() {
    let disk = MemoryDisk::new();
    let keys = (0..20_000).map(|n| key(5, n << 32));
    let list = write_run_of(&disk, dir(), &RunList::default(), keys).unwrap();
    let path = dir().join("run-00000000.orbs");
    let mut bytes = disk.read_all(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    disk.replace(&path, &bytes).unwrap();
    let read: Vec<_> = export_partition(&disk, dir(), &list, Partition::new(5).unwrap())
        .unwrap()
        .collect();
    assert!(read.len() > 5_000 && read.len() < 20_000);
    assert!(read.last().unwrap().is_err() && read.iter().rev().skip(1).all(Result::is_ok));
}
