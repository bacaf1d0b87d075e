//! Is every byte of a file a sound record?
//!
//! In: a file. Out: counts, and each damage in its place. May touch: the disk, for reading.
//! Invariant: the ranges of damage, the torn end and the records together cover the file.

use std::collections::BTreeMap;

use orb_env::Disk;
use orb_warc::{DigestCheck, ReadError, Record, RecordType};
use serde::Serialize;

use crate::limits::DAMAGES_LISTED_MAX;
use crate::{ArchiveError, ArchiveFile};

/// What is wrong at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// These bytes are no record, and another one follows.
    NoRecord,
    /// No whole record from here to the end of the file: a write was interrupted.
    Torn,
    /// The block does not have the digest its record names.
    BlockDigest,
    /// The payload does not have the digest its record names.
    PayloadDigest,
    /// The record lacks a field that WARC 1.1 requires, or it cannot be read.
    Field,
}

/// One damage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// What kind.
    pub kind: DamageKind,
    /// Offset in the file.
    pub offset: u64,
    /// Bytes it takes.
    pub bytes: u64,
    /// What was seen.
    pub detail: String,
    /// The record's address, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Its name.
    pub file: String,
    /// Bytes.
    pub bytes: u64,
    /// Records by type.
    pub records: BTreeMap<&'static str, u64>,
    /// Digests compared with the bytes.
    pub digests: u64,
    /// Payload digests that hold only with the chunk framing left in, as some writers count.
    pub digests_with_framing: u64,
    /// Records that a strict writer would have written otherwise; readers cope.
    pub odd: u64,
    /// Damages, the first thousand.
    pub damages: Vec<Damage>,
    /// All of them.
    pub damages_in_all: u64,
}

impl FileReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damages_in_all == 0
    }

    /// Records of any type.
    #[must_use]
    pub fn records_in_all(&self) -> u64 {
        self.records.values().sum()
    }

    fn damage(&mut self, damage: Damage) {
        self.damages_in_all += 1;
        if self.damages.len() < DAMAGES_LISTED_MAX {
            self.damages.push(damage);
        }
    }

    fn record(&mut self, record: &Record) {
        *self
            .records
            .entry(type_name(record.record_type()))
            .or_default() += 1;
        self.odd += u64::from(!record.oddities.is_empty());
        let url = record.target_uri().map(str::to_owned);
        let mut wrong = |kind, detail: String| {
            self.damage(Damage {
                kind,
                offset: record.offset,
                bytes: record.len,
                detail,
                url: url.clone(),
            });
        };
        for field in ["WARC-Record-ID", "WARC-Date", "WARC-Type"] {
            if record.fields.get(field).is_none() {
                wrong(DamageKind::Field, format!("{field} is missing"));
            }
        }
        if record.fields.get("WARC-Date").is_some() && record.date_us().is_none() {
            wrong(DamageKind::Field, "WARC-Date is no date".to_owned());
        }
        let judged = record.verify_digests();
        if judged.block == DigestCheck::Mismatch {
            wrong(
                DamageKind::BlockDigest,
                "the block has another digest than its record says".to_owned(),
            );
        }
        if judged.payload == DigestCheck::Mismatch {
            wrong(
                DamageKind::PayloadDigest,
                "the payload has another digest than its record says".to_owned(),
            );
        }
        for check in [judged.block, judged.payload] {
            let compared = !matches!(check, DigestCheck::Absent | DigestCheck::Unchecked);
            self.digests += u64::from(compared);
            self.digests_with_framing += u64::from(check == DigestCheck::MatchAsReceived);
        }
    }
}

/// Reads a whole file and judges every record. `progress` hears how many bytes were read so far.
///
/// Cost: decompression and two SHA-1 of each block. Memory: one record.
///
/// # Errors
/// When the file cannot be read; what is wrong inside it is in the report.
pub fn verify(
    disk: &dyn Disk,
    file: &ArchiveFile,
    progress: &mut dyn FnMut(u64),
) -> Result<FileReport, ArchiveError> {
    let mut report = FileReport {
        file: file.name.clone(),
        bytes: file.bytes,
        ..FileReport::default()
    };
    let mut reader = file.reader(disk, 0)?;
    loop {
        match reader.next_record() {
            Ok(None) => return Ok(report),
            Ok(Some(record)) => {
                progress(record.offset + record.len);
                report.record(&record);
            }
            Err(ReadError::Io { source, .. }) => {
                return Err(ArchiveError::read(&file.path)(source));
            }
            Err(error) => report.damage(damage_of(&error, file.bytes)),
        }
    }
}

/// A reader's complaint as a range of the file.
pub(crate) fn damage_of(error: &ReadError, file_bytes: u64) -> Damage {
    let (kind, offset, end) = match error {
        ReadError::Damaged { offset, resume, .. } => (DamageKind::NoRecord, *offset, *resume),
        ReadError::Torn { offset } | ReadError::Io { offset, .. } => {
            (DamageKind::Torn, *offset, file_bytes)
        }
        _ => (DamageKind::Torn, 0, file_bytes),
    };
    Damage {
        kind,
        offset,
        bytes: end.saturating_sub(offset),
        detail: error.to_string(),
        url: None,
    }
}

/// The name of a type in reports and on the command line.
pub(crate) fn type_name(kind: RecordType) -> &'static str {
    match kind {
        RecordType::Warcinfo => "warcinfo",
        RecordType::Response => "response",
        RecordType::Resource => "resource",
        RecordType::Request => "request",
        RecordType::Metadata => "metadata",
        RecordType::Revisit => "revisit",
        RecordType::Conversion => "conversion",
        RecordType::Continuation => "continuation",
        _ => "other",
    }
}
