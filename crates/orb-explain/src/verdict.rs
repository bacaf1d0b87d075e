//! The fates of a URL: the closed list, and which of them facts show.
//!
//! In: facts, the archived record. Out: one kind. May touch: nothing.
//! Invariant: every URL has exactly one kind; a queue row decides before a fate, because it is newer.

use orb_api::{FateFacts, Outcome, QueueFacts, Reason, SieveFacts, UrlFacts, UrlState};
use serde::Serialize;

use crate::record::Glance;

/// What became of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// A page in the archive.
    Captured,
    /// The server said that nothing changed, or sent the payload that the same URL had before: a revisit record.
    NotModified,
    /// The payload of another URL: a revisit record.
    Duplicate,
    /// It leads elsewhere.
    Redirect,
    /// 4xx.
    Gone,
    /// A line of robots.txt forbids it.
    Robots,
    /// robots.txt could not be had, so nothing may be fetched.
    RobotsUnreachable,
    /// robots.txt asks for a longer pause than the operator allows to wait.
    CrawlDelay,
    /// Its host has only addresses that must not be dialled.
    GuardedAddress,
    /// The operator's rules, or a site's wish told to the operator.
    OptedOut,
    /// A content type that is not wanted.
    TypeFilter,
    /// The site wants to be paid.
    PaymentRequired,
    /// Cut by a budget of its site.
    Budget,
    /// No more links of its site are taken.
    SiteFull,
    /// Reading it ended the process twice.
    Poison,
    /// Its attempts are spent.
    Failed,
    /// A request is under way.
    InFlight,
    /// It is tried again at a time.
    InBackoff,
    /// Its turn has not come.
    Waiting,
    /// Found, and on its way into the queue.
    Found,
    /// Outside the scope.
    OutOfScope,
    /// Too many links from a seed.
    TooDeep,
    /// Too many redirects in a row.
    RedirectLimit,
    /// No page that was read links to it.
    NeverFound,
}

impl VerdictKind {
    /// Every kind.
    pub const ALL: [VerdictKind; 24] = [
        VerdictKind::Captured,
        VerdictKind::NotModified,
        VerdictKind::Duplicate,
        VerdictKind::Redirect,
        VerdictKind::Gone,
        VerdictKind::Robots,
        VerdictKind::RobotsUnreachable,
        VerdictKind::CrawlDelay,
        VerdictKind::GuardedAddress,
        VerdictKind::OptedOut,
        VerdictKind::TypeFilter,
        VerdictKind::PaymentRequired,
        VerdictKind::Budget,
        VerdictKind::SiteFull,
        VerdictKind::Poison,
        VerdictKind::Failed,
        VerdictKind::InFlight,
        VerdictKind::InBackoff,
        VerdictKind::Waiting,
        VerdictKind::Found,
        VerdictKind::OutOfScope,
        VerdictKind::TooDeep,
        VerdictKind::RedirectLimit,
        VerdictKind::NeverFound,
    ];

    /// The end of a sentence that begins with "which".
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            VerdictKind::Captured => "is captured",
            VerdictKind::NotModified => "did not change",
            VerdictKind::Duplicate => "has the payload of another URL",
            VerdictKind::Redirect => "redirects on",
            VerdictKind::Gone => "is gone",
            VerdictKind::Robots => "robots.txt forbids",
            VerdictKind::RobotsUnreachable => "lies behind a robots.txt that could not be had",
            VerdictKind::CrawlDelay => "lies behind a crawl-delay above the cap",
            VerdictKind::GuardedAddress => "has only guarded addresses",
            VerdictKind::OptedOut => "the operator excludes",
            VerdictKind::TypeFilter => "has a type that is not wanted",
            VerdictKind::PaymentRequired => "wants to be paid for",
            VerdictKind::Budget => "a budget cut",
            VerdictKind::SiteFull => "lies in a site that is full",
            VerdictKind::Poison => "could not be read",
            VerdictKind::Failed => "failed",
            VerdictKind::InFlight => "is being fetched",
            VerdictKind::InBackoff => "is tried again later",
            VerdictKind::Waiting => "waits for its turn",
            VerdictKind::Found => "is on its way into the queue",
            VerdictKind::OutOfScope => "is out of scope",
            VerdictKind::TooDeep => "is too far from a seed",
            VerdictKind::RedirectLimit => "is one redirect too many",
            VerdictKind::NeverFound => "the crawl does not know yet",
        }
    }
}

