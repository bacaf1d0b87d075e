//! A shard at work: slots, helper lanes, requests under way, and a time of its own.
//!
//! In: rounds of links. Out: frontiers that were driven as a crawl drives them, and what it cost.
//! May touch: its slots, its lanes. Must not touch: sockets, the machine's clock, but to measure.
//! Invariant: time is virtual and passes only when nothing is left to do at it; it never passes by much while a
//! helper has something in hand, so what the helpers are slow with is not hidden.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use orb_env::{BootId, Entropy, Mono, SeededEntropy, Stamp, Wall, thread_cpu};
use orb_frontier::{Queued, Settled, Visit};
use orb_gate::{AddressClocks, Answer, Permit, PolitenessConfig};
use orb_shard::SlotId;

use crate::DrillError;
use crate::board::Board;
use crate::costs::{Charges, Costs};
use crate::flight::{Flight, Pretence, Stage};
use crate::helping::Helping;
use crate::lanes::{Lane, Stopwatch, Took};
use crate::plan::Plan;
use crate::slot::{Done, Slot};
use crate::stream::{Block, Round};

/// Virtual time that may pass in one step while helpers have something in hand.
const STEP_MAX: Duration = Duration::from_millis(10);

/// Virtual time that absorbing a link takes: half a million a second.
const LINK_TAKES: Duration = Duration::from_micros(2);

/// Virtual time that taking what a job read takes.
const READ_TAKES: Duration = Duration::from_micros(20);

/// One visit of so many is metered: reading a thread's CPU clock asks the kernel, and seven readings a request cost a
/// tenth of what they measure.
const METERED: u32 = 8;

/// Blocks that may wait for one slot before no more are taken from the stream.
const INBOX_MAX: usize = 3;

/// How often a store that is behind is asked again where nothing else is to be done.
const STORE_ASKED_EVERY: Duration = Duration::from_millis(1);

/// Where rounds come from; `None` is the end.
pub(crate) type Source = Box<dyn FnMut() -> Option<Round> + Send>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Begin(usize),
    End(usize),
}

/// See the module.
pub(crate) struct Shard {
    pub(crate) slots: Vec<Slot>,
    pub(crate) number: usize,
    pub(crate) plan: Plan,
    pub(crate) pretence: Box<dyn Pretence>,
    pub(crate) board: Arc<Board>,
    source: Option<Source>,
    helping: Helping,
    clocks: AddressClocks,
    politeness: PolitenessConfig,
    entropy: SeededEntropy,
    pub(crate) now: Mono,
    events: BinaryHeap<Reverse<(Mono, u64, Event)>>,
    turn: u64,
    /// Visits begun, metered or not.
    visits: u32,
    flights: Vec<Option<Flight>>,
    free: Vec<usize>,
    charges: Vec<Charges>,
    /// Links found in the groups being built and being committed, of each slot.
    found: Vec<[Round; 2]>,
    watch: Stopwatch,
    pub(crate) costs: Costs,
}

/// What a shard is made of.
pub(crate) struct ShardParts {
    pub(crate) slots: Vec<Slot>,
    pub(crate) number: usize,
    pub(crate) plan: Plan,
    pub(crate) pretence: Box<dyn Pretence>,
    pub(crate) board: Arc<Board>,
    pub(crate) source: Option<Source>,
    pub(crate) helping: Helping,
    pub(crate) politeness: PolitenessConfig,
    pub(crate) opened: Mono,
    pub(crate) seed: u64,
}

/// The moment `mono` on every clock of a drill.
pub(crate) fn stamp(mono: Mono) -> Stamp {
    Stamp {
        boot: BootId([7; 16]),
        mono,
        wall: Wall(1_795_331_400_000_000).plus(mono.since(Mono(0))),
    }
}

/// The CPU time of this thread, where somebody looks.
fn cpu_clock(metered: bool) -> Duration {
    if metered {
        thread_cpu()
    } else {
        Duration::ZERO
    }
}

