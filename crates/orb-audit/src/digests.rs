//! Promise `digests`: block and payload digests are those of the bytes, in the records and in the rows.
//!
//! In: attempt rows, records. Out: the verdict. May touch: nothing. Must not touch: the disk.
//! Invariant: the payload counts as received, transfer coding removed, content coding kept.

use orb_warc::{DigestCheck, Record, RecordType};

use crate::archive::Segment;
use crate::report::{Case, Promise, Seat, Violation};
use crate::row::Durability;
use crate::rows::Rows;

/// Watches the records go by.
pub(crate) struct DigestCheckup<'a> {
    rows: &'a Rows,
    case: Case,
}

impl<'a> DigestCheckup<'a> {
    pub(crate) fn new(rows: &'a Rows) -> DigestCheckup<'a> {
        DigestCheckup {
            rows,
            case: Case::new(Promise::Digests),
        }
    }

    /// One record. Cost: SHA-1 over its block and payload.
    pub(crate) fn record(&mut self, segment: &Segment, record: &Record) {
        let seat = segment.seat(record.offset);
        let verdict = record.verify_digests();
        match verdict.block {
            DigestCheck::Match => self.case.count("blocks", 1),
            DigestCheck::Unchecked => self.case.count("blocks_unchecked", 1),
            other => self.violate(
                "block_digest",
                seat.clone(),
                record,
                "the digest of the block",
                told(other),
            ),
        }
        let is_response = record.record_type() == RecordType::Response;
        match verdict.payload {
            DigestCheck::Match => self.case.count("payloads", 1),
            DigestCheck::Unchecked => self.case.count("payloads_elsewhere", 1),
            DigestCheck::Absent if !is_response => {}
            DigestCheck::Absent => self.case.count("payloads_without_digest", 1),
            other => {
                self.violate(
                    "payload_digest",
                    seat.clone(),
                    record,
                    "the digest of the payload",
                    told(other),
                );
            }
        }
        if is_response || record.record_type() == RecordType::Revisit {
            self.row(seat, record);
        }
    }

    /// The digest in the attempt's row. A 304 has no payload of its own, so its row may leave the digest out.
    fn row(&mut self, seat: Seat, record: &Record) {
        let Some(attempt) = record.id().and_then(|id| self.rows.of_id(id)) else {
            return;
        };
        let row = &self.rows.all[attempt];
        let (told, seen) = (row.answer.digest, record.payload_digest());
        let absent = told.is_none() && record.record_type() == RecordType::Revisit;
        if told == seen || absent || row.durability == Durability::RolledBack {
            return self.case.count("rows", 1);
        }
        let text =
            |digest: Option<orb_warc::Digest>| digest.map_or("none".to_owned(), |d| d.to_string());
        let expected = format!("{}, as {} says", text(told), row.seat());
        self.violate("row_digest", seat, record, &expected, text(seen));
    }

    pub(crate) fn finish(self) -> Case {
        self.case
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

fn told(check: DigestCheck) -> String {
    match check {
        DigestCheck::Absent => "none",
        DigestCheck::MatchAsReceived => "that of the payload with its chunk framing",
        _ => "another one",
    }
    .to_owned()
}
