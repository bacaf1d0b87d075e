//! The board: what slots tell each other and the coordinator.
//!
//! In: journal ends that are durable, reports. Out: the latest of each.
//! May touch: channels. Must not touch: anything a slot owns.
//! Invariant: a journal end is shown only after the store batch that stores it was synced.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use orb_api::{Books, Latencies, Outcome, Reason, Sightings, SitemapCounts};
use orb_env::ThreadUse;
use orb_frontier::SiteCounts;
use orb_metrics::Counted;
use orb_shard::SlotId;
use orb_store::JournalEnd;
use tokio::sync::{Notify, watch};

use crate::stages::StageTimes;

/// What one slot tells of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SlotReport {
    /// Nothing left to do but what journals may bring.
    pub(crate) idle: bool,
    /// How far each slot's journal is read, by slot.
    pub(crate) read_to: Vec<JournalEnd>,
    /// How far each slot's journal is absorbed durably.
    pub(crate) stored_to: Vec<JournalEnd>,
    pub(crate) books: Books,
    pub(crate) in_flight: u64,
    pub(crate) sightings: Sightings,
    pub(crate) sites: SiteCounts,
    pub(crate) counts: RunCounts,
}

/// What one shard tells of itself: what no slot owns.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShardReport {
    /// Requests under way, visits that read a robots copy included.
    pub(crate) in_flight: u64,
    /// Places that they take of those there are.
    pub(crate) places: u64,
    /// Those of them that wait for a name server.
    pub(crate) resolving: u64,
    /// Those that wait for the clock of their address.
    pub(crate) asking: u64,
    /// How long the site that has been due longest has waited for its turn.
    pub(crate) late: Duration,
    /// A slot takes nothing in until its group is written.
    pub(crate) clogged: bool,
    /// Fetch buffers are nearly all granted.
    pub(crate) buffers_full: bool,
    /// Time spent on the shard's own work.
    pub(crate) work: StageTimes,
    /// How long things took.
    pub(crate) latencies: Latencies,
    /// Whose addresses had most of the last minute's requests.
    pub(crate) addresses: Counted,
    /// Every thread's account when this shard ended, while its threads were there.
    pub(crate) last_threads: Vec<ThreadUse>,
}

/// Counts of this run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunCounts {
    pub(crate) pages: u64,
    pub(crate) requests: u64,
    pub(crate) bytes_wire: u64,
    /// Bytes received into the folder, earlier runs included.
    pub(crate) bytes_received: u64,
    /// Pages in the folder, earlier runs included.
    pub(crate) pages_in_all: u64,
    /// Bytes of the store's files.
    pub(crate) disk_bytes: u64,
    pub(crate) bytes_archived: u64,
    pub(crate) outcomes: BTreeMap<Outcome, u64>,
    /// Why attempts did not go well.
    pub(crate) reasons: BTreeMap<Reason, u64>,
    /// Groups made durable.
    pub(crate) groups: u64,
    /// Pages fetched again.
    pub(crate) again: u64,
    /// Those of them that had changed.
    pub(crate) again_useful: u64,
    /// Sitemaps.
    pub(crate) sitemaps: SitemapCounts,
}

impl RunCounts {
    /// Counts how one URL's attempt ended.
    pub(crate) fn ended(&mut self, outcome: Outcome, reason: Reason) {
        *self.outcomes.entry(outcome).or_default() += 1;
        if reason != Reason::None {
            *self.reasons.entry(reason).or_default() += 1;
        }
    }
}

/// Pages of the whole folder, so that a page limit is met exactly.
#[derive(Debug, Default)]
pub(crate) struct PageBudget {
    max: u64,
    taken: AtomicU64,
}

impl PageBudget {
    pub(crate) fn new(max: u64, done: u64) -> PageBudget {
        PageBudget {
            max,
            taken: AtomicU64::new(done),
        }
    }

    /// Reserves one page; `false` when the limit is reached, reserved ones included.
    pub(crate) fn take(&self) -> bool {
        self.max == 0
            || self
                .taken
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                    (taken < self.max).then_some(taken + 1)
                })
                .is_ok()
    }

    /// Gives a reservation back: the request brought no page.
    pub(crate) fn give_back(&self) {
        if self.max > 0 {
            self.taken.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// See the module.
pub(crate) struct Board {
    shown: Vec<watch::Sender<JournalEnd>>,
    reports: Vec<watch::Sender<SlotReport>>,
    shards: Vec<watch::Sender<ShardReport>>,
    bells: Vec<Notify>,
    /// Intake stops while this is set: disk or memory is at its mark.
    hold: AtomicBool,
    pub(crate) pages: PageBudget,
}

impl Board {
    pub(crate) fn new(slots: u8, shards: u16, shown: &[JournalEnd], pages: PageBudget) -> Board {
        Board {
            shown: (0..usize::from(slots))
                .map(|slot| watch::Sender::new(shown.get(slot).copied().unwrap_or_default()))
                .collect(),
            reports: (0..slots)
                .map(|_| watch::Sender::new(SlotReport::default()))
                .collect(),
            shards: (0..shards)
                .map(|_| watch::Sender::new(ShardReport::default()))
                .collect(),
            bells: (0..shards).map(|_| Notify::new()).collect(),
            hold: AtomicBool::new(false),
            pages,
        }
    }

    /// Shows a slot's journal up to `end` to everybody.
    pub(crate) fn show(&self, slot: SlotId, end: JournalEnd) {
        let sender = &self.shown[usize::from(slot.0)];
        if sender.send_replace(end) != end {
            self.ring_all();
        }
    }

    /// How far a slot's journal may be read.
    pub(crate) fn shown(&self, slot: SlotId) -> JournalEnd {
        *self.shown[usize::from(slot.0)].borrow()
    }

    pub(crate) fn report(&self, slot: SlotId, report: SlotReport) {
        self.reports[usize::from(slot.0)].send_replace(report);
    }

    pub(crate) fn reports(&self) -> Vec<SlotReport> {
        self.reports
            .iter()
            .map(|report| report.borrow().clone())
            .collect()
    }

    pub(crate) fn report_shard(&self, shard: u16, report: ShardReport) {
        self.shards[usize::from(shard)].send_replace(report);
    }

    pub(crate) fn shard_reports(&self) -> Vec<ShardReport> {
        self.shards
            .iter()
            .map(|report| report.borrow().clone())
            .collect()
    }

    /// The journal file of `slot` that somebody still needs.
    pub(crate) fn links_needed_from(&self, slot: SlotId) -> u64 {
        let index = usize::from(slot.0);
        self.reports
            .iter()
            .map(|report| {
                report
                    .borrow()
                    .stored_to
                    .get(index)
                    .map_or(0, |end| end.file)
            })
            .min()
            .unwrap_or(0)
    }

    pub(crate) async fn rung(&self, shard: u16) {
        self.bells[usize::from(shard)].notified().await;
    }

    pub(crate) fn ring_all(&self) {
        self.bells.iter().for_each(Notify::notify_one);
    }

    pub(crate) fn set_hold(&self, hold: bool) {
        if self.hold.swap(hold, Ordering::Relaxed) != hold {
            self.ring_all();
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        self.hold.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_limit_counts_reservations() {
        let budget = PageBudget::new(3, 1);
        assert!(budget.take() && budget.take() && !budget.take());
        budget.give_back();
        assert!(budget.take());
        assert!((0..9).all(|_| PageBudget::new(0, 0).take()));
    }
}
