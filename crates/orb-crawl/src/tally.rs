//! What one shard counts of itself while it works.
//!
//! In: readings of clocks, waits that begin and end. Out: the shard's report.
//! May touch: memory. Must not touch: slots, sockets.
//! Invariant: counting costs a handful of additions a page and never waits.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::poll_immediate;
use orb_api::{AttemptRow, Latencies, Stage};
use orb_env::{Clock, Mono};

use crate::World;
use crate::limits::TURNS_PER_TIMED;
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

    /// The parts of a request that was made.
    pub(crate) fn traced(&mut self, id: [u8; 16], row: &AttemptRow) {
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
