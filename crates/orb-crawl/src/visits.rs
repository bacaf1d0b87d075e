//! Visits: from a due site to a request under a permit.
//!
//! In: due sites. Out: requests under way, or URLs settled without one.
//! May touch: frontier, robots copies, fetcher, desk. Must not touch: the archive.
//! Invariant: a page is requested only after a robots answer in force allows it, and only under a permit.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join;
use orb_api::{Outcome, Reason, RobotsInForce, UrlState};
use orb_env::{Lane, Mono, run_on};
use orb_fetch::Request;
use orb_frontier::rows::{FateRow, site_prefix};
use orb_frontier::{Queued, Settled, Visit, Weighed};
use orb_gate::{AddressGrant, Answer, Permit};
use orb_metrics::happened;
use orb_shard::SiteKey;
use orb_store::Keyspace;
use orb_url::{CrawlUrl, Origin};

use crate::again::validators;
use crate::copies::Judgement;
use crate::earlier::Payload;
use crate::event::{Event, Finished, Purpose, Task};
use crate::heeding::is_withheld;
use crate::limits::{JUDGED_PER_VISIT, POISON_TIMES};
use crate::shard::Shard;
use crate::sitemaps::is_map;
use crate::tally::counted;

/// Key of an origin's robots row.
pub(crate) fn robots_key(site: SiteKey, origin: &Origin) -> Vec<u8> {
    let mut key = site_prefix(site);
    key.extend_from_slice(origin.as_str().as_bytes());
    key
}

impl Shard {
    /// Begins visits of a slot while sites are due and there is room.
    pub(crate) fn begin_visits(&mut self, at: usize) {
        while self.has_room() {
            let now = self.env.clock.mono();
            let Some(visit) = self.slots[at].frontier.next_visit(now) else {
                return;
            };
            self.visit(at, visit);
        }
    }

    /// Goes on with a visited site: an errand first, then its own URLs.
    pub(crate) fn visit(&mut self, at: usize, visit: Visit) {
        let slot = &mut self.slots[at];
        let errand = slot
            .errands
            .get_mut(&visit.id)
            .and_then(|list| list.pop_front());
        if slot
            .errands
            .get(&visit.id)
            .is_some_and(|list| list.is_empty())
        {
            slot.errands.remove(&visit.id);
        }
        if let Some(errand) = errand {
            slot.frontier.end_errand(visit.id);
            let Some(errand) = self.errand_wanted(at, &visit, errand) else {
                return;
            };
            let (url, origin) = (errand.url.clone(), errand.origin.clone());
            let purpose = Purpose::Robots {
                origin,
                hops: 0,
                errand: Some(errand),
            };
            return self.request(at, Task::new(visit, url, purpose));
        }
        self.judge_urls(at, visit);
    }

    /// Takes the site's URLs in order until one may be requested.
    fn judge_urls(&mut self, at: usize, visit: Visit) {
        for _ in 0..JUDGED_PER_VISIT {
            let now = self.env.clock.stamp();
            let slot = &mut self.slots[at];
            let Some(queued) = slot.frontier.take_url(visit.id) else {
                return slot.frontier.release(visit.id, Mono(0));
            };
            let Some(queued) = self.wanted_now(at, &visit, queued) else {
                continue;
            };
            let slot = &mut self.slots[at];
            let batch = &mut slot.group.batch;
            let queued = match slot.frontier.weigh(visit.id, queued, now.wall, batch) {
                Weighed::Take(queued) => queued,
                Weighed::PutOff | Weighed::Cut(_) => {
                    slot.group.grew(0, now.mono);
                    continue;
                }
            };
            if slot
                .suspects
                .get(&queued.row.fingerprint.0)
                .is_some_and(|&times| times >= POISON_TIMES)
            {
                let (state, reason) = (UrlState::Failed, Reason::Poison);
                self.settle_unasked(at, &visit, queued, state, reason, String::new());
                continue;
            }
            let limits = &self.shared.config.limits;
            if let Some(extension) = limits.skipped(&queued.row.found) {
                let detail = extension.to_owned();
                let (state, reason) = (UrlState::Excluded, Reason::TypeFilter);
                self.settle_unasked(at, &visit, queued, state, reason, detail);
                continue;
            }
            let origin = queued.row.found.url.origin();
            let path = queued.row.found.url.path_and_query();
            match slot.copies.judge(&origin, path, now) {
                Judgement::Unknown => {
                    slot.frontier.put_back(visit.id, queued);
                    return self.read_copy(at, visit, origin);
                }
                Judgement::Fetch => {
                    slot.frontier.put_back(visit.id, queued);
                    return self.request_robots(at, visit, origin);
                }
                Judgement::Wait(until) => {
                    slot.frontier.put_back(visit.id, queued);
                    return slot.frontier.release(visit.id, until);
                }
                Judgement::GivenUp => {
                    let (state, reason) = (UrlState::Excluded, Reason::RobotsUnreachable);
                    self.settle_unasked(at, &visit, queued, state, reason, String::new());
                }
                Judgement::Disallowed(rule) => {
                    self.settle_unasked(
                        at,
                        &visit,
                        queued,
                        UrlState::Excluded,
                        Reason::Robots,
                        rule,
                    );
                }
                Judgement::Allowed(robots) => {
                    return self.allowed(at, visit, queued, &origin, robots);
                }
            }
        }
        self.slots[at].frontier.release(visit.id, Mono(0));
    }

