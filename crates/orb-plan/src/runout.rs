//! The run-out: how the pace falls as sites run out of pages.
//!
//! In: cohorts, the caps. Out: moments from the start to the end, each with pace, pages and what bound it.
//! May touch: nothing. Invariant: time and counts never fall; the end is reached in at most two steps a kind.
//!
//! Between two moments nothing changes: every site with pages left goes at `1 / (cycle + wait)`, where `wait` is the
//! time it stands in line, for its address and, when all sites together ask for more than the lowest cap, for the
//! machine. A moment comes when a kind of site has its robots.txt, or its last page. Few big sites last; many small
//! ones end early: so the pace is that of the sites that are left, not that of the start.
//!
//! A site's first stage is robots.txt: after an opening each address waits its delay, then come as many exchanges as
//! there are answers to fetch, with pauses between them but none after the last.

use serde::{Deserialize, Serialize};

use crate::Bound;
use crate::ceilings::{Caps, address_wait, lowest_where};
use crate::cohorts::{Cohort, Kind};
use crate::limits::ROBOTS_LIFE_SECONDS;

/// A moment of a forecast.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// Seconds from the start.
    pub seconds: f64,
    /// Requests made until then.
    pub requests: f64,
    /// Pages had until then.
    pub pages: f64,
    /// Pages a second since the moment before.
    pub pages_per_second: f64,
    /// What kept it from going faster since the moment before.
    pub bound: Bound,
    /// Sites with pages left.
    pub sites_left: f64,
}

/// One kind of site on its way.
struct Flow {
    kind: Kind,
    /// Sites of it on all its addresses.
    sites: f64,
    first_stage: bool,
    /// Requests left in the stage, of one site.
    left: f64,
    /// Seconds from one request to the next in the stage, when nothing is waited for.
    cycle: f64,
}

impl Flow {
    fn start(kind: &Kind, addresses: f64, opening: f64, per_page: f64) -> Flow {
        let mut flow = Flow {
            kind: *kind,
            sites: kind.sites * addresses,
            first_stage: true,
            left: kind.robots,
            cycle: (opening + kind.robots * kind.cycle() - kind.delay).max(1e-4)
                / kind.robots.max(1e-9),
        };
        if kind.robots <= 0.0 {
            flow.second_stage(per_page);
        }
        flow
    }

    /// Pages; now and then robots.txt is asked for again.
    fn second_stage(&mut self, per_page: f64) {
        self.first_stage = false;
        self.cycle = self.kind.cycle();
        self.left = self.kind.pages * per_page * (1.0 + self.cycle / ROBOTS_LIFE_SECONDS);
    }
}

/// Everything that is the same in all steps.
pub(crate) struct RunOut<'a> {
    /// The sites.
    pub(crate) cohorts: &'a [Cohort],
    /// Seconds between two grants of an address.
    pub(crate) step: f64,
    /// Seconds an address waits at an opening.
    pub(crate) opening: f64,
    /// Requests per page.
    pub(crate) per_page: f64,
    /// What the machine and the operator allow.
    pub(crate) caps: &'a Caps,
}

impl RunOut<'_> {
    /// The moments, the first at 0. Ends when nothing is left.
    pub(crate) fn moments(&self) -> Vec<Moment> {
        let mut flows: Vec<Vec<Flow>> = self
            .cohorts
            .iter()
            .map(|cohort| {
                let start = |kind| Flow::start(kind, cohort.addresses, self.opening, self.per_page);
                cohort.kinds.iter().map(start).collect()
            })
            .collect();
        let mut waits: Vec<f64> = flows.iter().map(|flows| self.wait_of(flows)).collect();
        let mut now = Moment {
            seconds: 0.0,
            requests: 0.0,
            pages: 0.0,
            pages_per_second: 0.0,
            bound: Bound::Politeness,
            sites_left: sites_left(&flows),
        };
        let mut moments = vec![now];
        while let Some((bound, line)) = self.line(&flows, &waits) {
            let rate = |flow: &Flow, wait: f64| 1.0 / (flow.cycle + wait + line);
            let until_next = flows
                .iter()
                .zip(&waits)
                .flat_map(|(flows, wait)| {
                    let left = flows.iter().filter(|flow| flow.left > 0.0);
                    left.map(|flow| flow.left / rate(flow, *wait))
                })
                .fold(f64::MAX, f64::min);
            let (mut requests, mut pages) = (0.0, 0.0);
            for (flows, wait) in flows.iter_mut().zip(&mut waits) {
                let mut ended = false;
                for flow in flows.iter_mut().filter(|flow| flow.left > 0.0) {
                    let made = (rate(flow, *wait) * until_next).min(flow.left);
                    requests += made * flow.sites;
                    if !flow.first_stage {
                        let again = 1.0 + flow.cycle / ROBOTS_LIFE_SECONDS;
                        pages += made * flow.sites / self.per_page / again;
                    }
                    flow.left -= made;
                    // What is left of rounding is no request.
                    if flow.left < 1e-6 {
                        flow.left = 0.0;
                        ended = true;
                        if flow.first_stage {
                            flow.second_stage(self.per_page);
                        }
                    }
                }
                if ended {
                    *wait = self.wait_of(flows);
                }
            }
            now = Moment {
                seconds: now.seconds + until_next,
                requests: now.requests + requests,
                pages: now.pages + pages,
                pages_per_second: pages / until_next.max(1e-9),
                bound,
                sites_left: sites_left(&flows),
            };
            moments.push(now);
        }
        moments
    }

    fn wait_of(&self, flows: &[Flow]) -> f64 {
        let left: Vec<(f64, f64)> = flows
            .iter()
            .filter(|flow| flow.left > 0.0)
            .map(|flow| (flow.kind.sites, flow.cycle))
            .collect();
        address_wait(&left, self.step)
    }

    /// What binds now and the line before the machine; `None` when nothing is left.
    fn line(&self, flows: &[Vec<Flow>], waits: &[f64]) -> Option<(Bound, f64)> {
        let active: Vec<(f64, f64, f64)> = flows
            .iter()
            .zip(waits)
            .flat_map(|(flows, wait)| {
                let left = flows.iter().filter(|flow| flow.left > 0.0);
                left.map(|flow| (flow.sites, flow.cycle, *wait))
            })
            .collect();
        if active.is_empty() {
            return None;
        }
        let rate = |line: f64| -> f64 {
            let each = active
                .iter()
                .map(|(sites, cycle, wait)| sites / (cycle + wait + line));
            each.sum()
        };
        let (cap_bound, cap) = self.caps.lowest();
        let own = rate(0.0);
        if own > cap {
            let sites: f64 = active.iter().map(|(sites, ..)| sites).sum();
            return Some((
                cap_bound,
                lowest_where(sites / cap, |line| rate(line) <= cap),
            ));
        }
        let alone: f64 = active.iter().map(|(sites, cycle, _)| sites / cycle).sum();
        let bound = if own < 0.95 * alone {
            Bound::Addresses
        } else {
            Bound::Politeness
        };
        Some((bound, 0.0))
    }
}

