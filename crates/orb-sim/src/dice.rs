//! Dice: seeded draws by name, so that one part's draws do not shift another's.
//!
//! In: a seed and a label. Out: numbers. May touch: nothing.
//! Invariant: equal seed and label give equal sequences.

use std::ops::Range;

use orb_env::{Entropy, SeededEntropy};

/// One sequence of draws.
#[derive(Debug)]
pub struct Dice(SeededEntropy);

impl Dice {
    /// The sequence of `label` under `seed`.
    #[must_use]
    pub fn new(seed: u64, label: &str) -> Dice {
        Dice(SeededEntropy::new(mix(seed, label)))
    }

    /// A number in `range`, which is not empty.
    pub fn pick(&self, range: Range<u64>) -> u64 {
        range.start + self.0.below(range.end - range.start)
    }

    /// Whether something of this many percent happens.
    pub fn percent(&self, percent: u64) -> bool {
        self.0.below(100) < percent
    }

    /// A number in `1..=max` whose size, not value, is even: small ones are as likely as large ones.
    pub fn spread(&self, max: u64) -> u64 {
        let bits = u64::from(64 - max.max(1).leading_zeros());
        let top = 1u64 << self.pick(1..bits + 1);
        self.pick(top / 2..top).clamp(1, max.max(1))
    }

    /// 64 bits.
    pub fn bits(&self) -> u64 {
        self.0.next_u64()
    }
}

/// A seed of its own for `label`.
#[must_use]
pub fn mix(seed: u64, label: &str) -> u64 {
    // FNV-1a of the label, spread by one step of the generator.
    let hash = label.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    SeededEntropy::new(seed ^ hash).next_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_keep_their_range_and_labels_their_own_sequence() {
        let dice = Dice::new(1, "a");
        assert!((0..1_000).all(|_| (3..9).contains(&dice.pick(3..9))));
        assert!((0..1_000).all(|_| (1..=40).contains(&dice.spread(40))));
        assert_ne!(Dice::new(1, "a").bits(), Dice::new(1, "b").bits());
        assert_eq!(Dice::new(1, "a").bits(), Dice::new(1, "a").bits());
    }
}
