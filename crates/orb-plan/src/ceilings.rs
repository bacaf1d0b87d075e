//! Ceilings: how many pages a second each bound alone would allow while every site still has pages.
//!
//! In: cohorts, rules, costs. Out: one figure for each bound, and which is the lowest.
//! May touch: nothing. Invariant: a bound that is not known has no figure; nothing is guessed here.
//!
//! | bound | requests a second |
//! |---|---|
//! | politeness | sum over sites of `1 / cycle` |
//! | addresses | the same, where sites of one address together stay below `1 / step` |
//! | requests under way | `in_flight_max / mean exchange` |
//! | CPU | `cores / CPU seconds of a request` |
//! | network | `bandwidth / bytes of a request` |
//! | disk | `bytes a second / bytes written for a request` |
//! | operator's caps | `politeness.pages_per_second_max`, `bytes_per_second_max` |

use serde::{Deserialize, Serialize};

use crate::cohorts::{Cohort, Kind};
use crate::limits::{BISECTIONS, SENT_BYTES};
use crate::question::{PageKind, Question};

/// What can keep a crawl from going faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The pauses of sites.
    Politeness,
    /// The pauses of addresses that several sites share.
    Addresses,
    /// How many requests may be under way.
    InFlight,
    /// Cores.
    Cpu,
    /// The way to the network.
    Network,
    /// What the disk takes.
    Disk,
    /// The operator's cap on pages or bytes a second.
    Rate,
}

/// What one bound alone would allow.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// Which.
    pub bound: Bound,
    /// Pages a second; `None` when nothing is known about it.
    pub pages_per_second: Option<f64>,
}

/// Caps that hold whatever the sites are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Caps {
    /// Bound and requests a second, where known.
    pub(crate) all: Vec<(Bound, Option<f64>)>,
}

impl Caps {
    /// The lowest cap. CPU is always known, so there is one.
    pub(crate) fn lowest(&self) -> (Bound, f64) {
        let known = self
            .all
            .iter()
            .filter_map(|&(bound, cap)| Some((bound, cap?)));
        known
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or((Bound::Cpu, f64::MAX))
    }
}

/// The caps of a question.
///
/// - `request_bytes`: bytes received for a request, robots.txt and pages together.
pub(crate) fn caps(question: &Question, request_bytes: f64, mean_exchange: f64) -> Caps {
    let Question {
        rules,
        machine,
        page,
        ..
    } = question;
    let cpu = machine.cpu_of(request_bytes, page.handshake_share);
    let rate = [
        Some(rules.politeness.pages_per_second_max).filter(|cap| *cap > 0.0),
        Some(rules.politeness.bytes_per_second_max as f64 / request_bytes.max(1.0))
            .filter(|cap| *cap > 0.0),
    ];
    let rate = rate.into_iter().flatten().reduce(f64::min);
    let bandwidth = rules
        .bandwidth
        .map(|bandwidth| bandwidth / (request_bytes + SENT_BYTES));
    let written = machine.written_of(request_bytes).max(1.0);
    Caps {
        all: vec![
            (
                Bound::InFlight,
                Some(rules.in_flight_max / mean_exchange.max(1e-4)),
            ),
            (Bound::Cpu, Some(rules.cores / cpu)),
            (Bound::Network, bandwidth),
            (Bound::Disk, Some(machine.disk_bytes_per_second / written)),
            (Bound::Rate, rate),
        ],
    }
}

/// Requests a second of one address, and the wait that its clock adds to every cycle: the smallest `w` at which the
/// sum of `sites / (cycle + w)` is no more than `1 / step`. Sites wait in line, so the wait is the same for all.
pub(crate) fn address_wait(kinds: &[(f64, f64)], step: f64) -> f64 {
    let rate = |wait: f64| -> f64 {
        kinds
            .iter()
            .map(|(sites, cycle)| sites / (cycle + wait))
            .sum()
    };
    if step <= 0.0 || rate(0.0) * step <= 1.0 {
        return 0.0;
    }
    // At this wait even sites that answer at once stay below the address's rate.
    let sites: f64 = kinds.iter().map(|(sites, _)| sites).sum();
    lowest_where(sites * step, |wait| rate(wait) * step <= 1.0)
}

/// The smallest value in `0..=high` for which `holds`, which from some value on it does.
pub(crate) fn lowest_where(high: f64, holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, high);
    for _ in 0..BISECTIONS {
        let middle = (low + high) / 2.0;
        if holds(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// All ceilings in pages a second, in the order of the table above.
pub(crate) fn ceilings(
    cohorts: &[Cohort],
    step: f64,
    caps: &Caps,
    page: &PageKind,
) -> Vec<Ceiling> {
    let per_page = page.requests_per_page.max(1e-3);
    let cycles = |cohort: &Cohort| -> Vec<(f64, f64)> {
        let pair = |kind: &Kind| (kind.sites, kind.cycle());
        cohort.kinds.iter().map(pair).collect()
    };
    let sum = |step: f64| -> f64 {
        let each = cohorts.iter().map(|cohort| {
            let cycles = cycles(cohort);
            let wait = address_wait(&cycles, step);
            let rate: f64 = cycles
                .iter()
                .map(|(sites, cycle)| sites / (cycle + wait))
                .sum();
            rate * cohort.addresses
        });
        each.sum()
    };
    let politeness = [(Bound::Politeness, 0.0), (Bound::Addresses, step)];
    let politeness = politeness.map(|(bound, step)| (bound, Some(sum(step))));
    politeness
        .into_iter()
        .chain(caps.all.iter().copied())
        .map(|(bound, requests)| Ceiling {
            bound,
            pages_per_second: requests.map(|requests| requests / per_page),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_alone_or_with_few_sites_adds_no_wait() {
        assert_eq!(address_wait(&[(1.0, 1.05)], 0.6), 0.0);
        assert_eq!(address_wait(&[(10.0, 1.05)], 0.0), 0.0);
    }

    #[test]
    fn sites_of_one_address_share_its_rate() {
        for (sites, cycle, step) in [(2.0, 1.0, 0.6), (50.0, 1.2, 0.6), (1.0, 0.2, 0.6)] {
            let wait = address_wait(&[(sites, cycle)], step);
            let rate = sites / (cycle + wait);
            assert!((rate * step - 1.0).abs() < 1e-6, "{sites}: {rate}");
        }
        // A slow neighbour takes less of it, and waits no longer.
        let wait = address_wait(&[(10.0, 1.0), (10.0, 6.0)], 0.6);
        let rate = 10.0 / (1.0 + wait) + 10.0 / (6.0 + wait);
        assert!((rate * 0.6 - 1.0).abs() < 1e-6);
    }
}
