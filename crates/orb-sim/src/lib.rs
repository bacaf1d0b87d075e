//! Whole crawls in virtual time, with faults, replayed from a seed.
//!
//! In: a seed. Out: a [`RunLog`]: what servers saw, what was left, and which promises were broken.
//! May touch: every crate. Must not touch: sockets, files, threads, the machine's clocks.
//! Invariant: one seed gives one log, twice (design section 3, promise 8).
//!
//! Read `run` for a scenario from its first process to its last, `scenario` for what can happen in one,
//! `checks` for what must hold afterwards.

mod checks;
mod dice;
mod disk;
mod every_write;
mod life;
mod limits;
mod net;
mod power_cuts;
mod remains;
mod run;
mod scenario;
mod server_log;
#[cfg(test)]
mod steered;
mod time;
mod tls;
mod trial;
#[cfg(test)]
mod watched;
mod wire;
mod wire_ends;
mod world;

pub use checks::{Broken, Findings};
pub use dice::{Dice, mix};
pub use every_write::{EveryWrite, try_every_write};
pub use life::LifeEnd;
pub use net::{SimNet, Weather};
pub use power_cuts::{PowerCuts, try_power_cuts};
pub use run::{LifeLog, RunLog, run_scenario};
pub use scenario::{End, LifePlan, Scale, Scenario};
pub use server_log::{Contact, Greeting, ServerLog, Visit};
pub use time::{ProcessClock, TrueTime};
pub use trial::{Tally, Trial, try_seed};
