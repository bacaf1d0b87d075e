//! A pretended request: from a site's turn to its end.
//!
//! In: a visit, a URL, the clocks' answer. Out: when it begins and ends.
//! May touch: nothing. Must not touch: the frontier; the shard settles what comes of it.
//! Invariant: no request without a permit.

use std::net::IpAddr;
use std::time::Duration;

use orb_api::{Outcome, Reason, UrlState};
use orb_env::{Mono, Wall};
use orb_frontier::rows::{FateRow, Place};
use orb_frontier::{Queued, Settled, Visit};
use orb_gate::{Exchanging, Feedback, Permit};
use orb_shard::SlotId;
use orb_store::Batch;
use orb_url::{Fingerprint, Site};

use crate::lanes::Took;
use crate::slot::Slot;
use crate::stream::Round;

/// One request.
pub(crate) struct Flight {
    /// Place of its slot in the shard.
    pub(crate) at: usize,
    pub(crate) visit: Visit,
    /// None for robots.txt.
    pub(crate) queued: Option<Queued>,
    pub(crate) stage: Stage,
    /// What taking the URL cost, of a metered visit.
    pub(crate) popped: Option<Took>,
}

/// How far it is.
pub(crate) enum Stage {
    /// Its time has not come.
    Granted(Permit),
    /// Under way.
    Under(Exchanging),
    /// It ended.
    Over,
}

/// What is pretended of the web, and who watches.
pub(crate) trait Pretence: Send {
    /// Whether the robots.txt of this URL's origin must be fetched first; asked at each visit.
    fn robots_first(&mut self, _site: &Site, _queued: &Queued) -> bool {
        false
    }

    /// Where the site is.
    fn address(&self, _site: &Site) -> IpAddr {
        IpAddr::from([192, 0, 2, 1])
    }

    /// How long a request takes.
    fn takes(&self, queued: Option<&Queued>) -> Duration {
        let bits = queued.map_or(0, |queued| queued.row.fingerprint.0);
        Duration::from_millis(100 + bits % 200)
    }

    /// A request begins. An error is a promise broken.
    fn begins(&mut self, _site: &Site, _now: Mono) -> Result<(), String> {
        Ok(())
    }

    /// How the site took it.
    fn feedback(&self, _queued: Option<&Queued>) -> Feedback {
        Feedback::Answered
    }

    /// A request ended, before its group is committed.
    fn ended(
        &mut self,
        _slot: SlotId,
        _site: &Site,
        _began: Mono,
        _now: Mono,
        _feedback: Feedback,
    ) -> Result<(), String> {
        Ok(())
    }

    /// What the request came to.
    fn outcome(&mut self, queued: &Queued, _feedback: Feedback, now: Wall) -> Settled {
        settled(queued, now)
    }

    /// The links of a page that was fetched, added to the blocks of the slots that own them.
    fn links(&mut self, _queued: &Queued, _round: &mut Round) {}

    /// The robots.txt that was last asked for of a site was fetched.
    fn robots_fetched(&mut self, _site: &Site) {}

    /// A group is closed; what the pretence wants stored with it joins the batch.
    fn sealed(&mut self, _batch: &mut Batch, _now: Mono) -> Result<(), String> {
        Ok(())
    }

    /// A group is durable. An error is a promise broken.
    fn durable(&mut self, _slot: &Slot, _group: u64) -> Result<(), String> {
        Ok(())
    }
}

/// A web that only answers.
pub(crate) struct Answers;

impl Pretence for Answers {}

/// Of a hundred pages two are tried again, and one has failed at the end.
fn settled(queued: &Queued, now: Wall) -> Settled {
    let lot = lot(queued.row.fingerprint);
    let attempts = queued.row.attempts + 1;
    if attempts == 1 && lot < 2 {
        return Settled::Retry(now.plus(Duration::from_secs(10)), attempts);
    }
    let failed = lot == 99;
    Settled::Final(Box::new(fate(queued, attempts, failed, now)))
}

fn lot(fingerprint: Fingerprint) -> u64 {
    (fingerprint.0 >> 20) % 100
}

/// A fate as a crawl writes it that fetches each page once: what was fetched has a record.
pub(crate) fn fate(queued: &Queued, attempts: u8, failed: bool, now: Wall) -> FateRow {
    let bits = queued.row.fingerprint.0;
    let (state, outcome, reason) = if failed {
        (UrlState::Failed, Outcome::Failed, Reason::Dns)
    } else {
        (UrlState::Done, Outcome::Captured, Reason::None)
    };
    FateRow {
        state,
        outcome,
        reason,
        detail: String::new(),
        status: if failed { 0 } else { 200 },
        attempts,
        found: queued.row.found.clone(),
        at: now,
        place: (!failed).then_some(Place {
            segment: (bits >> 50) as u32 & 0xff,
            offset: bits & 0x3fff_ffff,
        }),
        digest: None,
        etag: None,
        last_modified: None,
        history: None,
    }
}
