//! The books: every URL that came out of the sieve is in exactly one state.
//!
//! In: moves between states. Out: counts that balance.
//! May touch: nothing. Invariant: `discovered = pending + done + failed + excluded`, where pending includes
//! what is in flight.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::{Reason, UrlState};

/// Counts of one slot, as committed with its groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Distinct URLs that came out of the sieve.
    pub discovered: u64,
    /// Waiting or in flight.
    pub pending: u64,
    /// Done.
    pub done: u64,
    /// Failed.
    pub failed: u64,
    /// Excluded, by reason.
    pub excluded: BTreeMap<Reason, u64>,
}

impl Books {
    /// Counts `count` URLs that came out of the sieve.
    pub fn discover(&mut self, count: u64) {
        self.discovered += count;
        self.pending += count;
    }

    /// Moves `count` pending URLs to a final state.
    pub fn settle(&mut self, count: u64, state: UrlState, reason: Reason) {
        debug_assert!(self.pending >= count, "a URL is settled once");
        self.pending -= count;
        match state {
            UrlState::Pending => self.pending += count,
            UrlState::Done => self.done += count,
            UrlState::Failed => self.failed += count,
            // A reason that nothing is excluded for has no line.
            UrlState::Excluded if count == 0 => {}
            UrlState::Excluded => *self.excluded.entry(reason).or_default() += count,
        }
    }

    /// Brings `count` excluded URLs back.
    pub fn restore(&mut self, count: u64, reason: Reason) {
        let excluded = self.excluded.entry(reason).or_default();
        debug_assert!(*excluded >= count, "only what was excluded comes back");
        *excluded -= count;
        if *excluded == 0 {
            self.excluded.remove(&reason);
        }
        self.pending += count;
    }

    /// Whether every discovered URL is in exactly one state.
    #[must_use]
    pub fn balanced(&self) -> bool {
        let excluded: u64 = self.excluded.values().sum();
        self.discovered == self.pending + self.done + self.failed + excluded
    }

    /// The same counts with what is in flight told apart.
    #[must_use]
    pub fn states(&self, in_flight: u64) -> States {
        States {
            pending: self.pending.saturating_sub(in_flight),
            in_flight,
            done: self.done,
            failed: self.failed,
            excluded: self.excluded.clone(),
        }
    }
}

impl AddAssign<&Books> for Books {
    fn add_assign(&mut self, other: &Books) {
        self.discovered += other.discovered;
        self.pending += other.pending;
        self.done += other.done;
        self.failed += other.failed;
        for (reason, count) in &other.excluded {
            *self.excluded.entry(*reason).or_default() += count;
        }
    }
}

impl Books {
    /// These books without those of a part of it, which moves elsewhere.
    #[must_use]
    pub fn less(&self, part: &Books) -> Books {
        let mut left = Books {
            discovered: self.discovered.saturating_sub(part.discovered),
            pending: self.pending.saturating_sub(part.pending),
            done: self.done.saturating_sub(part.done),
            failed: self.failed.saturating_sub(part.failed),
            excluded: self.excluded.clone(),
        };
        for (reason, count) in &part.excluded {
            let known = left.excluded.entry(*reason).or_default();
            *known = known.saturating_sub(*count);
        }
        left.excluded.retain(|_, count| *count > 0);
        left
    }
}

/// The states as the summary line prints them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct States {
    /// Waiting.
    pub pending: u64,
    /// A request is out, or its result is not committed yet.
    pub in_flight: u64,
    /// Done.
    pub done: u64,
    /// Failed.
    pub failed: u64,
    /// Excluded, by reason.
    pub excluded: BTreeMap<Reason, u64>,
}

/// Links that were stopped before the sieve, counted each time they are seen, by cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sightings(pub BTreeMap<String, u64>);

impl Sightings {
    /// Counts one sighting.
    pub fn count(&mut self, cause: &'static str) {
        if let Some(count) = self.0.get_mut(cause) {
            *count += 1;
        } else {
            self.0.insert(cause.to_owned(), 1);
        }
    }
}

impl AddAssign<&Sightings> for Sightings {
    fn add_assign(&mut self, other: &Sightings) {
        for (cause, count) in &other.0 {
            *self.0.entry(cause.clone()).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_move_keeps_the_balance() {
        let mut books = Books::default();
        books.discover(10);
        books.settle(3, UrlState::Done, Reason::None);
        books.settle(1, UrlState::Failed, Reason::Dns);
        books.settle(2, UrlState::Excluded, Reason::Robots);
        assert!(books.balanced());
        assert_eq!(books.states(1).pending, 3);
        books.restore(2, Reason::Robots);
        assert!(books.balanced() && books.excluded.is_empty() && books.pending == 6);
        let mut sum = Books::default();
        sum += &books;
        sum += &books;
        assert!(sum.balanced() && sum.discovered == 20);
        books.done += 1;
        assert!(!books.balanced());
    }
}
