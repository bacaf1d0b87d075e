//! The readers of foreign bytes alone, for whoever throws bytes at them (feature `fuzzing`).
//!
//! In: bytes as a server would send them. Out: what the readers make of them.
//! May touch: the readers. Must not touch: sockets, settings.
//! Invariant: the very code that reads a server's bytes runs, with the default limits.

use std::net::IpAddr;

use crate::config::FetchConfig;
use crate::dns_message::{Family, Question, Reply, name_of_host};
use crate::http1::{End, Progress, ReadLimits, ResponseReader};
use crate::response::Response;

/// Reads one response whose bytes come in pieces of `piece_bytes`, after which the server closes.
///
/// # Errors
/// The class of what makes the response unusable; `head_incomplete` when its head never ends.
pub fn response(bytes: &[u8], piece_bytes: usize) -> Result<Response, &'static str> {
    let limits = ReadLimits::new(&FetchConfig::default(), None);
    let mut reader = ResponseReader::new(limits, Vec::new());
    for piece in bytes.chunks(piece_bytes.max(1)) {
        reader.raw.extend_from_slice(piece);
        match reader.received() {
            Ok(Progress::More) => {}
            Ok(Progress::Complete) => return Ok(reader.complete()),
            Err(error) => return Err(error.class()),
        }
    }
    if reader.in_body() {
        Ok(reader.ended(End::Closed))
    } else {
        Err("head_incomplete")
    }
}

/// Judges a DNS answer to a fixed question: the IPv4 (or IPv6) addresses of `host`, asked with id 0.
///
/// - Returns the addresses; none when the name has none, `None` when the answer does not count.
pub fn dns_answer(bytes: &[u8], host: &str, v6: bool) -> Option<Vec<IpAddr>> {
    let family = if v6 { Family::V6 } else { Family::V4 };
    let question = Question::new(0, name_of_host(host)?, family);
    match question.judge(bytes).ok()? {
        Reply::Addresses { addresses, .. } => Some(addresses),
        Reply::Absent { .. } => Some(Vec::new()),
    }
}
