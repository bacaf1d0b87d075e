//! A shard: one core's world, one future. It owns whole slots and drives everything of them.
//!
//! In: events of its own futures, errands, wishes, the bell. Out: a crawl that moves on.
//! May touch: its slots, its fetcher. Must not touch: other shards' slots.
//! Invariant: whatever a slot wants next is started in `turn`; nothing in here waits but the loop itself.

use std::pin::pin;
use std::sync::Arc;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, select_biased};
use orb_env::mutant::{Mutant, planted};
use orb_env::{Env, Lane, Mono, run_on};
use orb_fetch::Fetcher;
use orb_frontier::Found;
use orb_metrics::happened;
use tokio::sync::{mpsc, watch};

use crate::CrawlError;
use crate::Wish;
use crate::desk::DeskHandle;
use crate::errand::{ErrandMessage, Routes};
use crate::event::Event;
use crate::heeding::Effects;
use crate::limits::{ABSORB_BYTES, EVENTS_PER_TURN, GROUP_FAILURES_MAX, REOPEN_PAUSE, STOP_GRACE};
use crate::orders::InForce;
use crate::page::PageReader;
use crate::questions::Question;
use crate::shared::Shared;
use crate::slot::Slot;
use crate::steady::Steady;
use crate::tally::Tally;
use crate::under_way::UnderWay;
use crate::watch::Watch;

/// How often a shard looks up even if nothing happened.
const HEARTBEAT: std::time::Duration = std::time::Duration::from_millis(500);

/// See the module.
pub(crate) struct Shard {
    pub(crate) index: u16,
    pub(crate) shared: Arc<Shared>,
    pub(crate) env: Env,
    pub(crate) steady: Steady,
    pub(crate) fetcher: Fetcher,
    pub(crate) desk: DeskHandle,
    pub(crate) routes: Routes,
    pub(crate) inbox: mpsc::Receiver<ErrandMessage>,
    pub(crate) questions: mpsc::Receiver<Question>,
    pub(crate) slots: Vec<Slot>,
    pub(crate) reader: PageReader,
    pub(crate) watch: Watch,
    pub(crate) work: FuturesUnordered<LocalBoxFuture<'static, Event>>,
    pub(crate) under_way: UnderWay,
    /// Visits that wait for a robots copy to be read; most of them become requests.
    pub(crate) reading: u32,
    pub(crate) warned_of_dns: bool,
    pub(crate) wish: Wish,
    pub(crate) stopping: bool,
    pub(crate) stop_since: Option<Mono>,
    /// Whether work for a closed segment is under way; there may be hundreds of them at an opening.
    pub(crate) closing: bool,
    pub(crate) tally: Tally,
    pub(crate) fatal: Option<CrawlError>,
    /// What orders say, and the part of it that is heeded.
    pub(crate) orders: watch::Receiver<Arc<InForce>>,
    pub(crate) in_force: Arc<InForce>,
    pub(crate) effects: Effects,
}

/// What ended a wait.
enum Woken {
    Errand(ErrandMessage),
    Question(Question),
    Event(Event),
    Ordered,
    Look,
}

/// How a shard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShardEnd {
    /// Everything was committed.
    Clean,
    /// Something was dropped on the way.
    Unclean,
}

impl Shard {
    pub(crate) fn push(&mut self, future: LocalBoxFuture<'static, Event>) {
        self.work.push(future);
    }

    /// Runs until a stop is done.
    pub(crate) async fn run(mut self) -> Result<ShardEnd, CrawlError> {
        let mut wishes = self.shared.control.wishes();
        loop {
            self.wish = *wishes.borrow_and_update();
            if self.wish == Wish::Abort {
                self.report_end();
                return Ok(ShardEnd::Unclean);
            }
            self.heed();
            self.tally.turn();
            let (began, named) = (self.tally.reading(), self.tally.work.time());
            self.turn()?;
            if let Some(end) = self.stopped() {
                self.report(true);
                self.report_end();
                return Ok(end);
            }
            let now = self.env.clock.mono();
            self.tally.worked(began, named);
            self.under_way.look(now);
            let wake = self.next_wake(now);
            self.report(wake > now);
            match self.next(&mut wishes, wake).await {
                Woken::Errand(message) => self.take_errand(message),
                Woken::Question(question) => self.take_question(question),
                Woken::Event(event) => {
                    self.timed(event);
                    self.handle_ready();
                    // Sockets and timers have their turn even when work never ends.
                    tokio::task::yield_now().await;
                }
                Woken::Ordered => self.heed_now(),
                Woken::Look => {}
            }
            self.fetcher.sweep_idle(self.env.clock.mono());
        }
    }

