//! Zones that nobody answers for: after a few of its hosts in a row, the rest of such a zone is not asked about.
//!
//! In: a zone's name before a host of it is asked about, and whether anybody answered. Out: a turn to ask, or that
//! the zone is set aside.
//! May touch: nothing. Must not touch: sockets, clocks, the cache.
//! Invariant: at most [`DNS_ZONE_UNDER_WAY`] hosts of one zone are asked about at once; a zone that is set aside is
//! asked about by one host at a time until somebody answers; a turn that is dropped counts as given back.
//!
//! A dead zone is told from dead servers: its failures count only while other questions are answered.
//! A zone in trouble that nobody asks about is forgotten when room is needed, the one longest quiet first.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use orb_env::Mono;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::dns_cache::Known;
use crate::limits::{DNS_ZONE_AWAY_MAX, DNS_ZONE_FAILURES, DNS_ZONE_UNDER_WAY, DNS_ZONES_MAX};

/// The zones of one shard that are asked about or in trouble. Ordered, because names are chosen by strangers.
#[derive(Clone, Default)]
pub(crate) struct Zones(Rc<RefCell<BTreeMap<Box<str>, Zone>>>);

struct Zone {
    places: Arc<Semaphore>,
    /// Hosts that wait for a place or have one.
    hosts: usize,
    /// Hosts in a row that nobody answered for.
    failures: u32,
    /// When it was last asked about.
    last: Mono,
    away: Option<Away>,
}

/// A zone set aside.
struct Away {
    until: Mono,
    span: Duration,
    /// What its last host came to.
    why: Known,
}

impl Zone {
    fn new() -> Zone {
        Zone {
            places: Arc::new(Semaphore::new(DNS_ZONE_UNDER_WAY)),
            hosts: 0,
            failures: 0,
            last: Mono(0),
            away: None,
        }
    }
}

/// Leave to ask about one host of a zone.
pub(crate) struct Turn {
    zones: Zones,
    name: Box<str>,
    /// Whether this host is asked about to see if the zone answers again.
    probes: bool,
    place: Option<OwnedSemaphorePermit>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut zones = self.zones.0.borrow_mut();
        if let Some(zone) = zones.get_mut(&self.name) {
            zone.hosts -= 1;
            if zone.hosts == 0 && zone.failures == 0 {
                zones.remove(&self.name);
            }
        }
        if zones.len() > DNS_ZONES_MAX {
            forget_quiet(&mut zones);
        }
    }
}

/// Makes room: an eighth of the zones go, those that nobody has asked about longest. Cost: all zones looked at, once in
/// as many new ones as go.
fn forget_quiet(zones: &mut BTreeMap<Box<str>, Zone>) {
    let quiet = zones.iter().filter(|(_, zone)| zone.hosts == 0);
    let mut quiet: Vec<(Mono, Box<str>)> = quiet
        .map(|(name, zone)| (zone.last, name.clone()))
        .collect();
    quiet.sort_unstable();
    for (_, name) in quiet.into_iter().take(DNS_ZONES_MAX / 8) {
        zones.remove(&name);
    }
}

impl Zones {
    /// Waits for a turn to ask about a host of `zone`.
    ///
    /// - `now` is asked for each time it is needed, because a turn may take a while.
    /// - `probe_span`: how long one host may try whether the zone answers again, before the next does.
    ///
    /// # Errors
    /// What the zone's last host came to, while the zone is set aside.
    pub(crate) async fn turn(
        &self,
        zone: &str,
        now: impl Fn() -> Mono,
        probe_span: Duration,
    ) -> Result<Turn, Known> {
        let mut turn = self.enter(zone, now(), probe_span)?;
        if turn.probes {
            return Ok(turn);
        }
        let places = self
            .0
            .borrow()
            .get(zone)
            .map(|zone| Arc::clone(&zone.places));
        if let Some(places) = places {
            turn.place = places.acquire_owned().await.ok();
        }
        // Who waited may find the zone set aside meanwhile.
        let zones = self.0.borrow();
        match zones.get(zone).and_then(|zone| zone.away.as_ref()) {
            Some(away) => {
                let why = away.why.clone();
                drop(zones);
                Err(why)
            }
            None => {
                drop(zones);
                Ok(turn)
            }
        }
    }

    fn enter(&self, name: &str, now: Mono, probe_span: Duration) -> Result<Turn, Known> {
        let mut zones = self.0.borrow_mut();
        let zone = match zones.get_mut(name) {
            Some(zone) => zone,
            None => zones.entry(name.into()).or_insert_with(Zone::new),
        };
        let probes = match &mut zone.away {
            Some(away) if now < away.until => return Err(away.why.clone()),
            Some(away) => {
                away.until = now.plus(probe_span);
                true
            }
            None => false,
        };
        zone.hosts += 1;
        zone.last = now;
        Ok(Turn {
            zones: self.clone(),
            name: name.into(),
            probes,
            place: None,
        })
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.borrow().len()
    }
}

impl Turn {
    /// Somebody answered for the host, if only that it does not exist: the zone is well.
    pub(crate) fn answered(self) {
        if let Some(zone) = self.zones.0.borrow_mut().get_mut(&self.name) {
            zone.failures = 0;
            zone.away = None;
        }
    }