    fn allowed(
        &mut self,
        at: usize,
        visit: Visit,
        queued: Queued,
        origin: &Origin,
        robots: RobotsInForce,
    ) {
        let slot = &mut self.slots[at];
        let delay = slot.copies.crawl_delay(origin);
        slot.frontier.note_crawl_delay(visit.id, delay);
        if delay.is_some_and(|delay| delay > self.shared.config.politeness.crawl_delay_max) {
            slot.frontier.put_back(visit.id, queued);
            slot.frontier.park(visit.id, Reason::CrawlDelay);
            slot.group.grew(0, self.env.clock.mono());
            let delay_ms = delay.unwrap_or_default().as_millis() as u64;
            happened!(SiteParked, site = %visit.site, delay_ms);
            return slot.frontier.release(visit.id, Mono(0));
        }
        if !self.shared.board.pages.take() {
            slot.frontier.put_back(visit.id, queued);
            let later = self.env.clock.mono().plus(Duration::from_secs(1));
            return slot.frontier.release(visit.id, later);
        }
        let url = queued.row.found.url.clone();
        self.request(at, Task::new(visit, url, Purpose::Page(queued, robots)));
    }

    /// Settles a URL that is not requested.
    pub(crate) fn settle_unasked(
        &mut self,
        at: usize,
        visit: &Visit,
        queued: Queued,
        state: UrlState,
        reason: Reason,
        detail: String,
    ) {
        let now = self.env.clock.stamp();
        let outcome = if state == UrlState::Failed {
            Outcome::Failed
        } else {
            Outcome::Refused
        };
        let fate = FateRow {
            state,
            outcome,
            reason,
            detail,
            status: 0,
            attempts: queued.row.attempts,
            found: queued.row.found.clone(),
            at: now.wall,
            place: None,
            digest: None,
            etag: None,
            last_modified: None,
            history: None,
        };
        let slot = &mut self.slots[at];
        slot.counts.ended(outcome, reason);
        slot.frontier.settle(
            visit.id,
            queued,
            Settled::Final(Box::new(fate)),
            &mut slot.group.batch,
        );
        slot.group.grew(0, now.mono);
    }

    fn read_copy(&mut self, at: usize, visit: Visit, origin: Origin) {
        let slot = &mut self.slots[at];
        slot.jobs += 1;
        self.reading += 1;
        let store = Arc::clone(slot.store());
        let key = robots_key(visit.key, &origin);
        let read = run_on(self.env.work.as_ref(), Lane::Read, move || {
            store.get(Keyspace::Robots, &key)
        });
        self.push(
            read.map(move |row| Event::Copy(at, Box::new(visit), origin, row))
                .boxed_local(),
        );
    }

    /// Requests an origin's robots.txt as this visit's fetch.
    fn request_robots(&mut self, at: usize, visit: Visit, origin: Origin) {
        let url = origin.robots_url();
        let purpose = Purpose::Robots {
            origin,
            hops: 0,
            errand: None,
        };
        self.request(at, Task::new(visit, url, purpose));
    }

    /// Resolves the host and asks for a time.
    pub(crate) fn request(&mut self, at: usize, task: Task) {
        self.slots[at].in_flight += 1;
        let mut task = task;
        task.judged = self.env.clock.mono();
        task.number = self.under_way.begin(task.judged);
        let (fetcher, desk) = (self.fetcher.clone(), self.desk.clone());
        let (gauges, clock) = (Rc::clone(&self.tally.gauges), Arc::clone(&self.env.clock));
        // The address that robots.txt came from, then another one each time.
        let known = self.slots[at].copies.address_turn(&task.url.origin());
        let turn = match &task.purpose {
            Purpose::Page(queued, _) => known + usize::from(queued.row.attempts),
            Purpose::Robots { errand, .. } => {
                known + errand.as_ref().map_or(0, |errand| errand.turn)
            }
        };
        let mut task = Box::new(task);
        let ask = async move {
            let resolve = fetcher.resolve(task.url.host());
            let (resolved, took) = counted(&gauges.resolving, clock.as_ref(), resolve).await;
            task.dns = took;
            let resolved = match resolved {
                Ok(resolved) => resolved,
                Err(error) => return Event::Unresolved(at, task, error),
            };
            let address = resolved.address(turn);
            match counted(&gauges.asking, clock.as_ref(), desk.ask(address))
                .await
                .0
            {
                Some(Answer::Granted(grant)) => Event::Granted(at, task, grant),
                Some(Answer::AskAgain(when)) => Event::Deferred(at, task, when),
                None => Event::Deferred(at, task, Mono::NEVER),
            }
        };
        self.push(ask.boxed_local());
    }

