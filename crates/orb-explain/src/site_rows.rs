//! The requests of one site, counted and measured.
//!
//! In: rows, one after the other. Out: counts, spreads, the newest, the slowest, those in trouble.
//! May touch: nothing. Invariant: memory does not grow with the number of rows.

use std::collections::{BTreeMap, VecDeque};

use orb_api::{AttemptKind, Outcome, Reason};
use orb_env::Stamp;
use serde::Serialize;

use crate::attempts::{Durability, SeenRow};
use crate::explanation::{AttemptLine, exchange_us};
use crate::limits::{FAILING_MAX, RECENT_MAX, SLOWEST_MAX};
use crate::sentence::is_trouble;
use crate::spread::Spread;

/// URLs in trouble for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FailingUrls {
    /// Requests that ended so.
    pub requests: u64,
    /// When the last did.
    pub last_us: i64,
    /// Some of the URLs, the newest.
    pub urls: Vec<String>,
}

/// A page that took long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SlowPage {
    /// Which.
    pub url: String,
    /// Length of the exchange.
    pub exchange_us: u64,
    /// To its first byte, where that is recorded.
    pub first_byte_us: Option<u64>,
    /// HTTP status.
    pub status: Option<u16>,
    /// When.
    pub at_us: i64,
}

/// What a site's rows come to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SiteTally {
    /// Requests of any kind.
    pub requests: u64,
    /// Of them for robots.txt.
    pub robots_requests: u64,
    /// Requests whose group was undone: made, and made again.
    pub rolled_back: u64,
    /// Requests that began on a connection kept open.
    pub kept_connections: u64,
    /// Page requests by outcome, undone ones left out.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Requests in trouble and refused, by reason.
    pub failing: BTreeMap<Reason, FailingUrls>,
    /// When the first request began.
    pub first_us: Option<i64>,
    /// When the last one ended.
    pub last_us: Option<i64>,
    /// The newest requests, oldest first.
    pub recent: VecDeque<AttemptLine>,
    /// The slowest pages, the slowest first.
    pub slowest: Vec<SlowPage>,
    /// Parts, in the order of [`crate::Part::ALL`].
    #[serde(skip)]
    pub(crate) parts: [Spread; 8],
    /// Requests with parts.
    #[serde(skip)]
    pub(crate) timed: u64,
    /// Whole exchanges.
    #[serde(skip)]
    pub(crate) exchanges: Spread,
    /// From the end of the pause a site was owed to the start of the next request.
    #[serde(skip)]
    pub(crate) late: Spread,
    #[serde(skip)]
    before: Option<Stamp>,
}

impl SiteTally {
    /// Takes a row; rows come as they were written.
    pub(crate) fn add(&mut self, seen: &SeenRow) {
        let row = &seen.row;
        self.requests += 1;
        self.robots_requests += u64::from(row.kind == AttemptKind::Robots);
        let undone = seen.durability == Durability::RolledBack;
        self.rolled_back += u64::from(undone);
        if row.kind == AttemptKind::Page && !undone {
            *self.outcomes.entry(row.outcome).or_default() += 1;
        }
        self.first_us.get_or_insert(row.start.wall.0);
        self.last_us = Some(row.end_wall.0);
        let exchange = exchange_us(row);
        self.exchanges.add(exchange);
        self.measure(seen);
        self.note_failing(seen);
        self.note_slow(seen, exchange);
        if self.recent.len() >= RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(AttemptLine::of(seen));
    }

    fn measure(&mut self, seen: &SeenRow) {
        let row = &seen.row;
        if let Some(before) = self.before.filter(|before| before.boot == row.start.boot) {
            let pause = row.start.mono.since(before.mono).as_micros() as u64;
            self.late.add(pause.saturating_sub(row.site_delay_us));
        }
        self.before = Some(Stamp {
            mono: row.end,
            ..row.start
        });
        let Some(times) = row.timings else { return };
        self.timed += 1;
        self.kept_connections += u64::from(times.connect_us.is_none() && row.status.is_some());
        let parts = [
            // Finding the name is part of the queue in rows, and told apart here.
            Some(times.queue_us.saturating_sub(times.dns_us.unwrap_or(0))),
            times.dns_us,
            times.connect_us,
            times.tls_us,
            times.first_byte_us,
            // Time in which we did not read is no time of theirs.
            times
                .body_us
                .map(|us| us.saturating_sub(times.buffer_wait_us)),
            Some(times.buffer_wait_us),
            Some(times.ours_us),
        ];
        for (spread, us) in self.parts.iter_mut().zip(parts) {
            if let Some(us) = us {
                spread.add(us);
            }
        }
    }

    fn note_failing(&mut self, seen: &SeenRow) {
        let row = &seen.row;
        if !is_trouble(row.outcome) && row.outcome != Outcome::Refused {
            return;
        }
        let failing = self.failing.entry(row.reason).or_default();
        failing.requests += 1;
        failing.last_us = row.end_wall.0;
        failing.urls.retain(|url| *url != row.url);
        if failing.urls.len() >= FAILING_MAX {
            failing.urls.remove(0);
        }
        failing.urls.push(row.url.clone());
    }

    fn note_slow(&mut self, seen: &SeenRow, exchange_us: u64) {
        let row = &seen.row;
        if row.kind == AttemptKind::Robots {
            return;
        }
        let place = self
            .slowest
            .partition_point(|page| page.exchange_us >= exchange_us);
        if place >= SLOWEST_MAX {
            return;
        }
        self.slowest.insert(
            place,
            SlowPage {
                url: row.url.clone(),
                exchange_us,
                first_byte_us: row.timings.and_then(|times| times.first_byte_us),
                status: row.status,
                at_us: row.start.wall.0,
            },
        );
        self.slowest.truncate(SLOWEST_MAX);
    }

    /// Requests that ended in trouble.
    #[must_use]
    pub fn troubles(&self) -> u64 {
        let trouble = |outcome: &&Outcome| is_trouble(**outcome);
        let outcomes = self.outcomes.keys().filter(trouble);
        outcomes.map(|outcome| self.outcomes[outcome]).sum()
    }
}
