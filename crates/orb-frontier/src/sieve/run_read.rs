//! Reading runs: which of a batch's keys they hold, and all their keys in order.
//!
//! In: open runs. Out: what is left of a batch; ascending keys.
//! May touch: files, through open runs. Must not touch: what is not named.
//! Invariant: every key of a pass comes out exactly once, in order, or an error says where it is not so.

use std::ops::Range;
use std::sync::Arc;

use super::error::SieveError;
use super::key::Key;
use super::limits::{SIEVE_READ_BYTES, SIEVE_READ_GAP};
use super::offers::PLACE_BITS;
use super::run_file::Run;

/// A block and the part of the batch that would be in it.
type Wanted = (usize, Range<usize>);

impl Run {
    /// Whether the run holds `key`. Cost: a block.
    pub(super) fn holds(&self, key: Key) -> Result<bool, SieveError> {
        let mut batch = vec![key << PLACE_BITS];
        self.remove_held(&mut batch)?;
        Ok(batch.is_empty())
    }

    /// Takes the offers whose key this run holds out of `batch`, which ascends.
    ///
    /// Blocks that lie close together are read at once: a few keys cost a block each, many keys a sequential pass.
    pub(super) fn remove_held(&self, batch: &mut Vec<u128>) -> Result<(), SieveError> {
        let Some(first) = self.firsts.first() else {
            return Ok(());
        };
        let mut at = batch.partition_point(|offer| offer >> PLACE_BITS < *first);
        let mut left = at;
        let mut buffer = Vec::new();
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut block = 0;
        while at < batch.len() {
            block = self.block_of(batch[at] >> PLACE_BITS, block);
            let end = match self.firsts.get(block + 1) {
                Some(next) => end_of(batch, at, *next),
                None => batch.len(),
            };
            if let (Some((first, _)), Some((last, _))) = (wanted.first(), wanted.last()) {
                let gap = self.offsets[block] - self.offsets[last + 1];
                let bytes = self.offsets[block + 1] - self.offsets[*first];
                if gap > SIEVE_READ_GAP || bytes > SIEVE_READ_BYTES {
                    left = self.remove_in(&wanted, batch, left, &mut buffer)?;
                    wanted.clear();
                }
            }
            wanted.push((block, at..end));
            at = end;
        }
        left = self.remove_in(&wanted, batch, left, &mut buffer)?;
        batch.truncate(left);
        Ok(())
    }

    /// The last block that does not begin after `key`; none before `from` is it.
    fn block_of(&self, key: Key, from: usize) -> usize {
        // In a dense batch it is the next one or the one after.
        let near = self.firsts.len().min(from + 4);
        let to = match self.firsts.get(near) {
            Some(first) if *first <= key => self.firsts.len(),
            _ => near,
        };
        from + self.firsts[from..to].partition_point(|first| *first <= key) - 1
    }

    /// Moves the offers that these blocks do not hold to `left`; returns the place after them.
    fn remove_in(
        &self,
        wanted: &[Wanted],
        batch: &mut [u128],
        mut left: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<usize, SieveError> {
        let (Some((first, _)), Some((last, _))) = (wanted.first(), wanted.last()) else {
            return Ok(left);
        };
        self.read(*first, *last, buffer)?;
        for (number, range) in wanted {
            let block = self.block(*number, *first, buffer)?;
            let mut finder = block.finder();
            for at in range.clone() {
                let offer = batch[at];
                batch[left] = offer;
                left += usize::from(!finder.holds(offer >> PLACE_BITS));
            }
        }
        Ok(left)
    }
}

/// The place of the first offer from `at` on whose key is `next` or above. They are few, or the look at each is
/// nothing beside what follows.
fn end_of(batch: &[u128], at: usize, next: Key) -> usize {
    let mut end = at + 1;
    while end < batch.len() && batch[end] >> PLACE_BITS < next {
        end += 1;
    }
    end
}

/// A sequential pass over a run.
struct RunScan {
    run: Arc<Run>,
    buffer: Vec<u8>,
    /// Block that the buffer begins with.
    first: usize,
    /// Block after the last in the buffer.
    until: usize,
    /// Block to be unpacked next.
    block: usize,
    last: Option<Key>,
    entries: u64,
}

impl RunScan {
    /// A pass from `block` on.
    fn new(run: Arc<Run>, block: usize) -> RunScan {
        RunScan {
            run,
            buffer: Vec::new(),
            first: block,
            until: block,
            block,
            last: None,
            entries: 0,
        }
    }

