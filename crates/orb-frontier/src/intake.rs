//! Intake: found URLs through scope and sieve into the queues.
//!
//! In: found URLs with the positions they were read up to; merges that are done. Out: queue rows in the group
//! being built, counted books.
//! May touch: sieve, site table, snapshot. Must not touch: clocks, sockets.
//! Invariant: a stored position never passes a link whose outcome is not stored with it.

use std::sync::Arc;

use orb_api::{Reason, UrlState};
use orb_env::Mono;
use orb_shard::{SiteKey, SlotId};
use orb_store::{Batch, JournalEnd, Keyspace};
use orb_url::Site;

use crate::admitted::{DrainJob, Drained};
use crate::frontier::Frontier;
use crate::limits::{
    BEHIND_WAITED_MAX, MERGE_INTERVAL, MERGE_INTERVAL_HUNGRY, MERGE_INTERVAL_RESTING,
};
use crate::rows::{ColdRow, Lane, QueueRow, queue_key, site_prefix};
use crate::scope::ScopeMarks;
use crate::sites::{Importance, Mark, Warm};
use crate::snapshot::{AdmittedFile, SeedsEnd};
use crate::wanted::{Wanted, leads};
use crate::{CutCause, Found, MergeJob, Merged, Scope, SieveKey, SiteId, SiteRow, Tally};

impl Frontier {
    /// Judges a found URL and offers it to the sieve, or counts why not. `now` is when it was absorbed.
    pub fn offer(&mut self, found: &Found, now: Mono) {
        let site = SiteKey::of_url(&self.setup.key, &found.url);
        match self.judge(found, site) {
            Err(cause) => self.sightings.count(cause),
            Ok(()) => {
                let partition = site.partition();
                let fingerprint = self.setup.key.fingerprint(&found.url);
                if self.sieve.offer(
                    SieveKey {
                        partition,
                        fingerprint,
                    },
                    found,
                ) {
                    self.buffered_since.get_or_insert(now);
                }
            }
        }
    }

