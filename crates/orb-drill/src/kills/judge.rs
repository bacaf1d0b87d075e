//! The judge: opens what a killed child left, and holds it against what the child wrote down and the stream it read.
//!
//! In: a folder. Out: counts, or what is wrong. May touch: the folder.
//! Invariant: rows and files speak; the frontier's own counters are only compared with them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use orb_api::UrlState;
use orb_env::{KernelDisk, Mono};
use orb_frontier::rows::FateRow;
use orb_frontier::{Found, Frontier, QueueRow, SlotSnapshot, SlotState, Undrained, check_slot};
use orb_shard::SlotId;
use orb_store::{Keyspace, Rows, Store, StoreError};
use orb_url::{CrawlKey, Site};

use super::child::{fold, opens_at, undone};
use super::ledger::{Attempt, attempts, last_commit};
use super::{KillSettings, ROUND_LINKS, SLOT, attempts_log, commits_log, politeness};
use crate::DrillError;
use crate::shard::stamp;
use crate::slot::{Slot, sieve_dir};
use crate::stream::{Stream, key_of};

/// What a check saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// URLs of the stream that had been absorbed and were found in one state each.
    pub urls: u64,
    /// Of them those in a final state.
    pub settled: u64,
    /// Sites whose next time was held against their requests.
    pub clocks: u64,
    /// Requests that no group covered.
    pub undone: u64,
    /// Groups durable so far.
    pub groups: u64,
}

/// Remembers the folder's stream and what was settled at the check before.
pub struct Judge {
    settings: KillSettings,
    stream: Stream,
    /// URLs of the slot in the order of the stream, each with the position it needs.
    known: Vec<(u64, String)>,
    position: u64,
    settled: BTreeSet<String>,
}

/// Where a URL stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Pending,
    Done,
    Failed,
    Excluded,
}

fn broken(what: impl Into<String>) -> DrillError {
    DrillError::Broken {
        slot: SLOT,
        what: what.into(),
    }
}

impl Judge {
    /// Of a folder that nobody has worked on yet.
    ///
    /// # Errors
    /// None that can be met.
    pub fn new(settings: &KillSettings) -> Result<Judge, DrillError> {
        Ok(Judge {
            stream: Stream::new(
                settings.stream(),
                KillSettings::slots()?,
                key_of(settings.seed),
            ),
            settings: settings.clone(),
            known: Vec::new(),
            position: 0,
            settled: BTreeSet::new(),
        })
    }

    /// Opens the folder as the next process would, checks everything, and closes it again.
    ///
    /// # Errors
    /// What is broken; what store, frontier or disk say.
    pub fn check(&mut self) -> Result<Checked, DrillError> {
        let dir = self.settings.dir.clone();
        let mut setup = self.settings.setup()?;
        let opened = opens_at(&dir)?;
        setup.opened = stamp(opened);
        setup.clean = false;
        let store = setup.open_store(&dir, SLOT)?;
        let undone = undone(&dir, store.as_ref())?;
        let mut slot = Slot::with_store(&setup, &dir, SLOT, Arc::clone(&store))?;
        self.check_commits(&slot.frontier)?;
        let found = self.check_urls(&slot.frontier, store.as_ref())?;
        fold(&mut slot, &undone, opened)?;
        let clocks = self.check_clocks(&mut slot, opened)?;
        Ok(Checked {
            urls: found,
            settled: self.settled.len() as u64,
            clocks,
            undone: undone.len() as u64,
            groups: slot.frontier.group(),
        })
    }

