//! What fetching cost, by stage.
//!
//! In: sizes and CPU time of pages. Out: microseconds a page. May touch: nothing.
//! Invariant: the stages add up to the whole.

use std::iter::Sum;
use std::time::Duration;

use serde::Serialize;

/// Pages under way at once: enough that waiting costs no CPU, as in a crawl.
pub(crate) const AT_ONCE: usize = 16;

/// Sums over pages.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pages: usize,
    decoded_bytes: usize,
    decode: Duration,
}

impl Tally {
    /// One more page.
    pub(crate) fn add(&mut self, decoded_bytes: usize, decode: Duration) {
        self.pages += 1;
        self.decoded_bytes += decoded_bytes;
        self.decode += decode;
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Tally>>(tallies: I) -> Tally {
        tallies.fold(Tally::default(), |sum, one| Tally {
            pages: sum.pages + one.pages,
            decoded_bytes: sum.decoded_bytes + one.decoded_bytes,
            decode: sum.decode + one.decode,
        })
    }
}

/// What one run cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Cost {
    /// Pages fetched.
    pub(crate) pages: usize,
    /// Mean bytes of a page once decoded.
    pub(crate) decoded_bytes_per_page: f64,
    /// CPU microseconds a page in all.
    pub(crate) cpu_micros: f64,
    /// Connecting, TLS, HTTP and the kernel's part of them.
    pub(crate) network_micros: f64,
    /// Undoing the content coding.
    pub(crate) decode_micros: f64,
}

impl Cost {
    pub(crate) fn of(tally: Tally, cpu: Duration) -> Cost {
        let pages = tally.pages.max(1) as f64;
        let micros = |span: Duration| span.as_secs_f64() * 1e6 / pages;
        Cost {
            pages: tally.pages,
            decoded_bytes_per_page: tally.decoded_bytes as f64 / pages,
            cpu_micros: micros(cpu),
            network_micros: micros(cpu.saturating_sub(tally.decode)),
            decode_micros: micros(tally.decode),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_add_up_to_the_whole() {
        let mut tally = Tally::default();
        tally.add(400, Duration::from_micros(30));
        tally.add(600, Duration::from_micros(50));
        let cost = Cost::of(
            [tally, Tally::default()].into_iter().sum(),
            Duration::from_micros(400),
        );
        assert_eq!((cost.pages, cost.decoded_bytes_per_page), (2, 500.0));
        let parts = (cost.cpu_micros, cost.network_micros, cost.decode_micros);
        assert!((parts.0 - 200.0).abs() < 1e-6 && (parts.1 + parts.2 - parts.0).abs() < 1e-6);
    }
}
