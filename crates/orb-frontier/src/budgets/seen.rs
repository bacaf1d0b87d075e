//! What a site has shown: a filter of hashes in two generations.
//!
//! In: the few hashes that stand for a page. Out: how many of them are new.
//! May touch: nothing. Must not touch: what hashes mean.
//! Invariant: at most [`Seen::BYTES_MAX`]; a hash met again while it is remembered is never called new.
//!
//! A full generation becomes the old one; the one before is forgotten. The next is twice as large, up to
//! [`BYTES_LARGEST`]; from then on it takes half as many of the hashes, always the same half, so that a generation
//! covers twice as many pages whatever the size of the site: the memory reaches back over at least half of it.
//!
//! Bytes: level (1), hashes in the young generation (varint), then young and old, each behind its length (varint).

use super::shape::mix;
use crate::DecodeError;
use crate::codec::{put_bytes, put_varint, take_bytes, take_u8, take_varint};

const BYTES_FIRST: usize = 256;
const BYTES_LARGEST: usize = 2_048;

/// Halvings of the sample at most: one hash of 1,024.
const LEVEL_MAX: u8 = 10;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    level: u8,
    held: u32,
    young: Vec<u8>,
    old: Vec<u8>,
}

impl Seen {
    pub(super) const BYTES_MAX: usize = 16 + 2 * BYTES_LARGEST;

    /// Remembers the hashes; how many of those in the sample are new, in sixteenths of a `full` set. Zero when there
    /// are none to look at, `None` when none is in the sample.
    pub(super) fn share_new(&mut self, keys: &[u32], full: usize) -> Option<i16> {
        let (mut new, mut asked) = (0, 0);
        for &key in keys {
            if self.samples(key) {
                asked += 1;
                new += i16::from(self.is_new(key));
            }
        }
        match (keys.is_empty(), asked) {
            (true, _) => Some(0),
            (false, 0) => None,
            (false, asked) => Some(new * 16 * keys.len() as i16 / (asked * full as i16)),
        }
    }

    fn samples(&self, key: u32) -> bool {
        mix(key, 7) & ((1 << self.level) - 1) == 0
    }

    /// Whether a hash is new; it is known from now on.
    fn is_new(&mut self, key: u32) -> bool {
        if self.young.is_empty() {
            self.young = vec![0; BYTES_FIRST];
        }
        if has(&self.young, key) {
            return false;
        }
        let is_new = !has(&self.old, key);
        for bit in bits(key, self.young.len()) {
            self.young[bit / 8] |= 1 << (bit % 8);
        }
        self.held += 1;
        // Two bits a hash: a third of all bits are set, and one stranger of nine is taken for known.
        if self.held as usize >= self.young.len() * 8 / 5 {
            self.grow_old();
        }
        is_new
    }

    fn grow_old(&mut self) {
        let len = self.young.len();
        if len < BYTES_LARGEST {
            self.old = std::mem::replace(&mut self.young, vec![0; len * 2]);
        } else {
            self.old = std::mem::replace(&mut self.young, vec![0; len]);
            self.level = (self.level + 1).min(LEVEL_MAX);
        }
        self.held = 0;
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(self.level);
        put_varint(out, u64::from(self.held));
        put_bytes(out, &self.young);
        put_bytes(out, &self.old);
    }

    pub(super) fn decode(input: &mut &[u8]) -> Result<Seen, DecodeError> {
        let wrong = |field| DecodeError::Value { field };
        let level = take_u8(input)?;
        let held = u32::try_from(take_varint(input)?).map_err(|_| wrong("held"))?;
        let (young, old) = (take_bytes(input)?, take_bytes(input)?);
        let fits = |bytes: &[u8]| bytes.len() <= BYTES_LARGEST;
        if level > LEVEL_MAX || !fits(young) || !fits(old) {
            return Err(wrong("seen"));
        }
        Ok(Seen {
            level,
            held,
            young: young.to_vec(),
            old: old.to_vec(),
        })
    }
}

fn bits(key: u32, bytes: usize) -> [usize; 2] {
    let bits = bytes as u64 * 8;
    // The upper half of a product spreads evenly whatever the number of bits.
    let place = |seed| ((u64::from(mix(key, seed)) * bits) >> 32) as usize;
    [place(11), place(13)]
}

fn has(filter: &[u8], key: u32) -> bool {
    !filter.is_empty()
        && bits(key, filter.len())
            .iter()
            .all(|bit| filter[bit / 8] & (1 << (bit % 8)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32) -> [u32; 4] {
        [0, 1, 2, 3].map(|i| mix(number, i))
    }

    /// Mean share of new hashes over pages, of those that say something.
    fn mean(seen: &mut Seen, pages: impl Iterator<Item = u32>) -> f64 {
        let shares: Vec<i16> = pages.filter_map(|n| seen.share_new(&page(n), 4)).collect();
        f64::from(
            shares
                .iter()
                .map(|&s| u32::from(s.unsigned_abs()))
                .sum::<u32>(),
        ) / 16.0
            / shares.len() as f64
    }

    #[test]
    fn new_pages_look_new_and_shown_ones_do_not_at_any_size() {
        for size in [50, 500, 5_000, 100_000] {
            let mut seen = Seen::default();
            let fresh = mean(&mut seen, 0..size);
            assert!(fresh > 0.7, "{size}: {fresh}");
            let again = mean(&mut seen.clone(), size * 3 / 4..size);
            assert!(again < 0.05, "{size}: {again}");
            let mut out = Vec::new();
            seen.encode_into(&mut out);
            assert!(out.len() <= Seen::BYTES_MAX);
            assert_eq!(Seen::decode(&mut &out[..]), Ok(seen));
        }
    }
}