    /// No group that was named is gone.
    fn check_commits(&self, frontier: &Frontier) -> Result<(), DrillError> {
        let path = commits_log(&self.settings.dir);
        let named = last_commit(&path).map_err(DrillError::io("read", path))?;
        let books = frontier.books();
        if !books.balanced() {
            return Err(broken(format!("books do not balance: {books:?}")));
        }
        let excluded: u64 = books.excluded.values().sum();
        let settled = books.done + books.failed + excluded;
        let position = frontier.durable_to(SlotId(0)).bytes;
        let kept = frontier.group() >= named.group
            && books.discovered >= named.discovered
            && settled >= named.settled
            && position >= named.position;
        if kept {
            Ok(())
        } else {
            Err(broken(format!(
                "a durable group is gone: named {named:?}, found group {}, {books:?}, position {position}",
                frontier.group()
            )))
        }
    }

    /// Every URL that was absorbed is in exactly one state, and the books count these states.
    fn check_urls(&mut self, frontier: &Frontier, store: &dyn Store) -> Result<u64, DrillError> {
        let stands = self.stands(store)?;
        let position = frontier.durable_to(SlotId(0)).bytes;
        self.learn_stream(position)?;
        let absorbed = self
            .known
            .iter()
            .take_while(|(needs, _)| *needs <= position);
        let mut count = 0;
        for (needs, url) in absorbed {
            count += 1;
            if !stands.contains_key(url) {
                return Err(broken(format!(
                    "{url} is lost: absorbed at {needs}, position {position}"
                )));
            }
        }
        let books = frontier.books();
        let of = |state| stands.values().filter(|stands| **stands == state).count() as u64;
        let excluded: u64 = books.excluded.values().sum();
        let counted = [
            (Stands::Pending, books.pending),
            (Stands::Done, books.done),
            (Stands::Failed, books.failed),
            (Stands::Excluded, excluded),
        ];
        for (state, in_books) in counted {
            if of(state) != in_books {
                return Err(broken(format!(
                    "{} URLs are {state:?}, the books say {in_books}",
                    of(state)
                )));
            }
        }
        self.check_slot(store)?;
        let settled: BTreeSet<String> = stands
            .into_iter()
            .filter(|(_, stands)| *stands != Stands::Pending)
            .map(|(url, _)| url)
            .collect();
        if let Some(url) = self.settled.difference(&settled).next() {
            return Err(broken(format!(
                "{url} had a final state and has none any more"
            )));
        }
        self.settled = settled;
        Ok(count)
    }

    /// What is stored agrees with itself: rows, counts, books, sieve.
    fn check_slot(&self, store: &dyn Store) -> Result<(), DrillError> {
        let checked = check_slot(&SlotState {
            slot: SLOT,
            slots: KillSettings::slots()?,
            key: key_of(self.settings.seed),
            store,
            disk: &KernelDisk,
            sieve_dir: &sieve_dir(&self.settings.dir, SLOT),
        });
        let checked = checked.map_err(|source| DrillError::Frontier { slot: SLOT, source })?;
        match checked.findings.first() {
            None => Ok(()),
            Some(first) => Err(broken(format!("{} findings: {first}", checked.wrong))),
        }
    }

    /// Where each URL stands, by rows and files.
    fn stands(&self, store: &dyn Store) -> Result<BTreeMap<String, Stands>, DrillError> {
        let mut stands = BTreeMap::new();
        let mut add = |url: &str, state: Stands| match stands.insert(url.to_owned(), state) {
            None => Ok(()),
            Some(before) => Err(broken(format!("{url} is {before:?} and {state:?}"))),
        };
        let key: CrawlKey = key_of(self.settings.seed);
        for (keyspace, state) in [
            (Keyspace::Queue, Stands::Pending),
            (Keyspace::Cold, Stands::Excluded),
        ] {
            for row in Rows::all(store, keyspace) {
                let (_, value) = row.map_err(in_store)?;
                let row =
                    QueueRow::decode(&key, &value).map_err(|error| broken(error.to_string()))?;
                add(row.found.url.as_str(), state)?;
            }
        }
        for row in Rows::all(store, Keyspace::Fates) {
            let (_, value) = row.map_err(in_store)?;
            let row = FateRow::decode(&value).map_err(|error| broken(error.to_string()))?;
            let state = match row.state {
                UrlState::Done => Stands::Done,
                UrlState::Failed => Stands::Failed,
                UrlState::Excluded => Stands::Excluded,
                state => return Err(broken(format!("{} has a fate {state:?}", row.url()))),
            };
            add(row.url().as_str(), state)?;
        }
        let snapshot = SlotSnapshot::read(store)
            .map_err(|source| DrillError::Frontier { slot: SLOT, source })?
            .unwrap_or_default();
        let dir = sieve_dir(&self.settings.dir, SLOT);
        for file in &snapshot.admitted {
            for row in Undrained::of(&KernelDisk, &dir, file) {
                let (_, found) =
                    row.map_err(|error| broken(format!("admitted file {}: {error}", file.id)))?;
                add(found.url.as_str(), Stands::Pending)?;
            }
        }
        Ok(stands)
    }

