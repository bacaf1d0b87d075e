//! When a page is fetched again: as often as it is likely to have changed.
//!
//! In: how often it was seen and had changed, how long it said it stays fresh. Out: the time of the next fetch.
//! May touch: nothing. Invariant: an interval is within its bounds, and never shorter than the page asked for.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::How;

/// Whether and how often pages are fetched again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecrawlConfig {
    /// Fetch pages again as they are likely to have changed. Such a crawl has no end of its own: give it one
    /// (`--max-duration`) or stop it.
    pub enabled: bool,
    /// Of fetches that are not a page's first, the share that should find it changed: each page is fetched again
    /// when it has changed with this probability. More finds more of what is new per fetch and finds it later.
    pub useful_target: f64,
    /// Until a page is fetched for the second time.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub interval_first: Duration,
    /// Between two fetches of a page at least.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub interval_min: Duration,
    /// Between two fetches of a page at most.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub interval_max: Duration,
}

impl Default for RecrawlConfig {
    fn default() -> Self {
        let day = Duration::from_secs(86_400);
        RecrawlConfig {
            enabled: false,
            useful_target: 0.5,
            interval_first: day,
            interval_min: Duration::from_secs(3_600),
            interval_max: day * 30,
        }
    }
}

/// What fetching a page again has shown so far; stored with its fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Fetches after the first.
    pub again: u32,
    /// Those of them that found it changed.
    pub changed: u32,
    /// Time from the first fetch to the last.
    pub watched: Duration,
}

impl History {
    /// The history after one more fetch, `gap` after the one before.
    #[must_use]
    pub fn and(self, changed: bool, gap: Duration) -> History {
        History {
            again: self.again.saturating_add(1),
            changed: self.changed.saturating_add(u32::from(changed)),
            watched: self.watched + gap,
        }
    }

    /// Changes a second, as Cho and Garcia-Molina estimate them ("Estimating frequency of change", 2003): with `n`
    /// looks at intervals of `i`, of which `x` found a change, `-ln((n - x + 0.5) / (n + 0.5)) / i`, which counts
    /// the changes that no look has seen apart.
    #[must_use]
    pub fn rate(self) -> Option<f64> {
        let looks = f64::from(self.again);
        let interval = self.watched.as_secs_f64() / looks;
        if self.again == 0 || interval <= 0.0 {
            return None;
        }
        let still = looks - f64::from(self.changed.min(self.again));
        Some(-((still + 0.5) / (looks + 0.5)).ln() / interval)
    }
}

impl RecrawlConfig {
    /// The same by what is fetched. A sitemap says of many pages whether they changed: until it has shown how often it
    /// does itself it is looked at as often as may be, and never less often than a page that nothing is known of.
    #[must_use]
    pub fn interval_of(&self, how: How, history: History, fresh: Option<Duration>) -> Duration {
        if how != How::SitemapFile {
            return self.interval(history, fresh);
        }
        let own = match history.rate() {
            None => self.interval_min,
            Some(_) => self.interval(history, None).min(self.interval_first),
        };
        let asked = fresh.unwrap_or_default().min(self.interval_max);
        own.max(self.interval_min).max(asked)
    }

    /// How long to wait before a page is fetched again. `fresh`: how long it said it stays as it is (RFC 9111,
    /// section 4.2).
    #[must_use]
    pub fn interval(&self, history: History, fresh: Option<Duration>) -> Duration {
        let target = self.useful_target.clamp(0.01, 0.99);
        let likely = match history.rate() {
            None => self.interval_first,
            // Never seen to change: each look that finds nothing moves the next one further away.
            Some(rate) if rate <= 0.0 => self.interval_max.min(history.watched * 2),
            Some(rate) => {
                let seconds = -(1.0 - target).ln() / rate;
                Duration::try_from_secs_f64(seconds).unwrap_or(self.interval_max)
            }
        };
        // What a page says of itself is believed as far as the operator's bound, and it only makes us wait longer.
        let asked = fresh.unwrap_or_default();
        let longest = self.interval_max.max(self.interval_min);
        likely.max(asked).clamp(self.interval_min, longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);
    const DAY: Duration = Duration::from_secs(86_400);

    /// A page that changes every `period`, looked at as the schedule says for `time`: looks, useful ones.
    fn watch(config: &RecrawlConfig, period: Duration, time: Duration) -> (u32, u32, Duration) {
        let mut history = History::default();
        let mut now = Duration::ZERO;
        let mut last = Duration::ZERO;
        loop {
            let gap = config.interval(history, None);
            now += gap;
            if now > time {
                return (history.again, history.changed, gap);
            }
            let changed = now.as_secs() / period.as_secs() != last.as_secs() / period.as_secs();
            last = now;
            history = history.and(changed, gap);
        }
    }

    #[test]
    fn a_page_is_fetched_about_as_often_as_it_changes() {
        let config = RecrawlConfig::default();
        let year = DAY * 365;
        let (looks, useful, gap) = watch(&config, DAY * 3, year);
        let share = f64::from(useful) / f64::from(looks);
        assert!((0.35..=0.75).contains(&share), "{useful} of {looks} useful");
        assert!(gap > DAY && gap < DAY * 6, "{gap:?}");
        // One that changes faster than we may look is looked at as often as we may, and every look is useful.
        let (looks, useful, gap) = watch(&config, HOUR / 2, DAY * 60);
        assert!(
            gap < HOUR * 8 && f64::from(useful) / f64::from(looks) > 0.9,
            "{gap:?}"
        );
        // One that never changes is left alone longer and longer.
        let (looks, useful, gap) = watch(&config, DAY * 100_000, year);
        assert_eq!((useful, gap), (0, config.interval_max));
        assert!(looks < 25, "{looks} looks in a year");
    }

    #[test]
    fn a_page_is_believed_when_it_asks_for_more_time_and_not_for_less() {
        let config = RecrawlConfig::default();
        let interval = |fresh| config.interval(History::default(), fresh);
        assert_eq!(interval(None), DAY);
        assert_eq!(interval(Some(DAY * 7)), DAY * 7);
        assert_eq!(interval(Some(Duration::ZERO)), DAY);
        assert_eq!(interval(Some(DAY * 3_650)), DAY * 30);
    }

    #[test]
    fn a_higher_target_waits_longer() {
        let history = History {
            again: 10,
            changed: 5,
            watched: DAY * 10,
        };
        let interval = |useful_target| {
            let config = RecrawlConfig {
                useful_target,
                ..RecrawlConfig::default()
            };
            config.interval(history, None)
        };
        assert!(interval(0.3) < interval(0.5) && interval(0.5) < interval(0.8));
        assert_eq!(History::default().rate(), None);
    }
}
