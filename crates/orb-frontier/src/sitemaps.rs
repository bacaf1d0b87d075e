//! Sitemaps: how far what sites list of themselves is taken up, and what is remembered of each site's lists.
//!
//! In: settings, sitemap files that were taken up. Out: whether there is room for another; bytes, and back.
//! May touch: nothing. Must not touch: queues, stores, clocks.
//! Invariant: a list is cheap to write and its URLs prove nothing: every one of them has a bound.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::DecodeError;
use crate::claims::{Streak, Trust};
use crate::codec::{put_varint, take_varint};
use crate::limits::{SITEMAP_NESTING_MAX, SITEMAPS_ON_TRUST};

/// Whether and how far the sitemaps of sites are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SitemapsConfig {
    /// Read the sitemaps that robots.txt names: each is fetched as a page would be, with every pause and rule, and
    /// what it lists of its own site is found like a link. It is read whatever `limits.types` says of its type.
    /// Where pages are fetched again, what it says of their last change moves their time. Other sites' pages that it lists are counted and dropped.
    pub enabled: bool,
    /// Sitemap files fetched of one site at most; its others go to the cold log, as do those of a site whose first ten
    /// list nothing. 0 sets no bound.
    pub files_per_site_max: u64,
    /// URLs of a site, queued and cut, from which on its sitemaps add no more; links still do. 0 sets no bound. Of
    /// `frontier.pages_per_site_max` what sitemaps list has one half until links have had the chance to take the other.
    pub urls_per_site_max: u64,
}

impl Default for SitemapsConfig {
    fn default() -> Self {
        SitemapsConfig {
            enabled: true,
            files_per_site_max: 1_000,
            urls_per_site_max: 1_000_000,
        }
    }
}

impl SitemapsConfig {
    /// Whether a sitemap file so many steps from robots.txt is taken up: 1 is named there, 2 by an index of those.
    #[must_use]
    pub fn takes_nesting(&self, nesting: u16) -> bool {
        self.enabled && nesting <= SITEMAP_NESTING_MAX
    }

    /// Whether a site of which so many URLs are known takes more from its sitemaps.
    pub(crate) fn takes_urls(&self, known: u64) -> bool {
        self.urls_per_site_max == 0 || known < self.urls_per_site_max
    }
}

/// What is remembered of a site's sitemaps; stored with its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiteMaps {
    /// Sitemap files that were taken up.
    pub(crate) files: u64,
    /// Those of them that listed something of the site.
    pub(crate) useful: u64,
    /// URLs in the cold log when it was last looked through for what links left room for.
    pub(crate) recalled: u64,
    /// Claims that pages changed.
    pub(crate) changed: Trust,
    /// Claims that pages are as they were.
    pub(crate) same: Streak,
}

impl SiteMaps {
    /// Bytes, all varints: sitemap files taken up, useful ones, cold URLs when last recalled; claims that pages changed,
    /// looked into and wrong; right claims in a row that they did not, and how often a row ended.
    pub(crate) fn encode_into(self, out: &mut Vec<u8>) {
        put_varint(out, self.files);
        put_varint(out, self.useful);
        put_varint(out, self.recalled);
        let (changed, same) = (self.changed, self.same);
        for count in [changed.looked, changed.wrong, same.right, same.ended] {
            put_varint(out, u64::from(count));
        }
    }

    /// Takes what [`SiteMaps::encode_into`] appended.
    pub(crate) fn decode(input: &mut &[u8]) -> Result<SiteMaps, DecodeError> {
        let (files, useful) = (take_varint(input)?, take_varint(input)?);
        let recalled = take_varint(input)?;
        let mut count = || {
            let count = u32::try_from(take_varint(input)?);
            count.map_err(|_| DecodeError::Value { field: "claims" })
        };
        Ok(SiteMaps {
            files,
            useful,
            recalled,
            changed: Trust {
                looked: count()?,
                wrong: count()?,
            },
            same: Streak {
                right: count()?,
                ended: count()?,
            },
        })
    }

    /// Whether one more file may be taken up: within the bound, and where of some files one in ten was of use.
    pub(crate) fn has_room(self, config: &SitemapsConfig) -> bool {
        let within = config.files_per_site_max == 0 || self.files < config.files_per_site_max;
        within && (self.files < SITEMAPS_ON_TRUST || self.useful * 10 >= self.files)
    }
}
