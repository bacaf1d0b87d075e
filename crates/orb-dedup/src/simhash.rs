//! Simhash: texts that differ a little have numbers that differ in few bits (Charikar 2002).
//!
//! In: one hash a feature. Out: 64 bits, each what most features say.
//! May touch: nothing. Invariant: the order of the features does not matter.

/// Bits of a counter: features beyond what it counts are ignored.
const PLANES: usize = 10;

/// Sixty-four counters, kept bit by bit, so that a feature costs a few word operations.
#[derive(Default)]
pub(crate) struct Simhash {
    planes: [u64; PLANES],
    features: u32,
}

impl Simhash {
    pub(crate) fn add(&mut self, feature: u64) {
        if self.features + 1 >= 1 << PLANES {
            return;
        }
        self.features += 1;
        let mut carry = feature;
        for plane in &mut self.planes {
            let over = *plane & carry;
            *plane ^= carry;
            carry = over;
            if carry == 0 {
                break;
            }
        }
    }

    /// A bit is set where more than half of the features have it.
    pub(crate) fn finish(&self) -> u64 {
        let half = self.features / 2;
        // Compares all counters with `half` at once, from the highest bit down.
        let (mut greater, mut equal) = (0_u64, u64::MAX);
        for (at, plane) in self.planes.iter().enumerate().rev() {
            let bit = if half >> at & 1 == 1 { u64::MAX } else { 0 };
            greater |= equal & plane & !bit;
            equal &= !(plane ^ bit);
        }
        greater
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::mix;

    #[test]
    fn each_bit_is_what_most_features_say() {
        for count in [1_u64, 2, 7, 100, 1_000] {
            let mut simhash = Simhash::default();
            let features: Vec<u64> = (0..count).map(|i| mix(i + count)).collect();
            features.iter().for_each(|&feature| simhash.add(feature));
            for bit in 0..64 {
                let set = features.iter().filter(|&f| f >> bit & 1 == 1).count();
                let want = set > features.len() / 2;
                assert_eq!(simhash.finish() >> bit & 1 == 1, want, "{count} {bit}");
            }
        }
    }
}
