//! Work under way between who reads the archive, who reads pages and who writes lines.
//!
//! In: work in its order, and how many bytes each piece holds. Out: the work to whoever is free, results in the order
//! of their work.
//! May touch: nothing else. Must not touch: what work and results are.
//! Invariant: all pieces together hold at most so many bytes; the oldest has room kept for it, so it never waits, and
//! everything comes to its turn.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// See the module. `W` is work, `R` what comes of it.
#[derive(Debug)]
pub(crate) struct InFlight<W, R> {
    state: Mutex<State<W, R>>,
    changed: Condvar,
    waiting_max: usize,
    /// Bytes of all but the oldest.
    bytes_max: usize,
}

#[derive(Debug)]
struct State<W, R> {
    waiting: VecDeque<(u64, W)>,
    done: BTreeMap<u64, R>,
    /// Bytes held by each piece that is under way.
    held: BTreeMap<u64, usize>,
    held_in_all: usize,
    held_peak: usize,
    /// Number of the next piece that comes in, and of the next result that goes out.
    next_in: u64,
    next_out: u64,
    is_all: bool,
    given_up: bool,
}

impl<W, R> InFlight<W, R> {
    /// - `bytes_max`: of everything; `one_bytes_max` of it are kept for the oldest piece, which holds no more than that.
    pub(crate) fn new(waiting_max: usize, bytes_max: usize, one_bytes_max: usize) -> Self {
        InFlight {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                done: BTreeMap::new(),
                held: BTreeMap::new(),
                held_in_all: 0,
                held_peak: 0,
                next_in: 0,
                next_out: 0,
                is_all: false,
                given_up: false,
            }),
            changed: Condvar::new(),
            waiting_max: waiting_max.max(1),
            bytes_max: bytes_max.saturating_sub(one_bytes_max),
        }
    }

    /// Hands in work that holds `bytes`, once there is room. Breaks when nobody works any more.
    pub(crate) fn push(&self, work: W, bytes: usize) -> ControlFlow<()> {
        let mut state = self.lock();
        let number = state.next_in;
        while !state.given_up
            && (state.waiting.len() >= self.waiting_max || !state.has_room(number, bytes, self))
        {
            state = self.wait(state);
        }
        if state.given_up {
            return ControlFlow::Break(());
        }
        state.next_in += 1;
        state.hold(number, bytes);
        state.waiting.push_back((number, work));
        self.changed.notify_all();
        ControlFlow::Continue(())
    }

    /// No more work comes.
    pub(crate) fn is_all(&self) {
        self.lock().is_all = true;
        self.changed.notify_all();
    }

    /// Ends everybody's work.
    pub(crate) fn give_up(&self) {
        self.lock().given_up = true;
        self.changed.notify_all();
    }

    /// The next piece of work, once there is one; `None` when there will be none.
    pub(crate) fn work(&self) -> Option<(u64, W)> {
        let mut state = self.lock();
        loop {
            if state.given_up {
                return None;
            }
            if let Some(next) = state.waiting.pop_front() {
                self.changed.notify_all();
                return Some(next);
            }
            if state.is_all {
                return None;
            }
            state = self.wait(state);
        }
    }

    /// Piece `number` holds `bytes` from now on; waits for the room if that is more than before.
    pub(crate) fn hold(&self, number: u64, bytes: usize) {
        let mut state = self.lock();
        while !state.given_up && !state.has_room(number, bytes, self) {
            state = self.wait(state);
        }
        state.hold(number, bytes);
        self.changed.notify_all();
    }

    /// Hands in the result of piece `number`, which holds `bytes`.
    pub(crate) fn finish(&self, number: u64, result: R, bytes: usize) {
        self.hold(number, bytes);
        self.lock().done.insert(number, result);
        self.changed.notify_all();
    }

    /// Hands each result to `take` in the order of the work, until all work is done, everybody gave up, or `take` fails,
    /// which ends everybody's work.
    pub(crate) fn drain<E>(&self, mut take: impl FnMut(R) -> Result<(), E>) -> Result<(), E> {
        loop {
            let mut state = self.lock();
            let result = loop {
                let next = state.next_out;
                if let Some(result) = state.done.remove(&next) {
                    break result;
                }
                if state.given_up || (state.is_all && next == state.next_in) {
                    return Ok(());
                }
                state = self.wait(state);
            };
            drop(state);
            if let Err(error) = take(result) {
                self.give_up();
                return Err(error);
            }
            let mut state = self.lock();
            let number = state.next_out;
            state.hold(number, 0);
            state.next_out += 1;
            self.changed.notify_all();
        }
    }

    /// Ends everybody's work if the thread that holds it panics: nobody waits for who is gone.
    pub(crate) fn end_on_panic(&self) -> EndOnPanic<'_, W, R> {
        EndOnPanic(self)
    }

    /// The most bytes ever held.
    #[cfg(test)]
    pub(crate) fn held_peak(&self) -> usize {
        self.lock().held_peak
    }

    fn lock(&self) -> MutexGuard<'_, State<W, R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&self, state: MutexGuard<'g, State<W, R>>) -> MutexGuard<'g, State<W, R>> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W, R> State<W, R> {
    fn has_room(&self, number: u64, bytes: usize, limits: &InFlight<W, R>) -> bool {
        let own = self.held.get(&number).copied().unwrap_or(0);
        // The oldest's room is its own, whatever it holds of it.
        let oldest = self.held.get(&self.next_out).copied().unwrap_or(0);
        number == self.next_out
            || bytes <= own
            || self.held_in_all - oldest - own + bytes <= limits.bytes_max
    }

    fn hold(&mut self, number: u64, bytes: usize) {
        let before = match bytes {
            0 => self.held.remove(&number),
            bytes => self.held.insert(number, bytes),
        };
        self.held_in_all = self.held_in_all - before.unwrap_or(0) + bytes;
        self.held_peak = self.held_peak.max(self.held_in_all);
    }
}

