//! The wall time that retries are due by: as it would be now had nobody set the clock since the process began.
//!
//! In: stamps. Out: wall times that grow exactly with monotonic time. May touch: nothing.
//! Invariant: within one process a step of the wall clock, however large, makes nothing due and keeps nothing waiting.
//! Records and attempt rows tell the real wall time all the same. Due times in queue rows are steady ones: the next
//! process takes them as real, so a step made while this one ran shifts them once.

use orb_env::{Stamp, Wall};

/// Where the two clocks stood once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steady(Stamp);

impl Steady {
    /// Counts from `now`.
    pub(crate) fn from(now: Stamp) -> Steady {
        Steady(now)
    }

    /// The instant `now` with its steady wall time.
    pub(crate) fn stamp(&self, now: Stamp) -> Stamp {
        Stamp {
            wall: self.0.wall.plus(now.mono.since(self.0.mono)),
            ..now
        }
    }

    /// `due`, a time by the wall clock that says `now`, in steady time.
    pub(crate) fn of(&self, due: Wall, now: Stamp) -> Wall {
        let set_by = now.wall.0.saturating_sub(self.stamp(now).wall.0);
        Wall(due.0.saturating_sub(set_by))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::Mono;

    #[test]
    fn r6_a_step_of_the_clock_moves_no_due_time() {
        let at = |mono: u64, wall: i64| Stamp {
            mono: Mono(mono),
            wall: Wall(wall),
            ..Stamp::default()
        };
        let steady = Steady::from(at(1_000, 500_000));
        for step in [0, 1, -1, 86_400_000_000, -31_536_000_000_000] {
            let now = at(1_700, 500_700 + step);
            assert_eq!(steady.stamp(now), at(1_700, 500_700));
            assert_eq!(steady.of(Wall(now.wall.0 + 30), now), Wall(500_730));
        }
    }
}
