//! The attempt rows and commit rows of all slots.
//!
//! In: the files of `index/`, and how far each is committed. Out: rows, found by id; findings about the frame.
//! May touch: the disk, for reading. Must not touch: the archive.
//! Invariant: every whole line is a row, a mark, or a violation.
//!
//! A row past the committed length is rolled back. Once the crawl goes on, the length passes such rows; they are then
//! known by a mark that opening left behind them, a line `{"v":1,"rolled_back_from":N,"rolled_back_to":M}`: the rows
//! in bytes `N` to `M` are rolled back. Memory: a `Row` for each attempt, all slots together.

use std::collections::{BTreeMap, BTreeSet};

use orb_api::{AttemptRow, CommitRow, CrawlDir};
use orb_env::Disk;
use orb_shard::SlotId;
use orb_warc::RecordId;
use rustc_hash::FxHashMap;
use serde::Deserialize;

use crate::disk_read::{Line, for_each_line};
use crate::error::AuditError;
use crate::names::{Boots, Names};
use crate::report::{Case, Seat, Violation};
use crate::row::{Durability, Row, attempts_file, understand};
use crate::state::StoredSlot;

/// Layout version of rows that this program reads.
const ROW_VERSION: u8 = 1;

/// Every attempt, by slot and line.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) all: Vec<Row>,
    pub(crate) names: Names,
    /// The newest group of each slot that a commit row names.
    pub(crate) committed: BTreeMap<SlotId, u64>,
    by_id: FxHashMap<RecordId, u32>,
}

impl Rows {
    /// The attempt whose response record has this id.
    pub(crate) fn of_id(&self, id: RecordId) -> Option<usize> {
        self.by_id.get(&id).map(|&at| at as usize)
    }
}

/// A line that opening left behind the rows of an undone group.
#[derive(Deserialize)]
struct Mark {
    rolled_back_from: u64,
    rolled_back_to: u64,
}

#[derive(Deserialize)]
struct AnyRow {
    v: u64,
}

/// Reads the rows of every slot.
///
/// - `stored`: what the state says of each slot; without it a row is committed when a commit row names its group.
/// - `awaiting_recovery`: unsynced rows may be holes, which the next opening cuts with all behind them.
/// - `frame`: takes what cannot be read; `records`: takes ids that are used twice.
pub(crate) fn read(
    disk: &dyn Disk,
    dir: &CrawlDir,
    slots: &BTreeSet<SlotId>,
    stored: &BTreeMap<SlotId, StoredSlot>,
    awaiting_recovery: bool,
    frame: &mut Case,
    records: &mut Case,
) -> Result<Rows, AuditError> {
    let mut rows = Rows::default();
    let mut boots = Boots::default();
    for &slot in slots {
        read_commits(disk, dir, slot, awaiting_recovery, &mut rows, frame)?;
        let first = rows.all.len();
        let mut reading = Reading {
            slot,
            rows: &mut rows,
            boots: &mut boots,
            frame,
            first,
            ends: Vec::new(),
            awaiting_recovery,
            given_up: false,
        };
        reading.read(disk, dir, stored.get(&slot))?;
    }
    let places = boots.places();
    for row in &mut rows.all {
        row.start.boot = places[row.start.boot as usize];
        row.end.boot = row.start.boot;
    }
    for at in 0..rows.all.len() {
        let Some(id) = rows.all[at].id else { continue };
        if let Some(earlier) = rows.by_id.insert(id, at as u32) {
            rows.by_id.insert(id, earlier);
            let (row, earlier) = (&rows.all[at], &rows.all[earlier as usize]);
            records.violate(|| Violation {
                rule: "attempt_id_twice",
                seat: row.seat(),
                url: Some(row.url.to_string()),
                expected: "an id of its own".into(),
                seen: format!("that of {}", earlier.seat()),
            });
        }
    }
    frame.count("attempt_rows", rows.all.len() as u64);
    Ok(rows)
}

/// Reading one slot's attempt rows.
struct Reading<'a> {
    slot: SlotId,
    rows: &'a mut Rows,
    boots: &'a mut Boots,
    frame: &'a mut Case,
    /// The slot's first row in `rows`.
    first: usize,
    /// Start and end offset of each of its rows.
    ends: Vec<(u64, u64)>,
    awaiting_recovery: bool,
    /// A hole was met: the next opening cuts the file there.
    given_up: bool,
}

