//! What one shard counts of itself while it works.
//!
//! In: readings of clocks, waits that begin and end. Out: the shard's report.
//! May touch: memory. Must not touch: slots, sockets.
//! Invariant: counting costs a handful of additions a page and never waits.

use std::cell::Cell;
use std::future::Future;
use std::hash::Hasher;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::poll_immediate;
use orb_api::{AttemptRow, Latencies, Outcome, Stage, span_id};
use orb_env::{Clock, Mono};
use orb_metrics::{Busiest, happened};
use rustc_hash::FxHasher;

use crate::World;
use crate::limits::{REQUEST_LINES_BURST, SLOW_REQUEST_MIN, TURNS_PER_TIMED};
use crate::stages::StageTimes;

/// Requests that wait for something, right now.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    pub(crate) resolving: Cell<u64>,
    pub(crate) asking: Cell<u64>,
}

/// See the module.
pub(crate) struct Tally {
    world: Arc<dyn World>,
    pub(crate) gauges: Rc<Gauges>,
    pub(crate) work: StageTimes,
    pub(crate) reported: Mono,
    pub(crate) latencies: Latencies,
    /// Whose addresses the requests of the last minute went to.
    pub(crate) addresses: Busiest,
    lines: LineBudget,
    /// When this turn began, on the thread's CPU clock, if it is one that is timed.
    turn: Option<Duration>,
    draw: u64,
}

