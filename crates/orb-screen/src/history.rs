//! What a run did lately: rates now, and a bar for each second.
//!
//! In: counts that only grow, with the age of the run at which they were taken. Out: rates and bars.
//! May touch: nothing. Invariant: bounded; a run that began anew begins a new history.

use std::collections::VecDeque;

use orb_api::Status;

use crate::limits::{BARS_MAX, NOW_SECONDS};

/// No run gets older than this.
const AGE_SECONDS_MAX: f64 = 1e13;

/// Counts at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Amounts {
    pub(crate) pages: f64,
    pub(crate) bytes: f64,
    pub(crate) cpu_seconds: f64,
}

impl Amounts {
    /// `before + share * (self - before)`.
    fn between(self, before: Amounts, share: f64) -> Amounts {
        let mix = |from: f64, to: f64| from + share * (to - from);
        Amounts {
            pages: mix(before.pages, self.pages),
            bytes: mix(before.bytes, self.bytes),
            cpu_seconds: mix(before.cpu_seconds, self.cpu_seconds),
        }
    }

    /// What came since `before`, by the second; never below 0.
    fn since(self, before: Amounts, seconds: f64) -> Amounts {
        let rate = |from: f64, to: f64| ((to - from) / seconds).max(0.0);
        Amounts {
            pages: rate(before.pages, self.pages),
            bytes: rate(before.bytes, self.bytes),
            cpu_seconds: rate(before.cpu_seconds, self.cpu_seconds),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    seconds: f64,
    amounts: Amounts,
}

/// The last minutes of a run.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Samples of the last [`NOW_SECONDS`] and one before.
    recent: VecDeque<Sample>,
    /// Amounts at the last whole second.
    at_second: Option<Amounts>,
    bars: VecDeque<Amounts>,
}

impl History {
    /// Takes the counts of a status in.
    pub(crate) fn take(&mut self, status: &Status) {
        let sample = Sample {
            seconds: status.seconds.max(0.0),
            amounts: Amounts {
                pages: status.pages as f64,
                bytes: status.bytes_wire as f64,
                cpu_seconds: status.cpu_seconds,
            },
        };
        // Neither a run's age nor, a million years on, numbers in which a second more is the same number.
        if !(0.0..AGE_SECONDS_MAX).contains(&sample.seconds) {
            return;
        }
        match self.recent.back().copied() {
            Some(last) if sample.seconds == last.seconds => return,
            Some(last) if sample.seconds > last.seconds => self.add_bars(last, sample),
            Some(_) => *self = History::default(),
            None => {}
        }
        self.recent.push_back(sample);
        while self.recent.len() > 2 && self.recent[1].seconds <= sample.seconds - NOW_SECONDS {
            self.recent.pop_front();
        }
    }

    /// One bar for each whole second between two samples; what came in between is spread evenly.
    fn add_bars(&mut self, last: Sample, now: Sample) {
        let length = now.seconds - last.seconds;
        let end = now.seconds.floor();
        let mut second = (last.seconds.floor() + 1.0).max(end - BARS_MAX as f64);
        while second <= end {
            let here = now
                .amounts
                .between(last.amounts, (second - last.seconds) / length);
            if let Some(before) = self.at_second {
                self.bars.push_back(here.since(before, 1.0));
            }
            self.at_second = Some(here);
            second += 1.0;
        }
        while self.bars.len() > BARS_MAX {
            self.bars.pop_front();
        }
    }

    /// Rates of the last seconds, once there are two samples.
    pub(crate) fn now(&self) -> Option<Amounts> {
        let (first, last) = (self.recent.front()?, self.recent.back()?);
        let seconds = last.seconds - first.seconds;
        (seconds > 0.0).then(|| last.amounts.since(first.amounts, seconds))
    }

    /// A bar for each of the last seconds, at most `most`, the newest last.
    pub(crate) fn bars(&self, most: usize, of: fn(&Amounts) -> f64) -> Vec<f64> {
        let skipped = self.bars.len().saturating_sub(most);
        self.bars.iter().skip(skipped).map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64, pages: u64) -> Status {
        Status {
            seconds,
            pages,
            ..Status::default()
        }
    }

    fn pages(history: &History) -> Vec<f64> {
        history.bars(BARS_MAX, |amounts| amounts.pages)
    }

    #[test]
    fn now_is_the_last_seconds_only() {
        let mut history = History::default();
        history.take(&at(0.0, 0));
        assert_eq!(history.now(), None);
        for step in 1..=20 {
            history.take(&at(
                f64::from(step),
                if step <= 10 {
                    0
                } else {
                    7 * (step as u64 - 10)
                },
            ));
        }
        assert_eq!(history.now().map(|rates| rates.pages), Some(7.0));
    }

    #[test]
    fn bars_are_whole_seconds_whatever_the_samples() {
        let mut history = History::default();
        for (seconds, pages) in [(0.0, 0), (0.5, 5), (1.5, 15), (4.0, 40), (4.0, 99)] {
            history.take(&at(seconds, pages));
        }
        // The first whole second has no beginning that was seen.
        assert_eq!(pages(&history), [10.0, 10.0, 10.0]);
        assert_eq!(history.bars(2, |amounts| amounts.pages).len(), 2);
    }

    #[test]
    fn a_new_run_begins_anew_and_a_long_gap_stays_bounded() {
        let mut history = History::default();
        history.take(&at(0.0, 0));
        history.take(&at(1e9, 1_000));
        assert!(pages(&history).len() <= BARS_MAX);
        history.take(&at(3.0, 2));
        assert_eq!((pages(&history).len(), history.now()), (0, None));
        history.take(&at(f64::NAN, 2));
        history.take(&at(f64::INFINITY, 2));
        history.take(&at(f64::MAX, 2));
    }
}
