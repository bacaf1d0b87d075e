//! The link journal under every fault of the disk.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use orb_env::{Disk, DiskFaults, Entropy, MemoryDisk, SeededEntropy};
use proptest::prelude::*;

use super::*;
use crate::{JournalError, StoreStep};

const DIR: &str = "/slot/links";
const SMALL: u64 = 400;

fn dir() -> &'static Path {
    Path::new(DIR)
}

fn writer(disk: &MemoryDisk, stored: JournalEnd) -> Result<JournalWriter, JournalError> {
    JournalWriter::open_with(Arc::new(disk.clone()), dir(), stored, SMALL)
}

fn reader(disk: &MemoryDisk, destination: u8, position: JournalEnd) -> JournalReader {
    JournalReader::open(Arc::new(disk.clone()), dir(), destination, position)
}

/// A group of random blocks for some of eight destinations, some empty.
fn group(entropy: &dyn Entropy) -> Vec<(u8, Vec<u8>)> {
    (0..8)
        .rev()
        .filter(|_| entropy.below(3) == 0)
        .map(|to| {
            (
                to,
                vec![entropy.below(256) as u8; entropy.below(90) as usize],
            )
        })
        .collect()
}

type Told = BTreeMap<u8, Vec<u8>>;

fn tell(told: &mut Told, blocks: &[(u8, Vec<u8>)]) {
    for (to, block) in blocks {
        told.entry(*to).or_default().extend_from_slice(block);
    }
}

/// All that a reader of `destination` sees from `position` up to `shown`.
fn read_all(
    disk: &MemoryDisk,
    destination: u8,
    position: JournalEnd,
    shown: JournalEnd,
    bytes_max: usize,
) -> Vec<u8> {
    let mut reader = reader(disk, destination, position);
    let mut all = Vec::new();
    while let Some(block) = reader.read(shown, bytes_max).unwrap() {
        assert_eq!(block.after, reader.position());
        assert!(block.after <= shown);
        all.extend_from_slice(&block.bytes);
    }
    assert_eq!(reader.position(), shown);
    all
}

fn check(disk: &MemoryDisk, shown: JournalEnd, told: &Told) {
    for destination in 0..8 {
        let wanted = told.get(&destination).cloned().unwrap_or_default();
        for bytes_max in [0, 100, usize::MAX] {
            let got = read_all(disk, destination, JournalEnd::default(), shown, bytes_max);
            assert_eq!(got, wanted, "destination {destination}");
        }
    }
}

#[test]
fn each_destination_sees_its_own_blocks_in_order_over_many_files() {
    let (disk, entropy) = (MemoryDisk::new(), SeededEntropy::new(1));
    let mut writer = writer(&disk, JournalEnd::default()).unwrap();
    let mut told = Told::new();
    for number in 0..60 {
        let blocks = group(&entropy);
        let before = writer.end();
        let end = writer.append_group(number, &blocks).unwrap();
        assert_eq!(end, writer.end());
        assert_eq!(
            end == before,
            blocks.is_empty(),
            "only a group with blocks moves the end"
        );
        tell(&mut told, &blocks);
        check(&disk, end, &told);
    }
    let files = disk.list(dir()).unwrap();
    assert!(files.len() > 3 && files.len() as u64 == writer.end().file);
    assert!(
        files[..files.len() - 1]
            .iter()
            .all(|file| file.bytes >= SMALL)
    );
}

/// Blocks come back as they went in: several in one answer while they fit, one at least.
#[test]
fn a_read_takes_what_fits_and_one_block_at_least() {
    let disk = MemoryDisk::new();
    let mut writer = writer(&disk, JournalEnd::default()).unwrap();
    let ends: Vec<JournalEnd> = [30, 30, 30]
        .map(|bytes| {
            writer
                .append_group(0, &[(5, vec![7; bytes]), (2, vec![1])])
                .unwrap()
        })
        .into();
    let shown = writer.append_group(4, &[(2, vec![1])]).unwrap();
    let mut reader = reader(&disk, 5, JournalEnd::default());
    let first = reader.read(shown, 60).unwrap().unwrap();
    assert_eq!((first.bytes.len(), first.after), (60, ends[1]));
    let second = reader.read(shown, 0).unwrap().unwrap();
    // The frame behind it holds nothing for this reader, so the position passes it too.
    assert_eq!((second.bytes.len(), second.after), (30, shown));
    assert_eq!(reader.read(shown, 60).unwrap(), None);
    assert_eq!(reader.position(), shown);
}