impl Tally {
    pub(crate) fn new(world: Arc<dyn World>) -> Tally {
        Tally {
            world,
            gauges: Rc::default(),
            work: StageTimes::default(),
            reported: Mono(0),
            latencies: Latencies::default(),
            addresses: Busiest::default(),
            lines: LineBudget::default(),
            turn: None,
            draw: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// A turn of the loop ends and the next begins. Which are timed is drawn, so that no rhythm of the work is
    /// mistaken for its mean.
    pub(crate) fn turn(&mut self) {
        if let Some(began) = self.turn.take() {
            let took = self.world.thread_cpu().saturating_sub(began);
            self.work.add_turn(took);
        }
        self.draw ^= self.draw << 13;
        self.draw ^= self.draw >> 7;
        self.draw ^= self.draw << 17;
        if self.draw.is_multiple_of(TURNS_PER_TIMED) {
            self.turn = Some(self.world.thread_cpu());
        }
    }

    /// The parts of a request that was made; of one that took long or ended in trouble the log tells.
    pub(crate) fn traced(&mut self, id: [u8; 16], row: &AttemptRow) {
        let now = row.end;
        if !row.address.is_empty() {
            let mut hash = FxHasher::default();
            hash.write(row.address.as_bytes());
            self.addresses.note(hash.finish(), now.0);
        }
        let took = row.end.since(row.start.mono);
        let troubled = matches!(row.outcome, Outcome::Retry | Outcome::Failed);
        if (troubled || took >= SLOW_REQUEST_MIN) && self.lines.take(now) {
            tell(row, troubled, took);
        }
        let Some(timings) = row.timings else {
            return;
        };
        let own = &mut self.latencies;
        for (spread, took_us) in [
            (&mut own.dns, timings.dns_us),
            (&mut own.connect, timings.connect_us),
            (&mut own.tls, timings.tls_us),
            (&mut own.first_byte, timings.first_byte_us),
            (&mut own.body, timings.body_us),
        ] {
            if let Some(took_us) = took_us {
                spread.note_traced(Duration::from_micros(took_us), id, row.end_wall.0);
            }
        }
    }

    /// The thread's CPU clock, in a turn that is timed.
    pub(crate) fn reading(&self) -> Option<Duration> {
        self.turn.map(|_| self.world.thread_cpu())
    }

    /// How long it is since `began`, if that was read.
    pub(crate) fn since(&self, began: Option<Duration>) -> Option<Duration> {
        began.map(|began| self.world.thread_cpu().saturating_sub(began))
    }

    /// Work on `stage` that began at `began` is done.
    pub(crate) fn passed(&mut self, stage: Stage, began: Option<Duration>) {
        let took = self.since(began);
        self.work.add(stage, took);
    }

    /// Work of the shard that began at `began`, when `named` had gone to stages, is done: what went to none since
    /// then is the frontier's.
    pub(crate) fn worked(&mut self, began: Option<Duration>, named: Duration) {
        let named = self.work.time() - named;
        let rest = self.since(began).map(|took| took.saturating_sub(named));
        self.work.add(Stage::Frontier, rest);
    }
}

/// A line of the log, with the ids of the trace and of the part that took longest.
fn tell(row: &AttemptRow, troubled: bool, took: Duration) {
    let part = row.timings.unwrap_or_default().longest_part();
    let (trace_id, span_id) = (row.id.as_str(), span_id(&row.id, part));
    let (site, status, took_ms) = (row.site.as_str(), row.status, took.as_millis() as u64);
    let (outcome, reason) = (row.outcome.name(), row.reason.name());
    if troubled {
        happened!(
            RequestInTrouble,
            trace_id,
            span_id,
            part,
            site,
            status,
            took_ms,
            outcome,
            reason,
            error = row.error
        );
    } else {
        happened!(
            RequestSlow,
            trace_id,
            span_id,
            part,
            site,
            status,
            took_ms,
            outcome
        );
    }
}

/// Lines about single requests: a burst, then one a second, so that a web in trouble does not push out what else the
/// log tells. Every request has its row all the same.
#[derive(Debug)]
struct LineBudget {
    left: u32,
    at: Mono,
}

impl Default for LineBudget {
    fn default() -> LineBudget {
        LineBudget {
            left: REQUEST_LINES_BURST,
            at: Mono(0),
        }
    }
}

impl LineBudget {
    fn take(&mut self, now: Mono) -> bool {
        let seconds = now.since(self.at).as_secs();
        if seconds > 0 {
            let more = u32::try_from(seconds).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(more).min(REQUEST_LINES_BURST);
            self.at = now;
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

/// Waits for `work`, counted in `gauge` while it waits. The time is told only if there was a wait: what is at hand
/// costs no reading of the clock.
pub(crate) async fn counted<F: Future>(
    gauge: &Cell<u64>,
    clock: &dyn Clock,
    work: F,
) -> (F::Output, Option<Duration>) {
    let mut work = pin!(work);
    if let Some(output) = poll_immediate(work.as_mut()).await {
        return (output, None);
    }
    let began = clock.mono();
    gauge.set(gauge.get() + 1);
    let output = work.await;
    gauge.set(gauge.get() - 1);
    (output, Some(clock.mono().since(began)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use orb_env::BootClock;
    use tokio::sync::oneshot;

    #[test]
    fn a_web_in_trouble_gets_a_burst_of_lines_and_then_one_a_second() {
        let mut lines = LineBudget::default();
        let day = (0..86_400_u64 * 20).map(|tick| Mono(1_000_000_000 + tick * 50_000));
        let told = day.filter(|now| lines.take(*now)).count();
        let most = 86_400 + REQUEST_LINES_BURST as usize;
        assert!((86_000..=most).contains(&told), "{told}");
    }

    #[test]
    fn only_what_waits_is_counted_and_timed() {
        let (gauge, clock) = (Cell::new(0), BootClock::new());
        let at_hand = counted(&gauge, &clock, async { 5 }).now_or_never();
        assert_eq!((at_hand, gauge.get()), (Some((5, None)), 0));
        let (tell, told) = oneshot::channel();
        let mut waiting = Box::pin(counted(&gauge, &clock, told));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(gauge.get(), 1);
        tell.send(7).unwrap();
        let (answer, took) = waiting.now_or_never().unwrap();
        assert_eq!((answer, took.is_some(), gauge.get()), (Ok(7), true, 0));
    }
}
