//! Found URLs beyond the memory for them: through a file, with everything that can happen to it.

use super::*;

/// Two appends of found URLs for each merge of some hundred.
const SMALL: SieveMemory = SieveMemory {
    keys_max: 400,
    spill_bytes: 400,
    recent_keys: 16,
};

fn spilling() -> (Slot, Vec<(SieveKey, Found)>) {
    let (mut slot, rows) = prepared();
    slot.memory = SMALL;
    (slot, rows)
}

fn offers(slot: &Slot) -> Vec<String> {
    let mut names = slot.names();
    names.retain(|name| name.starts_with("offers-"));
    names
}

#[test]
fn found_urls_beyond_their_memory_come_back_in_order() {
    let (mut slot, rows) = spilling();
    let mut sieve = slot.open().unwrap();
    for part in rows.chunks(170) {
        let fresh = slot.offer(&mut sieve, part);
        assert_eq!(offers(&slot).len(), 1);
        assert!(sieve.buffered_bytes() < part.len() * 16 + 2 * SMALL.spill_bytes);
        let merged = sieve.start_merge().unwrap().run().unwrap();
        assert_eq!(offers(&slot).len(), 0, "the file goes with its buffer");
        slot.switch(&merged, fresh);
        sieve.installed(&merged);
        slot.check().unwrap();
    }
}

#[test]
fn two_buffers_have_a_file_each_and_opening_deletes_them() {
    let (slot, rows) = spilling();
    let mut sieve = slot.open().unwrap();
    slot.offer(&mut sieve, &rows[..100]);
    assert!(!sieve.is_merge_due());
    let out = sieve.start_merge().unwrap();
    slot.offer(&mut sieve, &rows[100..]);
    assert!(sieve.is_merge_due() && sieve.is_full());
    assert_eq!(offers(&slot).len(), 2);
    drop((sieve, out));
    slot.open().unwrap();
    assert_eq!(offers(&slot).len(), 0);
    slot.check().unwrap();
}

/// Faults D1, with the file among the writes.
#[test]
fn a_kill_at_any_write_point_of_a_spilling_sieve_loses_nothing() {
    for power_cut in [false, true] {
        for killed_at in 1.. {
            let (mut slot, rows) = spilling();
            slot.disk.set_faults(DiskFaults {
                killed_at: Some(killed_at),
                ..Default::default()
            });
            let reached = merge_and_sweep(&mut slot, &rows);
            let killed = slot.disk.is_killed();
            slot.disk.crash(&SeededEntropy::new(killed_at), power_cut);
            slot.open().unwrap();
            slot.check().unwrap();
            assert_eq!(offers(&slot).len(), 0);
            if reached == 0 {
                assert_eq!(merge_and_sweep(&mut slot, &rows), 2);
                slot.check().unwrap();
            }
            if !killed {
                break;
            }
        }
    }
}

/// No room for the file: what was found stays in memory, and the merge has its say.
#[test]
fn without_room_found_urls_stay_in_memory() {
    let (mut slot, rows) = spilling();
    let mut sieve = slot.open().unwrap();
    slot.disk.set_faults(DiskFaults {
        room_bytes: Some(0),
        ..Default::default()
    });
    let fresh = slot.offer(&mut sieve, &rows);
    assert!(sieve.buffered_bytes() > rows.len() * 16 + 4 * SMALL.spill_bytes);
    slot.disk.set_faults(DiskFaults::default());
    let merged = sieve.start_merge().unwrap().run().unwrap();
    slot.switch(&merged, fresh);
    slot.check().unwrap();
}

#[test]
fn a_flipped_byte_of_the_file_is_noticed() {
    let (slot, rows) = spilling();
    for place in (0..3_000).step_by(331) {
        let mut sieve = slot.open().unwrap();
        slot.offer(&mut sieve, &rows);
        let path = dir().join(&offers(&slot)[0]);
        let mut bytes = slot.disk.read_all(&path).unwrap();
        bytes[place] ^= 1 << (place % 8);
        slot.disk.replace(&path, &bytes).unwrap();
        let Err(error) = sieve.start_merge().unwrap().run() else {
            panic!("byte {place} was believed")
        };
        assert!(matches!(error, SieveError::Damaged { .. }), "{error}");
    }
}
