//! SIGINT and SIGTERM.
//!
//! In: signals. Out: a stop for the first, an abort for the second, an end for the third.
//! May touch: signal handlers, one thread. Must not touch: the crawl but through its [`Control`].
//! Invariant: from the moment of installing, no signal ends the process before the state is safe, but the third.

use std::io;
use std::pin::pin;
use std::thread;

use futures_util::future::select;
use orb_crawl::{Control, Wish};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Exit;
use crate::terminal::note;

/// The signals that ask a program to end. Made inside a runtime.
pub(crate) struct Ending {
    interrupt: Signal,
    terminate: Signal,
}

impl Ending {
    /// Takes the signals over from the system.
    pub(crate) fn install() -> io::Result<Ending> {
        Ok(Ending {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next of them.
    pub(crate) async fn next(&mut self) {
        select(pin!(self.interrupt.recv()), pin!(self.terminate.recv())).await;
    }
}

/// Puts the terminal back and ends the process at once.
fn leave() -> ! {
    crate::live::curtain::lower();
    std::process::exit(i32::from(Exit::Stopped.code()))
}

/// Ends a watcher at the first signal; it has nothing to make safe but the terminal.
pub(crate) fn end_watcher() -> io::Result<()> {
    let (runtime, mut ending) = listen()?;
    let follow = async move {
        ending.next().await;
        leave();
    };
    thread::Builder::new()
        .name("orb-signals".into())
        .spawn(move || runtime.block_on(follow))?;
    Ok(())
}

fn listen() -> io::Result<(Runtime, Ending)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let inside = runtime.enter();
    let ending = Ending::install()?;
    drop(inside);
    Ok((runtime, ending))
}

/// Passes signals on to a crawl, from a thread of its own that lasts as long as the process.
pub(crate) fn steer(control: Control) -> io::Result<()> {
    let (runtime, mut ending) = listen()?;
    let follow = async move {
        ending.next().await;
        note("orb: stopping: what is in flight ends and is committed; once more to end at once");
        control.ask(Wish::Stop);
        ending.next().await;
        note("orb: ending at once; what was in flight is fetched again next time");
        control.ask(Wish::Abort);
        ending.next().await;
        // The crawl does not come to rest. Its state is as safe as after a kill, which it is made for.
        leave();
    };
    thread::Builder::new()
        .name("orb-signals".into())
        .spawn(move || runtime.block_on(follow))?;
    Ok(())
}
