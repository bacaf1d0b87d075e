//! What a watcher of a running crawl sees beside its status: sites, stages, threads.
//!
//! In: counts of the pipeline, asked for while somebody looks. Out: JSON.
//! May touch: nothing. Invariant: bounded whatever the number of sites; field names are a contract with scripts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Outcome, Reason, SitePhase, Status};

/// What a watcher wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ViewQuery {
    /// Which sites come first.
    pub order: SiteOrder,
    /// Only sites whose name holds this text; empty lets all through.
    pub filter: String,
    /// Sites at most; the crawl gives no more than 200.
    pub sites_max: u16,
}

/// Which sites come first in a [`View`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteOrder {
    /// Those with the most requests in this run.
    #[default]
    Busy,
    /// Those with the slowest exchanges.
    Slow,
    /// Those with the most failures and retries in this run.
    Failing,
    /// Those with the most URLs pending.
    Pending,
    /// By name.
    Name,
}

impl SiteOrder {
    /// Every order, as a key that goes round them would.
    pub const ALL: [SiteOrder; 5] = [
        SiteOrder::Busy,
        SiteOrder::Slow,
        SiteOrder::Failing,
        SiteOrder::Pending,
        SiteOrder::Name,
    ];
}

/// One site of a running crawl. The counts are of this run and of sites that were lately visited; a site that was
/// pushed out of that bounded memory begins anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SiteLine {
    /// Registrable domain, or an IP literal.
    pub site: String,
    /// What it is doing.
    pub phase: SitePhase,
    /// URLs pending.
    pub pending: u64,
    /// Requests of any kind.
    pub requests: u64,
    /// Pages archived.
    pub pages: u64,
    /// Attempts that ended in trouble.
    pub troubles: u64,
    /// Mean length of an exchange, milliseconds.
    pub mean_ms: f64,
    /// How the last attempt ended.
    pub last_outcome: Option<Outcome>,
    /// Why.
    pub last_reason: Option<Reason>,
    /// The pause in force, milliseconds.
    pub delay_ms: u64,
    /// Milliseconds until its clock allows a request; 0 when it does now.
    pub next_in_ms: u64,
    /// Why it is set aside.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parked: Option<Reason>,
}

/// A part of the work on a page, for accounts of CPU time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Connecting, TLS, sending and receiving, with the runtime that drives them.
    Network,
    /// Undoing content codings and character encodings.
    Decode,
    /// Finding links, title and directives.
    Scan,
    /// Canonical form, fingerprints and journal rows of the links found.
    Links,
    /// Digests and WARC records.
    Archive,
    /// Choosing sites and URLs, the sieve, absorbing journals, rows of the store.
    Frontier,
    /// Writing and syncing groups, on the commit helper.
    Commit,
    /// Reading queues and journals, on the read helper.
    Read,
    /// The embedded store's own threads.
    Store,
    /// Everything else: address clocks, control, coordinator.
    Other,
}

impl Stage {
    /// Every stage, in the order of the page's life.
    pub const ALL: [Stage; 10] = [
        Stage::Network,
        Stage::Decode,
        Stage::Scan,
        Stage::Links,
        Stage::Archive,
        Stage::Frontier,
        Stage::Commit,
        Stage::Read,
        Stage::Store,
        Stage::Other,
    ];

    /// The name in JSON and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stage::Network => "network",
            Stage::Decode => "decode",
            Stage::Scan => "scan",
            Stage::Links => "links",
            Stage::Archive => "archive",
            Stage::Frontier => "frontier",
            Stage::Commit => "commit",
            Stage::Read => "read",
            Stage::Store => "store",
            Stage::Other => "other",
        }
    }
}

/// CPU time of one stage in this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageUse {
    /// Seconds of CPU.
    pub cpu_seconds: f64,
    /// How many times it was gone through, where that can be counted.
    pub times: u64,
}

/// Everything the live view draws.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// How the crawl stands.
    pub status: Status,
    /// Folder of the crawl, as its process names it.
    pub folder: String,
    /// Version of the program that crawls.
    pub version: String,
    /// Sites, in the order asked for.
    pub sites: Vec<SiteLine>,
    /// Requests under way that wait for an answer of a name server.
    pub resolving: u64,
    /// Requests that wait for the clock of an address.
    pub asking: u64,
    /// Share of the last second in which each shard worked, from 0 to 1.
    pub shards_busy: Vec<f64>,
    /// CPU time by stage, in this run.
    pub stages: BTreeMap<Stage, StageUse>,
}
