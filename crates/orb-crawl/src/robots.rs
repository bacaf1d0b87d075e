//! robots.txt as a request like any other: its answer, and the hops on the way to it.
//!
//! In: finished robots exchanges, answers to errands. Out: copies in force, stored with the group.
//! May touch: robots copies, frontier, archive, routes to other slots. Must not touch: sockets.
//! Invariant: a hop to another site is that site's errand; its asker counts it as unreachable when it takes
//! too long; a page waits until the answer is in.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use orb_env::mutant::{Mutant, planted};
use orb_env::{Mono, timeout_at};
use orb_fetch::{DecodeLimits, DecodeOddity, Response, decode_content};
use orb_frontier::SiteId;
use orb_gate::Spent;
use orb_robots::limits::{REDIRECTS_MAX, ROBOTS_BYTES_MAX};
use orb_robots::{Answer, Standing, standing};
use orb_store::Keyspace;
use orb_url::{CrawlUrl, Origin};
use orb_warc::RecordId;

use crate::copies::{RetryPolicy, RobotsAnswer};
use crate::errand::{ErrandMessage, HopAnswer, HopResult, tell};
use crate::event::{Event, Finished, Hop, Purpose, Task};
use crate::fetched::attempt_id;
use crate::limits::HOP_TIMEOUT;
use crate::page::PageFacts;
use crate::shard::Shard;
use crate::verdict::Verdict;
use crate::visits::robots_key;

impl Shard {
    /// A robots request ended.
    pub(crate) fn robots(
        &mut self,
        at: usize,
        task: Task,
        mut verdict: Verdict,
        exchange: &Finished,
        spent: &Spent,
    ) {
        let id = RecordId::from_random(self.env.entropy.bytes16());
        let mut archived = None;
        let undone = self.slots[at].failed.is_some();
        if let (Ok(response), false) = (&exchange.outcome, undone) {
            let facts = PageFacts::default();
            archived = Some(self.archive(at, &task, &mut verdict, exchange, response, &facts, id));
        }
        self.attempt_row(at, &task, &verdict, exchange, spent, id, archived.as_ref());
        if !verdict.counted && matches!(task.purpose, Purpose::Robots { errand: None, .. }) {
            // The fault was ours or an old connection's: the next visit asks again, and nobody is blamed.
            return self.slots[at].frontier.release(task.visit.id, Mono(0));
        }
        let result = match &exchange.outcome {
            Ok(response) => result_of(&verdict, response, &self.reader.limits),
            Err(_) => HopResult::Unreachable,
        };
        let answer = HopAnswer {
            result,
            attempt: attempt_id(id),
        };
        let visit = task.visit;
        match task.purpose {
            // Who asked judges pages by this answer: it is told once its row and record are durable. An asker
            // whose answer is undone hears nothing and asks again.
            Purpose::Robots {
                errand: Some(errand),
                ..
            } if !undone => {
                let slot = &mut self.slots[at];
                let number = slot.group.number;
                slot.answers.push((number, answer, errand.replies));
                slot.group.grew_urgently(0, self.env.clock.mono());
            }
            Purpose::Robots {
                origin,
                hops,
                errand: None,
            } if !undone => {
                self.hop_ended(at, visit.id, &origin, hops, answer);
            }
            _ => {}
        }
        self.slots[at].frontier.release(visit.id, Mono(0));
    }

    /// A robots request that never reached the network.
    pub(crate) fn robots_failed(&mut self, at: usize, task: Task) {
        self.landed(at, &task);
        let answer = HopAnswer {
            result: HopResult::Unreachable,
            attempt: String::new(),
        };
        let visit = task.visit;
        match task.purpose {
            Purpose::Robots {
                errand: Some(errand),
                ..
            } => {
                tell(&answer, errand.replies);
            }
            Purpose::Robots {
                origin,
                hops,
                errand: None,
            } => self.hop_ended(at, visit.id, &origin, hops, answer),
            Purpose::Page(..) => {}
        }
        self.slots[at].frontier.release(visit.id, Mono(0));
    }