impl Shard {
    pub(crate) fn new(parts: ShardParts) -> Shard {
        let slots = parts.slots.len();
        Shard {
            clocks: AddressClocks::new(parts.politeness.clone(), parts.opened),
            charges: std::iter::repeat_with(Charges::default)
                .take(slots)
                .collect(),
            found: vec![Default::default(); slots],
            slots: parts.slots,
            number: parts.number,
            plan: parts.plan,
            pretence: parts.pretence,
            board: parts.board,
            source: parts.source,
            helping: parts.helping,
            politeness: parts.politeness,
            entropy: SeededEntropy::new(parts.seed),
            now: parts.opened,
            events: BinaryHeap::new(),
            turn: 0,
            visits: 0,
            flights: Vec::new(),
            free: Vec::new(),
            watch: Stopwatch::new(),
            costs: Costs::default(),
        }
    }

    /// Works until the plan is done, or the end is asked for; everything is committed then.
    pub(crate) fn run(&mut self) -> Result<(), DrillError> {
        loop {
            let ends = self.board.is_asked_to_end() || self.plan.is_done(self.now);
            let mut moved = self.take_results()?;
            moved |= self.pass_events()?;
            moved |= !ends && self.feed();
            for at in 0..self.slots.len() {
                moved |= self.work_on(at, !ends)?;
            }
            if ends && self.is_settled() {
                return Ok(());
            }
            if !moved && !self.wait(!ends)? {
                return Ok(());
            }
        }
    }

    fn is_settled(&self) -> bool {
        let flying = self.flights.len() > self.free.len();
        !flying && self.helping.outstanding() == 0 && !self.slots.iter().any(Slot::wants_commit)
    }

    // ---- links in ----

    fn feed(&mut self) -> bool {
        let full = self.slots.iter().any(|slot| slot.inbox.len() >= INBOX_MAX);
        if full || !self.plan.wants_links() {
            return false;
        }
        let Some(source) = &mut self.source else {
            return false;
        };
        let Some(round) = source() else {
            self.source = None;
            self.plan.links_ended(self.now);
            self.board.links_ended();
            return false;
        };
        let fresh: u64 = round.iter().map(|block| block.fresh).sum();
        self.plan.fed(fresh);
        for (slot, block) in self.slots.iter_mut().zip(round) {
            if block.links > 0 {
                slot.inbox.push_back((SlotId(0), block));
            }
        }
        true
    }

    // ---- one slot ----

    fn work_on(&mut self, at: usize, open: bool) -> Result<bool, DrillError> {
        let mut moved = false;
        if !self.slots[at].is_clogged() {
            moved |= self.absorb(at)?;
            moved |= self.start_jobs(at, open);
            moved |= open && self.begin_visits(at)?;
        }
        Ok(moved | self.maybe_commit(at, !open)?)
    }

    fn absorb(&mut self, at: usize) -> Result<bool, DrillError> {
        if !self.slots[at].can_absorb() {
            return Ok(false);
        }
        let before = thread_cpu();
        let links = self.slots[at].absorb(self.now)?;
        self.costs.offer_cpu += thread_cpu().saturating_sub(before);
        self.costs.links += links;
        self.board.absorbed(links);
        self.now = self
            .now
            .plus(LINK_TAKES * u32::try_from(links).unwrap_or(0));
        Ok(true)
    }

    fn start_jobs(&mut self, at: usize, open: bool) -> bool {
        let now = self.now;
        let popping = open && self.plan.wants_pops();
        let waits = self.waits_for_store(at);
        let slot = &mut self.slots[at];
        let mut moved = false;
        if let Some(job) = (!waits).then(|| slot.frontier.start_drain()).flatten() {
            self.helping
                .give(Lane::Read, now, move || (at, Done::Drained(job.run())));
            moved = true;
        }
        let hungry = slot.is_hungry(now) || !open;
        let due = slot.frontier.merge_time(hungry) <= now;
        if let Some(job) = due.then(|| slot.frontier.start_merge()).flatten() {
            self.helping
                .give(Lane::Commit, now, move || (at, Done::Merged(job.run())));
            moved = true;
        }
        moved | (popping && self.start_loads(at))
    }

    /// Whether intake waits for the store, in time that passes; at a pace of its own it never does, because a run would
    /// depend on the machine.
    fn waits_for_store(&mut self, at: usize) -> bool {
        let now = self.watch.now();
        !self.helping.is_paced() && self.slots[at].frontier.waits_for_store(now)
    }

    fn start_loads(&mut self, at: usize) -> bool {
        let mut moved = false;
        loop {
            let before = thread_cpu();
            let job = self.slots[at].frontier.start_load(stamp(self.now));
            self.costs.choose_cpu += thread_cpu().saturating_sub(before);
            let Some(job) = job else {
                return moved;
            };
            let sites = job.sites() as u64;
            self.helping.give(Lane::Read, self.now, move || {
                (at, Done::Loaded(job.run(), sites))
            });
            moved = true;
        }
    }

