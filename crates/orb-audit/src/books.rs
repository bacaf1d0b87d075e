//! Promise `books`: every discovered URL is in exactly one state, and what is done can be found.
//!
//! In: the state, the places of archived records. Out: the verdict.
//! May touch: the state, through its trait. Must not touch: the engine's counters.
//! Invariant: the books are counted anew from the rows, and each slot must balance by itself.
//!
//! Memory: about 25 bytes for each waiting URL of the slot at hand, and for each archived record.

use orb_api::{Books, UrlState, with_causes};
use orb_frontier::rows::Place;
use orb_shard::SlotId;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::AuditSettings;
use crate::archive::Segment;
use crate::error::{AuditError, StateError};
use crate::records::Places;
use crate::report::{Case, Promise, Seat, Violation};
use crate::rows::Rows;
use crate::state::{Fate, StateReader, StoredSlot, UrlKey, Waiting};

/// Attempt whose record lies at a slot's segment and offset.
type Archived = FxHashMap<(SlotId, u32, u64), usize>;

/// Judges every slot; without a state nothing can be said.
pub(crate) fn judge(
    state: Option<&dyn StateReader>,
    rows: &Rows,
    segments: &[Segment],
    places: &Places,
    settings: &AuditSettings,
) -> Result<Case, AuditError> {
    let mut case = Case::new(Promise::Books);
    let Some(state) = state else {
        case.unknown("the state was not given");
        return Ok(case);
    };
    let mut archived = Archived::default();
    for at in 0..rows.all.len() {
        if let Some((number, offset, _)) = places.of(at) {
            let segment = &segments[number as usize];
            archived.insert((segment.slot(), segment.parts.serial, offset), at);
        }
    }
    for slot in (0..state.slots()).map(SlotId) {
        let stored = state.stored(slot).map_err(AuditError::state(slot))?;
        let mut count = Count {
            slot,
            rows,
            archived: &archived,
            settings,
            waiting: FxHashSet::default(),
            books: Books::default(),
            case: &mut case,
        };
        // What cannot be read cannot balance; that is the crawl's fault, not the audit's.
        let sieve_keys = match count.slot(state) {
            Ok(sieve_keys) => sieve_keys,
            Err(error) => {
                count.unreadable(error.as_ref());
                continue;
            }
        };
        let counted = std::mem::take(&mut count.books);
        let named = rows.committed.get(&slot).copied().unwrap_or(0);
        balance(slot, &stored, &counted, (named, sieve_keys), &mut case);
    }
    Ok(case)
}

/// Counts the rows of one slot.
struct Count<'a> {
    slot: SlotId,
    rows: &'a Rows,
    archived: &'a Archived,
    settings: &'a AuditSettings,
    waiting: FxHashSet<UrlKey>,
    books: Books,
    case: &'a mut Case,
}

