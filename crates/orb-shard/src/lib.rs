//! Which slot owns a site: from site to partition to slot to shard.
//!
//! In: a crawl's key, a site, the number of slots fixed when the crawl's folder was made.
//! Out: the partition that stored keys begin with, and who owns it.
//! May touch: `orb-url`. Must not touch: state; every answer is arithmetic.
//! Invariant: a site's partition depends on the key and the site alone, and a slot's partitions
//! are one contiguous range, so partitions move between folders by range copy.

pub mod limits;

use std::fmt;
use std::ops::RangeInclusive;

use orb_url::{CrawlKey, CrawlUrl, Site};

pub use limits::PARTITIONS;
use limits::{SLOTS_MAX, SLOTS_MIN};

/// Bits of a partition: 2^12 = [`PARTITIONS`].
const PARTITION_BITS: u32 = PARTITIONS.trailing_zeros();

/// One of [`PARTITIONS`] shares of all sites, `0..=4095`. Prints as three hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize)]
#[serde(transparent)]
pub struct Partition(u16);

impl Partition {
    /// `None` from [`PARTITIONS`] on.
    pub const fn new(number: u16) -> Option<Partition> {
        if number < PARTITIONS {
            Some(Partition(number))
        } else {
            None
        }
    }

    /// The number, below [`PARTITIONS`].
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The partition of a site: the leading 12 bits of its keyed hash. Cost: O(bytes of `site`).
    pub fn of_site(key: &CrawlKey, site: &Site) -> Partition {
        Partition::of_site_hash(key.site_hash(site))
    }

    /// The same for a hash that [`CrawlKey::site_hash`] gave.
    pub const fn of_site_hash(site_hash: u64) -> Partition {
        Partition((site_hash >> (u64::BITS - PARTITION_BITS)) as u16)
    }
}

/// What stored keys call a site: the keyed hash of its name, whose leading 12 bits are its partition. Eight bytes
/// whatever the length of the name, so a waiting site costs the same memory as any other.
///
/// Two sites of one crawl share a key with a chance of one in 370,000 at ten million sites; the key of the crawl is
/// secret, so nobody can make two that do. They would share one clock and one queue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SiteKey(u64);

impl SiteKey {
    /// The key of a site. Cost: O(bytes of `site`).
    pub fn of(key: &CrawlKey, site: &Site) -> SiteKey {
        SiteKey(key.site_hash(site))
    }

    /// The key of the site that `url` belongs to. Cost: O(bytes of the host).
    pub fn of_url(key: &CrawlKey, url: &CrawlUrl) -> SiteKey {
        SiteKey(key.site_hash_of(url))
    }

    /// The partition that owns it.
    pub const fn partition(self) -> Partition {
        Partition::of_site_hash(self.0)
    }

    /// The 64 bits.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Big-endian: bytes sort as keys do, and all sites of a partition are neighbours.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// Reads [`SiteKey::to_bytes`] back.
    pub const fn from_bytes(bytes: [u8; 8]) -> SiteKey {
        SiteKey(u64::from_be_bytes(bytes))
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03x}", self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Partition {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = <u16 as serde::Deserialize>::deserialize(deserializer)?;
        Partition::new(number)
            .ok_or_else(|| serde::de::Error::custom("a partition is a number from 0 to 4095"))
    }
}

/// The number of a slot, from 0. Prints as two digits, the form that file names use.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct SlotId(pub u8);

impl From<SlotId> for u8 {
    fn from(slot: SlotId) -> u8 {
        slot.0
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

/// A number of slots that no crawl can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{slots} slots asked for; choose 4, 8, 16, 32 or 64")]
pub struct SlotCountError {
    /// What was asked for.
    pub slots: u8,
}

/// How the partitions of one crawl lie on its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotMap {
    slot_bits: u32,
}

impl SlotMap {
    /// A map of `slots` slots: a power of two from 4 to 64.
    pub const fn new(slots: u8) -> Result<SlotMap, SlotCountError> {
        if !slots.is_power_of_two() || slots < SLOTS_MIN || slots > SLOTS_MAX {
            return Err(SlotCountError { slots });
        }
        Ok(SlotMap {
            slot_bits: slots.trailing_zeros(),
        })
    }

