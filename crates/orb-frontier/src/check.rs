//! Checking one slot's state: rows against counts, counts against the books, the books against the sieve.
//!
//! In: a slot's store and sieve files that nobody works on. Out: counts, and everything that does not agree.
//! May touch: store and files, reading, blocking. Must not touch: a running frontier.
//! Invariant: nothing is believed that can be counted; memory grows with the retries of one site, with nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use orb_api::{Books, Reason, UrlState};
use orb_env::Disk;
use orb_shard::{SiteKey, SlotId, SlotMap};
use orb_store::{Keyspace, Row, Rows, Store};
use orb_url::{CrawlKey, Fingerprint};
use serde::Serialize;

use crate::admitted::Undrained;
use crate::limits::CHECK_FINDINGS_MAX;
use crate::rows::{FateRow, Lane, QueueRow, queue_place, site_of_key};
use crate::sieve::check_runs;
use crate::{Claim, FrontierError, RunList, SiteRow, SlotSnapshot, Tally};

/// What was counted in one slot, and what is wrong with it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SlotCheck {
    /// Sites with a tally.
    pub sites: u64,
    /// Queued rows.
    pub queued: u64,
    /// Rows of the cold log.
    pub cold: u64,
    /// Fates.
    pub fates: u64,
    /// Admitted URLs that are not in the queues yet.
    pub undrained: u64,
    /// Keys in the sieve.
    pub sieve_keys: u64,
    /// Bytes of the sieve's runs.
    pub sieve_bytes: u64,
    /// Disagreements in all.
    pub wrong: u64,
    /// The first of them, told.
    pub findings: Vec<String>,
}

impl SlotCheck {
    /// Whether everything agrees.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.wrong == 0
    }

    fn finds(&mut self, what: impl FnOnce() -> String) {
        self.wrong += 1;
        if self.findings.len() < CHECK_FINDINGS_MAX {
            self.findings.push(what());
        }
    }
}

/// What of a slot is checked.
pub struct SlotState<'a> {
    /// Which slot.
    pub slot: SlotId,
    /// Which slot owns what.
    pub slots: SlotMap,
    /// Key of fingerprints and sites.
    pub key: CrawlKey,
    /// The slot's store.
    pub store: &'a dyn Store,
    /// Where its sieve's files are.
    pub disk: &'a dyn Disk,
    /// Folder of the sieve's files.
    pub sieve_dir: &'a Path,
}

/// Checks a slot. Blocking; cost: one pass over everything it holds.
///
/// # Errors
/// When store or files cannot be read at all; what can be read and is wrong is a finding.
pub fn check_slot(state: &SlotState<'_>) -> Result<SlotCheck, FrontierError> {
    let mut checker = Checker {
        state,
        check: SlotCheck::default(),
        books: Books::default(),
    };
    checker.rows()?;
    let snapshot = SlotSnapshot::read(state.store)?.unwrap_or_default();
    checker.admitted(&snapshot)?;
    checker.sieve(&snapshot)?;
    checker.books(&snapshot);
    Ok(checker.check)
}

struct Checker<'a> {
    state: &'a SlotState<'a>,
    check: SlotCheck,
    /// As the rows tell them; `discovered` is left to the end.
    books: Books,
}

/// Counts of the rows of one site.
#[derive(Default)]
struct SiteSum {
    queued: u64,
    retries: u64,
    cold: u64,
    /// Fingerprints of those tried again: a page that is fetched again has a fate too, and its queue row counts.
    again: BTreeSet<u64>,
    lanes: u32,
    first_of_lane: Vec<(Lane, u64)>,
}

