//! Intake: found URLs through scope and sieve into the queues.
//!
//! In: found URLs with the positions they were read up to; merges that are done. Out: queue rows in the group
//! being built, counted books.
//! May touch: sieve, site table, snapshot. Must not touch: clocks, sockets.
//! Invariant: a stored position never passes a link whose outcome is not stored with it.

use std::sync::Arc;

use orb_api::{Reason, UrlState};
use orb_env::Mono;
use orb_gate::SiteClock;
use orb_shard::SlotId;
use orb_store::{Batch, JournalEnd, Keyspace};
use orb_url::Site;

use crate::admitted::{DrainJob, Drained};
use crate::frontier::Frontier;
use crate::limits::{MERGE_BYTES, MERGE_INTERVAL, MERGE_INTERVAL_HUNGRY, MERGE_INTERVAL_RESTING};
use crate::rows::{Lane, QueueRow, SiteRow, queue_key};
use crate::snapshot::{AdmittedFile, SeedsEnd};
use crate::wanted::{Wanted, leads};
use crate::{Found, MergeJob, Merged, SieveKey, SiteId};

impl Frontier {
    /// Judges a found URL and offers it to the sieve, or counts why not. `now` is when it was absorbed.
    pub fn offer(&mut self, found: &Found, now: Mono) {
        let site = found.url.site();
        let known = self.sites.find(&site);
        match self.judge(found, &site, known) {
            Err(cause) => self.sightings.count(cause),
            Ok(()) => {
                let partition = self.setup.slots.partition_of(&self.setup.key, &site);
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

    fn judge(
        &mut self,
        found: &Found,
        site: &Site,
        known: Option<SiteId>,
    ) -> Result<(), &'static str> {
        let setup = &self.setup;
        let wanted = Wanted {
            config: &setup.config,
            rules: &setup.rules,
        };
        wanted.itself(found)?;
        let id = match known {
            Some(id) => id,
            None => {
                wanted.new_site(found, self.is_full())?;
                self.new_site(site)
            }
        };
        let entry = self.sites.get_mut(id);
        let (scope, rank) = (self.setup.config.scope, found.rank);
        if leads(found) && entry.row.scope.note_seed(&found.url, scope, rank) {
            self.sites.touch(id);
        }
        let wanted = Wanted {
            config: &self.setup.config,
            rules: &self.setup.rules,
        };
        wanted.in_site(&found.url, &self.sites.get(id).row)
    }

    pub(crate) fn new_site(&mut self, site: &Site) -> SiteId {
        let partition = self.setup.slots.partition_of(&self.setup.key, site);
        let clock = SiteClock::fresh(self.setup.opened.mono, self.setup.clean);
        self.sites
            .insert(site.clone(), partition, clock, SiteRow::default())
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
            Some(since) if self.sieve.buffered_bytes() < MERGE_BYTES => {
                since.plus(match (hungry, self.sites.pending_sites) {
                    (true, 0) => MERGE_INTERVAL_HUNGRY,
                    (true, _) => MERGE_INTERVAL_RESTING,
                    (false, _) => MERGE_INTERVAL,
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

    fn queue(&mut self, key: SieveKey, found: Found, batch: &mut Batch) {
        let site = found.url.site();
        let id = self
            .sites
            .find(&site)
            .unwrap_or_else(|| self.new_site(&site));
        let config = &self.setup.config;
        let entry = self.sites.get_mut(id);
        let order = entry.row.next_order;
        entry.row.next_order += 1;
        let lane = Lane::of(found.how, found.depth);
        let row_key = queue_key(key.partition, &site, lane, order, key.fingerprint);
        let row = QueueRow {
            found,
            fingerprint: key.fingerprint,
            attempts: 0,
        };
        if config.pages_per_site_max > 0 && entry.row.queued >= config.pages_per_site_max {
            entry.row.cold += 1;
            batch.put(Keyspace::Cold, row_key, row.encode());
            self.snapshot
                .books
                .settle(1, UrlState::Excluded, Reason::Budget);
            self.sites.touch(id);
            return;
        }
        entry.row.queued += 1;
        batch.put(Keyspace::Queue, row_key, row.encode());
        if let Some(reason) = entry.row.parked {
            self.snapshot.books.settle(1, UrlState::Excluded, reason);
        }
        self.sites.add_pending(id, 1);
        if self.wake.last() != Some(&id) {
            self.wake.push(id);
        }
    }
}
