//! Bringing URLs back: those that an exclusion settled which is taken back, those beyond a budget that was raised.
//!
//! In: which orders were undone, which sites have room again. Out: jobs for the read helper, URLs back in their queues.
//! May touch: site table, snapshot, rows of the group being built. Must not touch: sockets.
//! Invariant: a look reads what is stored, so it waits for the groups in which its URLs were settled or cut, and for
//! those in which the look before it brought some back, which would be found a second time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use orb_api::{Reason, UrlState};
use orb_env::Wall;
use orb_shard::SiteKey;
use orb_store::{Batch, Keyspace, Store};
use orb_url::{CrawlKey, Site};

use crate::claims::{claimed, sooner};
use crate::exclusions::Exclusions;
use crate::frontier::Frontier;
use crate::limits::{PREFETCH, READMIT_ROWS, READMITTED_AT_ONCE};
use crate::rows::{
    ColdRow, FateRow, Lane, fate_key, lane_start, prefix_end, queue_key, queue_place, retry_key,
    site_of_key, site_prefix,
};
use crate::sites::Mark;
use crate::{CutCause, FrontierError, QueueRow, SiteId};

/// An exclusion that was taken back: where URLs that it settled can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// The order that took it back.
    pub order: u64,
    /// The one site it could reach, if it is one.
    pub site: Option<Site>,
}

/// What is looked for.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// Fates by an exclusion that holds no longer.
    Fates(TakenBack),
    /// What the page budget cut of a site.
    Cold(SiteId),
    /// Pages of a site that its sitemaps say have changed.
    Changed(SiteId),
}

/// URLs to bring back: what waits for its look, and what is out.
#[derive(Debug, Default)]
pub(crate) struct Readmission {
    /// What to look for, and the group that must be durable first.
    waiting: VecDeque<(Look, u64)>,
    /// The range being read goes on here.
    at: Option<Vec<u8>>,
    out: bool,
    /// Orders up to this one have been looked after, or wait here; once it was read from the store.
    known_to: Option<u64>,
    /// A row that a look could seek was written into the group being built, or taken out.
    touched: bool,
    /// Pages that were moved forward and not told yet.
    forward: u64,
    sealed: u64,
    durable: u64,
}

impl Readmission {
    /// As a slot opens: its last group is durable.
    pub(crate) fn opened(group: u64) -> Readmission {
        Readmission {
            sealed: group,
            durable: group,
            ..Readmission::default()
        }
    }

    /// A URL was settled in the group being built.
    pub(crate) fn settled(&mut self, fate: &FateRow) {
        self.touched |= by_exclusion(fate);
    }

    /// A URL was cut in the group being built.
    pub(crate) fn cut(&mut self, cause: CutCause) {
        self.touched |= cause == CutCause::SitePages;
    }

    /// The group being built is sealed.
    pub(crate) fn seal(&mut self, group: u64) {
        (self.sealed, self.touched) = (group, false);
    }

    /// A group is durable.
    pub(crate) fn durable(&mut self, group: u64) {
        self.durable = group;
    }

    /// The group after which everything done so far can be read.
    fn group_so_far(&self) -> u64 {
        self.sealed + u64::from(self.touched)
    }

    fn wait(&mut self, look: Look) {
        let after = self.group_so_far();
        self.waiting.push_back((look, after));
    }
}

fn by_exclusion(fate: &FateRow) -> bool {
    fate.state == UrlState::Excluded && matches!(fate.reason, Reason::Rule | Reason::OptOut)
}

/// Reads rows and finds those that come back. Blocking: for the read helper.
pub struct ReadmitJob {
    store: Arc<dyn Store>,
    sought: Sought,
    from: Vec<u8>,
    end: Option<Vec<u8>>,
}

/// What rows are read for.
enum Sought {
    /// Fates that these exclusions stop no longer.
    Fates(Arc<Exclusions>),
    Cold,
    /// Pages queued for later than `now`, which may be fetched so soon after the last time.
    Changed(CrawlKey, Wall, Duration),
}

