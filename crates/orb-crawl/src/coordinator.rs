//! The coordinator: sees every slot's report, publishes the status, and ends the crawl.
//!
//! In: reports, limits, room on the disk. Out: status, hold, the stop.
//! May touch: the board, control, the disk's room. Must not touch: slots.
//! Invariant: a crawl is finished only when nothing is left anywhere, seen twice with nothing moved between.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::{Either, select};
use orb_api::{Books, Phase, Sightings, Status, Summary};
use orb_env::mutant::{Mutant, planted};
use orb_env::{Clock, Mono};

use crate::board::SlotReport;
use crate::limits::COORDINATOR_INTERVAL;
use crate::run::EndReason;
use crate::shared::Shared;
use crate::{Control, Wish};

/// See the module.
pub(crate) struct Coordinator {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    started: Mono,
    last: Option<Vec<SlotReport>>,
    why: Option<EndReason>,
    looks: u64,
}

impl Coordinator {
    pub(crate) fn new(shared: &Arc<Shared>) -> Coordinator {
        let clock = shared.world.clock();
        Coordinator {
            shared: Arc::clone(shared),
            started: clock.mono(),
            clock,
            last: None,
            why: None,
            looks: 0,
        }
    }

    /// Looks on until `ended`; hands back what it returned, and why the crawl ended.
    pub(crate) async fn run<T>(
        mut self,
        ended: impl Future<Output = T>,
    ) -> (T, EndReason, Summary) {
        let mut ended = std::pin::pin!(ended);
        loop {
            let tick = self
                .clock
                .sleep_until(self.clock.mono().plus(COORDINATOR_INTERVAL));
            match select(ended.as_mut(), tick).await {
                Either::Left((output, _)) => {
                    let why = self.why.unwrap_or(match self.shared.control.wish() {
                        Wish::Abort => EndReason::Aborted,
                        _ => EndReason::Stopped,
                    });
                    let reports = self.shared.board.reports();
                    self.publish(
                        &reports,
                        if why == EndReason::Finished {
                            Phase::Finished
                        } else {
                            Phase::Stopped
                        },
                    );
                    let summary = self.summary(&reports);
                    return (output, why, summary);
                }
                Either::Right(_) => self.look(),
            }
        }
    }

    fn look(&mut self) {
        let reports = self.shared.board.reports();
        self.looks += 1;
        if self.looks % 5 == 1 {
            self.watch_room(&reports);
        }
        if self.why.is_none() {
            self.why = self.reason_to_end(&reports);
            if self.why.is_some() {
                self.shared.control.ask(Wish::Stop);
            }
        }
        let phase = match self.shared.control.wish() {
            Wish::Run if self.shared.board.is_held() => Phase::DiskFull,
            Wish::Run => Phase::Running,
            Wish::Pause => Phase::Paused,
            Wish::Stop | Wish::Abort => Phase::Stopping,
        };
        self.publish(&reports, phase);
        self.last = Some(reports);
    }

    fn reason_to_end(&self, reports: &[SlotReport]) -> Option<EndReason> {
        let limits = &self.shared.config.limits;
        let pages: u64 = reports
            .iter()
            .map(|report| report.counts.pages_in_all)
            .sum();
        let bytes: u64 = reports
            .iter()
            .map(|report| report.counts.bytes_received)
            .sum();
        if limits.pages_max > 0 && pages >= limits.pages_max {
            Some(EndReason::PagesMax)
        } else if limits.bytes_max.bytes() > 0 && bytes >= limits.bytes_max.bytes() {
            Some(EndReason::BytesMax)
        } else if !limits.duration_max.is_zero()
            && self.clock.mono() >= self.started.plus(limits.duration_max)
        {
            Some(EndReason::DurationMax)
        } else if self.is_finished(reports) {
            Some(EndReason::Finished)
        } else {
            None
        }
    }