    /// Waits for whatever comes first, at the latest until `wake`.
    async fn next(&mut self, wishes: &mut watch::Receiver<Wish>, wake: Mono) -> Woken {
        let shared = Arc::clone(&self.shared);
        let mut sleep = self.env.clock.sleep_until(wake).fuse();
        let mut bell = pin!(shared.board.rung(self.index).fuse());
        let mut changed = pin!(wishes.changed().fuse());
        let mut ordered = pin!(self.orders.changed().fuse());
        let mut errand = pin!(self.inbox.recv().fuse());
        let mut question = pin!(self.questions.recv().fuse());
        select_biased! {
            _ = changed => Woken::Look,
            _ = ordered => Woken::Ordered,
            message = errand => message.map_or(Woken::Look, Woken::Errand),
            // A watcher waits for a page at most; nothing waits for a watcher.
            question = question => question.map_or(Woken::Look, Woken::Question),
            event = self.work.select_next_some() => Woken::Event(event),
            () = bell => Woken::Look,
            () = sleep => Woken::Look,
        }
    }

    fn handle_ready(&mut self) {
        for _ in 1..EVENTS_PER_TURN {
            match self.work.next().now_or_never() {
                Some(Some(event)) => self.timed(event),
                _ => return,
            }
        }
    }

    /// Starts whatever can be started, in every slot.
    fn turn(&mut self) -> Result<(), CrawlError> {
        if let Some(error) = self.fatal.take() {
            return Err(error);
        }
        self.stopping = self.wish >= Wish::Stop;
        let now = self.env.clock.mono();
        if self.stopping {
            self.stop_since.get_or_insert(now);
        }
        for at in 0..self.slots.len() {
            if self.slots[at].failed.is_some() {
                self.try_reopen(at)?;
            }
            if self.slots[at].failed.is_none() {
                self.start_jobs(at);
                self.start_queueing(at);
                self.begin_visits(at);
                self.maybe_commit(at);
            }
        }
        Ok(())
    }

    fn try_reopen(&mut self, at: usize) -> Result<(), CrawlError> {
        let now = self.env.clock.stamp();
        let shared = Arc::clone(&self.shared);
        let slot = &mut self.slots[at];
        let Some(failure) = slot.failed else {
            return Ok(());
        };
        // Whatever is still under way names sites by their place in the table that goes.
        let busy = slot.in_flight > 0 || slot.jobs > 0 || slot.hops > 0;
        if busy || failure.retry_at > now.mono {
            return Ok(());
        }
        // A full disk is no reason to end: the slot waits for room with the rest of the crawl. Opening writes too.
        if shared.board.is_held() {
            return Ok(());
        }
        if failure.times >= GROUP_FAILURES_MAX {
            return Err(CrawlError::Commit {
                slot: slot.id,
                times: failure.times,
            });
        }
        let undone = self.slots.remove(at).reopen(&shared, now)?;
        happened!(SlotUndone, slot = %undone.id, times = failure.times);
        self.slots.insert(at, undone);
        Ok(())
    }

    /// A group of this slot failed: it is undone once nothing of it is under way.
    pub(crate) fn slot_failed(&mut self, at: usize, disk_full: bool) {
        let slot = &mut self.slots[at];
        if slot.failed.is_none() {
            let pause = REOPEN_PAUSE * if disk_full { 5 } else { 1 };
            slot.fail(self.env.clock.mono().plus(pause));
            if disk_full {
                self.shared.board.set_hold(true);
            }
        }
    }