    /// Replaces `keys` by those of the next block; none at the end.
    fn next(&mut self, keys: &mut Vec<Key>) -> Result<(), SieveError> {
        keys.clear();
        if self.block == self.run.blocks() {
            return Ok(());
        }
        if self.block == self.until {
            let end = self.run.offsets[self.block] + SIEVE_READ_BYTES;
            let after = self.run.offsets.partition_point(|offset| *offset <= end);
            self.first = self.block;
            self.until = (after - 1).max(self.block + 1);
            self.run
                .read(self.first, self.until - 1, &mut self.buffer)?;
        }
        let block = self.run.block(self.block, self.first, &self.buffer)?;
        block
            .keys_into(keys)
            .map_err(|what| self.run.damaged(self.block, what))?;
        if self.last >= keys.first().copied() {
            return Err(self.run.damaged(self.block, "keys out of order"));
        }
        self.last = keys.last().copied();
        self.entries += keys.len() as u64;
        self.block += 1;
        Ok(())
    }

    /// A pass from the first block to the last met as many keys as the run says.
    fn check_count(&self) -> Result<(), SieveError> {
        if self.entries != self.run.run.entries {
            let last = self.run.blocks();
            return Err(self
                .run
                .damaged(last, "another number of keys than the foot says"));
        }
        Ok(())
    }
}

struct Head {
    scan: RunScan,
    keys: Vec<Key>,
    /// Those before have been taken.
    at: usize,
}

impl Head {
    fn left(&self) -> &[Key] {
        &self.keys[self.at..]
    }
}

/// The keys of several runs as one ascending stream, in chunks.
pub(super) struct Streams {
    heads: Vec<Head>,
    counted: bool,
}

impl Streams {
    /// All keys.
    pub(super) fn new(runs: &[Arc<Run>]) -> Streams {
        Streams {
            heads: runs.iter().map(|run| Head::new(run, 0)).collect(),
            counted: true,
        }
    }

    /// Keys from `from` on, and some of those before.
    pub(super) fn near(runs: &[Arc<Run>], from: Key) -> Streams {
        let start = |run: &Arc<Run>| run.firsts.partition_point(|first| *first <= from);
        Streams {
            heads: runs
                .iter()
                .map(|run| Head::new(run, start(run).saturating_sub(1)))
                .collect(),
            counted: false,
        }
    }

    /// Replaces `chunk` by the next keys, some thousands, together with those of `fresh` up to the greatest of them;
    /// `fresh` goes on after those. Keys that several hold come several times, next to each other. Both are empty
    /// at the end.
    ///
    /// Cost: some nanoseconds a key: blocks are unpacked whole, and sorting finds what is sorted already.
    pub(super) fn next(
        &mut self,
        fresh: &mut impl Ascending,
        chunk: &mut Vec<Key>,
    ) -> Result<(), SieveError> {
        chunk.clear();
        let mut bound = fresh.bound();
        let mut place = 0;
        while let Some(head) = self.heads.get_mut(place) {
            if head.left().is_empty() {
                head.scan.next(&mut head.keys)?;
                head.at = 0;
            }
            let Some(last) = head.keys.last() else {
                if self.counted {
                    head.scan.check_count()?;
                }
                self.heads.remove(place);
                continue;
            };
            bound = Some(bound.map_or(*last, |bound| bound.min(*last)));
            place += 1;
        }
        let Some(bound) = bound else {
            return Ok(());
        };
        for head in &mut self.heads {
            let taken = head.left().partition_point(|key| *key <= bound);
            chunk.extend_from_slice(&head.left()[..taken]);
            head.at += taken;
        }
        fresh.take(bound, chunk);
        chunk.sort();
        Ok(())
    }
}

impl Head {
    fn new(run: &Arc<Run>, block: usize) -> Head {
        Head {
            scan: RunScan::new(Arc::clone(run), block),
            keys: Vec::new(),
            at: 0,
        }
    }
}

/// Offers that come in one chunk at most: as many as two blocks hold.
const FRESH_KEYS: usize = 4096;

/// Ascending keys beside those of runs.
pub(super) trait Ascending {
    /// A key up to which few thousands are left; `None` at the end.
    fn bound(&self) -> Option<Key>;
    /// Takes the keys up to `bound`.
    fn take(&mut self, bound: Key, chunk: &mut Vec<Key>);
}

/// No keys.
impl Ascending for () {
    fn bound(&self) -> Option<Key> {
        None
    }

    fn take(&mut self, _bound: Key, _chunk: &mut Vec<Key>) {}
}

/// Sorted offers.
impl Ascending for &[u128] {
    fn bound(&self) -> Option<Key> {
        let last = self.get(FRESH_KEYS - 1).or(self.last())?;
        Some(last >> PLACE_BITS)
    }

    fn take(&mut self, bound: Key, chunk: &mut Vec<Key>) {
        let near = &self[..self.len().min(FRESH_KEYS)];
        let taken = near.partition_point(|offer| offer >> PLACE_BITS <= bound);
        chunk.extend(self[..taken].iter().map(|offer| offer >> PLACE_BITS));
        *self = &self[taken..];
    }
}
