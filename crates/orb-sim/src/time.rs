//! The one true time of a simulated world, and the clocks that processes read.
//!
//! In: the paused runtime's time, seeded stalls. Out: [`TrueTime`], [`ProcessClock`].
//! May touch: `orb-env`'s virtual clock. Must not touch: anything of the crawl.
//! Invariant: true time never goes back; every process's monotonic clock runs at its pace, from a start of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use orb_env::{BootId, Clock, Mono, Sleep, Stamp, VirtualClock, Wall};

use crate::dice::Dice;

/// Microseconds since the world began, the same for servers and every process.
#[derive(Debug)]
pub struct TrueTime {
    timers: VirtualClock,
    /// Time that passed while a process stood still: the runtime's timers do not know of it.
    stalled: AtomicU64,
}

impl TrueTime {
    /// Time zero. Must be made inside the paused runtime.
    #[must_use]
    pub fn new() -> Arc<TrueTime> {
        Arc::new(TrueTime {
            timers: VirtualClock::new(Stamp::default()),
            stalled: AtomicU64::new(0),
        })
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.timers.mono().0 + self.stalled.load(Ordering::Relaxed)
    }

    /// Waits until true time `at`.
    pub fn sleep_until(self: &Arc<Self>, at: u64) -> Sleep {
        let time = Arc::clone(self);
        Box::pin(async move {
            // A stall on the way makes the wait later, never earlier, as it does on a real machine.
            while time.now() < at {
                let ahead = time.stalled.load(Ordering::Relaxed);
                time.timers
                    .sleep_until(Mono(at.saturating_sub(ahead)))
                    .await;
            }
        })
    }
}

/// Now and then the whole process stands still: another process had the core, or the machine was suspended.
#[derive(Debug)]
pub(crate) struct Stalls {
    dice: Dice,
    /// Of a thousand readings of all clocks together, how many come after a stall.
    per_mille: u64,
    left: AtomicU64,
    longest: Duration,
}

impl Stalls {
    pub(crate) fn new(seed: u64, per_mille: u64, count: u64, longest: Duration) -> Stalls {
        Stalls {
            dice: Dice::new(seed, "stalls"),
            per_mille,
            left: AtomicU64::new(count),
            longest,
        }
    }

    fn next(&self) -> u64 {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 || self.per_mille == 0 || self.dice.pick(0..1_000) >= self.per_mille {
            return 0;
        }
        self.left.store(left - 1, Ordering::Relaxed);
        self.dice
            .pick(1_000..self.longest.as_micros() as u64 + 1_001)
    }
}

/// The clocks of one process (or of a server, which never stalls).
#[derive(Debug)]
pub struct ProcessClock {
    time: Arc<TrueTime>,
    boot: BootId,
    /// Monotonic time at true time zero; wraps, so that it may be before zero.
    mono_at_zero: u64,
    wall_at_zero: AtomicI64,
    stalls: Option<Stalls>,
}

impl ProcessClock {
    /// A process that reads `stamp` now.
    pub(crate) fn new(time: Arc<TrueTime>, stamp: Stamp, stalls: Option<Stalls>) -> ProcessClock {
        let now = time.now();
        ProcessClock {
            boot: stamp.boot,
            mono_at_zero: stamp.mono.0.wrapping_sub(now),
            wall_at_zero: AtomicI64::new(stamp.wall.0 - now as i64),
            stalls,
            time,
        }
    }

    /// A server's clock: true time.
    pub(crate) fn of_server(time: Arc<TrueTime>) -> ProcessClock {
        ProcessClock {
            boot: BootId::default(),
            mono_at_zero: 0,
            wall_at_zero: AtomicI64::new(0),
            stalls: None,
            time,
        }
    }

    /// Makes the wall clock jump, as an NTP step would.
    pub(crate) fn jump_wall(&self, micros: i64) {
        self.wall_at_zero.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Clock for ProcessClock {
    fn mono(&self) -> Mono {
        Mono(self.time.now().wrapping_add(self.mono_at_zero))
    }

    fn wall(&self) -> Wall {
        Wall(self.wall_at_zero.load(Ordering::Relaxed) + self.time.now() as i64)
    }

    fn boot(&self) -> BootId {
        self.boot
    }

    fn sleep_until(&self, at: Mono) -> Sleep {
        let far = self.time.now() + 100 * 365 * 86_400 * 1_000_000;
        let left = at.since(self.mono()).as_micros() as u64;
        self.time.sleep_until((self.time.now() + left).min(far))
    }

    // A stall comes before a reading of all clocks: whoever reads them is about to judge by them.
    fn stamp(&self) -> Stamp {
        if let Some(stalls) = &self.stalls {
            self.time
                .stalled
                .fetch_add(stalls.next(), Ordering::Relaxed);
        }
        Stamp {
            boot: self.boot(),
            mono: self.mono(),
            wall: self.wall(),
        }
    }
}
