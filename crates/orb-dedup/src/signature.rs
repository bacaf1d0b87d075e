//! A page's signature: a simhash of its marks and the keys under which alike pages are found.
//!
//! In: marks. Out: [`Signature`]. May touch: `simhash`. Must not touch: other pages.
//! Invariant: equal marks give equal signatures under one key; fixed size.

use crate::limits::{BANDS, BINS, BINS_PER_BAND};
use crate::simhash::Simhash;
use crate::words::mix;

/// What an index keeps and compares of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) simhash: u64,
    /// A key for each band of bins; 0 where all bins of the band are empty.
    pub(crate) bands: [u32; BANDS],
    /// Marks it was made of.
    pub(crate) count: u16,
    /// It may hold what other pages have as well, so only what is nearly equal is alike.
    pub(crate) is_doubtful: bool,
}

impl Signature {
    /// - `key`: a secret of the crawl, so that no site can craft pages that crowd one place of the index.
    /// - Cost: about 3 ns a mark.
    pub(crate) fn of(marks: impl Iterator<Item = u32>, key: u64) -> Signature {
        let mut bins = [u32::MAX; BINS];
        let mut simhash = Simhash::default();
        let mut count = 0_u16;
        for mark in marks {
            simhash.add(mix(u64::from(mark)));
            let hash = mix(u64::from(mark) ^ key);
            let bin = &mut bins[(hash >> 32) as usize % BINS];
            *bin = (*bin).min(hash as u32);
            count = count.saturating_add(1);
        }
        let mut bands = [0; BANDS];
        for (number, (band, bins)) in bands.iter_mut().zip(bins.chunks(BINS_PER_BAND)).enumerate() {
            if bins.iter().any(|&bin| bin != u32::MAX) {
                let sum = bins.iter().fold(key ^ number as u64, |sum, &bin| {
                    mix(sum
                        .wrapping_add(u64::from(bin))
                        .wrapping_mul(0x9e37_79b9_7f4a_7c15))
                });
                *band = (sum as u32).max(1);
            }
        }
        Signature {
            simhash: simhash.finish(),
            bands,
            count,
            is_doubtful: false,
        }
    }

    /// In how many bits of 64 two pages differ; none when they are not alike.
    ///
    /// A page of few marks changes many bits with one of them, and says so little that one may be what it is about: the
    /// fewer there are, the less may differ.
    pub(crate) fn distance(&self, other: &Signature) -> Option<u32> {
        let (few, many) = (self.count.min(other.count), self.count.max(other.count));
        let most = match few {
            _ if self.is_doubtful || other.is_doubtful => 2,
            0..=7 => 0,
            8..=23 => 4,
            24..=47 => 8,
            _ => 11,
        };
        let bits = (self.simhash ^ other.simhash).count_ones();
        let alike = u32::from(many) * 3 <= u32::from(few) * 4;
        (bits <= most && alike).then_some(bits)
    }
}
