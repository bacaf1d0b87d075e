//! The closed list of keyspaces.
//!
//! In: nothing. Out: their names, which are stored and never change.
//! May touch: nothing. Must not touch: the layout of rows; their owners know it.
//! Invariant: a name is used once and for ever.

use std::fmt;

/// One sorted map of a slot's store. A batch may change several at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Keyspace {
    /// Single rows about the slot itself: positions, counters, the list of live runs.
    Meta,
    /// One row per site: name, clock, places in its queue.
    Sites,
    /// One short row per site: counts and marks that stay in memory.
    Tallies,
    /// One row per origin: its `robots.txt` in force.
    Robots,
    /// URLs that wait, by site, lane and order.
    Queue,
    /// What became of each URL.
    Fates,
    /// URLs cut by budgets, restorable.
    Cold,
    /// Digests of archived payloads, for revisits.
    Payloads,
    /// What sitemaps say of when URLs changed.
    Claims,
}

impl Keyspace {
    /// Every keyspace.
    pub const ALL: [Keyspace; 9] = [
        Keyspace::Meta,
        Keyspace::Sites,
        Keyspace::Tallies,
        Keyspace::Robots,
        Keyspace::Queue,
        Keyspace::Fates,
        Keyspace::Cold,
        Keyspace::Payloads,
        Keyspace::Claims,
    ];

    /// The stored name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Keyspace::Meta => "meta",
            Keyspace::Sites => "sites",
            Keyspace::Tallies => "tallies",
            Keyspace::Robots => "robots",
            Keyspace::Queue => "queue",
            Keyspace::Fates => "fates",
            Keyspace::Cold => "cold",
            Keyspace::Payloads => "payloads",
            Keyspace::Claims => "claims",
        }
    }

    /// Place in [`Keyspace::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Keyspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyspace_has_its_own_place_and_name() {
        for (place, keyspace) in Keyspace::ALL.into_iter().enumerate() {
            assert_eq!(keyspace.index(), place);
        }
        let mut names = Keyspace::ALL.map(Keyspace::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Keyspace::ALL.len());
    }
}