    /// The map that a new crawl gets on a machine with `cores` cores: the next power of two,
    /// within the limits.
    pub fn for_cores(cores: usize) -> SlotMap {
        let wanted = cores.clamp(usize::from(SLOTS_MIN), usize::from(SLOTS_MAX));
        SlotMap {
            slot_bits: wanted.next_power_of_two().trailing_zeros(),
        }
    }

    /// The number of slots.
    pub const fn slots(&self) -> u8 {
        1 << self.slot_bits
    }

    /// All slots in order.
    pub fn slot_ids(&self) -> impl ExactSizeIterator<Item = SlotId> + use<> {
        (0..self.slots()).map(SlotId)
    }

    /// The partition of a site; the same for every map. Cost: O(bytes of `site`).
    pub fn partition_of(&self, key: &CrawlKey, site: &Site) -> Partition {
        Partition::of_site(key, site)
    }

    /// The slot that owns a partition: its leading bits.
    pub const fn slot_of(&self, partition: Partition) -> SlotId {
        SlotId((partition.0 >> (PARTITION_BITS - self.slot_bits)) as u8)
    }

    /// The slot that owns a site. Cost: O(bytes of `site`).
    pub fn slot_of_site(&self, key: &CrawlKey, site: &Site) -> SlotId {
        self.slot_of(self.partition_of(key, site))
    }

    /// The slot that owns a URL's site. Cost: O(bytes of the host).
    pub fn slot_of_url(&self, key: &CrawlKey, url: &CrawlUrl) -> SlotId {
        self.slot_of(Partition::of_site_hash(key.site_hash_of(url)))
    }

    /// The partitions of a slot, as numbers. `slot` must be one of this map's.
    pub fn partitions_of(&self, slot: SlotId) -> RangeInclusive<u16> {
        debug_assert!(slot.0 < self.slots(), "slot {slot} of {}", self.slots());
        let width = PARTITIONS >> self.slot_bits;
        let first = u16::from(slot.0) * width;
        first..=first + (width - 1)
    }

