//! The whole forecast: ceilings, the way to the end, and what it needs.
//!
//! In: a [`Question`]. Out: a [`Forecast`]. May touch: nothing.
//! Invariant: the end is the first of: nothing left, pages wanted, bytes wanted, time given.

use serde::{Deserialize, Serialize};

use crate::ceilings::{Bound, Ceiling, caps, ceilings};
use crate::cohorts::{Cohort, Kind, cohorts};
use crate::limits::{REQUEST_MEMORY_BYTES, ROBOTS_BYTES, SITE_MEMORY_BYTES};
use crate::runout::{Moment, RunOut};
use crate::{Needs, Pace, Question};

/// Why a forecast ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Nothing is left.
    Finished,
    /// The pages wanted are had.
    PagesMax,
    /// The bytes wanted are had.
    BytesMax,
    /// The time is over.
    DurationMax,
}

/// When a share of the pages is had.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Milestone {
    /// Share of all pages of the forecast.
    pub share: f64,
    /// Seconds from the start.
    pub seconds: f64,
    /// Sites with pages left then.
    pub sites_left: f64,
}

/// What is to be expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Sites.
    pub sites: f64,
    /// Pages at the end.
    pub pages: f64,
    /// Pages there are, whatever ends the crawl before them.
    pub pages_in_all: f64,
    /// Requests at the end, robots.txt among them.
    pub requests: f64,
    /// Requests for robots.txt.
    pub robots_requests: f64,
    /// Seconds until the end.
    pub seconds: f64,
    /// Why it ends.
    pub end: End,
    /// Pages a second at the fastest moment.
    pub pages_per_second_peak: f64,
    /// What each bound would allow while all sites have pages.
    pub ceilings: Vec<Ceiling>,
    /// The bound under which most pages are had.
    pub binds: Bound,
    /// When half, nine tenths, all of the pages are had.
    pub milestones: Vec<Milestone>,
    /// The way there.
    pub moments: Vec<Moment>,
    /// What it needs.
    pub needs: Needs,
}

impl Forecast {
    /// Pages had after so many seconds.
    #[must_use]
    pub fn pages_at(&self, seconds: f64) -> f64 {
        along(&self.moments, |now| now.seconds, |now| now.pages, seconds)
    }

    /// Seconds until so many pages are had.
    #[must_use]
    pub fn seconds_at(&self, pages: f64) -> f64 {
        along(&self.moments, |now| now.pages, |now| now.seconds, pages)
    }

    /// Sites with pages left after so many seconds.
    #[must_use]
    pub fn sites_left_at(&self, seconds: f64) -> f64 {
        let after = self.moments.partition_point(|now| now.seconds <= seconds);
        let last = after.checked_sub(1).and_then(|at| self.moments.get(at));
        last.map_or(self.sites, |now| now.sites_left)
    }

    /// The moment in force after so many seconds: its pace and what binds it.
    #[must_use]
    pub fn moment_at(&self, seconds: f64) -> Option<&Moment> {
        let next = self.moments.iter().find(|now| now.seconds > seconds);
        next.or(self.moments.last())
    }
}

/// Reads a curve of straight pieces at `x`.
fn along(
    moments: &[Moment],
    x_of: impl Fn(&Moment) -> f64,
    y_of: impl Fn(&Moment) -> f64,
    x: f64,
) -> f64 {
    let after = moments.partition_point(|now| x_of(now) < x);
    let (Some(before), Some(next)) = (
        after.checked_sub(1).and_then(|at| moments.get(at)),
        moments.get(after),
    ) else {
        let edge = if after == 0 {
            moments.first()
        } else {
            moments.last()
        };
        return edge.map_or(0.0, y_of);
    };
    let width = x_of(next) - x_of(before);
    let part = if width > 0.0 {
        (x - x_of(before)) / width
    } else {
        1.0
    };
    y_of(before) + part * (y_of(next) - y_of(before))
}

