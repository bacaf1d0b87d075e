//! What a server saw of one request: who was asked for what, and when.
//!
//! In: notes of the server loop. Out: one [`Seen`] a request. May touch: nothing.
//! Invariant: taken at the server, so that pauses between requests are measured where they are felt.

use std::net::IpAddr;

use orb_env::Mono;

/// One request, told when it ended, whatever ended it; or a connection that ended without one, then without a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `Host` as sent.
    pub host: String,
    /// Path and query.
    pub target: String,
    /// Whether it came through TLS.
    pub secure: bool,
    /// Which request of its connection it was, from 1; 0 when there was none.
    pub nth: u32,
    /// When its connection was accepted, or, on one used again, its first byte arrived.
    pub begun: Mono,
    /// When the last byte of the answer was handed to the system, or the connection ended.
    pub ended: Mono,
    /// Status answered, whether all of it left or not; 0 when nothing was to be answered.
    pub status: u16,
}

impl Seen {
    /// A connection that ended before anything was asked.
    pub(crate) fn nothing_asked(secure: bool, begun: Mono, ended: Mono) -> Seen {
        Seen {
            host: String::new(),
            target: String::new(),
            secure,
            nth: 0,
            begun,
            ended,
            status: 0,
        }
    }
}

/// Who is told of requests, with the address asked.
pub(crate) type Told<'a> = Option<&'a dyn Fn(IpAddr, Seen)>;