    /// The shard that runs a slot when there are `shards` of them (0 counts as 1): dealt out in
    /// turn, so no shard has more than one slot above another.
    pub fn shard_of(&self, slot: SlotId, shards: u16) -> u16 {
        u16::from(slot.0) % shards.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    const COUNTING: CrawlKey =
        CrawlKey::new([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

    fn map(slots: u8) -> SlotMap {
        SlotMap::new(slots).expect("the test's number of slots is valid")
    }

    /// Stored keys begin with these; the hashes they lead come from a separate implementation.
    #[test]
    fn partitions_and_slots_never_change() {
        let check = |host: &str, zero: u16, counting: u16, slots: [u8; 3]| {
            let site = Site::of_host(host);
            for count in [4, 16, 64] {
                let zero_partition = map(count).partition_of(&CrawlKey::ZERO, &site);
                assert_eq!(zero_partition.get(), zero, "{host}");
                let other = map(count).partition_of(&COUNTING, &site);
                assert_eq!(other.get(), counting, "{host}");
            }
            let found = [4, 16, 64].map(|count| map(count).slot_of_site(&CrawlKey::ZERO, &site).0);
            assert_eq!(found, slots, "{host}");
        };
        check("example.com", 0x55b, 0x1a9, [1, 5, 21]);
        check("a.github.io", 0xcbb, 0x811, [3, 12, 50]);
        check("127.0.0.1", 0xf61, 0x285, [3, 15, 61]);
        check("[::1]", 0x338, 0x6b6, [0, 3, 12]);
        check("co.uk", 0xee7, 0x4b1, [3, 14, 59]);
        check("xn--bcher-kva.example", 0x234, 0xabd, [0, 2, 8]);
    }

    #[test]
    fn every_url_of_a_site_has_one_owner() {
        let slot = |text: &str| {
            let url = CrawlUrl::parse(text).expect("the test's URL is valid");
            map(64).slot_of_url(&CrawlKey::ZERO, &url)
        };
        assert_eq!(slot("https://example.com/"), SlotId(21));
        assert_eq!(slot("http://a.b.example.com:8080/c?d"), SlotId(21));
    }

    #[test]
    fn slots_are_a_power_of_two_from_4_to_64() {
        for slots in 0..=u8::MAX {
            let is_allowed = [4, 8, 16, 32, 64].contains(&slots);
            let made = SlotMap::new(slots).map(|map| map.slots());
            let want = if is_allowed {
                Ok(slots)
            } else {
                Err(SlotCountError { slots })
            };
            assert_eq!(made, want);
        }
        let message = SlotCountError { slots: 5 }.to_string();
        assert_eq!(message, "5 slots asked for; choose 4, 8, 16, 32 or 64");
    }

    #[test]
    fn a_new_crawl_has_a_slot_for_each_core() {
        let check = |cores, slots| assert_eq!(SlotMap::for_cores(cores), map(slots), "{cores}");
        check(0, 4);
        check(4, 4);
        check(5, 8);
        check(33, 64);
        check(usize::MAX, 64);
    }

    /// Each partition lies in the range of its slot and in no other.
    #[test]
    fn slots_divide_the_partitions() {
        for slots in [4, 8, 16, 32, 64] {
            let map = map(slots);
            let all: Vec<u16> = map
                .slot_ids()
                .flat_map(|slot| map.partitions_of(slot))
                .collect();
            assert_eq!(all, (0..PARTITIONS).collect::<Vec<_>>());
            for slot in map.slot_ids() {
                for number in map.partitions_of(slot) {
                    let partition = Partition::new(number).expect("in range");
                    assert_eq!(map.slot_of(partition), slot);
                }
            }
        }
        assert_eq!(map(4).partitions_of(SlotId(3)), 3_072..=4_095);
    }

    #[test]
    fn shards_share_the_slots_evenly() {
        for shards in 1..=70_u16 {
            let map = map(64);
            let mut held = vec![0; usize::from(shards)];
            for slot in map.slot_ids() {
                held[usize::from(map.shard_of(slot, shards))] += 1;
            }
            let spread = held.iter().max().zip(held.iter().min());
            assert!(
                spread.is_some_and(|(most, least)| most - least <= 1),
                "{shards}: {held:?}"
            );
        }
        assert_eq!(map(4).shard_of(SlotId(3), 0), 0);
    }

    #[test]
    fn numbers_have_a_form_for_people_and_files() {
        assert_eq!(SlotId(3).to_string(), "03");
        assert_eq!(SlotId(63).to_string(), "63");
        let last = Partition::new(PARTITIONS - 1).expect("the last one");
        assert_eq!(last.to_string(), "fff");
        assert_eq!(Partition::new(PARTITIONS), None);
        assert_eq!(
            serde_json::to_string(&(last, SlotId(3))).unwrap(),
            "[4095,3]"
        );
        assert_eq!(serde_json::from_str::<Partition>("4095").unwrap(), last);
        assert!(serde_json::from_str::<Partition>("4096").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(4),
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        /// The partition and the slot are the leading bits of the hash, whatever it is: a slot of
        /// a small map is the union of slots of a larger one.
        #[test]
        fn owners_are_leading_bits(site_hash in any::<u64>()) {
            let partition = Partition::of_site_hash(site_hash);
            prop_assert_eq!(u64::from(partition.get()), site_hash >> 52);
            for (slots, bits) in [(4, 2), (8, 3), (16, 4), (32, 5), (64, 6)] {
                let slot = map(slots).slot_of(partition);
                prop_assert_eq!(u64::from(slot.0), site_hash >> (64 - bits));
                prop_assert!(map(slots).partitions_of(slot).contains(&partition.get()));
            }
        }
    }
}
