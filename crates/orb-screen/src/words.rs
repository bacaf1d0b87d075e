//! What the crawl's own words mean in plain ones.
//!
//! In: phases, limits, phases of sites. Out: sentences. May touch: nothing.
//! Invariant: each names what could be done about it, or says that nothing can.

use orb_api::{Limiting, Phase, SiteLine, SiteOrder, SitePhase, Status};

use crate::numbers::{count, span};

/// A phase in a word or two.
pub(crate) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Paused => "paused",
        Phase::DiskFull => "disk full",
        Phase::UploadsBehind => "uploads behind",
        Phase::Stopping => "stopping",
        Phase::Stopped => "stopped",
        Phase::Finished => "finished",
    }
}

/// What keeps the crawl from going faster, and what would help.
pub(crate) fn limit(status: &Status) -> String {
    let text = match status.phase {
        Phase::Stopping => "the end: what is in flight is finished and committed",
        Phase::Stopped => "nobody: it is not running; the same `orb crawl` command goes on",
        Phase::Finished => "nothing: everything is done",
        Phase::DiskFull => {
            "the disk: it is nearly full; it goes on by itself when there is room, or raise disk_max"
        }
        Phase::UploadsBehind => {
            "uploads: the object store takes less than is fetched, or does not answer; it goes on by itself when fewer \
             files wait, or raise archive.store_backlog_max"
        }
        Phase::Paused => "you: it is paused; p goes on",
        Phase::Running => return running(status),
    };
    text.to_owned()
}

fn running(status: &Status) -> String {
    let text = match status.limiting {
        Limiting::Politeness => return politeness(status.sites_waiting),
        Limiting::Unknown => "not known yet",
        Limiting::Addresses => {
            "shared addresses: sites are due, but an address they share must rest; sites on other addresses would \
             make it faster"
        }
        Limiting::Cpu => "CPU: the cores are busy; more of them (--threads) would make it faster",
        Limiting::Dns => {
            "DNS: answers of name servers are waited for; a nearer server (--dns) would make it faster"
        }
        Limiting::Servers => {
            "servers: all that is due is under way and they take their time; more sites would make it faster"
        }
        Limiting::InFlight => {
            "requests in flight: as many as may be; limits.in_flight_max would allow more"
        }
        Limiting::Rate => "your cap on speed: politeness.pages_per_second_max",
        Limiting::Disk => "disk: commits or reads are behind; a faster disk would make it faster",
        Limiting::Uploads => "uploads: the object store takes less than is fetched",
        Limiting::Memory => "memory: at its cap; a larger memory_max would make it faster",
        Limiting::Paused => "you: it is paused; p goes on",
        Limiting::Nothing => "nothing is queued: it ends when what is in flight brings nothing new",
    };
    text.to_owned()
}

fn politeness(waiting: u64) -> String {
    match waiting {
        0 => "politeness: every site rests; more sites would make it faster".into(),
        1 => {
            "politeness: the one site with pages left rests; more sites would make it faster".into()
        }
        many => format!(
            "politeness: all {} sites with pages left rest; more sites would make it faster",
            count(many)
        ),
    }
}

/// When it ends, as far as that is known.
pub(crate) fn ending(status: &Status) -> String {
    match (status.phase, status.eta_seconds) {
        (Phase::Stopped | Phase::Finished, _) => "ended".into(),
        (Phase::Stopping, _) => "ending".into(),
        (_, Some(seconds)) if seconds.is_finite() && seconds >= 0.0 => {
            format!("ends in about {}", crate::elapsed(seconds))
        }
        _ => "end unknown".into(),
    }
}

/// What a site is doing, in a word.
pub(crate) fn site_phase(phase: SitePhase) -> &'static str {
    match phase {
        SitePhase::Idle => "idle",
        SitePhase::Waiting => "waiting",
        SitePhase::Ready => "ready",
        SitePhase::Visiting => "visiting",
        SitePhase::Parked => "parked",
    }
}

/// The same as part of a sentence.
pub(crate) fn next_request(phase: SitePhase, next_in_ms: u64) -> String {
    match (phase, next(phase, next_in_ms).as_str()) {
        (SitePhase::Visiting, _) => "a request is under way".into(),
        (_, "-") => "no request is due".into(),
        (_, "now") => "may be asked now".into(),
        (_, rest) => format!("may be asked in {rest}"),
    }
}

/// How the last attempt at a site ended.
pub(crate) fn last(line: &SiteLine) -> String {
    if let Some(reason) = line.parked {
        return format!("parked: {reason}");
    }
    match (line.last_outcome, line.last_reason) {
        (None, _) => String::new(),
        (Some(outcome), Some(reason)) if reason != orb_api::Reason::None => {
            format!("{outcome} {reason}")
        }
        (Some(outcome), _) => outcome.to_string(),
    }
}

/// When a site may be asked again.
pub(crate) fn next(phase: SitePhase, next_in_ms: u64) -> String {
    match phase {
        SitePhase::Idle | SitePhase::Parked | SitePhase::Visiting => "-".into(),
        SitePhase::Waiting | SitePhase::Ready if next_in_ms == 0 => "now".into(),
        SitePhase::Waiting | SitePhase::Ready => span(next_in_ms as f64),
    }
}

/// An order of sites, as the table's heading names it.
pub(crate) fn order(order: SiteOrder) -> &'static str {
    match order {
        SiteOrder::Busy => "busiest first",
        SiteOrder::Slow => "slowest first",
        SiteOrder::Failing => "failing first",
        SiteOrder::Pending => "most pending first",
        SiteOrder::Name => "by name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_limits_a_crawl_is_said_with_what_would_help() {
        let of = |phase, limiting, sites_waiting| {
            limit(&Status {
                phase,
                limiting,
                sites_waiting,
                ..Status::default()
            })
        };
        let running = |limiting| of(Phase::Running, limiting, 1_280);
        assert_eq!(
            running(Limiting::Politeness),
            "politeness: all 1,280 sites with pages left rest; more sites would make it faster"
        );
        assert!(running(Limiting::Cpu).contains("--threads"));
        assert!(running(Limiting::InFlight).contains("limits.in_flight_max"));
        // The phase goes before what the engine says of the moment.
        assert!(of(Phase::Paused, Limiting::Politeness, 3).contains("p goes on"));
        assert!(of(Phase::DiskFull, Limiting::Unknown, 0).contains("disk_max"));
    }

    #[test]
    fn an_end_that_is_not_known_is_called_so() {
        let of = |phase, eta_seconds| {
            ending(&Status {
                phase,
                eta_seconds,
                ..Status::default()
            })
        };
        assert_eq!(of(Phase::Running, None), "end unknown");
        assert_eq!(of(Phase::Running, Some(f64::NAN)), "end unknown");
        assert_eq!(of(Phase::Running, Some(75.2)), "ends in about 0:01:15");
        assert_eq!(of(Phase::Stopping, Some(1.0)), "ending");
    }
}
