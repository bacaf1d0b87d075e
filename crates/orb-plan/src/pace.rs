//! The pace of one site: what the clocks of sites and addresses make of delays and exchanges.
//!
//! In: settings of politeness, the length of an exchange. Out: seconds between two requests.
//! May touch: `orb-gate`'s settings. Must not touch: its clocks; a test holds this arithmetic against them.
//! Invariant: never faster than the gate would be.
//!
//! | formula | meaning |
//! |---|---|
//! | `delay = max(site_delay, min(factor * exchange, adaptive_max))` | pause from the end of one exchange to the next |
//! | `cycle = exchange + delay` | from one start to the next of a site that has its address alone |
//! | `step = address_delay + window` | from one grant of an address to the next, when several sites want it |

use orb_gate::{GRANT_WINDOW, PolitenessConfig};

/// The part of the settings that decides how fast one site goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// `politeness.site_delay`, seconds.
    pub site_delay: f64,
    /// `politeness.site_delay_factor`.
    pub factor: f64,
    /// `politeness.site_delay_adaptive_max`, seconds.
    pub adaptive_max: f64,
    /// `politeness.address_delay`, seconds.
    pub address_delay: f64,
}

impl Pace {
    /// The pace that settings allow.
    #[must_use]
    pub fn of(config: &PolitenessConfig) -> Pace {
        Pace {
            site_delay: config.site_delay.as_secs_f64(),
            factor: f64::from(config.site_delay_factor),
            adaptive_max: config.site_delay_adaptive_max.as_secs_f64(),
            address_delay: config.address_delay.as_secs_f64(),
        }
    }

    /// The pause of a site whose exchanges take `exchange` seconds.
    #[must_use]
    pub fn delay(&self, exchange: f64) -> f64 {
        self.site_delay
            .max((self.factor * exchange).min(self.adaptive_max))
    }

    /// Seconds between two grants of one address; 0 when addresses have no clock.
    #[must_use]
    pub fn step(&self) -> f64 {
        if self.address_delay > 0.0 {
            self.address_delay + GRANT_WINDOW.as_secs_f64()
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::{Mono, Stamp};
    use orb_gate::{AddressClocks, Answer, SiteClock, StoredSiteClock};
    use std::net::IpAddr;
    use std::time::Duration;

    /// The gate's own site clock, asked after an exchange of this length.
    fn delay_of_the_gate(config: &PolitenessConfig, exchange: f64) -> f64 {
        let stored = StoredSiteClock {
            last_exchange_us: (exchange * 1e6) as u64,
            ..StoredSiteClock::default()
        };
        let clock = SiteClock::opened(stored, true, Stamp::default());
        let site = orb_url::Site::of_host("a.example");
        clock.delay(&site, config, None).as_secs_f64()
    }

    #[test]
    fn delays_are_those_of_the_gate() {
        let config = PolitenessConfig::default();
        let pace = Pace::of(&config);
        for (exchange, delay) in [(0.05, 1.0), (0.2, 1.0), (1.0, 5.0), (9.0, 30.0)] {
            assert!((pace.delay(exchange) - delay).abs() < 1e-9, "{exchange}");
            assert!((delay_of_the_gate(&config, exchange) - delay).abs() < 1e-9);
        }
    }

    #[test]
    fn an_address_grants_one_request_in_a_step() {
        let config = PolitenessConfig::default();
        let mut clocks = AddressClocks::new(config.clone(), Mono(0));
        let (mut now, mut granted) = (Mono(0), Vec::new());
        while granted.len() < 5 {
            match clocks.ask(IpAddr::from([192, 0, 2, 1]), now) {
                Answer::Granted(grant) => granted.push(grant.not_before()),
                Answer::AskAgain(at) => now = at,
            }
        }
        let step = Pace::of(&config).step();
        for pair in granted.windows(2) {
            let between = pair[1].since(pair[0]).as_secs_f64();
            assert!((between - step).abs() < 1e-6, "{between}");
        }
        let none = PolitenessConfig {
            address_delay: Duration::ZERO,
            ..config
        };
        assert_eq!(Pace::of(&none).step(), 0.0);
    }
}
