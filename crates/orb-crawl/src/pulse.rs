//! The pulse: what changes from moment to moment, steadied enough to be judged and shown.
//!
//! In: reports of slots and shards, five times a second. Out: numbers of the last second or two.
//! May touch: nothing. Invariant: a fixed handful of numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use orb_api::{Latencies, Stage, StageUse};

use crate::board::{ShardReport, SlotReport};
use crate::limiting::Pressure;

/// What a watcher sees beside the status and the sites.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pulse {
    pub(crate) resolving: u64,
    pub(crate) asking: u64,
    pub(crate) shards_busy: Vec<f64>,
    pub(crate) stages: BTreeMap<Stage, StageUse>,
    pub(crate) latencies: Latencies,
    pub(crate) late: Duration,
    pub(crate) busiest_address: f64,
    pub(crate) busiest_site: f64,
}

/// How much of a mean the newest look is: five looks a second make it one of about two seconds.
const NEWEST_SHARE: f64 = 0.1;

/// Means of numbers that jump: a look sees a request of 20 ms or does not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Steadied {
    seen: bool,
    in_flight: f64,
    places: f64,
    resolving: f64,
    asking: f64,
    waiting: f64,
    deferred: f64,
}

impl Steadied {
    /// Takes one look.
    pub(crate) fn note(&mut self, reports: &[SlotReport], shards: &[ShardReport]) {
        let share = if self.seen { NEWEST_SHARE } else { 1.0 };
        self.seen = true;
        let mean = |mean: &mut f64, now: u64| *mean += (now as f64 - *mean) * share;
        let sites = |part: fn(&SlotReport) -> u64| reports.iter().map(part).sum();
        let requests = |part: fn(&ShardReport) -> u64| shards.iter().map(part).sum();
        mean(&mut self.in_flight, requests(|shard| shard.in_flight));
        mean(&mut self.places, requests(|shard| shard.places));
        mean(&mut self.resolving, requests(|shard| shard.resolving));
        mean(&mut self.asking, requests(|shard| shard.asking));
        mean(&mut self.waiting, sites(|slot| slot.sites.waiting));
        mean(&mut self.deferred, sites(|slot| slot.sites.deferred));
    }

    /// The part of the pressure that reports tell; `busy` is each shard's share, empty where nobody knows.
    pub(crate) fn pressure(&self, shards: &[ShardReport], busy: &[f64]) -> Pressure {
        let latest = (0..shards.len()).max_by_key(|&shard| shards[shard].late);
        Pressure {
            clogged: shards.iter().any(|shard| shard.clogged),
            buffers_full: shards.iter().any(|shard| shard.buffers_full),
            busy_mean: busy.iter().sum::<f64>() / busy.len().max(1) as f64,
            busy_latest: latest
                .and_then(|shard| busy.get(shard))
                .copied()
                .unwrap_or(0.0),
            late: latest.map(|shard| shards[shard].late).unwrap_or_default(),
            in_flight: self.in_flight,
            places: self.places,
            resolving: self.resolving,
            asking: self.asking,
            waiting: self.waiting,
            deferred: self.deferred,
            ..Pressure::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_number_that_jumps_is_steadied_and_the_latest_shard_is_named() {
        let mut steadied = Steadied::default();
        let mut shards = vec![ShardReport::default(), ShardReport::default()];
        for look in 0..200 {
            shards[1].in_flight = (look % 2) * 10;
            steadied.note(&[], &shards);
        }
        shards[1].late = Duration::from_secs(1);
        let pressure = steadied.pressure(&shards, &[0.2, 0.6]);
        assert!((4.0..6.0).contains(&pressure.in_flight), "{pressure:?}");
        assert_eq!((pressure.busy_mean, pressure.busy_latest), (0.4, 0.6));
        assert_eq!(pressure.late, Duration::from_secs(1));
    }
}
