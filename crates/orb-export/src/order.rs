//! Results put back into the order of their work.
//!
//! In: numbered results in any order. Out: the same from zero on, none left out. May touch: nothing.
//! Invariant: what waits here is at most what is under way.

use std::collections::BTreeMap;

/// Holds back what came too early.
#[derive(Debug)]
pub(crate) struct InOrder<T> {
    next: u64,
    early: BTreeMap<u64, T>,
}

impl<T> InOrder<T> {
    pub(crate) fn new() -> InOrder<T> {
        InOrder {
            next: 0,
            early: BTreeMap::new(),
        }
    }

    /// Takes a result; gives those whose turn it is now.
    pub(crate) fn take(&mut self, number: u64, result: T) -> Vec<T> {
        self.early.insert(number, result);
        let mut ready = Vec::new();
        while let Some(result) = self.early.remove(&self.next) {
            self.next += 1;
            ready.push(result);
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_leave_in_the_order_of_their_numbers() {
        let mut order = InOrder::new();
        assert!(order.take(1, 'b').is_empty());
        assert!(order.take(2, 'c').is_empty());
        assert_eq!(order.take(0, 'a'), ['a', 'b', 'c']);
        assert_eq!(order.take(3, 'd'), ['d']);
    }
}