/// Answers a question. Cost: some milliseconds, whatever the number of sites.
#[must_use]
pub fn forecast(question: &Question) -> Forecast {
    let pace = Pace::of(&question.rules.politeness);
    let cohorts = cohorts(&question.sites, &pace);
    let total = |of: &dyn Fn(&Kind) -> f64| total(&cohorts, of);
    let (sites, pages_in_all) = (total(&|_| 1.0), total(&|kind| kind.pages));
    let first_robots = total(&|kind| kind.robots);
    let per_page = question.page.requests_per_page.max(1e-3);
    let page_requests = pages_in_all * per_page;
    let requests_in_all = (page_requests + first_robots).max(1e-9);
    // Redirects and absent pages bring hardly any bytes, so a page's bytes are spread over its requests.
    let received = pages_in_all * question.page.wire_bytes + first_robots * ROBOTS_BYTES;
    let request_bytes = received / requests_in_all;
    let weight = total(&|kind| 1.0 / kind.cycle()).max(1e-12);
    let exchange = total(&|kind| kind.exchange / kind.cycle()) / weight;
    let caps = caps(question, request_bytes, exchange);
    let run_out = RunOut {
        cohorts: &cohorts,
        step: pace.step(),
        opening: pace.address_delay,
        per_page,
        caps: &caps,
    };
    let (moments, end) = cut(run_out.moments(), question);
    let last = *moments.last().expect("a run-out has a first moment");
    let peak = moments
        .iter()
        .map(|now| now.pages_per_second)
        .fold(0.0, f64::max);
    let mut forecast = Forecast {
        sites,
        pages: last.pages,
        pages_in_all,
        requests: last.requests,
        robots_requests: (last.requests - last.pages * per_page).max(0.0),
        seconds: last.seconds,
        end,
        pages_per_second_peak: peak,
        ceilings: ceilings(&cohorts, pace.step(), &caps, &question.page),
        binds: binds(&moments),
        milestones: Vec::new(),
        moments,
        needs: needs(
            question,
            &last,
            request_bytes,
            peak * per_page,
            exchange,
            sites,
        ),
    };
    forecast.milestones = milestones(&forecast);
    forecast
}

fn total(cohorts: &[Cohort], of: &dyn Fn(&Kind) -> f64) -> f64 {
    let each = cohorts.iter().map(|cohort| {
        let kinds = cohort.kinds.iter().map(|kind| kind.sites * of(kind));
        cohort.addresses * kinds.sum::<f64>()
    });
    each.sum()
}

/// Ends the way at whatever limit comes first.
fn cut(mut moments: Vec<Moment>, question: &Question) -> (Vec<Moment>, End) {
    let rules = &question.rules;
    let pages_of_bytes = rules.bytes_max as f64 / question.page.wire_bytes.max(1.0);
    let limits = [
        (End::PagesMax, rules.pages_max as f64, 0),
        (End::BytesMax, pages_of_bytes, 0),
        (End::DurationMax, rules.seconds_max, 1),
    ];
    let mut end = End::Finished;
    for (why, most, what) in limits.into_iter().filter(|(_, most, _)| *most > 0.0) {
        let of = |now: &Moment| if what == 0 { now.pages } else { now.seconds };
        let Some(after) = moments.iter().position(|now| of(now) > most) else {
            continue;
        };
        let (before, next) = (moments[after - 1], moments[after]);
        let part = (most - of(&before)) / (of(&next) - of(&before));
        let between = |a: f64, b: f64| a + part * (b - a);
        moments.truncate(after);
        moments.push(Moment {
            seconds: between(before.seconds, next.seconds),
            requests: between(before.requests, next.requests),
            pages: between(before.pages, next.pages),
            sites_left: before.sites_left,
            ..next
        });
        end = why;
    }
    (moments, end)
}

/// The bound under which most pages are had.
fn binds(moments: &[Moment]) -> Bound {
    let mut pages: Vec<(Bound, f64)> = Vec::new();
    for pair in moments.windows(2) {
        let had = pair[1].pages - pair[0].pages;
        match pages.iter_mut().find(|(bound, _)| *bound == pair[1].bound) {
            Some((_, sum)) => *sum += had,
            None => pages.push((pair[1].bound, had)),
        }
    }
    let most = pages.into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    most.map_or(Bound::Politeness, |(bound, _)| bound)
}

fn milestones(forecast: &Forecast) -> Vec<Milestone> {
    [0.5, 0.9, 1.0]
        .map(|share| {
            let seconds = forecast.seconds_at(forecast.pages * share);
            Milestone {
                share,
                seconds,
                sites_left: forecast.sites_left_at(seconds),
            }
        })
        .to_vec()
}