/// What a [`ReadmitJob`] found.
#[derive(Default)]
pub struct Readmitted {
    fates: Vec<FateRow>,
    /// Keys and rows of the cold log.
    cold: Vec<(Vec<u8>, Vec<u8>)>,
    /// Keys and rows of pages to be fetched sooner, and when.
    changed: Vec<(Vec<u8>, QueueRow, Wall)>,
    next: Option<Vec<u8>>,
}

impl ReadmitJob {
    /// Reads a part of the range.
    ///
    /// # Errors
    /// When the store fails, or a row cannot be read.
    pub fn run(mut self) -> Result<Readmitted, FrontierError> {
        let mut found = Readmitted::default();
        let keyspace = match self.sought {
            Sought::Fates(_) => Keyspace::Fates,
            Sought::Cold => Keyspace::Cold,
            Sought::Changed(..) => Keyspace::Queue,
        };
        let mut read = 0;
        while read < READMIT_ROWS && found.count() < READMITTED_AT_ONCE {
            let (from, end) = (&self.from, self.end.as_deref());
            let rows = self.store.range(keyspace, from, end, READMITTED_AT_ONCE)?;
            let Some((last, _)) = rows.last() else {
                return Ok(found);
            };
            self.from = [last, &[0][..]].concat();
            read += rows.len();
            for (key, value) in rows {
                self.row(key, &value, &mut found)?;
            }
        }
        found.next = Some(self.from);
        Ok(found)
    }

    fn row(&self, key: Vec<u8>, value: &[u8], found: &mut Readmitted) -> Result<(), FrontierError> {
        match &self.sought {
            Sought::Cold => {
                let (queued, cause) = ColdRow::split(value)?;
                if cause == Some(CutCause::SitePages) {
                    found.cold.push((key, queued.to_vec()));
                }
            }
            Sought::Fates(exclusions) => {
                let fate = FateRow::decode(value)?;
                if by_exclusion(&fate) && exclusions.stopping(fate.url()).is_none() {
                    found.fates.push(fate);
                }
            }
            Sought::Changed(crawl, now, least) => {
                let row = QueueRow::decode(crawl, value)?;
                let site = site_of_key(&key)?;
                let fate = self
                    .store
                    .get(Keyspace::Fates, &fate_key(site, row.fingerprint))?;
                let Some(fate) = fate.filter(|_| row.attempts == 0) else {
                    return Ok(());
                };
                let known = FateRow::decode(&fate)?;
                let claimed = claimed(self.store.as_ref(), site, row.fingerprint)?;
                let due = due_of(&key);
                if let Some(sooner) = sooner(&known, claimed, due, *now, *least) {
                    found.changed.push((key, row, sooner));
                }
            }
        }
        Ok(())
    }
}

impl Readmitted {
    fn count(&self) -> usize {
        self.fates.len() + self.cold.len() + self.changed.len()
    }
}

/// When a row of the lane of retries is due.
fn due_of(key: &[u8]) -> Wall {
    Wall(i64::try_from(queue_place(key).1).unwrap_or(i64::MAX))
}

impl Frontier {
    /// Takes note of exclusions that were taken back; those looked after before are left out.
    ///
    /// # Errors
    /// When the store fails.
    pub fn readmit(&mut self, taken_back: &[TakenBack]) -> Result<(), FrontierError> {
        if taken_back.is_empty() {
            return Ok(());
        }
        let known_to = match self.readmission.known_to {
            Some(known) => known,
            None => {
                let row = self.store.get(Keyspace::Meta, READMITTED)?;
                row.and_then(|row| row.try_into().ok())
                    .map_or(0, u64::from_be_bytes)
            }
        };
        let state = &mut self.readmission;
        for back in taken_back.iter().filter(|back| back.order > known_to) {
            state.wait(Look::Fates(back.clone()));
        }
        let last = taken_back.iter().map(|back| back.order).max();
        state.known_to = Some(known_to.max(last.unwrap_or(0)));
        Ok(())
    }

