//! Excluding in a running slot, and taking it back.
//!
//! In: the exclusions in force, which sites orders named, which orders were undone. Out: sites set aside or freed,
//! URLs back in their queues. May touch: site table, snapshot, rows of the group being built. Must not touch: sockets.
//! Invariant: what was excluded is restorable: a site keeps its queue under a mark, and a URL that was settled by an
//! exclusion is found again by its fate.

use std::collections::VecDeque;
use std::sync::Arc;

use orb_api::{Reason, UrlState};
use orb_shard::SiteKey;
use orb_store::{Batch, Keyspace, Store};
use orb_url::Site;

use crate::exclusions::Exclusions;
use crate::frontier::Frontier;
use crate::limits::{READMIT_ROWS, READMITTED_AT_ONCE};
use crate::rows::{FateRow, Lane, fate_key, prefix_end, queue_key, site_prefix};
use crate::sites::Mark;
use crate::{FrontierError, QueueRow, SiteId};

/// An exclusion that was taken back: where URLs that it settled can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// The order that took it back.
    pub order: u64,
    /// The one site it could reach, if it is one.
    pub site: Option<Site>,
}

/// URLs to bring back: what waits for its look, and what is out.
///
/// A look reads what is stored. So it waits for the groups in which its URLs were settled, and for those in which the
/// look before it brought some back, which would be found a second time.
#[derive(Debug, Default)]
pub(crate) struct Readmission {
    /// What was taken back, and the group that must be durable first.
    waiting: VecDeque<(TakenBack, u64)>,
    /// The range being read goes on here.
    at: Option<Vec<u8>>,
    out: bool,
    /// Orders up to this one have been looked after, or wait here; once it was read from the store.
    known_to: Option<u64>,
    /// A fate by exclusion was written into the group being built, or taken out.
    touched: bool,
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
}

fn by_exclusion(fate: &FateRow) -> bool {
    fate.state == UrlState::Excluded && matches!(fate.reason, Reason::Rule | Reason::OptOut)
}

/// Reads fates and finds those that an exclusion made which is in force no longer. Blocking: for the read helper.
pub struct ReadmitJob {
    store: Arc<dyn Store>,
    exclusions: Arc<Exclusions>,
    from: Vec<u8>,
    end: Option<Vec<u8>>,
}

/// What a [`ReadmitJob`] found.
pub struct Readmitted {
    rows: Vec<FateRow>,
    next: Option<Vec<u8>>,
}

impl ReadmitJob {
    /// Reads a part of the range.
    ///
    /// # Errors
    /// When the store fails, or a row cannot be read.
    pub fn run(mut self) -> Result<Readmitted, FrontierError> {
        let mut rows = Vec::new();
        let mut read = 0;
        while read < READMIT_ROWS && rows.len() < READMITTED_AT_ONCE {
            let fates = self.store.range(
                Keyspace::Fates,
                &self.from,
                self.end.as_deref(),
                READMITTED_AT_ONCE,
            )?;
            let Some((last, _)) = fates.last() else {
                return Ok(Readmitted { rows, next: None });
            };
            self.from = [last, &[0][..]].concat();
            read += fates.len();
            for (_, value) in &fates {
                let fate = FateRow::decode(value)?;
                if by_exclusion(&fate) && self.exclusions.stopping(fate.url()).is_none() {
                    rows.push(fate);
                }
            }
        }
        let next = Some(self.from);
        Ok(Readmitted { rows, next })
    }
}

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

    /// Sets aside and frees whole sites, of those that orders named, as the exclusions in force say. Returns how many
    /// URLs changed their state. Of a site that is unknown nothing is queued; its links are stopped.
    pub fn heed_sites(&mut self, named: &[Site]) -> u64 {
        let mut moved = 0;
        for site in named {
            let Some(id) = self.find_site(site) else {
                continue;
            };
            let wanted = self.exclusions.of_site(site).map(|known| known.reason);
            let is = self.sites.get(id).parked();
            let ours = matches!(is, Some(Reason::Rule | Reason::OptOut));
            if wanted == is || (is.is_some() && !ours) {
                continue;
            }
            // From one exclusion to another, by an opt-out of what was excluded, nothing becomes pending or excluded.
            if wanted.is_none() || is.is_none() {
                moved += u64::from(self.sites.get(id).pending);
            }
            if ours {
                self.unpark(id);
            }
            if let Some(reason) = wanted {
                self.park(id, reason);
            }
        }
        moved
    }

    /// Sets a visited site aside if all of it is excluded. Returns whether it is.
    pub fn set_aside_excluded(&mut self, id: SiteId, site: &Site) -> bool {
        let wanted = self.exclusions.of_site(site).map(|known| known.reason);
        if let Some(reason) = wanted {
            self.park(id, reason);
        }
        wanted.is_some()
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
        let after = state.group_so_far();
        for back in taken_back.iter().filter(|back| back.order > known_to) {
            state.waiting.push_back((back.clone(), after));
        }
        let last = taken_back.iter().map(|back| back.order).max();
        state.known_to = Some(known_to.max(last.unwrap_or(0)));
        Ok(())
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
        let prefix = first
            .site
            .as_ref()
            .map(|site| site_prefix(SiteKey::of(&self.setup.key, site)));
        let end = prefix.as_deref().and_then(prefix_end);
        let from = state.at.take().or(prefix).unwrap_or_default();
        state.out = true;
        Some(ReadmitJob {
            store: Arc::clone(&self.store),
            exclusions: Arc::clone(&self.exclusions),
            from,
            end,
        })
    }

    /// Queues what was found with the group being built.
    pub fn readmitted(&mut self, found: Readmitted, batch: &mut Batch) {
        let state = &mut self.readmission;
        state.out = false;
        state.at = found.next;
        state.touched |= !found.rows.is_empty();
        if state.at.is_none()
            && let Some((done, _)) = state.waiting.pop_front()
        {
            let order = done.order.to_be_bytes().to_vec();
            batch.put(Keyspace::Meta, READMITTED.to_vec(), order);
            let after = state.group_so_far();
            if let Some((_, next)) = state.waiting.front_mut() {
                *next = after.max(*next);
            }
        }
        for row in found.rows {
            self.readmit_row(row, batch);
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
        batch.delete(Keyspace::Fates, fate_key(site, fingerprint));
        let entry = self.sites.get_mut(id);
        // A number of its own: what it was queued under before may be taken.
        let order = u64::from(entry.queued) + u64::from(entry.cold);
        entry.queued += 1;
        entry.lanes |= Lane::WANTED.bit();
        entry.set(Mark::Came, true);
        let parked = entry.parked();
        let row = QueueRow {
            found: fate.found,
            fingerprint,
            attempts: 0,
        };
        let row_key = queue_key(site, Lane::WANTED, order);
        batch.put(Keyspace::Queue, row_key, row.encode());
        self.snapshot.books.restore(1, fate.reason);
        if let Some(reason) = parked {
            let books = &mut self.snapshot.books;
            books.settle(1, UrlState::Excluded, reason);
        }
        self.sites.add_pending(id, 1);
        self.will_wake(id, Lane::WANTED.bit());
    }
}

/// Row of the keyspace `Meta`: the last order whose taking back was looked after, big-endian.
const READMITTED: &[u8] = b"readmitted";