impl Reading<'_> {
    fn read(
        &mut self,
        disk: &dyn Disk,
        dir: &CrawlDir,
        stored: Option<&StoredSlot>,
    ) -> Result<(), AuditError> {
        let path = dir.attempts_of(self.slot);
        let length = stored.map(|stored| stored.attempts_bytes);
        let file = match disk.read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // A slot that never asked for anything has no rows.
                self.check_length(0, length);
                return Ok(());
            }
            Err(error) => return Err(AuditError::disk(path)(error)),
        };
        let mut bytes = 0;
        let mut boundary = length.is_none_or(|length| length == 0);
        for_each_line(file.as_ref(), |line| {
            bytes = line.end;
            boundary |= line.whole && Some(line.end) == length;
            self.line(&line, length);
        })
        .map_err(AuditError::disk(&path))?;
        self.check_length(bytes, length);
        if !boundary && length.is_some_and(|length| length <= bytes) {
            self.violate(
                None,
                "committed_length",
                "the end of a row",
                format!("{} bytes", length.unwrap_or(0)),
            );
        }
        self.decide(length);
        Ok(())
    }

    fn line(&mut self, line: &Line<'_>, length: Option<u64>) {
        let unsynced = self.awaiting_recovery && length.is_some_and(|length| line.offset >= length);
        if self.given_up || (unsynced && !is_known(line)) {
            if !std::mem::replace(&mut self.given_up, true) {
                self.frame.count("torn_tails", 1);
            }
            return;
        }
        if !line.whole {
            // A power cut tears a line that no commit counted on; opening cuts it.
            if length.is_some_and(|length| line.offset < length) {
                self.violate(
                    Some(line.number),
                    "torn_row",
                    "a whole row",
                    format!("{} bytes", line.text.len()),
                );
            } else {
                self.frame.count("torn_tails", 1);
            }
            return;
        }
        match serde_json::from_slice::<AttemptRow>(line.text) {
            Ok(row) if row.v == ROW_VERSION => {
                let place = (self.slot, line.number);
                let (row, odd) = understand(&row, place, &mut self.rows.names, self.boots);
                for (rule, expected, seen) in odd {
                    self.frame.violate(|| Violation {
                        rule,
                        seat: row.seat(),
                        url: Some(row.url.to_string()),
                        expected: expected.into(),
                        seen,
                    });
                }
                self.rows.all.push(row);
                self.ends.push((line.offset, line.end));
            }
            Ok(row) => self.version(line.number, u64::from(row.v)),
            Err(error) => self.other_line(line, &error),
        }
    }

    /// A line that is no attempt row.
    fn other_line(&mut self, line: &Line<'_>, error: &serde_json::Error) {
        if let Ok(mark) = serde_json::from_slice::<Mark>(line.text) {
            let marked = mark.rolled_back_from..mark.rolled_back_to;
            for (place, (from, _)) in self.ends.iter().enumerate() {
                if marked.contains(from) {
                    self.rows.all[self.first + place].durability = Durability::RolledBack;
                }
            }
            return;
        }
        match serde_json::from_slice::<AnyRow>(line.text) {
            Ok(row) if row.v != u64::from(ROW_VERSION) => self.version(line.number, row.v),
            _ => self.violate(
                Some(line.number),
                "unreadable_row",
                "an attempt row",
                error.to_string(),
            ),
        }
    }

    fn decide(&mut self, length: Option<u64>) {
        let named = self.rows.committed.get(&self.slot).copied().unwrap_or(0);
        let slot_rows = &mut self.rows.all[self.first..];
        let mut rolled_back = 0;
        for (row, (_, end)) in slot_rows.iter_mut().zip(&self.ends) {
            row.durability = match (row.durability, length) {
                (Durability::RolledBack, _) => Durability::RolledBack,
                (_, Some(length)) if *end <= length => Durability::Committed,
                (_, Some(_)) => Durability::RolledBack,
                (_, None) if row.group <= named => Durability::Committed,
                (_, None) => Durability::Undecided,
            };
            rolled_back += u64::from(row.durability == Durability::RolledBack);
        }
        self.frame.count("rows_rolled_back", rolled_back);
    }

    fn check_length(&mut self, bytes: u64, length: Option<u64>) {
        if let Some(length) = length.filter(|&length| length > bytes) {
            self.violate(
                None,
                "rows_lost",
                &format!("{length} committed bytes"),
                format!("{bytes} bytes"),
            );
        }
    }

    fn version(&mut self, line: u64, version: u64) {
        self.violate(
            Some(line),
            "row_version",
            "layout version 1",
            format!("version {version}"),
        );
    }

    fn violate(&mut self, line: Option<u64>, rule: &'static str, expected: &str, seen: String) {
        let seat = Seat {
            file: attempts_file(self.slot),
            line,
            offset: None,
        };
        self.frame.violate(|| Violation {
            rule,
            seat,
            url: None,
            expected: expected.into(),
            seen,
        });
    }
}

/// Whether a line is a row or a mark of any version.
fn is_known(line: &Line<'_>) -> bool {
    line.whole && serde_json::from_slice::<AnyRow>(line.text).is_ok()
}

fn read_commits(
    disk: &dyn Disk,
    dir: &CrawlDir,
    slot: SlotId,
    awaiting_recovery: bool,
    rows: &mut Rows,
    frame: &mut Case,
) -> Result<(), AuditError> {
    let path = dir.commits_of(slot);
    let file = match disk.read(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(AuditError::disk(path)(error)),
    };
    let (mut count, mut given_up) = (0, false);
    for_each_line(file.as_ref(), |line| {
        // The log is a witness, not synced: after a power cut any of its rows may be a hole, which opening cuts.
        let hole = || serde_json::from_slice::<AnyRow>(line.text).is_err();
        if given_up || (awaiting_recovery && line.whole && hole()) {
            if !std::mem::replace(&mut given_up, true) {
                frame.count("torn_tails", 1);
            }
            return;
        }
        let seat = Seat {
            file: format!("index/commits/slot-{slot}.jsonl"),
            line: Some(line.number),
            offset: None,
        };
        let problem = match serde_json::from_slice::<CommitRow>(line.text) {
            // Its last line may be torn.
            _ if !line.whole => return frame.count("torn_tails", 1),
            Ok(row) if row.v != ROW_VERSION => Some(("row_version", format!("version {}", row.v))),
            Ok(row) => {
                count += 1;
                let newest = rows.committed.entry(slot).or_default();
                let before = std::mem::replace(newest, row.group.max(*newest));
                (row.group <= before)
                    .then(|| ("group_order", format!("group {} after {before}", row.group)))
            }
            Err(error) => Some(("unreadable_row", error.to_string())),
        };
        if let Some((rule, seen)) = problem {
            let expected = "a commit row of a later group, layout version 1".to_owned();
            frame.violate(|| Violation {
                rule,
                seat,
                url: None,
                expected,
                seen,
            });
        }
    })
    .map_err(AuditError::disk(path))?;
    frame.count("commit_rows", count);
    Ok(())
}