fn needs(
    question: &Question,
    last: &Moment,
    request_bytes: f64,
    requests_peak: f64,
    exchange: f64,
    sites: f64,
) -> Needs {
    let Question { machine, page, .. } = question;
    let cpu = machine.cpu_of(request_bytes, page.handshake_share);
    let in_flight = requests_peak * exchange;
    let wanted =
        machine.memory_base_bytes + sites * SITE_MEMORY_BYTES + in_flight * REQUEST_MEMORY_BYTES;
    let most = question.rules.memory_max_bytes as f64;
    Needs {
        cpu_seconds: last.requests * cpu,
        cores_peak: requests_peak * cpu,
        memory_bytes: wanted.min(most),
        memory_held: wanted > most,
        archive_bytes: last.requests * machine.archived_of(request_bytes),
        other_bytes: last.requests * machine.other_per_request,
        received_bytes: last.requests * request_bytes,
        received_per_second_peak: requests_peak * request_bytes,
        in_flight_peak: in_flight,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::question::{KnownSite, PageKind, Rules, Sites};
    use crate::{MachineCosts, Spread};
    use orb_gate::PolitenessConfig;
    use std::time::Duration;

    fn question(count: u64, pages: f64, exchange: f64) -> Question {
        Question {
            sites: Sites::Described {
                count,
                pages: Spread::same(pages),
                robots: 1.0,
                exchange: Spread::same(exchange),
                per_address: 1.0,
            },
            page: PageKind {
                wire_bytes: 20_000.0,
                requests_per_page: 1.0,
                handshake_share: 0.0,
            },
            rules: Rules {
                politeness: PolitenessConfig::default(),
                cores: 2.0,
                in_flight_max: 4_000.0,
                bandwidth: None,
                memory_max_bytes: 1 << 30,
                pages_max: 0,
                bytes_max: 0,
                seconds_max: 0.0,
            },
            machine: MachineCosts {
                cpu_per_request: 400e-6,
                cpu_per_byte: 5e-9,
                cpu_per_handshake: 300e-6,
                archived_per_request: 1_000.0,
                archived_per_byte: 1.0,
                other_per_request: 800.0,
                memory_base_bytes: 80e6,
                disk_bytes_per_second: 200e6,
            },
        }
    }

    fn ceiling(forecast: &Forecast, bound: Bound) -> Option<f64> {
        let found = forecast.ceilings.iter().find(|one| one.bound == bound);
        found.and_then(|one| one.pages_per_second)
    }

    fn near(found: f64, expected: f64, within: f64) {
        let off = (found / expected - 1.0).abs();
        assert!(off < within, "{found} is not {expected}");
    }

    /// Sites, pages of each, seconds of an exchange: pages a second at best, seconds in all, what binds.
    #[test]
    fn politeness_and_the_machine_decide_in_turn() {
        let check = |count, pages, exchange, rate: f64, seconds: f64, binds| {
            let found = forecast(&question(count, pages, exchange));
            near(found.pages_per_second_peak, rate, 0.01);
            near(found.seconds, seconds, 0.02);
            assert_eq!(found.binds, binds);
            near(found.pages, count as f64 * pages, 1e-3);
            near(found.requests, count as f64 * (pages + 1.0), 1e-3);
        };
        // A site every 1.05 s; a slow one every 0.3 + 1.5 s.
        check(10, 100.0, 0.05, 9.52, 105.5, Bound::Politeness);
        check(10, 100.0, 0.3, 5.56, 180.8, Bound::Politeness);
        // Exchanges of 10 s are followed by pauses of 30 s, not of 50.
        check(10, 100.0, 10.0, 0.25, 4_010.5, Bound::Politeness);
        // 0.5 ms each on two cores: 4,000 a second whatever the number of sites.
        check(100_000, 30.0, 0.05, 4_000.0, 767.0, Bound::Cpu);
    }

    #[test]
    fn each_bound_has_its_ceiling() {
        let mut asked = question(1_000, 10.0, 0.1);
        let found = forecast(&asked);
        near(ceiling(&found, Bound::Politeness).unwrap(), 909.0, 0.01);
        near(ceiling(&found, Bound::InFlight).unwrap(), 40_000.0, 0.01);
        near(
            ceiling(&found, Bound::Disk).unwrap(),
            200e6 / 20_100.0,
            0.05,
        );
        assert_eq!(ceiling(&found, Bound::Network), None);
        assert_eq!(ceiling(&found, Bound::Rate), None);

        asked.rules.bandwidth = Some(1e6);
        asked.rules.politeness.pages_per_second_max = 70.0;
        let found = forecast(&asked);
        near(
            ceiling(&found, Bound::Network).unwrap(),
            1e6 / 19_018.0,
            0.01,
        );
        assert_eq!(ceiling(&found, Bound::Rate), Some(70.0));
        assert_eq!(found.binds, Bound::Network);

        let Sites::Described { per_address, .. } = &mut asked.sites else {
            panic!("the question describes its sites");
        };
        *per_address = 100.0;
        let found = forecast(&asked);
        near(ceiling(&found, Bound::Addresses).unwrap(), 10.0 / 0.6, 0.01);
        assert_eq!(found.binds, Bound::Addresses);
        near(found.seconds, 11_000.0 / (10.0 / 0.6), 0.01);
    }

    /// The same pages on sites that are more unlike take longer: the largest is larger.
    #[test]
    fn the_end_hangs_on_the_largest_sites() {
        let asked = question(500, 40.0, 0.1);
        let seconds = |sigma| forecast(&asked.with_spread(sigma).unwrap()).seconds;
        near(seconds(0.0), 45.0, 0.02);
        assert!(seconds(0.5) > 2.0 * seconds(0.0) && seconds(1.0) > 2.0 * seconds(0.5));
        let known = Question {
            sites: Sites::Known(Vec::new()),
            ..asked
        };
        assert!(known.with_spread(1.0).is_none());
    }

    #[test]
    fn a_limit_ends_it() {
        let mut asked = question(100, 1_000.0, 0.05);
        asked.rules.pages_max = 5_000;
        let found = forecast(&asked);
        assert_eq!(found.end, End::PagesMax);
        near(found.pages, 5_000.0, 1e-6);
        near(found.seconds, 53.0, 0.02);
        asked.rules.seconds_max = 20.0;
        let found = forecast(&asked);
        assert_eq!((found.end, found.seconds), (End::DurationMax, 20.0));
        assert!(found.pages < 1_900.0);
        asked.rules.bytes_max = 20_000_000;
        let found = forecast(&asked);
        assert_eq!(found.end, End::BytesMax);
        near(found.pages, 1_000.0, 1e-6);
    }

    #[test]
    fn the_curve_can_be_read_both_ways() {
        let mut asked = question(200, 40.0, 0.1);
        asked.sites = Sites::Described {
            count: 200,
            pages: Spread::LogNormal {
                mean: 40.0,
                sigma: 1.0,
            },
            robots: 1.0,
            exchange: Spread::between(0.05, 0.5),
            per_address: 1.0,
        };
        let found = forecast(&asked);
        for share in [0.2, 0.5, 0.9] {
            let pages = found.pages * share;
            near(found.pages_at(found.seconds_at(pages)), pages, 1e-6);
        }
        assert_eq!(found.pages_at(1e9), found.pages);
        assert_eq!(found.pages_at(0.0), 0.0);
        let [half, most, all] = found.milestones[..] else {
            panic!("three milestones");
        };
        assert!(half.seconds < most.seconds && most.seconds < all.seconds);
        // The last tenth of the pages takes longer than the first half: it comes from few sites.
        assert!(all.seconds - most.seconds > half.seconds);
        assert!(most.sites_left < 60.0, "{}", most.sites_left);
    }

    #[test]
    fn needs_follow_from_requests_and_bytes() {
        let found = forecast(&question(1_000, 9.0, 0.1));
        let needs = found.needs;
        near(
            needs.cpu_seconds,
            10_000.0 * (400e-6 + 18_150.0 * 5e-9),
            0.01,
        );
        near(
            needs.received_bytes,
            9_000.0 * 20_000.0 + 1_000.0 * 1_500.0,
            0.01,
        );
        near(
            needs.archive_bytes,
            10_000.0 * 1_000.0 + needs.received_bytes,
            0.01,
        );
        near(needs.in_flight_peak, 909.0 * 0.1, 0.02);
        near(needs.memory_bytes, 80e6 + 3.3e6 + 91.0 * 300_000.0, 0.02);
        assert!(!needs.memory_held);
    }

    #[test]
    fn known_sites_go_at_the_pauses_they_were_seen_with() {
        let site = |pages, delay| KnownSite {
            pages,
            robots: 0.0,
            exchange: 0.1,
            delay,
            address: delay as u32,
        };
        let mut asked = question(0, 1.0, 0.1);
        asked.rules.politeness.address_delay = Duration::ZERO;
        asked.sites = Sites::Known(vec![site(10.0, 1.0), site(10.0, 9.9)]);
        let found = forecast(&asked);
        near(found.seconds, 100.0, 0.01);
        near(found.pages, 20.0, 1e-3);
        assert_eq!(found.robots_requests.round(), 0.0);
    }

    #[test]
    fn no_sites_no_time() {
        let found = forecast(&question(0, 10.0, 0.1));
        assert_eq!((found.pages, found.seconds), (0.0, 0.0));
        assert!(found.needs.memory_bytes > 0.0);
    }
}
