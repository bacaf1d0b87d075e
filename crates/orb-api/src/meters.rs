//! What a crawl's metrics are made of: the view without its sites, and how long things took.
//!
//! In: counts. Out: JSON. May touch: nothing. Invariant: bounded, whatever the number of sites.

use std::collections::BTreeMap;

use orb_metrics::Histogram;
use serde::{Deserialize, Serialize};

use crate::View;

/// How long things took in this run, by what they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Latencies {
    /// From the sealing of a commit group until it was durable.
    pub commit: Histogram,
    /// Names that were not at hand.
    pub dns: Histogram,
    /// TCP connections.
    pub connect: Histogram,
    /// TLS handshakes.
    pub tls: Histogram,
    /// From the request to the first byte of the answer.
    pub first_byte: Histogram,
    /// From the first byte to the last.
    pub body: Histogram,
}

impl std::ops::AddAssign<&Latencies> for Latencies {
    fn add_assign(&mut self, other: &Latencies) {
        self.commit += &other.commit;
        self.dns += &other.dns;
        self.connect += &other.connect;
        self.tls += &other.tls;
        self.first_byte += &other.first_byte;
        self.body += &other.body;
    }
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meters {
    /// What a watcher sees, without sites.
    pub view: View,
    /// How long things took.
    pub latencies: Latencies,
    /// Open file descriptors of the process; 0 where the system does not tell.
    pub files_open: u64,
    /// How many there may be.
    pub files_max: u64,
    /// How long the site that has been due longest has waited for its turn, seconds.
    pub late_seconds: f64,
    /// Largest share of one address in the last minute's requests.
    pub busiest_address: f64,
    /// Largest share of one site in the URLs queued in the last minute.
    pub busiest_site: f64,
    /// How often what the log tells of happened, by name.
    pub events: BTreeMap<String, u64>,
}
