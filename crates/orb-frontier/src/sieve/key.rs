//! What the sieve knows of a URL: its partition and fingerprint.
//!
//! In: the crawl's hashes. Out: ten bytes, or one number, that sort as the key does.
//! May touch: nothing. Must not touch: URLs.
//! Invariant: all keys of a partition are neighbours in every run.

use orb_shard::Partition;
use orb_url::Fingerprint;

/// The ten stored bytes of a key.
pub(super) type KeyBytes = [u8; 10];

/// A key as one number below 2^76: partition, then fingerprint.
pub(super) type Key = u128;

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
        bytes_of(self.number())
    }

    /// Reads [`SieveKey::to_bytes`] back; `None` when the first two bytes are no partition.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 10]) -> Option<SieveKey> {
        SieveKey::of_number(number_of(bytes))
    }

    pub(super) fn number(self) -> Key {
        first_of(self.partition) | Key::from(self.fingerprint.0)
    }

    pub(super) fn of_number(number: Key) -> Option<SieveKey> {
        Some(SieveKey {
            partition: Partition::new(u16::try_from(number >> 64).ok()?)?,
            fingerprint: Fingerprint(number as u64),
        })
    }
}

/// The least key of a partition.
pub(super) fn first_of(partition: Partition) -> Key {
    Key::from(partition.get()) << 64
}

/// The stored bytes of a number.
pub(super) fn bytes_of(number: Key) -> KeyBytes {
    let [_, _, _, _, _, _, bytes @ ..] = number.to_be_bytes();
    bytes
}

/// Reads [`bytes_of`] back.
pub(super) fn number_of(bytes: KeyBytes) -> Key {
    let mut all = [0; 16];
    all[6..].copy_from_slice(&bytes);
    Key::from_be_bytes(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_and_numbers_sort_as_keys_do(a in (0..4096_u16, any::<u64>()), b in (0..4096_u16, any::<u64>())) {
            let [a, b] = [a, b].map(|(partition, fingerprint)| SieveKey {
                partition: Partition::new(partition).unwrap(),
                fingerprint: Fingerprint(fingerprint),
            });
            prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
            prop_assert_eq!(a.cmp(&b), a.number().cmp(&b.number()));
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
