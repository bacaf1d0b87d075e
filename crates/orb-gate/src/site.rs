//! One site's clock.
//!
//! In: grants, finished exchanges, the crawl-delay in use. Out: permits and the time of the next one.
//! May touch: settings. Must not touch: robots.txt, addresses of other sites.
//! Invariant: one permit out at a time; the delay runs from the end of one exchange to the start of the next.

use std::time::Duration;

use orb_env::mutant::{Mutant, planted};
use orb_env::{Mono, Stamp};
use orb_url::Site;
use serde::{Deserialize, Serialize};

use crate::{AddressGrant, Permit, PolitenessConfig, Spent};

/// How the site took the last exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// It answered, whatever the status but 429 and 503.
    Answered,
    /// It asked for rest (429, 503), or could not be reached: the pause doubles.
    Busy {
        /// What its `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
}

/// The site may not be contacted yet.
#[derive(Debug)]
pub struct NotYet {
    /// When it may.
    pub at: Mono,
    /// The grant that could not be used; it lapses.
    pub grant: AddressGrant,
}

/// What of a clock is stored with the site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSiteClock {
    /// When this was stored.
    pub at: Stamp,
    /// End of the last exchange.
    pub last_end: Mono,
    /// How long the last exchange took, microseconds.
    pub last_exchange_us: u64,
    /// Back-off in force, microseconds.
    pub backoff_us: u64,
    /// No request before this instant, whatever else says so (`Retry-After`).
    pub hold_until: Mono,
}

/// The clock of one site, inside the site's slot.
#[derive(Clone, Debug, Default)]
pub struct SiteClock {
    last_end: Option<Mono>,
    last_exchange: Duration,
    backoff: Duration,
    hold_until: Mono,
    out: bool,
}

impl SiteClock {
    /// A site that has never been contacted. After an unclean stop nobody knows that for sure, so the clock
    /// counts as if an exchange had ended at `opened`.
    #[must_use]
    pub fn fresh(opened: Mono, clean: bool) -> SiteClock {
        let waits = !clean && !planted(Mutant::NoWaitAfterKill);
        SiteClock {
            last_end: waits.then_some(opened),
            ..SiteClock::default()
        }
    }

    /// The clock of a stored site in a process that opened at `now`.
    ///
    /// On another boot, and after an unclean stop, the full delay counts from `now`; the remainder of a
    /// `Retry-After` is kept (on another boot: counts whole from `now`).
    #[must_use]
    pub fn opened(stored: StoredSiteClock, clean: bool, now: Stamp) -> SiteClock {
        let same_boot = stored.at.boot == now.boot;
        let trusted = (clean && same_boot) || planted(Mutant::NoWaitAfterKill);
        SiteClock {
            last_end: Some(if trusted { stored.last_end } else { now.mono }),
            last_exchange: Duration::from_micros(stored.last_exchange_us),
            backoff: Duration::from_micros(stored.backoff_us),
            hold_until: Stamp::deadline(stored.at, stored.hold_until, now),
            out: false,
        }
    }

    /// What to store.
    #[must_use]
    pub fn stored(&self, now: Stamp) -> StoredSiteClock {
        StoredSiteClock {
            at: now,
            last_end: self.last_end.unwrap_or_default(),
            last_exchange_us: self.last_exchange.as_micros() as u64,
            backoff_us: self.backoff.as_micros() as u64,
            hold_until: self.hold_until,
        }
    }

    /// The pause in force: the largest of the setting, the crawl-delay in use, back-off, and a multiple of
    /// the last exchange.
    #[must_use]
    pub fn delay(
        &self,
        site: &Site,
        config: &PolitenessConfig,
        crawl_delay: Option<Duration>,
    ) -> Duration {
        let pace = config.pace_of(site);
        let adaptive = (self.last_exchange * pace.factor).min(config.site_delay_adaptive_max);
        pace.delay
            .max(adaptive)
            .max(self.backoff)
            .max(crawl_delay.unwrap_or_default())
    }

