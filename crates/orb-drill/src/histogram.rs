//! How often what took how long.
//!
//! In: spans. Out: quantiles. May touch: nothing.
//! Invariant: fixed memory; a quantile is off by a sixteenth at most, upwards.

use std::time::Duration;

const PARTS: usize = 16;

/// Spans by length: sixteen places for each power of two of nanoseconds.
#[derive(Clone, Debug)]
pub struct Histogram {
    places: Vec<u64>,
    count: u64,
    nanos: u128,
    longest: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            places: vec![0; 64 * PARTS],
            count: 0,
            nanos: 0,
            longest: 0,
        }
    }
}

fn place_of(nanos: u64) -> usize {
    if nanos < PARTS as u64 {
        return nanos as usize;
    }
    let power = nanos.ilog2();
    let part = (nanos >> (power - 4)) as usize & (PARTS - 1);
    (power as usize - 3) * PARTS + part
}

/// The longest span that has this place.
fn top_of(place: usize) -> u64 {
    if place < PARTS {
        return place as u64;
    }
    let power = (place / PARTS + 3) as u32;
    let part = (place % PARTS) as u128;
    let step = 1u128 << (power - 4);
    u64::try_from((PARTS as u128 + part + 1) * step - 1).unwrap_or(u64::MAX)
}

impl Histogram {
    /// Adds one span.
    pub fn add(&mut self, span: Duration) {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.places[place_of(nanos)] += 1;
        self.count += 1;
        self.nanos += u128::from(nanos);
        self.longest = self.longest.max(nanos);
    }

    /// Adds all spans of another.
    pub fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.places.iter_mut().zip(&other.places) {
            *mine += theirs;
        }
        self.count += other.count;
        self.nanos += other.nanos;
        self.longest = self.longest.max(other.longest);
    }

    /// What was added since `before`, an earlier state of this one; its longest is that of all.
    #[must_use]
    pub fn since(&self, before: &Histogram) -> Histogram {
        let places = self.places.iter().zip(&before.places);
        Histogram {
            places: places
                .map(|(now, then)| now.saturating_sub(*then))
                .collect(),
            count: self.count.saturating_sub(before.count),
            nanos: self.nanos.saturating_sub(before.nanos),
            longest: self.longest,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The span that `share` of all (0 to 1) do not pass; zero of none.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let wanted = (share * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (place, count) in self.places.iter().enumerate() {
            seen += count;
            if seen >= wanted && *count > 0 {
                return Duration::from_nanos(top_of(place).min(self.longest));
            }
        }
        Duration::ZERO
    }

    /// Mean of all; zero of none.
    #[must_use]
    pub fn mean(&self) -> Duration {
        let mean = self.nanos / u128::from(self.count.max(1));
        Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// The longest.
    #[must_use]
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near_and_never_too_small() {
        let mut histogram = Histogram::default();
        for micros in 1..=1_000u64 {
            histogram.add(Duration::from_micros(micros));
        }
        for (share, micros) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0)] {
            let found = histogram.quantile(share).as_secs_f64() * 1e6;
            assert!(
                found >= micros && found <= micros * 1.07,
                "{share}: {found}"
            );
        }
        assert_eq!(histogram.longest(), Duration::from_millis(1));
        assert_eq!(histogram.mean(), Duration::from_nanos(500_500));
        assert_eq!(Histogram::default().quantile(0.5), Duration::ZERO);
    }

    #[test]
    fn every_span_has_a_place_that_holds_it() {
        for power in 0..64 {
            for off in [0u64, 1] {
                let nanos = (1u64 << power).saturating_add(off).saturating_sub(1);
                let top = top_of(place_of(nanos));
                assert!(
                    top >= nanos && top as f64 <= nanos as f64 * 1.07 + 1.0,
                    "{nanos}: {top}"
                );
            }
        }
    }
}