    /// Whether new requests may begin.
    pub(crate) fn is_open(&self) -> bool {
        self.wish == Wish::Run && !self.shared.board.is_held()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.is_open() && self.places_taken() < self.shared.config.limits.in_flight_max
    }

    /// Places for requests that are taken.
    pub(crate) fn places_taken(&self) -> u32 {
        let slow_max = self.shared.config.limits.slow_in_flight_max;
        self.under_way.quick_places(slow_max) + self.reading
    }

    fn hungry(&self, at: usize, now: Mono) -> bool {
        let slot = &self.slots[at];
        self.stopping || slot.frontier.next_time() > now
    }

    /// What was admitted or put aside goes into the queues, unless the store is behind.
    fn start_queueing(&mut self, at: usize) {
        let slot = &mut self.slots[at];
        if self.stopping
            || slot.is_clogged()
            || slot.frontier.waits_for_store(self.env.clock.mono())
        {
            return;
        }
        if let Some(job) = slot.frontier.start_readmit() {
            slot.jobs += 1;
            let read = run_on(self.env.work.as_ref(), Lane::Read, move || job.run());
            self.work
                .push(read.map(move |r| Event::Readmitted(at, r)).boxed_local());
        }
        if let Some(job) = slot.frontier.start_drain() {
            slot.jobs += 1;
            let read = run_on(self.env.work.as_ref(), Lane::Read, move || job.run());
            self.work
                .push(read.map(move |r| Event::Drained(at, r)).boxed_local());
        }
    }

    /// Absorbing, merging and loading of one slot.
    fn start_jobs(&mut self, at: usize) {
        let shared = Arc::clone(&self.shared);
        let now = self.env.clock.stamp();
        let steady = self.steady.stamp(now);
        let work = Arc::clone(&self.env.work);
        let hungry = self.hungry(at, now.mono);
        let open = self.is_open();
        let slot = &mut self.slots[at];
        if slot.is_clogged() {
            return;
        }
        let mut started: Vec<LocalBoxFuture<'static, Event>> = Vec::new();
        // One at a time: the helpers' queue is bounded, and a full one holds this thread up.
        if !self.closing
            && let Some(job) = slot.start_closing(&shared)
        {
            self.closing = true;
            // Nobody waits for it, a stop neither: what is not made then is made at the next opening.
            let made = run_on(work.as_ref(), Lane::Slow, job);
            self.work.push(made.map(|_| Event::Closed).boxed_local());
        }
        if let Some(job) = slot.start_seeds(&shared).filter(|_| !self.stopping) {
            started.push(
                run_on(work.as_ref(), Lane::Read, move || job.run())
                    .map(move |r| Event::Seeds(at, r))
                    .boxed_local(),
            );
        } else {
            slot.seeding = slot.seeding && !self.stopping;
        }
        if !self.stopping
            && let Some((source, mut reader, shown)) = slot.start_absorb(&shared)
        {
            let read = run_on(work.as_ref(), Lane::Read, move || {
                let result = reader.read(shown, ABSORB_BYTES);
                (reader, result)
            });
            started.push(
                read.map(move |r| Event::Absorbed(at, source, r))
                    .boxed_local(),
            );
        }
        let due = slot.frontier.merge_time(hungry) <= now.mono;
        if let Some(job) = due.then(|| slot.frontier.start_merge()).flatten() {
            started.push(
                run_on(work.as_ref(), Lane::Commit, move || job.run())
                    .map(move |r| Event::Merged(at, r))
                    .boxed_local(),
            );
        }
        while let Some(job) = open.then(|| slot.frontier.start_load(steady)).flatten() {
            started.push(
                run_on(work.as_ref(), Lane::Read, move || job.run())
                    .map(move |r| Event::Loaded(at, r))
                    .boxed_local(),
            );
        }
        slot.jobs += started.len() as u32;
        self.work.extend(started);
    }