/// The verdict: its kind for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What became of the URL.
    pub kind: VerdictKind,
    /// The same in a sentence, with the numbers that matter.
    pub sentence: String,
    /// What changes it, where something does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// Which fate the facts show; `record` is what was archived of the last attempt.
pub(crate) fn kind_of(
    facts: &UrlFacts,
    record: Option<&Glance>,
    crawl_delay_max_ms: Option<u64>,
) -> VerdictKind {
    if let Some(queue) = &facts.queue {
        return of_queue(facts, queue, crawl_delay_max_ms);
    }
    if let Some(fate) = &facts.fate {
        return of_fate(facts, fate, record);
    }
    if facts.sieve != SieveFacts::Unseen {
        return VerdictKind::Found;
    }
    match facts.scope.stopped_by.as_deref() {
        None => VerdictKind::NeverFound,
        Some("rule" | "opt_out") => VerdictKind::OptedOut,
        Some("full" | "frontier_full" | "sitemap_full") => VerdictKind::SiteFull,
        Some("depth") => VerdictKind::TooDeep,
        Some("redirect_limit") => VerdictKind::RedirectLimit,
        Some(_) => VerdictKind::OutOfScope,
    }
}

fn of_queue(facts: &UrlFacts, queue: &QueueFacts, crawl_delay_max_ms: Option<u64>) -> VerdictKind {
    match queue.place.as_str() {
        "cold" => return VerdictKind::Budget,
        "in_flight" => return VerdictKind::InFlight,
        _ => {}
    }
    // A site is set aside at the turn after its robots.txt was read; that turn comes when its long pause is over.
    let asked_ms = facts.robots.as_ref().and_then(|copy| copy.crawl_delay_ms);
    let above_cap = asked_ms
        .zip(crawl_delay_max_ms)
        .is_some_and(|(asked, max)| asked > max);
    match facts.site.parked {
        Some(reason) => of_reason(reason),
        None if above_cap => VerdictKind::CrawlDelay,
        None if queue.attempts > 0 || queue.due_us.is_some() => VerdictKind::InBackoff,
        None if queue.place == "admitted" => VerdictKind::Found,
        None => VerdictKind::Waiting,
    }
}

fn of_fate(facts: &UrlFacts, fate: &FateFacts, record: Option<&Glance>) -> VerdictKind {
    match (fate.state, fate.outcome) {
        (UrlState::Excluded, _) => of_reason(fate.reason),
        (UrlState::Failed, _) if fate.reason == Reason::Poison => VerdictKind::Poison,
        (UrlState::Failed, _) => VerdictKind::Failed,
        (UrlState::Pending, _) => VerdictKind::Waiting,
        (UrlState::Done, Outcome::Captured) => VerdictKind::Captured,
        (UrlState::Done, Outcome::NotModified) => {
            let other = record.and_then(|record| record.repeats_url.as_deref());
            match other {
                _ if fate.status == 304 => VerdictKind::NotModified,
                Some(url) if url == facts.url => VerdictKind::NotModified,
                _ => VerdictKind::Duplicate,
            }
        }
        (UrlState::Done, Outcome::Redirect) => VerdictKind::Redirect,
        (UrlState::Done, Outcome::Gone) => VerdictKind::Gone,
        // No URL is done by these; a later version may know better.
        (UrlState::Done, Outcome::Refused) => of_reason(fate.reason),
        (UrlState::Done, Outcome::Retry | Outcome::Failed) => VerdictKind::Failed,
    }
}

/// Why a URL is excluded.
fn of_reason(reason: Reason) -> VerdictKind {
    match reason {
        Reason::Robots => VerdictKind::Robots,
        Reason::RobotsUnreachable => VerdictKind::RobotsUnreachable,
        Reason::CrawlDelay => VerdictKind::CrawlDelay,
        Reason::GuardedAddress => VerdictKind::GuardedAddress,
        Reason::OptOut | Reason::Rule => VerdictKind::OptedOut,
        Reason::TypeFilter => VerdictKind::TypeFilter,
        Reason::PaymentRequired => VerdictKind::PaymentRequired,
        Reason::Budget => VerdictKind::Budget,
        Reason::Poison => VerdictKind::Poison,
        Reason::None
        | Reason::TooManyRequests
        | Reason::ServerError
        | Reason::Dns
        | Reason::Connect
        | Reason::Tls
        | Reason::Timeout
        | Reason::Disconnected
        | Reason::BadResponse
        | Reason::OddStatus => VerdictKind::Failed,
    }
}
