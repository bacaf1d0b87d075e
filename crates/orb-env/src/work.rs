//! Helper threads for blocking work: commits on one lane, reads on another, what takes seconds on the third.
//!
//! In: jobs. Out: a future that ends when the job has run.
//! May touch: threads. Must not touch: what a job does.
//! Invariant: jobs of one lane run one after another in the order they were submitted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::limits::HELPER_QUEUE_JOBS_MAX;
use crate::{Clock, Entropy, LocalFuture};

/// Which helper does the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Writes and syncs.
    Commit,
    /// Reads for sites that are due soon.
    Read,
    /// Long work that nobody waits for.
    Slow,
}

/// Blocking work.
pub type Job = Box<dyn FnOnce() + Send>;

/// The helper is gone or the job panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("helper job did not finish")]
pub struct WorkLost;

/// Runs blocking jobs off the shard's thread.
///
/// A job submitted is run even when its future is dropped. A job that panics yields [`WorkLost`] and the
/// lane goes on.
pub trait Work: Send + Sync {
    /// Submits `job` to `lane`.
    fn submit(&self, lane: Lane, job: Job) -> LocalFuture<'static, Result<(), WorkLost>>;
}

/// Submits `job` and hands back what it returned.
///
/// # Errors
/// [`WorkLost`] when the helper is gone or the job panicked.
pub fn run_on<T: Send + 'static>(
    work: &dyn Work,
    lane: Lane,
    job: impl FnOnce() -> T + Send + 'static,
) -> LocalFuture<'static, Result<T, WorkLost>> {
    let (tx, rx) = oneshot::channel();
    let done = work.submit(
        lane,
        Box::new(move || {
            // A receiver that went away no longer wants the result.
            drop(tx.send(job()));
        }),
    );
    Box::pin(async move {
        done.await?;
        rx.await.map_err(|_| WorkLost)
    })
}

type Order = (Job, oneshot::Sender<Result<(), WorkLost>>);

/// Three real threads.
pub struct HelperThreads {
    commit: SyncSender<Order>,
    read: SyncSender<Order>,
    slow: SyncSender<Order>,
}

impl HelperThreads {
    /// Starts the three threads of shard `shard`; they end when this is dropped.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn start(shard: u16) -> std::io::Result<HelperThreads> {
        let lane = |name: &str| {
            let (tx, rx) = sync_channel::<Order>(HELPER_QUEUE_JOBS_MAX);
            thread::Builder::new()
                .name(format!("orb-{name}-{shard}"))
                .spawn(move || {
                    while let Ok((job, done)) = rx.recv() {
                        let result = catch_unwind(AssertUnwindSafe(job)).map_err(|_| WorkLost);
                        done.send(result).ok(); // nobody waits for a job whose future was dropped
                    }
                })?;
            Ok::<_, std::io::Error>(tx)
        };
        Ok(HelperThreads {
            commit: lane("commit")?,
            read: lane("read")?,
            slow: lane("slow")?,
        })
    }
}

impl Work for HelperThreads {
    fn submit(&self, lane: Lane, job: Job) -> LocalFuture<'static, Result<(), WorkLost>> {
        let sender = match lane {
            Lane::Commit => &self.commit,
            Lane::Read => &self.read,
            Lane::Slow => &self.slow,
        };
        let (tx, rx) = oneshot::channel();
        // The queue is deeper than a shard's outstanding jobs, so this never blocks in practice; when it
        // does, the disk is the bottleneck and waiting here is the back-pressure.
        let sent = sender.send((job, tx)).is_ok();
        Box::pin(async move {
            if sent {
                rx.await.unwrap_or(Err(WorkLost))
            } else {
                Err(WorkLost)
            }
        })
    }
}

/// Virtual helpers: the job runs on the shard's own thread after a seeded delay.
pub struct VirtualWork {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    delay_max: Duration,
    commit: Arc<tokio::sync::Mutex<()>>,
    read: Arc<tokio::sync::Mutex<()>>,
    slow: Arc<tokio::sync::Mutex<()>>,
}

impl VirtualWork {
    /// Jobs take up to `delay_max` of virtual time.
    #[must_use]
    pub fn new(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        delay_max: Duration,
    ) -> VirtualWork {
        VirtualWork {
            clock,
            entropy,
            delay_max,
            commit: Arc::default(),
            read: Arc::default(),
            slow: Arc::default(),
        }
    }
}

impl Work for VirtualWork {
    fn submit(&self, lane: Lane, job: Job) -> LocalFuture<'static, Result<(), WorkLost>> {
        let micros = self.entropy.below(self.delay_max.as_micros() as u64 + 1);
        let clock = Arc::clone(&self.clock);
        let turn = Arc::clone(match lane {
            Lane::Commit => &self.commit,
            Lane::Read => &self.read,
            Lane::Slow => &self.slow,
        });
        // The place in the queue is taken now, not at the first poll.
        let mut place = Box::pin(turn.lock_owned());
        let early = futures_util::FutureExt::now_or_never(place.as_mut());
        Box::pin(async move {
            let _turn = match early {
                Some(turn) => turn,
                None => place.await,
            };
            clock
                .sleep_until(clock.mono().plus(Duration::from_micros(micros)))
                .await;
            catch_unwind(AssertUnwindSafe(job)).map_err(|_| WorkLost)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SeededEntropy, Stamp, VirtualClock};
    use std::sync::Mutex;

    #[tokio::test(start_paused = true)]
    async fn jobs_of_one_lane_run_in_order_whatever_their_delays() {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(Stamp::default()));
        let entropy = Arc::new(SeededEntropy::new(3));
        let work = VirtualWork::new(clock, entropy, Duration::from_millis(50));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut jobs: Vec<_> = (0..20)
            .map(|i| {
                let seen = Arc::clone(&seen);
                run_on(&work, Lane::Commit, move || seen.lock().unwrap().push(i))
            })
            .collect();
        jobs.reverse(); // polled in the opposite order
        futures_util::future::join_all(jobs).await;
        assert_eq!(*seen.lock().unwrap(), (0..20).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_panicking_job_is_lost_and_the_lane_goes_on() {
        let work = HelperThreads::start(0).unwrap();
        assert_eq!(
            run_on(&work, Lane::Read, || -> u8 { panic!("planted") }).await,
            Err(WorkLost)
        );
        assert_eq!(run_on(&work, Lane::Read, || 5).await, Ok(5));
    }
}
