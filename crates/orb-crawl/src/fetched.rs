//! What an exchange brought: records, rows, links, and the URL's next state.
//!
//! In: finished exchanges. Out: everything of them, in the group being built.
//! May touch: frontier, archive, link blocks. Must not touch: sockets.
//! Invariant: a page's links, record, attempt row and state are in one group.

use std::time::Duration;

use orb_api::{
    ArchivePlace, AttemptKind, AttemptRow, AttemptTimings, Outcome, Reason, Stage, TextFacts,
    UrlState,
};
use orb_env::{Mono, Stamp, Wall};
use orb_fetch::{FetchError, Gate, NextStep, Response};
use orb_frontier::rows::{FateRow, Place};
use orb_frontier::{Found, How, Settled, Visit};
use orb_gate::Spent;
use orb_metrics::happened;
use orb_warc::{Digest, RecordId};

use crate::again::{fresh_for, kept_digest, settled_again};
use crate::archive::{Capture, Original};
use crate::event::{Finished, Purpose, Task};
use crate::limits::{POISON_TIMES, REVISIT_BYTES_MIN};
use crate::page::PageFacts;
use crate::revisits::{earlier_original, original, remember, stored_original, withheld};
use crate::shard::Shard;
use crate::sitemaps::{forget_known_map, heed_claim, is_map};
use crate::verdict::Verdict;
use crate::visited::Ended;

/// A response that was archived.
pub(crate) struct Archived {
    pub(crate) place: ArchivePlace,
    pub(crate) digest: Digest,
    pub(crate) segment: u32,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    pub(crate) status: u16,
    /// What the page's text is known by.
    pub(crate) text: Option<TextFacts>,
    /// How long it may be taken to stay as it is, as it says itself.
    pub(crate) fresh: Option<Duration>,
    /// When its records were in the group's buffer.
    pub(crate) written: Mono,
}

impl Shard {
    /// An exchange ended: the permit goes back to the site's clock first, whatever came of it.
    pub(crate) fn exchanged(
        &mut self,
        at: usize,
        mut task: Box<Task>,
        gate: Gate,
        exchange: &Finished,
    ) {
        let now = self.env.clock.stamp();
        task.taken_up = now.mono;
        let verdict = match &exchange.outcome {
            Ok(response) => {
                let types: &[String] = match task.purpose {
                    Purpose::Page(..) if !is_map(&task.purpose) => &self.shared.types,
                    Purpose::Page(..) | Purpose::Robots { .. } => &[],
                };
                Verdict::of_response(&task.url, response, types, now.wall)
            }
            Err(error) => Verdict::of_error(error),
        };
        let slot = &mut self.slots[at];
        let spent = match gate {
            Gate::Unused(permit) => {
                slot.frontier.permits(task.visit.id).give_back(permit);
                return self.unused(at, *task, &verdict, exchange);
            }
            Gate::Spent(spent) => spent,
        };
        let jitter = self.env.entropy.next_u64();
        let politeness = &self.shared.config.politeness;
        slot.frontier
            .clock(task.visit.id)
            .finish(&spent, verdict.feedback(), politeness, jitter);
        self.watched(at, &task, &spent);
        let slot = &mut self.slots[at];
        slot.counts.requests += 1;
        slot.counts.bytes_wire += exchange.wire_bytes_in + exchange.wire_bytes_out;
        slot.ends.bytes_received += exchange.wire_bytes_in;
        self.desk.spent(exchange.wire_bytes_in);
        self.landed(at, &task);
        match task.purpose {
            Purpose::Page(..) => self.page(at, *task, verdict, exchange, &spent),
            Purpose::Robots { .. } => self.robots(at, *task, verdict, exchange, &spent),
        }
    }

    /// Holds an exchange against the settings' pause, by what the fetcher did.
    fn watched(&mut self, at: usize, task: &Task, spent: &Spent) {
        let (began, ended) = (spent.started(), spent.ended());
        let pause = self
            .shared
            .config
            .politeness
            .pace_of(&task.visit.site)
            .delay;
        if let Some(early) = self.watch.note(task.visit.key, began, ended, pause) {
            let early_ms = early.as_millis() as u64;
            happened!(PolitenessBreached, slot = %self.slots[at].id, site = %task.visit.site, early_ms);
        }
    }

