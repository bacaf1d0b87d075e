//! Clocks: what time it is, and waiting for a time.
//!
//! In: nothing. Out: [`Mono`], [`Wall`], sleeps.
//! May touch: the operating system's clocks and the runtime's timer; only here are they allowed.
//! Invariant: `mono` never goes back; a sleep never ends before its instant.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::{BootId, Mono, Stamp, Wall};

/// A wait that ends at an instant.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The time, and waiting for it.
///
/// `mono` is not decreasing across threads. `wall` may jump. `sleep_until` may only be polled inside the
/// runtime it was made in, ends at or after its instant, and at once when that has passed.
pub trait Clock: Send + Sync {
    /// Monotonic time, suspend included.
    fn mono(&self) -> Mono;
    /// Wall time.
    fn wall(&self) -> Wall;
    /// The boot that `mono` counts from.
    fn boot(&self) -> BootId;
    /// Waits until `at`.
    fn sleep_until(&self, at: Mono) -> Sleep;
    /// All three readings together.
    fn stamp(&self) -> Stamp {
        Stamp {
            boot: self.boot(),
            mono: self.mono(),
            wall: self.wall(),
        }
    }
}

/// Runs `work` until `at`; `None` when the time came first. The work is dropped then.
pub async fn timeout_at<F: Future>(clock: &dyn Clock, at: Mono, work: F) -> Option<F::Output> {
    let work = std::pin::pin!(work);
    let sleep = clock.sleep_until(at);
    match futures_util::future::select(work, sleep).await {
        futures_util::future::Either::Left((output, _)) => Some(output),
        futures_util::future::Either::Right(_) => None,
    }
}

/// The machine's clocks: `CLOCK_BOOTTIME` and `CLOCK_REALTIME`.
#[derive(Clone, Copy, Debug)]
pub struct BootClock {
    boot: BootId,
}

impl BootClock {
    /// Reads the boot id once. Where the kernel tells none, each process counts as a boot of its own, so
    /// stored times wait their whole remainder: slower, never impolite.
    #[must_use]
    pub fn new() -> BootClock {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map_or_else(
            |_| {
                BootId(
                    (u128::from(std::process::id()) << 64 | u128::from(read_boottime()))
                        .to_be_bytes(),
                )
            },
            BootId::from,
        );
        BootClock { boot }
    }
}

impl Default for BootClock {
    fn default() -> Self {
        Self::new()
    }
}

fn read_boottime() -> u64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    u64::try_from(t.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(t.tv_nsec).unwrap_or(0) / 1_000
}

impl Clock for BootClock {
    fn mono(&self) -> Mono {
        Mono(read_boottime())
    }

    fn wall(&self) -> Wall {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        Wall(t.tv_sec * 1_000_000 + t.tv_nsec / 1_000)
    }

    fn boot(&self) -> BootId {
        self.boot
    }

    // The runtime's timer runs on CLOCK_MONOTONIC, which may be late after a suspend but never early by
    // more than its rounding; the loop makes that exact.
    fn sleep_until(&self, at: Mono) -> Sleep {
        let clock = *self;
        Box::pin(async move {
            loop {
                let left = at.since(clock.mono());
                if left.is_zero() {
                    return;
                }
                #[allow(clippy::disallowed_methods)]
                // the one place that waits on the runtime's timer
                tokio::time::sleep(left.min(Duration::from_secs(3600))).await;
            }
        })
    }
}

/// Virtual time on a paused runtime: it stands still while anything can run and jumps to the next timer.
///
/// Must be made and used inside a `current_thread` runtime built with `start_paused(true)`.
pub struct VirtualClock {
    origin: tokio::time::Instant,
    start: Mono,
    wall_start: i64,
    wall_jump: AtomicI64,
    boot: BootId,
}

impl VirtualClock {
    /// A clock that reads `start` and `wall` now.
    #[must_use]
    pub fn new(start: Stamp) -> VirtualClock {
        #[allow(clippy::disallowed_methods)] // virtual time is read off the paused runtime
        let origin = tokio::time::Instant::now();
        VirtualClock {
            origin,
            start: start.mono,
            wall_start: start.wall.0,
            wall_jump: AtomicI64::new(0),
            boot: start.boot,
        }
    }

    /// Makes the wall clock jump by `micros`, as an NTP step would; monotonic time does not notice.
    pub fn jump_wall(&self, micros: i64) {
        self.wall_jump.fetch_add(micros, Ordering::Relaxed);
    }

    fn elapsed(&self) -> Duration {
        #[allow(clippy::disallowed_methods)] // virtual time is read off the paused runtime
        tokio::time::Instant::now().duration_since(self.origin)
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VirtualClock({:?})", self.mono())
    }
}

impl Clock for VirtualClock {
    fn mono(&self) -> Mono {
        self.start.plus(self.elapsed())
    }

    fn wall(&self) -> Wall {
        let jump = self.wall_jump.load(Ordering::Relaxed);
        Wall(self.wall_start.saturating_add(jump)).plus(self.elapsed())
    }

    fn boot(&self) -> BootId {
        self.boot
    }

    fn sleep_until(&self, at: Mono) -> Sleep {
        let instant = self.origin
            + at.since(self.start)
                .min(Duration::from_secs(100 * 365 * 86_400));
        Box::pin(tokio::time::sleep_until(instant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn virtual_time_passes_only_by_waiting() {
        let clock = VirtualClock::new(Stamp {
            mono: Mono(5),
            ..Stamp::default()
        });
        assert_eq!(clock.mono(), Mono(5));
        clock.sleep_until(Mono(3_600_000_005)).await;
        assert!(clock.mono() >= Mono(3_600_000_005));
        let before = clock.mono();
        clock.jump_wall(-86_400_000_000);
        assert_eq!(clock.mono(), before);
        assert!(clock.wall() < Wall(0));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_outlasts_its_time_is_dropped() {
        let clock = VirtualClock::new(Stamp::default());
        let never = std::future::pending::<()>();
        assert_eq!(timeout_at(&clock, Mono(1_000), never).await, None);
        assert_eq!(timeout_at(&clock, Mono(9_000), async { 7 }).await, Some(7));
    }

    #[test]
    fn the_machine_has_a_boot_and_its_time_moves_forward() {
        let clock = BootClock::new();
        assert_ne!(clock.boot(), BootId::default());
        let first = clock.mono();
        assert!(clock.mono() >= first);
    }
}
