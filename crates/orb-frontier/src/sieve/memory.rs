//! How much memory a sieve may take.
//!
//! In: a size. Out: its parts. May touch: nothing. Must not touch: settings files.
//! Invariant: buffers, gathering and merging, stay within the size together, above a floor.

use super::limits::OFFERS_MAX;

/// Memory of one slot's sieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SieveMemory {
    /// Keys that wait or are being merged, 16 bytes each. A merge is due at seven eighths of them.
    pub keys_max: usize,
    /// Bytes of found URLs held in memory; those beyond gather in a file.
    pub spill_bytes: usize,
    /// Keys remembered because they came lately, 10 bytes each: most links of a site point at the same few pages.
    pub recent_keys: usize,
}

/// Bytes of a key that waits.
pub(super) const OFFER_BYTES: usize = 16;
const RECENT_BYTES: usize = 10;
const KEYS_LEAST: usize = 4 << 10;
const SPILL_LEAST: usize = 128 << 10;
const SPILL_MOST: usize = 16 << 20;
const RECENT_LEAST: usize = 4 << 10;
const RECENT_MOST: usize = 1 << 16;

impl SieveMemory {
    /// Divides `bytes`: a sixteenth to recent keys (2/3 MiB at most), two eighths to found URLs (two of 16 MiB at
    /// most), the rest to keys. A sieve with less than about half a megabyte takes that
    /// nevertheless. Indexes of runs are beside it: 12 bytes for each thousand keys.
    #[must_use]
    pub fn of(bytes: u64) -> SieveMemory {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        let recent_keys = (bytes / 16 / RECENT_BYTES).clamp(RECENT_LEAST, RECENT_MOST);
        let spill_bytes = (bytes / 8).clamp(SPILL_LEAST, SPILL_MOST);
        let rest = bytes.saturating_sub(recent_keys * RECENT_BYTES + 2 * spill_bytes);
        SieveMemory {
            keys_max: (rest / OFFER_BYTES).clamp(KEYS_LEAST, OFFERS_MAX),
            spill_bytes,
            recent_keys,
        }
    }
}

impl Default for SieveMemory {
    /// Of 32 MiB.
    fn default() -> Self {
        SieveMemory::of(32 << 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_stay_within_the_size() {
        for bytes in [1 << 20, 5 << 20, 64 << 20, 1 << 30, 8 << 30] {
            let memory = SieveMemory::of(bytes);
            let taken = memory.keys_max * OFFER_BYTES
                + 2 * memory.spill_bytes
                + memory.recent_keys * RECENT_BYTES;
            assert!(
                taken as u64 <= bytes && taken as u64 > bytes / 10 * 9,
                "{bytes}: {memory:?}"
            );
        }
        assert_eq!(SieveMemory::of(0).keys_max, KEYS_LEAST);
        assert_eq!(SieveMemory::of(u64::MAX).keys_max, OFFERS_MAX);
    }
}
