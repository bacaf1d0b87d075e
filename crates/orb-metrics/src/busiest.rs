//! Who has the largest share of what came in the last minute, among any number, in a few numbers.
//!
//! In: keys, the instant. Out: the largest counts of the last full minute. May touch: nothing.
//! Invariant: bounded; a key with more than a thirty-second of all is counted, at most a thirty-second too high (the
//! Space-Saving algorithm of Metwally, Agrawal and El Abbadi).

/// Keys that are counted at once.
const KEYS: usize = 32;

/// Keys that are told: more cannot have a large share each.
const TOLD: usize = 4;

/// Length of a window, microseconds.
const WINDOW_US: u64 = 60_000_000;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Busiest {
    counts: Vec<(u64, u64)>,
    all: u64,
    began_us: u64,
    last: Counted,
}

/// What a full minute had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// The keys with most, and how much each.
    pub top: [(u64, u64); TOLD],
    /// All together.
    pub all: u64,
}

impl Busiest {
    /// Counts one. Cost: a look at 32 numbers.
    pub fn note(&mut self, key: u64, now_us: u64) {
        self.turn(now_us);
        self.all += 1;
        if let Some((_, count)) = self.counts.iter_mut().find(|(known, _)| *known == key) {
            *count += 1;
        } else if self.counts.len() < KEYS {
            self.counts.push((key, 1));
        } else if let Some(least) = self.counts.iter_mut().min_by_key(|(_, count)| *count) {
            *least = (key, least.1 + 1);
        }
    }

    /// The last full minute; nothing when none came in it.
    pub fn last(&mut self, now_us: u64) -> Counted {
        self.turn(now_us);
        self.last
    }

    fn turn(&mut self, now_us: u64) {
        let passed = now_us.saturating_sub(self.began_us);
        if passed < WINDOW_US {
            return;
        }
        self.last = Counted::default();
        if passed < 2 * WINDOW_US {
            self.counts
                .sort_unstable_by_key(|(_, count)| std::cmp::Reverse(*count));
            for (place, one) in self.last.top.iter_mut().zip(&self.counts) {
                *place = *one;
            }
            self.last.all = self.all;
        }
        self.counts.clear();
        self.all = 0;
        self.began_us = now_us;
    }
}

impl Counted {
    /// The largest share that one key has in all of these together; 0 where less than `few` came.
    #[must_use]
    pub fn share(parts: &[Counted], few: u64) -> f64 {
        let all: u64 = parts.iter().map(|part| part.all).sum();
        if all < few.max(1) {
            return 0.0;
        }
        let of = |key: u64| -> u64 {
            let same = parts.iter().flat_map(|part| part.top);
            same.filter(|(known, _)| *known == key)
                .map(|(_, count)| count)
                .sum()
        };
        let keys = parts.iter().flat_map(|part| part.top);
        let most = keys.map(|(key, _)| of(key)).max().unwrap_or(0);
        (most as f64 / all as f64).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_share_of_the_last_minute_is_told_and_then_forgotten() {
        let mut busiest = Busiest::default();
        for n in 0..6_000_u64 {
            let key = if n % 2 == 0 { 7 } else { 1_000 + n };
            busiest.note(key, 60_000_000 + n * 10_000);
        }
        let last = busiest.last(120_000_001);
        assert_eq!((last.all, last.top[0].0), (6_000, 7));
        let share = Counted::share(&[last, last], 100);
        assert!((0.5..0.54).contains(&share), "{share}");
        assert_eq!(Counted::share(&[last], 10_000), 0.0, "too few to tell");
        assert_eq!(busiest.last(400_000_000), Counted::default());
    }
}