fn sites_left(flows: &[Vec<Flow>]) -> f64 {
    let left = flows.iter().flatten().filter(|flow| flow.left > 0.0);
    left.map(|flow| flow.sites).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(sites: f64, pages: f64, exchange: f64, delay: f64) -> Kind {
        Kind {
            sites,
            pages,
            robots: 1.0,
            exchange,
            delay,
        }
    }

    fn run(cohorts: &[Cohort], step: f64, cap: f64) -> Vec<Moment> {
        let caps = Caps {
            all: vec![(Bound::Cpu, Some(cap))],
        };
        let run_out = RunOut {
            cohorts,
            step,
            opening: 0.5,
            per_page: 1.0,
            caps: &caps,
        };
        run_out.moments()
    }

    fn alone(addresses: f64, kind: Kind) -> Cohort {
        Cohort {
            addresses,
            kinds: vec![kind],
        }
    }

    /// One site: opening wait, robots.txt, then a pause before each page.
    #[test]
    fn one_site_takes_what_its_clock_asks_for() {
        let moments = run(&[alone(1.0, kind(1.0, 10.0, 0.1, 1.0))], 0.6, 1e9);
        let end = moments.last().unwrap();
        // The day has 86,400 seconds, so robots.txt comes again 0.0001 times.
        assert!((end.seconds - (0.5 + 0.1 + 10.0 * 1.1)).abs() < 0.01);
        assert!((end.pages - 10.0).abs() < 1e-3 && (end.requests - 11.0).abs() < 1e-2);
        assert_eq!((end.bound, end.sites_left), (Bound::Politeness, 0.0));
    }

    /// A thousand small sites end early and the big one goes on alone: the mean rate of the start would be far off.
    #[test]
    fn big_sites_last() {
        let cohorts = [
            alone(1_000.0, kind(1.0, 5.0, 0.1, 0.9)),
            alone(1.0, kind(1.0, 500.0, 0.1, 0.9)),
        ];
        let moments = run(&cohorts, 0.6, 1e9);
        let end = moments.last().unwrap();
        assert!((end.seconds - 500.6).abs() < 0.1, "{}", end.seconds);
        assert!((end.pages - 5_500.0).abs() < 1.0);
        let small = moments.iter().find(|now| now.sites_left < 1.5).unwrap();
        assert!(small.seconds < 6.0 && small.pages > 5_000.0, "{small:?}");
        assert!((end.pages_per_second - 1.0).abs() < 1e-3);
    }

    /// 100 sites ask for 100 requests a second, 40 are to be had: 2.5 times as long, and then nothing is left over.
    #[test]
    fn a_cap_stretches_what_all_sites_share() {
        let cohorts = [alone(100.0, kind(1.0, 50.0, 0.0, 1.0))];
        let moments = run(&cohorts, 0.0, 40.0);
        let end = moments.last().unwrap();
        assert!(
            (end.seconds - 5_100.0 / 40.0).abs() < 1.0,
            "{}",
            end.seconds
        );
        assert_eq!(end.bound, Bound::Cpu);
    }

    /// Ten sites on one address: one request in 0.6 s for all of them.
    #[test]
    fn a_shared_address_is_worked_off_at_its_own_rate() {
        let cohorts = [alone(1.0, kind(10.0, 6.0, 0.05, 1.0))];
        let moments = run(&cohorts, 0.6, 1e9);
        let end = moments.last().unwrap();
        assert!((end.seconds - 70.0 * 0.6).abs() < 0.6, "{}", end.seconds);
        assert_eq!(end.bound, Bound::Addresses);
    }

    #[test]
    fn nothing_to_do_takes_no_time() {
        let moments = run(&[], 0.6, 1.0);
        assert_eq!(moments.len(), 1);
        assert_eq!(moments[0].pages, 0.0);
    }
}
