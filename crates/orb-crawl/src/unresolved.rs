//! Requests whose name gave no address: nothing was sent, and the row says so.
//!
//! In: a task, why its name could not be resolved. Out: an attempt row without an address, an outcome.
//! May touch: the slot's rows and frontier. Must not touch: clocks of sites and addresses; nobody was asked.

use orb_api::{AttemptRow, AttemptTimings, Reason};
use orb_env::{Mono, Stamp, Wall};
use orb_warc::RecordId;

use crate::event::{Purpose, Task};
use crate::fetched::attempt_id;
use crate::shard::Shard;
use crate::verdict::Verdict;
use crate::visited::Ended;

impl Shard {
    /// A name gave no address.
    pub(crate) fn unresolved(&mut self, at: usize, task: Task, error: &orb_fetch::ResolveError) {
        let verdict = Verdict::of_resolve(error);
        let nothing_yet = self.slots.iter().all(|slot| slot.counts.requests == 0);
        // One name that does not exist among many says nothing about network and servers.
        let alone = self.under_way.all() <= 1;
        let telling = alone || !matches!(error, orb_fetch::ResolveError::NotFound { .. });
        if nothing_yet && telling && verdict.reason == Reason::Dns && !self.warned_of_dns {
            self.warned_of_dns = true;
            tracing::warn!(host = task.url.host(), %error, "no name could be resolved so far: are the network and the dns servers (--dns) up?");
        }
        if self.slots[at].failed.is_some() {
            return self.unbegun(at, task, Mono(0));
        }
        let ended = Ended {
            at: self.env.clock.mono(),
            outcome: verdict.outcome,
            reason: verdict.reason,
            page: false,
            took: None,
        };
        self.slots[at]
            .visited
            .note(task.visit.id, &task.visit.site, &ended);
        self.unresolved_row(at, &task, &verdict);
        match task.purpose {
            Purpose::Page(..) => {
                self.shared.board.pages.give_back();
                self.landed(at, &task);
                let visit = self.settle_page(at, task, &verdict, None, None);
                self.slots[at].frontier.release(visit.id, Mono(0));
            }
            Purpose::Robots { .. } => self.robots_failed(at, task),
        }
    }

    /// What was tried and how long it took, so that it has a trace.
    fn unresolved_row(&mut self, at: usize, task: &Task, verdict: &Verdict) {
        let (kind, origin, robots) = task.purpose.told();
        let now = self.env.clock.stamp();
        let took = task.dns.unwrap_or_default();
        let id = RecordId::from_random(self.env.entropy.bytes16());
        let row = AttemptRow {
            v: 1,
            id: attempt_id(id),
            kind,
            url: task.url.as_str().to_owned(),
            site: task.visit.site.as_str().to_owned(),
            address: String::new(),
            group: None,
            start: Stamp {
                mono: now.mono.minus(took),
                wall: Wall(now.wall.0 - took.as_micros() as i64),
                ..now
            },
            end: now.mono,
            end_wall: now.wall,
            site_delay_us: 0,
            address_delay_us: 0,
            origin,
            robots,
            status: None,
            outcome: verdict.outcome,
            reason: verdict.reason,
            error: verdict.error.map(str::to_owned),
            retry_after_us: None,
            digest: None,
            archive: None,
            text: None,
            timings: Some(AttemptTimings {
                queue_us: now.mono.since(task.visit.since).as_micros() as u64,
                dns_us: Some(took.as_micros() as u64),
                ..AttemptTimings::default()
            }),
            commit: self.slots[at].group.number,
        };
        self.write_row(at, id, &row);
    }
}
