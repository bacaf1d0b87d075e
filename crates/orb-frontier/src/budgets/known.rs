//! What a site has shown, its URLs or its texts: a sample of all there is, whatever the number.
//!
//! In: hashes. Out: whether one in the sample is met for the first time.
//! May touch: nothing. Must not touch: what hashes mean.
//! Invariant: nothing that is in the sample is ever forgotten; the sample is at most `MAX` hashes. It holds the small
//! ones: when it is full, the larger half of the numbers is no longer sampled.
//!
//! Adaptive sampling (Wegman; Flajolet 1990). Bytes: level (1), number of hashes (varint), the hashes, ascending,
//! each as its distance from the one before (varint).

use crate::DecodeError;
use crate::codec::{put_varint, take_u8, take_varint};

/// Halvings of the sample at most: fewer numbers are left then than any sample may hold.
const LEVEL_MAX: u8 = 24;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known<const MAX: usize> {
    level: u8,
    /// Ascending.
    keys: Vec<u32>,
}

impl<const MAX: usize> Known<MAX> {
    pub(super) const BYTES_MAX: usize = 1 + 2 + 5 * MAX;

    /// Remembers a hash; whether it is in the sample and was not met before. Cost: a binary search, and O(`MAX`) for
    /// what is new.
    pub(super) fn is_first(&mut self, key: u32) -> bool {
        if key > self.largest() {
            return false;
        }
        let Err(place) = self.keys.binary_search(&key) else {
            return false;
        };
        self.keys.insert(place, key);
        while self.keys.len() > MAX {
            self.level += 1;
            let largest = self.largest();
            let kept = self.keys.partition_point(|&key| key <= largest);
            self.keys.truncate(kept);
        }
        true
    }

    /// How many of all there is one of the sample stands for.
    pub(super) fn scale(&self) -> u32 {
        1 << self.level
    }

    /// The largest hash that is sampled.
    pub(super) fn largest(&self) -> u32 {
        u32::MAX >> self.level
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        out.push(self.level);
        put_varint(out, self.keys.len() as u64);
        let mut last = 0;
        for &key in &self.keys {
            put_varint(out, u64::from(key - last));
            last = key;
        }
    }

    pub(super) fn decode(input: &mut &[u8]) -> Result<Known<MAX>, DecodeError> {
        let wrong = || DecodeError::Value { field: "known" };
        let level = take_u8(input)?;
        let count = usize::try_from(take_varint(input)?).map_err(|_| wrong())?;
        if level > LEVEL_MAX || count > MAX {
            return Err(wrong());
        }
        let mut keys = Vec::with_capacity(count);
        let mut last = 0_u32;
        for at in 0..count {
            let distance = u32::try_from(take_varint(input)?).map_err(|_| wrong())?;
            last = last.checked_add(distance).ok_or_else(wrong)?;
            if at > 0 && distance == 0 || last > u32::MAX >> level {
                return Err(wrong());
            }
            keys.push(last);
        }
        Ok(Known { level, keys })
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::mix;
    type Known = super::Known<512>;

    #[test]
    fn a_url_is_new_once_and_the_sample_tells_how_many_there_are() {
        for size in [10_u32, 500, 5_000, 200_000] {
            let mut known = Known::default();
            let mut firsts = 0_u64;
            for _ in 0..3 {
                for url in 0..size {
                    let first = known.is_first(mix(url, 3));
                    firsts += u64::from(first) * u64::from(known.scale());
                }
            }
            let share = firsts as f64 / f64::from(size);
            assert!((0.8..1.25).contains(&share), "{size}: {share}");
            let mut out = Vec::new();
            known.encode_into(&mut out);
            assert!(out.len() <= Known::BYTES_MAX);
            assert_eq!(Known::decode(&mut &out[..]), Ok(known));
        }
    }
}