    /// Looks for what the page budget cut of these sites, where there is room again.
    pub fn recall<'a>(&mut self, named: impl IntoIterator<Item = &'a Site>) {
        for site in named {
            let found = self.find_site(site);
            let found =
                found.filter(|&id| self.sites.get(id).cold > 0 && self.has_room(id, site.as_str()));
            if let Some(id) = found {
                self.recall_site(id);
            }
        }
    }

    /// A site has nothing left to fetch: what its sitemaps list and links left room for comes back.
    pub(crate) fn recall_listed(&mut self, id: SiteId) {
        let entry = self.sites.get(id);
        let cold = u64::from(entry.cold);
        if entry.pending > 0 || cold == 0 {
            return;
        }
        let warm = self.sites.held(id);
        if warm.maps.useful == 0 || warm.maps.recalled == cold {
            return;
        }
        warm.maps.recalled = cold;
        let name = warm.name.clone();
        if self.has_room(id, name.as_str()) {
            self.recall_site(id);
        }
    }

    /// Looks for pages of a site that its sitemaps say have changed, once the group being built can be read.
    pub(crate) fn look_for_changed(&mut self, id: SiteId) {
        self.readmission.touched = true;
        self.look_once(Look::Changed(id));
    }

    fn recall_site(&mut self, id: SiteId) {
        self.look_once(Look::Cold(id));
    }

    fn look_once(&mut self, look: Look) {
        let state = &mut self.readmission;
        // One that is being read may have passed them.
        let begun = usize::from(state.out || state.at.is_some());
        let mut waiting = state.waiting.iter().skip(begun);
        if !waiting.any(|(other, _)| *other == look) {
            state.wait(look);
        }
    }

    /// Pages that are fetched sooner because a sitemap says that they changed, since it was last asked.
    pub fn take_moved_forward(&mut self) -> u64 {
        std::mem::take(&mut self.readmission.forward)
    }

    /// Whether URLs are on their way back.
    #[must_use]
    pub fn is_readmitting(&self) -> bool {
        !self.readmission.waiting.is_empty()
    }

    /// The next part to look through.
    pub fn start_readmit(&mut self) -> Option<ReadmitJob> {
        let state = &mut self.readmission;
        let (first, after) = state.waiting.front()?;
        if state.out || (state.at.is_none() && state.durable < *after) {
            return None;
        }
        let (prefix, sought) = match first {
            Look::Fates(back) => {
                let site = back.site.as_ref();
                let site = site.map(|site| SiteKey::of(&self.setup.key, site));
                let sought = Sought::Fates(Arc::clone(&self.exclusions));
                (site.map(site_prefix), sought)
            }
            Look::Cold(id) => (Some(site_prefix(self.sites.get(*id).key)), Sought::Cold),
            Look::Changed(id) => {
                let lane = lane_start(self.sites.get(*id).key, Lane::RETRY);
                let least = self.setup.config.recrawl.interval_min;
                let sought = Sought::Changed(self.setup.key, self.seen.wall, least);
                (Some(lane), sought)
            }
        };
        let end = prefix.as_deref().and_then(prefix_end);
        let from = state.at.take().or(prefix).unwrap_or_default();
        state.out = true;
        Some(ReadmitJob {
            store: Arc::clone(&self.store),
            sought,
            from,
            end,
        })
    }

    /// Queues what was found with the group being built.
    pub fn readmitted(&mut self, found: Readmitted, batch: &mut Batch) {
        for row in found.fates {
            self.readmit_row(row, batch);
        }
        for (key, row, sooner) in found.changed {
            self.move_forward(key, row, sooner, batch);
        }
        let mut next = found.next;
        for (key, row) in found.cold {
            if !self.recall_row(&key, row, batch) {
                next = None; // there is no more room
                break;
            }
        }
        let state = &mut self.readmission;
        state.out = false;
        state.at = next;
        if state.at.is_none()
            && let Some((done, _)) = state.waiting.pop_front()
        {
            if let Look::Fates(back) = done {
                let order = back.order.to_be_bytes().to_vec();
                batch.put(Keyspace::Meta, READMITTED.to_vec(), order);
            }
            let after = state.group_so_far();
            if let Some((_, next)) = state.waiting.front_mut() {
                *next = after.max(*next);
            }
        }
    }

    fn readmit_row(&mut self, fate: FateRow, batch: &mut Batch) {
        let key = &self.setup.key;
        let site = SiteKey::of_url(key, fate.url());
        let fingerprint = key.fingerprint(fate.url());
        if self.snapshot.moved.contains(&site.partition().get()) {
            return; // it went with its partition
        }
        let Some(id) = self.sites.find(site) else {
            return; // a fate without a site is what a check tells of
        };
        self.readmission.touched = true;
        batch.delete(Keyspace::Fates, fate_key(site, fingerprint));
        let entry = self.sites.get_mut(id);
        // A number of its own: what it was queued under before may be taken. It was counted once already.
        let order = u64::from(entry.queued) + u64::from(entry.cold);
        entry.queued += 1;
        self.sites.note_readmitted(id);
        let row = QueueRow {
            found: fate.found,
            fingerprint,
            attempts: 0,
        };
        let row_key = queue_key(site, Lane::WANTED, order);
        batch.put(Keyspace::Queue, row_key, row.encode());
        self.back_in_queue(id, Lane::WANTED, fate.reason);
    }

    /// Returns whether there was room for it. It waits in the site's last lane, the one whose rows come in any order.
    fn recall_row(&mut self, key: &[u8], row: Vec<u8>, batch: &mut Batch) -> bool {
        let Some(id) = site_of_key(key).ok().and_then(|site| self.sites.find(site)) else {
            return true; // a row without a site is what a check tells of
        };
        let Ok(queued) = QueueRow::decode(&self.setup.key, &row) else {
            return true; // it was read as such before
        };
        if !self.has_room(id, queued.found.url.site_str()) {
            return false;
        }
        self.readmission.touched = true;
        let (_, order) = queue_place(key);
        batch.delete(Keyspace::Cold, key.to_vec());
        let entry = self.sites.get_mut(id);
        let row_key = queue_key(entry.key, Lane::LAST, order);
        batch.put(Keyspace::Queue, row_key, row);
        entry.cold = entry.cold.saturating_sub(1);
        entry.queued += 1;
        self.back_in_queue(id, Lane::LAST, Reason::Budget);
        true
    }

    /// A page is fetched sooner than it was to be. One whose turn is near is left where it is: it may be out already.
    fn move_forward(&mut self, key: Vec<u8>, row: QueueRow, sooner: Wall, batch: &mut Batch) {
        let near = self.seen.wall.plus(PREFETCH * 8);
        let site = site_of_key(&key).ok();
        let Some(id) = site.and_then(|site| self.sites.find(site)) else {
            return; // a row without a site is what a check tells of
        };
        if due_of(&key) <= near || sooner >= due_of(&key) {
            return;
        }
        self.readmission.touched = true;
        self.readmission.forward += 1;
        let sooner_key = retry_key(self.sites.get(id).key, sooner, row.fingerprint);
        batch.delete(Keyspace::Queue, key);
        batch.put(Keyspace::Queue, sooner_key, row.encode());
        self.will_wake(id, 0);
    }

    /// A URL that counted as excluded for `reason` is pending again.
    fn back_in_queue(&mut self, id: SiteId, lane: Lane, reason: Reason) {
        let entry = self.sites.get_mut(id);
        entry.lanes |= lane.bit();
        entry.set(Mark::Came, true);
        let parked = entry.parked();
        self.snapshot.books.restore(1, reason);
        if let Some(reason) = parked {
            let books = &mut self.snapshot.books;
            books.settle(1, UrlState::Excluded, reason);
        }
        self.sites.add_pending(id, 1);
        self.will_wake(id, lane.bit());
    }
}

/// Row of the keyspace `Meta`: the last order whose taking back was looked after, big-endian.
const READMITTED: &[u8] = b"readmitted";
