//! Chance from a seed: a mixing function for independent draws and a small generator for runs of draws.
//!
//! In: seeds and indexes. Out: numbers that are the same on every machine.
//! May touch: nothing. Must not touch: the machine's randomness, `f64` functions of the platform's libm.
//! Invariant: only additions, multiplications and shifts, so no platform rounds differently.

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's finaliser (Steele, Lea, Flood 2014): every input bit reaches every output bit.
pub(crate) const fn scramble(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// One draw that belongs to `(seed, what, a, b)`; `what` keeps different questions independent.
pub(crate) const fn draw(seed: u64, what: u64, a: u64, b: u64) -> u64 {
    let x = scramble(seed ^ what.wrapping_mul(GOLDEN));
    let y = scramble(x ^ a.wrapping_add(GOLDEN));
    scramble(y ^ b.wrapping_mul(0xd6e8_feb8_6659_fd93))
}

/// A uniform number in `[0, 1)` out of a draw.
pub(crate) fn unit(draw: u64) -> f64 {
    (draw >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// SplitMix64 as a sequence.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Chance {
        Chance(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        scramble(self.0)
    }

    /// Uniform in `0..bound`; `bound` must not be zero.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        (((self.next() >> 32) * u64::from(bound)) >> 32) as u32
    }

    pub(crate) fn unit(&mut self) -> f64 {
        unit(self.next())
    }

    pub(crate) fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && self.unit() < share
    }

    /// Uniform to the power three, scaled: low indexes are far more popular, as on the web.
    pub(crate) fn popular(&mut self, bound: u32) -> u32 {
        let u = self.unit();
        ((u * u * u * f64::from(bound)) as u32).min(bound - 1)
    }

    /// The standard normal distribution as the sum of twelve uniforms less six.
    pub(crate) fn normal(&mut self) -> f64 {
        let mut sum = -6.0;
        for _ in 0..12 {
            sum += self.unit();
        }
        sum
    }
}

/// `e` to the power `x` by repeated squaring; relative error below 1e-5 for |x| < 8.
pub(crate) fn exp(x: f64) -> f64 {
    let step = x / 4096.0;
    let mut power = 1.0 + step + step * step * 0.5;
    for _ in 0..12 {
        power *= power;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_close_enough() {
        for x in [-5.0_f64, -1.0, 0.0, 0.5, 3.0, 6.0] {
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-4, "{x}");
        }
    }

    #[test]
    fn draws_are_uniform_and_normals_normal() {
        let mut chance = Chance::new(7);
        let mean = (0..10_000).map(|_| chance.unit()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        let normals: Vec<f64> = (0..10_000).map(|_| chance.normal()).collect();
        let mean = normals.iter().sum::<f64>() / 10_000.0;
        let spread = normals.iter().map(|x| x * x).sum::<f64>() / 10_000.0;
        assert!(
            mean.abs() < 0.05 && (spread - 1.0).abs() < 0.05,
            "{mean} {spread}"
        );
    }
}
