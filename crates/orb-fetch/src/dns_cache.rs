//! What is known about hosts: addresses and absences, each until its time, within a bound.
//!
//! In: outcomes of questions, the current instant. Out: a remembered outcome.
//! May touch: nothing. Must not touch: sockets, clocks.
//! Invariant: at most `hosts_max` entries; an entry is never returned at or after its time.

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
        let (host, entry) = self.old.remove_entry(host)?;
        if now >= entry.until {
            return None;
        }
        let known = entry.known.clone();
        self.insert(host, entry);
        Some(known)
    }

    /// Remembers `known` until `until`.
    pub(crate) fn put(&mut self, host: Box<str>, known: Known, until: Mono) {
        self.old.remove(&host);
        self.insert(host, Entry { known, until });
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

    #[test]
    fn an_entry_lives_until_its_time() {
        let mut cache = DnsCache::new(10);
        cache.put("a".into(), Known::Absent, Mono(100));
        assert_eq!(cache.get("a", Mono(99)), Some(Known::Absent));
        assert_eq!(cache.get("a", Mono(100)), None);
        assert_eq!(cache.get("b", Mono(0)), None);
    }

    /// N15: a flood of names does not grow the table, and a name in use survives it.
    #[test]
    fn the_number_of_hosts_is_bounded_and_what_is_used_stays() {
        let mut cache = DnsCache::new(100);
        cache.put("used".into(), Known::Timeout, Mono(1_000));
        for i in 0..10_000 {
            cache.put(format!("flood{i}").into(), Known::Absent, Mono(1_000));
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
}
