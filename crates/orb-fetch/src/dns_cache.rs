//! What is known about hosts: addresses and absences, each until its time, within a bound.
//!
//! In: outcomes of questions, the current instant. Out: a remembered outcome; addresses past their time to whoever
//! asks for those.
//! May touch: nothing. Must not touch: sockets, clocks.
//! Invariant: at most `hosts_max` entries; an entry is never returned at or after its time as if it were fresh.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use orb_env::Mono;

/// What is known of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Addresses, IPv4 first, each family smallest first.
    Addresses(Rc<[IpAddr]>),
    /// No such name, or no address.
    Absent,
    /// No server answered in time.
    Timeout,
    /// Servers answered that they could not tell.
    Failure,
}

#[derive(Clone, Debug)]
struct Entry {
    known: Known,
    until: Mono,
    /// Until when addresses may stand in for an answer that cannot be had (RFC 8767).
    stale_until: Mono,
}

/// Two generations: the young one is filled, what is used of the old one moves over, and when the young one
/// is half the bound the old one goes as a whole. Ordered maps, because hosts are chosen by strangers and a
/// fast hash could be flooded.
#[derive(Debug)]
pub(crate) struct DnsCache {
    young: BTreeMap<Box<str>, Entry>,
    old: BTreeMap<Box<str>, Entry>,
    generation_max: usize,
}

impl DnsCache {
    pub(crate) fn new(hosts_max: usize) -> DnsCache {
        DnsCache {
            young: BTreeMap::new(),
            old: BTreeMap::new(),
            generation_max: (hosts_max / 2).max(1),
        }
    }

    /// What is known of `host` at `now`. Cost: O(log hosts).
    pub(crate) fn get(&mut self, host: &str, now: Mono) -> Option<Known> {
        if let Some(entry) = self.young.get(host) {
            return (now < entry.until).then(|| entry.known.clone());
        }
        let entry = self.old.get(host)?;
        if now >= entry.until {
            return None;
        }
        let (host, entry) = self.old.remove_entry(host)?;
        let known = entry.known.clone();
        self.insert(host, entry);
        Some(known)
    }

    /// Addresses of `host` whose time may have passed, and how long they may still be used; for when nobody answers.
    pub(crate) fn stale(&self, host: &str, now: Mono) -> Option<(Known, Mono)> {
        let entry = self.young.get(host).or_else(|| self.old.get(host))?;
        let usable = matches!(entry.known, Known::Addresses(_)) && now < entry.stale_until;
        usable.then(|| (entry.known.clone(), entry.stale_until))
    }

    /// Remembers `known` until `until`, and as a stand-in until `stale_until`.
    pub(crate) fn put(&mut self, host: Box<str>, known: Known, until: Mono, stale_until: Mono) {
        self.old.remove(&host);
        self.insert(
            host,
            Entry {
                known,
                until,
                stale_until,
            },
        );
    }

    fn insert(&mut self, host: Box<str>, entry: Entry) {
        if self.young.len() >= self.generation_max && !self.young.contains_key(&host) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(host, entry);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: Mono = Mono(0);

    #[test]
    fn an_entry_lives_until_its_time() {
        let mut cache = DnsCache::new(10);
        cache.put("a".into(), Known::Absent, Mono(100), NEVER);
        assert_eq!(cache.get("a", Mono(99)), Some(Known::Absent));
        assert_eq!(cache.get("a", Mono(100)), None);
        assert_eq!(cache.get("b", Mono(0)), None);
    }

    /// N15: a flood of names does not grow the table, and a name in use survives it.
    #[test]
    fn n15_the_number_of_hosts_is_bounded_and_what_is_used_stays() {
        let mut cache = DnsCache::new(100);
        cache.put("used".into(), Known::Timeout, Mono(1_000), NEVER);
        for i in 0..10_000 {
            cache.put(
                format!("flood{i}").into(),
                Known::Absent,
                Mono(1_000),
                NEVER,
            );
            if i % 20 == 0 {
                assert_eq!(
                    cache.get("used", Mono(1)),
                    Some(Known::Timeout),
                    "after {i}"
                );
            }
            assert!(cache.len() <= 100);
        }
        assert_eq!(cache.get("flood0", Mono(1)), None);
    }

    /// RFC 8767: addresses stand in past their time, absences and failures never.
    #[test]
    fn only_addresses_stand_in_and_not_for_ever() {
        let mut cache = DnsCache::new(4);
        let known = Known::Addresses(Rc::new([IpAddr::from([9, 9, 9, 9])]));
        cache.put("a".into(), known.clone(), Mono(10), Mono(100));
        cache.put("b".into(), Known::Absent, Mono(10), Mono(100));
        cache.put("c".into(), Known::Timeout, Mono(10), Mono(100));
        assert_eq!(cache.get("a", Mono(50)), None);
        assert_eq!(cache.stale("a", Mono(50)), Some((known, Mono(100))));
        assert_eq!(cache.stale("a", Mono(100)), None);
        assert_eq!(cache.stale("b", Mono(5)), None);
        assert_eq!(cache.stale("c", Mono(5)), None);
        assert_eq!(cache.stale("d", Mono(5)), None);
    }
}
