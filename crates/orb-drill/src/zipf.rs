//! Zipf's law: the n-th most popular of many is drawn in proportion to 1 / n^exponent.
//!
//! In: how many, the exponent, random numbers. Out: ranks from 1.
//! May touch: nothing. Invariant: a draw costs a few logarithms and no memory, however many there are.
//!
//! Rejection-inversion sampling (Hörmann and Derflinger, 1996).

use orb_env::Entropy;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zipf {
    count: f64,
    exponent: f64,
    integral_of_first: f64,
    integral_of_last: f64,
    shortcut: f64,
}

impl Zipf {
    /// Of `count` things, at least one.
    pub(crate) fn new(count: u64, exponent: f64) -> Zipf {
        let mut zipf = Zipf {
            count: count.max(1) as f64,
            exponent,
            integral_of_first: 0.0,
            integral_of_last: 0.0,
            shortcut: 0.0,
        };
        zipf.integral_of_first = zipf.integral(1.5) - 1.0;
        zipf.integral_of_last = zipf.integral(zipf.count + 0.5);
        zipf.shortcut = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.weight(2.0));
        zipf
    }

    /// A rank, from 1. Cost: one round of two logarithms, seldom more.
    pub(crate) fn draw(&self, entropy: &dyn Entropy) -> u64 {
        loop {
            let part = unit(entropy);
            let area =
                self.integral_of_last + part * (self.integral_of_first - self.integral_of_last);
            let at = self.inverse(area);
            let rank = at.round().clamp(1.0, self.count);
            if rank - at <= self.shortcut || area >= self.integral(rank + 0.5) - self.weight(rank) {
                return rank as u64;
            }
        }
    }

    fn weight(&self, at: f64) -> f64 {
        (-self.exponent * at.ln()).exp()
    }

    fn integral(&self, at: f64) -> f64 {
        let log = at.ln();
        let x = (1.0 - self.exponent) * log;
        let part = if x.abs() > 1e-8 {
            x.exp_m1() / x
        } else {
            1.0 + x / 2.0
        };
        part * log
    }

    fn inverse(&self, area: f64) -> f64 {
        let x = (area * (1.0 - self.exponent)).max(-1.0);
        let part = if x.abs() > 1e-8 {
            x.ln_1p() / x
        } else {
            1.0 - x / 2.0
        };
        (part * area).exp()
    }
}

/// A number from 0 up to and without 1.
pub(crate) fn unit(entropy: &dyn Entropy) -> f64 {
    (entropy.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::SeededEntropy;

    #[test]
    fn ranks_are_drawn_as_often_as_the_law_says() {
        let (count, exponent, draws) = (1_000u64, 0.9, 200_000);
        let zipf = Zipf::new(count, exponent);
        let entropy = SeededEntropy::new(1);
        let mut seen = vec![0u32; count as usize + 1];
        for _ in 0..draws {
            seen[zipf.draw(&entropy) as usize] += 1;
        }
        let all: f64 = (1..=count).map(|rank| (rank as f64).powf(-exponent)).sum();
        for rank in [1usize, 2, 10, 100] {
            let expected = (rank as f64).powf(-exponent) / all * f64::from(draws);
            let off = (f64::from(seen[rank]) - expected).abs();
            assert!(
                off < 5.0 * expected.sqrt(),
                "rank {rank}: {} of {expected}",
                seen[rank]
            );
        }
        assert_eq!(seen[0], 0);
    }

    #[test]
    fn one_alone_is_always_drawn() {
        let entropy = SeededEntropy::new(1);
        assert!((0..100).all(|_| Zipf::new(1, 0.9).draw(&entropy) == 1));
    }
}