    /// Nothing left the machine: a stale permit is asked for again, a guarded address refuses the URL.
    fn unused(&mut self, at: usize, task: Task, verdict: &Verdict, exchange: &Finished) {
        let again = matches!(
            exchange.outcome.as_ref().err().map(FetchError::next_step),
            Some(NextStep::RetryUncounted) | None
        );
        if again || self.slots[at].failed.is_some() {
            return self.unbegun(at, task, self.env.clock.mono());
        }
        match task.purpose {
            Purpose::Page(..) => {
                self.shared.board.pages.give_back();
                self.landed(at, &task);
                let visit = self.settle_page(at, task, verdict, None, None);
                self.slots[at].frontier.release(visit.id, orb_env::Mono(0));
            }
            Purpose::Robots { .. } => self.robots_failed(at, task),
        }
    }

    fn page(
        &mut self,
        at: usize,
        mut task: Task,
        mut verdict: Verdict,
        exchange: &Finished,
        spent: &Spent,
    ) {
        let id = RecordId::from_random(self.env.entropy.bytes16());
        if self.slots[at].failed.is_some() {
            // The group this would have joined is being undone; the request happened all the same.
            self.shared.board.pages.give_back();
            self.attempt_row(at, &task, &verdict, exchange, spent, id, None);
            return self.put_back(at, task);
        }
        let mut facts = PageFacts::default();
        let mut archived = None;
        if let Ok(response) = &exchange.outcome {
            if verdict.outcome == Outcome::Captured {
                facts = self.read_page(at, &task, response, &mut verdict);
                if let Some(map) = &facts.map {
                    self.map_read(at, &task, map);
                }
                task.decoded = facts.decoded_at;
                task.read = facts.decoded_at.map(|_| self.env.clock.mono());
                if let Some(text) = &mut facts.known_by {
                    let texts = &mut self.slots[at].same_texts;
                    let site = task.visit.site.as_str();
                    text.same_as = texts.note(&text.digest, site, task.url.as_str());
                }
            }
            archived = Some(self.archive(at, &task, &mut verdict, exchange, response, &facts, id));
        }
        forget_known_map(&task, archived.as_ref(), &mut facts);
        self.spend_attempts(&task, &mut verdict, exchange);
        if !matches!(verdict.outcome, Outcome::Captured | Outcome::NotModified) {
            self.shared.board.pages.give_back();
        }
        self.note_brought(at, &task, &verdict, &facts, archived.as_ref());
        let began = self.tally.reading();
        let joined = facts.took.links;
        self.pass_links_on(at, &task, &verdict, exchange, facts);
        let passed = self.tally.since(began);
        let links = passed.map(|passed| passed + joined.unwrap_or_default());
        self.tally.work.add(Stage::Links, links);
        self.attempt_row(at, &task, &verdict, exchange, spent, id, archived.as_ref());
        let raw = exchange
            .outcome
            .as_ref()
            .map_or(0, |response| response.wire_len());
        self.slots[at].group.grew(raw, self.env.clock.mono());
        let visit = self.settle_page(at, task, &verdict, archived, Some(exchange.started.wall));
        self.slots[at].frontier.release(visit.id, orb_env::Mono(0));
    }

    fn put_back(&mut self, at: usize, task: Task) {
        if let Purpose::Page(queued, _) = task.purpose {
            self.slots[at].frontier.put_back(task.visit.id, queued);
        }
        self.slots[at]
            .frontier
            .release(task.visit.id, orb_env::Mono(0));
    }

