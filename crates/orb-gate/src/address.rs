//! Address and group clocks and the global caps: one owner, one answer.
//!
//! In: an address and the current instant. Out: a time that is granted, or when to ask again.
//! May touch: settings. Must not touch: sites.
//! Invariant: two granted times of one address (or group) are at least its delay apart, whenever within
//! their windows they are used; an entry exists only while a delay runs.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use orb_env::Mono;
use orb_env::mutant::{Mutant, planted};
use rustc_hash::FxHashMap;

use crate::PolitenessConfig;
use crate::limits::{GRANT_HORIZON, GRANT_WINDOW, QUEUE_AHEAD_MAX, SWEEP_ENTRIES_MIN};

/// What one address clock stands for: an IPv4 address or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressKey(IpAddr);

impl AddressKey {
    /// The clock of `address`.
    #[must_use]
    pub fn of(address: IpAddr) -> AddressKey {
        AddressKey(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => IpAddr::V4(v4),
                None => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
            },
        })
    }
}

impl std::fmt::Display for AddressKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => v4.fmt(f),
            IpAddr::V6(v6) => write!(f, "{v6}/64"),
        }
    }
}

/// The answer to one question.
#[derive(Debug)]
pub enum Answer {
    /// A time that is good from `not_before` to `not_after`.
    Granted(AddressGrant),
    /// Nothing is free soon: ask again at this time.
    AskAgain(Mono),
}

/// A time at which one address may be contacted. Cannot be cloned or made elsewhere.
#[derive(Debug)]
pub struct AddressGrant {
    address: IpAddr,
    group: Option<Arc<str>>,
    not_before: Mono,
    delay: Duration,
}

impl AddressGrant {
    #[cfg(feature = "mutants")]
    pub(crate) fn ungated(address: IpAddr, now: Mono) -> AddressGrant {
        AddressGrant {
            address,
            group: None,
            not_before: now,
            delay: Duration::ZERO,
        }
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// The name of its group, if it has one.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// First instant it is good at.
    #[must_use]
    pub fn not_before(&self) -> Mono {
        self.not_before
    }

    /// Last instant it is good at.
    #[must_use]
    pub fn not_after(&self) -> Mono {
        self.not_before.plus(GRANT_WINDOW)
    }

    /// The address's delay in force.
    #[must_use]
    pub fn delay(&self) -> Duration {
        self.delay
    }
}

#[derive(Clone, Copy, Debug)]
struct Line {
    /// The clock's next time.
    next: Mono,
    /// Where the queue of those told to ask again ends.
    tail: Mono,
}

/// Owner of every address clock, group clock and global cap of the process.
#[derive(Debug)]
pub struct AddressClocks {
    config: PolitenessConfig,
    group_names: Vec<Arc<str>>,
    opened: Mono,
    addresses: FxHashMap<AddressKey, Line>,
    groups: Vec<Line>,
    page_next: Mono,
    bytes_next: Mono,
    sweep_at: usize,
}

impl AddressClocks {
    /// Clocks of a process that opened at `opened`: every address and group first waits its full delay,
    /// because nothing tells what the process before did last.
    #[must_use]
    pub fn new(config: PolitenessConfig, opened: Mono) -> AddressClocks {
        let opened = match planted(Mutant::NoWaitAfterKill) {
            true => Mono::default(),
            false => opened,
        };
        let first = |delay: Duration| Line {
            next: opened.plus(delay),
            tail: opened,
        };
        AddressClocks {
            group_names: config
                .groups
                .iter()
                .map(|group| group.name.as_str().into())
                .collect(),
            groups: config
                .groups
                .iter()
                .map(|group| first(group.delay))
                .collect(),
            config,
            opened,
            addresses: FxHashMap::default(),
            page_next: opened,
            bytes_next: opened,
            sweep_at: SWEEP_ENTRIES_MIN,
        }
    }

    /// Takes new settings: the next answers follow them. Delays that run go on.
    pub fn reconfigure(&mut self, config: PolitenessConfig, now: Mono) {
        let fresh = AddressClocks::new(config, now);
        self.groups = fresh.groups;
        self.group_names = fresh.group_names;
        self.config = fresh.config;
    }

