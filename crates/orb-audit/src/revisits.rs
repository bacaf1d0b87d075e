//! Promise `revisits`: a revisit refers to an earlier response record of its own slot with the same payload.
//!
//! In: the records of each slot in the order they were written. Out: the verdict.
//! May touch: nothing. Must not touch: the disk, attempt rows.
//! Invariant: only what came before is known, so a reference to something later or gone finds nothing.
//!
//! Memory: about 50 bytes for each response of the slot at hand.

use orb_shard::SlotId;
use orb_warc::{Digest, Record, RecordId, RecordType};
use rustc_hash::FxHashMap;

use crate::archive::Segment;
use crate::report::{Case, Promise, Violation};

/// Watches the records go by.
pub(crate) struct RevisitCheck {
    case: Case,
    slot: Option<SlotId>,
    responses: FxHashMap<RecordId, Option<Digest>>,
}

impl RevisitCheck {
    pub(crate) fn new() -> RevisitCheck {
        let mut case = Case::new(Promise::Revisits);
        case.count("revisits", 0);
        RevisitCheck {
            case,
            slot: None,
            responses: FxHashMap::default(),
        }
    }

    /// One record; those of one slot must come together and in order.
    pub(crate) fn record(&mut self, segment: &Segment, record: &Record) {
        if self.slot != Some(segment.slot()) {
            self.slot = Some(segment.slot());
            self.responses.clear();
        }
        match record.record_type() {
            RecordType::Response => {
                if let Some(id) = record.id() {
                    self.responses.entry(id).or_insert(record.payload_digest());
                }
            }
            RecordType::Revisit => {
                self.case.count("revisits", 1);
                if let Some((rule, expected, seen)) = self.judge(record) {
                    self.case.violate(|| Violation {
                        rule,
                        seat: segment.seat(record.offset),
                        url: record.target_uri().map(str::to_owned),
                        expected,
                        seen,
                    });
                }
            }
            _ => {}
        }
    }

    fn judge(&self, record: &Record) -> Option<(&'static str, String, String)> {
        let Some(referred) = record.id_of("WARC-Refers-To") else {
            return Some((
                "no_reference",
                "the id of the record revisited".into(),
                "none".into(),
            ));
        };
        let Some(&earlier) = self.responses.get(&referred) else {
            let expected = "an earlier response record of the same slot".to_owned();
            return Some(("dangling", expected, format!("{referred}, which is none")));
        };
        let profile = record.fields.get("WARC-Profile").unwrap_or("");
        let own = record.payload_digest();
        // 304: the server vouches for the payload, the digest is optional.
        let vouched = own.is_none() && profile.ends_with("/server-not-modified");
        if vouched || (own.is_some() && own == earlier) {
            return None;
        }
        let text =
            |digest: Option<Digest>| digest.map_or("none".to_owned(), |digest| digest.to_string());
        Some((
            "other_payload",
            format!("digest {}", text(earlier)),
            format!("digest {}", text(own)),
        ))
    }

    pub(crate) fn finish(self) -> Case {
        self.case
    }
}
