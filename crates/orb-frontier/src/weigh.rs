//! Weighing: whether a queued URL of a visited site is worth a fetch now, by the site's budgets.
//!
//! In: URLs taken from a window, what fetches brought. Out: the URL, or its row moved in the group being built.
//! May touch: site table, snapshot. Must not touch: sockets, the archive.
//! Invariant: a moved row is in the queue or in the cold log, never in both, and the books say which.

use orb_api::{Outcome, Reason, UrlState};
use orb_env::Wall;
use orb_store::{Batch, Keyspace};
use orb_url::CrawlUrl;

use crate::budgets::{Budgets, CutCause, Verdict, Yield};
use crate::frontier::Frontier;
use crate::rows::{ColdRow, FateRow, Lane, fate_key, queue_key, queue_place};
use crate::sites::Mark;
use crate::{Found, How, Queued, SiteId};

/// What became of a URL that was weighed.
#[derive(Debug)]
pub enum Weighed {
    /// It is worth a fetch.
    Take(Queued),
    /// It waits in the site's last lane.
    PutOff,
    /// It is in the cold log: excluded by a budget.
    Cut(CutCause),
}

impl Frontier {
    /// Asks the budgets of a visited site about a URL taken from it. Seeds, what the operator brought back, targets of
    /// redirects and what is tried again are always worth a fetch, but for the budget of an order. Cost: about half a microsecond, and a row written where it is not.
    pub fn weigh(
        &mut self,
        id: SiteId,
        mut queued: Queued,
        now: Wall,
        batch: &mut Batch,
    ) -> Weighed {
        let (lane, _) = queue_place(&queued.key);
        let bounds = self.setup.config.budgets();
        let is_free =
            queued.is_weighed || lane <= Lane::WANTED || queued.row.found.how == How::Redirect;
        let is_over = lane != Lane::RETRY && self.is_over_order(id);
        let is_map = !is_free && queued.row.found.how == How::SitemapFile;
        let warm = self.sites.held(id);
        let verdict = match &mut warm.budgets {
            _ if is_over => Verdict::Cut(CutCause::SitePages),
            _ if is_map && !warm.maps.has_room(&self.setup.config.sitemaps) => {
                Verdict::Cut(CutCause::SitemapFiles)
            }
            Some(budgets) if !is_free => {
                budgets.verdict(&queued.row.found.url, lane == Lane::LAST, &bounds)
            }
            _ => Verdict::Take,
        };
        match verdict {
            Verdict::Take => {
                queued.is_weighed = true;
                warm.maps.files += u64::from(is_map);
                Weighed::Take(queued)
            }
            Verdict::Later => {
                self.put_off(id, queued, batch);
                Weighed::PutOff
            }
            Verdict::Cut(cause) => {
                self.cut(id, queued, cause, now, batch);
                Weighed::Cut(cause)
            }
        }
    }

    /// Whether a site may take up another URL, by its order's budget or the setting.
    pub(crate) fn has_room(&self, id: SiteId, site: &str) -> bool {
        let most = self
            .wishes
            .pages_max(site, self.setup.config.pages_per_site_max);
        most.is_none_or(|most| self.sites.tally(id).counted() < most)
    }

    /// Whether a site may take up this URL. What its sitemaps list has half of the room: a list of a million lines is
    /// read before the second page, and would leave none to links.
    pub(crate) fn has_budget(&self, id: SiteId, found: &Found) -> bool {
        let most = self
            .wishes
            .pages_max(found.url.site_str(), self.setup.config.pages_per_site_max);
        most.is_none_or(|most| {
            let share = match found.how {
                How::Sitemap => most.div_ceil(2),
                _ => most,
            };
            self.sites.tally(id).counted() < share
        })
    }

    /// Whether a visited site's settled URLs are all that an order lets it have: it was given when more were queued.
    fn is_over_order(&mut self, id: SiteId) -> bool {
        let tally = self.sites.tally(id);
        let name = self.sites.held(id).name.as_str();
        let most = self.wishes.of(name).pages_max.filter(|&most| most > 0);
        most.is_some_and(|most| tally.counted().saturating_sub(u64::from(tally.pending)) >= most)
    }

    /// A sitemap file of a visited site listed something of it.
    pub fn note_useful_map(&mut self, id: SiteId) {
        self.sites.held(id).maps.useful += 1;
        self.sites.touch(id);
    }

    /// Takes note of what a fetch of a visited site brought.
    pub fn note_fetched(&mut self, id: SiteId, url: &CrawlUrl, brought: &Yield<'_>) {
        let bounds = self.setup.config.budgets();
        if bounds.is_open() {
            return;
        }
        let waiting = u64::from(self.sites.get(id).pending);
        let warm = self.sites.held(id);
        let budgets = warm.budgets.get_or_insert_with(Box::<Budgets>::default);
        budgets.note(url, brought, waiting, &bounds);
        self.sites.touch(id);
    }

    /// Takes a URL out of its lane, in the group being built; returns its order.
    fn take_out(&mut self, id: SiteId, queued: &Queued, batch: &mut Batch) -> u64 {
        let (lane, order) = queue_place(&queued.key);
        let warm = self.sites.held(id);
        warm.in_hand -= 1;
        warm.starts.pass(lane, order);
        batch.delete(Keyspace::Queue, queued.key.clone());
        self.removed.push((id, queued.key.clone()));
        self.sites.touch(id);
        order
    }

    fn put_off(&mut self, id: SiteId, queued: Queued, batch: &mut Batch) {
        let order = self.take_out(id, &queued, batch);
        let entry = self.sites.get_mut(id);
        let key = queue_key(entry.key, Lane::LAST, order);
        entry.lanes |= Lane::LAST.bit();
        entry.set(Mark::Came, true);
        batch.put(Keyspace::Queue, key, queued.row.encode());
        self.sites.change(id);
        self.will_wake(id, Lane::LAST.bit());
    }

    fn cut(&mut self, id: SiteId, queued: Queued, cause: CutCause, now: Wall, batch: &mut Batch) {
        let order = self.take_out(id, &queued, batch);
        let cold_max = self.setup.config.cold_per_site_max;
        let entry = self.sites.get_mut(id);
        let (site, parked) = (entry.key, entry.parked());
        if u64::from(entry.cold) < cold_max {
            // One of the two counts it, so that their sum goes on numbering the site's URLs.
            entry.cold += 1;
            entry.queued -= 1;
            let (lane, _) = queue_place(&queued.key);
            let key = queue_key(site, lane, order);
            let row = queued.row;
            self.readmission.cut(cause);
            batch.put(Keyspace::Cold, key, ColdRow { row, cause }.encode());
        } else {
            let fate = FateRow {
                state: UrlState::Excluded,
                outcome: Outcome::Refused,
                reason: Reason::Budget,
                detail: cause.name().to_owned(),
                status: 0,
                attempts: queued.row.attempts,
                found: queued.row.found.clone(),
                at: now,
                place: None,
                digest: None,
                etag: None,
                last_modified: None,
                history: None,
            };
            let key = fate_key(site, queued.row.fingerprint);
            batch.put(Keyspace::Fates, key, fate.encode());
        }
        let books = &mut self.snapshot.books;
        if let Some(reason) = parked {
            books.restore(1, reason);
        }
        books.settle(1, UrlState::Excluded, Reason::Budget);
        self.sites.add_pending(id, -1);
    }
}
