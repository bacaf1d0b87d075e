//! A shard's reports to the board.
//!
//! In: its slots, its tally. Out: what coordinator and readers of journals see of it.
//! May touch: the board. Must not touch: what the slots do next.
//! Invariant: a report costs a look at each slot's counts, whatever the number of sites.

use orb_env::Mono;

use crate::board::ShardReport;
use crate::shard::Shard;
use crate::slot::Slot;

/// How often a busy shard reports.
const REPORT_INTERVAL: std::time::Duration = std::time::Duration::from_millis(100);

impl Shard {
    /// Tells the board how the shard and its slots stand: before it sleeps, and often enough while it works.
    pub(crate) fn report(&mut self, sleeping: bool) {
        let now = self.env.clock.mono();
        if !sleeping && now < self.tally.reported.plus(REPORT_INTERVAL) {
            return;
        }
        self.tally.reported = now;
        for slot in &self.slots {
            self.shared.board.report(slot.id, slot.report(&self.shared));
        }
        let own = self.own_report(now);
        self.shared.board.report_shard(self.index, own);
    }

    fn own_report(&mut self, now: Mono) -> ShardReport {
        let buffers_max = self.shared.config.fetch.buffer_memory_max;
        let late = self.slots.iter().map(|slot| slot.frontier.lateness(now));
        ShardReport {
            in_flight: u64::from(self.under_way.all() + self.reading),
            places: u64::from(self.places_taken()),
            resolving: self.tally.gauges.resolving.get(),
            asking: self.tally.gauges.asking.get(),
            late: late.max().unwrap_or_default(),
            clogged: self.slots.iter().any(Slot::is_clogged),
            buffers_full: self.fetcher.buffer_bytes() > buffers_max / 10 * 9,
            work: self.tally.work,
            latencies: self.tally.latencies,
            addresses: self.tally.addresses.last(now.0),
            last_threads: Vec::new(),
        }
    }

    /// The last report: the accounts of this shard's threads, which end with it.
    pub(crate) fn report_end(&mut self) {
        let last_threads = self.shared.world.threads();
        let report = ShardReport {
            last_threads,
            ..self.own_report(self.env.clock.mono())
        };
        self.shared.board.report_shard(self.index, report);
    }
}