    fn maybe_commit(&mut self, at: usize) {
        let now = self.env.clock.stamp();
        let hungry = self.hungry(at, now.mono);
        let shared = Arc::clone(&self.shared);
        let slot = &mut self.slots[at];
        if slot.frontier.is_dirty() {
            // A moved position alone makes a group too, and its time runs from now on.
            slot.group.grew(0, now.mono);
        }
        if slot.commit_time(hungry, self.stopping, now.mono) > now.mono {
            return;
        }
        if let Err(error) = slot.trim_reading(&shared) {
            tracing::warn!(%error, slot = %slot.id, "could not start the file of pages being read anew");
        }
        let Some(mut job) = slot.seal(&shared, now) else {
            return;
        };
        if planted(Mutant::JournalShownEarly)
            && let Ok(end) = job.write_files()
        {
            shared.board.show(slot.id, end);
        }
        slot.jobs += 1;
        slot.sealed_at = now.mono;
        let commit = run_on(self.env.work.as_ref(), Lane::Commit, move || {
            job.run().map(Box::new)
        });
        self.push(
            commit
                .map(move |result| Event::Committed(at, result))
                .boxed_local(),
        );
    }

    /// Takes one event, and counts the time it costs.
    fn timed(&mut self, event: Event) {
        let (began, named) = (self.tally.reading(), self.tally.work.time());
        self.handle(event);
        self.tally.worked(began, named);
    }

    /// Takes one event.
    fn handle(&mut self, event: Event) {
        match event {
            Event::Loaded(at, result) => {
                if let Some(loaded) = self.job_ended(at, "read queues", flat(result)) {
                    let now = self.steady.stamp(self.env.clock.stamp());
                    self.slots[at].frontier.loaded(loaded, now);
                }
            }
            Event::Drained(at, result) => {
                if let Some(drained) = self.job_ended(at, "drain admitted urls", flat(result)) {
                    let slot = &mut self.slots[at];
                    slot.frontier.drained(drained, &mut slot.group.batch);
                    slot.group.grew_urgently(0, self.env.clock.mono());
                }
            }
            Event::Readmitted(at, result) => self.readmitted(at, result),
            Event::Withheld(at, task, permit) => self.withheld(at, *task, permit),
            Event::Merged(at, result) => {
                if let Some(merged) = self.job_ended(at, "merge the sieve", flat(result)) {
                    let slot = &mut self.slots[at];
                    slot.frontier.merged(&merged, &mut slot.group.batch);
                    let now = self.env.clock.mono();
                    if merged.admitted.is_some() {
                        slot.group.grew_urgently(0, now);
                    } else {
                        slot.group.grew(0, now);
                    }
                }
            }
            Event::Absorbed(at, source, result) => self.absorbed(at, source, result),
            Event::Seeds(at, result) => {
                self.slots[at].seeding = false;
                if let Some((found, end)) = self.job_ended(at, "read seeds", flat(result)) {
                    let now = self.env.clock.mono();
                    let slot = &mut self.slots[at];
                    found
                        .iter()
                        .for_each(|found| slot.frontier.offer(found, now));
                    slot.frontier.covered_seeds(end);
                }
            }
            Event::Committed(at, result) => self.group_ended(at, result),
            Event::Copy(at, visit, origin, row) => {
                self.reading -= 1;
                let Some(row) = self.job_ended(at, "read a robots copy", flat(row)) else {
                    return;
                };
                let now = self.env.clock.stamp();
                self.slots[at]
                    .copies
                    .loaded(&origin, row.as_deref(), &self.shared.token, now);
                self.visit(at, *visit);
            }
            Event::Unresolved(at, task, error) => self.unresolved(at, *task, &error),
            Event::Deferred(at, task, until) => {
                self.slots[at].frontier.deferred(task.visit.id);
                self.unbegun(at, *task, until);
            }
            Event::Granted(at, task, grant) => self.granted(at, task, grant),
            Event::Exchanged(at, task, gate, finished) => self.exchanged(at, task, gate, &finished),
            Event::Hop(at, hop) => self.hop_answered(at, hop),
            Event::Answered(at) => self.slots[at].jobs -= 1,
            Event::Closed => self.closing = false,
        }
    }