/// See [`InFlight::end_on_panic`].
pub(crate) struct EndOnPanic<'a, W, R>(&'a InFlight<W, R>);

impl<W, R> Drop for EndOnPanic<'_, W, R> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.give_up();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// Pieces of the given sizes, each growing to twice its size before its result, through `threads`: the results as
    /// they came out, and the most bytes held.
    fn run(sizes: &[usize], threads: usize, bytes_max: usize, one: usize) -> (Vec<usize>, usize) {
        let flow = InFlight::new(4, bytes_max, one);
        let mut out = Vec::new();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some((number, size)) = flow.work() {
                        flow.hold(number, 2 * size);
                        flow.finish(number, size, size / 2);
                    }
                });
            }
            scope.spawn(|| {
                for &size in sizes {
                    assert!(flow.push(size, size).is_continue());
                }
                flow.is_all();
            });
            flow.drain(|size| {
                out.push(size);
                Ok::<(), ()>(())
            })
            .unwrap();
        });
        (out, flow.held_peak())
    }

    #[test]
    fn results_leave_in_the_order_of_the_work_and_bytes_are_bounded() {
        let sizes: Vec<usize> = (0..500).map(|number| number * 7919 % 100).collect();
        for threads in [1, 2, 7] {
            let (out, peak) = run(&sizes, threads, 500, 200);
            assert_eq!(out, sizes);
            assert!(peak <= 500, "{peak}");
        }
    }

    /// A piece that fills all the room, and pieces for which there is never room beside another, come to their turn.
    #[test]
    fn pieces_of_any_size_come_to_their_turn() {
        let sizes = [10, 100, 90, 100, 1, 100, 100, 3];
        for threads in [1, 2, 7] {
            let (out, peak) = run(&sizes, threads, 201, 200);
            assert_eq!(out, sizes);
            assert!(peak <= 201, "{peak}");
        }
    }

    /// Room that others have is not taken, however long the oldest needs.
    #[test]
    fn only_the_oldest_may_use_the_room_kept_for_it() {
        let flow: InFlight<(), ()> = InFlight::new(9, 100, 60);
        for bytes in [60, 20, 20] {
            assert!(flow.push((), bytes).is_continue());
        }
        let state = flow.lock();
        assert!(state.has_room(0, 60, &flow) && state.has_room(1, 20, &flow));
        assert!(!state.has_room(1, 21, &flow) && !state.has_room(3, 1, &flow));
    }

    #[test]
    fn a_failure_ends_everybody() {
        let flow = InFlight::new(1, 100, 50);
        thread::scope(|scope| {
            scope.spawn(|| {
                while let Some((number, work)) = flow.work() {
                    flow.finish(number, work, 1);
                }
            });
            scope.spawn(|| while flow.push((), 1).is_continue() {});
            assert_eq!(flow.drain(|()| Err("full")), Err("full"));
        });
    }
}
