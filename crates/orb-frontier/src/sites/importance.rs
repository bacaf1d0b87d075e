//! How much a site matters when there are more due sites than can be visited.
//!
//! In: ranks of seeds, who links to it. Out: one byte, and the head start it gives.
//! May touch: nothing. Invariant: a head start is bounded, so waiting longer always wins in the end: no site starves.

use std::time::Duration;

/// The most that a site may matter: the first of a ranked list, or one that a million others link to.
const MOST: u8 = 20;

/// Head start of a site for each step: half a minute for the first of the web before the last.
pub(super) const STEP: Duration = Duration::from_millis(1_500);

/// A binary logarithm: of places ahead of the millionth in a ranked list of seeds, or of sites that link here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Importance(pub u8);

impl Importance {
    /// Of a site with this place in a ranked list, from 1.
    #[must_use]
    pub fn of_rank(rank: u32) -> Importance {
        Importance(MOST.saturating_sub(rank.max(1).ilog2() as u8))
    }

    /// What one linking site tells of how many there are: the keyed hash of a new one ends in more zeroes than those
    /// of n others about once in n (Flajolet and Martin). The most of all that were seen is the estimate; a site that
    /// links twice changes nothing.
    #[must_use]
    pub fn of_linking_site(site_hash: u64) -> Importance {
        Importance((site_hash.trailing_zeros() as u8).min(MOST))
    }

    /// How much earlier than others it counts as due.
    #[must_use]
    pub fn head_start(self) -> Duration {
        STEP * u32::from(self.0.min(MOST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_links_give_a_bounded_head_start() {
        assert_eq!(Importance::of_rank(1).head_start(), Duration::from_secs(30));
        assert_eq!(Importance::of_rank(2_000_000).head_start(), Duration::ZERO);
        assert!(Importance::of_rank(10) > Importance::of_rank(100));
        assert_eq!(Importance::of_rank(0), Importance::of_rank(1));
        assert_eq!(
            Importance::of_linking_site(0).head_start(),
            Duration::from_secs(30)
        );
        let seen = (1..1_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let most = seen.map(Importance::of_linking_site).max().unwrap();
        assert!(
            (8..=12).contains(&most.0),
            "a thousand linking sites: {most:?}"
        );
    }
}
