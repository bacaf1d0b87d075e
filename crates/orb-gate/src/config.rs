//! How hard the web may be pressed.
//!
//! In: the settings file, through the program. Out: values.
//! May touch: nothing. Invariant: the default is polite.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use orb_url::Site;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How hard one site, address or group may be pressed, and the whole web by all of us.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolitenessConfig {
    /// Pause between the end of one request to a site and the start of the next. A `Crawl-delay` in robots.txt, a
    /// slow answer or a server in trouble make it longer; only `politeness.own_sites` may have a shorter one.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub site_delay: Duration,
    /// Pause between two requests to one IP address (IPv6: one /64 network), whatever sites share it: many sites may
    /// be one small server.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub address_delay: Duration,
    /// The pause of a site is never less than this many times what its last request took, so that a slow server gets
    /// more rest; 0 turns this off.
    pub site_delay_factor: u32,
    /// The longest pause that `politeness.site_delay_factor` may ask for.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub site_delay_adaptive_max: Duration,
    /// A site whose robots.txt asks for a longer `Crawl-delay` is set aside and reported, never fetched faster.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub crawl_delay_max: Duration,
    /// The longest `Retry-After` that is obeyed to the full; a longer one is cut to this.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub retry_after_max: Duration,
    /// First pause after a site answered 429 or 503 or could not be reached; doubles each time until it answers.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub backoff_first: Duration,
    /// The longest that pause becomes by doubling.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub backoff_max: Duration,
    /// Sets of addresses that one operator runs and that share one pause, whatever sites they serve. Example:
    /// `[{ name = "hoster", cidrs = ["192.0.2.0/24"], delay = "250ms" }]`
    pub groups: Vec<GroupRule>,
    /// Other pauses for some addresses, such as shared hosts and content networks; the longest prefix decides.
    /// Example: `[{ cidr = "198.51.100.0/24", delay = "50ms" }]`
    pub address_rules: Vec<AddressRule>,
    /// Sites that belong to whoever runs the crawl, as registrable domains: their pause is `politeness.own_site_delay`
    /// instead of `politeness.site_delay`. Example: `["example.com"]`
    #[schemars(with = "Vec<String>")]
    pub own_sites: Vec<Site>,
    /// Pause between two requests to a site of `politeness.own_sites`; never less than what the last request took.
    /// `Crawl-delay` and a server in trouble still make it longer.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub own_site_delay: Duration,
    /// Requests per second of the whole crawl at most, all sites together; 0 sets no bound. Fractions are allowed.
    pub pages_per_second_max: f64,
    /// Bytes received per second by the whole crawl at most, as a plain number; 0 sets no bound. 12500000 is
    /// 100 Mbit/s.
    pub bytes_per_second_max: u64,
}

/// Addresses that share one clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupRule {
    /// A name for reports.
    pub name: String,
    /// The addresses.
    #[schemars(with = "Vec<String>")]
    pub cidrs: Vec<IpNet>,
    /// Pause between two requests to any of them.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
    pub delay: Duration,
}

/// A pause for the addresses of one range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressRule {
    /// The range.
    #[schemars(with = "String")]
    pub cidr: IpNet,
    /// Pause between two requests to one address of it.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "span"))]
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
            own_sites: Vec::new(),
            own_site_delay: Duration::from_millis(100),
            pages_per_second_max: 0.0,
            bytes_per_second_max: 0,
        }
    }
}

/// How fast one site may be asked, back-off and robots.txt aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SitePace {
    /// The pause of the settings.
    pub delay: Duration,
    /// The pause is at least this many times the site's last exchange, up to `site_delay_adaptive_max`.
    pub factor: u32,
}

impl PolitenessConfig {
    /// The pace of one site: that of our own sites for those that are named, else the general one. Cost: O(own sites).
    #[must_use]
    pub fn pace_of(&self, site: &Site) -> SitePace {
        if self.own_sites.contains(site) {
            return SitePace {
                delay: self.own_site_delay.min(self.site_delay),
                factor: self.site_delay_factor.min(1),
            };
        }
        SitePace {
            delay: self.site_delay,
            factor: self.site_delay_factor,
        }
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sites_named_as_our_own_are_asked_faster() {
        let own = Site::parse("own.example").unwrap();
        let config = PolitenessConfig {
            own_sites: vec![own.clone()],
            ..PolitenessConfig::default()
        };
        let pace = |millis, factor| SitePace {
            delay: Duration::from_millis(millis),
            factor,
        };
        assert_eq!(config.pace_of(&own), pace(100, 1));
        for other in ["other.example", "notown.example", "own.example.org"] {
            assert_eq!(config.pace_of(&Site::parse(other).unwrap()), pace(1_000, 5));
        }
        // Naming a site as one's own never makes it slower.
        let faster = PolitenessConfig {
            site_delay: Duration::ZERO,
            site_delay_factor: 0,
            ..config
        };
        assert_eq!(faster.pace_of(&own), pace(0, 0));
    }
}
