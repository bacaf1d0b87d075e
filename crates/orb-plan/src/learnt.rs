//! What a crawl that runs, or ran, tells about its sites.
//!
//! In: attempt rows, one after another. Out: pages, exchanges, pauses and addresses of each site; totals.
//! May touch: nothing. Must not touch: files.
//! Invariant: bounded: beyond a number of sites further ones are counted together only.

use std::collections::BTreeMap;

use orb_api::{AttemptKind, AttemptRow, Outcome};

use crate::limits::LEARNT_SITES_MAX;

/// What attempt rows tell.
#[derive(Clone, Debug, Default)]
pub struct Learnt {
    sites: BTreeMap<Box<str>, LearntSite>,
    addresses: BTreeMap<Box<str>, u32>,
    /// Requests of any kind.
    pub requests: u64,
    /// Requests for robots.txt.
    pub robots: u64,
    /// Pages archived.
    pub pages: u64,
    /// Seconds of all exchanges together.
    pub exchange_seconds: f64,
    /// The runs of the crawl, oldest first.
    runs: Vec<Run>,
    /// Ends of exchanges that brought a page: which run, seconds from its beginning.
    page_ends: Vec<(u32, f64)>,
}

/// One run of a crawl.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// When it began, seconds by the wall clock.
    started: f64,
    /// From there to the start of its first exchange: what opening took.
    first: f64,
    /// From there to the end of its last exchange.
    last: f64,
}

/// What attempt rows tell about one site.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LearntSite {
    /// Requests of any kind.
    pub requests: u64,
    /// Requests for robots.txt.
    pub robots: u64,
    /// Pages archived.
    pub pages: u64,
    /// Seconds of its exchanges together.
    pub exchange_seconds: f64,
    /// Seconds of its pauses in force together.
    pub delay_seconds: f64,
    /// Number of the address it was last asked at.
    pub address: u32,
}

impl Run {
    fn seconds(&self) -> f64 {
        (self.last - self.first).max(0.0)
    }
}

impl LearntSite {
    /// Mean length of an exchange, seconds.
    #[must_use]
    pub fn exchange(&self) -> f64 {
        self.exchange_seconds / self.requests.max(1) as f64
    }

    /// Mean pause in force, seconds.
    #[must_use]
    pub fn delay(&self) -> f64 {
        self.delay_seconds / self.requests.max(1) as f64
    }
}

impl Learnt {
    /// Nothing yet.
    ///
    /// - `runs`: when each run of the crawl began, seconds by the wall clock, oldest first. Time between runs does not
    ///   count.
    #[must_use]
    pub fn of_runs(runs: &[f64]) -> Learnt {
        let run = |&started: &f64| Run {
            started,
            first: f64::MAX,
            last: 0.0,
        };
        Learnt {
            runs: runs.iter().map(run).collect(),
            ..Learnt::default()
        }
    }

    /// Takes one row.
    pub fn add(&mut self, row: &AttemptRow) {
        if !row.has_address() {
            return;
        }
        let seconds = row.end.since(row.start.mono).as_secs_f64();
        let is_robots = row.kind == AttemptKind::Robots;
        let is_page = !is_robots && matches!(row.outcome, Outcome::Captured | Outcome::NotModified);
        let end = row.end_wall.0 as f64 / 1e6;
        let start = end - seconds;
        self.requests += 1;
        self.robots += u64::from(is_robots);
        self.pages += u64::from(is_page);
        self.exchange_seconds += seconds;
        self.timed(start, end, is_page);
        let known = self.addresses.get(row.address.as_str()).copied();
        let next = self.addresses.len() as u32;
        let address = known.unwrap_or(next);
        if !self.sites.contains_key(row.site.as_str()) {
            if self.sites.len() >= LEARNT_SITES_MAX {
                return;
            }
            self.sites
                .insert(row.site.as_str().into(), LearntSite::default());
        }
        if known.is_none() {
            self.addresses.insert(row.address.as_str().into(), next);
        }
        if let Some(site) = self.sites.get_mut(row.site.as_str()) {
            site.requests += 1;
            site.robots += u64::from(is_robots);
            site.pages += u64::from(is_page);
            site.exchange_seconds += seconds;
            site.delay_seconds += row.site_delay_us as f64 / 1e6;
            site.address = address;
        }
    }

    fn timed(&mut self, start: f64, end: f64, is_page: bool) {
        let after = self.runs.partition_point(|run| run.started <= start);
        let at = after.saturating_sub(1);
        if let Some(run) = self.runs.get_mut(at) {
            run.first = run.first.min((start - run.started).max(0.0));
            run.last = run.last.max(end - run.started);
            if is_page {
                self.page_ends.push((at as u32, end - run.started));
            }
        }
    }

