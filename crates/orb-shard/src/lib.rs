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

    /// The slot that owns a URL's site. Cost: O(bytes of the host), one allocation.
    pub fn slot_of_url(&self, key: &CrawlKey, url: &CrawlUrl) -> SlotId {
        self.slot_of_site(key, &url.site())
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