    /// Nobody answered for the host.
    ///
    /// - `why`: what it came to.
    /// - `others_answered`: whether questions about other hosts were answered meanwhile; otherwise it is the servers
    ///   that are down, and no zone is blamed.
    /// - `first`: how long a zone is set aside the first time; each failed try doubles it.
    pub(crate) fn failed(self, why: &Known, others_answered: bool, first: Duration, now: Mono) {
        let mut zones = self.zones.0.borrow_mut();
        let Some(zone) = zones.get_mut(&self.name) else {
            return;
        };
        zone.failures = zone.failures.saturating_add(u32::from(others_answered));
        let span = match &zone.away {
            Some(away) if self.probes && others_answered => {
                (away.span * 2).min(DNS_ZONE_AWAY_MAX).max(first)
            }
            Some(away) if self.probes => away.span,
            // Asked about before the zone was set aside: nothing new.
            Some(_) => return,
            None if zone.failures >= DNS_ZONE_FAILURES => first,
            None => return,
        };
        zone.away = Some(Away {
            until: now.plus(span),
            span,
            why: why.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    const FIRST: Duration = Duration::from_secs(30);
    const PROBE: Duration = Duration::from_secs(18);

    fn at(seconds: u64) -> Mono {
        Mono(seconds * 1_000_000)
    }

    fn turn(zones: &Zones, now: Mono) -> Option<Result<Turn, Known>> {
        zones.turn("dead.example", || now, PROBE).now_or_never()
    }

    fn fail(zones: &Zones, now: Mono, others_answered: bool) {
        let turn = turn(zones, now).unwrap().ok().unwrap();
        turn.failed(&Known::Timeout, others_answered, FIRST, now);
    }

    #[test]
    fn n15_a_dead_zone_is_set_aside_longer_and_longer_until_somebody_answers() {
        let zones = Zones::default();
        for _ in 0..DNS_ZONE_FAILURES {
            fail(&zones, at(0), true);
        }
        let mut now = 0;
        for span in [30, 60, 120, 240, 480, 600, 600] {
            let early = turn(&zones, at(now + span - 1)).unwrap();
            assert_eq!(early.err(), Some(Known::Timeout), "{span}");
            now += span;
            let probe = turn(&zones, at(now)).unwrap().ok().unwrap();
            let beside = turn(&zones, at(now)).unwrap();
            assert_eq!(beside.err(), Some(Known::Timeout), "one host at a time");
            probe.failed(&Known::Timeout, true, FIRST, at(now));
        }
        now += 600;
        turn(&zones, at(now)).unwrap().ok().unwrap().answered();
        assert!(turn(&zones, at(now)).unwrap().is_ok());
        assert_eq!(zones.len(), 0, "a zone that is well is forgotten");
    }

    #[test]
    fn n15_dead_servers_are_no_dead_zones() {
        let zones = Zones::default();
        for _ in 0..100 {
            fail(&zones, at(0), false);
        }
        assert!(turn(&zones, at(0)).unwrap().is_ok());
        // And while they are down, a zone in trouble is not blamed more.
        for _ in 0..DNS_ZONE_FAILURES {
            fail(&zones, at(0), true);
        }
        for n in 1..5 {
            fail(&zones, at(30 * n), false);
        }
        assert!(turn(&zones, at(150)).unwrap().is_ok(), "still 30 seconds");
    }

    #[test]
    fn n15_one_zone_takes_only_so_many_places() {
        let zones = Zones::default();
        let mut held: Vec<Turn> = (0..DNS_ZONE_UNDER_WAY)
            .map(|_| turn(&zones, at(0)).unwrap().ok().unwrap())
            .collect();
        let mut waiting = Box::pin(zones.turn("dead.example", || at(1), PROBE));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(
            zones
                .turn("good.example", || at(0), PROBE)
                .now_or_never()
                .is_some()
        );
        // Who gives up gives the place on, and who waited for a dead zone learns so at once.
        drop(held.pop());
        held.push(waiting.as_mut().now_or_never().unwrap().ok().unwrap());
        let mut late = Box::pin(zones.turn("dead.example", || at(1), PROBE));
        assert!(late.as_mut().now_or_never().is_none());
        for turn in held {
            turn.failed(&Known::Failure, true, FIRST, at(9));
        }
        assert_eq!(late.now_or_never().unwrap().err(), Some(Known::Failure));
    }

    #[test]
    fn n15_zones_in_trouble_are_bounded() {
        let zones = Zones::default();
        for n in 0..3 * DNS_ZONES_MAX {
            let name = format!("z{n}.example");
            let turn = zones.turn(&name, || at(0), PROBE).now_or_never();
            let turn = turn.unwrap().ok().unwrap();
            turn.failed(&Known::Timeout, true, FIRST, at(0));
        }
        assert!(zones.len() <= DNS_ZONES_MAX, "{}", zones.len());
        // Single dead hosts of long ago do not keep a zone that dies now from being noticed.
        for n in 0..u64::from(DNS_ZONE_FAILURES) {
            fail(&zones, at(1_000 + n), true);
        }
        let away = turn(&zones, at(1_010)).unwrap();
        assert_eq!(away.err(), Some(Known::Timeout));
    }
}
