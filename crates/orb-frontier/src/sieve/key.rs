//! What the sieve knows of a URL: its partition and fingerprint.
//!
//! In: the crawl's hashes. Out: ten bytes that sort as the key does.
//! May touch: nothing. Must not touch: URLs.
//! Invariant: all keys of a partition are neighbours in every run.

use orb_shard::Partition;
use orb_url::Fingerprint;

/// The ten stored bytes of a key.
pub(super) type KeyBytes = [u8; 10];

/// A URL as the sieve sees it: 12 bits of partition, 64 bits of fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SieveKey {
    /// Of the URL's site.
    pub partition: Partition,
    /// Of the URL, under the crawl's key.
    pub fingerprint: Fingerprint,
}

impl SieveKey {
    /// Partition, then fingerprint, big-endian: bytes sort as keys do.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&self.partition.get().to_be_bytes());
        bytes[2..].copy_from_slice(&self.fingerprint.0.to_be_bytes());
        bytes
    }

    /// Reads [`SieveKey::to_bytes`] back; `None` when the first two bytes are no partition.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 10]) -> Option<SieveKey> {
        let [p0, p1, fingerprint @ ..] = bytes;
        Some(SieveKey {
            partition: Partition::new(u16::from_be_bytes([p0, p1]))?,
            fingerprint: Fingerprint(u64::from_be_bytes(fingerprint)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_sort_as_keys_do(a in (0..4096_u16, any::<u64>()), b in (0..4096_u16, any::<u64>())) {
            let [a, b] = [a, b].map(|(partition, fingerprint)| SieveKey {
                partition: Partition::new(partition).unwrap(),
                fingerprint: Fingerprint(fingerprint),
            });
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
            prop_assert_eq!(SieveKey::from_bytes(a.to_bytes()), Some(a));
        }
    }

    #[test]
    fn bytes_beyond_the_last_partition_are_no_key() {
        assert_eq!(
            SieveKey::from_bytes([0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            None
        );
    }
}