    fn is_finished(&self, reports: &[SlotReport]) -> bool {
        let all_read = reports.iter().all(|report| {
            let shown = self
                .shared
                .slots
                .slot_ids()
                .map(|slot| self.shared.board.shown(slot));
            report.read_to.iter().copied().eq(shown)
        });
        reports.iter().all(|report| report.idle)
            && (all_read || planted(Mutant::FinishedWithUnreadJournal))
            && (self.last.as_deref() == Some(reports) || planted(Mutant::FinishedWithUnreadJournal))
    }

    /// Stops intake below the watermark, and lets it go on when there is room again.
    fn watch_room(&self, reports: &[SlotReport]) {
        let config = &self.shared.config;
        let disk = self.shared.world.disk();
        let Ok(room) = disk.room(self.shared.dir.root()) else {
            return;
        };
        let mark = config.disk_free_min.bytes().min(room.total_bytes / 20);
        let used = || {
            let stores: u64 = reports.iter().map(|report| report.counts.disk_bytes).sum();
            stores + self.folder_bytes()
        };
        let over = config.disk_max.bytes() > 0 && used() >= config.disk_max.bytes();
        let held = self.shared.board.is_held();
        // A little more room is asked for before going on, so that it does not go to and fro.
        let low = room.free_bytes < if held { mark + mark / 10 } else { mark };
        if (low || over) != held {
            self.shared.board.set_hold(low || over);
            if held {
                tracing::info!(
                    free_bytes = room.free_bytes,
                    "disk has room again, intake goes on"
                );
            } else {
                tracing::warn!(
                    free_bytes = room.free_bytes,
                    mark_bytes = mark,
                    "disk is nearly full, intake stops until there is room"
                );
            }
        }
    }

    fn folder_bytes(&self) -> u64 {
        let dir = &self.shared.dir;
        let mut folders = vec![dir.warc(), dir.attempts(), dir.commits(), dir.logs()];
        for slot in self.shared.slots.slot_ids() {
            folders.extend([dir.links(slot), dir.sieve(slot), dir.seeds(slot)]);
        }
        let disk = self.shared.world.disk();
        folders
            .iter()
            .filter_map(|folder| disk.list(folder).ok())
            .flatten()
            .map(|entry| entry.bytes)
            .sum()
    }

    fn publish(&self, reports: &[SlotReport], phase: Phase) {
        publish(&self.shared.control, self.status(reports, phase));
    }

    fn status(&self, reports: &[SlotReport], phase: Phase) -> Status {
        let mut books = Books::default();
        let mut status = Status {
            phase,
            ..Status::default()
        };
        let mut in_flight = 0;
        let mut sightings = Sightings::default();
        for report in reports {
            books += &report.books;
            sightings += &report.sightings;
            in_flight += report.in_flight;
            status.sites += report.sites;
            status.sites_pending += report.sites_pending;
            status.pages += report.counts.pages;
            status.requests += report.counts.requests;
            status.bytes_wire += report.counts.bytes_wire;
            status.bytes_archived += report.counts.bytes_archived;
            for (outcome, count) in &report.counts.outcomes {
                *status
                    .outcomes
                    .entry(outcome.name().to_owned())
                    .or_default() += count;
            }
        }
        status.seconds = self.clock.mono().since(self.started).as_secs_f64();
        status.discovered = books.discovered;
        status.states = books.states(in_flight);
        status.sightings = sightings;
        status.rss_bytes = self.shared.world.rss_bytes();
        status.pid = Some(std::process::id());
        status
    }

    fn summary(&self, reports: &[SlotReport]) -> Summary {
        let status = self.status(reports, Phase::Stopped);
        let cpu_seconds = self.shared.world.cpu_seconds();
        Summary {
            pages: status.pages,
            requests: status.requests,
            stages: BTreeMap::new(),
            bytes_wire: status.bytes_wire,
            bytes_archived: status.bytes_archived,
            seconds: status.seconds,
            cpu_seconds,
            pages_per_cpu_second: if cpu_seconds > 0.0 {
                status.pages as f64 / cpu_seconds
            } else {
                0.0
            },
            rss_peak_bytes: self.shared.world.rss_peak_bytes(),
            states: status.states,
        }
    }
}

fn publish(control: &Control, status: Status) {
    control.publish(status);
}
