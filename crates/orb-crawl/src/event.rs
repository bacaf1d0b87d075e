//! What can happen to a shard.
//!
//! In: ends of requests and helper jobs. Out: one enum the loop matches on. May touch: nothing.
//! Invariant: every future a shard starts ends in exactly one event.

use orb_api::{AttemptKind, RobotsInForce};
use orb_env::{Mono, WorkLost};
use std::net::SocketAddr;
use std::time::Duration;

use orb_env::Stamp;
use orb_fetch::{Exchange, FetchError, Gate, ResolveError, Response, Timings, TlsInfo};
use orb_frontier::{
    Drained, Found, FrontierError, Loaded, Merged, Queued, Readmitted, SeedsEnd, SiteId, Visit,
};
use orb_gate::{AddressGrant, Permit};
use orb_shard::SlotId;
use orb_store::{JournalBlock, JournalError, JournalReader, StoreError};
use orb_url::{CrawlUrl, Origin};

use crate::CrawlError;
use crate::earlier::Payload;
use crate::errand::{Errand, HopAnswer};
use crate::files::CommitError;
use crate::group::Committed;
use crate::under_way::RequestNumber;

/// What a request is for.
pub(crate) enum Purpose {
    /// A queued URL, and the robots answer that allows it.
    Page(Queued, RobotsInForce),
    /// robots.txt of an origin: our own after so many hops, or somebody's errand.
    Robots {
        origin: Origin,
        hops: u8,
        errand: Option<Errand>,
    },
}

impl Purpose {
    /// What rows tell of it: kind, whose robots.txt, the robots answer in force.
    pub(crate) fn told(&self) -> (AttemptKind, Option<String>, Option<RobotsInForce>) {
        match self {
            Purpose::Page(_, robots) => (AttemptKind::Page, None, Some(robots.clone())),
            Purpose::Robots { origin, .. } => {
                (AttemptKind::Robots, Some(origin.as_str().to_owned()), None)
            }
        }
    }
}

/// A request under way.
pub(crate) struct Task {
    pub(crate) visit: Visit,
    pub(crate) url: CrawlUrl,
    pub(crate) purpose: Purpose,
    /// How long its address was looked for, when it was not at hand.
    pub(crate) dns: Option<Duration>,
    /// When it was known that it may be requested.
    pub(crate) judged: Mono,
    /// When what it brought was taken up.
    pub(crate) taken_up: Mono,
    /// When its page was decoded, and when it was read.
    pub(crate) decoded: Option<Mono>,
    pub(crate) read: Option<Mono>,
    /// Which of the requests under way it is.
    pub(crate) number: RequestNumber,
    /// Payloads the address had in earlier archives.
    pub(crate) earlier: Vec<Payload>,
}

impl Task {
    /// A request that is about to begin.
    pub(crate) fn new(visit: Visit, url: CrawlUrl, purpose: Purpose) -> Task {
        Task {
            visit,
            url,
            purpose,
            dns: None,
            judged: Mono(0),
            taken_up: Mono(0),
            decoded: None,
            read: None,
            number: RequestNumber::default(),
            earlier: Vec::new(),
        }
    }
}

/// A robots hop of ours that another slot answered, or did not.
pub(crate) struct Hop {
    pub(crate) site: SiteId,
    pub(crate) origin: Origin,
    pub(crate) hops: u8,
    pub(crate) answer: Option<HopAnswer>,
}

/// An exchange that ended, without its permit, which goes back to the site's clock at once.
pub(crate) struct Finished {
    pub(crate) started: Stamp,
    pub(crate) request_bytes: Vec<u8>,
    pub(crate) outcome: Result<Response, FetchError>,
    pub(crate) timings: Timings,
    pub(crate) remote: SocketAddr,
    pub(crate) tls: Option<TlsInfo>,
    pub(crate) wire_bytes_in: u64,
    pub(crate) wire_bytes_out: u64,
}

impl Finished {
    /// Takes the permit out of an exchange.
    pub(crate) fn split(exchange: Exchange) -> (Gate, Box<Finished>) {
        let Exchange {
            started,
            gate,
            request_bytes,
            outcome,
            timings,
            remote,
            tls,
            ..
        } = exchange;
        let (wire_bytes_in, wire_bytes_out) = (exchange.wire_bytes_in, exchange.wire_bytes_out);
        let finished = Finished {
            started,
            request_bytes,
            outcome,
            timings,
            remote,
            tls,
            wire_bytes_in,
            wire_bytes_out,
        };
        (gate, Box::new(finished))
    }
}

/// What became of something a shard started. `at` is the slot's place in the shard.
pub(crate) enum Event {
    Loaded(usize, Result<Result<Loaded, FrontierError>, WorkLost>),
    Drained(usize, Result<Result<Drained, FrontierError>, WorkLost>),
    Absorbed(usize, SlotId, Result<AbsorbResult, WorkLost>),
    Seeds(
        usize,
        Result<Result<(Vec<Found>, SeedsEnd), CrawlError>, WorkLost>,
    ),
    Readmitted(usize, Result<Result<Readmitted, FrontierError>, WorkLost>),
    /// Its turn came after it was excluded.
    Withheld(usize, Box<Task>, Permit),
    Merged(
        usize,
        Result<Result<Merged, orb_frontier::SieveError>, WorkLost>,
    ),
    Committed(usize, Result<Result<Box<Committed>, CommitError>, WorkLost>),
    Copy(
        usize,
        Box<Visit>,
        Origin,
        Result<Result<Option<Vec<u8>>, StoreError>, WorkLost>,
    ),
    Unresolved(usize, Box<Task>, ResolveError),
    Deferred(usize, Box<Task>, Mono),
    Granted(usize, Box<Task>, AddressGrant),
    Exchanged(usize, Box<Task>, Gate, Box<Finished>),
    Hop(usize, Hop),
    /// A question was answered on the read helper.
    Answered(usize),
    /// Something was made of a closed segment, or not; what came of it is in the log.
    Closed,
}

/// The reader comes back whatever happened.
pub(crate) type AbsorbResult = (JournalReader, Result<Option<JournalBlock>, JournalError>);