/// Design 6: a block is shown only after the batch that stores its length.
#[test]
fn a_reader_never_passes_what_it_is_shown() {
    let disk = MemoryDisk::new();
    let mut writer = writer(&disk, JournalEnd::default()).unwrap();
    let first = writer.append_group(1, &[(0, b"shown".to_vec())]).unwrap();
    writer.append_group(2, &[(0, b"not yet".to_vec())]).unwrap();
    assert_eq!(
        read_all(&disk, 0, JournalEnd::default(), first, 99),
        b"shown"
    );
    let mut nothing = reader(&disk, 0, JournalEnd::default());
    assert_eq!(nothing.read(JournalEnd::default(), 99).unwrap(), None);
    let past = reader(&disk, 0, first)
        .read(JournalEnd::default(), 99)
        .unwrap_err();
    assert!(matches!(past, JournalError::PastEnd { .. }), "{past}");
    assert_eq!(past.next_step(), StoreStep::Stop);
}

/// Design 10: recovery truncates to what was stored and deletes higher files.
#[test]
fn opening_cuts_to_the_stored_end_and_deletes_higher_files() {
    let (disk, entropy) = (MemoryDisk::new(), SeededEntropy::new(2));
    let mut ends = vec![(JournalEnd::default(), Told::new())];
    let mut first = writer(&disk, JournalEnd::default()).unwrap();
    let mut told = Told::new();
    for number in 0..30 {
        let blocks = group(&entropy);
        tell(&mut told, &blocks);
        ends.push((first.append_group(number, &blocks).unwrap(), told.clone()));
    }
    for (stored, mut told) in ends.into_iter().rev() {
        let mut again = writer(&disk, stored).unwrap();
        assert_eq!(again.end(), stored);
        check(&disk, stored, &told);
        assert_eq!(disk.list(dir()).unwrap().len() as u64, stored.file);
        let end = again.append_group(99, &[(3, b"new".to_vec())]).unwrap();
        tell(&mut told, &[(3, b"new".to_vec())]);
        check(&disk, end, &told);
    }
}

#[test]
fn files_that_every_position_has_passed_go_and_the_last_stays() {
    let (disk, entropy) = (MemoryDisk::new(), SeededEntropy::new(3));
    let mut writer = writer(&disk, JournalEnd::default()).unwrap();
    while writer.end().file < 5 {
        writer.append_group(0, &group(&entropy)).unwrap();
    }
    let at = |file, bytes| JournalEnd { file, bytes };
    let rest = read_all(&disk, 0, at(3, 0), writer.end(), 0);
    writer.remove_below(3).unwrap();
    let files = disk.list(dir()).unwrap();
    assert_eq!(files[0].name, "links-00000003.orbl");
    assert_eq!(read_all(&disk, 0, at(3, 0), writer.end(), 0), rest);
    let gone = reader(&disk, 0, at(2, 0))
        .read(writer.end(), 0)
        .unwrap_err();
    assert!(
        matches!(gone, JournalError::Short { bytes: 0, .. }),
        "{gone}"
    );
    writer.remove_below(99).unwrap();
    assert_eq!(disk.list(dir()).unwrap().len(), 1);
}

