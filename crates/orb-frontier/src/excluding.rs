//! Heeding orders in a running slot: whole sites set aside or freed, budgets and priorities that were changed.
//!
//! In: what orders say now, and which sites they newly named. Out: sites set aside or freed, URLs called back.
//! May touch: site table, snapshot. Must not touch: sockets, rows.
//! Invariant: what was excluded is restorable: a site keeps its queue under a mark, and a URL that was settled by an
//! exclusion is found again by its fate (`readmitting.rs`).

use std::sync::Arc;

use orb_api::{Reason, UrlState};
use orb_url::Site;

use crate::SiteId;
use crate::exclusions::Exclusions;
use crate::frontier::Frontier;
use crate::sites::{Mark, Phase};
use crate::wishes::SiteWishes;

impl Frontier {
    /// From here on links are judged by these too.
    pub fn set_exclusions(&mut self, exclusions: Arc<Exclusions>) {
        self.exclusions = exclusions;
    }

    /// The exclusions in force.
    #[must_use]
    pub fn exclusions(&self) -> &Arc<Exclusions> {
        &self.exclusions
    }

    /// From here on these are the wishes for single sites. Sites that they newly name are told by
    /// [`Frontier::heed_sites`].
    pub fn set_wishes(&mut self, wishes: Arc<SiteWishes>) {
        self.wishes = wishes;
    }

    /// Sets aside and frees whole sites, of those that orders named, as the exclusions in force say. Returns how many
    /// URLs changed their state. Of a site that is unknown nothing is queued; its links are stopped.
    pub fn heed_sites<'a>(&mut self, named: impl IntoIterator<Item = &'a Site>) -> u64 {
        let mut moved = 0;
        for site in named {
            let Some(id) = self.find_site(site) else {
                continue;
            };
            moved += self.heed_exclusion(id, site);
            let priority = self.wishes.of(site.as_str()).priority;
            self.sites.set_priority(id, priority);
            self.look_anew(id);
        }
        moved
    }

    fn heed_exclusion(&mut self, id: SiteId, site: &Site) -> u64 {
        let wanted = self.exclusions.of_site(site).map(|known| known.reason);
        let is = self.sites.get(id).parked();
        let ours = matches!(is, Some(Reason::Rule | Reason::OptOut));
        if wanted == is || (is.is_some() && !ours) {
            return 0;
        }
        // From one exclusion to another, by an opt-out of what was excluded, nothing becomes pending or excluded.
        let changed = wanted.is_none() || is.is_none();
        let moved = u64::from(changed) * u64::from(self.sites.get(id).pending);
        if ours {
            self.unpark(id);
        }
        if let Some(reason) = wanted {
            self.park(id, reason);
        }
        moved
    }

    /// A site that waits longer than its clock asks is looked at again: an order may have said so, and said otherwise.
    fn look_anew(&mut self, id: SiteId) {
        let entry = self.sites.get_mut(id);
        if entry.phase == Phase::Waiting && entry.parked().is_none() {
            entry.set(Mark::Far, true);
            self.nudge(id);
        }
    }

    /// Sets a visited site aside if all of it is excluded. Returns whether it is.
    pub fn set_aside_excluded(&mut self, id: SiteId, site: &Site) -> bool {
        let wanted = self.exclusions.of_site(site).map(|known| known.reason);
        if let Some(reason) = wanted {
            self.park(id, reason);
        }
        wanted.is_some()
    }

    /// Parks a site: one mark moves everything pending of it to excluded.
    pub fn park(&mut self, id: SiteId, reason: Reason) {
        let entry = self.sites.get(id);
        if entry.parked().is_some() {
            return;
        }
        let pending = u64::from(entry.pending);
        if let Some(warm) = self.sites.warm_mut(id) {
            warm.drop_urls();
        }
        // What rests in a file lies under a time that will not come.
        self.sites.get_mut(id).set(Mark::Resting, false);
        self.sites.set_parked(id, Some(reason));
        self.snapshot
            .books
            .settle(pending, UrlState::Excluded, reason);
    }

    /// Frees a site: everything of it that counted as excluded is pending again.
    fn unpark(&mut self, id: SiteId) {
        let entry = self.sites.get(id);
        let (parked, pending) = (entry.parked(), u64::from(entry.pending));
        let Some(reason) = parked else {
            return;
        };
        self.sites.set_parked(id, None);
        if pending > 0 {
            self.snapshot.books.restore(pending, reason);
        }
        self.rows_arrived(id, 0);
    }
}
