//! Settings of the frontier.
//!
//! In: the settings file, through the program. Out: values. May touch: nothing.
//! Invariant: every default is bounded.

use orb_api::ByteSize;
use serde::{Deserialize, Serialize};

use crate::Scope;

/// What is wanted, and how much of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FrontierConfig {
    /// How far from the seeds: `site`, `host`, `prefix` or `any`.
    pub scope: Scope,
    /// Links followed from a seed at most; 0 sets no bound.
    pub depth_max: u16,
    /// URLs queued per site; those beyond go to the cold log. 0 sets no bound.
    pub pages_per_site_max: u64,
    /// URLs per site kept in the cold log; beyond, the site's links are counted and dropped.
    pub cold_per_site_max: u64,
    /// Redirects followed from one found URL to the next.
    pub redirects_max: u8,
    /// Memory of the site table; beyond it new sites are counted and dropped (`frontier_full`). 0 derives it
    /// from `memory_max`.
    pub memory_max: ByteSize,
}

impl Default for FrontierConfig {
    fn default() -> Self {
        FrontierConfig {
            scope: Scope::Site,
            depth_max: 0,
            pages_per_site_max: 0,
            cold_per_site_max: 100_000,
            redirects_max: 5,
            memory_max: ByteSize(0),
        }
    }
}
