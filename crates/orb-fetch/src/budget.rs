//! Buffer memory of a shard's exchanges: who may hold how many bytes, oldest first.
//!
//! In: exchanges that begin, grow and end. Out: leave to grow, at once or later.
//! May touch: nothing. Must not touch: buffers, time.
//! Invariant: grants never exceed the maximum, and the oldest exchange can always grow to the largest size
//! one exchange can need, so it finishes and the others follow.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::limits::ADMIT_BYTES;

/// One shard's buffer memory.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Rc<RefCell<Ledger>>);

#[derive(Debug)]
struct Ledger {
    bytes_max: u64,
    /// Kept back for the oldest exchange.
    reserve: u64,
    used: u64,
    next: u64,
    /// Bytes granted by exchange; numbers are ages.
    granted: BTreeMap<u64, u64>,
    /// What exchanges wait for.
    waiting: BTreeMap<u64, (u64, Waker)>,
}

/// One exchange's share; given back on drop.
#[derive(Debug)]
pub(crate) struct Lease {
    budget: Budget,
    exchange: u64,
}

impl Budget {
    /// `bytes_max` for all, of which `exchange_bytes_max` is kept back for the oldest.
    pub(crate) fn new(bytes_max: u64, exchange_bytes_max: u64) -> Budget {
        Budget(Rc::new(RefCell::new(Ledger {
            bytes_max,
            reserve: exchange_bytes_max.min(bytes_max),
            used: 0,
            next: 0,
            granted: BTreeMap::new(),
            waiting: BTreeMap::new(),
        })))
    }

    /// Admits a new exchange with its first bytes, when there is room and nobody older waits.
    pub(crate) async fn admit(&self) -> Lease {
        let exchange = {
            let mut ledger = self.0.borrow_mut();
            ledger.next += 1;
            let exchange = ledger.next;
            ledger.granted.insert(exchange, 0);
            exchange
        };
        let lease = Lease {
            budget: self.clone(),
            exchange,
        };
        lease.grow_to(ADMIT_BYTES).await;
        lease
    }

    /// Bytes granted now.
    pub(crate) fn used(&self) -> u64 {
        self.0.borrow().used
    }
}

impl Ledger {
    fn try_grant(&mut self, exchange: u64, bytes: u64) -> bool {
        let has = self.granted.get(&exchange).copied().unwrap_or(0);
        if bytes <= has {
            return true;
        }
        let is_oldest = self
            .granted
            .first_key_value()
            .is_some_and(|(&first, _)| first == exchange);
        let max = if is_oldest {
            self.bytes_max
        } else {
            self.bytes_max - self.reserve
        };
        let older_waits = self
            .waiting
            .first_key_value()
            .is_some_and(|(&first, _)| first < exchange);
        if older_waits || self.used + (bytes - has) > max {
            return false;
        }
        self.used += bytes - has;
        self.granted.insert(exchange, bytes);
        true
    }

    /// Grants what can be granted, oldest first; nobody overtakes.
    fn serve(&mut self) {
        while let Some((&exchange, &(bytes, _))) = self.waiting.first_key_value() {
            if !self.try_grant(exchange, bytes) {
                return;
            }
            if let Some((_, waker)) = self.waiting.remove(&exchange) {
                waker.wake();
            }
        }
    }
}

impl Lease {
    /// Whether the share could be raised to `bytes` at once.
    pub(crate) fn try_grow_to(&self, bytes: u64) -> bool {
        self.budget.0.borrow_mut().try_grant(self.exchange, bytes)
    }

    /// Raises the share to `bytes`, at most what one exchange can need, and waits until that is granted.
    pub(crate) fn grow_to(&self, bytes: u64) -> Growing<'_> {
        Growing { lease: self, bytes }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut ledger = self.budget.0.borrow_mut();
        ledger.waiting.remove(&self.exchange);
        ledger.used -= ledger.granted.remove(&self.exchange).unwrap_or(0);
        ledger.serve();
    }
}

/// A wait for memory.
pub(crate) struct Growing<'a> {
    lease: &'a Lease,
    bytes: u64,
}

impl Future for Growing<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut ledger = self.lease.budget.0.borrow_mut();
        if ledger.try_grant(self.lease.exchange, self.bytes) {
            ledger.waiting.remove(&self.lease.exchange);
            return Poll::Ready(());
        }
        ledger
            .waiting
            .insert(self.lease.exchange, (self.bytes, cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Growing<'_> {
    fn drop(&mut self) {
        let mut ledger = self.lease.budget.0.borrow_mut();
        if ledger.waiting.remove(&self.lease.exchange).is_some() {
            ledger.serve();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    /// So that an admission is 256 of them.
    const PART: u64 = ADMIT_BYTES / 256;

    fn admitted(budget: &Budget) -> Option<Lease> {
        budget.admit().now_or_never()
    }

    #[test]
    fn admission_stops_at_the_reserve_and_goes_on_when_one_ends() {
        let budget = Budget::new(2048 * PART, 1024 * PART);
        let mut leases: Vec<Lease> = std::iter::from_fn(|| admitted(&budget)).take(100).collect();
        assert_eq!(leases.len(), 4);
        assert_eq!(budget.used(), 1024 * PART);
        leases.pop();
        assert!(admitted(&budget).is_some());
        drop(leases);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn the_oldest_always_grows_to_the_largest_exchange() {
        let budget = Budget::new(2048 * PART, 1024 * PART);
        let mut leases: Vec<Lease> = std::iter::from_fn(|| admitted(&budget)).take(4).collect();
        assert!(!leases[1].try_grow_to(257 * PART));
        while !leases.is_empty() {
            assert!(leases[0].try_grow_to(1024 * PART));
            assert!(budget.used() <= 2048 * PART);
            leases.remove(0);
        }
    }

    #[test]
    fn growth_is_granted_oldest_first_and_nobody_overtakes() {
        let budget = Budget::new(2048 * PART, 1024 * PART);
        let mut leases: Vec<Lease> = std::iter::from_fn(|| admitted(&budget)).take(4).collect();
        let (third, second) = (leases.remove(2), leases.remove(1));
        let mut big = Box::pin(second.grow_to(600 * PART));
        let mut small = Box::pin(third.grow_to(257 * PART));
        assert!(small.as_mut().now_or_never().is_none());
        assert!(big.as_mut().now_or_never().is_none());
        leases.pop();
        assert!(!third.try_grow_to(257 * PART), "an older one waits");
        leases.pop();
        assert!(big.as_mut().now_or_never().is_some());
        drop(big);
        drop(second);
        assert!(small.as_mut().now_or_never().is_some());
    }

    #[test]
    fn a_wait_that_is_given_up_does_not_hold_up_the_others() {
        let budget = Budget::new(2048 * PART, 1024 * PART);
        let leases: Vec<Lease> = std::iter::from_fn(|| admitted(&budget)).take(3).collect();
        let mut big = Box::pin(leases[1].grow_to(1024 * PART));
        assert!(big.as_mut().now_or_never().is_none());
        assert!(!leases[2].try_grow_to(300 * PART));
        drop(big);
        assert!(leases[2].try_grow_to(300 * PART));
    }
}