    fn maybe_commit(&mut self, at: usize, ending: bool) -> Result<bool, DrillError> {
        let now = self.now;
        let slot = &mut self.slots[at];
        if slot.frontier.is_dirty() {
            slot.grew(now);
        }
        let due = slot.commit_time(now) <= now || (ending && slot.wants_commit());
        if !due {
            return Ok(false);
        }
        let before = thread_cpu();
        let (mut batch, tail) = slot.seal(stamp(now));
        let id = slot.id;
        self.pretence
            .sealed(&mut batch, now)
            .map_err(|what| DrillError::Broken { slot: id, what })?;
        self.costs.seal_cpu += thread_cpu().saturating_sub(before);
        let store = Arc::clone(slot.frontier.store());
        self.found[at].swap(0, 1);
        self.helping.give(Lane::Commit, now, move || {
            let committed = store.commit(batch).map(|()| tail);
            (at, Done::Committed(committed))
        });
        Ok(true)
    }

    // ---- results ----

    fn take_results(&mut self) -> Result<bool, DrillError> {
        let mut moved = false;
        while let Some(((at, done), took)) = self.helping.take(self.now) {
            self.done(at, done, took)?;
            moved = true;
        }
        Ok(moved)
    }

    fn done(&mut self, at: usize, done: Done, took: Took) -> Result<(), DrillError> {
        let now = self.now;
        let slot = &mut self.slots[at];
        let before = thread_cpu();
        match done {
            Done::Loaded(loaded, sites) => {
                let loaded = loaded.map_err(|source| slot.broken(source))?;
                slot.frontier.loaded(loaded, stamp(now));
                let ours = thread_cpu().saturating_sub(before);
                self.costs.loads += 1;
                self.costs.loaded_sites += sites;
                self.costs.load_cpu += took.cpu;
                self.costs.choose_cpu += ours;
                self.charges[at].read(sites, took, ours);
                // Else a site that is read again and again until its time comes would keep it from coming.
                self.now = now.plus(READ_TAKES);
            }
            Done::Drained(drained) => {
                let drained = drained.map_err(|source| slot.broken(source))?;
                slot.frontier.drained(drained, &mut slot.batch);
                slot.grew_urgently(now);
                self.costs.drain_cpu += took.cpu;
                self.costs.queue_cpu += thread_cpu().saturating_sub(before);
            }
            Done::Merged(merged) => {
                let merged = merged.map_err(|source| slot.broken(source.into()))?;
                slot.frontier.merged(&merged, &mut slot.batch);
                if merged.admitted.is_some() {
                    slot.grew_urgently(now);
                } else {
                    slot.grew(now);
                }
                self.costs.merges += 1;
                self.costs.checks += merged.offered;
                self.costs.admitted += merged.offered - merged.seen;
                self.costs.merge_cpu += took.cpu;
                self.costs.merge_wall.add(took.wall);
                self.board.admitted(merged.offered - merged.seen);
            }
            Done::Committed(tail) => {
                let tail = tail.map_err(|source| DrillError::Store {
                    slot: slot.id,
                    source,
                })?;
                slot.durable(tail)?;
                self.pretence
                    .durable(slot, slot.frontier.group())
                    .map_err(|what| DrillError::Broken {
                        slot: slot.id,
                        what,
                    })?;
                self.costs.groups += 1;
                self.costs.seal_cpu += thread_cpu().saturating_sub(before);
                self.costs.commit_cpu += took.cpu;
                self.costs.commit_wall.add(took.wall);
                self.show_links(at);
                self.board.show(self.number, &self.costs);
            }
        }
        Ok(())
    }

    /// The links of a durable group reach the slots that own them.
    fn show_links(&mut self, at: usize) {
        let source = self.slots[at].id;
        let shown = std::mem::take(&mut self.found[at][1]);
        for (slot, block) in self.slots.iter_mut().zip(shown) {
            if block.links > 0 {
                slot.inbox.push_back((source, block));
            }
        }
    }

    // ---- requests ----

