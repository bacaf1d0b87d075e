//! What keeps a crawl from going faster.
//!
//! In: a few numbers of one moment. Out: one word.
//! May touch: nothing. Invariant: a pure function; the first thing that stands in the way is named, and where
//! sites wait for different things, what most of them wait for.

use std::time::Duration;

use orb_api::Limiting;

use crate::limits::{BUSY_SHARE, LATE_BEHIND, LATE_WAITS, RATE_SHARE};

/// The numbers of one moment; those of sites and requests are means over a second or two.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Pressure {
    /// The operator paused it.
    pub(crate) paused: bool,
    /// Intake stopped: the disk is full.
    pub(crate) held: bool,
    /// Intake stopped: uploads are behind.
    pub(crate) uploads_behind: bool,
    /// A slot takes nothing in until its group is written.
    pub(crate) clogged: bool,
    /// Fetch buffers are nearly all granted.
    pub(crate) buffers_full: bool,
    /// URLs pending, those in flight included.
    pub(crate) pending: u64,
    /// Mean share of time in which the shards worked.
    pub(crate) busy_mean: f64,
    /// The same of the shard whose sites have waited longest for their turn.
    pub(crate) busy_latest: f64,
    /// How long the site that has been due longest has waited for its turn.
    pub(crate) late: Duration,
    /// The measured rate as a share of the operator's cap on it; 0 without one.
    pub(crate) rate_share: f64,
    /// Requests under way.
    pub(crate) in_flight: f64,
    /// Places they take: slow ones take none while these have room of their own.
    pub(crate) places: f64,
    /// Places there are.
    pub(crate) in_flight_max: f64,
    /// Requests that wait for a name server.
    pub(crate) resolving: f64,
    /// Requests that wait for the clock of their address.
    pub(crate) asking: f64,
    /// Sites that wait, for whatever.
    pub(crate) waiting: f64,
    /// Those of them that an address's clock keeps.
    pub(crate) deferred: f64,
}

/// Names it.
pub(crate) fn limiting(now: &Pressure) -> Limiting {
    let busy = if now.late >= LATE_WAITS {
        now.busy_latest.max(now.busy_mean)
    } else {
        now.busy_mean
    };
    let full = now.in_flight_max > 0.0 && now.places >= now.in_flight_max * 0.95;
    let exchanging = (now.in_flight - now.resolving - now.asking).max(0.0);
    if now.paused {
        Limiting::Paused
    } else if now.uploads_behind {
        Limiting::Uploads
    } else if now.held || now.clogged {
        Limiting::Disk
    } else if now.pending == 0 && now.in_flight < 0.5 {
        Limiting::Nothing
    } else if now.buffers_full {
        Limiting::Memory
    } else if busy >= BUSY_SHARE {
        Limiting::Cpu
    } else if now.rate_share >= RATE_SHARE {
        Limiting::Rate
    } else if full {
        if now.resolving > exchanging {
            Limiting::Dns
        } else {
            Limiting::InFlight
        }
    } else if now.late >= LATE_BEHIND {
        // There is room and a core, and yet a due site's URLs are not there.
        Limiting::Disk
    } else {
        most_wait_for(now, exchanging)
    }
}

fn most_wait_for(now: &Pressure, exchanging: f64) -> Limiting {
    let own = (now.waiting - now.deferred).max(0.0);
    let causes = [
        (own, Limiting::Politeness),
        (now.deferred + now.asking, Limiting::Addresses),
        (now.resolving, Limiting::Dns),
        (exchanging, Limiting::Servers),
    ];
    // Of equals the earlier: politeness is the usual one.
    let most = causes
        .into_iter()
        .reduce(|a, b| if b.0 > a.0 { b } else { a });
    most.filter(|(share, _)| *share > 0.0)
        .map_or(Limiting::Unknown, |(_, cause)| cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crawl of 100 sites that wait for their clocks while two are being asked.
    fn polite() -> Pressure {
        Pressure {
            pending: 1_000,
            busy_mean: 0.1,
            busy_latest: 0.1,
            in_flight: 2.0,
            in_flight_max: 4_000.0,
            waiting: 100.0,
            ..Pressure::default()
        }
    }

    fn check(expected: Limiting, change: impl FnOnce(&mut Pressure)) {
        let mut now = polite();
        change(&mut now);
        assert_eq!(limiting(&now), expected, "{now:?}");
    }

    #[test]
    fn sites_that_wait_for_their_clocks_are_politeness() {
        check(Limiting::Politeness, |_| ());
        check(Limiting::Politeness, |now| now.deferred = 40.0);
        check(Limiting::Politeness, |now| now.in_flight = 90.0);
    }

    #[test]
    fn what_most_sites_wait_for_is_named() {
        check(Limiting::Addresses, |now| now.deferred = 60.0);
        check(Limiting::Servers, |now| now.in_flight = 300.0);
        check(Limiting::Addresses, |now| {
            (now.in_flight, now.asking) = (300.0, 200.0);
        });
        check(Limiting::Dns, |now| {
            (now.in_flight, now.resolving) = (300.0, 200.0);
        });
    }

    #[test]
    fn the_operator_and_full_disks_come_first() {
        check(Limiting::Paused, |now| {
            (now.paused, now.held) = (true, true)
        });
        check(Limiting::Disk, |now| {
            (now.held, now.busy_mean) = (true, 1.0)
        });
        check(Limiting::Disk, |now| now.clogged = true);
        check(Limiting::Memory, |now| now.buffers_full = true);
    }

    #[test]
    fn an_empty_crawl_is_limited_by_nothing() {
        check(Limiting::Nothing, |now| {
            (now.pending, now.in_flight) = (0, 0.0)
        });
        check(Limiting::Servers, |now| {
            (now.pending, now.in_flight, now.waiting) = (1, 1.0, 0.0);
        });
        check(Limiting::Unknown, |now| {
            (now.pending, now.in_flight, now.waiting) = (1, 0.0, 0.0);
        });
    }

    #[test]
    fn a_busy_core_is_the_limit_and_one_late_shard_is_enough() {
        check(Limiting::Cpu, |now| now.busy_mean = 0.95);
        check(Limiting::Politeness, |now| now.busy_latest = 0.95);
        check(Limiting::Cpu, |now| {
            (now.busy_latest, now.late) = (0.95, Duration::from_millis(400));
        });
        // Late without a busy core: rows are read too slowly.
        check(Limiting::Disk, |now| now.late = Duration::from_secs(3));
    }

    #[test]
    fn caps_are_named_when_they_are_reached() {
        check(Limiting::Rate, |now| now.rate_share = 0.97);
        check(Limiting::Politeness, |now| now.rate_share = 0.5);
        check(Limiting::InFlight, |now| {
            (now.in_flight, now.places) = (4_000.0, 4_000.0)
        });
        check(Limiting::Servers, |now| {
            (now.in_flight, now.places) = (9_000.0, 900.0)
        });
        check(Limiting::Dns, |now| {
            (now.in_flight, now.resolving) = (4_000.0, 3_500.0);
        });
        // With all places taken due sites are late; that is not the disk's doing.
        check(Limiting::InFlight, |now| {
            (now.in_flight, now.places) = (4_000.0, 4_000.0);
            now.late = Duration::from_secs(9);
        });
    }
}
