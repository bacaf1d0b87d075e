//! The frontier at work without a web: generated links in, pretended fetches out, on real stores and the real disk.
//!
//! In: a size, a folder. Out: what the frontier costs, whether it keeps its promises when it is killed, and how fast
//! it is let be by politeness alone.
//! May touch: the folder, threads, the process's own accounts. Must not touch: sockets, the archive, the terminal.
//! Invariant: the frontier is driven by the same calls in the same order as in a crawl.
//!
//! Start reading at [`run`], then `shard.rs`.

mod account;
mod board;
mod costs;
mod drill;
mod error;
mod flight;
mod helping;
mod histogram;
mod hour;
pub mod kills;
mod lanes;
mod names;
mod plan;
mod recovery;
mod shard;
mod slot;
mod stream;
mod zipf;

pub use account::Account;
pub use costs::Costs;
pub use drill::{DiskUse, DrillSettings, Findings, Mark, Told, run};
pub use error::DrillError;
pub use histogram::Histogram;
pub use hour::{HourFindings, HourSettings, HourTold, hour};
pub use recovery::{Recovery, reopen};
pub use stream::StreamSize;
