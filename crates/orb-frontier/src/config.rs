//! Settings of the frontier.
//!
//! In: the settings file, through the program. Out: values. May touch: nothing.
//! Invariant: every default is bounded.

use orb_api::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::WARM_SITES;
use crate::{BudgetBounds, RecrawlConfig, Scope, SitemapsConfig};

/// What is wanted, and how much of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FrontierConfig {
    /// How far to go from the seeds.
    pub scope: Scope,
    /// Links followed in a row from a seed at most: with 1, the seeds and what they link to; 0 sets no bound.
    pub depth_max: u16,
    /// URLs queued for one site at most; those found beyond are kept in its cold log, not fetched. 0 sets no bound.
    pub pages_per_site_max: u64,
    /// URLs kept in the cold log of one site at most; beyond, the site's links are counted and dropped.
    pub cold_per_site_max: u64,
    /// Pages fetched of one host at most; its other URLs go to the cold log of their site. 0 sets no bound.
    pub pages_per_host_max: u64,
    /// Pages fetched of one host and first directory at most; the others go to the cold log. 0 sets no bound.
    pub pages_per_prefix_max: u64,
    /// Whether parts of a site whose pages show nothing that the site did not show before are put off, and at last cut
    /// if they also have no end: calendars, sessions, filtered lists, mazes, wildcard sub-domains. What is cut is kept
    /// in the cold log of its site; `orb frontier restore` brings it back. Off by default, for crawls that want all of
    /// a few sites; the profile `broad` switches it on. It also cuts copies of pages when a site has very many.
    pub novelty: bool,
    /// Redirects followed in a row from one found URL.
    pub redirects_max: u8,
    /// Memory of the table of sites, some sixty bytes each; beyond it links to new sites are counted and dropped (`frontier_full`). 0 takes
    /// a quarter of `memory_max`.
    pub memory_max: ByteSize,
    /// Sites of a slot that are kept in memory while they wait; the others are read again for every visit.
    pub warm_sites_max: usize,
    /// What sites list of themselves.
    pub sitemaps: SitemapsConfig,
    /// Fetching pages again.
    pub recrawl: RecrawlConfig,
    /// Memory of one slot's sieve: keys of found URLs that wait to be looked up, and the first megabytes of the URLs
    /// themselves. The more, the more found URLs share a pass over everything known. 0 takes a twelfth of `memory_max`
    /// for all slots.
    pub sieve_memory_max: ByteSize,
}

impl FrontierConfig {
    /// What budgets are bound by.
    #[must_use]
    pub fn budgets(&self) -> BudgetBounds {
        BudgetBounds {
            pages_per_host_max: self.pages_per_host_max,
            pages_per_prefix_max: self.pages_per_prefix_max,
            novelty: self.novelty,
        }
    }
}

impl Default for FrontierConfig {
    fn default() -> Self {
        FrontierConfig {
            scope: Scope::Site,
            depth_max: 0,
            pages_per_site_max: 0,
            cold_per_site_max: 100_000,
            pages_per_host_max: 0,
            pages_per_prefix_max: 0,
            novelty: false,
            redirects_max: 5,
            memory_max: ByteSize(0),
            warm_sites_max: WARM_SITES,
            sitemaps: SitemapsConfig::default(),
            recrawl: RecrawlConfig::default(),
            sieve_memory_max: ByteSize(0),
        }
    }
}
