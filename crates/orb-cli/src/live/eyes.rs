//! The view's own loop: what happens, what is drawn, what is asked for.
//!
//! In: keys, replies, notes. Out: pictures; signals and requests that keys stand for.
//! May touch: the curtain, the keyboard, the asker; signals to this process and its group.
//! Invariant: a picture whenever something happened and twice a second otherwise, never more; what did not change is
//! not written again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use orb_api::{SiteFacts, View};
use orb_screen::ratatui::Terminal;
use orb_screen::ratatui::backend::CrosstermBackend;
use orb_screen::ratatui::crossterm::event::KeyEvent;
use orb_screen::{Action, Role, Screen};
use orb_serve::Request;
use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};

use super::asker::{self, AskerError, Errand, Sight};
use super::curtain::{self, Canvas, Stream};
use super::keyboard::Keyboard;
use super::surroundings::{in_front, look};
use crate::limits::{HAPPENINGS_MAX, SUSPENDED_MIN, VIEW_EVERY};

/// What the view's loop hears of.
pub(crate) enum Happening {
    Key(KeyEvent),
    Resized,
    /// The terminal's input ended.
    NoKeys,
    View(Box<View>),
    Site(Box<SiteFacts>),
    /// The crawl does not tell how it stands.
    Silent(String),
    /// The crawl refused a wish.
    Refused(String),
    /// Nobody listens on the socket any more.
    Gone,
    /// The crawl of this process has ended.
    End,
}

/// How a view ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parted {
    /// A key asked for it.
    Left,
    /// Ctrl-C, where that is not the crawl's.
    Interrupted,
    /// The crawl ended.
    CrawlEnded,
    /// The terminal is gone, or belongs to somebody else now.
    NoTerminal,
}

/// What is needed to show a crawl.
struct Eyes {
    screen: Screen,
    role: Role,
    stream: Stream,
    terminal: Terminal<CrosstermBackend<Canvas>>,
    errands: SyncSender<Errand>,
    keyboard: Option<Keyboard>,
    sender: SyncSender<Happening>,
}

