//! Keys and changes of size, from a thread of their own.
//!
//! In: the terminal. Out: what happened there, to whoever draws. May touch: the terminal's input.
//! Invariant: once stopped it takes nothing more from the terminal, which belongs to the shell again then.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread::{self, JoinHandle};

use orb_screen::ratatui::crossterm::event::{self, Event};

use super::eyes::Happening;
use crate::limits::KEYS_LOOK_UP_EVERY;

/// Reads keys until it is dropped.
pub(crate) struct Keyboard {
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Keyboard {
    /// Begins to read.
    pub(crate) fn start(happenings: SyncSender<Happening>) -> io::Result<Keyboard> {
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stopped);
        let read = move || {
            while !seen.load(Ordering::Relaxed) {
                let happened = match next() {
                    Ok(Some(Event::Key(key))) => Happening::Key(key),
                    Ok(Some(Event::Resize(..))) => Happening::Resized,
                    Ok(_) => continue,
                    Err(_) => {
                        thread::sleep(KEYS_LOOK_UP_EVERY);
                        Happening::NoKeys
                    }
                };
                // Never waits: whoever draws may be waiting for this thread's end. Keys that nobody takes are lost.
                if let Err(TrySendError::Disconnected(_)) = happenings.try_send(happened) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("orb-keys".into()).spawn(read)?;
        Ok(Keyboard {
            stopped,
            thread: Some(thread),
        })
    }
}

fn next() -> io::Result<Option<Event>> {
    if event::poll(KEYS_LOOK_UP_EVERY)? {
        event::read().map(Some)
    } else {
        Ok(None)
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok(); // a panic there has been reported by the hook
        }
    }
}
