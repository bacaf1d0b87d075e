//! What one shard counts of itself while it works.
//!
//! In: readings of the clock, waits that begin and end. Out: the shard's report.
//! May touch: memory. Must not touch: slots, sockets.
//! Invariant: counting costs a handful of additions a page and never waits.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::poll_immediate;
use orb_api::Stage;
use orb_env::{Clock, Mono};

use crate::stages::StageTimes;

/// Requests that wait for something, right now.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    pub(crate) resolving: Cell<u64>,
    pub(crate) asking: Cell<u64>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) gauges: Rc<Gauges>,
    pub(crate) work: StageTimes,
    pub(crate) reported: Mono,
}

impl Tally {
    /// A piece of the shard's work took from `began` to `ended`, of which `named` microseconds went to stages
    /// that were timed on their own; the rest is the frontier's.
    pub(crate) fn worked(&mut self, began: Mono, ended: Mono, named: u64) {
        let rest = ended
            .since(began)
            .saturating_sub(Duration::from_micros(named));
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
