//! One simulated connection: two directions with latency, pace and faults, and what the server's side notes of them.
//!
//! In: what either end writes. Out: when it arrives; visits in the server log.
//! May touch: true time, the server log. Must not touch: streams, runtimes.
//! Invariant: bytes arrive in order, none before its time; a closed or broken connection stays so.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::server_log::{ServerLog, Visit};
use crate::time::TrueTime;

/// What happens to the answers on this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Nothing.
    Never,
    /// The connection is reset after so many bytes of answers.
    ResetAt(u64),
    /// Nothing arrives any more after so many bytes of answers.
    SilentAt(u64),
}

/// How a connection is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) life: usize,
    pub(crate) address: IpAddr,
    pub(crate) secure: bool,
    /// One way, microseconds.
    pub(crate) latency: u64,
    /// Nanoseconds a byte takes.
    pub(crate) byte_ns: u64,
    pub(crate) broken: Break,
    /// When the first packet reached the server.
    pub(crate) begun: u64,
}

/// Bytes on their way.
pub(crate) struct Parcel {
    pub(crate) arrives: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) read: usize,
}

/// Both directions and what the server's side noted.
pub(crate) struct Wire {
    pub(crate) line: Line,
    pub(crate) time: Arc<TrueTime>,
    pub(crate) log: Arc<Mutex<ServerLog>>,
    pub(crate) up: VecDeque<Parcel>,
    pub(crate) down: VecDeque<Parcel>,
    pub(crate) down_bytes: usize,
    /// When the server's line is free for the next byte.
    pub(crate) free_at: u64,
    /// Bytes of answers that left the server.
    pub(crate) sent: u64,
    /// Bytes of answers that reached the client.
    pub(crate) delivered: u64,
    /// The request being answered: its place in the log.
    pub(crate) open: Option<usize>,
    /// The last request that was answered.
    pub(crate) answered: Option<usize>,
    /// Bytes of a request head that is not complete.
    pub(crate) head: Vec<u8>,
    pub(crate) requests: u32,
    pub(crate) client_gone: bool,
    pub(crate) server_done: Option<bool>,
}

impl Wire {
    pub(crate) fn new(line: Line, time: Arc<TrueTime>, log: Arc<Mutex<ServerLog>>) -> Wire {
        Wire {
            line,
            time,
            log,
            up: VecDeque::new(),
            down: VecDeque::new(),
            down_bytes: 0,
            free_at: 0,
            sent: 0,
            delivered: 0,
            open: None,
            answered: None,
            head: Vec::new(),
            requests: 0,
            client_gone: false,
            server_done: None,
        }
    }

    pub(crate) fn log(&self) -> std::sync::MutexGuard<'_, ServerLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the far end is out of reach by now.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.line.broken, Break::SilentAt(at) if self.delivered >= at)
    }

    pub(crate) fn is_reset(&self) -> bool {
        matches!(self.line.broken, Break::ResetAt(at) if self.delivered >= at)
    }

    /// How many more bytes get through before the fault.
    pub(crate) fn passable(&self) -> u64 {
        match self.line.broken {
            Break::Never => u64::MAX,
            Break::ResetAt(at) | Break::SilentAt(at) => at.saturating_sub(self.delivered),
        }
    }

    /// The server reads on: what it was answering is answered, unless it never began.
    pub(crate) fn answer_complete(&mut self) {
        let Some(open) = self.open else { return };
        let whole = match self.line.broken {
            Break::Never => true,
            Break::ResetAt(at) | Break::SilentAt(at) => self.sent <= at,
        };
        let mut log = self.log();
        if log.visits[open].status > 0 {
            log.visits[open].whole = whole;
            drop(log);
            self.open = None;
            self.answered = Some(open);
        }
    }

    /// The connection ends at `at`: so does the answer under way, and what of the last one still travelled is lost.
    pub(crate) fn close(&mut self, at: u64) {
        if let Some(open) = self.open.take() {
            self.log().visits[open].ended = at;
            // What the server believed it had sent may still be cut.
            self.answered = Some(open);
        } else if let Some(answered) = self.answered {
            let mut log = self.log();
            let visit = &mut log.visits[answered];
            if visit.ended > at {
                (visit.ended, visit.whole) = (at, false);
            }
        }
    }

    pub(crate) fn note_request(&mut self, bytes: &[u8], arrived: u64) {
        if self.head.is_empty() {
            self.answer_complete();
            let visit = Visit {
                life: self.line.life,
                address: self.line.address,
                secure: self.line.secure,
                host: String::new(),
                target: String::new(),
                begun: if self.requests == 0 {
                    self.line.begun
                } else {
                    arrived
                },
                ended: arrived,
                status: 0,
                retry_after: 0,
                location: String::new(),
                whole: false,
                reused: self.requests > 0,
            };
            let mut log = self.log();
            log.visits.push(visit);
            let place = log.visits.len() - 1;
            drop(log);
            self.open = Some(place);
            self.requests += 1;
        }
        self.head.extend_from_slice(bytes);
        if self.head.windows(4).any(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&std::mem::take(&mut self.head)).into_owned();
            let target = text.split(' ').nth(1).unwrap_or("").to_owned();
            let host = field(&text, "host")
                .split(':')
                .next()
                .unwrap_or("")
                .to_owned();
            if let Some(open) = self.open {
                let visit = &mut self.log().visits[open];
                (visit.target, visit.host) = (target, host.to_ascii_lowercase());
            }
        }
    }

    pub(crate) fn note_answer(&mut self, bytes: &[u8], sent: u64) {
        let Some(open) = self.open else { return };
        let mut log = self.log();
        let visit = &mut log.visits[open];
        visit.ended = visit.ended.max(sent);
        if visit.status == 0 && bytes.starts_with(b"HTTP/1.1 ") {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            let text = String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned();
            visit.status = text
                .get(9..12)
                .and_then(|code| code.parse().ok())
                .unwrap_or(0);
            visit.retry_after = field(&text, "retry-after").parse().unwrap_or(0);
            visit.location = field(&text, "location").to_owned();
        }
    }
}

/// The value of a field of a head.
fn field<'a>(head: &'a str, name: &str) -> &'a str {
    let line = head.lines().find(|line| {
        line.split_once(':')
            .is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
    });
    line.and_then(|line| line.split_once(':'))
        .map_or("", |(_, value)| value.trim())
}
