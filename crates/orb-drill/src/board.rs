//! What a running drill shows: counters that anyone may read at any time.
//!
//! In: counts from shards and the generator. Out: the same. May touch: atomics.
//! Invariant: counters only grow.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::costs::Costs;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Board {
    /// Of each shard, as of its last group.
    costs: Vec<Mutex<Costs>>,
    /// Shards that have links still to come.
    fed: AtomicUsize,
    admitted: AtomicU64,
    absorbed: AtomicU64,
    done: AtomicU64,
    popped: AtomicU64,
    /// Nanoseconds of the generator's thread.
    generator_cpu: AtomicU64,
    generator_bytes: AtomicU64,
    ends: AtomicBool,
}

/// Counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) admitted: u64,
    pub(crate) absorbed: u64,
    pub(crate) done: u64,
    pub(crate) popped: u64,
}

impl Board {
    pub(crate) fn new(shards: usize) -> Board {
        Board {
            costs: std::iter::repeat_with(Mutex::default)
                .take(shards)
                .collect(),
            fed: AtomicUsize::new(shards),
            ..Board::default()
        }
    }

    /// Shows what a shard's work cost so far. Cost: a copy of some forty kilobytes.
    pub(crate) fn show(&self, shard: usize, costs: &Costs) {
        let mut shown = self.costs[shard]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        shown.clone_from(costs);
    }

    /// What the work of all shards cost so far.
    pub(crate) fn costs(&self) -> Costs {
        let mut all = Costs::default();
        for costs in &self.costs {
            all.merge(&costs.lock().unwrap_or_else(PoisonError::into_inner));
        }
        all
    }

    /// A shard gets no more links.
    pub(crate) fn links_ended(&self) {
        self.fed.fetch_sub(1, Relaxed);
    }

    /// Whether only requests are left to make.
    pub(crate) fn is_draining(&self) -> bool {
        self.fed.load(Relaxed) == 0
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            admitted: self.admitted.load(Relaxed),
            absorbed: self.absorbed.load(Relaxed),
            done: self.done.load(Relaxed),
            popped: self.popped.load(Relaxed),
        }
    }

    pub(crate) fn admitted(&self, urls: u64) {
        self.admitted.fetch_add(urls, Relaxed);
    }

    pub(crate) fn absorbed(&self, links: u64) {
        self.absorbed.fetch_add(links, Relaxed);
    }

    pub(crate) fn settled(&self, is_final: bool) {
        self.done.fetch_add(u64::from(is_final), Relaxed);
    }

    pub(crate) fn popped(&self) {
        self.popped.fetch_add(1, Relaxed);
    }

    pub(crate) fn generated(&self, cpu: Duration, bytes: u64) {
        self.generator_cpu.store(cpu.as_nanos() as u64, Relaxed);
        self.generator_bytes.store(bytes, Relaxed);
    }

    /// CPU time of the thread that makes the links up, and its memory.
    pub(crate) fn generator(&self) -> (Duration, u64) {
        let cpu = Duration::from_nanos(self.generator_cpu.load(Relaxed));
        (cpu, self.generator_bytes.load(Relaxed))
    }

    pub(crate) fn end(&self) {
        self.ends.store(true, Relaxed);
    }

    pub(crate) fn is_asked_to_end(&self) -> bool {
        self.ends.load(Relaxed)
    }
}
