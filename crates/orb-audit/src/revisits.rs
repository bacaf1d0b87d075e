//! Promise `revisits`: a revisit refers to an earlier response record of its own slot with the same payload, or to a
//! capture of an earlier archive that the operator named.
//!
//! In: the records of each slot in the order they were written, the indexes of earlier archives. Out: the verdict.
//! May touch: those indexes, for reading. Must not touch: attempt rows.
//! Invariant: of the slot only what came before is known, so a reference to something later or gone finds nothing.
//!
//! Memory: about 50 bytes for each response of the slot at hand.

use std::path::PathBuf;

use orb_dataset::EarlierIndexes;
use orb_env::Disk;
use orb_shard::SlotId;
use orb_url::CrawlUrl;
use orb_warc::{Digest, Record, RecordId, RecordType, parse_date};
use rustc_hash::FxHashMap;

use crate::archive::Segment;
use crate::report::{Case, Promise, Violation};

/// Watches the records go by.
pub(crate) struct RevisitCheck<'a> {
    case: Case,
    disk: &'a dyn Disk,
    /// Of earlier archives, or why they cannot be asked.
    earlier: Result<EarlierIndexes, String>,
    /// Revisits that only an earlier archive could tell of, which cannot be asked.
    untold: u64,
    slot: Option<SlotId>,
    responses: FxHashMap<RecordId, Option<Digest>>,
}

/// What is wrong with a revisit: rule, what was expected, what is there.
type Wrong = (&'static str, String, String);

impl<'a> RevisitCheck<'a> {
    pub(crate) fn new(disk: &'a dyn Disk, revisits_of: &[PathBuf]) -> RevisitCheck<'a> {
        let mut case = Case::new(Promise::Revisits);
        case.count("revisits", 0);
        RevisitCheck {
            case,
            disk,
            earlier: EarlierIndexes::open(disk, revisits_of)
                .map_err(|error| orb_api::with_causes(&error)),
            untold: 0,
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
                if let Err((rule, expected, seen)) = self.judge(record) {
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

    fn judge(&mut self, record: &Record) -> Result<(), Wrong> {
        let referred = record.id_of("WARC-Refers-To");
        let own = record.payload_digest();
        let Some(&earlier) = referred.and_then(|id| self.responses.get(&id)) else {
            return self.judge_elsewhere(record, referred, own);
        };
        let profile = record.fields.get("WARC-Profile").unwrap_or("");
        // 304: the server vouches for the payload, the digest is optional.
        let vouched = own.is_none() && profile.ends_with("/server-not-modified");
        if vouched || (own.is_some() && own == earlier) {
            return Ok(());
        }
        let text =
            |digest: Option<Digest>| digest.map_or("none".to_owned(), |digest| digest.to_string());
        Err((
            "other_payload",
            format!("digest {}", text(earlier)),
            format!("digest {}", text(own)),
        ))
    }

    /// Of a revisit that refers to no record of its slot: an earlier archive must hold what it names.
    fn judge_elsewhere(
        &mut self,
        record: &Record,
        referred: Option<RecordId>,
        own: Option<Digest>,
    ) -> Result<(), Wrong> {
        let url = record.fields.get("WARC-Refers-To-Target-URI");
        let at = record.fields.get("WARC-Refers-To-Date");
        let named = url.and_then(|url| CrawlUrl::parse(url).ok());
        let named = named.zip(at.and_then(parse_date)).zip(own);
        let nowhere = match referred {
            Some(id) => (
                "dangling",
                "an earlier response record of the same slot".to_owned(),
                format!("{id}, which is none"),
            ),
            None => (
                "no_reference",
                "the record revisited, by its id or by address and date".to_owned(),
                "none".to_owned(),
            ),
        };
        let Ok(earlier) = &self.earlier else {
            self.untold += 1;
            return Ok(());
        };
        let Some(((url, at_us), digest)) = named.filter(|_| !earlier.is_empty()) else {
            return Err(nowhere);
        };
        self.case.count("revisits_of_earlier_archives", 1);
        match earlier.holds(self.disk, &url, at_us, digest) {
            Ok(true) => Ok(()),
            Ok(false) => Err((
                "dangling",
                "a capture in the slot, or in the index of an earlier archive, of that address, second and digest"
                    .to_owned(),
                format!("{} of {}, {digest}", url.as_str(), at.unwrap_or("")),
            )),
            Err(error) => {
                self.case.unknown(orb_api::with_causes(&error));
                Ok(())
            }
        }
    }

    pub(crate) fn finish(self) -> Case {
        let RevisitCheck {
            mut case,
            earlier,
            untold,
            ..
        } = self;
        if let (Err(error), 1..) = (earlier, untold) {
            case.unknown(format!(
                "what {untold} revisits refer to in earlier archives: {error}"
            ));
        }
        case
    }
}
