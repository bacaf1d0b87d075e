//! The spread of many measured times in bounded memory: median, p90, sum.
//!
//! In: times in microseconds. Out: quantiles within 1 %, exact sum and count.
//! May touch: nothing. Invariant: memory does not grow with the number of times.

/// Sub-buckets of each power of two.
const FINE: u64 = 128;
const FINE_BITS: u32 = FINE.trailing_zeros();
const BUCKETS: usize = (64 - FINE_BITS as usize + 1) * FINE as usize;

/// Upper ends of a histogram's bars but the last, which has none: 1 ms, then four times as much each.
pub(crate) const BAR_ENDS_US: [u64; 8] = [
    1_000, 4_000, 16_000, 64_000, 256_000, 1_024_000, 4_096_000, 16_384_000,
];

/// Many times, told apart as far as 1 %.
#[derive(Clone, Debug)]
pub struct Spread {
    buckets: Vec<u64>,
    count: u64,
    sum_us: u64,
    largest_us: u64,
}

impl Default for Spread {
    fn default() -> Spread {
        Spread {
            buckets: vec![0; BUCKETS],
            count: 0,
            sum_us: 0,
            largest_us: 0,
        }
    }
}

impl Spread {
    /// Takes a time.
    pub fn add(&mut self, us: u64) {
        self.buckets[bucket(us)] += 1;
        self.count += 1;
        self.sum_us = self.sum_us.saturating_add(us);
        self.largest_us = self.largest_us.max(us);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    #[must_use]
    pub fn sum_us(&self) -> u64 {
        self.sum_us
    }

    /// The largest.
    #[must_use]
    pub fn largest_us(&self) -> u64 {
        self.largest_us
    }

    /// How many there are below each end of a bar and not below the one before, then the rest; exact within 1 %
    /// of an end.
    #[must_use]
    pub fn bars(&self) -> [u64; BAR_ENDS_US.len() + 1] {
        let mut bars = [0; BAR_ENDS_US.len() + 1];
        for (place, number) in self.buckets.iter().enumerate() {
            bars[BAR_ENDS_US.partition_point(|end| *end <= middle(place))] += number;
        }
        bars
    }

    /// The time that `percent` of them do not exceed; `None` of nothing.
    #[must_use]
    pub fn quantile_us(&self, percent: u64) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (place, number) in self.buckets.iter().enumerate() {
            seen += number;
            if seen >= rank {
                return Some(middle(place).min(self.largest_us));
            }
        }
        Some(self.largest_us)
    }
}

fn bucket(us: u64) -> usize {
    if us < FINE {
        return us as usize;
    }
    let shift = 63 - us.leading_zeros() - FINE_BITS;
    ((u64::from(shift) + 1) * FINE + ((us >> shift) - FINE)) as usize
}

fn middle(place: usize) -> u64 {
    let place = place as u64;
    if place < FINE {
        return place;
    }
    let shift = (place / FINE - 1) as u32;
    let low = (FINE + place % FINE) << shift;
    low + ((1u64 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_one_percent() {
        let mut spread = Spread::default();
        assert_eq!(spread.quantile_us(50), None);
        for us in 1..=100_000 {
            spread.add(us);
        }
        for (percent, want) in [
            (1, 1_000.0),
            (50, 50_000.0),
            (90, 90_000.0),
            (100, 100_000.0),
        ] {
            let got = spread.quantile_us(percent).unwrap() as f64;
            assert!((got / want - 1.0).abs() < 0.01, "{percent}: {got}");
        }
        assert_eq!((spread.count(), spread.sum_us()), (100_000, 5_000_050_000));
    }

    #[test]
    fn bars_count_every_time_once() {
        let mut spread = Spread::default();
        let times = [
            0,
            900,
            1_100,
            3_900,
            63_000,
            66_000,
            17_000_000,
            900_000_000,
        ];
        times.into_iter().for_each(|us| spread.add(us));
        assert_eq!(spread.bars(), [2, 2, 0, 1, 1, 0, 0, 0, 2]);
    }

    #[test]
    fn the_ends_of_the_range_have_a_place() {
        for us in [0, 1, 31, 32, 33, 63, 64, u64::MAX / 2, u64::MAX] {
            let mut spread = Spread::default();
            spread.add(us);
            let got = spread.quantile_us(50).unwrap();
            assert!(got as f64 >= us as f64 * 0.99 && got <= us, "{us}: {got}");
        }
    }
}