    /// Asks for a time for one request to `address`. Cost: two look-ups; allocates at most one entry.
    pub fn ask(&mut self, address: IpAddr, now: Mono) -> Answer {
        let delay = self.config.delay_of(address);
        let key = AddressKey::of(address);
        let group = self
            .config
            .groups
            .iter()
            .position(|g| g.cidrs.iter().any(|c| c.contains(&address)));
        let idle = Line {
            next: self.opened.plus(delay),
            tail: self.opened,
        };
        let line = self.addresses.get(&key).copied().unwrap_or(idle);
        let mut at = now.max(line.next).max(self.page_next).max(self.bytes_next);
        if let Some(group) = group {
            at = at.max(self.groups[group].next);
        }
        if at > now.plus(GRANT_HORIZON) {
            return Answer::AskAgain(self.queue_up(key, group, line, at, now));
        }
        self.take(key, group, line, at, delay);
        self.sweep(now);
        let group = group.map(|g| Arc::clone(&self.group_names[g]));
        Answer::Granted(AddressGrant {
            address,
            group,
            not_before: at,
            delay,
        })
    }

    fn take(
        &mut self,
        key: AddressKey,
        group: Option<usize>,
        line: Line,
        at: Mono,
        delay: Duration,
    ) {
        let next = |delay: Duration| at.plus(GRANT_WINDOW).plus(delay);
        // A delay of zero means "no clock", not "one request per window".
        if !delay.is_zero() {
            self.addresses.insert(
                key,
                Line {
                    next: next(delay),
                    tail: line.tail,
                },
            );
        }
        if let Some(group) = group.filter(|&g| !self.config.groups[g].delay.is_zero()) {
            self.groups[group].next = next(self.config.groups[group].delay);
        }
        if self.config.pages_per_second_max > 0.0 {
            self.page_next = at.plus(Duration::from_secs_f64(
                1.0 / self.config.pages_per_second_max,
            ));
        }
    }

    /// Places an asker behind the others who were sent away, so that they do not all come back at once.
    fn queue_up(
        &mut self,
        key: AddressKey,
        group: Option<usize>,
        line: Line,
        at: Mono,
        now: Mono,
    ) -> Mono {
        let group_delay = group.map_or(Duration::ZERO, |g| self.config.groups[g].delay);
        let step = GRANT_WINDOW + self.config.delay_of(key.0).max(group_delay);
        let tail = match group {
            Some(g) => self.groups[g].tail.max(line.tail),
            None => line.tail,
        };
        let place = at.max(tail).min(at.plus(QUEUE_AHEAD_MAX));
        if let Some(g) = group {
            self.groups[g].tail = place.plus(step);
        }
        self.addresses.insert(
            key,
            Line {
                next: line.next,
                tail: place.plus(step),
            },
        );
        self.sweep(now);
        // A little before its place, so that a whole horizon is left to use it.
        place.minus(GRANT_HORIZON / 2).max(now.plus(GRANT_WINDOW))
    }

    /// Counts bytes received against the cap on bytes per second.
    pub fn spent_bytes(&mut self, bytes: u64, now: Mono) {
        if self.config.bytes_per_second_max > 0 {
            let span =
                Duration::from_secs_f64(bytes as f64 / self.config.bytes_per_second_max as f64);
            self.bytes_next = self.bytes_next.max(now).plus(span);
        }
    }

    /// Entries whose delay runs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.addresses.len()
    }