    fn judge(&mut self, found: &Found, site: SiteKey) -> Result<(), &'static str> {
        let setup = &self.setup;
        let wanted = Wanted {
            config: &setup.config,
            rules: &setup.rules,
            exclusions: &self.exclusions,
            wishes: &self.wishes,
        };
        wanted.itself(found)?;
        if self.snapshot.moved.contains(&site.partition().get()) {
            return Err("moved");
        }
        let id = match self.sites.find(site) {
            Some(id) => id,
            None => {
                wanted.new_site(found, self.is_full())?;
                self.new_site(site, &found.url.site())
            }
        };
        if leads(found) {
            self.note_seed(id, found);
        }
        let wanted = Wanted {
            config: &self.setup.config,
            rules: &self.setup.rules,
            exclusions: &self.exclusions,
            wishes: &self.wishes,
        };
        let none = ScopeMarks::default();
        let marks = self.sites.marks(id).unwrap_or(&none);
        wanted.in_site(found, &self.sites.tally(id), marks)
    }

    fn note_seed(&mut self, id: SiteId, found: &Found) {
        let scope = self.setup.config.scope;
        let noted = scope != Scope::Site
            && scope != Scope::Any
            && self
                .sites
                .note_marks(id, |marks| marks.note_seed(&found.url, scope));
        let entry = self.sites.get_mut(id);
        let seeded = entry.set(Mark::Seeded, true);
        if noted || !seeded {
            self.sites.change(id);
        }
        if let Some(rank) = found.rank {
            self.matters(id, Importance::of_rank(rank));
        }
    }

    /// Takes note of what speaks for a site.
    fn matters(&mut self, id: SiteId, importance: Importance) {
        let entry = self.sites.get_mut(id);
        if entry.importance < importance.0 {
            entry.importance = importance.0;
            self.sites.change(id);
        }
    }

    pub(crate) fn new_site(&mut self, key: SiteKey, site: &Site) -> SiteId {
        let id = self
            .sites
            .insert(key, &Tally::default(), ScopeMarks::default());
        self.sites.get_mut(id).priority = self.wishes.of(site.as_str()).priority;
        if self.sites.keeps_all() {
            let row = SiteRow::new(site.clone());
            let warm = Warm::new(row, self.setup.clean, self.setup.opened);
            self.sites.make_warm(id, warm);
        }
        id
    }

    /// Counts a link that was stopped elsewhere before it came here.
    pub fn sighted(&mut self, cause: &'static str) {
        self.sightings.count(cause);
    }

    /// Everything of `source`'s journal up to `end` has been offered.
    pub fn covered(&mut self, source: SlotId, end: JournalEnd) {
        self.read_to.insert(source.0, end);
    }

    /// Everything of the seeds up to `end` has been offered.
    pub fn covered_seeds(&mut self, end: SeedsEnd) {
        self.seeds_to = end;
    }

    /// How far `source`'s journal has been read.
    #[must_use]
    pub fn read_to(&self, source: SlotId) -> JournalEnd {
        self.read_to.get(&source.0).copied().unwrap_or_default()
    }

    /// How far the seeds have been read.
    #[must_use]
    pub fn seeds_read_to(&self) -> SeedsEnd {
        self.seeds_to
    }

    /// The durable position of `source`'s journal: below it nothing is needed any more.
    #[must_use]
    pub fn durable_to(&self, source: SlotId) -> JournalEnd {
        self.durable_to.get(&source.0).copied().unwrap_or_default()
    }

    /// When a merge should start; `hungry` is a crawl with nothing else to do.
    #[must_use]
    pub fn merge_time(&self, hungry: bool) -> Mono {
        match self.buffered_since {
            Some(_) if self.covering.is_some() => Mono::NEVER,
            Some(since) if !self.sieve.is_merge_due() => {
                since.plus(match (hungry, self.sites.pending_sites) {
                    (true, 0) => MERGE_INTERVAL_HUNGRY,
                    (true, _) => MERGE_INTERVAL_RESTING,
                    (false, _) => MERGE_INTERVAL.max(self.sieve.gathering_time()),
                })
            }
            Some(since) => since,
            None => Mono::NEVER,
        }
    }

    /// Takes what was offered so far to be merged on the commit helper.
    pub fn start_merge(&mut self) -> Option<MergeJob> {
        if self.covering.is_some() {
            return None;
        }
        let job = self.sieve.start_merge()?;
        self.buffered_since = None;
        self.covering = Some((self.read_to.clone(), self.seeds_to, self.sightings.clone()));
        Some(job)
    }

    /// A merge is done and synced: the group being built switches to its runs and counts what it admitted.
    pub fn merged(&mut self, merged: &Merged, batch: &mut Batch) {
        let (ends, seeds, sightings) = self
            .covering
            .take()
            .expect("a merge was started before it is done");
        self.snapshot.cover(&ends, seeds, sightings);
        if let Some(file) = &merged.admitted {
            self.snapshot.books.discover(file.rows);
            self.snapshot.admitted.push(AdmittedFile {
                id: file.id,
                rows: file.rows,
                drained: 0,
                offset: 0,
            });
        }
        batch.put(Keyspace::Meta, b"runs".to_vec(), merged.runs.encode());
        self.sieve.installed(merged);
    }

    // ---- admitted files into the queues ----

    /// Whether intake should wait for a store that is behind: URLs stay in admitted files and among those put aside, so
    /// that a flood waits, and requests of other sites, whose commits are small, do not. Ask before
    /// [`Frontier::start_drain`] and [`Frontier::start_readmit`].
    pub fn waits_for_store(&mut self, now: Mono) -> bool {
        if !self.store.is_behind() {
            self.behind_since = None;
            return false;
        }
        let since = *self.behind_since.get_or_insert(now);
        now.since(since) < BEHIND_WAITED_MAX
    }

    /// Whether admitted URLs wait to be drained.
    #[must_use]
    pub fn has_undrained(&self) -> bool {
        !self.snapshot.admitted.is_empty()
    }

    /// The next rows to drain, read on the read helper. `None` when nothing waits or a drain is out.
    pub fn start_drain(&mut self) -> Option<DrainJob> {
        if self.draining {
            return None;
        }
        let file = self.snapshot.admitted.first()?;
        self.draining = true;
        Some(DrainJob {
            disk: Arc::clone(&self.setup.disk),
            dir: self.setup.sieve_dir.clone(),
            id: file.id,
            offset: file.offset,
        })
    }

    /// Queues drained rows with the group being built.
    pub fn drained(&mut self, drained: Drained, batch: &mut Batch) {
        self.draining = false;
        let rows = drained.0.rows.len() as u64;
        for (key, found) in drained.0.rows {
            self.queue(key, found, batch);
        }
        let file = self
            .snapshot
            .admitted
            .first_mut()
            .expect("the file being drained is named");
        file.offset = drained.0.next;
        file.drained += rows;
        if drained.0.end {
            self.finished_files.push(file.id);
            self.snapshot.admitted.remove(0);
        }
    }

    /// A site becomes known by a URL that was found before all of it was excluded.
    fn new_queued(&mut self, key: SiteKey, site: &Site) -> SiteId {
        let id = self.new_site(key, site);
        self.set_aside_excluded(id, site);
        id
    }

    fn queue(&mut self, key: SieveKey, found: Found, batch: &mut Batch) {
        let site = SiteKey::of_url(&self.setup.key, &found.url);
        if self.snapshot.moved.contains(&site.partition().get()) {
            return; // it went with its partition
        }
        let id = match self.sites.find(site) {
            Some(id) => id,
            None => self.new_queued(site, &found.url.site()),
        };
        if !self.sites.get_mut(id).set(Mark::Stored, true) && self.sites.warm(id).is_none() {
            // From here on its key is known by this row alone.
            let row = SiteRow::new(found.url.site());
            batch.put(Keyspace::Sites, site_prefix(site), row.encode());
        } else if self.sites.warm(id).is_some() && self.sites.get(id).queued == 0 {
            self.sites.touch(id);
        }
        if let Some(via) = found.via.as_ref() {
            let from = SiteKey::of_url(&self.setup.key, via);
            if from != site {
                self.matters(id, Importance::of_linking_site(from.get()));
            }
        }
        self.busiest.note(site.get(), self.seen.mono.0);
        let has_budget = self.has_budget(id, &found);
        let entry = self.sites.get_mut(id);
        let lane = Lane::of(found.how, found.depth);
        // Every URL of a site is counted once as queued or as cut, so their sum numbers them.
        let order = u64::from(entry.queued) + u64::from(entry.cold);
        let row_key = queue_key(site, lane, order);
        let row = QueueRow {
            found,
            fingerprint: key.fingerprint,
            attempts: 0,
        };
        if !has_budget {
            entry.cold += 1;
            let cause = CutCause::SitePages;
            self.readmission.cut(cause);
            batch.put(Keyspace::Cold, row_key, ColdRow { row, cause }.encode());
            self.snapshot
                .books
                .settle(1, UrlState::Excluded, Reason::Budget);
            self.sites.change(id);
            return;
        }
        entry.queued += 1;
        entry.lanes |= lane.bit();
        entry.set(Mark::Came, true);
        let parked = entry.parked();
        batch.put(Keyspace::Queue, row_key, row.encode());
        if let Some(reason) = parked {
            self.snapshot.books.settle(1, UrlState::Excluded, reason);
        }
        self.sites.add_pending(id, 1);
        self.will_wake(id, lane.bit());
    }
}
