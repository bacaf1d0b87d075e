//! Who watches a crawl by its metrics sees that it ended: the last state stands until they came once more.
//!
//! In: moments at which metrics were asked for. Out: a wait, bounded. May touch: nothing.
//! Invariant: nobody waits who is not watched, nor longer than [`LAST_SCRAPE_MAX`], nor after a second signal.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use orb_crawl::{Control, Wish};
use orb_env::{Clock, Mono};

use crate::limits::{LAST_SCRAPE_LOOK_EVERY, LAST_SCRAPE_MAX};

/// When metrics were asked for.
pub(crate) struct Scrapes {
    clock: Arc<dyn Clock>,
    seen: Mutex<Seen>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    times: u64,
    last: Mono,
    /// Between the last two.
    pause: Option<Duration>,
}

impl Seen {
    fn note(&mut self, now: Mono) {
        let before = (self.times > 0).then_some(self.last);
        self.pause = before.map(|before| now.since(before)).or(self.pause);
        (self.times, self.last) = (self.times + 1, now);
    }

    /// Until when to wait for the next one; none when nobody comes regularly.
    fn until(&self, now: Mono) -> Option<Mono> {
        let pause = self.pause.filter(|pause| *pause <= LAST_SCRAPE_MAX)?;
        let next = self.last.plus(pause + pause / 2);
        (next > now).then(|| next.min(now.plus(LAST_SCRAPE_MAX)))
    }
}

impl Scrapes {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Scrapes {
        Scrapes {
            clock,
            seen: Mutex::default(),
        }
    }

    /// Metrics are asked for.
    pub(crate) fn note(&self) {
        let now = self.clock.mono();
        if let Ok(mut seen) = self.seen.lock() {
            seen.note(now);
        }
    }

    fn seen(&self) -> Seen {
        self.seen.lock().map(|seen| *seen).unwrap_or_default()
    }

    /// Waits until whoever comes regularly came once more. Blocking.
    pub(crate) fn wait_for_one_more(&self, control: &Control) {
        let before = self.seen();
        let Some(until) = before.until(self.clock.mono()) else {
            return;
        };
        while self.clock.mono() < until && control.wish() != Wish::Abort {
            thread::sleep(LAST_SCRAPE_LOOK_EVERY);
            if self.seen().times > before.times {
                // The answer is on its way: it is short, and the reader is on this machine.
                thread::sleep(LAST_SCRAPE_LOOK_EVERY);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_comes_regularly_is_waited_for() {
        let at = |seconds: u64| Mono(seconds * 1_000_000);
        let mut seen = Seen::default();
        assert_eq!(seen.until(at(0)), None, "nobody watches");
        seen.note(at(100));
        assert_eq!(seen.until(at(101)), None, "somebody looked once");
        seen.note(at(114));
        assert_eq!(seen.until(at(119)), Some(at(135)));
        assert_eq!(seen.until(at(136)), None, "they are gone");
        seen.note(at(4_000));
        assert_eq!(seen.until(at(4_001)), None, "nobody waits for an hour");
    }
}
