//! Every known site in forty-eight bytes.
//!
//! In: keys and counts. Out: entries by number. May touch: memory. Must not touch: names, clocks: they are stored.
//! Invariant: numbers are given in the order sites became known, and for the life of the process.

use hashbrown::HashTable;
use orb_api::Reason;
use orb_env::Mono;
use orb_shard::SiteKey;

use super::SiteId;
use crate::site_row::Tally;

/// Entries of one chunk: growing never copies what is there.
const CHUNK: usize = 4_096;

/// No place in a list.
pub(super) const NONE: u32 = u32::MAX;

/// No bucket of the wheel.
pub(super) const NO_BUCKET: u16 = u16::MAX;

/// What a site is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Nothing to do until somebody wakes it.
    Idle,
    /// On the wheel until it is due.
    Waiting,
    /// Its URLs are being read.
    Loading,
    /// URLs are in memory; it waits for its time and its turn.
    Ready,
    /// Out on a visit.
    Visiting,
}

/// Marks of an entry, a bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mark {
    /// A seed lies on it.
    Seeded = 1,
    /// The clock of its address, not its own, keeps it waiting.
    Deferred = 2,
    /// It waits for something other than its clock: a far retry, an answer.
    Far = 4,
    /// Its tally must be written with the next group.
    Changed = 8,
    /// Its row, with its name, is stored or in the group being built.
    Stored = 16,
    /// Rows arrived while its queue was being read.
    Again = 32,
    /// URLs were queued since its queue was last begun to be read.
    Came = 64,
    /// Its row and some URLs rest in a file, under the time it is due.
    Resting = 128,
}

/// One site.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: SiteKey,
    /// Of a waiting or ready site its time; of an idle one the earliest its clock may allow, as far as is known.
    pub(crate) due: Mono,
    pub(crate) pending: u32,
    pub(crate) queued: u32,
    pub(crate) cold: u32,
    pub(crate) lanes: u32,
    pub(super) next: u32,
    pub(super) before: u32,
    pub(super) bucket: u16,
    /// Changed by [`super::SiteTable::set_phase`], which counts.
    pub(crate) phase: Phase,
    marks: u8,
    parked: u8,
    pub(crate) importance: u8,
    /// Its server is in trouble, by what was last read or heard of it.
    pub(super) backed_off: bool,
    /// Steps before others, or behind them, by an order.
    pub(crate) priority: i8,
}

const _: () = assert!(size_of::<Entry>() <= 48);

impl Entry {
    fn new(key: SiteKey, tally: &Tally) -> Entry {
        let mut entry = Entry {
            key,
            due: Mono(0),
            pending: tally.pending,
            queued: tally.queued,
            cold: tally.cold,
            lanes: tally.lanes,
            next: NONE,
            before: NONE,
            bucket: NO_BUCKET,
            phase: Phase::Idle,
            marks: 0,
            parked: tally.parked.map_or(0, Reason::code),
            importance: tally.importance,
            backed_off: false,
            priority: 0,
        };
        entry.set(Mark::Seeded, tally.seeded);
        entry.set(Mark::Stored, tally.named);
        entry
    }

    pub(crate) fn has(&self, mark: Mark) -> bool {
        self.marks & mark as u8 != 0
    }

    /// Sets or clears a mark; returns whether it was set.
    pub(crate) fn set(&mut self, mark: Mark, on: bool) -> bool {
        let before = self.has(mark);
        self.marks = if on {
            self.marks | mark as u8
        } else {
            self.marks & !(mark as u8)
        };
        before
    }

    pub(crate) fn parked(&self) -> Option<Reason> {
        Reason::from_code(self.parked).filter(|reason| *reason != Reason::None)
    }

    pub(super) fn set_parked(&mut self, parked: Option<Reason>) {
        self.parked = parked.map_or(0, Reason::code);
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.pending > 0 && self.parked == 0
    }

    /// What of it is stored; `due` and `readmitted` are left out.
    pub(crate) fn tally(&self) -> Tally {
        Tally {
            pending: self.pending,
            queued: self.queued,
            cold: self.cold,
            lanes: self.lanes,
            parked: self.parked(),
            seeded: self.has(Mark::Seeded),
            named: self.has(Mark::Stored),
            importance: self.importance,
            readmitted: 0,
            due: None,
        }
    }
}

/// Entries by number and by key.
#[derive(Debug, Default)]
pub(super) struct Entries {
    chunks: Vec<Vec<Entry>>,
    len: u32,
    /// Numbers by key; keys are hashes already.
    numbers: HashTable<u32>,
}

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<Entry>() + self.numbers.allocation_size()
    }

    pub(super) fn find(&self, key: SiteKey) -> Option<SiteId> {
        let number = self
            .numbers
            .find(key.get(), |&number| self.at(number).key == key)?;
        Some(SiteId(*number))
    }

    pub(super) fn insert(&mut self, key: SiteKey, tally: &Tally) -> SiteId {
        let number = self.len;
        assert!(number < NONE, "memory_max ends the table long before 2^32");
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let chunk = self
            .chunks
            .last_mut()
            .expect("a chunk with room was just made");
        chunk.push(Entry::new(key, tally));
        self.len += 1;
        let chunks = &self.chunks;
        let hash = |&number: &u32| at(chunks, number).key.get();
        self.numbers.insert_unique(key.get(), number, hash);
        SiteId(number)
    }

    pub(super) fn at(&self, number: u32) -> &Entry {
        at(&self.chunks, number)
    }

    pub(super) fn at_mut(&mut self, number: u32) -> &mut Entry {
        &mut self.chunks[number as usize / CHUNK][number as usize % CHUNK]
    }
}

fn at(chunks: &[Vec<Entry>], number: u32) -> &Entry {
    &chunks[number as usize / CHUNK][number as usize % CHUNK]
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_url::{CrawlKey, Site};

    #[test]
    fn sites_are_found_by_key_and_cost_less_than_sixty_four_bytes() {
        let mut entries = Entries::default();
        let key = |n: u32| SiteKey::of(&CrawlKey::ZERO, &Site::of_host(&format!("s{n}.example")));
        let sites = 200_000;
        for n in 0..sites {
            let tally = Tally {
                pending: n,
                ..Tally::default()
            };
            assert_eq!(entries.insert(key(n), &tally), SiteId(n));
        }
        for n in (0..sites).step_by(7) {
            assert_eq!(entries.find(key(n)), Some(SiteId(n)));
            assert_eq!(entries.at(n).pending, n);
        }
        assert_eq!(entries.find(key(sites)), None);
        assert!(entries.heap_bytes() / (sites as usize) < 64);
    }

    #[test]
    fn marks_are_kept_apart() {
        let mut entries = Entries::default();
        entries.insert(SiteKey::from_bytes([1; 8]), &Tally::default());
        let entry = entries.at_mut(0);
        assert!(!entry.set(Mark::Far, true));
        assert!(!entry.set(Mark::Stored, true));
        assert!(entry.set(Mark::Far, false));
        assert!(entry.has(Mark::Stored) && !entry.has(Mark::Far));
        assert_eq!(entry.parked(), None);
        entry.set_parked(Some(Reason::Budget));
        assert_eq!(entry.tally().parked, Some(Reason::Budget));
    }
}
