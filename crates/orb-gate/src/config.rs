//! How hard the web may be pressed.
//!
//! In: the settings file, through the program. Out: values.
//! May touch: nothing. Invariant: the default is polite.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// How hard one site, address or group may be pressed, and the whole web by all of us.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolitenessConfig {
    /// Pause between the end of one exchange with a site and the start of the next, when nothing asks for longer.
    #[serde(with = "humantime_serde")]
    pub site_delay: Duration,
    /// Pause between two requests to one IP address (IPv6: one /64), whatever sites share it.
    #[serde(with = "humantime_serde")]
    pub address_delay: Duration,
    /// The pause is never less than this many times the site's last exchange: a slow server gets more rest.
    pub site_delay_factor: u32,
    /// Upper bound of what `site_delay_factor` may ask for.
    #[serde(with = "humantime_serde")]
    pub site_delay_adaptive_max: Duration,
    /// A `Crawl-delay` above this parks the site, which is reported; it is never fetched faster.
    #[serde(with = "humantime_serde")]
    pub crawl_delay_max: Duration,
    /// A longer `Retry-After` is cut to this.
    #[serde(with = "humantime_serde")]
    pub retry_after_max: Duration,
    /// First pause after a site answered 429 or 503, or could not be reached; doubles each time.
    #[serde(with = "humantime_serde")]
    pub backoff_first: Duration,
    /// Upper bound of the doubled pause.
    #[serde(with = "humantime_serde")]
    pub backoff_max: Duration,
    /// Sets of addresses that one operator runs, with a clock of their own.
    pub groups: Vec<GroupRule>,
    /// Other pauses for some addresses, for shared hosts and content networks; the longest prefix decides.
    pub address_rules: Vec<AddressRule>,
    /// Requests per second of the whole crawl; 0 sets no cap.
    pub pages_per_second_max: f64,
    /// Bytes received per second of the whole crawl; 0 sets no cap.
    pub bytes_per_second_max: u64,
}

/// Addresses that share one clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRule {
    /// A name for reports.
    pub name: String,
    /// The addresses.
    pub cidrs: Vec<IpNet>,
    /// Pause between two requests to any of them.
    #[serde(with = "humantime_serde")]
    pub delay: Duration,
}

/// A pause for the addresses of one range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressRule {
    /// The range.
    pub cidr: IpNet,
    /// Pause between two requests to one address of it.
    #[serde(with = "humantime_serde")]
    pub delay: Duration,
}

impl Default for PolitenessConfig {
    fn default() -> Self {
        PolitenessConfig {
            site_delay: Duration::from_secs(1),
            address_delay: Duration::from_millis(500),
            site_delay_factor: 5,
            site_delay_adaptive_max: Duration::from_secs(30),
            crawl_delay_max: Duration::from_secs(300),
            retry_after_max: Duration::from_secs(24 * 3600),
            backoff_first: Duration::from_secs(10),
            backoff_max: Duration::from_secs(30 * 60),
            groups: Vec::new(),
            address_rules: Vec::new(),
            pages_per_second_max: 0.0,
            bytes_per_second_max: 0,
        }
    }
}

impl PolitenessConfig {
    /// The pause of one address: the rule with the longest prefix, else the general one.
    #[must_use]
    pub fn delay_of(&self, address: IpAddr) -> Duration {
        self.address_rules
            .iter()
            .filter(|rule| rule.cidr.contains(&address))
            .max_by_key(|rule| rule.cidr.prefix_len())
            .map_or(self.address_delay, |rule| rule.delay)
    }

    /// The group an address belongs to: the first that names it.
    #[must_use]
    pub fn group_of(&self, address: IpAddr) -> Option<&GroupRule> {
        self.groups
            .iter()
            .find(|group| group.cidrs.iter().any(|cidr| cidr.contains(&address)))
    }
}
