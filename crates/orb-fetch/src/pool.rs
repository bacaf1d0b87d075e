//! Idle connections, kept for the next request to the same origin at the same address.
//!
//! In: connections whose last response was read to its framed end. Out: one that is still quiet.
//! May touch: `connection`. Must not touch: permits, addresses' verdicts.
//! Invariant: at most `idle_max` connections; none is handed out past its time, nor to another origin or
//! address than it was made for.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use orb_env::Mono;
use orb_url::Origin;

use crate::connection::Connection;
use crate::limits::IDLE_MARGIN;

type Key = (Origin, IpAddr);

struct Idle {
    connection: Connection,
    until: Mono,
    age: u64,
}

/// One shard's idle connections: at most one for each origin and address, since a site has one request at
/// a time.
pub(crate) struct Pool {
    idle_max: usize,
    idle_timeout: Duration,
    connections: BTreeMap<Key, Idle>,
    by_age: BTreeMap<u64, Key>,
    next_age: u64,
}

impl Pool {
    pub(crate) fn new(idle_max: usize, idle_timeout: Duration) -> Pool {
        Pool {
            idle_max,
            idle_timeout,
            connections: BTreeMap::new(),
            by_age: BTreeMap::new(),
            next_age: 0,
        }
    }

    /// Takes the idle connection to `origin` at `address`, if it is in time and quiet; else closes it.
    pub(crate) fn take(
        &mut self,
        origin: &Origin,
        address: IpAddr,
        now: Mono,
    ) -> Option<Connection> {
        let mut idle = self.remove(&(origin.clone(), address))?;
        (now < idle.until && idle.connection.is_quiet()).then_some(idle.connection)
    }

    /// Keeps a connection; `announced` is the server's own idle limit. The oldest goes when the pool is full.
    pub(crate) fn put(
        &mut self,
        origin: Origin,
        address: IpAddr,
        connection: Connection,
        announced: Option<Duration>,
        now: Mono,
    ) {
        let announced =
            announced.map_or(self.idle_timeout, |limit| limit.saturating_sub(IDLE_MARGIN));
        let stay = announced.min(self.idle_timeout);
        if self.idle_max == 0 || stay.is_zero() {
            return;
        }
        let key = (origin, address);
        self.remove(&key);
        while self.connections.len() >= self.idle_max {
            let Some((_, oldest)) = self.by_age.pop_first() else {
                break;
            };
            self.connections.remove(&oldest);
        }
        self.next_age += 1;
        self.by_age.insert(self.next_age, key.clone());
        self.connections.insert(
            key,
            Idle {
                connection,
                until: now.plus(stay),
                age: self.next_age,
            },
        );
    }

    /// Closes connections whose time has passed. Cost: O(idle connections).
    pub(crate) fn sweep(&mut self, now: Mono) {
        let by_age = &mut self.by_age;
        self.connections.retain(|_, idle| {
            let stays = now < idle.until;
            if !stays {
                by_age.remove(&idle.age);
            }
            stays
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.connections.len()
    }

    fn remove(&mut self, key: &Key) -> Option<Idle> {
        let idle = self.connections.remove(key)?;
        self.by_age.remove(&idle.age);
        Some(idle)
    }
}
