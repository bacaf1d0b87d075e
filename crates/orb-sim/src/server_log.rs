//! What the servers saw: every contact, every request, in true time.
//!
//! In: notes of the simulated network. Out: [`Contact`], [`Visit`], sums.
//! May touch: nothing. Must not touch: what the crawl says of itself.
//! Invariant: written on the servers' side only, so that promises to servers are judged where they are felt.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// How a connection began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Greeting {
    /// It was accepted.
    Accepted,
    /// It was refused.
    Refused,
    /// Nobody answered.
    Ignored,
    /// Nobody is supposed to call there.
    Foreign,
}

/// One attempt to connect, as the address saw it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contact {
    /// Which process called, from 0.
    pub life: usize,
    /// Address called.
    pub address: IpAddr,
    /// Port called.
    pub port: u16,
    /// When the first packet arrived, true microseconds.
    pub at: u64,
    /// What became of it.
    pub greeting: Greeting,
}

/// One request, as the server saw it. Times are true microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Visit {
    /// Which process asked, from 0.
    pub life: usize,
    /// Address it came to.
    pub address: IpAddr,
    /// Whether it came to the port of `https`.
    pub secure: bool,
    /// `Host` without port.
    pub host: String,
    /// Path and query.
    pub target: String,
    /// First packet: of the connection, or of the request on a connection used again.
    pub begun: u64,
    /// Last packet: of the answer, or the end of the connection.
    pub ended: u64,
    /// Status answered; 0 when nothing was.
    pub status: u16,
    /// `Retry-After` answered, seconds.
    pub retry_after: u64,
    /// Where the answer led.
    pub location: String,
    /// Whether all of the answer left the server and the network carried it.
    pub whole: bool,
    /// Whether the connection had carried a request before.
    pub reused: bool,
}

/// Everything the servers of one world saw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ServerLog {
    /// Attempts to connect, in order.
    pub contacts: Vec<Contact>,
    /// Requests, in the order they arrived.
    pub visits: Vec<Visit>,
    /// Questions to the name server, lost ones included.
    pub questions: u64,
    /// Faults that the network made, by name.
    pub faults: BTreeMap<&'static str, u64>,
}

impl ServerLog {
    pub(crate) fn fault(&mut self, name: &'static str) {
        *self.faults.entry(name).or_default() += 1;
    }
}
