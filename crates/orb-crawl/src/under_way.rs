//! Requests under way: how many, and how many of them are slow.
//!
//! In: beginnings and ends. Out: whether another may begin. May touch: nothing.
//! Invariant: a request is quick until it has been under way for [`SLOW_AFTER`], and slow from then on; slow ones have
//! places of their own, so that servers that never finish do not take those of servers that do.

use std::collections::BTreeMap;

use orb_env::Mono;

use crate::limits::SLOW_AFTER;

/// The number of a request under way, in the order in which they began; the default is none's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestNumber(u64);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    begun: BTreeMap<RequestNumber, Mono>,
    last: RequestNumber,
    /// Those before this number are slow.
    slow_to: RequestNumber,
    slow: u32,
}

impl UnderWay {
    /// A request begins.
    pub(crate) fn begin(&mut self, now: Mono) -> RequestNumber {
        self.last.0 += 1;
        let number = self.last;
        self.begun.insert(number, now);
        number
    }

    /// One ended.
    pub(crate) fn end(&mut self, number: RequestNumber) {
        if self.begun.remove(&number).is_some() && number < self.slow_to {
            self.slow -= 1;
        }
    }

    /// Counts those that have become slow. Cost: as many steps as did.
    pub(crate) fn look(&mut self, now: Mono) {
        for (&number, &begun) in self.begun.range(self.slow_to..) {
            if begun.plus(SLOW_AFTER) > now {
                break;
            }
            self.slow += 1;
            self.slow_to = RequestNumber(number.0 + 1);
        }
    }

    pub(crate) fn all(&self) -> u32 {
        u32::try_from(self.begun.len()).unwrap_or(u32::MAX)
    }

    /// Places taken of those for quick requests: slow ones take them when there are more than have places of their own.
    pub(crate) fn quick_places(&self, slow_max: u32) -> u32 {
        self.all() - self.slow.min(slow_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn slow_requests_have_places_of_their_own_as_far_as_these_go() {
        let mut under_way = UnderWay::default();
        let slow: Vec<_> = (0..5).map(|_| under_way.begin(Mono(0))).collect();
        let late = Mono(0).plus(SLOW_AFTER);
        under_way.look(late.minus(Duration::from_millis(1)));
        assert_eq!((under_way.all(), under_way.quick_places(3)), (5, 5));
        let quick = under_way.begin(late);
        under_way.look(late);
        assert_eq!((under_way.all(), under_way.quick_places(3)), (6, 3));
        assert_eq!(under_way.quick_places(100), 1);
        under_way.end(quick);
        assert_eq!(under_way.quick_places(100), 0);
        for (number, left) in slow.into_iter().zip([4, 3, 2, 1, 0]) {
            under_way.end(number);
            under_way.end(number);
            assert_eq!(under_way.all(), left, "an end counts once");
        }
        assert_eq!(under_way.quick_places(0), 0);
    }
}
