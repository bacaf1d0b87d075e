//! What a forecast is asked.
//!
//! In: nothing; programs fill it in. Out: values. May touch: nothing.
//! Invariant: whatever is assumed stands in a field, so that whoever asks can say where it came from.

use orb_gate::PolitenessConfig;
use serde::{Deserialize, Serialize};

use crate::{MachineCosts, Spread};

/// Everything a forecast follows from.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Which sites.
    pub sites: Sites,
    /// What their pages are like.
    pub page: PageKind,
    /// How the crawl is told to behave.
    pub rules: Rules,
    /// What work costs here.
    pub machine: MachineCosts,
}

impl Question {
    /// The same with sites more or less unlike in size; `None` where their sizes are known.
    #[must_use]
    pub fn with_spread(&self, sigma: f64) -> Option<Question> {
        let mut other = self.clone();
        match &mut other.sites {
            Sites::Described {
                pages: Spread::LogNormal { sigma: own, .. },
                ..
            } => {
                *own = sigma;
                Some(other)
            }
            Sites::Described { .. } | Sites::Known(_) => None,
        }
    }
}

/// The sites of a crawl.
#[derive(Clone, Debug, PartialEq)]
pub enum Sites {
    /// So many, described by what they have in common.
    Described {
        /// How many.
        count: u64,
        /// Pages of a site.
        pages: Spread,
        /// Requests for robots.txt of a site: one for each of its origins, and its redirects.
        robots: f64,
        /// Seconds of an exchange with a site.
        exchange: Spread,
        /// Sites that share one address.
        per_address: f64,
    },
    /// These.
    Known(Vec<KnownSite>),
}

/// One site of which something is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownSite {
    /// Pages still to be asked for.
    pub pages: f64,
    /// Requests for robots.txt before the first of them.
    pub robots: f64,
    /// Seconds of an exchange.
    pub exchange: f64,
    /// The pause in force, seconds.
    pub delay: f64,
    /// Which address it is on; equal numbers are one address.
    pub address: u32,
}

/// What pages are like.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageKind {
    /// Bytes received for one page, head included.
    pub wire_bytes: f64,
    /// Requests per page: redirects, absent pages and repeated tries count here, robots.txt does not.
    pub requests_per_page: f64,
    /// Share of the requests that need a TLS handshake.
    pub handshake_share: f64,
}

/// Share of the requests that need a TLS handshake.
///
/// A kept connection serves all pages of a site while it may idle through the site's pause and there is room for it;
/// beyond that every request makes its own.
///
/// - `https_share`: share of the sites served by https.
/// - `idle_room`: connections that may idle at once, all shards together; 0 when none are kept.
/// - `delay`, `idle_max`: a site's pause, and how long a connection may idle, seconds.
#[must_use]
pub fn handshake_share(
    https_share: f64,
    sites: f64,
    requests_per_site: f64,
    idle_room: f64,
    delay: f64,
    idle_max: f64,
) -> f64 {
    let kept = if delay < idle_max {
        (idle_room / sites.max(1.0)).min(1.0)
    } else {
        0.0
    };
    https_share * (kept / requests_per_site.max(1.0) + (1.0 - kept))
}

/// How the crawl is told to behave.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Delays and caps.
    pub politeness: PolitenessConfig,
    /// Cores it may use.
    pub cores: f64,
    /// Requests under way at once, all shards together.
    pub in_flight_max: f64,
    /// Bytes a second of the way to the network, where known.
    pub bandwidth: Option<f64>,
    /// `memory_max`.
    pub memory_max_bytes: u64,
    /// Pages wanted; 0 is all.
    pub pages_max: u64,
    /// Bytes wanted; 0 is all.
    pub bytes_max: u64,
    /// Seconds after which it ends; 0 is never.
    pub seconds_max: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_connections_save_handshakes() {
        let check = |https, sites, room, delay, expected: f64| {
            let share = handshake_share(https, sites, 10.0, room, delay, 35.0);
            assert!((share - expected).abs() < 1e-9, "{share}");
        };
        check(1.0, 100.0, 512.0, 1.0, 0.1);
        check(0.5, 100.0, 512.0, 1.0, 0.05);
        check(1.0, 1_024.0, 512.0, 1.0, 0.05 + 0.5);
        check(1.0, 100.0, 512.0, 60.0, 1.0);
        check(1.0, 100.0, 0.0, 1.0, 1.0);
        check(0.0, 100.0, 0.0, 1.0, 0.0);
    }
}
