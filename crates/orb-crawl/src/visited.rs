//! The memory of lately visited sites of one slot: what a watcher asks about.
//!
//! In: ends of attempts. Out: counts of a site in this run.
//! May touch: memory. Must not touch: the site table.
//! Invariant: at most [`VISITED_SITES`] sites, whatever the crawl knows; of four places that a site may take, the
//! one visited longest ago is given up.

use std::time::Duration;

use orb_api::{Outcome, Reason};
use orb_env::Mono;
use orb_frontier::SiteId;
use orb_url::Site;

use crate::limits::VISITED_SITES;

/// Places a site may take.
const WAYS: usize = 4;

/// What is remembered of one site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Visits {
    pub(crate) id: SiteId,
    /// Its name: a site that waits has none in memory else.
    pub(crate) name: Site,
    last: Mono,
    took_us: u64,
    /// Requests of any kind.
    pub(crate) requests: u32,
    /// Pages archived.
    pub(crate) pages: u32,
    /// Attempts that ended in trouble.
    pub(crate) troubles: u32,
    /// How the last attempt ended, and why.
    pub(crate) ended: (Outcome, Reason),
}

impl Visits {
    /// Mean length of an exchange, milliseconds.
    pub(crate) fn mean_ms(&self) -> f64 {
        self.took_us as f64 / 1_000.0 / f64::from(self.requests.max(1))
    }
}

/// How one attempt ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) at: Mono,
    pub(crate) outcome: Outcome,
    pub(crate) reason: Reason,
    /// Whether it brought a page.
    pub(crate) page: bool,
    /// Length of the exchange; none when there was none.
    pub(crate) took: Option<Duration>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Visited {
    places: Vec<Option<Visits>>,
}

impl Visited {
    /// Takes note of an attempt. Cost: a look at four places.
    pub(crate) fn note(&mut self, id: SiteId, name: &Site, ended: &Ended) {
        let place = self.place_for(id);
        let visits = self.places[place].get_or_insert(Visits {
            id,
            name: name.clone(),
            last: ended.at,
            took_us: 0,
            requests: 0,
            pages: 0,
            troubles: 0,
            ended: (ended.outcome, ended.reason),
        });
        visits.last = ended.at;
        visits.ended = (ended.outcome, ended.reason);
        visits.pages = visits.pages.saturating_add(u32::from(ended.page));
        let trouble = matches!(ended.outcome, Outcome::Retry | Outcome::Failed);
        visits.troubles = visits.troubles.saturating_add(u32::from(trouble));
        if let Some(took) = ended.took {
            visits.requests = visits.requests.saturating_add(1);
            visits.took_us = visits.took_us.saturating_add(took.as_micros() as u64);
        }
    }

    /// What is remembered of a site.
    pub(crate) fn of(&self, id: SiteId) -> Option<&Visits> {
        self.ways(id)
            .filter_map(|place| self.places.get(place)?.as_ref())
            .find(|visits| visits.id == id)
    }

    /// Every site remembered.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Visits> {
        self.places.iter().flatten()
    }

    /// The first sites of a crawl have a place each; later ones share.
    fn ways(&self, id: SiteId) -> impl Iterator<Item = usize> + use<> {
        let index = id.index();
        let own = index % VISITED_SITES;
        let sets = VISITED_SITES / WAYS;
        (0..WAYS).map(move |way| (own + way * sets) % VISITED_SITES)
    }

    fn place_for(&mut self, id: SiteId) -> usize {
        let ways: Vec<usize> = self.ways(id).collect();
        let known = ways.iter().copied().find(|&place| {
            let visits = self.places.get(place).and_then(Option::as_ref);
            visits.is_some_and(|visits| visits.id == id)
        });
        if let Some(place) = known {
            return place;
        }
        // Memory grows with the sites known, up to its bound.
        let own = ways[0];
        if own >= self.places.len() {
            self.places.resize_with(own + 1, || None);
            return own;
        }
        let oldest = ways
            .into_iter()
            .filter(|&place| place < self.places.len())
            .min_by_key(|&place| self.places[place].as_ref().map(|visits| visits.last))
            .expect("the own place is there");
        self.places[oldest] = None;
        oldest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> Site {
        Site::of_host("a.example")
    }

    fn ended(at: u64, outcome: Outcome) -> Ended {
        Ended {
            at: Mono(at),
            outcome,
            reason: Reason::None,
            page: outcome == Outcome::Captured,
            took: Some(Duration::from_millis(30)),
        }
    }

    #[test]
    fn counts_of_a_site_add_up() {
        let mut visited = Visited::default();
        let site = SiteId::at(7);
        visited.note(site, &name(), &ended(1, Outcome::Captured));
        visited.note(site, &name(), &ended(2, Outcome::Retry));
        let unresolved = Ended {
            took: None,
            reason: Reason::Dns,
            ..ended(3, Outcome::Failed)
        };
        visited.note(site, &name(), &unresolved);
        let visits = visited.of(site).unwrap();
        assert_eq!((visits.requests, visits.pages, visits.troubles), (2, 1, 2));
        assert_eq!(visits.ended, (Outcome::Failed, Reason::Dns));
        assert_eq!(visits.mean_ms(), 30.0);
        assert_eq!(visited.of(SiteId::at(8)), None);
    }

    /// A crawl of a million sites remembers a bounded number, and those visited last.
    #[test]
    fn memory_is_bounded_and_the_oldest_goes() {
        let mut visited = Visited::default();
        for site in 0..1_000_000 {
            visited.note(
                SiteId::at(site),
                &name(),
                &ended(u64::from(site), Outcome::Gone),
            );
        }
        assert_eq!(visited.places.len(), VISITED_SITES);
        assert_eq!(visited.all().count(), VISITED_SITES);
        let kept = 1_000_000 - VISITED_SITES as u32;
        assert!(visited.all().all(|visits| visits.id >= SiteId::at(kept)));
        assert!(visited.of(SiteId::at(999_999)).is_some());
        assert!(visited.of(SiteId::at(1)).is_none());
    }
}