    /// One hop of an origin's robots.txt is known: go on, or take the answer.
    fn hop_ended(&mut self, at: usize, site: SiteId, origin: &Origin, hops: u8, answer: HopAnswer) {
        match answer.result {
            HopResult::Redirect(target) if u32::from(hops) < REDIRECTS_MAX => {
                self.send_hop(at, site, origin, hops + 1, target);
            }
            HopResult::Redirect(_) => self.robots_known(
                at,
                site,
                origin,
                Answer::TooManyRedirects,
                &[],
                &answer.attempt,
            ),
            HopResult::Answer(status, body) => {
                self.robots_known(
                    at,
                    site,
                    origin,
                    Answer::Status(status),
                    &body,
                    &answer.attempt,
                );
            }
            HopResult::Unreachable => {
                self.robots_known(at, site, origin, Answer::Unreachable, &[], &answer.attempt)
            }
        }
    }

    fn send_hop(&mut self, at: usize, site: SiteId, origin: &Origin, hops: u8, target: CrawlUrl) {
        if planted(Mutant::UngatedHop) {
            return self.ungated_hop(at, site, origin, hops, target);
        }
        let now = self.env.clock.stamp();
        let slot = &mut self.slots[at];
        // A hop within the site waits for the site's own pause first, however long that is.
        let own = slot.frontier.site_state(site, now.mono).warm;
        let pause = own
            .filter(|warm| *warm.name == target.site())
            .map_or(Duration::ZERO, |warm| warm.delay);
        let until = now.mono.plus(HOP_TIMEOUT + pause);
        slot.copies.hold(origin, until, now);
        slot.hops += 1;
        slot.frontier.pin(site);
        let owner = self.shared.slots.slot_of_url(&self.shared.key, &target);
        let shard = self.shared.slots.shard_of(owner, self.shared.shards);
        let turn = slot.copies.address_turn(origin);
        let answer = self.routes.send(shard, owner, target, origin.clone(), turn);
        let (clock, origin) = (Arc::clone(&self.env.clock), origin.clone());
        let wait = async move {
            let answer = timeout_at(clock.as_ref(), until, answer)
                .await
                .and_then(Result::ok);
            Event::Hop(
                at,
                Hop {
                    site,
                    origin,
                    hops,
                    answer,
                },
            )
        };
        self.push(wait.boxed_local());
    }

    /// Another slot answered a hop of ours, or did not in time.
    pub(crate) fn hop_answered(&mut self, at: usize, hop: Hop) {
        self.slots[at].hops -= 1;
        if self.slots[at].failed.is_some() || self.stopping {
            return;
        }
        let Hop {
            site,
            origin,
            hops,
            answer,
        } = hop;
        let none = HopAnswer {
            result: HopResult::Unreachable,
            attempt: String::new(),
        };
        self.hop_ended(at, site, &origin, hops, answer.unwrap_or(none));
        self.slots[at].frontier.nudge(site);
        self.slots[at].frontier.unpin(site);
    }

    /// Takes the final answer for an origin, in memory and with the group.
    fn robots_known(
        &mut self,
        at: usize,
        site: SiteId,
        origin: &Origin,
        answer: Answer,
        body: &[u8],
        attempt: &str,
    ) {
        let now = self.env.clock.stamp();
        let limits = &self.shared.config.limits;
        let policy = RetryPolicy {
            token: &self.shared.token,
            attempts_max: limits.attempts_max,
            retry_first: limits.retry_first,
        };
        let slot = &mut self.slots[at];
        let answer = RobotsAnswer {
            standing: standing(answer),
            body,
            attempt,
        };
        let names_maps = answer.standing == Standing::Rules;
        let row = slot.copies.answered(origin, &answer, &policy, now);
        let delay = slot.copies.crawl_delay(origin);
        slot.frontier.note_crawl_delay(site, delay);
        let key = robots_key(slot.frontier.site_key(site), origin);
        slot.group.batch.put(Keyspace::Robots, key, row);
        slot.group.grew(0, now.mono);
        if names_maps {
            self.maps_named(at, origin);
        }
    }

