//! What a crawler tells site owners about itself: who runs it, how to know it is really it, how to slow it or send it
//! away.
//!
//! In: names, contact, addresses and pauses in force (plain values). Out: a web page, address ranges as JSON, lines
//! for the reverse zone.
//! May touch: its arguments. Must not touch: settings, sockets, clocks, other crates of this project.
//! Invariant: every value stands escaped in what it is put into; nothing is claimed that the values do not say.

pub mod limits;
mod page;
mod ranges;
mod reverse;

use std::time::Duration;

use ipnet::IpNet;

pub use page::page;
pub use ranges::ranges;
pub use reverse::{host_of, reverse_zone};

/// Who crawls.
#[derive(Clone, Debug, Default)]
pub struct Introduction {
    /// Product token that robots.txt is obeyed for.
    pub product: String,
    /// The `User-Agent` header as sent.
    pub user_agent: String,
    /// The `From` header as sent; empty when none is.
    pub from: String,
    /// Mail address or page of whoever answers for the crawl.
    pub contact: String,
    /// Public addresses that requests come from; empty when they are not told.
    pub addresses: Vec<IpNet>,
    /// Domain below which those addresses have their names, such as `crawl.example.org`.
    pub domain: Option<String>,
    /// How it behaves.
    pub manners: Manners,
}

/// What is in force of politeness.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manners {
    /// Shortest pause between two requests to one site.
    pub site_delay: Duration,
    /// The pause is at least this many times what the last answer took; 0 when it does not count.
    pub site_delay_factor: u32,
    /// Shortest pause between two requests to one address.
    pub address_delay: Duration,
    /// Longest `Crawl-delay` with which a site is still crawled.
    pub crawl_delay_max: Duration,
    /// Longest `Retry-After` obeyed to the full.
    pub retry_after_max: Duration,
    /// How long a robots.txt is used before it is asked for again.
    pub robots_fresh_for: Duration,
}

/// A time as a sentence takes it: `1 second`, `500 milliseconds`, `24 hours`.
fn spoken(time: Duration) -> String {
    let millis = time.as_millis();
    let (number, unit) = match millis {
        0 => return "no time".to_owned(),
        ms if ms % 3_600_000 == 0 => (ms / 3_600_000, "hour"),
        ms if ms % 60_000 == 0 => (ms / 60_000, "minute"),
        ms if ms % 1_000 == 0 => (ms / 1_000, "second"),
        ms => (ms, "millisecond"),
    };
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{s}")
}
