//! What a site's pages have in common: menus, footers, notices, by how often each hash came lately.
//!
//! In: hashes of a page's text, those in the sample. Out: whether a hash is on many of the latest pages, and which part
//! of a page is its own.
//! May touch: nothing. Must not touch: what is new; that is `known.rs`.
//! Invariant: fixed size; forgets in some sixteen pages.
//!
//! Bytes: weight (1), hashes looked at and own ones (2 each), then [`CELLS`] counters of four bits, low half first. A hash without a cell of its own shares
//! one: of a hundred hashes that were never there, fewer than one is taken for common.

use crate::DecodeError;
use crate::codec::take_u8;

const CELLS: usize = 1_024;

/// Pages after which all counts are halved.
const HALVE_AT: u8 = 16;

/// Pages that show what a site's pages have in common.
const YOUNG_BELOW: u8 = 5;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Boilerplate {
    /// Pages counted, halved with the counters.
    weight: u8,
    /// Hashes counted, and those that were not common, halved likewise.
    looked: u16,
    own: u16,
    cells: [u8; CELLS / 2],
}

impl Default for Boilerplate {
    fn default() -> Self {
        Boilerplate {
            weight: 0,
            looked: 0,
            own: 0,
            cells: [0; CELLS / 2],
        }
    }
}

impl Boilerplate {
    pub(super) const BYTES: usize = 5 + CELLS / 2;

    /// Whether a hash was on two of five of the latest pages, and on three at least.
    pub(super) fn has(&self, key: u32) -> bool {
        let count = self.count(cell_of(key));
        count >= 3 && u16::from(count) * 5 >= u16::from(self.weight) * 2
    }

    /// Whether too few pages were seen to tell what they have in common.
    pub(super) fn is_young(&self) -> bool {
        self.weight < YOUNG_BELOW
    }

    /// How many of so many hashes are a page's own, by the latest pages.
    pub(super) fn own_of(&self, hashes: i32) -> i32 {
        let own = i64::from(hashes) * (i64::from(self.own) + 1) / (i64::from(self.looked) + 1);
        own as i32
    }

    /// Counts the hashes of one page, each once; so many are looked at, and so many of them are its own.
    pub(super) fn note(&mut self, looked: u16, own: u16, keys: impl Iterator<Item = u32>) {
        self.looked = self.looked.saturating_add(looked);
        self.own = self.own.saturating_add(own);
        let mut counted = [0_u64; CELLS / 64];
        for key in keys {
            let cell = cell_of(key);
            let (word, bit) = (cell / 64, 1 << (cell % 64));
            if counted[word] & bit == 0 {
                counted[word] |= bit;
                let shift = 4 * (cell % 2);
                if self.count(cell) < 15 {
                    self.cells[cell / 2] += 1 << shift;
                }
            }
        }
        self.weight += 1;
        if self.weight >= HALVE_AT {
            self.weight /= 2;
            self.looked /= 2;
            self.own /= 2;
            for pair in &mut self.cells {
                *pair = (*pair >> 1) & 0x77;
            }
        }
    }

    fn count(&self, cell: usize) -> u8 {
        (self.cells[cell / 2] >> (4 * (cell % 2))) & 15
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(self.weight);
        out.extend_from_slice(&self.looked.to_be_bytes());
        out.extend_from_slice(&self.own.to_be_bytes());
        out.extend_from_slice(&self.cells);
    }

    pub(super) fn decode(input: &mut &[u8]) -> Result<Boilerplate, DecodeError> {
        let weight = take_u8(input)?;
        if weight >= HALVE_AT {
            return Err(DecodeError::Value { field: "weight" });
        }
        let mut count = || -> Result<u16, DecodeError> {
            let (bytes, rest) = input.split_first_chunk().ok_or(DecodeError::Short)?;
            *input = rest;
            Ok(u16::from_be_bytes(*bytes))
        };
        let (looked, own) = (count()?, count()?);
        if own > looked {
            return Err(DecodeError::Value { field: "own" });
        }
        let (cells, rest) = input.split_first_chunk().ok_or(DecodeError::Short)?;
        *input = rest;
        Ok(Boilerplate {
            weight,
            looked,
            own,
            cells: *cells,
        })
    }
}

/// The low bits: the smallest hashes of a page differ in those.
fn cell_of(key: u32) -> usize {
    key as usize % CELLS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_every_page_becomes_common_and_is_forgotten() {
        let mut boilerplate = Boilerplate::default();
        for page in 0..200_u32 {
            boilerplate.note(
                80,
                60,
                (0..20).chain((0..60).map(|i| super::super::shape::mix(page, i))),
            );
        }
        assert!((0..20).all(|key| boilerplate.has(key)));
        let strangers =
            (0..10_000).filter(|&i| boilerplate.has(super::super::shape::mix(9_999, i)));
        assert!(strangers.count() < 400);
        for page in 200..240 {
            boilerplate.note(60, 60, (0..60).map(|i| super::super::shape::mix(page, i)));
        }
        assert!((0..20).filter(|&key| boilerplate.has(key)).count() < 4);
    }
}