    /// Whether no delay runs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    // An absent entry means "free", which is only true for a time after every address's first wait, and
    // that wait is part of `idle` in `ask`; so dropping a passed entry changes no answer.
    fn sweep(&mut self, now: Mono) {
        if self.addresses.len() > self.sweep_at {
            self.addresses
                .retain(|_, line| line.next > now || line.tail > now);
            self.sweep_at = (self.addresses.len() * 2).max(SWEEP_ENTRIES_MIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AddressRule, GroupRule};
    use proptest::prelude::*;

    const fn at(millis: u64) -> Mono {
        Mono(millis * 1_000)
    }

    fn v4(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn granted(clocks: &mut AddressClocks, address: IpAddr, now: Mono) -> Option<Mono> {
        match clocks.ask(address, now) {
            Answer::Granted(grant) => Some(grant.not_before()),
            Answer::AskAgain(_) => None,
        }
    }

    #[test]
    fn at_opening_an_address_first_waits_its_full_delay() {
        let mut clocks = AddressClocks::new(PolitenessConfig::default(), at(10_000));
        assert_eq!(granted(&mut clocks, v4(1), at(10_000)), Some(at(10_500)));
        assert_eq!(granted(&mut clocks, v4(2), at(10_700)), Some(at(10_700)));
    }

    #[test]
    fn the_next_time_of_an_address_is_window_and_delay_later() {
        let mut clocks = AddressClocks::new(PolitenessConfig::default(), at(0));
        assert_eq!(granted(&mut clocks, v4(1), at(1_000)), Some(at(1_000)));
        assert_eq!(granted(&mut clocks, v4(1), at(1_000)), Some(at(1_600)));
        assert_eq!(granted(&mut clocks, v4(1), at(1_000)), None);
    }

    #[test]
    fn an_address_without_delay_has_no_clock() {
        let config = PolitenessConfig {
            address_delay: Duration::ZERO,
            ..PolitenessConfig::default()
        };
        let mut clocks = AddressClocks::new(config, at(0));
        assert!((0..100).all(|_| granted(&mut clocks, v4(1), at(1_000)) == Some(at(1_000))));
        assert!(clocks.is_empty());
    }

    #[test]
    fn askers_sent_away_are_told_different_times() {
        let mut clocks = AddressClocks::new(PolitenessConfig::default(), at(0));
        let mut told = Vec::new();
        for _ in 0..20 {
            if let Answer::AskAgain(when) = clocks.ask(v4(1), at(1_000)) {
                told.push(when);
            }
        }
        assert!(told.len() >= 17);
        assert!(
            told.windows(2)
                .all(|pair| pair[1].since(pair[0]) >= Duration::from_millis(600))
        );
    }

    #[test]
    fn ipv6_addresses_of_one_slash_64_share_a_clock() {
        let key = |text: &str| AddressKey::of(text.parse().unwrap());
        assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }

    #[test]
    fn a_group_and_a_rule_for_a_range_set_their_own_pauses() {
        let config = PolitenessConfig {
            groups: vec![GroupRule {
                name: "shared".into(),
                cidrs: vec!["192.0.2.0/28".parse().unwrap()],
                delay: Duration::from_millis(800),
            }],
            address_rules: vec![AddressRule {
                cidr: "192.0.2.64/26".parse().unwrap(),
                delay: Duration::from_millis(10),
            }],
            ..PolitenessConfig::default()
        };
        let mut clocks = AddressClocks::new(config, at(0));
        assert_eq!(granted(&mut clocks, v4(1), at(5_000)), Some(at(5_000)));
        assert_eq!(
            granted(&mut clocks, v4(2), at(5_000)),
            Some(at(5_900)),
            "another address of the group"
        );
        assert_eq!(granted(&mut clocks, v4(70), at(5_000)), Some(at(5_000)));
        assert_eq!(granted(&mut clocks, v4(70), at(5_000)), Some(at(5_110)));
    }

    #[test]
    fn caps_hold_for_the_whole_crawl() {
        let config = PolitenessConfig {
            pages_per_second_max: 10.0,
            ..PolitenessConfig::default()
        };
        let mut clocks = AddressClocks::new(config, at(0));
        assert_eq!(granted(&mut clocks, v4(1), at(5_000)), Some(at(5_000)));
        assert_eq!(granted(&mut clocks, v4(2), at(5_000)), Some(at(5_100)));
        let config = PolitenessConfig {
            bytes_per_second_max: 1_000,
            ..PolitenessConfig::default()
        };
        let mut clocks = AddressClocks::new(config, at(0));
        clocks.spent_bytes(500, at(5_000));
        assert_eq!(granted(&mut clocks, v4(1), at(5_000)), Some(at(5_500)));
    }

    #[test]
    fn entries_go_when_their_delay_has_passed() {
        let mut clocks = AddressClocks::new(PolitenessConfig::default(), at(0));
        for i in 0..50_000u32 {
            let address = IpAddr::from(i.to_be_bytes());
            granted(&mut clocks, address, at(1_000 + u64::from(i)));
        }
        assert!(
            clocks.len() < 4 * SWEEP_ENTRIES_MIN,
            "{} entries",
            clocks.len()
        );
    }

    proptest! {
        /// Whatever is asked in whatever order, granted windows of one address never come closer than the delay.
        #[test]
        fn granted_times_keep_the_delay(asks in prop::collection::vec((0u8..4, 0u64..400), 1..200)) {
            let mut clocks = AddressClocks::new(PolitenessConfig::default(), at(0));
            let mut now = 0;
            let mut last: FxHashMap<u8, Mono> = FxHashMap::default();
            for (host, step) in asks {
                now += step;
                if let Some(time) = granted(&mut clocks, v4(host), at(now)) {
                    prop_assert!(time >= at(now));
                    if let Some(previous) = last.insert(host, time) {
                        prop_assert!(time.since(previous.plus(GRANT_WINDOW)) >= Duration::from_millis(500));
                    }
                }
            }
        }
    }
}
