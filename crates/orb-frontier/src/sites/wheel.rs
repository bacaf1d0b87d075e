//! A timer wheel: waiting sites by the quarter second in which they are due, in lists through their entries.
//!
//! In: entries with a time. Out: those whose time has come, quarter by quarter.
//! May touch: links of entries. Must not touch: anything else of them.
//! Invariant: an entry is in at most one list, and its bucket says which; no list holds an entry that should have
//! come out already.

use orb_env::Mono;

use super::SiteId;
use super::entry::{Entries, NO_BUCKET, NONE};

/// A quarter of a second: 2^18 microseconds.
const TICK_BITS: u32 = 18;

/// Eighteen minutes of quarters. What is due later waits in the last one and is put further when that comes.
const BUCKETS: usize = 4_096;

/// See the module.
#[derive(Debug)]
pub(super) struct Wheel {
    heads: Vec<u32>,
    /// A bit for each list that is not empty.
    held: Vec<u64>,
    /// Everything before this quarter has come out.
    done: u64,
}

impl Wheel {
    /// A wheel that begins to turn at `now`.
    pub(super) fn new(now: Mono) -> Wheel {
        Wheel {
            heads: vec![NONE; BUCKETS],
            held: vec![0; BUCKETS / 64],
            done: now.0 >> TICK_BITS,
        }
    }

    /// Memory, in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        self.heads.capacity() * size_of::<u32>() + self.held.capacity() * size_of::<u64>()
    }

    /// Puts a site in by its entry's time; `false` when that has come already.
    pub(super) fn insert(&mut self, entries: &mut Entries, id: SiteId) -> bool {
        let tick = entries.at(id.0).due.0 >> TICK_BITS;
        if tick < self.done {
            return false;
        }
        let last = self.done + BUCKETS as u64 - 1;
        let bucket = (tick.min(last) % BUCKETS as u64) as usize;
        let head = self.heads[bucket];
        let entry = entries.at_mut(id.0);
        (entry.next, entry.before, entry.bucket) = (head, NONE, bucket as u16);
        if head != NONE {
            entries.at_mut(head).before = id.0;
        }
        self.heads[bucket] = id.0;
        self.held[bucket / 64] |= 1 << (bucket % 64);
        true
    }

    /// Takes a site out, wherever it is.
    pub(super) fn remove(&mut self, entries: &mut Entries, id: SiteId) {
        let entry = entries.at_mut(id.0);
        let (next, before, bucket) = (entry.next, entry.before, entry.bucket);
        if bucket == NO_BUCKET {
            return;
        }
        (entry.next, entry.before, entry.bucket) = (NONE, NONE, NO_BUCKET);
        if next != NONE {
            entries.at_mut(next).before = before;
        }
        if before != NONE {
            entries.at_mut(before).next = next;
        } else {
            self.heads[usize::from(bucket)] = next;
            if next == NONE {
                self.held[usize::from(bucket) / 64] &= !(1 << (bucket % 64));
            }
        }
    }

    /// Takes out every site that is due in the quarter of `until` or before, and gives it to `out`.
    pub(super) fn turn(
        &mut self,
        entries: &mut Entries,
        until: Mono,
        mut out: impl FnMut(&Entries, SiteId),
    ) {
        let target = (until.0 >> TICK_BITS).saturating_add(1);
        while self.done < target {
            let Some(tick) = self.first_held().filter(|tick| *tick < target) else {
                self.done = target;
                return;
            };
            let bucket = (tick % BUCKETS as u64) as usize;
            let mut next = std::mem::replace(&mut self.heads[bucket], NONE);
            self.held[bucket / 64] &= !(1 << (bucket % 64));
            self.done = tick + 1;
            while next != NONE {
                let id = SiteId(next);
                let entry = entries.at_mut(id.0);
                next = entry.next;
                (entry.next, entry.before, entry.bucket) = (NONE, NONE, NO_BUCKET);
                // One that was too far for the wheel goes on; one that is due comes out.
                if !self.insert(entries, id) {
                    out(entries, id);
                }
            }
        }
    }

    /// When the first list that is not empty begins.
    pub(super) fn next_time(&self) -> Mono {
        self.first_held()
            .map_or(Mono::NEVER, |tick| Mono(tick << TICK_BITS))
    }

    fn first_held(&self) -> Option<u64> {
        let start = (self.done % BUCKETS as u64) as usize;
        let words = self.held.len();
        // The first word twice: its bits from `start` on, and at last those before.
        (0..=words).find_map(|step| {
            let word = (start / 64 + step) % words;
            let bits = match step {
                0 => self.held[word] & (u64::MAX << (start % 64)),
                step if step == words => self.held[word] & !(u64::MAX << (start % 64)),
                _ => self.held[word],
            };
            let bucket = (bits != 0).then(|| word * 64 + bits.trailing_zeros() as usize)?;
            let ahead = (bucket + BUCKETS - start) % BUCKETS;
            Some(self.done + ahead as u64)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site_row::Tally;
    use orb_shard::SiteKey;
    use proptest::prelude::*;

    proptest! {
        /// Against a plain list: whatever is put in and taken out, each turn gives exactly what is due.
        #[test]
        fn what_is_due_comes_out_once_and_nothing_else(
            steps in proptest::collection::vec((0..40_u32, 0..3_u8, 0..5_000_000_000_u64), 1..200)
        ) {
            let mut entries = Entries::default();
            for n in 0..40_u8 {
                entries.insert(SiteKey::from_bytes([n; 8]), &Tally::default());
            }
            let mut wheel = Wheel::new(Mono(1_000_000));
            let mut inside = std::collections::BTreeSet::new();
            let mut now = 1_000_000_u64;
            for (number, step, time) in steps {
                let id = SiteId(number);
                match step {
                    0 => {
                        wheel.remove(&mut entries, id);
                        inside.remove(&number);
                        entries.at_mut(number).due = Mono(now + time);
                        if wheel.insert(&mut entries, id) {
                            inside.insert(number);
                        }
                    }
                    1 => {
                        wheel.remove(&mut entries, id);
                        inside.remove(&number);
                    }
                    _ => {
                        now += time / 4;
                        let mut out = Vec::new();
                        wheel.turn(&mut entries, Mono(now), |_, id| out.push(id.0));
                        out.sort_unstable();
                        let due = |n: &u32| entries.at(*n).due.0 >> TICK_BITS <= now >> TICK_BITS;
                        let want: Vec<u32> = inside.iter().copied().filter(due).collect();
                        prop_assert_eq!(&out, &want);
                        inside.retain(|n| !want.contains(n));
                    }
                }
                let first = inside.iter().map(|n| entries.at(*n).due).min();
                prop_assert!(wheel.next_time() <= first.unwrap_or(Mono::NEVER));
                prop_assert_eq!(wheel.next_time() == Mono::NEVER, inside.is_empty());
            }
        }
    }
}
