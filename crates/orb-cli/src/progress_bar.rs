//! One line that tells how far long work on files has come.
//!
//! In: bytes done of bytes in all. Out: a line that is written over, on a terminal; nothing elsewhere.
//! May touch: standard error. Invariant: the line is gone when the bar is dropped, so results stand alone.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

use orb_env::{BootClock, Clock, Mono};

use crate::terminal::bytes;

/// How often the line is written anew: often enough to be seen moving.
const EVERY: Duration = Duration::from_millis(200);

/// See the module. Shared by threads that work on one heap of files.
pub(crate) struct ProgressBar {
    what: &'static str,
    bytes_total: u64,
    shown: bool,
    clock: BootClock,
    state: Mutex<State>,
}

struct State {
    done: u64,
    started: Mono,
    next: Mono,
}

impl ProgressBar {
    /// A bar over `bytes_total`; `what` is a verb in the past, such as `verified`.
    pub(crate) fn new(what: &'static str, bytes_total: u64, quiet: bool) -> ProgressBar {
        let clock = BootClock::new();
        let now = clock.mono();
        ProgressBar {
            what,
            bytes_total,
            shown: !quiet && io::stderr().is_terminal(),
            state: Mutex::new(State {
                done: 0,
                started: now,
                next: now.plus(EVERY),
            }),
            clock,
        }
    }

    /// A hook for one file: hears of the bytes done of that file, and adds what is new.
    pub(crate) fn of_file(&self) -> impl FnMut(u64) + '_ {
        let mut before = 0;
        move |at| {
            self.add(at.saturating_sub(before));
            before = before.max(at);
        }
    }

    fn add(&self, more: u64) {
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(|broken| broken.into_inner());
        state.done += more;
        let now = self.clock.mono();
        if self.shown && now >= state.next {
            state.next = now.plus(EVERY);
            let seconds = now.since(state.started).as_secs_f64();
            let line = line(self.what, state.done, self.bytes_total, seconds);
            write!(io::stderr().lock(), "\r{line}\x1b[K").ok(); // nobody to tell that nobody can be told
        }
    }
}

impl Drop for ProgressBar {
    fn drop(&mut self) {
        if self.shown {
            write!(io::stderr().lock(), "\r\x1b[K").ok(); // as above
        }
    }
}

fn line(what: &str, done: u64, total: u64, seconds: f64) -> String {
    let share = if total == 0 {
        1.0
    } else {
        done as f64 / total as f64
    };
    let rate = done as f64 / seconds.max(0.001);
    let left = (total.saturating_sub(done)) as f64 / rate.max(1.0);
    format!(
        "{what} {} of {} ({:.0} %), {}/s, {left:.0} s left",
        bytes(done),
        bytes(total),
        share * 100.0,
        bytes(rate as u64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_share_rate_and_what_is_left() {
        assert_eq!(
            line("verified", 250_000_000, 1_000_000_000, 5.0),
            "verified 250.0 MB of 1.0 GB (25 %), 50.0 MB/s, 15 s left"
        );
        assert_eq!(
            line("verified", 0, 0, 0.0),
            "verified 0 B of 0 B (100 %), 0 B/s, 0 s left"
        );
    }
}
