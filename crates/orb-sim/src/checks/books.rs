//! The books against the truth: every URL that must be found is found, once, and ended as it must.
//!
//! In: rows of the stores, the web's truth. Out: findings, and every URL's end.
//! May touch: stores, for reading. Must not touch: the crawl's own counters, except to hold them against the rows.
//! Invariant: rows are counted here, not taken from a summary.

use std::collections::BTreeMap;

use orb_api::{Books, Outcome, Reason, UrlState};
use orb_frontier::rows::{FateRow, QueueRow, SITE_KEY_BYTES};
use orb_frontier::{SlotSnapshot, Tally};
use orb_shard::SlotId;
use orb_simweb::Fate;
use orb_store::{Keyspace, StoreOpener};
use orb_url::CrawlKey;

use super::{Aftermath, Findings};
use crate::life::LifeEnd;
use crate::remains::for_each_row;

/// How a URL ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) state: UrlState,
    pub(super) outcome: Outcome,
    pub(super) reason: Reason,
}

/// Every URL's end, and the books.
#[derive(Default)]
pub(super) struct Fates {
    pub(super) by_url: BTreeMap<String, Ended>,
    pub(super) books: Books,
    across_slots: u64,
}

pub(super) fn judge(after: &Aftermath<'_>, findings: &mut Findings) -> Fates {
    let mut fates = Fates::default();
    for slot in (0..4).map(SlotId) {
        read_slot(after, slot, &mut fates, findings);
    }
    findings.count("links across slots", fates.across_slots);
    let books = &fates.books;
    if !books.balanced() || books.pending > 0 {
        findings.violate(
            "books",
            format!("{books:?} do not balance or leave something pending"),
        );
    }
    let counted = fates.by_url.len() as u64;
    if books.discovered != counted {
        findings.violate(
            "books",
            format!("{} discovered, {counted} URLs have rows", books.discovered),
        );
    }
    against_truth(after, &fates, findings);
    fates
}

fn read_slot(after: &Aftermath<'_>, slot: SlotId, fates: &mut Fates, findings: &mut Findings) {
    let path = after.dir.store(slot);
    let mut parked = BTreeMap::new();
    for_each_row(after.stores, &path, Keyspace::Tallies, |key, value| {
        if let Ok((tally, _)) = Tally::decode(value)
            && let Some(reason) = tally.parked
        {
            parked.insert(key.to_vec(), reason);
        }
    });
    let mut twice = Vec::new();
    let mut note = |url: &str, ended: Ended, by_url: &mut BTreeMap<String, Ended>| {
        if by_url.insert(url.to_owned(), ended).is_some() {
            twice.push(url.to_owned());
        }
    };
    for_each_row(after.stores, &path, Keyspace::Fates, |_, value| {
        let Ok(row) = FateRow::decode(value) else {
            return;
        };
        let (state, outcome, reason) = (row.state, row.outcome, row.reason);
        note(
            row.url().as_str(),
            Ended {
                state,
                outcome,
                reason,
            },
            &mut fates.by_url,
        );
        let crosses = row
            .found
            .via
            .as_ref()
            .is_some_and(|via| via.site() != row.url().site());
        fates.across_slots += u64::from(crosses);
    });
    for_each_row(after.stores, &path, Keyspace::Queue, |key, value| {
        // The key of the crawl only matters to fingerprints, which nobody looks at here.
        let Ok(row) = QueueRow::decode(&CrawlKey::ZERO, value) else {
            return;
        };
        let site = key.get(..SITE_KEY_BYTES).unwrap_or_default();
        let (state, reason) = match parked.get(site) {
            Some(&reason) => (UrlState::Excluded, reason),
            None => (UrlState::Pending, Reason::None),
        };
        let outcome = Outcome::Refused;
        note(
            row.found.url.as_str(),
            Ended {
                state,
                outcome,
                reason,
            },
            &mut fates.by_url,
        );
    });
    for url in twice {
        findings.violate("books", format!("{url} has two rows"));
    }
    let store = after.stores.open(&path).ok();
    if let Some(Ok(Some(snapshot))) = store.map(|store| SlotSnapshot::read(store.as_ref())) {
        fates.books += &snapshot.books;
    }
}

fn against_truth(after: &Aftermath<'_>, fates: &Fates, findings: &mut Findings) {
    let truth = after.truth();
    let kills = after
        .lives
        .iter()
        .filter(|life| life.end == LifeEnd::Killed)
        .count();
    for (url, fate) in truth.iter() {
        findings.count("urls", 1);
        let Some(ended) = fates.by_url.get(url) else {
            findings.violate(
                "nothing lost",
                format!("{url} must be found ({}) and was not", fate.name()),
            );
            continue;
        };
        // A page that was being read at two kills is given up, as the design says.
        if kills >= 2 && ended.reason == Reason::Poison {
            findings.count("given up as poison", 1);
            continue;
        }
        if !agrees(fate, *ended) {
            findings.violate(
                "truth",
                format!("{url} must end as {}, ended as {ended:?}", fate.name()),
            );
        }
    }
    for url in fates.by_url.keys().filter(|url| truth.fate(url).is_none()) {
        findings.violate("truth", format!("{url} was discovered and leads nowhere"));
    }
}

fn agrees(fate: Fate, ended: Ended) -> bool {
    let done = |outcome: Outcome| ended.state == UrlState::Done && ended.outcome == outcome;
    let excluded = |reason| ended.state == UrlState::Excluded && ended.reason == reason;
    match fate {
        Fate::Captured => done(Outcome::Captured) || done(Outcome::NotModified),
        Fate::CutShort => done(Outcome::Captured) || ended.state == UrlState::Failed,
        Fate::Redirect => done(Outcome::Redirect),
        Fate::Gone => done(Outcome::Gone),
        Fate::Failed => ended.state == UrlState::Failed,
        Fate::RobotsDenied => excluded(Reason::Robots),
        Fate::RobotsUnreachable => excluded(Reason::RobotsUnreachable),
        Fate::DelayTooLong => excluded(Reason::CrawlDelay),
        Fate::Unresolved => {
            excluded(Reason::RobotsUnreachable)
                || ended.state == UrlState::Failed && ended.reason == Reason::Dns
        }
        _ => false,
    }
}