/// Faults D5: each flipped byte of a shown frame is detected or belongs to somebody else's block.
#[test]
fn a_damaged_frame_is_an_error_that_names_file_and_offset() {
    let disk = MemoryDisk::new();
    let mut first = writer(&disk, JournalEnd::default()).unwrap();
    let start = first.append_group(1, &[(1, b"before".to_vec())]).unwrap();
    let shown = first
        .append_group(2, &[(1, b"mine".to_vec()), (2, b"theirs".to_vec())])
        .unwrap();
    let path = dir().join("links-00000001.orbl");
    let bytes = disk.read_all(&path).unwrap();
    let (mut damaged, mut theirs) = (0, 0);
    for place in start.bytes as usize..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 0x10;
        disk.replace(&path, &flipped).unwrap();
        match reader(&disk, 1, start).read(shown, 99) {
            Err(JournalError::Damaged {
                path: named,
                offset,
                ..
            }) => {
                assert_eq!((named, offset), (path.clone(), start.bytes));
                damaged += 1;
            }
            Ok(Some(block)) => {
                assert_eq!(block.bytes, b"mine");
                theirs += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(theirs, b"theirs".len());
    assert!(damaged > 30);
    disk.replace(&path, &bytes[..bytes.len() - 1]).unwrap();
    let short = reader(&disk, 1, start).read(shown, 99).unwrap_err();
    assert!(matches!(short, JournalError::Short { .. }), "{short}");
    let Err(short) = writer(&disk, shown) else {
        panic!("opened with a lost tail")
    };
    assert!(matches!(short, JournalError::Short { .. }), "{short}");
}

#[test]
fn a_group_that_no_frame_holds_is_refused_and_changes_nothing() {
    let disk = MemoryDisk::new();
    let mut writer = writer(&disk, JournalEnd::default()).unwrap();
    let twice = [(1, vec![1]), (0, vec![2]), (1, vec![3])];
    let refused = writer.append_group(1, &twice).unwrap_err();
    assert!(
        matches!(refused, JournalError::Refused { group: 1, .. }),
        "{refused}"
    );
    assert_eq!(refused.next_step(), StoreStep::Bug);
    writer.append_group(1, &[(1, vec![1])]).unwrap();
    assert_eq!(
        read_all(&disk, 1, JournalEnd::default(), writer.end(), 9),
        [1]
    );
}

/// Faults D3: a failed sync is final for the open file; the stored end decides afterwards.
#[test]
fn after_a_failure_nothing_is_written_until_the_journal_is_opened_again() {
    for sync_fails_at in 1..4 {
        let disk = MemoryDisk::new();
        let mut first = writer(&disk, JournalEnd::default()).unwrap();
        let stored = first.append_group(1, &[(0, vec![1; 500])]).unwrap();
        disk.set_faults(DiskFaults {
            sync_fails_at: Some(sync_fails_at),
            ..Default::default()
        });
        let mut end = stored;
        let failed = loop {
            match first.append_group(2, &[(0, vec![2; 500])]) {
                Ok(moved) => end = moved,
                Err(failed) => break failed,
            }
        };
        assert_eq!(failed.next_step(), StoreStep::Reopen);
        assert!(!failed.is_disk_full());
        let broken = first.append_group(3, &[(0, vec![3])]).unwrap_err();
        assert!(matches!(broken, JournalError::Broken { .. }), "{broken}");
        let mut again = writer(&disk, end).unwrap();
        let end = again.append_group(3, &[(0, vec![3])]).unwrap();
        let all = read_all(&disk, 0, stored, end, 0);
        assert_eq!(all.iter().filter(|byte| **byte == 3).count(), 1);
        assert!(all.len() as u64 == (sync_fails_at - 1) * 500 + 1);
    }
}

#[test]
fn a_full_disk_is_told_apart() {
    let disk = MemoryDisk::new();
    disk.set_faults(DiskFaults {
        room_bytes: Some(100),
        ..Default::default()
    });
    let mut writer = writer(&disk, JournalEnd::default()).unwrap();
    assert!(
        writer
            .append_group(1, &[(0, vec![0; 200])])
            .unwrap_err()
            .is_disk_full()
    );
}

/// Faults D1 and D2: killed at any writing call, with or without power, over and over: what a store
/// acknowledged is read back, and what it did not is as if it had never been.
#[test]
fn nothing_acknowledged_is_lost_whenever_the_power_goes() {
    for seed in 0..1_000 {
        let disk = MemoryDisk::new();
        let entropy = SeededEntropy::new(seed);
        let mut stored = JournalEnd::default();
        let mut told = Told::new();
        for _ in 0..6 {
            let killed_at = Some(entropy.below(30) + 1);
            disk.set_faults(DiskFaults {
                killed_at,
                ..Default::default()
            });
            if let Ok(mut writer) = writer(&disk, stored) {
                let mut appended = told.clone();
                for number in 0..40 {
                    let blocks = group(&entropy);
                    let Ok(end) = writer.append_group(number, &blocks) else {
                        break;
                    };
                    tell(&mut appended, &blocks);
                    // Here the store's batch commits; or it comes with the next one; or never.
                    match entropy.below(8) {
                        0 => break,
                        1 => {}
                        _ => (stored, told) = (end, appended.clone()),
                    }
                }
            }
            disk.crash(&entropy, entropy.below(2) == 0);
            writer(&disk, stored).unwrap();
            check(&disk, stored, &told);
        }
    }
}

proptest! {
    #[test]
    fn ends_survive_their_stored_form_and_sort_alike(
        a in any::<(u64, u64)>(),
        b in any::<(u64, u64)>(),
    ) {
        let [a, b] = [a, b].map(|(file, bytes)| JournalEnd { file, bytes });
        prop_assert_eq!(JournalEnd::from_bytes(&a.to_bytes()), Some(a));
        prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
        prop_assert_eq!(JournalEnd::from_bytes(&a.to_bytes()[1..]), None);
    }

    /// Foreign bytes: an index is read or refused, never believed beyond its checksum.
    #[test]
    fn no_bytes_make_the_frame_decoder_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0..200_usize,
    ) {
        let mut frame = Vec::new();
        frame::encode(7, &[(3, bytes.clone()), (1, vec![1])], &mut frame).unwrap();
        let index = frame::decode(&frame, 3).unwrap();
        prop_assert_eq!(index.bytes, frame.len() as u64);
        let place = index.place.unwrap();
        prop_assert!(place.holds(&frame[place.offset as usize..][..place.bytes]));
        frame.truncate(at);
        frame.extend_from_slice(&bytes);
        let _either = frame::decode(&frame, 3);
        prop_assert!(frame::decode(&bytes, 3).is_err());
    }
}

#[test]
fn other_names_in_the_folder_are_left_alone() {
    for name in [
        "links-1.orbl",
        "links-0000000x.orbl",
        "links-00000001.orbl.new",
        "readme",
    ] {
        assert_eq!(file_number(name), None, "{name}");
    }
    assert_eq!(file_number("links-123456789.orbl"), Some(123_456_789));
    assert_eq!(file_path(dir(), 7), dir().join("links-00000007.orbl"));
}
