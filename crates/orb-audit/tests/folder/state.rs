//! A state in memory that fits a small crawl folder, until a test spoils it.
//!
//! In: the exchanges of the folder. Out: what a store would say. May touch: nothing.
//! Invariant: unspoilt, its books balance.

use std::collections::BTreeMap;

use orb_api::{AttemptKind, Books, Reason, UrlState};
use orb_audit::{ArchiveEnd, Fate, StateError, StateReader, StoredSlot, UrlKey, Waiting};
use orb_shard::SlotId;
use orb_url::{CrawlKey, CrawlUrl};

use super::{Draft, SEGMENT};

/// URL, state, reason, status, segment and offset.
pub(crate) type FakeFate = (String, UrlState, Reason, u16, Option<(u32, u64)>);

/// A state in memory. `fill` makes one that fits the rows; a test changes it by `spoil`.
#[derive(Default)]
pub(crate) struct FakeState {
    pub(crate) sieve_keys: u64,
    /// Whether reading the fates fails.
    pub(crate) damaged: bool,
    pub(crate) stored: BTreeMap<u8, StoredSlot>,
    pub(crate) queue: Vec<(String, Option<Reason>)>,
    pub(crate) undrained: Vec<String>,
    pub(crate) fates: Vec<FakeFate>,
    pub(crate) spoil: Option<fn(&mut FakeState)>,
}

impl FakeState {
    pub(crate) fn fill(&mut self, drafts: &[Draft], attempts_bytes: usize, segment_bytes: u64) {
        self.queue = vec![
            ("https://a.example/waits".into(), None),
            ("https://p.example/".into(), Some(Reason::CrawlDelay)),
        ];
        self.undrained = vec!["https://a.example/found".into()];
        let fate = |url: &str, state, reason| (url.to_owned(), state, reason, 0, None);
        self.fates = vec![
            fate(
                "https://a.example/private",
                UrlState::Excluded,
                Reason::Robots,
            ),
            fate("https://gone.example/", UrlState::Failed, Reason::Dns),
            // Tried before, and waiting again: the queue row gives the state.
            fate(
                "https://a.example/waits",
                UrlState::Pending,
                Reason::Timeout,
            ),
        ];
        for draft in drafts
            .iter()
            .filter(|draft| draft.row.kind == AttemptKind::Page)
        {
            let place = draft
                .row
                .archive
                .as_ref()
                .map(|place| (SEGMENT, place.offset));
            let status = draft.row.status.unwrap_or(0);
            self.fates.push((
                draft.row.url.clone(),
                UrlState::Done,
                Reason::None,
                status,
                place,
            ));
        }
        let done = self.fates.len() as u64 - 3;
        let excluded = BTreeMap::from([(Reason::Robots, 1), (Reason::CrawlDelay, 1)]);
        let books = Books {
            discovered: done + 5,
            pending: 2,
            done,
            failed: 1,
            excluded,
        };
        let archive = Some(ArchiveEnd {
            segment: SEGMENT,
            bytes: segment_bytes,
        });
        self.sieve_keys = books.discovered;
        let attempts_bytes = attempts_bytes as u64;
        self.stored.insert(
            0,
            StoredSlot {
                group: 1,
                books,
                attempts_bytes,
                archive,
            },
        );
        if let Some(spoil) = self.spoil {
            spoil(self);
        }
    }

    pub(crate) fn slot(&mut self) -> &mut StoredSlot {
        self.stored.get_mut(&0).unwrap()
    }
}

fn key(url: &str) -> UrlKey {
    let fingerprint = CrawlKey::ZERO.fingerprint(&CrawlUrl::parse(url).unwrap());
    UrlKey {
        partition: 1,
        fingerprint,
    }
}

impl StateReader for FakeState {
    fn sieve_keys(&self, slot: SlotId) -> Result<u64, StateError> {
        Ok(if slot.0 == 0 { self.sieve_keys } else { 0 })
    }

    fn slots(&self) -> u8 {
        4
    }

    fn stored(&self, slot: SlotId) -> Result<StoredSlot, StateError> {
        Ok(self.stored.get(&slot.0).cloned().unwrap_or_default())
    }

    fn for_each_queue_row(
        &self,
        slot: SlotId,
        each: &mut dyn FnMut(Waiting<'_>),
    ) -> Result<(), StateError> {
        for (url, excluded) in self.queue.iter().filter(|_| slot.0 == 0) {
            each(Waiting {
                key: key(url),
                url,
                excluded: *excluded,
            });
        }
        Ok(())
    }

    fn for_each_undrained(
        &self,
        slot: SlotId,
        each: &mut dyn FnMut(Waiting<'_>),
    ) -> Result<(), StateError> {
        for url in self.undrained.iter().filter(|_| slot.0 == 0) {
            each(Waiting {
                key: key(url),
                url,
                excluded: None,
            });
        }
        Ok(())
    }

    fn for_each_fate(
        &self,
        slot: SlotId,
        each: &mut dyn FnMut(Fate<'_>),
    ) -> Result<(), StateError> {
        if self.damaged {
            return Err("planted damage".into());
        }
        for (url, state, reason, status, place) in self.fates.iter().filter(|_| slot.0 == 0) {
            each(Fate {
                key: key(url),
                url,
                state: *state,
                reason: *reason,
                status: *status,
                place: *place,
            });
        }
        Ok(())
    }
}
