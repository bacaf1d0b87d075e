//! The cache of recent links before the journal.
//!
//! In: fingerprints and the group they were found in. Out: whether a link may be dropped.
//! May touch: memory. Invariant: a link is dropped only if the same one is in this group or in a durable one.

use orb_url::Fingerprint;

use crate::limits::RECENT_LINKS;

/// Direct-mapped, two words an entry.
pub(crate) struct RecentLinks {
    entries: Vec<(u64, u64)>,
}

impl RecentLinks {
    pub(crate) fn new() -> RecentLinks {
        RecentLinks {
            entries: vec![(0, 0); RECENT_LINKS],
        }
    }

    /// Whether the link was written to the journal before: in `group` itself, or in one that is durable.
    /// If not, it is remembered for `group`.
    pub(crate) fn seen(&mut self, fingerprint: Fingerprint, group: u64, durable: u64) -> bool {
        let entry = &mut self.entries[fingerprint.0 as usize & (RECENT_LINKS - 1)];
        if entry.0 == fingerprint.0 && entry.1 != 0 && (entry.1 == group || entry.1 <= durable) {
            return true;
        }
        *entry = (fingerprint.0, group);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_suppresses_in_its_group_and_once_that_is_durable() {
        let mut recent = RecentLinks::new();
        let link = Fingerprint(7);
        assert!(!recent.seen(link, 5, 3));
        assert!(recent.seen(link, 5, 3), "same group");
        assert!(!recent.seen(link, 6, 4), "group 5 is not durable yet");
        assert!(
            recent.seen(link, 7, 6),
            "the group it was written to again is"
        );
    }
}
