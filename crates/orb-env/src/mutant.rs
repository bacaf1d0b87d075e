//! Known mistakes that a test can plant, to show that the promise they break is really watched.
//!
//! In: which mistake. Out: whether it is planted. Without the feature `mutants` the answer is a constant
//! `false`, so the shipped program contains none of them.
//! May touch: one thread-local. Invariant: planted only on the thread that asked for it.

/// One mistake each; the name says what is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// A journal block is shown to its readers before the batch that stores its length is synced.
    JournalShownEarly,
    /// The list of live runs is switched before the new run is synced.
    RunListBeforeSync,
    /// An absorbed position moves before the outcome of every link before it is known.
    PositionMovedEarly,
    /// Opening leaves archive segments above the stored one in place.
    RotationUncut,
    /// A revisit refers to a record that was never committed.
    DanglingRevisit,
    /// A redirect hop of robots.txt goes out without a permit.
    UngatedHop,
    /// The site's delay counts from the start of an exchange instead of its end.
    DelayFromStart,
    /// After an unclean stop a site is contacted without waiting, and so is an address.
    NoWaitAfterKill,
    /// A grant for an address is used after its time has passed.
    StaleAddressTime,
    /// A crawl calls itself finished while a journal is unread.
    FinishedWithUnreadJournal,
}

impl Mutant {
    /// Every mistake.
    pub const ALL: [Mutant; 10] = [
        Mutant::JournalShownEarly,
        Mutant::RunListBeforeSync,
        Mutant::PositionMovedEarly,
        Mutant::RotationUncut,
        Mutant::DanglingRevisit,
        Mutant::UngatedHop,
        Mutant::DelayFromStart,
        Mutant::NoWaitAfterKill,
        Mutant::StaleAddressTime,
        Mutant::FinishedWithUnreadJournal,
    ];
}

#[cfg(feature = "mutants")]
mod planted {
    use super::Mutant;
    use std::cell::Cell;
    thread_local!(static PLANTED: Cell<Option<Mutant>> = const { Cell::new(None) });

    /// Plants `mutant` on this thread, or none.
    pub fn plant(mutant: Option<Mutant>) {
        PLANTED.set(mutant);
    }

    /// Whether `mutant` is planted on this thread.
    #[must_use]
    pub fn planted(mutant: Mutant) -> bool {
        PLANTED.get() == Some(mutant)
    }
}

#[cfg(not(feature = "mutants"))]
mod planted {
    use super::Mutant;

    /// Never: this build carries no mistakes to plant.
    #[must_use]
    pub const fn planted(_: Mutant) -> bool {
        false
    }
}

pub use planted::*;
