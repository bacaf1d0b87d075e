//! What a crawl tells about itself: the summary line and the status.
//!
//! In: counts. Out: JSON. May touch: nothing.
//! Invariant: field names are a contract with scripts.

use serde::{Deserialize, Serialize};

use crate::{Sightings, States};

/// The last line of `--json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Responses archived with outcome captured or not_modified in this run.
    pub pages: u64,
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
    /// Intake stopped: memory is at its cap.
    MemoryFull,
    /// Finishing what is in flight.
    Stopping,
    /// Not running; read from disk.
    #[default]
    Stopped,
    /// Not running; nothing left to do.
    Finished,
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
    /// Attempts by outcome in this run.
    pub outcomes: std::collections::BTreeMap<String, u64>,
    /// Bytes received and sent in this run.
    pub bytes_wire: u64,
    /// Bytes appended to the archive in this run.
    pub bytes_archived: u64,
    /// Resident set now.
    pub rss_bytes: u64,
}