    /// The address's clock agreed: with the site's own clock that makes a permit.
    pub(crate) fn granted(&mut self, at: usize, task: Box<Task>, grant: AddressGrant) {
        self.heed();
        let now = self.env.clock.mono();
        let politeness = &self.shared.config.politeness;
        let withheld = is_withheld(&self.in_force, &task);
        let slot = &mut self.slots[at];
        if slot.failed.is_some() || self.stopping || withheld {
            return self.unbegun(at, *task, Mono(0));
        }
        let asked = self.in_force.rate(&task.visit.site);
        let delay = slot.frontier.crawl_delay(task.visit.id).max(asked);
        let site = task.visit.site.clone();
        match slot
            .frontier
            .permits(task.visit.id)
            .permit(&site, grant, politeness, delay, now)
        {
            Ok(permit) => self.exchange(at, task, permit),
            Err(not_yet) => self.unbegun(at, *task, not_yet.at),
        }
    }

    /// Runs the exchange.
    pub(crate) fn exchange(&mut self, at: usize, mut task: Box<Task>, permit: Permit) {
        let fetcher = self.fetcher.clone();
        let robots = matches!(task.purpose, Purpose::Robots { .. });
        let request = Request {
            validators: validators(&task.purpose),
            // One byte more than is looked at, so that a file that is too long is known to be.
            body_bytes_max: robots.then_some(orb_robots::limits::ROBOTS_BYTES_MAX as u64 + 1),
            types: (!robots && !is_map(&task.purpose)).then(|| Arc::clone(&self.shared.types)),
            keep_open: true,
            ..Request::get(task.url.clone())
        };
        let (gauges, clock) = (Rc::clone(&self.tally.gauges), Arc::clone(&self.env.clock));
        let orders = self.orders.clone();
        let earlier = self.earlier_payloads(&task.url);
        let run = async move {
            // The fetcher would wait as well; here it is seen that the address's clock is waited for, not a server.
            let begin = permit.not_before();
            if begin > clock.mono() {
                counted(&gauges.asking, clock.as_ref(), clock.sleep_until(begin)).await;
            }
            if is_withheld(&orders.borrow(), &task) {
                return Event::Withheld(at, task, permit);
            }
            // What earlier archives hold is looked up while the server works.
            let (exchange, payloads) = join(fetcher.fetch(permit, &request), earlier).await;
            task.earlier = payloads;
            let (gate, finished) = Finished::split(exchange);
            Event::Exchanged(at, task, gate, finished)
        };
        self.push(run.boxed_local());
    }

    /// What earlier archives hold of an address, by the read helper; nothing where none was named.
    fn earlier_payloads(&self, url: &CrawlUrl) -> impl Future<Output = Vec<Payload>> + use<> {
        let ask = self
            .shared
            .earlier
            .clone()
            .map(|earlier| (earlier, url.clone()));
        let work = Arc::clone(&self.env.work);
        async move {
            let Some((earlier, url)) = ask else {
                return Vec::new();
            };
            let asked = run_on(work.as_ref(), Lane::Read, move || earlier.payloads(&url));
            asked.await.unwrap_or_default()
        }
    }

    /// A request that did not begin: everything goes back to where it was.
    pub(crate) fn unbegun(&mut self, at: usize, task: Task, not_before: Mono) {
        self.landed(at, &task);
        let slot = &mut self.slots[at];
        match task.purpose {
            Purpose::Page(queued, _) => {
                self.shared.board.pages.give_back();
                slot.frontier.put_back(task.visit.id, queued);
            }
            Purpose::Robots {
                errand: Some(errand),
                ..
            } => {
                slot.frontier.begin_errand(&task.visit.site);
                slot.errands
                    .entry(task.visit.id)
                    .or_default()
                    .push_front(errand);
            }
            Purpose::Robots { errand: None, .. } => {}
        }
        slot.frontier.release(task.visit.id, not_before);
    }

    /// A request is no longer under way.
    pub(crate) fn landed(&mut self, at: usize, task: &Task) {
        self.slots[at].in_flight -= 1;
        self.under_way.end(task.number);
    }
}
