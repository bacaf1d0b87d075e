//! Ctrl-C during a bench.
//!
//! In: SIGINT, SIGTERM. Out: a flag. May touch: signal handlers, one thread.
//! Invariant: after the first signal the bench ends its children, shows what it has, and removes its folder; a second
//! one ends the process at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::exit::Exit;
use crate::signals::Ending;
use crate::terminal::note;

/// Whether somebody asked for the end.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes the signals over, for as long as the process lasts.
    pub(crate) fn install() -> io::Result<Interrupt> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut ending = {
            let _inside = runtime.enter();
            Ending::install()?
        };
        let asked = Interrupt(Arc::default());
        let flag = Arc::clone(&asked.0);
        let follow = async move {
            ending.next().await;
            note("orb: ending; what was measured so far follows");
            flag.store(true, Ordering::Relaxed);
            ending.next().await;
            std::process::exit(i32::from(Exit::Stopped.code()));
        };
        thread::Builder::new()
            .name("orb-signals".into())
            .spawn(move || runtime.block_on(follow))?;
        Ok(asked)
    }

    /// Whether the end was asked for.
    pub(crate) fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
