//! The terminal's other screen: raised for the view, lowered on every way out.
//!
//! In: what is drawn, what others want to print meanwhile. Out: the terminal as it was. May touch: the terminal.
//! Invariant: while the view is up nothing but the view is written; what was held back is printed when it is down.
//! Whoever panics while drawing does not hold the lock: drawing goes into memory, only whole pictures are written.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use orb_screen::limits::{NOTE_CHARS_MAX, NOTES_MAX};
use orb_screen::ratatui::crossterm::cursor::{Hide, Show};
use orb_screen::ratatui::crossterm::execute;
use orb_screen::ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

/// Where the view is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

impl Stream {
    fn write(self, text: &[u8]) -> io::Result<()> {
        match self {
            Stream::Output => {
                let mut out = io::stdout().lock();
                out.write_all(text).and_then(|()| out.flush())
            }
            Stream::Error => io::stderr().lock().write_all(text),
        }
    }
}

/// A view that is up.
struct Up {
    stream: Stream,
    /// Printed when it is down.
    held: VecDeque<String>,
    /// Those pushed out.
    lost: u64,
    /// How many of the newest the view has not taken yet.
    fresh: usize,
}

static UP: Mutex<Option<Up>> = Mutex::new(None);

fn up() -> MutexGuard<'static, Option<Up>> {
    // What is inside is whole after every statement; a panic elsewhere must not keep the terminal raw.
    UP.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the terminal: no echo, no line editing, the other screen.
pub(crate) fn raise(stream: Stream) -> io::Result<()> {
    let mut up = up();
    enable_raw_mode()?;
    let mut opening = Vec::new();
    execute!(opening, EnterAlternateScreen, Hide)?;
    if let Err(error) = stream.write(&opening) {
        disable_raw_mode()?;
        return Err(error);
    }
    *up = Some(Up {
        stream,
        held: VecDeque::new(),
        lost: 0,
        fresh: 0,
    });
    Ok(())
}

/// Gives the terminal back and prints what was held. Does nothing when no view is up.
pub(crate) fn lower() {
    let mut up = up();
    let Some(was) = up.take() else {
        return;
    };
    let mut closing = Vec::new();
    execute!(closing, LeaveAlternateScreen, Show).expect("writing into memory does not fail");
    // A terminal that is gone needs no mending, and there is nobody to tell.
    was.stream.write(&closing).ok();
    disable_raw_mode().ok();
    let mut err = io::stderr().lock();
    if was.lost > 0 {
        writeln!(err, "orb: {} earlier notes are in logs/orb.log", was.lost).ok();
    }
    for text in was.held {
        writeln!(err, "{text}").ok();
    }
}

/// Keeps `text` for later when a view is up; says whether it did.
pub(crate) fn hold(text: &str) -> bool {
    let mut up = up();
    let Some(up) = up.as_mut() else {
        return false;
    };
    if up.held.len() == NOTES_MAX {
        up.held.pop_front();
        up.lost += 1;
    }
    let text = text.trim_end().chars().take(NOTE_CHARS_MAX).collect();
    up.held.push_back(text);
    up.fresh = (up.fresh + 1).min(up.held.len());
    true
}

/// What was held since the last call, for the view's own message line.
pub(crate) fn fresh() -> Vec<String> {
    let mut up = up();
    let Some(up) = up.as_mut() else {
        return Vec::new();
    };
    let seen = up.held.len() - std::mem::take(&mut up.fresh);
    up.held.iter().skip(seen).cloned().collect()
}

/// Collects a picture and writes it in one piece, if the view is still up.
#[derive(Default)]
pub(crate) struct Canvas(Vec<u8>);

impl Write for Canvas {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let picture = std::mem::take(&mut self.0);
        match up().as_ref() {
            _ if picture.is_empty() => Ok(()),
            Some(up) => up.stream.write(&picture),
            None => Err(io::Error::other("the view is down")),
        }
    }
}

/// Lines of the log for standard error: held while a view is up.
#[derive(Clone, Copy, Default)]
pub(crate) struct LogLines;

impl Write for LogLines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !hold(&crate::terminal::harmless(&String::from_utf8_lossy(line))) {
            io::stderr().lock().write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