/// A view of the crawl of this process, on a thread of its own.
pub(crate) struct LiveView {
    sender: SyncSender<Happening>,
    ended: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LiveView {
    /// Shows the crawl that listens on `socket` until the view is dropped. When the person at the keys leaves it
    /// before, `afterwards` goes on; what it is given tells it when to end.
    pub(crate) fn start(
        socket: PathBuf,
        afterwards: impl FnOnce(&Receiver<()>) + Send + 'static,
    ) -> io::Result<LiveView> {
        let (sender, happenings) = sync_channel(HAPPENINGS_MAX);
        let (ended, until) = sync_channel(1);
        let own = sender.clone();
        let watch = move || {
            let parted = open(&socket, Role::Crawl, Stream::Error, own)
                .map(|mut eyes| eyes.watch(&happenings));
            curtain::lower();
            if parted.is_ok_and(|parted| parted == Parted::CrawlEnded) {
                return;
            }
            drop(happenings);
            afterwards(&until);
        };
        let thread = thread::Builder::new()
            .name("orb-view".into())
            .spawn(watch)?;
        Ok(LiveView {
            sender,
            ended: Some(ended),
            thread: Some(thread),
        })
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.sender.send(Happening::End).ok(); // the view was left before
        drop(self.ended.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok(); // a panic there has been reported by the hook
        }
    }
}

/// Shows the crawl that listens on `socket` until it ends or is left.
pub(crate) fn show(socket: &Path, stream: Stream) -> Result<Parted, AskerError> {
    let (sender, happenings) = sync_channel(HAPPENINGS_MAX);
    let mut eyes = open(socket, Role::Watch, stream, sender)?;
    let parted = eyes.watch(&happenings);
    drop(eyes);
    curtain::lower();
    Ok(parted)
}

fn open(
    socket: &Path,
    role: Role,
    stream: Stream,
    sender: SyncSender<Happening>,
) -> Result<Eyes, AskerError> {
    let screen = Screen::new(role, look());
    let sight = sight_of(&screen);
    let errands = asker::start(socket, sight, sender.clone())?;
    curtain::raise(stream)?;
    let backend = CrosstermBackend::new(Canvas::default());
    let terminal = Terminal::new(backend).inspect_err(|_| curtain::lower())?;
    let keyboard = Keyboard::start(sender.clone()).inspect_err(|_| curtain::lower())?;
    Ok(Eyes {
        screen,
        role,
        stream,
        terminal,
        errands,
        keyboard: Some(keyboard),
        sender,
    })
}

fn sight_of(screen: &Screen) -> Sight {
    Sight {
        query: screen.query(),
        site: screen.site_wanted().map(str::to_owned),
    }
}

impl Eyes {
    fn watch(&mut self, happenings: &Receiver<Happening>) -> Parted {
        loop {
            if self.draw().is_err() {
                return Parted::NoTerminal;
            }
            let parted = match happenings.recv_timeout(VIEW_EVERY) {
                Ok(happening) => self.take(happening),
                Err(RecvTimeoutError::Timeout) => Ok(()),
                Err(RecvTimeoutError::Disconnected) => Err(Parted::CrawlEnded),
            };
            // What else has happened meanwhile goes into the same picture.
            let parted = parted.and_then(|()| {
                happenings
                    .try_iter()
                    .try_for_each(|happening| self.take(happening))
            });
            if let Err(parted) = parted {
                return parted;
            }
            for note in curtain::fresh() {
                self.screen.take_note(&note);
            }
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        self.terminal
            .draw(|frame| self.screen.draw(frame))
            .map(|_| ())
    }

    fn take(&mut self, happening: Happening) -> Result<(), Parted> {
        match happening {
            Happening::Key(key) => {
                for action in self.screen.key(key) {
                    self.act(&action)?;
                }
            }
            Happening::Resized => {}
            Happening::View(view) => self.screen.take(*view),
            Happening::Site(facts) => self.screen.take_site(*facts),
            Happening::Silent(why) => self.screen.take_silence(&why),
            Happening::Refused(why) => self.screen.take_note(&format!("orb: {why}")),
            Happening::NoKeys => return Err(Parted::NoTerminal),
            Happening::End => return Err(Parted::CrawlEnded),
            // The crawl of this process says itself when it ends.
            Happening::Gone if self.role == Role::Crawl => {}
            Happening::Gone => return Err(Parted::CrawlEnded),
        }
        Ok(())
    }

    fn act(&mut self, action: &Action) -> Result<(), Parted> {
        match action {
            Action::Ask => self.send(Errand::Look(Box::new(sight_of(&self.screen)))),
            Action::Pause => self.send(Errand::Tell(Request::Pause)),
            Action::Resume => self.send(Errand::Tell(Request::Resume)),
            Action::Stop => self.send(Errand::Tell(Request::Stop)),
            Action::Leave => return Err(Parted::Left),
            Action::Interrupt if self.role == Role::Watch => return Err(Parted::Interrupted),
            // The crawl has a thread that waits for this signal and knows what a second one means.
            Action::Interrupt => drop(kill_process(getpid(), Signal::INT)),
            Action::Suspend => return self.suspend(),
            Action::Redraw => drop(self.terminal.clear()),
        }
        Ok(())
    }

    /// A full queue means that the crawl does not answer; the errand is then as late as a key pressed again.
    fn send(&self, errand: Errand) {
        self.errands.try_send(errand).ok();
    }

    /// Gives the terminal to the shell until it is given back, if ever.
    fn suspend(&mut self) -> Result<(), Parted> {
        self.keyboard = None;
        curtain::lower();
        kill_current_process_group(Signal::TSTP).ok();
        // The signal may find another thread first; this one shall not go on before it has rested.
        thread::sleep(SUSPENDED_MIN);
        // Here it goes on after `fg`, or after `bg`, which leaves the terminal to others.
        if !in_front(self.stream) {
            return Err(Parted::NoTerminal);
        }
        let back = curtain::raise(self.stream).and_then(|()| {
            self.keyboard = Some(Keyboard::start(self.sender.clone())?);
            self.terminal.clear()
        });
        back.map_err(|_| Parted::NoTerminal)
    }
}
