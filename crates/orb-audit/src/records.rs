//! Promise `one_record_per_fetch`: each completed fetch is in the archive exactly once, and nothing else is.
//!
//! In: attempt rows, the archive's records in order. Out: the verdict, and where each attempt's record lies.
//! May touch: nothing. Must not touch: the disk, digests.
//! Invariant: every record is counted for one attempt or condemned.
//!
//! The record of an attempt has its id: a response, a revisit, or a metadata record whose fields say why there is no
//! body. Its request and metadata name it in `WARC-Concurrent-To`. Memory: 48 bytes an attempt, and the ids of all
//! records (about 20 bytes each).

use orb_warc::{Oddity, ReadError, Record, RecordId, RecordType};
use rustc_hash::FxHashSet;

use crate::AuditSettings;
use crate::archive::Segment;
use crate::report::{Case, Seat, Violation};
use crate::row::{Durability, Row};
use crate::rows::Rows;

/// Where a record lies: segment by number, offset, bytes.
pub(crate) type RecordPlace = (u32, u64, u64);

/// What the archive holds for one attempt.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    place: Option<RecordPlace>,
    /// Whether the record is metadata in place of a body.
    bodiless: bool,
    records: u16,
    requests: u16,
    metadata: u16,
}

/// Where the record of each attempt was found.
#[derive(Debug)]
pub(crate) struct Places(Vec<Held>);

impl Places {
    /// The record of the attempt at this index of the rows.
    pub(crate) fn of(&self, attempt: usize) -> Option<RecordPlace> {
        self.0[attempt].place
    }
}

/// Watches the records go by.
pub(crate) struct RecordCheck<'a> {
    rows: &'a Rows,
    case: Case,
    held: Vec<Held>,
    ids: FxHashSet<RecordId>,
    settings: &'a AuditSettings,
}