    /// Seconds in which it crawled: of each run from its first exchange to the end of its last.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.runs.iter().map(Run::seconds).sum()
    }

    /// One site.
    #[must_use]
    pub fn site(&self, name: &str) -> Option<&LearntSite> {
        self.sites.get(name)
    }

    /// All sites, by name.
    pub fn sites(&self) -> impl Iterator<Item = (&str, &LearntSite)> {
        self.sites.iter().map(|(name, site)| (&**name, site))
    }

    /// Addresses that were asked.
    #[must_use]
    pub fn addresses(&self) -> usize {
        self.addresses.len()
    }

    /// Mean length of an exchange, seconds.
    #[must_use]
    pub fn exchange(&self) -> f64 {
        self.exchange_seconds / self.requests.max(1) as f64
    }

    /// Requests for pages for one page archived.
    #[must_use]
    pub fn requests_per_page(&self) -> f64 {
        let requests = self.requests - self.robots;
        (requests as f64 / self.pages.max(1) as f64).max(1.0)
    }

    /// Requests for robots.txt of a site.
    #[must_use]
    pub fn robots_per_site(&self) -> f64 {
        self.robots as f64 / self.sites.len().max(1) as f64
    }

    /// Seconds of crawling after which a share of the pages had so far was had.
    #[must_use]
    pub fn seconds_of_share(&self, share: f64) -> Option<f64> {
        let mut before = 0.0;
        let mut starts = Vec::with_capacity(self.runs.len());
        for run in &self.runs {
            starts.push(before);
            before += run.seconds();
        }
        let at = |(run, seconds): &(u32, f64)| {
            let run = *run as usize;
            starts[run] + seconds - self.runs[run].first
        };
        let mut ends: Vec<f64> = self.page_ends.iter().map(at).collect();
        ends.sort_by(f64::total_cmp);
        let place = ((ends.len() as f64 * share).ceil() as usize).max(1) - 1;
        ends.get(place).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_api::Reason;
    use orb_env::{Mono, Stamp, Wall};

    fn row(site: &str, address: &str, kind: AttemptKind, start: u64, took: u64) -> AttemptRow {
        let stamp = Stamp {
            mono: Mono(start * 1_000),
            wall: Wall(start as i64 * 1_000),
            ..Stamp::default()
        };
        let text = serde_json::json!({
            "v": 1, "id": "0", "kind": kind, "url": "http://a.example/", "site": site, "address": address,
            "start": stamp, "end": Mono((start + took) * 1_000), "end_wall": Wall((start + took) as i64 * 1_000),
            "site_delay_us": 1_500_000, "address_delay_us": 0, "outcome": Outcome::Captured,
            "reason": Reason::None, "commit": 1,
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn rows_tell_pages_exchanges_pauses_and_addresses() {
        let mut learnt = Learnt::default();
        learnt.add(&row("a.example", "192.0.2.1", AttemptKind::Robots, 0, 100));
        learnt.add(&row(
            "a.example",
            "192.0.2.1",
            AttemptKind::Page,
            1_000,
            300,
        ));
        learnt.add(&row(
            "b.example",
            "192.0.2.1",
            AttemptKind::Page,
            2_000,
            500,
        ));
        learnt.add(&row(
            "c.example",
            "192.0.2.9",
            AttemptKind::Page,
            9_000,
            1_000,
        ));
        assert_eq!((learnt.requests, learnt.robots, learnt.pages), (4, 1, 3));
        assert_eq!((learnt.sites().count(), learnt.addresses()), (3, 2));
        let site = learnt.site("a.example").unwrap();
        assert!((site.exchange() - 0.2).abs() < 1e-9 && (site.delay() - 1.5).abs() < 1e-9);
        assert_eq!(site.address, learnt.site("b.example").unwrap().address);
        assert_ne!(site.address, learnt.site("c.example").unwrap().address);
        assert!((learnt.exchange() - 0.475).abs() < 1e-9);
        assert_eq!(learnt.requests_per_page(), 1.0);
    }

    /// Two runs with an hour between them: neither the hour nor what opening took is crawling.
    #[test]
    fn time_between_runs_does_not_count() {
        let mut learnt = Learnt::of_runs(&[0.0, 3_600.0]);
        let page = AttemptKind::Page;
        learnt.add(&row("a.example", "192.0.2.1", page, 1_000, 500));
        learnt.add(&row("a.example", "192.0.2.1", page, 3_000, 1_000));
        learnt.add(&row("a.example", "192.0.2.1", page, 3_602_000, 1_000));
        learnt.add(&row("a.example", "192.0.2.1", page, 3_609_000, 1_000));
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-3, "{found}");
        near(learnt.seconds(), 3.0 + 8.0);
        near(learnt.seconds_of_share(0.25).unwrap(), 0.5);
        near(learnt.seconds_of_share(0.75).unwrap(), 4.0);
        near(learnt.seconds_of_share(1.0).unwrap(), 11.0);
        assert_eq!(Learnt::default().seconds_of_share(0.5), None);
    }
}
