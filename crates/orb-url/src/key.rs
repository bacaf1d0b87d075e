//! Keyed hashes of URLs and sites.
//!
//! In: a key that belongs to one crawl, a URL or site. Out: 64-bit fingerprints.
//! May touch: SipHash-2-4 (`siphasher`). Must not touch: a source of randomness; the key comes in.
//! Invariant: stored data depends on every bit of these functions; they never change.

use std::fmt;
use std::hash::Hasher as _;
use std::str::FromStr;

use siphasher::sip::SipHasher24;

use crate::{CrawlUrl, Site};

/// The key of one crawl for fingerprints and partitions, so that no site can craft URLs that
/// collide. It is stored with the crawl and travels with exported partitions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CrawlKey([u8; 16]);

impl CrawlKey {
    /// The published key, for values that people compare between crawls.
    pub const ZERO: CrawlKey = CrawlKey([0; 16]);

    /// The key with these bytes.
    pub const fn new(bytes: [u8; 16]) -> CrawlKey {
        CrawlKey(bytes)
    }

    /// The bytes as [`CrawlKey::new`] takes them.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The bytes as 32 lower-case hex digits: who reads them can craft collisions.
    pub fn to_hex(self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }

    /// Reads [`CrawlKey::to_hex`] back; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<CrawlKey> {
        let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let bits = u128::from_str_radix(text, 16).ok().filter(|_| digits)?;
        Some(CrawlKey(bits.to_be_bytes()))
    }

    /// SipHash-2-4 of the URL's text. Cost: O(bytes).
    pub fn fingerprint(&self, url: &CrawlUrl) -> Fingerprint {
        Fingerprint(self.hash(url.as_str()))
    }

    /// SipHash-2-4 of the site's text; its leading bits are the partition. Cost: O(bytes).
    pub fn site_hash(&self, site: &Site) -> u64 {
        self.hash(site.as_str())
    }

    /// [`CrawlKey::site_hash`] of the site that `url` belongs to, without an allocation.
    pub fn site_hash_of(&self, url: &CrawlUrl) -> u64 {
        self.hash(url.site_str())
    }

    /// The hash under construction behind `prefix`, which must be whole words of 8 bytes; its
    /// `hash` of the rest is the hash of the whole.
    pub(crate) fn state_after(&self, prefix: &str) -> SipHasher24 {
        debug_assert_eq!(prefix.len() % 8, 0);
        let mut state = SipHasher24::new_with_key(&self.0);
        state.write(prefix.as_bytes());
        state
    }

    pub(crate) fn hash(&self, text: &str) -> u64 {
        SipHasher24::new_with_key(&self.0).hash(text.as_bytes())
    }
}

/// Hides the key: who knows it can craft collisions.
impl fmt::Debug for CrawlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if *self == CrawlKey::ZERO {
            "published"
        } else {
            "secret"
        };
        write!(f, "CrawlKey({word})")
    }
}

/// The keyed hash of one URL; in text and JSON, 16 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is not 16 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 16 hex digits")]
pub struct FingerprintFormError;

impl FromStr for Fingerprint {
    type Err = FingerprintFormError;

    fn from_str(text: &str) -> Result<Fingerprint, FingerprintFormError> {
        if text.len() != 16 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(FingerprintFormError);
        }
        let bits = u64::from_str_radix(text, 16).map_err(|_| FingerprintFormError)?;
        Ok(Fingerprint(bits))
    }
}

impl serde::Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
