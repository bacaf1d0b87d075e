//! Heeding orders: a shard's side of steering.
//!
//! In: what orders say now. Out: sites set aside or freed, URLs settled at their turn, requests withheld.
//! May touch: its slots. Must not touch: the book of orders.
//! Invariant: no request of what is excluded begins after its shard heard of it; URLs, robots.txt and its hops alike.

use std::collections::VecDeque;
use std::sync::Arc;

use orb_api::UrlState;
use orb_env::{Mono, WorkLost};
use orb_frontier::{FrontierError, Queued, Readmitted, Visit};
use orb_gate::Permit;
use orb_metrics::happened;

use crate::errand::{Errand, HopAnswer, HopResult, tell};
use crate::event::{Purpose, Task};
use crate::limits::EFFECTS_KEPT;
use crate::orders::InForce;
use crate::shard::{Shard, flat};

/// How many URLs changed their state by the last orders.
#[derive(Debug, Default)]
pub(crate) struct Effects(VecDeque<(u64, u64)>);

impl Effects {
    fn note(&mut self, order: u64, moved: u64) {
        if self.0.len() >= EFFECTS_KEPT {
            self.0.pop_front();
        }
        self.0.push_back((order, moved));
    }

    /// By this order.
    pub(crate) fn of(&self, order: u64) -> u64 {
        let known = self.0.iter().find(|(number, _)| *number == order);
        known.map_or(0, |(_, moved)| *moved)
    }
}

/// Whether a request that is about to begin may not: orders forbid it, or the crawl is paused.
pub(crate) fn is_withheld(orders: &InForce, task: &Task) -> bool {
    orders.paused || is_excluded(orders, task)
}

/// Whether a request must not begin. robots.txt of an excluded domain is not asked for either; a pattern says nothing
/// of it.
fn is_excluded(orders: &InForce, task: &Task) -> bool {
    match task.purpose {
        Purpose::Page(..) => orders.exclusions.stopping(&task.url).is_some(),
        Purpose::Robots { .. } => orders.exclusions.of_host(task.url.host()).is_some(),
    }
}

impl Shard {
    /// Heeds orders that were given since the last look. Cost when there are none: an atomic read.
    pub(crate) fn heed(&mut self) {
        if self.orders.has_changed().unwrap_or(false) {
            self.heed_now();
        }
    }

    pub(crate) fn heed_now(&mut self) {
        self.in_force = Arc::clone(&self.orders.borrow_and_update());
        let shared = Arc::clone(&self.shared);
        let mut moved = 0;
        for at in 0..self.slots.len() {
            // One that is undone heeds when it is opened again.
            if self.slots[at].failed.is_some() {
                continue;
            }
            match self.slots[at].heed(&self.in_force, &shared) {
                Ok(urls) => moved += urls,
                Err(error) => {
                    happened!(OrderNotHeeded, slot = %self.slots[at].id, error = %orb_api::with_causes(&error));
                    self.slot_failed(at, false);
                }
            }
        }
        self.effects.note(self.in_force.number, moved);
    }

    /// A queued URL whose turn has come, unless it was excluded meanwhile: then all of its site is set aside, or it
    /// is settled.
    pub(crate) fn wanted_still(
        &mut self,
        at: usize,
        visit: &Visit,
        queued: Queued,
    ) -> Option<Queued> {
        let frontier = &mut self.slots[at].frontier;
        let Some(exclusion) = frontier.exclusions().stopping(&queued.row.found.url) else {
            return Some(queued);
        };
        let (reason, words) = (exclusion.reason, exclusion.words.to_string());
        if frontier.set_aside_excluded(visit.id, &visit.site) {
            frontier.put_back(visit.id, queued);
        } else {
            self.settle_unasked(at, visit, queued, UrlState::Excluded, reason, words);
        }
        self.slots[at].group.grew(0, self.env.clock.mono());
        None
    }

    /// A robots hop to a site that was excluded is not made: whoever asked hears that there is no answer.
    pub(crate) fn errand_wanted(
        &mut self,
        at: usize,
        visit: &Visit,
        errand: Errand,
    ) -> Option<Errand> {
        let frontier = &mut self.slots[at].frontier;
        if frontier.exclusions().of_host(errand.url.host()).is_none() {
            return Some(errand);
        }
        let answer = HopAnswer {
            result: HopResult::Unreachable,
            attempt: String::new(),
        };
        tell(&answer, errand.replies);
        frontier.release(visit.id, Mono(0));
        None
    }

    /// A permit was given before the exclusion and not used.
    pub(crate) fn withheld(&mut self, at: usize, task: Task, permit: Permit) {
        let frontier = &mut self.slots[at].frontier;
        frontier.permits(task.visit.id).give_back(permit);
        self.unbegun(at, task, Mono(0));
    }

    /// URLs of an exclusion that was taken back were found.
    pub(crate) fn readmitted(
        &mut self,
        at: usize,
        result: Result<Result<Readmitted, FrontierError>, WorkLost>,
    ) {
        if let Some(found) = self.job_ended(at, "bring excluded urls back", flat(result)) {
            let now = self.env.clock.mono();
            let slot = &mut self.slots[at];
            slot.frontier.readmitted(found, &mut slot.group.batch);
            slot.counts.sitemaps.forward += slot.frontier.take_moved_forward();
            slot.group.grew(0, now);
        }
    }
}
