//! What a crawl needs: memory, disk, network, CPU.
//!
//! In: counts of a forecast, costs. Out: bytes and seconds. May touch: nothing.
//! Invariant: sums of what was forecast, with the formula beside each field.

use serde::{Deserialize, Serialize};

/// What a crawl needs until its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Needs {
    /// `requests * CPU of a request`.
    pub cpu_seconds: f64,
    /// Cores busy at the fastest moment.
    pub cores_peak: f64,
    /// `base + sites * bytes of a site + requests under way * bytes of a request`; never more than `memory_max`, which
    /// the crawl holds by itself.
    pub memory_bytes: f64,
    /// Whether `memory_max` cuts what it would like.
    pub memory_held: bool,
    /// `requests * archived bytes of a request`.
    pub archive_bytes: f64,
    /// Index and state: `requests * other bytes of a request`.
    pub other_bytes: f64,
    /// Bytes received.
    pub received_bytes: f64,
    /// Bytes received a second at the fastest moment.
    pub received_per_second_peak: f64,
    /// Requests under way at the fastest moment: requests a second times seconds of an exchange.
    pub in_flight_peak: f64,
}
