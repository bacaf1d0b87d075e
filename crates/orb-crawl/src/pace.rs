//! The pace of a crawl, and when it will end at that pace.
//!
//! In: counts, once a second. Out: rates over the last minute, seconds to the end where one is in sight.
//! May touch: nothing. Invariant: a bounded memory of counts; no end is named that the counts do not show.

use std::collections::VecDeque;

use orb_env::Mono;

use crate::limits::{PACE_SAMPLES, PACE_SECONDS_MIN, STILL_GROWING_SHARE};

/// The counts of one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) at: Mono,
    pub(crate) requests: u64,
    /// Pages of the folder in all.
    pub(crate) pages: u64,
    /// Bytes received into the folder in all.
    pub(crate) bytes: u64,
    pub(crate) discovered: u64,
    /// URLs pending, those in flight included.
    pub(crate) pending: u64,
}

/// What a crawl ends at; 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Ends {
    pub(crate) pages_max: u64,
    pub(crate) bytes_max: u64,
    /// Seconds left of the run's time, if it has one.
    pub(crate) seconds_left: Option<f64>,
}

/// The counts of the last minute.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    samples: VecDeque<Sample>,
}

impl Pace {
    /// Takes the counts of one second.
    pub(crate) fn note(&mut self, sample: Sample) {
        if self.samples.len() == PACE_SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// Forgets everything: what was before a pause says nothing of the pace after it.
    pub(crate) fn clear(&mut self) {
        self.samples.clear();
    }

    /// Requests and bytes a second over about the last `samples`; nothing before there are two.
    pub(crate) fn lately(&self, samples: usize) -> Option<(f64, f64)> {
        let last = self.samples.back()?;
        let first = self.samples.iter().rev().nth(samples)?;
        let seconds = last.at.since(first.at).as_secs_f64();
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds.max(0.001);
        Some((
            rate(last.requests, first.requests),
            rate(last.bytes, first.bytes),
        ))
    }

    /// Seconds until the nearest end at the pace of the last minute. `None` while nobody can know: too little
    /// seen yet, nothing moves, or URLs are still found faster than a crawl near its end would.
    pub(crate) fn seconds_left(&self, ends: &Ends) -> Option<f64> {
        let moving = self.moving(ends);
        [ends.seconds_left, moving]
            .into_iter()
            .flatten()
            .reduce(f64::min)
    }

    fn moving(&self, ends: &Ends) -> Option<f64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let seconds = last.at.since(first.at).as_secs_f64();
        if seconds < PACE_SECONDS_MIN {
            return None;
        }
        let left = |max: u64, now: u64, then: u64| {
            let gained = now.saturating_sub(then);
            (max > 0 && gained > 0)
                .then(|| max.saturating_sub(now) as f64 * seconds / gained as f64)
        };
        let pages = left(ends.pages_max, last.pages, first.pages);
        let bytes = left(ends.bytes_max, last.bytes, first.bytes);
        let found = last.discovered.saturating_sub(first.discovered) as f64;
        let settled = (first.pending as f64 + found - last.pending as f64).max(0.0);
        // Each settled URL may still bring new ones; only when it hardly does the queue tells the end.
        let empty = (settled > 0.0 && found <= settled * STILL_GROWING_SHARE)
            .then(|| last.pending as f64 * seconds / (settled - found));
        [pages, bytes, empty].into_iter().flatten().reduce(f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten pages of 1 kB a second for a minute; `found` new URLs a second.
    fn minute(found: u64, pending: u64) -> Pace {
        let mut pace = Pace::default();
        for second in 0..=60 {
            pace.note(Sample {
                at: Mono(1_000_000 * second),
                requests: 12 * second,
                pages: 100 + 10 * second,
                bytes: 10_000 * second,
                discovered: 5_000 + found * second,
                pending: pending + found * second - 10 * second,
            });
        }
        pace
    }

    fn check(pace: &Pace, ends: Ends, expected: Option<f64>) {
        let left = pace.seconds_left(&ends).map(f64::round);
        assert_eq!(left, expected, "{ends:?}");
    }

    #[test]
    fn the_nearest_limit_counts() {
        let pace = minute(100, 5_000);
        check(&pace, Ends::default(), None);
        let ends = Ends {
            pages_max: 1_700,
            ..Ends::default()
        };
        check(&pace, ends, Some(100.0));
        let ends = Ends {
            bytes_max: 900_000,
            ..ends
        };
        check(&pace, ends, Some(30.0));
        let ends = Ends {
            seconds_left: Some(7.0),
            ..ends
        };
        check(&pace, ends, Some(7.0));
    }

    #[test]
    fn the_queue_tells_the_end_once_hardly_anything_is_found() {
        check(&minute(0, 1_600), Ends::default(), Some(100.0));
        check(&minute(1, 1_600), Ends::default(), None);
    }

    #[test]
    fn what_does_not_move_has_no_end() {
        let mut pace = Pace::default();
        let ends = Ends {
            pages_max: 10,
            ..Ends::default()
        };
        check(&pace, ends, None);
        for second in 0..20 {
            pace.note(Sample {
                at: Mono(1_000_000 * second),
                pending: 5,
                ..Sample::default()
            });
        }
        check(&pace, ends, None);
    }

    #[test]
    fn rates_are_of_the_last_seconds_and_memory_is_bounded() {
        let mut pace = minute(0, 1_600);
        assert_eq!(pace.lately(5), Some((12.0, 10_000.0)));
        for second in 61..10_000 {
            pace.note(Sample {
                at: Mono(1_000_000 * second),
                ..Sample::default()
            });
        }
        assert_eq!(pace.samples.len(), PACE_SAMPLES);
        pace.clear();
        assert_eq!(pace.lately(1), None);
    }
}