    fn begin_visits(&mut self, at: usize) -> Result<bool, DrillError> {
        let mut moved = false;
        while self.plan.has_room() && self.plan.wants_pops() {
            let metered = self.visits.is_multiple_of(METERED);
            let (cpu, wall) = (cpu_clock(metered), self.watch.now());
            let slot = &mut self.slots[at];
            let Some(visit) = slot.frontier.next_visit(self.now) else {
                break;
            };
            moved = true;
            self.visits = self.visits.wrapping_add(1);
            let queued = slot.take_worthy(visit.id, stamp(self.now));
            let after = cpu_clock(metered);
            let own = after.saturating_sub(cpu);
            self.costs.choose_cpu += own * METERED;
            let Some(queued) = queued else {
                slot.frontier.release(visit.id, Mono(0));
                continue;
            };
            let mut popped = self.charges[at].take();
            popped.cpu += own;
            popped.wall += self.watch.now().since(wall);
            self.request(at, visit, queued, metered.then_some(popped))?;
            self.costs.gate_cpu += cpu_clock(metered).saturating_sub(after) * METERED;
        }
        Ok(moved)
    }

    /// Asks the clocks; with their permit the request begins when it may.
    fn request(
        &mut self,
        at: usize,
        visit: Visit,
        queued: Queued,
        popped: Option<Took>,
    ) -> Result<(), DrillError> {
        let now = self.now;
        let frontier = &mut self.slots[at].frontier;
        let queued = if self.pretence.robots_first(&visit.site, &queued) {
            frontier.put_back(visit.id, queued);
            None
        } else {
            Some(queued)
        };
        let grant = match self.clocks.ask(self.pretence.address(&visit.site), now) {
            Answer::Granted(grant) => grant,
            Answer::AskAgain(when) => {
                if let Some(queued) = queued {
                    frontier.put_back(visit.id, queued);
                }
                frontier.deferred(visit.id);
                frontier.release(visit.id, when);
                return Ok(());
            }
        };
        let delay = frontier.crawl_delay(visit.id);
        let clock = frontier.permits(visit.id);
        match clock.permit(&visit.site, grant, &self.politeness, delay, now) {
            Ok(permit) => {
                let begins = permit.not_before().max(now);
                let stage = Stage::Granted(permit);
                let flight = self.fly(Flight {
                    at,
                    visit,
                    queued,
                    stage,
                    popped,
                });
                self.plan.takes_off();
                if begins > now {
                    self.push(begins, Event::Begin(flight));
                    return Ok(());
                }
                self.begin(flight)
            }
            Err(not_yet) => {
                if let Some(queued) = queued {
                    frontier.put_back(visit.id, queued);
                }
                frontier.release(visit.id, not_yet.at);
                Ok(())
            }
        }
    }

    fn fly(&mut self, flight: Flight) -> usize {
        match self.free.pop() {
            Some(place) => {
                self.flights[place] = Some(flight);
                place
            }
            None => {
                self.flights.push(Some(flight));
                self.flights.len() - 1
            }
        }
    }

    fn push(&mut self, at: Mono, event: Event) {
        self.turn += 1;
        self.events.push(Reverse((at, self.turn, event)));
    }

    fn pass_events(&mut self) -> Result<bool, DrillError> {
        let mut moved = false;
        while let Some(&Reverse((at, _, event))) = self.events.peek() {
            if at > self.now {
                break;
            }
            self.events.pop();
            moved = true;
            match event {
                Event::Begin(flight) => self.begin(flight)?,
                Event::End(flight) => self.end(flight)?,
            }
        }
        Ok(moved)
    }

    fn begin(&mut self, place: usize) -> Result<(), DrillError> {
        let now = self.now;
        let Some(flight) = &mut self.flights[place] else {
            return Ok(());
        };
        let slot = self.slots[flight.at].id;
        let Stage::Granted(permit) = std::mem::replace(&mut flight.stage, Stage::Over) else {
            return Ok(());
        };
        let exchanging = match permit.start(now) {
            Ok(exchanging) => exchanging,
            Err(stale) => {
                self.unbegun(place, stale.0);
                return Ok(());
            }
        };
        self.pretence
            .begins(&flight.visit.site, now)
            .map_err(|what| DrillError::Broken { slot, what })?;
        flight.stage = Stage::Under(exchanging);
        let ends = now.plus(self.pretence.takes(flight.queued.as_ref()));
        self.push(ends, Event::End(place));
        Ok(())
    }