    fn read_page(
        &mut self,
        at: usize,
        task: &Task,
        response: &Response,
        verdict: &mut Verdict,
    ) -> PageFacts {
        let slot = &mut self.slots[at];
        let Purpose::Page(queued, _) = &task.purpose else {
            return PageFacts::default();
        };
        let fingerprint = queued.row.fingerprint;
        if let Err(error) = slot.note_reading(fingerprint) {
            tracing::warn!(%error, slot = %slot.id, "could not note the page being read");
        }
        let timed = self.tally.reading().is_some();
        let facts = if is_map(&task.purpose) {
            self.reader.read_map(&task.url, response)
        } else {
            self.reader.read(&task.url, response, timed)
        };
        let slot = &mut self.slots[at];
        if facts.took.was_read {
            self.tally.work.add(Stage::Decode, facts.took.decode);
            self.tally.work.add(Stage::Scan, facts.took.scan);
        }
        if let Err(error) = slot.note_read() {
            tracing::warn!(%error, slot = %slot.id, "could not note that the page was read");
        }
        if facts.poisoned {
            let times = slot.suspects.entry(fingerprint.0).or_default();
            *times += 1;
            let spent = *times >= POISON_TIMES;
            slot.store_suspects(self.env.clock.mono());
            verdict.outcome = if spent {
                Outcome::Failed
            } else {
                Outcome::Retry
            };
            verdict.reason = Reason::Poison;
        }
        facts
    }

    /// An attempt too many turns trouble into failure.
    fn spend_attempts(&self, task: &Task, verdict: &mut Verdict, exchange: &Finished) {
        let Purpose::Page(queued, _) = &task.purpose else {
            return;
        };
        let attempts = queued
            .row
            .attempts
            .saturating_add(u8::from(verdict.counted));
        let spent = attempts >= self.shared.config.limits.attempts_max;
        // A bare domain that cannot be connected to by https goes on by http at once.
        let by_http = queued.row.found.bare_domain && is_unconnected(exchange);
        if verdict.outcome == Outcome::Retry && (spent || by_http) {
            verdict.outcome = Outcome::Failed;
        }
    }

    #[allow(clippy::too_many_arguments)] // each is a part of one exchange; a struct would only rename them
    pub(crate) fn archive(
        &mut self,
        at: usize,
        task: &Task,
        verdict: &mut Verdict,
        exchange: &Finished,
        response: &Response,
        facts: &PageFacts,
        id: RecordId,
    ) -> Archived {
        let began = self.tally.reading();
        let slot = &mut self.slots[at];
        let withheld = withheld(slot, verdict, response, facts);
        // Of a page that says it has not changed, the payload is the one it had.
        let kept = kept_digest(task, response);
        let digest = kept.unwrap_or_else(|| Digest::sha1(response.payload()));
        let whole = withheld.is_none() && response.truncated.is_none();
        let here = match withheld {
            None if kept.is_some() => stored_original(slot, digest),
            None if whole => original(slot, response, digest),
            _ => None,
        };
        let is_here = here.is_some();
        let elsewhere = || earlier_original(&task.earlier, response, digest);
        let original = here.or_else(|| elsewhere().filter(|_| whole && kept.is_none()));
        if original.is_some() && verdict.outcome == Outcome::Captured {
            verdict.outcome = Outcome::NotModified;
        }
        let mut fields = fields_of(task, verdict, exchange);
        if matches!(task.purpose, Purpose::Page(..)) {
            let (origin, path) = (task.url.origin(), task.url.path_and_query());
            let usage = slot.copies.usage_of(&origin, path);
            fields.extend(usage.into_iter().map(|line| ("usage", line)));
        }
        let parts = &mut slot.group.segments;
        let entropy = self.env.entropy.as_ref();
        let part = slot
            .archivist
            .part(parts, &mut slot.ends, entropy, exchange.started.wall);
        let capture = Capture {
            id,
            url: task.url.as_str(),
            exchange,
            response,
            digest,
            original: original.clone(),
            not_modified: kept.is_some(),
            facts,
            fields,
            withheld,
        };
        let before = slot.ends.bytes_archived;
        let place = slot
            .archivist
            .capture(part, &mut slot.ends, entropy, &capture);
        let segment = part.serial;
        slot.counts.bytes_archived += slot.ends.bytes_archived - before;
        if whole && kept.is_none() && !is_here {
            // A page that is fetched again may say that it is as it was, however small it is.
            let again = self.shared.config.frontier.recrawl.enabled;
            let bytes_min = if again { 0 } else { REVISIT_BYTES_MIN };
            let original = original.unwrap_or_else(|| Original {
                id: Some(id),
                uri: task.url.as_str().to_owned(),
                at: exchange.started.wall,
            });
            remember(slot, bytes_min, response, digest, original);
        }
        self.tally.passed(Stage::Archive, began);
        Archived {
            place,
            digest,
            segment,
            etag: response.header("etag").map(str::to_owned),
            last_modified: response.header("last-modified").map(str::to_owned),
            status: response.status,
            text: facts.known_by.clone(),
            fresh: fresh_for(response, exchange.started.wall),
            written: self.env.clock.mono(),
        }
    }

