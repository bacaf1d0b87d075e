//! Randomness as an argument.
//!
//! In: a seed, for the reproducible kind. Out: random bytes and numbers.
//! May touch: the kernel's generator. Must not touch: time.
//! Invariant: one seed gives one sequence.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of random numbers; shared by threads.
pub trait Entropy: Send + Sync {
    /// 64 random bits.
    fn next_u64(&self) -> u64;

    /// A number in `0..bound` (0 when `bound` is 0); the bias is below `bound / 2^64`.
    fn below(&self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// 16 random bytes: keys and record ids.
    fn bytes16(&self) -> [u8; 16] {
        (u128::from(self.next_u64()) << 64 | u128::from(self.next_u64())).to_be_bytes()
    }
}

/// A fast generator seeded once from the kernel's; keys and ids come from the kernel each time.
pub struct OsEntropy(SeededEntropy);

impl OsEntropy {
    /// Seeds from the kernel.
    #[must_use]
    pub fn new() -> OsEntropy {
        OsEntropy(SeededEntropy::new(
            u128::from_le_bytes(kernel_bytes()) as u64
        ))
    }
}

impl Default for OsEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for OsEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OsEntropy")
    }
}

fn kernel_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    let got = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    assert!(
        got == Ok(16),
        "the kernel always gives 16 random bytes once it has booted"
    );
    bytes
}

impl Entropy for OsEntropy {
    fn next_u64(&self) -> u64 {
        self.0.next_u64()
    }

    // Keys must not be guessable from the stream of jitters: straight from the kernel.
    fn bytes16(&self) -> [u8; 16] {
        kernel_bytes()
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): one seed, one sequence.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// A sequence for `seed`.
    #[must_use]
    pub fn new(seed: u64) -> SeededEntropy {
        SeededEntropy(AtomicU64::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn next_u64(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_sequence() {
        let (a, b, c) = (
            SeededEntropy::new(7),
            SeededEntropy::new(7),
            SeededEntropy::new(8),
        );
        let draw = |e: &SeededEntropy| (0..4).map(|_| e.next_u64()).collect::<Vec<_>>();
        let first = draw(&a);
        assert_eq!(first, draw(&b));
        assert_ne!(first, draw(&c));
        assert!((0..1000).all(|_| a.below(10) < 10));
    }
}