    /// Another slot's hop leads to a site of ours.
    pub(crate) fn take_errand(&mut self, message: ErrandMessage) {
        let Some(at) = self.slots.iter().position(|slot| slot.id == message.slot) else {
            return;
        };
        let errand = message.errand;
        let slot = &mut self.slots[at];
        if slot.failed.is_some() || self.stopping {
            return;
        }
        let site = errand.url.site();
        if let Some(known) = slot.frontier.find_site(&site) {
            let waiting = slot.errands.get_mut(&known).into_iter().flatten();
            for other in waiting {
                if other.url == errand.url {
                    return other.replies.extend(errand.replies);
                }
            }
        }
        let id = slot.frontier.begin_errand(&site);
        slot.errands.entry(id).or_default().push_back(errand);
    }

    #[cfg(not(feature = "mutants"))]
    fn ungated_hop(&mut self, _: usize, _: SiteId, _: &Origin, _: u8, _: CrawlUrl) {}

    /// The planted mistake: the hop goes out at once, under a permit nobody agreed to.
    #[cfg(feature = "mutants")]
    fn ungated_hop(
        &mut self,
        at: usize,
        site: SiteId,
        origin: &Origin,
        hops: u8,
        target: CrawlUrl,
    ) {
        let now = self.env.clock.stamp();
        let slot = &mut self.slots[at];
        slot.copies.hold(origin, now.mono.plus(HOP_TIMEOUT), now);
        slot.hops += 1;
        slot.frontier.pin(site);
        let (fetcher, clock, origin) = (
            self.fetcher.clone(),
            Arc::clone(&self.env.clock),
            origin.clone(),
        );
        let limits = self.reader.limits;
        let run = async move {
            let resolved = fetcher.resolve(target.host()).await;
            let mut answer = None;
            if let Some(&address) = resolved
                .as_ref()
                .ok()
                .and_then(|resolved| resolved.addresses.first())
            {
                let permit = orb_gate::Permit::ungated(target.site(), address, clock.mono());
                let exchange = fetcher
                    .fetch(permit, &orb_fetch::Request::get(target.clone()))
                    .await;
                let result = exchange.outcome.map_or(HopResult::Unreachable, |response| {
                    let verdict = Verdict::of_response(&target, &response, &[], clock.wall());
                    result_of(&verdict, &response, &limits)
                });
                answer = Some(HopAnswer {
                    result,
                    attempt: String::new(),
                });
            }
            Event::Hop(
                at,
                Hop {
                    site,
                    origin,
                    hops,
                    answer,
                },
            )
        };
        self.push(run.boxed_local());
    }
}

fn result_of(verdict: &Verdict, response: &Response, limits: &DecodeLimits) -> HopResult {
    if let Some(target) = &verdict.target {
        return HopResult::Redirect(target.clone());
    }
    // A file that broke off says less than it might: as if nothing had come.
    if response
        .truncated
        .is_some_and(|why| why != orb_fetch::Truncated::Length)
    {
        return HopResult::Unreachable;
    }
    // As much as was asked for.
    let bytes_max = ROBOTS_BYTES_MAX + 1;
    let limits = DecodeLimits {
        bytes_max: limits.bytes_max.min(bytes_max as u64),
        ..*limits
    };
    let coding = response.content_encoding();
    let decoded = decode_content(coding.as_deref(), response.payload(), &limits);
    // So does one that cannot be undone, but for where we stopped reading ourselves. What is text all the same is
    // taken as it is: many servers name codings that they do not use.
    let broke_off =
        |oddity: &DecodeOddity| matches!(oddity, DecodeOddity::CutShort | DecodeOddity::Damaged);
    let is_unread = if decoded.encoded {
        !is_text(&decoded.bytes)
    } else {
        response.truncated.is_none() && decoded.oddities.iter().any(broke_off)
    };
    if is_unread {
        return HopResult::Unreachable;
    }
    let body = &decoded.bytes[..decoded.bytes.len().min(bytes_max)];
    HopResult::Answer(response.status, body.into())
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}
