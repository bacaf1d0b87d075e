//! The coordinator: sees every slot's report, publishes the status, and ends the crawl.
//!
//! In: reports, limits, room on the disk, accounts of threads. Out: status, hold, the stop.
//! May touch: the board, control, the disk's room. Must not touch: slots.
//! Invariant: a crawl is finished only when nothing is left anywhere, seen twice with nothing moved between.

use std::future::Future;
use std::sync::Arc;

use futures_util::future::{Either, select};
use orb_api::{Books, Bounds, Latencies, Limiting, Phase, Sightings, Status, Summary};
use orb_env::mutant::{Mutant, planted};
use orb_env::{Clock, Mono};
use orb_metrics::{Counted, happened};

use crate::Wish;
use crate::board::{ShardReport, SlotReport};
use crate::limiting::limiting;
use crate::limits::{CLOCK_JUMP_MIN, COORDINATOR_INTERVAL, LOOKS_PER_SECOND, SHARE_MIN};
use crate::pace::{Ends, Pace, Sample};
use crate::pulse::{Pulse, Steadied};
use crate::room::RoomWatch;
use crate::run::EndReason;
use crate::shared::Shared;
use crate::stages::{Passages, ThreadBook};

/// See the module.
pub(crate) struct Coordinator {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    started: Mono,
    last: Option<Vec<SlotReport>>,
    why: Option<EndReason>,
    looks: u64,
    room: RoomWatch,
    threads: ThreadBook,
    pace: Pace,
    steadied: Steadied,
    limiting: Limiting,
    /// Wall time less monotonic time at the last look.
    clocks_apart: Option<i64>,
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
            room: RoomWatch::default(),
            threads: ThreadBook::default(),
            pace: Pace::default(),
            steadied: Steadied::default(),
            limiting: Limiting::Unknown,
            clocks_apart: None,
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
                    return (output, why, self.end(why));
                }
                Either::Right(_) => self.look(),
            }
        }
    }

    /// Publishes the last status and draws the sum.
    fn end(mut self, why: EndReason) -> Summary {
        let reports = self.shared.board.reports();
        let mut shards = self.shared.board.shard_reports();
        for shard in &mut shards {
            self.threads.note(std::mem::take(&mut shard.last_threads));
        }
        self.limiting = Limiting::Unknown;
        self.pace.clear();
        let phase = if why == EndReason::Finished {
            Phase::Finished
        } else {
            Phase::Stopped
        };
        let status = self.status(&reports, phase);
        let summary = self.summary(&status, &reports, &shards);
        self.shared.control.publish(status);
        summary
    }

    fn look(&mut self) {
        self.look_at_clock();
        let reports = self.shared.board.reports();
        let shards = self.shared.board.shard_reports();
        let now = self.clock.mono();
        self.looks += 1;
        self.shared.steering.follow_list();
        if self.looks % LOOKS_PER_SECOND == 1 {
            self.room.look(&self.shared, self.clock.as_ref(), &reports);
            self.threads.note(self.shared.world.threads());
            self.threads.look(shards.len(), now);
            self.pace.note(sample(&reports, now));
        }
        if self.why.is_none() {
            self.why = self.reason_to_end(&reports);
            if self.why.is_some() {
                self.shared.control.come_to_end();
            }
        }
        let wish = self.shared.control.wish();
        let phase = match wish {
            Wish::Run if self.shared.board.is_held() => self.room.phase(),
            Wish::Run => Phase::Running,
            Wish::Pause => Phase::Paused,
            Wish::Stop | Wish::Abort => Phase::Stopping,
        };
        self.weigh(&reports, &shards, wish);
        let status = self.status(&reports, phase);
        self.publish_pulse(&status, &reports, &shards);
        self.shared.control.publish(status);
        self.last = Some(reports);
    }

    /// Finds what limits the crawl now.
    fn weigh(&mut self, reports: &[SlotReport], shards: &[ShardReport], wish: Wish) {
        self.steadied.note(reports, shards);
        if wish == Wish::Pause {
            self.pace.clear();
        }
        let mut pressure = self.steadied.pressure(shards, self.threads.busy());
        let config = &self.shared.config;
        pressure.paused = wish == Wish::Pause;
        pressure.held = self.shared.board.is_held();
        pressure.uploads_behind = pressure.held && self.room.phase() == Phase::UploadsBehind;
        pressure.pending = reports.iter().map(|report| report.books.pending).sum();
        pressure.in_flight_max = self.in_flight_max() as f64;
        if let Some((requests, bytes)) = self.pace.lately(3) {
            let share = |rate: f64, cap: f64| if cap > 0.0 { rate / cap } else { 0.0 };
            let politeness = &config.politeness;
            pressure.rate_share = share(requests, politeness.pages_per_second_max)
                .max(share(bytes, politeness.bytes_per_second_max as f64));
        }
        self.limiting = match limiting(&pressure) {
            _ if wish >= Wish::Stop => Limiting::Unknown,
            // Between two states of a small crawl nothing is known for a moment; the last word stands.
            Limiting::Unknown => self.limiting,
            known => known,
        };
    }

    fn slow_in_flight_max(&self) -> u64 {
        u64::from(self.shared.config.limits.slow_in_flight_max) * u64::from(self.shared.shards)
    }

    fn in_flight_max(&self) -> u64 {
        u64::from(self.shared.config.limits.in_flight_max) * u64::from(self.shared.shards)
    }

    fn reason_to_end(&self, reports: &[SlotReport]) -> Option<EndReason> {
        let limits = &self.shared.config.limits;
        let totals = sample(reports, Mono(0));
        if limits.pages_max > 0 && totals.pages >= limits.pages_max {
            Some(EndReason::PagesMax)
        } else if limits.bytes_max.bytes() > 0 && totals.bytes >= limits.bytes_max.bytes() {
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
            status.sites += report.sites.known;
            status.sites_pending += report.sites.pending;
            status.sites_waiting += report.sites.waiting;
            status.sites_parked += report.sites.parked;
            status.sites_backed_off += report.sites.backed_off;
            status.pages += report.counts.pages;
            status.requests += report.counts.requests;
            status.again += report.counts.again;
            status.again_useful += report.counts.again_useful;
            status.sitemaps += report.counts.sitemaps;
            status.bytes_wire += report.counts.bytes_wire;
            status.bytes_archived += report.counts.bytes_archived;
            for (outcome, count) in &report.counts.outcomes {
                let name = outcome.name().to_owned();
                *status.outcomes.entry(name).or_default() += count;
            }
            for (reason, count) in &report.counts.reasons {
                let name = reason.name().to_owned();
                *status.reasons.entry(name).or_default() += count;
            }
        }
        status.sites_active = in_flight;
        status.seconds = self.clock.mono().since(self.started).as_secs_f64();
        status.discovered = books.discovered;
        status.states = books.states(in_flight);
        status.sightings = sightings;
        status.rss_bytes = self.shared.world.rss_bytes();
        status.cpu_seconds = self.shared.world.cpu_seconds();
        status.pid = Some(std::process::id());
        status.bounds = self.bounds(reports);
        status.limiting = self.limiting;
        status.uploads = self.shared.shelf.tally();
        status.eta_seconds = self.seconds_left(phase, status.seconds);
        status
    }

    fn bounds(&self, reports: &[SlotReport]) -> Bounds {
        let totals = sample(reports, Mono(0));
        Bounds {
            disk_used_bytes: self.room.used_bytes,
            disk_free_bytes: self.room.free_bytes,
            disk_free_min_bytes: self.room.free_bytes_min,
            pages_in_all: totals.pages,
            bytes_received: totals.bytes,
            in_flight_max: self.in_flight_max() + self.slow_in_flight_max(),
            ..crate::config::caps(&self.shared.config)
        }
    }

    fn seconds_left(&self, phase: Phase, seconds: f64) -> Option<f64> {
        let limits = &self.shared.config.limits;
        let timed = (!limits.duration_max.is_zero())
            .then(|| (limits.duration_max.as_secs_f64() - seconds).max(0.0));
        let ends = Ends {
            pages_max: limits.pages_max,
            bytes_max: limits.bytes_max.bytes(),
            seconds_left: timed,
        };
        matches!(phase, Phase::Running | Phase::Paused)
            .then(|| self.pace.seconds_left(&ends))
            .flatten()
    }

    /// Tells when the wall clock was set: its distance to the clock that nobody sets has changed.
    fn look_at_clock(&mut self) {
        let now = self.clock.stamp();
        let apart = now.wall.0.saturating_sub_unsigned(now.mono.0);
        let before = self.clocks_apart.replace(apart).unwrap_or(apart);
        let by_us = apart.saturating_sub(before);
        if by_us.unsigned_abs() > CLOCK_JUMP_MIN.as_micros() as u64 {
            happened!(ClockJumped, by_ms = by_us / 1_000);
        }
    }

    fn publish_pulse(&self, status: &Status, reports: &[SlotReport], shards: &[ShardReport]) {
        let sum = |part: fn(&ShardReport) -> u64| shards.iter().map(part).sum::<u64>();
        let mut latencies = Latencies::default();
        shards
            .iter()
            .for_each(|shard| latencies += &shard.latencies);
        let deferred: u64 = reports.iter().map(|report| report.sites.deferred).sum();
        self.shared.control.publish_pulse(Pulse {
            resolving: sum(|shard| shard.resolving),
            asking: deferred + sum(|shard| shard.asking),
            shards_busy: self.threads.busy().to_vec(),
            latencies,
            late: shards
                .iter()
                .map(|shard| shard.late)
                .max()
                .unwrap_or_default(),
            busiest_address: share(shards.iter().map(|shard| shard.addresses)),
            busiest_site: share(reports.iter().map(|report| report.sites.queued)),
            stages: self
                .threads
                .stages(shards, passages(reports), status.cpu_seconds),
        });
    }

    fn summary(&self, status: &Status, reports: &[SlotReport], shards: &[ShardReport]) -> Summary {
        let cpu_seconds = self.shared.world.cpu_seconds();
        Summary {
            pages: status.pages,
            requests: status.requests,
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
            states: status.states.clone(),
            stages: self.threads.stages(shards, passages(reports), cpu_seconds),
        }
    }
}

/// The largest share of one in all of these.
fn share(parts: impl Iterator<Item = Counted>) -> f64 {
    Counted::share(&parts.collect::<Vec<_>>(), SHARE_MIN)
}

/// The counts of this moment, summed over slots.
fn sample(reports: &[SlotReport], at: Mono) -> Sample {
    let mut sample = Sample {
        at,
        ..Sample::default()
    };
    for report in reports {
        sample.requests += report.counts.requests;
        sample.pages += report.counts.pages_in_all;
        sample.bytes += report.counts.bytes_received;
        sample.discovered += report.books.discovered;
        sample.pending += report.books.pending;
    }
    sample
}

fn passages(reports: &[SlotReport]) -> Passages {
    Passages {
        requests: reports.iter().map(|report| report.counts.requests).sum(),
        groups: reports.iter().map(|report| report.counts.groups).sum(),
    }
}