    /// A request whose time passed while others had theirs: everything goes back to where it was.
    fn unbegun(&mut self, place: usize, permit: Permit) {
        let Some(flight) = self.flights[place].take() else {
            return;
        };
        self.free.push(place);
        self.plan.lands();
        let frontier = &mut self.slots[flight.at].frontier;
        frontier.permits(flight.visit.id).give_back(permit);
        if let Some(queued) = flight.queued {
            frontier.put_back(flight.visit.id, queued);
        }
        frontier.release(flight.visit.id, self.now);
    }

    fn end(&mut self, place: usize) -> Result<(), DrillError> {
        let now = stamp(self.now);
        let Some(flight) = self.flights[place].take() else {
            return Ok(());
        };
        self.free.push(place);
        self.plan.lands();
        let Flight {
            at,
            visit,
            queued,
            stage,
            popped,
        } = flight;
        let metered = popped.is_some();
        let slot = &mut self.slots[at];
        let Stage::Under(exchanging) = stage else {
            return Ok(());
        };
        let gate = cpu_clock(metered);
        let feedback = self.pretence.feedback(queued.as_ref());
        let spent = exchanging.end(now.mono);
        let broken = |what: String| DrillError::Broken {
            slot: slot.id,
            what,
        };
        self.pretence
            .ended(slot.id, &visit.site, spent.started(), now.mono, feedback)
            .map_err(broken)?;
        slot.frontier.clock(visit.id).finish(
            &spent,
            feedback,
            &self.politeness,
            self.entropy.next_u64(),
        );
        slot.grew(now.mono);
        let settling = cpu_clock(metered);
        self.costs.gate_cpu += settling.saturating_sub(gate) * METERED;
        let is_page = queued.is_some();
        if !is_page {
            self.pretence.robots_fetched(&visit.site);
        }
        if let Some(queued) = queued {
            let round = &mut self.found[at][0];
            if round.is_empty() {
                round.resize(self.slots.len(), Block::default());
            }
            self.pretence.links(&queued, round);
            self.slots[at].note_fetched(visit.id, &queued);
            let settled = self.pretence.outcome(&queued, feedback, now.wall);
            let is_final = matches!(settled, Settled::Final(_));
            let slot = &mut self.slots[at];
            slot.frontier
                .settle(visit.id, queued, settled, &mut slot.batch);
            self.plan.settled(is_final);
            self.board.settled(is_final);
        }
        let releasing = cpu_clock(metered);
        self.costs.settle_cpu += releasing.saturating_sub(settling) * METERED;
        self.slots[at].frontier.release(visit.id, Mono(0));
        let released = cpu_clock(metered).saturating_sub(releasing);
        self.costs.choose_cpu += released * METERED;
        if is_page {
            self.costs.pops += 1;
            self.board.popped();
            if let Some(popped) = popped {
                self.costs.pop_cpu.add(popped.cpu + released);
                self.costs.pop_wall.add(popped.wall);
            }
        }
        Ok(())
    }

    // ---- time ----

    /// Lets time pass, or waits for a helper. `false` when nothing will ever happen any more.
    fn wait(&mut self, open: bool) -> Result<bool, DrillError> {
        let next = self.next_time(open);
        let far = next > self.now.plus(STEP_MAX) || next <= self.now;
        if far && let Some(((at, done), took)) = self.helping.wait() {
            self.done(at, done, took)?;
            return Ok(true);
        }
        if next == Mono::NEVER {
            let mut waiting = 0..self.slots.len();
            if waiting.any(|at| self.slots[at].frontier.has_undrained() && self.waits_for_store(at))
            {
                thread::sleep(STORE_ASKED_EVERY);
                return Ok(true);
            }
            // Nothing will come of itself: links that were held back because of pops may.
            return Ok(self.plan.hold_nothing_back());
        }
        self.now = next.max(self.now.plus(Duration::from_millis(1)));
        Ok(true)
    }

    fn next_time(&self, open: bool) -> Mono {
        let mut next = self.helping.next_time();
        if let Some(Reverse((at, ..))) = self.events.peek() {
            next = next.min(*at);
        }
        let visits = open && self.plan.has_room() && self.plan.wants_pops();
        for slot in &self.slots {
            next = next.min(slot.commit_time(self.now));
            next = next.min(slot.frontier.merge_time(slot.is_hungry(self.now) || !open));
            if visits {
                next = next.min(slot.frontier.next_time());
            }
        }
        next
    }
}
