//! What a crawl tells about itself: the summary line and the status.
//!
//! In: counts. Out: JSON. May touch: nothing.
//! Invariant: field names are a contract with scripts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Sightings, Stage, StageUse, States};

/// The last line of `--json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Responses archived with outcome captured or not_modified in this run.
    pub pages: u64,
    /// Requests of any kind in this run, robots.txt included.
    #[serde(default)]
    pub requests: u64,
    /// Bytes received and sent in this run.
    pub bytes_wire: u64,
    /// Bytes appended to the archive in this run.
    pub bytes_archived: u64,
    /// Wall-clock length of this run.
    pub seconds: f64,
    /// User and system time of the process.
    pub cpu_seconds: f64,
    /// `pages / cpu_seconds`.
    pub pages_per_cpu_second: f64,
    /// Largest resident set.
    pub rss_peak_bytes: u64,
    /// Where every discovered URL is.
    pub states: States,
    /// CPU time by stage, in this run; empty where the system tells none.
    #[serde(default)]
    pub stages: BTreeMap<Stage, StageUse>,
}

/// What the crawl is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Fetching.
    Running,
    /// Paused by the operator.
    Paused,
    /// Intake stopped: the disk is nearly full.
    DiskFull,
    /// Intake stopped: uploads to the object store are behind.
    UploadsBehind,
    /// Finishing what is in flight.
    Stopping,
    /// Not running; read from disk.
    #[default]
    Stopped,
    /// Not running; nothing left to do.
    Finished,
}

/// Sitemaps that were read, feeds among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SitemapCounts {
    /// Files read.
    pub read: u64,
    /// Lines of them that name a URL of the file's own site.
    pub urls: u64,
    /// Files of which something could not be read.
    pub damaged: u64,
    /// Pages that were not fetched again when their time came, because a sitemap says that they are as they were.
    #[serde(default)]
    pub put_off: u64,
    /// Pages that are fetched again before their time, because a sitemap says that they changed.
    #[serde(default)]
    pub forward: u64,
}

impl SitemapCounts {
    /// Whether none was read.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.read == 0
    }
}

impl std::ops::AddAssign for SitemapCounts {
    fn add_assign(&mut self, other: SitemapCounts) {
        self.read += other.read;
        self.urls += other.urls;
        self.damaged += other.damaged;
        self.put_off += other.put_off;
        self.forward += other.forward;
    }
}

/// `orb status --json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What it is doing.
    pub phase: Phase,
    /// Process id, when running.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pid: Option<u32>,
    /// Length of this run so far.
    pub seconds: f64,
    /// Distinct URLs that came out of the sieve.
    pub discovered: u64,
    /// Where each of them is.
    pub states: States,
    /// Links stopped before the sieve, by cause.
    pub sightings: Sightings,
    /// Sites known.
    pub sites: u64,
    /// Sites with something pending.
    pub sites_pending: u64,
    /// Pages in this run.
    pub pages: u64,
    /// Requests of any kind in this run.
    pub requests: u64,
    /// Pages fetched again in this run.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub again: u64,
    /// Those of them that had changed: the useful ones.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub again_useful: u64,
    /// Sitemaps read in this run.
    #[serde(default, skip_serializing_if = "SitemapCounts::is_none")]
    pub sitemaps: SitemapCounts,
    /// Attempts by outcome in this run.
    pub outcomes: BTreeMap<String, u64>,
    /// Bytes received and sent in this run.
    pub bytes_wire: u64,
    /// Bytes appended to the archive in this run.
    pub bytes_archived: u64,
    /// Resident set now.
    pub rss_bytes: u64,
    /// Attempts by reason in this run, those that went well left out.
    #[serde(default)]
    pub reasons: BTreeMap<String, u64>,
    /// Sites with a request under way.
    #[serde(default)]
    pub sites_active: u64,
    /// Sites whose pending URLs wait for their clock.
    #[serde(default)]
    pub sites_waiting: u64,
    /// Sites set aside: robots.txt unreachable for good, or a crawl-delay above the cap.
    #[serde(default)]
    pub sites_parked: u64,
    /// Sites that are asked less because their server is in trouble, of those looked at in this run.
    #[serde(default)]
    pub sites_backed_off: u64,
    /// User and system time of the process so far, seconds.
    #[serde(default)]
    pub cpu_seconds: f64,
    /// What the crawl may use, and what it uses of it.
    #[serde(default)]
    pub bounds: Bounds,
    /// What keeps the crawl from going faster now.
    #[serde(default)]
    pub limiting: Limiting,
    /// Seconds until the crawl ends at the pace of the last minute, where an end is in sight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<f64>,
    /// Uploads to the object store, where the settings name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploads: Option<Uploads>,
}

/// What goes to an object store in this run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Uploads {
    /// The store.
    pub to: String,
    /// WARC files that are closed and not in the store yet.
    pub waiting: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// Fetching stops while as much as this waits.
    pub waiting_max_bytes: u64,
    /// WARC files that arrived, proven, their indexes before them.
    pub arrived: u64,
    /// Their bytes.
    pub arrived_bytes: u64,
    /// Bytes that the store acknowledged, indexes and repeated ones included.
    pub sent_bytes: u64,
    /// Uploads that failed and were, or are to be, tried again.
    pub failures: u64,
    /// Why the last one failed, until one succeeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The caps of a crawl and what it has used of them. A cap of 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bounds {
    /// `memory_max`; the use is `rss_bytes` of the status.
    pub memory_max_bytes: u64,
    /// `disk_max`.
    pub disk_max_bytes: u64,
    /// Bytes of the crawl's folder.
    pub disk_used_bytes: u64,
    /// Room of the file system.
    pub disk_free_bytes: u64,
    /// Intake stops when the room falls below this.
    pub disk_free_min_bytes: u64,
    /// `limits.pages_max`.
    pub pages_max: u64,
    /// Pages of the folder in all.
    pub pages_in_all: u64,
    /// `limits.bytes_max`.
    pub bytes_max: u64,
    /// Bytes received into the folder in all.
    pub bytes_received: u64,
    /// `limits.duration_max` in seconds; the use is `seconds` of the status.
    pub duration_max_seconds: u64,
    /// Requests that may be under way at once, over all shards.
    pub in_flight_max: u64,
}

/// What keeps a crawl from going faster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limiting {
    /// Not known yet, or not running.
    #[default]
    Unknown,
    /// Every site with something pending waits for its clock: more sites would make it faster, nothing else.
    Politeness,
    /// Sites are ready, and the addresses they share must rest.
    Addresses,
    /// The shards' cores are busy.
    Cpu,
    /// Answers of name servers are waited for.
    Dns,
    /// Servers are slow: requests are out, and nothing else is due.
    Servers,
    /// As many requests are under way as may be.
    InFlight,
    /// The operator's cap on pages or bytes a second.
    Rate,
    /// Commits or reads of the disk are behind, or it is full.
    Disk,
    /// Closed files wait for their upload, and no more may.
    Uploads,
    /// Memory is at its cap.
    Memory,
    /// The operator paused it.
    Paused,
    /// Nothing is queued.
    Nothing,
}