impl Count<'_> {
    /// Counts every row and returns the number of keys in the sieve.
    fn slot(&mut self, state: &dyn StateReader) -> Result<u64, StateError> {
        let slot = self.slot;
        state.for_each_queue_row(slot, &mut |row| self.waits(row, "queue_rows"))?;
        state.for_each_undrained(slot, &mut |row| self.waits(row, "undrained_rows"))?;
        state.for_each_fate(slot, &mut |fate| self.fate(fate))?;
        state.sieve_keys(slot)
    }

    fn unreadable(&mut self, error: &(dyn std::error::Error + 'static)) {
        let seen = with_causes(error);
        let seat = seat(self.slot);
        let expected = "rows and files that can be read".to_owned();
        self.case.violate(|| Violation {
            rule: "unreadable",
            seat,
            url: None,
            expected,
            seen,
        });
    }

    fn waits(&mut self, row: Waiting<'_>, kind: &'static str) {
        self.case.count(kind, 1);
        if !self.waiting.insert(row.key) {
            return self.violate("waits_twice", row.url, "one place to wait in", "two".into());
        }
        match row.excluded {
            None => self.books.pending += 1,
            Some(reason) => *self.books.excluded.entry(reason).or_default() += 1,
        }
    }

    fn fate(&mut self, fate: Fate<'_>) {
        self.case.count("fate_rows", 1);
        self.place(&fate);
        // A URL that waits again keeps its fate; the queue row gives the state.
        if self.waiting.contains(&fate.key) {
            return;
        }
        match fate.state {
            UrlState::Done => self.books.done += 1,
            UrlState::Failed => self.books.failed += 1,
            UrlState::Excluded => *self.books.excluded.entry(fate.reason).or_default() += 1,
            UrlState::Pending => {
                self.violate(
                    "lost",
                    fate.url,
                    "a queue row of a pending URL",
                    "none".into(),
                );
            }
        }
        // Without a record no status is kept, so it says nothing where some answers are not archived.
        let kept = self.settings.statuses.is_empty();
        if fate.state == UrlState::Done && fate.status == 0 && kept {
            self.violate("done_without_answer", fate.url, "an answer", "none".into());
        }
    }

    /// What was fetched must be where its fate says.
    fn place(&mut self, fate: &Fate<'_>) {
        let Some((segment, offset)) = fate.place else {
            if fate.status != 0 && self.settings.archives(fate.status) {
                self.violate(
                    "no_place",
                    fate.url,
                    "the place of its record",
                    "none".into(),
                );
            }
            return;
        };
        if segment == Place::ELSEWHERE.segment {
            return self.case.count("places_elsewhere", 1);
        }
        let found = self
            .archived
            .get(&(self.slot, segment, offset))
            .map(|&at| &self.rows.all[at]);
        match found {
            Some(row) if &*row.url == fate.url => self.case.count("places", 1),
            other => {
                let seen = other.map_or("no record of an attempt".to_owned(), |row| {
                    format!("that of {}", row.url)
                });
                let expected = format!("its record at segment {segment:05}, byte {offset}");
                self.violate("wrong_place", fate.url, &expected, seen);
            }
        }
    }

    fn violate(&mut self, rule: &'static str, url: &str, expected: &str, seen: String) {
        let seat = seat(self.slot);
        self.case.violate(|| Violation {
            rule,
            seat,
            url: Some(url.to_owned()),
            expected: expected.to_owned(),
            seen,
        });
    }
}

/// Holds the stored books against what was counted.
fn balance(
    slot: SlotId,
    stored: &StoredSlot,
    counted: &Books,
    (named, sieve_keys): (u64, u64),
    case: &mut Case,
) {
    let mut hold = |rule, expected: String, seen: String| {
        if expected != seen {
            case.violate(|| Violation {
                rule,
                seat: seat(slot),
                url: None,
                expected,
                seen,
            });
        }
    };
    let books = &stored.books;
    let states = |books: &Books| {
        let excluded: Vec<String> = books
            .excluded
            .iter()
            .map(|(reason, count)| format!("{reason} {count}"))
            .collect();
        let excluded = excluded.join(", ");
        format!(
            "pending {}, done {}, failed {}, excluded ({excluded})",
            books.pending, books.done, books.failed
        )
    };
    hold("counts", states(counted), states(books));
    let sum = books.pending + books.done + books.failed + books.excluded.values().sum::<u64>();
    hold(
        "balance",
        format!("{} discovered", books.discovered),
        format!("{sum} discovered"),
    );
    hold(
        "sieve",
        format!("{} keys", books.discovered),
        format!("{} keys", sieve_keys),
    );
    // What a commit row names was synced before it was written.
    let kept = named.min(stored.group);
    hold(
        "group_lost",
        format!("group {named}"),
        format!("group {kept}"),
    );
    case.count("discovered", books.discovered);
    case.count("slots", 1);
}

fn seat(slot: SlotId) -> Seat {
    Seat {
        file: format!("state/slot-{slot}"),
        ..Seat::default()
    }
}