    /// Counts a helper job down and sorts out failure; nothing comes back for a slot that is being undone.
    pub(crate) fn job_ended<T, E: std::error::Error>(
        &mut self,
        at: usize,
        what: &'static str,
        result: Option<Result<T, E>>,
    ) -> Option<T> {
        let slot = &mut self.slots[at];
        slot.jobs -= 1;
        match result {
            Some(Ok(value)) => slot.failed.is_none().then_some(value),
            Some(Err(error)) => {
                happened!(JobFailed, slot = %slot.id, what, error = %orb_api::with_causes(&error));
                self.slot_failed(at, false);
                None
            }
            None => {
                happened!(JobFailed, slot = %slot.id, what, error = "it was lost");
                self.slot_failed(at, false);
                None
            }
        }
    }

    fn absorbed(
        &mut self,
        at: usize,
        source: orb_shard::SlotId,
        result: Result<crate::event::AbsorbResult, orb_env::WorkLost>,
    ) {
        let Ok((reader, result)) = result else {
            self.slots[at].absorbing = false;
            self.job_ended::<(), orb_env::WorkLost>(at, "read a link journal", None);
            return;
        };
        self.slots[at].keep_reader(source, reader);
        let shown = self.slots[at].reader_end(source);
        let Some(block) = self.job_ended(at, "read a link journal", Some(result)) else {
            return;
        };
        let now = self.env.clock.mono();
        let slot = &mut self.slots[at];
        let Some(block) = block else {
            return slot.frontier.covered(source, shown);
        };
        let mut rest = &block.bytes[..];
        while !rest.is_empty() {
            match Found::decode(&mut rest) {
                Ok(found) => slot.frontier.offer(&found, now),
                Err(error) => {
                    tracing::error!(slot = %slot.id, from = %source, %error, "link journal holds an unreadable row");
                    return self.slot_failed(at, false);
                }
            }
        }
        slot.frontier.covered(source, block.after);
    }

    fn group_ended(
        &mut self,
        at: usize,
        result: Result<
            Result<Box<crate::group::Committed>, crate::files::CommitError>,
            orb_env::WorkLost,
        >,
    ) {
        let slot = &mut self.slots[at];
        slot.jobs -= 1;
        let id = slot.id;
        if matches!(result, Ok(Ok(_))) {
            let took = self.env.clock.mono().since(slot.sealed_at);
            self.tally.latencies.commit.note(took);
        }
        match result {
            Ok(Ok(committed)) => match slot.committed(*committed) {
                Ok(end) => self.shared.board.show(id, end),
                Err(error) => self.fatal = Some(error),
            },
            Ok(Err(error)) => {
                let full = error.is_disk_full();
                happened!(CommitFailed, slot = %id, error = %orb_api::with_causes(&error));
                self.slot_failed(at, full);
            }
            Err(lost) => {
                happened!(CommitFailed, slot = %id, error = %lost);
                self.slot_failed(at, false);
            }
        }
    }

    /// Whether a stop is done.
    fn stopped(&self) -> Option<ShardEnd> {
        if !self.stopping {
            return None;
        }
        let quiet = self
            .slots
            .iter()
            .all(|slot| slot.in_flight == 0 && slot.jobs == 0 && slot.is_settled());
        if quiet {
            return Some(ShardEnd::Clean);
        }
        let late = self
            .stop_since
            .is_some_and(|since| self.env.clock.mono() > since.plus(STOP_GRACE));
        late.then_some(ShardEnd::Unclean)
    }

    fn next_wake(&self, now: Mono) -> Mono {
        let mut wake = now.plus(HEARTBEAT);
        let room = self.has_room();
        for (at, slot) in self.slots.iter().enumerate() {
            if let Some(failure) = slot.failed {
                wake = wake.min(failure.retry_at.max(now.plus(HEARTBEAT / 10)));
                continue;
            }
            let hungry = self.hungry(at, now);
            wake = wake.min(slot.commit_time(hungry, self.stopping, now));
            if !slot.is_clogged() {
                wake = wake.min(slot.frontier.merge_time(hungry));
                if room {
                    wake = wake.min(slot.frontier.next_time());
                }
            }
        }
        wake
    }
}

/// A lost job and a failed one are both failures.
pub(crate) fn flat<T, E>(result: Result<Result<T, E>, orb_env::WorkLost>) -> Option<Result<T, E>> {
    result.ok()
}
