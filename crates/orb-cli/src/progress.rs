//! How a crawl goes: while it runs, in lines or in the live view, and when it has ended.
//!
//! In: statuses, the summary. Out: text. May touch: one thread, standard error.
//! Invariant: lines are plain, so that a log file of them reads like the screen did.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use orb_api::{Phase, States, Status, Summary};
use orb_crawl::{Control, EndReason};

use crate::limits::PROGRESS_EVERY;
use crate::live::curtain::Stream;
use crate::live::{LiveView, Wanted};
use crate::terminal::{bytes, count, elapsed, note};

/// Tells how the crawl of this process goes, until it is dropped.
pub(crate) enum Telling {
    /// Not at all.
    Nothing,
    /// A line every few seconds.
    Lines { _ticker: Ticker },
    /// The live view.
    View { _view: LiveView },
}

impl Telling {
    /// Begins to tell how the crawl behind `control`, which listens on `socket`, goes.
    pub(crate) fn start(way: Way, control: Control, socket: PathBuf) -> io::Result<Telling> {
        Ok(match way {
            Way::Nothing => Telling::Nothing,
            Way::Lines => Telling::Lines {
                _ticker: Ticker::start(control)?,
            },
            Way::View => {
                let afterwards = move |until: &Receiver<()>| tell(&control, until);
                Telling::View {
                    _view: LiveView::start(socket, afterwards)?,
                }
            }
        })
    }
}

/// How a crawl tells of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// `--quiet`.
    Nothing,
    /// Lines, as logs and scripts like them.
    Lines,
    /// The live view.
    View,
}

impl Way {
    /// What the flags and the terminal allow.
    pub(crate) fn of(wanted: Wanted) -> Way {
        if wanted.quiet {
            Way::Nothing
        } else if wanted.view_on(Stream::Error) {
            Way::View
        } else {
            Way::Lines
        }
    }
}

/// Prints a line every few seconds until it is dropped.
pub(crate) struct Ticker {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(control: Control) -> io::Result<Ticker> {
        let (stop, stopped) = sync_channel::<()>(1);
        let thread = thread::Builder::new()
            .name("orb-progress".into())
            .spawn(move || tell(&control, &stopped))?;
        Ok(Ticker {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

fn tell(control: &Control, stopped: &Receiver<()>) {
    let mut before = control.status();
    while stopped.recv_timeout(PROGRESS_EVERY) == Err(RecvTimeoutError::Timeout) {
        let now = control.status();
        note(&line(&before, &now));
        before = now;
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok(); // a panic there has been reported by the hook
        }
    }
}

/// One progress line; the rate is that since `before`.
pub(crate) fn line(before: &Status, now: &Status) -> String {
    let seconds = (now.seconds - before.seconds).max(0.001);
    let rate = now.pages.saturating_sub(before.pages) as f64 / seconds;
    let states = &now.states;
    let mut line = format!(
        "{}  pages {} ({rate:.1}/s)  in flight {}  pending {}  done {}  failed {}  excluded {}  {}",
        elapsed(now.seconds),
        count(now.pages),
        count(states.in_flight),
        count(states.pending),
        count(states.done),
        count(states.failed),
        count(excluded(states)),
        bytes(now.bytes_wire),
    );
    if let Some(text) = trouble(now.phase) {
        line.push_str("  ");
        line.push_str(text);
    }
    line
}

fn trouble(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::Running | Phase::Stopped | Phase::Finished => None,
        Phase::Paused => Some("paused"),
        Phase::DiskFull => Some("waiting: the disk is nearly full"),
        Phase::UploadsBehind => Some("waiting: uploads are behind"),
        Phase::Stopping => Some("stopping"),
    }
}

/// A phase as a person would say it.
pub(crate) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Stopped => "stopped; the same command goes on from here",
        Phase::Finished => "finished: nothing left to do",
        other => trouble(other).unwrap_or("running"),
    }
}

/// All excluded URLs.
pub(crate) fn excluded(states: &States) -> u64 {
    states.excluded.values().sum()
}

/// Why a run ended, as a person would say it.
pub(crate) fn ending(why: EndReason) -> &'static str {
    match why {
        EndReason::Finished => "finished: nothing left to fetch",
        EndReason::PagesMax => "ended at the limit of pages",
        EndReason::BytesMax => "ended at the limit of bytes",
        EndReason::DurationMax => "ended at the limit of time",
        EndReason::Stopped => "stopped; the same command goes on from here",
        EndReason::Aborted => "ended at once; the same command goes on from here",
    }
}

/// The states as one line.
pub(crate) fn states_line(states: &States) -> String {
    let mut line = format!(
        "done {}  failed {}  excluded {}",
        count(states.done),
        count(states.failed),
        count(excluded(states))
    );
    if !states.excluded.is_empty() {
        let reasons: Vec<String> = states
            .excluded
            .iter()
            .map(|(reason, number)| format!("{reason} {}", count(*number)))
            .collect();
        line.push_str(&format!(" ({})", reasons.join(", ")));
    }
    line.push_str(&format!(
        "  pending {}",
        count(states.pending + states.in_flight)
    ));
    line
}

/// The end of a run, for people.
pub(crate) fn summary_text(summary: &Summary, why: EndReason) -> String {
    format!(
        "{}\n  pages  {} in {}, {:.1} a second\n  bytes  {} over the wire, {} archived\n  cost   {:.1} s of CPU \
         ({:.0} pages a CPU second), {} of memory at most\n  URLs   {}",
        ending(why),
        count(summary.pages),
        elapsed(summary.seconds),
        summary.pages as f64 / summary.seconds.max(0.001),
        bytes(summary.bytes_wire),
        bytes(summary.bytes_archived),
        summary.cpu_seconds,
        summary.pages_per_cpu_second,
        bytes(summary.rss_peak_bytes),
        states_line(&summary.states),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_api::Reason;

    #[test]
    fn a_line_tells_counts_and_the_rate_since_the_last_one() {
        let states = States {
            pending: 3_400,
            in_flight: 12,
            done: 1_300,
            failed: 2,
            excluded: [(Reason::Robots, 4), (Reason::GuardedAddress, 1)].into(),
        };
        let before = Status {
            seconds: 5.0,
            pages: 100,
            ..Status::default()
        };
        let now = Status {
            phase: Phase::DiskFull,
            seconds: 10.0,
            pages: 1_220,
            bytes_wire: 12_345_678,
            states,
            ..Status::default()
        };
        assert_eq!(
            line(&before, &now),
            "0:00:10  pages 1,220 (224.0/s)  in flight 12  pending 3,400  done 1,300  failed 2  excluded 5  12.3 MB  \
             waiting: the disk is nearly full"
        );
        assert_eq!(
            states_line(&now.states),
            "done 1,300  failed 2  excluded 5 (robots 4, guarded_address 1)  pending 3,412"
        );
    }
}
