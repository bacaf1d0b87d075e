//! The explanation of one URL, as programs read it.
//!
//! In: nothing. Out: the types of `orb why --json`. May touch: nothing.
//! Invariant: field names are a contract with scripts; times are wall-clock microseconds, lengths of time say their
//! unit.

use orb_api::{
    AttemptRow, AttemptTimings, Outcome, QueueFacts, Reason, SieveFacts, TextFacts, UrlState,
};
use serde::Serialize;

use crate::attempts::{Durability, SeenRow};
use crate::chain::Discovery;
use crate::clocks::Clocks;
use crate::given::Given;
use crate::record::Glance;
use crate::rules::RuleLine;
use crate::verdict::{Verdict, VerdictKind};

/// Everything there is to say about a URL.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Canonical form.
    pub url: String,
    /// What became of it.
    pub verdict: Verdict,
    /// What was typed, and what became of that.
    pub given: Given,
    /// Fingerprint under the crawl's key.
    pub fingerprint: String,
    /// Slot that owns it.
    pub slot: u8,
    /// Partition of its site.
    pub partition: u16,
    /// The way back to its seed.
    pub discovery: Discovery,
    /// Where it leads, redirect by redirect.
    pub redirects: Vec<RedirectStep>,
    /// What each rule says of it.
    pub rules: Vec<RuleLine>,
    /// Whether the sieve knows it.
    pub sieve: SieveFacts,
    /// Its place in the queue.
    pub queue: Option<QueueFacts>,
    /// When it may be requested at the earliest, as far as clocks tell.
    pub earliest_us: Option<i64>,
    /// The clocks of its site.
    pub clocks: Clocks,
    /// Requests that were made for it, oldest first.
    pub attempts: Vec<AttemptLine>,
    /// How many were made in all.
    pub attempts_count: u64,
    /// Requests for the robots.txt of its origin, the newest.
    pub robots_attempts: Vec<AttemptLine>,
    /// Where its record lies.
    pub archive: Option<ArchivePlaceShown>,
    /// The state reached at its last attempt.
    pub state: Option<StateShown>,
}

/// One redirect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RedirectStep {
    /// Where it leads.
    pub to: String,
    /// What became of that.
    pub kind: VerdictKind,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AttemptLine {
    /// Its id; the response record has the UUID of the same bits.
    pub id: String,
    /// What was requested; differs from the URL for hops of a robots.txt.
    pub url: String,
    /// When its exchange began.
    pub at_us: i64,
    /// Length of the exchange.
    pub exchange_us: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// HTTP status.
    pub status: Option<u16>,
    /// The fetcher's error class.
    pub error: Option<String>,
    /// The address dialled.
    pub address: String,
    /// The site's pause in force.
    pub site_delay_us: u64,
    /// The address's pause in force.
    pub address_delay_us: u64,
    /// What the site asked for by `Retry-After`.
    pub retry_after_us: Option<u64>,
    /// The attempt at robots.txt whose answer it was judged by.
    pub robots_attempt: Option<String>,
    /// What the page's text is known by, where the crawl tells it.
    pub text: Option<TextFacts>,
    /// Where the time went; absent in rows of earlier versions.
    pub timings: Option<AttemptTimings>,
    /// Whether what it brought will stay.
    pub durability: Durability,
}

impl AttemptLine {
    pub(crate) fn of(seen: &SeenRow) -> AttemptLine {
        let row = &seen.row;
        AttemptLine {
            id: row.id.clone(),
            url: row.url.clone(),
            at_us: row.start.wall.0,
            exchange_us: exchange_us(row),
            outcome: row.outcome,
            reason: row.reason,
            status: row.status,
            error: row.error.clone(),
            address: row.address.clone(),
            site_delay_us: row.site_delay_us,
            address_delay_us: row.address_delay_us,
            retry_after_us: row.retry_after_us,
            robots_attempt: row.robots.as_ref().map(|robots| robots.attempt.clone()),
            text: row.text.clone(),
            timings: row.timings,
            durability: seen.durability,
        }
    }
}

/// From the first packet to the last byte.
pub(crate) fn exchange_us(row: &AttemptRow) -> u64 {
    row.end.since(row.start.mono).as_micros() as u64
}

/// A record in the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArchivePlaceShown {
    /// Path inside the crawl's folder.
    pub file: String,
    /// Offset of its first byte.
    pub offset: u64,
    /// A command that prints it.
    pub command: String,
    /// What it says; absent when it cannot be read.
    pub record: Option<Glance>,
}

/// The state reached at the last attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateShown {
    /// State; what is queued again is pending whatever stands here.
    pub state: UrlState,
    /// Outcome of the last attempt.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// The fetcher's error class, or the rule that decided.
    pub detail: String,
    /// HTTP status, 0 when there was none.
    pub status: u16,
    /// Attempts made.
    pub attempts: u8,
    /// When it was reached.
    pub at_us: i64,
}
