//! The live view in a terminal: raised, fed from the control socket, put away whatever happens.
//!
//! In: a crawl's socket, keys. Out: the picture of `orb-screen`; requests of the person at the keys.
//! May touch: the terminal, the socket, threads of its own. Must not touch: what is shown; `orb-screen` decides.
//! Invariant: at most one view is up in a process, and every way out lowers it before anything else is printed.

mod asker;
pub(crate) mod curtain;
mod eyes;
mod keyboard;
mod surroundings;

pub(crate) use asker::AskerError;
pub(crate) use eyes::{LiveView, Parted, show};
pub(crate) use surroundings::{Wanted, variable};