impl<'a> RecordCheck<'a> {
    pub(crate) fn new(rows: &'a Rows, case: Case, settings: &'a AuditSettings) -> RecordCheck<'a> {
        RecordCheck {
            rows,
            case,
            held: vec![Held::default(); rows.all.len()],
            ids: FxHashSet::default(),
            settings,
        }
    }

    /// One whole record of `segment`, the `number`th.
    pub(crate) fn record(&mut self, number: usize, segment: &Segment, record: &Record) {
        let seat = segment.seat(record.offset);
        self.form(&seat, record);
        let own = record.id().and_then(|id| self.rows.of_id(id));
        let main = match record.record_type() {
            RecordType::Warcinfo => return self.case.count("warcinfo", 1),
            RecordType::Response => "responses",
            RecordType::Revisit => "revisits",
            RecordType::Metadata if own.is_some() => "bodies_absent",
            kind => return self.companion(kind, seat, record),
        };
        self.case.count(main, 1);
        let Some(attempt) = own else {
            let expected = "an attempt row of the same id";
            return self.violate("no_attempt", seat, record, expected, "none".into());
        };
        let row = &self.rows.all[attempt];
        let held = &mut self.held[attempt];
        held.records = held.records.saturating_add(1);
        held.bodiless = record.record_type() == RecordType::Metadata;
        if held.records == 1 {
            held.place = Some((number as u32, record.offset, record.len));
        }
        if held.bodiless && record.block_fields().0.get("bodyAbsent").is_none() {
            let expected = "a field `bodyAbsent` that says why";
            self.violate("absent_body", seat.clone(), record, expected, "none".into());
        }
        if row.slot != segment.slot() {
            let (expected, seen) = (
                format!("a segment of slot {}", row.slot),
                format!("one of {}", segment.slot()),
            );
            self.violate("wrong_slot", seat.clone(), record, &expected, seen);
        }
        if record.target_uri() != Some(&*row.url) {
            let seen = record.target_uri().unwrap_or("none").to_owned();
            self.violate("wrong_url", seat, record, &row.url, seen);
        }
    }

    /// What every record must have: an id of its own, and a member of its own.
    fn form(&mut self, seat: &Seat, record: &Record) {
        match record.id() {
            None => self.violate(
                "record_id",
                seat.clone(),
                record,
                "a record id",
                "none".into(),
            ),
            Some(id) if !self.ids.insert(id) => {
                self.violate(
                    "record_id_twice",
                    seat.clone(),
                    record,
                    "an id of its own",
                    id.to_string(),
                );
            }
            Some(_) => {}
        }
        if let Some(odd) = record.oddities.iter().find(|&&odd| odd != Oddity::BlockCut) {
            let seen = format!("{odd:?}");
            self.violate(
                "odd_record",
                seat.clone(),
                record,
                "a record as we write them",
                seen,
            );
        }
    }

    /// A record that belongs to another one.
    fn companion(&mut self, kind: RecordType, seat: Seat, record: &Record) {
        let named = record
            .id_of("WARC-Concurrent-To")
            .or_else(|| record.id_of("WARC-Refers-To"));
        let Some(attempt) = named.and_then(|id| self.rows.of_id(id)) else {
            let seen = named.map_or("none".to_owned(), |id| id.to_string());
            return self.violate(
                "no_attempt",
                seat,
                record,
                "the id of an attempt's record",
                seen,
            );
        };
        let held = &mut self.held[attempt];
        match kind {
            RecordType::Request => held.requests = held.requests.saturating_add(1),
            RecordType::Metadata => held.metadata = held.metadata.saturating_add(1),
            RecordType::Conversion | RecordType::Resource => {}
            _ => self.violate(
                "record_type",
                seat,
                record,
                "a type that we write",
                format!("{kind:?}"),
            ),
        }
        self.case.count("companions", 1);
    }

    /// Bytes of `segment` that are no record.
    pub(crate) fn damage(&mut self, segment: &Segment, damage: &ReadError) {
        let (rule, offset) = match damage {
            ReadError::Torn { offset } => ("torn", *offset),
            ReadError::Damaged { offset, .. } => ("damaged", *offset),
            _ => ("unreadable", 0),
        };
        if rule == "torn" && self.settings.awaiting_recovery {
            return self
                .case
                .count("bytes_awaiting_recovery", segment.bytes - offset);
        }
        let seat = segment.seat(offset);
        let (expected, seen) = ("whole records".to_owned(), damage.to_string());
        self.case.violate(|| Violation {
            rule,
            seat,
            url: None,
            expected,
            seen,
        });
    }

    /// Holds what was seen against every row.
    pub(crate) fn finish(mut self, segments: &[Segment]) -> (Case, Places) {
        for (row, held) in self.rows.all.iter().zip(&self.held) {
            let found = match row.durability {
                Durability::RolledBack => rolled_back(held),
                _ if held.records == 0 => {
                    let kept = row
                        .answer
                        .status
                        .is_some_and(|status| self.settings.archives(status));
                    let due = row.durability == Durability::Committed
                        && (kept || row.answer.archive.is_some());
                    due.then(|| {
                        (
                            "no_record",
                            "a response or revisit record".into(),
                            "none".into(),
                        )
                    })
                }
                _ => archived(row, held, segments, self.rows),
            };
            if let Some((rule, expected, seen)) = found {
                let (seat, url) = (row.seat(), Some(row.url.to_string()));
                self.case.violate(|| Violation {
                    rule,
                    seat,
                    url,
                    expected,
                    seen,
                });
            }
            if row.durability == Durability::Undecided {
                self.case.count("rows_undecided", 1);
            }
        }
        (self.case, Places(self.held))
    }

    fn violate(
        &mut self,
        rule: &'static str,
        seat: Seat,
        record: &Record,
        expected: &str,
        seen: String,
    ) {
        let url = record.target_uri().map(str::to_owned);
        self.case.violate(|| Violation {
            rule,
            seat,
            url,
            expected: expected.to_owned(),
            seen,
        });
    }
}

type Finding = Option<(&'static str, String, String)>;

/// The records of an undone group were cut away with it.
fn rolled_back(held: &Held) -> Finding {
    let records = held.records + held.requests + held.metadata;
    (records > 0).then(|| {
        (
            "rolled_back_record",
            "no record of an undone group".into(),
            format!("{records} records"),
        )
    })
}

/// What is wrong with the records of an attempt that has some.
fn archived(row: &Row, held: &Held, segments: &[Segment], rows: &Rows) -> Finding {
    if held.records > 1 {
        return Some((
            "record_twice",
            "one record".into(),
            format!("{} records", held.records),
        ));
    }
    let (segment, offset, bytes) = held.place?;
    let seen = (segments[segment as usize].name.as_str(), offset, bytes);
    let told = row
        .answer
        .archive
        .map(|(file, offset, bytes)| (rows.names.text(file), offset, bytes));
    if told != Some(seen) {
        let text =
            |(file, offset, bytes): (&str, u64, u64)| format!("{bytes} bytes at {file}@{offset}");
        let told = told.map_or("no record".to_owned(), text);
        return Some(("wrong_place", told, text(seen)));
    }
    let metadata_min = u16::from(!held.bodiless);
    if held.requests != 1 {
        return Some((
            "request_record",
            "one request record".into(),
            format!("{}", held.requests),
        ));
    }
    if held.metadata < metadata_min || held.metadata > 1 {
        return Some((
            "metadata_record",
            "one metadata record".into(),
            format!("{}", held.metadata),
        ));
    }
    None
}