    /// Reads the stream up to a position.
    fn learn_stream(&mut self, position: u64) -> Result<(), DrillError> {
        let mut seen: BTreeSet<String> = self.known.iter().map(|(_, url)| url.clone()).collect();
        while self.position < position {
            let Some(round) = self.stream.round(ROUND_LINKS) else {
                return Ok(());
            };
            let block = &round[usize::from(SLOT.0)];
            self.position = block.end;
            let mut rest = &block.bytes[..];
            while !rest.is_empty() {
                let found = Found::decode(&mut rest).map_err(|error| broken(error.to_string()))?;
                let url = found.url.as_str().to_owned();
                if seen.insert(url.clone()) {
                    self.known.push((block.end, url));
                }
            }
        }
        Ok(())
    }

    /// No site may be asked earlier than what was written down of it allows.
    fn check_clocks(&self, slot: &mut Slot, opened: Mono) -> Result<u64, DrillError> {
        let path = attempts_log(&self.settings.dir);
        let all = attempts(&path).map_err(DrillError::io("read", path))?;
        let mut of_site: BTreeMap<Site, Vec<Attempt>> = BTreeMap::new();
        for (_, attempt) in all {
            of_site
                .entry(attempt.site.clone())
                .or_default()
                .push(attempt);
        }
        let politeness = politeness();
        for (site, attempts) in &of_site {
            let id = slot
                .frontier
                .bring(site)
                .map_err(|source| slot.broken(source))?;
            let next = slot
                .frontier
                .permits(id)
                .next_allowed(site, &politeness, None);
            let least = least_next(attempts, opened);
            if next < least {
                return Err(broken(format!(
                    "{} may be asked at {next:?}, its {} requests say {least:?}: last {:?}",
                    site.as_str(),
                    attempts.len(),
                    attempts.last()
                )));
            }
        }
        Ok(of_site.len() as u64)
    }
}

/// The earliest next request that a site's requests allow, for a process that opened at `opened` after a kill.
fn least_next(attempts: &[Attempt], opened: Mono) -> Mono {
    let politeness = politeness();
    let (mut backoff, mut hold, mut took) = (Duration::ZERO, Mono(0), Duration::ZERO);
    for attempt in attempts {
        took = attempt.ended.since(attempt.began);
        match attempt.rest {
            Some(rest) => {
                backoff = (backoff * 2)
                    .max(politeness.backoff_first)
                    .min(politeness.backoff_max);
                hold = hold.max(attempt.ended.plus(rest.min(politeness.retry_after_max)));
            }
            None if backoff / 2 < politeness.backoff_first => backoff = Duration::ZERO,
            None => backoff /= 2,
        }
    }
    let adaptive = (took * politeness.site_delay_factor).min(politeness.site_delay_adaptive_max);
    let delay = politeness.site_delay.max(adaptive).max(backoff);
    let last = attempts.last().map_or(opened, |attempt| attempt.ended);
    opened.max(last).plus(delay).max(hold)
}

fn in_store(source: StoreError) -> DrillError {
    DrillError::Store { slot: SLOT, source }
}