    /// Links, the target of a redirect, and http for a bare domain go into the link journal.
    fn pass_links_on(
        &mut self,
        at: usize,
        task: &Task,
        verdict: &Verdict,
        exchange: &Finished,
        facts: PageFacts,
    ) {
        let Purpose::Page(queued, _) = &task.purpose else {
            return;
        };
        let from = &queued.row.found;
        for _ in 0..facts.bad_links {
            self.slots[at].frontier.sighted("bad_url");
        }
        for _ in 0..facts.nofollow_links {
            self.slots[at].frontier.sighted("nofollow");
        }
        for _ in 0..facts.dropped_links {
            self.slots[at].frontier.sighted("too_many_links");
        }
        let via = Some(from.url.clone());
        let plain = Found {
            url: from.url.clone(),
            via,
            depth: from.depth.saturating_add(1),
            hops: 0,
            how: How::Link,
            bare_domain: false,
            rank: None,
        };
        if verdict.outcome != Outcome::Retry && facts.map.is_some() {
            self.listed(at, task, facts);
        } else if verdict.outcome != Outcome::Retry {
            for link in facts.links {
                self.pass_on(
                    at,
                    Found {
                        url: link.url,
                        how: link.how,
                        ..plain.clone()
                    },
                );
            }
        }
        if let (Some(target), Outcome::Redirect) = (&verdict.target, verdict.outcome) {
            let hops = from.hops.saturating_add(1);
            self.pass_on(
                at,
                Found {
                    url: target.clone(),
                    depth: from.depth,
                    hops,
                    how: match from.how {
                        // It stays what robots.txt says it is.
                        How::SitemapFile => How::SitemapFile,
                        _ => How::Redirect,
                    },
                    ..plain
                },
            );
        } else if from.bare_domain
            && is_unconnected(exchange)
            && let Ok(url) = from.url.with_scheme(orb_url::Scheme::Http)
        {
            self.pass_on(
                at,
                Found {
                    url,
                    how: How::Seed,
                    depth: 0,
                    ..plain
                },
            );
        }
    }

    pub(crate) fn pass_on(&mut self, at: usize, found: Found) {
        let slot = &mut self.slots[at];
        let fingerprint = self.shared.key.fingerprint(&found.url);
        if slot
            .recent
            .seen(fingerprint, slot.group.number, slot.durable_group)
        {
            return;
        }
        let owner = self.shared.slots.slot_of_url(&self.shared.key, &found.url);
        let block = slot.group.links.entry(owner.0).or_default();
        let before = block.len();
        found.encode_into(block);
        let grown = block.len() - before;
        slot.group.grew_urgently(grown, self.env.clock.mono());
    }

