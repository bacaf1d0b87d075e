//! When the results of helper jobs are taken: as they come, or at times that do not depend on the machine.
//!
//! In: jobs. Out: their results. May touch: the lanes. Must not touch: slots.
//! Invariant: at a pace of its own a shard takes the same results at the same virtual times in every run, however
//! long the jobs took.

use std::collections::VecDeque;
use std::time::Duration;

use orb_env::Mono;

use crate::lanes::{Lane, Lanes, Took};
use crate::slot::Done;

/// Virtual time that a read takes at a pace of its own.
const READ_TAKES: Duration = Duration::from_millis(10);

/// Virtual time that a commit or a merge takes then.
const COMMIT_TAKES: Duration = Duration::from_millis(50);

type Result = ((usize, Done), Took);

/// See the module.
pub(crate) struct Helping {
    lanes: Lanes<(usize, Done)>,
    paced: bool,
    /// When the jobs of each lane are over, oldest first.
    over: [VecDeque<Mono>; 2],
    /// Results of each lane that came before their time.
    early: [VecDeque<Result>; 2],
}

impl Helping {
    /// Takes results as they come.
    pub(crate) fn as_it_comes(lanes: Lanes<(usize, Done)>) -> Helping {
        Helping {
            lanes,
            paced: false,
            over: Default::default(),
            early: Default::default(),
        }
    }

    /// Takes results at fixed spans after their jobs were given.
    pub(crate) fn paced(lanes: Lanes<(usize, Done)>) -> Helping {
        Helping {
            paced: true,
            ..Helping::as_it_comes(lanes)
        }
    }

    /// Whether results are taken at fixed spans.
    pub(crate) fn is_paced(&self) -> bool {
        self.paced
    }

    /// Gives a job.
    pub(crate) fn give(
        &mut self,
        lane: Lane,
        now: Mono,
        job: impl FnOnce() -> (usize, Done) + Send + 'static,
    ) {
        if self.paced {
            let over = &mut self.over[lane as usize];
            let takes = match lane {
                Lane::Read => READ_TAKES,
                Lane::Commit => COMMIT_TAKES,
            };
            over.push_back(now.plus(takes));
        }
        self.lanes.give(lane, job);
    }

    /// Jobs whose results were not taken.
    pub(crate) fn outstanding(&self) -> usize {
        self.lanes.outstanding() + self.early.iter().map(VecDeque::len).sum::<usize>()
    }

    /// When the next result is to be taken; at no time in particular where results are taken as they come.
    pub(crate) fn next_time(&self) -> Mono {
        let fronts = self.over.iter().filter_map(|over| over.front().copied());
        fronts.min().unwrap_or(Mono::NEVER)
    }

    /// The next result that is there, or due at `now`.
    pub(crate) fn take(&mut self, now: Mono) -> Option<Result> {
        if !self.paced {
            return self.lanes.take();
        }
        for lane in [Lane::Commit as usize, Lane::Read as usize] {
            if self.over[lane].front().is_some_and(|over| *over <= now) {
                self.over[lane].pop_front();
                return self.of_lane(lane);
            }
        }
        None
    }

    /// Waits for any result, where they are taken as they come.
    pub(crate) fn wait(&mut self) -> Option<Result> {
        if self.paced { None } else { self.lanes.wait() }
    }

    fn of_lane(&mut self, lane: usize) -> Option<Result> {
        loop {
            if let Some(result) = self.early[lane].pop_front() {
                return Some(result);
            }
            let result = self.lanes.wait()?;
            let from = match &result.0.1 {
                Done::Loaded(..) | Done::Drained(_) => Lane::Read,
                Done::Merged(_) | Done::Committed(_) => Lane::Commit,
            };
            self.early[from as usize].push_back(result);
        }
    }
}
