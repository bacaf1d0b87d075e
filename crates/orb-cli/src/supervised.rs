//! Telling a service manager how the crawl goes: a thread beside it, until it is dropped.
//!
//! In: the environment a manager gives, the crawl's control. Out: what `Supervisor` sends. May touch: one thread.
//! Invariant: ready is told when the coordinator has looked at the crawl once, and alive only while it goes on looking.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use orb_api::{Phase, Status};
use orb_crawl::Control;
use orb_serve::Supervisor;

use crate::limits::SUPERVISOR_LOOK_EVERY;
use crate::live::variable;
use crate::progress::line;

/// See the module.
pub(crate) struct Supervised {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Supervised {
    /// Begins to tell, where a manager asked for it (`NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`).
    pub(crate) fn start(control: Control) -> Option<Supervised> {
        let address = variable("NOTIFY_SOCKET")?;
        let number = |name| variable(name).and_then(|text| text.parse::<u64>().ok());
        let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|time| ours && *time > 0);
        let watchdog = watchdog.map(Duration::from_micros);
        let told = Supervisor::at(&address, watchdog).and_then(|supervisor| {
            let (stop, stopped) = sync_channel::<()>(1);
            let thread = thread::Builder::new()
                .name("orb-supervised".into())
                .spawn(move || tell(&control, &supervisor, &stopped))?;
            Ok(Supervised {
                stop: Some(stop),
                thread: Some(thread),
            })
        });
        told.inspect_err(|error| tracing::warn!(%error, "service manager cannot be told"))
            .ok()
    }
}

fn tell(control: &Control, supervisor: &Supervisor, stopped: &Receiver<()>) {
    let mut before = Status::default();
    let mut ready = false;
    let mut stopping = false;
    // Looks since the last word; the first look may say everything.
    let mut silent = Duration::MAX;
    while stopped.recv_timeout(SUPERVISOR_LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
        let now = control.status();
        silent = silent.saturating_add(SUPERVISOR_LOOK_EVERY);
        // What comes after the last look (indexes, uploads) has its own ends, and is no hanging.
        let ends = matches!(
            now.phase,
            Phase::Stopping | Phase::Stopped | Phase::Finished
        );
        let lives = now.seconds > before.seconds || (ready && ends);
        if !lives {
            continue;
        }
        if !std::mem::replace(&mut ready, true) {
            supervisor.ready();
        }
        if ends && !std::mem::replace(&mut stopping, true) {
            supervisor.stopping();
        }
        let every = supervisor.every().unwrap_or(STATUS_EVERY).min(STATUS_EVERY);
        if silent >= every {
            silent = Duration::ZERO;
            supervisor.alive();
            supervisor.status(&line(&before, &now));
            before = now;
        }
    }
    if !stopping {
        supervisor.stopping();
    }
}

/// Pause between two lines of status, unless the watchdog wants to hear more often.
const STATUS_EVERY: Duration = Duration::from_secs(5);

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok(); // a panic there has been reported by the hook
        }
    }
}