impl Checker<'_> {
    /// Site by site: what its tally and row say against the rows themselves.
    fn rows(&mut self) -> Result<(), FrontierError> {
        let store = self.state.store;
        let mut tallies = Cursor::new(store, Keyspace::Tallies);
        let mut sites = Cursor::new(store, Keyspace::Sites);
        let mut queue = Cursor::new(store, Keyspace::Queue);
        let mut cold = Cursor::new(store, Keyspace::Cold);
        let mut fates = Cursor::new(store, Keyspace::Fates);
        let mut claims = Cursor::new(store, Keyspace::Claims);
        loop {
            let mut next: Option<SiteKey> = None;
            let rows = [&mut tallies, &mut sites, &mut queue, &mut cold];
            for cursor in rows.into_iter().chain([&mut fates, &mut claims]) {
                next = next.into_iter().chain(cursor.site()?).min();
            }
            let Some(site) = next else {
                return Ok(());
            };
            if self.state.slots.slot_of(site.partition()) != self.state.slot {
                self.check
                    .finds(|| format!("{}: not a site of this slot", named(site)));
            }
            let tally = match tallies.take(site)? {
                Some((_, value)) => {
                    self.check.sites += 1;
                    Tally::decode(&value)?.0
                }
                None => {
                    self.check
                        .finds(|| format!("{}: rows without a tally", named(site)));
                    Tally::default()
                }
            };
            let row = sites.take(site)?.map(|(_, value)| SiteRow::decode(&value));
            let row = row.transpose()?;
            self.name(site, &tally, row.as_ref());
            let mut sum = SiteSum::default();
            while let Some((key, value)) = queue.take(site)? {
                self.queue_row(site, &key, &value, &mut sum)?;
            }
            while let Some((key, value)) = cold.take(site)? {
                self.url_of(site, &key, &value)?;
                sum.cold += 1;
            }
            while let Some((key, value)) = fates.take(site)? {
                self.fate(site, &key, &value, &sum)?;
            }
            while let Some((_, value)) = claims.take(site)? {
                Claim::decode(&value)?;
            }
            self.sums(site, &tally, row.as_ref(), &sum);
        }
    }

    fn name(&mut self, site: SiteKey, tally: &Tally, row: Option<&SiteRow>) {
        match row {
            Some(row) if SiteKey::of(&self.state.key, &row.name) != site => {
                let name = row.name.clone();
                self.check
                    .finds(|| format!("{}: {} has another key", named(site), name.as_str()));
            }
            None if tally.queued + tally.cold > 0 => {
                self.check
                    .finds(|| format!("{}: no row holds its name", named(site)));
            }
            _ => {}
        }
    }

    fn queue_row(
        &mut self,
        site: SiteKey,
        key: &[u8],
        value: &[u8],
        sum: &mut SiteSum,
    ) -> Result<(), FrontierError> {
        self.url_of(site, key, value)?;
        let (lane, order) = queue_place(key);
        sum.queued += 1;
        if lane == Lane::RETRY {
            sum.retries += 1;
            let tie = key.last_chunk().copied().unwrap_or_default();
            sum.again.insert(u64::from_be_bytes(tie));
        } else if sum.lanes & lane.bit() == 0 {
            sum.lanes |= lane.bit();
            sum.first_of_lane.push((lane, order));
        }
        Ok(())
    }

    /// Reads a queue row and holds its URL against its key.
    fn url_of(&mut self, site: SiteKey, key: &[u8], value: &[u8]) -> Result<(), FrontierError> {
        let row = QueueRow::decode(&self.state.key, value)?;
        let own = SiteKey::of_url(&self.state.key, &row.found.url);
        let lane = queue_place(key).0;
        let tied = lane != Lane::RETRY || key.ends_with(&row.fingerprint.0.to_be_bytes());
        if own != site || !tied {
            let url = row.found.url;
            self.check.finds(|| {
                format!(
                    "{}: {} is queued under another key",
                    named(site),
                    url.as_str()
                )
            });
        }
        Ok(())
    }

    fn fate(
        &mut self,
        site: SiteKey,
        key: &[u8],
        value: &[u8],
        sum: &SiteSum,
    ) -> Result<(), FrontierError> {
        let row = FateRow::decode(value)?;
        let bytes = key.last_chunk().copied().unwrap_or_default();
        let own = SiteKey::of_url(&self.state.key, row.url());
        let fingerprint = self.state.key.fingerprint(row.url());
        if own != site || fingerprint != Fingerprint(u64::from_be_bytes(bytes)) {
            let url = row.url().clone();
            self.check.finds(|| {
                format!(
                    "{}: the fate of {} has another key",
                    named(site),
                    url.as_str()
                )
            });
        }
        self.check.fates += 1;
        if !sum.again.contains(&fingerprint.0) {
            self.books.pending += 1;
            self.books.settle(1, row.state, row.reason);
        }
        Ok(())
    }

    fn sums(&mut self, site: SiteKey, tally: &Tally, row: Option<&SiteRow>, sum: &SiteSum) {
        self.check.queued += sum.queued;
        self.check.cold += sum.cold;
        self.books.pending += sum.queued + sum.cold;
        self.books
            .settle(sum.cold, UrlState::Excluded, Reason::Budget);
        if let Some(reason) = tally.parked {
            self.books.settle(sum.queued, UrlState::Excluded, reason);
        }
        let counts = [
            ("pending", u64::from(tally.pending), sum.queued),
            ("cut", u64::from(tally.cold), sum.cold),
            ("tried again", row.map_or(0, |row| row.retries), sum.retries),
        ];
        for (what, told, counted) in counts {
            if told != counted {
                self.check
                    .finds(|| format!("{}: {told} {what} told, {counted} rows", named(site)));
            }
        }
        if sum.lanes & !tally.lanes != 0 {
            self.check
                .finds(|| format!("{}: rows in a lane that is told empty", named(site)));
        }
        for (lane, first) in &sum.first_of_lane {
            if row.is_some_and(|row| row.starts.of(*lane) > *first) {
                let lane = lane.number();
                self.check
                    .finds(|| format!("{}: rows of lane {lane} lie before its start", named(site)));
            }
        }
    }

    fn admitted(&mut self, snapshot: &SlotSnapshot) -> Result<(), FrontierError> {
        for file in &snapshot.admitted {
            let (mut rows, mut gone) = (0, 0);
            for row in Undrained::of(self.state.disk, self.state.sieve_dir, file) {
                let (key, _) = row?;
                rows += 1;
                gone += u64::from(snapshot.moved.contains(&key.partition.get()));
            }
            if rows != file.rows - file.drained {
                let (id, left) = (file.id, file.rows - file.drained);
                self.check.finds(|| {
                    format!("admitted file {id}: {left} rows left as told, {rows} there")
                });
            }
            self.check.undrained += rows - gone;
        }
        self.books.pending += self.check.undrained;
        Ok(())
    }

    fn sieve(&mut self, snapshot: &SlotSnapshot) -> Result<(), FrontierError> {
        let runs = RunList::read(self.state.store)?;
        let mut kept = 0;
        let mut strange = 0;
        let checked = check_runs(self.state.disk, self.state.sieve_dir, &runs, &mut |key| {
            kept += u64::from(!snapshot.moved.contains(&key.partition.get()));
            strange += u64::from(self.state.slots.slot_of(key.partition) != self.state.slot);
        })?;
        self.check.sieve_keys = checked.keys;
        self.check.sieve_bytes = checked.bytes;
        if strange > 0 {
            self.check
                .finds(|| format!("sieve: {strange} keys of other slots"));
        }
        let discovered = snapshot.books.discovered;
        if kept != discovered {
            self.check
                .finds(|| format!("sieve: {kept} keys, {discovered} discovered"));
        }
        Ok(())
    }

    fn books(&mut self, snapshot: &SlotSnapshot) {
        let counted = &mut self.books;
        counted.discovered = counted.pending
            + counted.done
            + counted.failed
            + counted.excluded.values().sum::<u64>();
        if *counted != snapshot.books {
            let (told, counted) = (snapshot.books.clone(), counted.clone());
            self.check
                .finds(|| format!("books: told {told:?}, rows say {counted:?}"));
        }
    }
}

fn named(site: SiteKey) -> String {
    format!("site {:016x}", site.get())
}

/// A keyspace read site by site.
struct Cursor<'a>(Rows<'a>);

impl<'a> Cursor<'a> {
    fn new(store: &'a dyn Store, keyspace: Keyspace) -> Cursor<'a> {
        Cursor(Rows::all(store, keyspace))
    }

    /// The site of the next row. What is too short to name one is told as a site of zeroes.
    fn site(&mut self) -> Result<Option<SiteKey>, FrontierError> {
        let row = self.0.peek()?;
        let none = SiteKey::from_bytes([0; 8]);
        Ok(row.map(|(key, _)| site_of_key(key).unwrap_or(none)))
    }

    /// Takes the next row if it is of `site`.
    fn take(&mut self, site: SiteKey) -> Result<Option<Row>, FrontierError> {
        if self.site()? != Some(site) {
            return Ok(None);
        }
        Ok(self.0.next().transpose()?)
    }
}