    /// The first instant at which a request may begin.
    #[must_use]
    pub fn next_allowed(
        &self,
        site: &Site,
        config: &PolitenessConfig,
        crawl_delay: Option<Duration>,
    ) -> Mono {
        let rested = self.last_end.map_or(Mono(0), |end| {
            end.plus(self.delay(site, config, crawl_delay))
        });
        rested.max(self.hold_until)
    }

    /// Whether a permit is out.
    #[must_use]
    pub fn is_out(&self) -> bool {
        self.out
    }

    /// Whether a server in trouble makes its pause longer.
    #[must_use]
    pub fn is_backed_off(&self) -> bool {
        !self.backoff.is_zero()
    }

    /// Nothing begins before `until`. Used for what an earlier process learnt but could not store.
    pub fn hold(&mut self, until: Mono) {
        self.hold_until = self.hold_until.max(until);
    }

    /// Hears of an exchange that an earlier process made but could not store.
    pub fn learn(
        &mut self,
        took: Duration,
        trouble: bool,
        hold_until: Mono,
        config: &PolitenessConfig,
    ) {
        self.last_exchange = took;
        if trouble {
            self.backoff = (self.backoff * 2)
                .max(config.backoff_first)
                .min(config.backoff_max);
        }
        self.hold(hold_until);
    }

    /// Turns a grant into a permit for `site`.
    ///
    /// # Errors
    /// [`NotYet`] when the site's own time comes after the grant's window, or a permit is out.
    pub fn permit(
        &mut self,
        site: &Site,
        grant: AddressGrant,
        config: &PolitenessConfig,
        crawl_delay: Option<Duration>,
        now: Mono,
    ) -> Result<Permit, NotYet> {
        let own = self.next_allowed(site, config, crawl_delay);
        if self.out || own > grant.not_after() || now > grant.not_after() {
            return Err(NotYet {
                at: own.max(now),
                grant,
            });
        }
        self.out = true;
        let not_before = own.max(grant.not_before());
        Ok(Permit::new(
            site.clone(),
            grant,
            not_before,
            self.delay(site, config, crawl_delay),
        ))
    }

    /// The permit was not used.
    pub fn give_back(&mut self, permit: Permit) {
        self.out = false;
        drop(permit);
    }

