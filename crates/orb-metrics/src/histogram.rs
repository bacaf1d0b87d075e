//! A histogram of seconds with fixed bounds.
//!
//! In: durations. Out: counts by bucket, their sum. May touch: nothing.
//! Invariant: plain numbers of fixed size, so that noting one costs a few comparisons and adding two is exact.

use std::ops::AddAssign;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Upper bounds of the buckets in seconds; beyond the last there is one more. From a cached answer to the longest
/// time an exchange may take.
pub const BOUNDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0,
];

/// One of those in a bucket: which request it was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Exemplar {
    /// Id of its attempt, which is its trace.
    pub trace: [u8; 16],
    /// How long it took.
    pub seconds: f64,
    /// When it was, wall microseconds.
    pub at_us: i64,
}

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Histogram {
    /// How many there were in each bucket alone, and beyond the last bound.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// All of them together, seconds.
    pub sum_seconds: f64,
    /// The last one of each bucket, where that is known; not told by JSON.
    #[serde(skip)]
    pub exemplars: [Option<Exemplar>; BOUNDS.len() + 1],
}

impl Histogram {
    /// Takes note of one.
    pub fn note(&mut self, took: Duration) {
        self.take(took.as_secs_f64());
    }

    /// Takes note of one, and remembers which request it was.
    pub fn note_traced(&mut self, took: Duration, trace: [u8; 16], at_us: i64) {
        let seconds = took.as_secs_f64();
        let bucket = self.take(seconds);
        self.exemplars[bucket] = Some(Exemplar {
            trace,
            seconds,
            at_us,
        });
    }

    fn take(&mut self, seconds: f64) -> usize {
        let bucket = BOUNDS.iter().take_while(|bound| seconds > **bound).count();
        self.buckets[bucket] += 1;
        self.sum_seconds += seconds;
        bucket
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

impl AddAssign<&Histogram> for Histogram {
    fn add_assign(&mut self, other: &Histogram) {
        let pairs = self.buckets.iter_mut().zip(&other.buckets);
        pairs.for_each(|(own, more)| *own += more);
        self.sum_seconds += other.sum_seconds;
        let pairs = self.exemplars.iter_mut().zip(&other.exemplars);
        for (own, more) in pairs {
            let at = |one: &Option<Exemplar>| one.map(|one| one.at_us);
            if at(more) > at(own) {
                *own = *more;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        let mut spread = Histogram::default();
        for (millis, bucket) in [(0, 0), (1, 0), (2, 1), (100, 6), (60_000, 13), (99_000, 14)] {
            let before = spread.buckets[bucket];
            spread.note(Duration::from_millis(millis));
            assert_eq!(spread.buckets[bucket], before + 1, "{millis} ms");
        }
        assert!((spread.sum_seconds - 159.103).abs() < 1e-9);
        let mut twice = spread;
        twice += &spread;
        assert_eq!(twice.count(), 12);
    }
}
