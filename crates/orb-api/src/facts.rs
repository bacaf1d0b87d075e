//! What is known about one URL and one site: the raw material of `orb why` and `orb inspect site`.
//!
//! In: rows of a slot, running or not. Out: JSON.
//! May touch: nothing. Invariant: facts only; what they mean is said by whoever explains them. Times are wall
//! clock microseconds unless a name says otherwise.

use serde::{Deserialize, Serialize};

use crate::{Outcome, Reason, RobotsInForce, UrlState};

/// How a URL was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundFacts {
    /// `seed`, `link`, `redirect`, …
    pub how: String,
    /// The page it was found on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub via: Option<String>,
    /// Links from a seed.
    pub depth: u16,
    /// Redirects in a row that led here.
    pub hops: u8,
    /// Rank in the seeds list.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rank: Option<u32>,
    /// Whether it was made from a bare domain.
    pub bare_domain: bool,
}

/// Whether the sieve knows a URL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SieveFacts {
    /// It never let this URL through.
    #[default]
    Unseen,
    /// It was offered and waits for the next merge; only a running crawl can tell.
    Offered,
    /// It let this URL through.
    Seen,
}

/// A queued URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueFacts {
    /// Why it is in the cold log, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<CutFacts>,
    /// `queue`, `cold` (its budget was spent), `admitted` (on the way to the queue) or `in_flight`. Only a running
    /// crawl can tell the last.
    pub place: String,
    /// Lane inside the site: 0 is retries, 1 seeds, then by depth; 255 where no row says.
    pub lane: u8,
    /// URLs of the site before this one; `None` when they are more than a bounded look finds.
    pub ahead: Option<u64>,
    /// Attempts made.
    pub attempts: u8,
    /// Not before this time, for one that is tried again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_us: Option<i64>,
    /// How it was found.
    pub found: FoundFacts,
}

/// What became of a URL at its last attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FateFacts {
    /// State reached.
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
    /// When the last attempt ended.
    pub at_us: i64,
    /// Archive segment and offset of the record; its length is not kept here, and 0.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub archive: Option<crate::ArchivePlace>,
    /// How it was found.
    pub found: FoundFacts,
}

/// The robots copy in force for an origin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RobotsFacts {
    /// Origin it speaks for.
    pub origin: String,
    /// Attempt and standing.
    pub in_force: Option<RobotsInForce>,
    /// When it was had.
    pub fetched_us: i64,
    /// When it is asked for again; 0 when it is not by itself: it was unreachable too often.
    pub expires_us: i64,
    /// Whether the URL asked about may be fetched under it; `None` while nobody knows.
    pub allowed: Option<bool>,
    /// The rule that decides, as written, with its line.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<String>,
    /// Line of that rule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
    /// Crawl-delay it asks for, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub crawl_delay_ms: Option<u64>,
}

/// How the rules before the sieve judge a URL, as they stand now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeFacts {
    /// The setting: `site`, `host`, `prefix` or `any`.
    pub scope: String,
    /// The cause that stops a link to this URL, by the name sightings are counted under; `None` lets it through.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped_by: Option<String>,
    /// The line of `--exclude` that stops it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rule: Option<String>,
}

/// Why a URL was cut by a budget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CutFacts {
    /// Which budget: `site_pages`, `host_pages`, `prefix_pages`, `sitemap_files` are the settings' bounds; `shape` and `hosts` say that
    /// its like brought nothing new; empty where a folder of an earlier build does not say.
    pub cause: String,
    /// The finest part of the site that was judged: `site`, `host`, `family`, `query`, `directory`, `form` or
    /// `subdirectory`; empty where nothing was learnt.
    pub level: String,
    /// Fetches that part has seen so far.
    pub fetches: u32,
}

/// What a site is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SitePhase {
    /// Nothing of it is pending, or the crawl is not running.
    #[default]
    Idle,
    /// It waits for its clock.
    Waiting,
    /// Its URLs are being read, or are in memory and it is about to be visited.
    Ready,
    /// A request is under way.
    Visiting,
    /// Set aside.
    Parked,
}

/// What is known about a site.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SiteFacts {
    /// Registrable domain, or an IP literal.
    pub site: String,
    /// Whether the crawl knows it.
    pub known: bool,
    /// Slot that owns it.
    pub slot: u8,
    /// Partition.
    pub partition: u16,
    /// What it is doing.
    pub phase: SitePhase,
    /// URLs pending.
    pub pending: u64,
    /// URLs queued, each once: what the page budget counts.
    pub queued: u64,
    /// URLs cut by the budget.
    pub cold: u64,
    /// Why it is set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parked: Option<Reason>,
    /// Whether a seed lies in it.
    pub seeded: bool,
    /// Largest crawl-delay of its origins in use, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crawl_delay_ms: Option<u64>,
    /// Pause in force, milliseconds: the largest of setting, crawl-delay, back-off and a multiple of the last
    /// exchange.
    pub delay_ms: u64,
    /// Back-off in force, milliseconds.
    pub backoff_ms: u64,
    /// Length of the last exchange, milliseconds.
    pub last_exchange_ms: u64,
    /// What orders say of it.
    #[serde(skip_serializing_if = "SiteSteering::is_empty")]
    pub orders: SiteSteering,
    /// Milliseconds until its clock allows a request; 0 when it does now, or nobody crawls.
    pub next_in_ms: u64,
    /// Rest of what its `Retry-After` asked for, milliseconds.
    pub hold_ms: u64,
    /// Robots copies of its origins, the first hundred by name. Left out of what is told about a URL, which names
    /// its own.
    pub robots: Vec<RobotsFacts>,
}

/// What the operator ordered for one site, beside excluding it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SiteSteering {
    /// The least pause, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// URLs taken up at most; 0 sets no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages_max: Option<u64>,
    /// Steps before others that are due, or behind them; 0 says nothing.
    #[serde(skip_serializing_if = "is_zero")]
    pub priority: i8,
}

impl SiteSteering {
    /// Nothing was ordered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == SiteSteering::default()
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_zero(steps: &i8) -> bool {
    *steps == 0
}

/// What is known about a URL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UrlFacts {
    /// Canonical form.
    pub url: String,
    /// Fingerprint under the crawl's key, 16 hex digits.
    pub fingerprint: String,
    /// Its site.
    pub site: SiteFacts,
    /// How the rules before the sieve judge it now.
    pub scope: ScopeFacts,
    /// Whether the sieve knows it.
    pub sieve: SieveFacts,
    /// The queue row, when it waits or is in flight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueFacts>,
    /// What became of it at its last attempt. A URL with a queue row too is pending, whatever this says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fate: Option<FateFacts>,
    /// The robots copy in force for its origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub robots: Option<RobotsFacts>,
}
