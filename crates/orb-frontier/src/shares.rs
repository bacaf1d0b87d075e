//! What part of the memory each part of a slot gets.
//!
//! In: the memory of a whole crawl, the number of its slots. Out: bytes for each. May touch: nothing.
//! Invariant: all slots together take two thirds and no more, but where the least that a part needs is more than that.

use orb_api::ByteSize;

use crate::limits::{GROUP_BYTES_LEAST, GROUP_BYTES_MAX};

/// Memory of one slot, in bytes. Whoever opens slots divides it the same way: a crawl, and what measures one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryShares {
    /// Write buffers and block cache of the store: a quarter for all slots.
    pub store: u64,
    /// The table of sites: a quarter.
    pub sites: u64,
    /// The sieve: a twelfth.
    pub sieve: u64,
    /// Size at which a group is committed, 1 to 32 MiB. Where the disk is slow each slot has two of them, one being built
    /// and one being written, so a twelfth is for twice the slots.
    pub group: usize,
}

impl MemoryShares {
    /// The shares of each of `slots` slots.
    #[must_use]
    pub fn of(memory_max: ByteSize, slots: u8) -> MemoryShares {
        let slots = u64::from(slots.max(1));
        let memory = memory_max.bytes();
        let group = usize::try_from(memory / 12 / 2 / slots).unwrap_or(usize::MAX);
        MemoryShares {
            store: memory / 4 / slots,
            sites: memory / 4 / slots,
            sieve: memory / 12 / slots,
            group: group.clamp(GROUP_BYTES_LEAST, GROUP_BYTES_MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_slots_together_take_two_thirds_of_the_memory() {
        for (mib, slots, group) in [
            (64, 4, 1 << 20),
            (512, 4, 5_592_405),
            (2_048, 4, 22_369_621),
            (65_536, 32, GROUP_BYTES_MAX),
        ] {
            let shares = MemoryShares::of(ByteSize::mib(mib), slots);
            assert_eq!(shares.group, group, "{mib} MiB, {slots} slots");
            let groups = 2 * shares.group as u64;
            let all = u64::from(slots) * (shares.store + shares.sites + shares.sieve + groups);
            let least = shares.group == GROUP_BYTES_LEAST;
            assert!(
                all <= ByteSize::mib(mib).bytes() / 3 * 2 || least,
                "{mib} MiB"
            );
        }
    }
}
