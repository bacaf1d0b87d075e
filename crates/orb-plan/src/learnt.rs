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
    /// Ends of exchanges that brought a page, seconds by the wall clock, in the order of the rows.
    pub page_ends: Vec<f64>,
    /// First start, seconds by the wall clock.
    pub first: Option<f64>,
    /// Last end.
    pub last: Option<f64>,
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
    /// Takes one row.
    pub fn add(&mut self, row: &AttemptRow) {
        let seconds = row.end.since(row.start.mono).as_secs_f64();
        let is_robots = row.kind == AttemptKind::Robots;
        let is_page = !is_robots && matches!(row.outcome, Outcome::Captured | Outcome::NotModified);
        let end = row.end_wall.0 as f64 / 1e6;
        let start = end - seconds;
        self.requests += 1;
        self.robots += u64::from(is_robots);
        self.pages += u64::from(is_page);
        self.exchange_seconds += seconds;
        self.first = Some(self.first.map_or(start, |first| first.min(start)));
        self.last = Some(self.last.map_or(end, |last| last.max(end)));
        if is_page {
            self.page_ends.push(end);
        }
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

    /// Seconds, from the first request on, after which a share of the pages was had. Time in which the crawl did not
    /// run counts too.
    #[must_use]
    pub fn seconds_of_share(&self, share: f64) -> Option<f64> {
        let mut ends = self.page_ends.clone();
        ends.sort_by(f64::total_cmp);
        let place = ((ends.len() as f64 * share).ceil() as usize).max(1) - 1;
        Some(ends.get(place)? - self.first?)
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
        assert!((learnt.seconds_of_share(0.5).unwrap() - 2.5).abs() < 1e-6);
        assert!((learnt.seconds_of_share(1.0).unwrap() - 10.0).abs() < 1e-6);
        assert_eq!(Learnt::default().seconds_of_share(0.5), None);
    }
}
