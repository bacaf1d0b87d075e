//! A shard's answers to questions from outside.
//!
//! In: questions. Out: answers, at once or from the read helper.
//! May touch: its slots, reading. Must not touch: what they do next.
//! Invariant: a question never waits in the loop: what must be read is read on the helper, and a slot that is
//! being undone says that it has no time.

use std::sync::Arc;

use futures_util::FutureExt;
use orb_env::{Lane, run_on};
use orb_frontier::SieveKey;
use orb_shard::SlotId;
use orb_url::{CrawlUrl, Fingerprint, Site};

use crate::QuestionError;
use crate::event::Event;
use crate::facts::{Asked, FactsError, FactsJob, Live, LiveUrl};
use crate::questions::{Question, Reply};
use crate::shard::Shard;
use crate::site_lines;

impl Shard {
    /// Takes one question.
    pub(crate) fn take_question(&mut self, question: Question) {
        match question {
            Question::Sites(query, reply) => {
                let now = self.env.clock.mono();
                let lines = self
                    .slots
                    .iter()
                    .flat_map(|slot| site_lines::lines(slot, &query, now));
                let lines = site_lines::merged(lines.collect(), &query);
                reply.send(Ok(lines)).ok(); // who asked may have gone
            }
            Question::Heed(order, reply) => {
                self.heed();
                reply.send(Ok(self.effects.of(order))).ok(); // who asked may have gone
            }
            Question::Url(slot, url, reply) => self.tell_url(slot, url, reply),
            Question::Site(slot, site, reply) => {
                let Some((at, job)) = self.facts_job(slot, site, Fingerprint(0)) else {
                    reply.send(Err(QuestionError::Busy)).ok(); // who asked may have gone
                    return;
                };
                self.look_up(at, reply, move || job.site());
            }
        }
    }

    fn tell_url(&mut self, slot: SlotId, url: CrawlUrl, reply: Reply<orb_api::UrlFacts>) {
        let fingerprint = self.shared.key.fingerprint(&url);
        let Some((at, job)) = self.facts_job(slot, url.site(), fingerprint) else {
            reply.send(Err(QuestionError::Busy)).ok(); // who asked may have gone
            return;
        };
        let frontier = &self.slots[at].frontier;
        let known = frontier.find_site(&job.asked.site);
        let live = LiveUrl {
            offered: frontier.is_offered(job.asked.key),
            in_hand: known.is_some_and(|id| frontier.is_in_hand(id, fingerprint)),
            full: frontier.is_full(),
        };
        self.look_up(at, reply, move || job.url(&url, live));
    }

    fn facts_job(
        &self,
        slot: SlotId,
        site: Site,
        fingerprint: Fingerprint,
    ) -> Option<(usize, FactsJob)> {
        let at = self.slots.iter().position(|own| own.id == slot)?;
        let frontier = &self.slots[at].frontier;
        if self.slots[at].failed.is_some() || self.stopping {
            return None;
        }
        let shared = &self.shared;
        let now = self.env.clock.stamp();
        let live = frontier.find_site(&site).map(|id| {
            let state = frontier.site_state(id, now.mono);
            let row = frontier.site_row(id, now);
            Live {
                phase: state.phase,
                next_in: state.next_in,
                tally: state.tally,
                marks: state.marks.cloned().unwrap_or_default(),
                warm: row.zip(state.warm.map(|warm| warm.delay)),
            }
        });
        let partition = shared.slots.partition_of(&shared.key, &site);
        let job = FactsJob {
            look: frontier.look(),
            asked: Asked {
                slot,
                key: SieveKey {
                    partition,
                    fingerprint,
                },
                site,
            },
            live,
            dir: shared.dir.clone(),
            disk: Arc::clone(&self.env.disk),
            config: shared.config.clone(),
            rules: Arc::clone(&shared.rules),
            orders: Arc::clone(&self.in_force),
            token: shared.token.clone(),
            now,
        };
        Some((at, job))
    }

    /// Runs a look on the read helper; its end is an event, so that a slot is not undone under it.
    fn look_up<T: Send + 'static>(
        &mut self,
        at: usize,
        reply: Reply<T>,
        look: impl FnOnce() -> Result<T, FactsError> + Send + 'static,
    ) {
        let slot = &mut self.slots[at];
        slot.jobs += 1;
        let id = slot.id;
        let read = run_on(self.env.work.as_ref(), Lane::Read, look);
        let answered = read.map(move |result| {
            let answer = match result {
                Ok(Ok(facts)) => Ok(facts),
                Ok(Err(error)) => {
                    tracing::warn!(slot = %id, error = %orb_api::with_causes(&error), "question could not be answered");
                    Err(QuestionError::Unreadable)
                }
                Err(_) => Err(QuestionError::Unreadable),
            };
            reply.send(answer).ok(); // who asked may have gone
            Event::Answered(at)
        });
        self.push(answered.boxed_local());
    }
}
