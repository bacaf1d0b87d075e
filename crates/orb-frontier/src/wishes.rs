//! What orders say of single sites beside excluding them: a longer pause, a budget, a priority.
//!
//! In: orders. Out: what holds for a site now. May touch: nothing.
//! Invariant: a site that no order names costs one look into a map, none while the map is empty.

use std::time::Duration;

use orb_url::Site;
use rustc_hash::FxHashMap;

/// Steps that a priority is at most away from nothing: as much as the whole web's first site is before its last.
pub const PRIORITY_MAX: i8 = 20;

/// What holds for one site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SiteWish {
    /// The least pause between two requests.
    pub delay: Option<Duration>,
    /// URLs of it that are taken up at most; 0 sets no bound.
    pub pages_max: Option<u64>,
    /// Steps before others that are due, or behind them.
    pub priority: i8,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteWishes(FxHashMap<Box<str>, SiteWish>);

impl SiteWishes {
    /// What is wished of a site, to be changed.
    pub fn at(&mut self, site: &Site) -> &mut SiteWish {
        self.0.entry(site.as_str().into()).or_default()
    }

    /// What is wished of a site.
    #[must_use]
    pub fn of(&self, site: &str) -> SiteWish {
        if self.0.is_empty() {
            return SiteWish::default();
        }
        self.0.get(site).copied().unwrap_or_default()
    }

    /// URLs of a site that are taken up at most, by its order or by `setting`; `None` sets no bound.
    #[must_use]
    pub fn pages_max(&self, site: &str, setting: u64) -> Option<u64> {
        let most = self.of(site).pages_max.unwrap_or(setting);
        (most > 0).then_some(most)
    }
}