    #[allow(clippy::too_many_arguments)] // each is a part of one exchange; a struct would only rename them
    pub(crate) fn attempt_row(
        &mut self,
        at: usize,
        task: &Task,
        verdict: &Verdict,
        exchange: &Finished,
        spent: &Spent,
        id: RecordId,
        archived: Option<&Archived>,
    ) {
        let (kind, origin, robots) = task.purpose.told();
        let now = self.env.clock.mono();
        let slot = &mut self.slots[at];
        let ended = Ended {
            at: now,
            outcome: verdict.outcome,
            reason: verdict.reason,
            page: kind == AttemptKind::Page
                && matches!(verdict.outcome, Outcome::Captured | Outcome::NotModified),
            took: Some(spent.ended().since(spent.started())),
        };
        slot.visited.note(task.visit.id, &task.visit.site, &ended);
        let permit = spent.permit();
        let lag = spent.started().since(exchange.started.mono);
        let row = AttemptRow {
            v: 1,
            id: attempt_id(id),
            kind,
            url: task.url.as_str().to_owned(),
            site: task.visit.site.as_str().to_owned(),
            address: permit.address().to_string(),
            group: permit.group().map(str::to_owned),
            start: Stamp {
                mono: spent.started(),
                wall: exchange.started.wall.plus(lag),
                ..exchange.started
            },
            end: spent.ended(),
            end_wall: exchange
                .started
                .wall
                .plus(lag)
                .plus(spent.ended().since(spent.started())),
            site_delay_us: permit.delay_in_force().as_micros() as u64,
            address_delay_us: permit.address_delay().as_micros() as u64,
            origin,
            robots,
            status: exchange
                .outcome
                .as_ref()
                .ok()
                .map(|response| response.status),
            outcome: verdict.outcome,
            reason: verdict.reason,
            error: verdict.error.map(str::to_owned),
            retry_after_us: verdict.retry_after.map(|time| time.as_micros() as u64),
            digest: archived.map(|archived| archived.digest.to_string()),
            archive: archived.map(|archived| archived.place.clone()),
            text: archived.and_then(|archived| archived.text.clone()),
            timings: Some(timings_of(task, exchange, spent, archived, now)),
            commit: slot.group.number,
        };
        self.write_row(at, id, &row);
    }

    /// Appends a row, and keeps its times.
    pub(crate) fn write_row(&mut self, at: usize, id: RecordId, row: &AttemptRow) {
        self.tally.traced(id.to_bytes(), row);
        let mut line = serde_json::to_vec(row).expect("an attempt row has only plain keys");
        line.push(b'\n');
        let slot = &mut self.slots[at];
        slot.group.attempts += 1;
        slot.group.grew(0, self.env.clock.mono());
        if let Err(error) = slot.attempts.append(&line) {
            happened!(RowLost, %error, slot = %slot.id);
            self.slot_failed(at, false);
        }
    }

    /// When a URL in trouble is tried again: later each time, spread by a quarter, and no earlier than it was asked.
    fn retry_at(&self, verdict: &Verdict, attempts: u8, now: Stamp) -> Wall {
        let pause = self.shared.config.limits.retry_first
            * 2u32.saturating_pow(u32::from(attempts.max(1)) - 1);
        let jitter = self.env.entropy.below(pause.as_micros() as u64 / 4 + 1);
        let pause = if verdict.counted {
            pause
        } else {
            Duration::ZERO
        };
        let due = self
            .steady
            .stamp(now)
            .wall
            .plus(pause.max(verdict.retry_after.unwrap_or_default()));
        Wall(due.0 + jitter as i64)
    }

    /// Writes a page's next state and returns its visit.
    pub(crate) fn settle_page(
        &mut self,
        at: usize,
        task: Task,
        verdict: &Verdict,
        archived: Option<Archived>,
        when: Option<Wall>,
    ) -> Visit {
        let Purpose::Page(queued, _) = task.purpose else {
            return task.visit;
        };
        let now = self.env.clock.stamp();
        let attempts = queued
            .row
            .attempts
            .saturating_add(u8::from(verdict.counted));
        let max = self.shared.config.limits.attempts_max;
        // An attempt that never reached the network has not been judged by `spend_attempts`.
        let outcome = match verdict.outcome {
            Outcome::Retry if attempts >= max => Outcome::Failed,
            outcome => outcome,
        };
        let state = match outcome {
            Outcome::Captured | Outcome::NotModified | Outcome::Redirect | Outcome::Gone => {
                UrlState::Done
            }
            Outcome::Refused => UrlState::Excluded,
            Outcome::Failed => UrlState::Failed,
            Outcome::Retry => UrlState::Pending,
        };
        let retry_at = (state == UrlState::Pending).then(|| self.retry_at(verdict, attempts, now));
        let slot = &mut self.slots[at];
        slot.counts.ended(outcome, verdict.reason);
        if matches!(outcome, Outcome::Captured | Outcome::NotModified) {
            slot.ends.pages += 1;
            slot.counts.pages += 1;
        }
        if slot.suspects.remove(&queued.row.fingerprint.0).is_some()
            && verdict.reason != Reason::Poison
        {
            slot.store_suspects(now.mono);
        }
        let settled = if let Some(due) = retry_at {
            Settled::Retry(due, attempts)
        } else {
            let fresh = archived.as_ref().and_then(|archived| archived.fresh);
            let fate = Box::new(FateRow {
                state,
                outcome,
                reason: verdict.reason,
                detail: verdict.error.unwrap_or("").to_owned(),
                status: archived.as_ref().map_or(0, |archived| archived.status),
                attempts,
                found: queued.row.found.clone(),
                at: when.unwrap_or(now.wall),
                place: archived.as_ref().map(|a| Place {
                    segment: a.segment,
                    offset: a.place.offset,
                }),
                digest: archived.as_ref().map(|a| a.digest.to_bytes()),
                etag: archived.as_ref().and_then(|a| a.etag.clone()),
                last_modified: archived.and_then(|a| a.last_modified),
                history: None,
            });
            let recrawl = &self.shared.config.frontier.recrawl;
            let known = queued.known.as_deref();
            let (id, frontier) = (task.visit.id, &mut slot.frontier);
            let fresh = heed_claim(frontier, recrawl, id, &queued, &fate, fresh);
            match settled_again(&mut slot.counts, recrawl, known, fate, fresh) {
                Settled::Again(fate, due) => Settled::Again(fate, self.steady.of(due, now)),
                settled => settled,
            }
        };
        slot.frontier
            .settle(task.visit.id, queued, settled, &mut slot.group.batch);
        slot.group.grew(0, now.mono);
        task.visit
    }
}

