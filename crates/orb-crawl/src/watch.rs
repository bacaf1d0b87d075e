//! A second look at the pauses of sites, by what the fetcher did, not by what the gate meant.
//!
//! In: begin and end of each exchange, the settings' pause. Out: by how much one began too early.
//! May touch: its own few times. Must not touch: clocks of sites, permits; it would believe what they believe.
//! Invariant: knows nothing but ends of exchanges; bounded, and where it forgets it is silent, not wrong.

use std::time::Duration;

use orb_env::Mono;
use orb_shard::SiteKey;
use rustc_hash::FxHashMap;

use crate::limits::WATCHED_SITES_MAX;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Watch(FxHashMap<SiteKey, Mono>);

impl Watch {
    /// Takes note of an exchange with a site whose pause is at least `pause`. Returns by how much it began too early.
    pub(crate) fn note(
        &mut self,
        site: SiteKey,
        began: Mono,
        ended: Mono,
        pause: Duration,
    ) -> Option<Duration> {
        if self.0.len() >= WATCHED_SITES_MAX {
            // Those whose pause is long over have nothing to tell.
            self.0.retain(|_, end| end.plus(pause * 2) > began);
            if self.0.len() >= WATCHED_SITES_MAX {
                self.0.clear();
            }
        }
        let before = self.0.insert(site, ended)?;
        let early = before.plus(pause).since(began);
        (!early.is_zero()).then_some(early)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Mono {
        Mono(millis * 1_000)
    }

    #[test]
    fn a_request_before_the_pause_is_over_is_a_breach_and_one_after_it_is_none() {
        let mut watch = Watch::default();
        let (a, b) = (SiteKey::from_bytes([1; 8]), SiteKey::from_bytes([2; 8]));
        let second = Duration::from_secs(1);
        assert_eq!(watch.note(a, at(0), at(500), second), None);
        assert_eq!(watch.note(b, at(100), at(200), second), None);
        assert_eq!(watch.note(a, at(1_500), at(1_700), second), None);
        // Counted from the begin of the last one, it would have been late enough.
        let early = watch.note(a, at(2_600), at(2_700), second);
        assert_eq!(early, Some(Duration::from_millis(100)));
        // Two at once.
        assert!(watch.note(b, at(150), at(900), second).is_some());
    }

    #[test]
    fn it_forgets_rather_than_grows() {
        let mut watch = Watch::default();
        for n in 0..3 * WATCHED_SITES_MAX as u64 {
            let site = SiteKey::from_bytes(n.to_be_bytes());
            watch.note(site, at(n), at(n), Duration::from_secs(1));
            assert!(watch.0.len() <= WATCHED_SITES_MAX);
        }
    }
}
