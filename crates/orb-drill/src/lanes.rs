//! Helper lanes: a thread for commits and merges, one for reads; or none, and jobs run where they are given.
//!
//! In: jobs. Out: what they returned, with the CPU and wall time they took.
//! May touch: threads. Must not touch: what a job does.
//! Invariant: jobs of one lane run one after another in the order they were given; nobody waits for room in a queue.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use orb_env::{BootClock, Clock, Mono, thread_cpu};

/// Jobs handed to a lane's thread ahead of the one it runs.
const AHEAD: usize = 32;

/// Which lane does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Writes and syncs.
    Commit = 0,
    /// Reads.
    Read = 1,
}

/// What some work took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    /// Time on a core, of the thread that did it.
    pub(crate) cpu: Duration,
    /// Time on the wall.
    pub(crate) wall: Duration,
}

/// Measures work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(BootClock);

impl Stopwatch {
    pub(crate) fn new() -> Stopwatch {
        Stopwatch(BootClock::new())
    }

    pub(crate) fn now(self) -> Mono {
        self.0.mono()
    }

    /// Runs `work` on this thread and measures it.
    pub(crate) fn of<T>(self, work: impl FnOnce() -> T) -> (T, Took) {
        let (cpu, wall) = (thread_cpu(), self.now());
        let value = work();
        let took = Took {
            cpu: thread_cpu().saturating_sub(cpu),
            wall: self.now().since(wall),
        };
        (value, took)
    }
}

type Job<T> = Box<dyn FnOnce() -> T + Send>;

/// Two lanes, and what came out of them.
pub(crate) struct Lanes<T> {
    threads: Option<[SyncSender<Job<T>>; 2]>,
    /// Given, and no room in the thread's queue yet.
    given: [VecDeque<Job<T>>; 2],
    done: Receiver<(T, Took)>,
    /// Done on the spot.
    at_once: VecDeque<(T, Took)>,
    watch: Stopwatch,
    outstanding: usize,
}

impl<T: Send + 'static> Lanes<T> {
    /// Lanes of shard `shard`; without `threads` each job runs when it is given.
    pub(crate) fn new(shard: usize, threads: bool) -> io::Result<Lanes<T>> {
        let watch = Stopwatch::new();
        // Room for everything that both threads may have in hand, so that they never wait for us.
        let (tell, done) = sync_channel(4 * (AHEAD + 2));
        let start = |name: &str| {
            let (give, jobs) = sync_channel::<Job<T>>(AHEAD);
            let tell = tell.clone();
            let work = move || {
                while let Ok(job) = jobs.recv() {
                    if tell.send(watch.of(job)).is_err() {
                        return;
                    }
                }
            };
            thread::Builder::new()
                .name(format!("orb-{name}-{shard}"))
                .spawn(work)?;
            Ok::<_, io::Error>(give)
        };
        Ok(Lanes {
            threads: if threads {
                Some([start("commit")?, start("read")?])
            } else {
                None
            },
            given: Default::default(),
            done,
            at_once: VecDeque::new(),
            watch,
            outstanding: 0,
        })
    }

    /// Gives a job.
    pub(crate) fn give(&mut self, lane: Lane, job: impl FnOnce() -> T + Send + 'static) {
        self.outstanding += 1;
        if self.threads.is_some() {
            self.given[lane as usize].push_back(Box::new(job));
            self.hand_over();
        } else {
            self.at_once.push_back(self.watch.of(job));
        }
    }

    fn hand_over(&mut self) {
        let Some(threads) = &self.threads else { return };
        for (thread, given) in threads.iter().zip(&mut self.given) {
            while let Some(job) = given.pop_front() {
                match thread.try_send(job) {
                    Ok(()) => {}
                    Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => {
                        given.push_front(job);
                        break;
                    }
                }
            }
        }
    }

    /// Jobs whose results were not taken yet.
    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// The next result that is there.
    pub(crate) fn take(&mut self) -> Option<(T, Took)> {
        self.hand_over();
        let result = self
            .at_once
            .pop_front()
            .or_else(|| self.done.try_recv().ok());
        self.outstanding -= usize::from(result.is_some());
        result
    }

    /// The next result, waiting for it; `None` when nothing is under way, or it is lost because its job panicked.
    pub(crate) fn wait(&mut self) -> Option<(T, Took)> {
        if self.outstanding == 0 {
            return None;
        }
        if let Some(result) = self.take() {
            return Some(result);
        }
        // A lane that died says nothing any more; nothing here takes a minute.
        let result = self.done.recv_timeout(LOST_AFTER).ok();
        self.outstanding -= usize::from(result.is_some());
        result
    }
}

/// A job that has not come back after this is lost: the longest, a merge of a billion keys, takes minutes.
const LOST_AFTER: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_however_many_are_given() {
        for threads in [false, true] {
            let mut lanes: Lanes<usize> = Lanes::new(0, threads).unwrap();
            let many = 10 * AHEAD;
            (0..many).for_each(|n| lanes.give(Lane::Read, move || n));
            assert_eq!(lanes.outstanding(), many);
            let all: Vec<usize> = std::iter::from_fn(|| lanes.wait())
                .map(|(n, _)| n)
                .collect();
            assert_eq!(all, (0..many).collect::<Vec<_>>());
            assert_eq!(lanes.outstanding(), 0);
            assert!(lanes.take().is_none());
        }
    }
}
