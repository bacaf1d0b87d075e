//! The outside world as arguments: time, randomness, network, disk and helper threads.
//!
//! In: nothing; programs construct the real ones, simulation its own.
//! Out: the traits [`Clock`], [`Entropy`], [`Net`], [`Disk`], [`Work`], and both kinds of implementation.
//! May touch: the operating system. This is the only crate that reads a clock, sleeps, or opens a socket or file.
//! Must not touch: anything of the crawl; it knows no URL.
//! Invariant: with the simulated kinds, one seed gives one sequence of events.

mod clock;
mod disk;
mod entropy;
mod limits;
mod memory_disk;
pub mod mutant;
mod net;
mod real_disk;
mod threads;
mod time;
mod work;

pub use clock::{BootClock, Clock, Sleep, VirtualClock, timeout_at};
pub use disk::{AppendFile, DirEntry, Disk, FileLock, ReadFile, Room};
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
pub use memory_disk::{DiskFaults, MemoryDisk};
pub use net::{BoxStream, KernelNet, LocalFuture, Net, Stream};
pub use real_disk::KernelDisk;
pub use threads::{ThreadUse, thread_cpu, threads};
pub use time::{BootId, Mono, Stamp, Wall};
pub use work::{HelperThreads, Job, Lane, VirtualWork, Work, WorkLost, run_on};

use std::sync::Arc;

/// Everything of the outside world that one shard is given.
///
/// Cloning clones handles. `net` may only be used on the thread of the shard's runtime.
#[derive(Clone)]
pub struct Env {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Sockets.
    pub net: Arc<dyn Net>,
    /// Files.
    pub disk: Arc<dyn Disk>,
    /// Threads for blocking work.
    pub work: Arc<dyn Work>,
}