    /// The exchange is over. `jitter` is a random number that spreads back-off by up to a quarter.
    pub fn finish(
        &mut self,
        spent: &Spent,
        feedback: Feedback,
        config: &PolitenessConfig,
        jitter: u64,
    ) {
        self.out = false;
        let from = if planted(Mutant::DelayFromStart) {
            spent.started()
        } else {
            spent.ended()
        };
        self.last_end = Some(from);
        self.last_exchange = spent.ended().since(spent.started());
        match feedback {
            Feedback::Answered => {
                let half = self.backoff / 2;
                self.backoff = if half < config.backoff_first {
                    Duration::ZERO
                } else {
                    half
                };
            }
            Feedback::Busy { retry_after } => {
                let doubled = (self.backoff * 2)
                    .max(config.backoff_first)
                    .min(config.backoff_max);
                self.backoff = doubled + doubled / 4 * (jitter % 1_024) as u32 / 1_024;
                let rest = retry_after.unwrap_or_default().min(config.retry_after_max);
                self.hold(spent.ended().plus(rest));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AddressClocks, Answer};
    use orb_env::BootId;
    use orb_env::mutant::plant;
    use std::net::IpAddr;

    const fn at(millis: u64) -> Mono {
        Mono(millis * 1_000)
    }

    fn config() -> PolitenessConfig {
        PolitenessConfig {
            address_delay: Duration::ZERO,
            ..PolitenessConfig::default()
        }
    }

    fn grant(clocks: &mut AddressClocks, now: Mono) -> AddressGrant {
        match clocks.ask(IpAddr::from([192, 0, 2, 1]), now) {
            Answer::Granted(grant) => grant,
            Answer::AskAgain(_) => panic!("the address is free"),
        }
    }

    fn site() -> Site {
        Site::of_host("a.example")
    }

    /// One exchange of `took` at `start`; returns when the next may begin.
    fn exchange(clock: &mut SiteClock, start: Mono, took: Duration, feedback: Feedback) -> Mono {
        let config = config();
        let mut clocks = AddressClocks::new(config.clone(), Mono(0));
        let permit = clock
            .permit(&site(), grant(&mut clocks, start), &config, None, start)
            .unwrap();
        let spent = permit.start(start).unwrap().end(start.plus(took));
        clock.finish(&spent, feedback, &config, 0);
        clock.next_allowed(&site(), &config, None)
    }

    #[test]
    fn the_delay_runs_from_the_end_of_one_exchange_to_the_start_of_the_next() {
        let mut clock = SiteClock::fresh(Mono(0), true);
        let next = exchange(
            &mut clock,
            at(5_000),
            Duration::from_millis(150),
            Feedback::Answered,
        );
        assert_eq!(next, at(6_150));
    }

    #[test]
    fn mutant_delay_from_start_is_caught() {
        plant(Some(Mutant::DelayFromStart));
        let mut clock = SiteClock::fresh(Mono(0), true);
        let next = exchange(
            &mut clock,
            at(5_000),
            Duration::from_millis(150),
            Feedback::Answered,
        );
        plant(None);
        assert_ne!(next, at(6_150));
    }

    #[test]
    fn a_slow_site_gets_five_times_its_last_exchange_up_to_a_cap() {
        let mut clock = SiteClock::fresh(Mono(0), true);
        let next = exchange(
            &mut clock,
            at(0),
            Duration::from_secs(2),
            Feedback::Answered,
        );
        assert_eq!(next, at(12_000));
        let next = exchange(
            &mut clock,
            at(12_000),
            Duration::from_secs(60),
            Feedback::Answered,
        );
        assert_eq!(next, at(12_000 + 60_000 + 30_000));
    }

    #[test]
    fn the_largest_of_setting_and_crawl_delay_is_in_force() {
        let clock = SiteClock::fresh(Mono(0), true);
        assert_eq!(
            clock.delay(&site(), &config(), Some(Duration::from_secs(7))),
            Duration::from_secs(7)
        );
        assert_eq!(
            clock.delay(&site(), &config(), Some(Duration::from_millis(7))),
            Duration::from_secs(1)
        );
    }

    #[test]
    fn r5_a_busy_site_is_left_alone_longer_and_longer_and_comes_back() {
        let mut clock = SiteClock::fresh(Mono(0), true);
        let busy = Feedback::Busy { retry_after: None };
        let took = Duration::from_millis(10);
        let first = exchange(&mut clock, at(0), took, busy);
        assert_eq!(first, at(10_010));
        let second = exchange(&mut clock, first, took, busy);
        assert_eq!(second.since(first), Duration::from_millis(20_010));
        let third = exchange(&mut clock, second, took, Feedback::Answered);
        assert_eq!(third.since(second), Duration::from_millis(10_010));
        let fourth = exchange(&mut clock, third, took, Feedback::Answered);
        assert_eq!(fourth.since(third), Duration::from_millis(1_010));
    }

    #[test]
    fn r5_retry_after_is_kept_clamped_and_durable() {
        let mut clock = SiteClock::fresh(Mono(0), true);
        let ten_years = Feedback::Busy {
            retry_after: Some(Duration::from_secs(315_360_000)),
        };
        let next = exchange(&mut clock, at(0), Duration::ZERO, ten_years);
        assert_eq!(next, at(86_400_000));
        let boot = |id, mono| Stamp {
            boot: BootId([id; 16]),
            mono,
            ..Stamp::default()
        };
        let stored = clock.stored(boot(1, at(400)));
        let same = SiteClock::opened(stored, false, boot(1, at(1_000)));
        assert_eq!(same.next_allowed(&site(), &config(), None), at(86_400_000));
        let other = SiteClock::opened(stored, true, boot(2, at(50)));
        assert_eq!(
            other.next_allowed(&site(), &config(), None),
            at(50 + 86_400_000 - 400)
        );
    }

    #[test]
    fn r7_after_an_unclean_stop_a_site_waits_its_full_delay() {
        let stamp = |mono| Stamp {
            boot: BootId([1; 16]),
            mono,
            ..Stamp::default()
        };
        let stored = StoredSiteClock {
            at: stamp(at(900)),
            last_end: at(800),
            ..Default::default()
        };
        let next = |clean| {
            SiteClock::opened(stored, clean, stamp(at(1_500))).next_allowed(
                &site(),
                &config(),
                None,
            )
        };
        assert_eq!(next(true), at(1_800));
        assert_eq!(next(false), at(2_500));
        assert_eq!(
            SiteClock::fresh(at(1_500), false).next_allowed(&site(), &config(), None),
            at(2_500)
        );
        plant(Some(Mutant::NoWaitAfterKill));
        let mutated = next(false);
        plant(None);
        assert_ne!(mutated, at(2_500), "the planted mistake shows");
    }

    /// What makes a pause longer holds for our own sites too.
    #[test]
    fn own_sites_are_asked_faster_and_nothing_else_is_forgiven() {
        let config = PolitenessConfig {
            own_sites: vec![site()],
            ..config()
        };
        let mut clock = SiteClock::fresh(Mono(0), true);
        let delay = |clock: &SiteClock, site: &Site, crawl_delay: u64| {
            clock.delay(site, &config, Some(Duration::from_millis(crawl_delay)))
        };
        let other = Site::of_host("b.example");
        assert_eq!(delay(&clock, &site(), 0), Duration::from_millis(100));
        assert_eq!(delay(&clock, &other, 0), Duration::from_secs(1));
        assert_eq!(delay(&clock, &site(), 2_000), Duration::from_secs(2));
        exchange(
            &mut clock,
            at(0),
            Duration::from_millis(400),
            Feedback::Answered,
        );
        assert_eq!(delay(&clock, &site(), 0), Duration::from_millis(400));
        assert_eq!(delay(&clock, &other, 0), Duration::from_secs(2));
        let busy = Feedback::Busy { retry_after: None };
        exchange(&mut clock, at(9_000), Duration::ZERO, busy);
        assert_eq!(delay(&clock, &site(), 0), config.backoff_first);
    }

    #[test]
    fn one_permit_is_out_per_site_and_it_lapses() {
        let (config, site) = (config(), Site::of_host("a.example"));
        let mut clocks = AddressClocks::new(config.clone(), Mono(0));
        let mut clock = SiteClock::fresh(Mono(0), true);
        let first = grant(&mut clocks, at(0));
        let permit = clock.permit(&site, first, &config, None, at(0)).unwrap();
        let second = grant(&mut clocks, at(0));
        assert!(clock.permit(&site, second, &config, None, at(0)).is_err());
        let stale = permit.start(at(101)).unwrap_err();
        clock.give_back(stale.0);
        let third = grant(&mut clocks, at(200));
        assert!(clock.permit(&site, third, &config, None, at(200)).is_ok());
    }

    #[test]
    fn mutant_stale_address_time_is_caught() {
        let (config, site) = (config(), Site::of_host("a.example"));
        let mut clocks = AddressClocks::new(config.clone(), Mono(0));
        let granted = grant(&mut clocks, at(0));
        let permit = SiteClock::fresh(Mono(0), true)
            .permit(&site, granted, &config, None, at(0))
            .unwrap();
        plant(Some(Mutant::StaleAddressTime));
        let started = permit.start(at(101));
        plant(None);
        assert!(
            started.is_ok(),
            "only the planted mistake starts a stale permit"
        );
    }
}