/// Where a request's time went; `now` is when its row is written.
fn timings_of(
    task: &Task,
    exchange: &Finished,
    spent: &Spent,
    archived: Option<&Archived>,
    now: Mono,
) -> AttemptTimings {
    let micros = |time: Duration| time.as_micros() as u64;
    let since = |from: Option<Mono>, to: Option<Mono>| {
        from.zip(to).map(|(from, to)| micros(to.since(from)))
    };
    let read = task.read.or(Some(task.taken_up));
    let timings = &exchange.timings;
    AttemptTimings {
        queue_us: micros(spent.started().since(task.visit.since)),
        dns_us: task.dns.map(micros),
        connect_us: timings.connect.map(micros),
        tls_us: timings.tls.map(micros),
        first_byte_us: timings.first_byte.map(micros),
        body_us: timings.body.map(micros),
        buffer_wait_us: micros(timings.buffer_wait),
        robots_us: Some(micros(task.judged.since(task.visit.since))),
        ours_us: micros(now.since(task.taken_up)),
        decode_us: since(Some(task.taken_up), task.decoded),
        scan_us: since(task.decoded, task.read),
        archive_us: since(read, archived.map(|archived| archived.written)),
    }
}

/// The attempt's name in rows and in `WARC-Record-ID`: the same bits, without punctuation.
pub(crate) fn attempt_id(id: RecordId) -> String {
    data_encoding::HEXLOWER.encode(&id.to_bytes())
}

fn is_unconnected(exchange: &Finished) -> bool {
    exchange.outcome.as_ref().err().map(FetchError::next_step) == Some(NextStep::TryHttp)
}

fn fields_of(task: &Task, verdict: &Verdict, exchange: &Finished) -> Vec<(&'static str, String)> {
    let mut fields = Vec::with_capacity(8);
    match &task.purpose {
        Purpose::Page(queued, _) => {
            let found = &queued.row.found;
            if let Some(via) = &found.via {
                fields.push(("via", via.as_str().to_owned()));
            }
            fields.push(("hopsFromSeed", found.depth.to_string()));
            fields.push(("foundBy", found.how.name().to_owned()));
        }
        Purpose::Robots { origin, .. } => fields.push(("robotsOf", origin.as_str().to_owned())),
    }
    let total = exchange.timings.total.unwrap_or_default();
    fields.push(("fetchTimeMs", total.as_millis().to_string()));
    fields.push(("outcome", verdict.outcome.name().to_owned()));
    if let Some(error) = exchange
        .tls
        .as_ref()
        .and_then(|tls| tls.verify_error.clone())
    {
        fields.push(("tlsVerifyError", error));
    }
    fields
}
