//! Archived answers to /robots.txt, read again.
//!
//! In: an attempt, and where its record lies. Out: its rules as the parser sees them, or where it points to.
//! May touch: the disk, for reading. Must not touch: what pages do with it.
//! Invariant: the bytes are those of the archive, never those the crawl remembered.

use orb_api::CrawlDir;
use orb_env::Disk;
use orb_robots::{ProductToken, Robots};
use orb_warc::{Record, RecordType, Truncated};

use crate::archive::Archive;
use crate::error::AuditError;
use crate::limits::{ROBOTS_BYTES_MAX, ROBOTS_RECORD_BYTES_MAX};
use crate::records::Places;
use crate::rows::Rows;

/// One archived robots.txt.
pub(crate) enum RobotsCopy {
    /// Read and parsed.
    Parsed(Robots),
    /// Its record, or the one it revisits, is not in the archive.
    Gone,
    /// Its body is in a content coding that could not be undone.
    Coded,
    /// It broke off before its end, other than at the limit of what is read: as if nothing had come.
    BrokenOff,
}

/// Reads archived answers by attempt.
pub(crate) struct Copies<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) dir: &'a CrawlDir,
    pub(crate) archive: &'a Archive,
    pub(crate) places: &'a Places,
    pub(crate) rows: &'a Rows,
}

impl Copies<'_> {
    /// The rules that an attempt brought. Cost: one read, one parse.
    pub(crate) fn robots(
        &self,
        attempt: usize,
        token: &ProductToken,
    ) -> Result<RobotsCopy, AuditError> {
        let Some(record) = self.with_body(attempt)? else {
            return Ok(RobotsCopy::Gone);
        };
        if is_broken_off(&record) {
            return Ok(RobotsCopy::BrokenOff);
        }
        let Some(payload) = record.http_payload() else {
            return Ok(RobotsCopy::Gone);
        };
        let coding = record
            .http_head()
            .and_then(|head| head.joined("Content-Encoding"));
        let limits = orb_fetch::DecodeLimits {
            bytes_max: ROBOTS_BYTES_MAX as u64,
            ..Default::default()
        };
        let decoded = orb_fetch::decode_content(coding.as_deref(), &payload, &limits);
        if decoded.encoded {
            return Ok(RobotsCopy::Coded);
        }
        Ok(RobotsCopy::Parsed(Robots::parse(&decoded.bytes, token)))
    }

    /// The `Location` that an attempt's answer names; `None` when there is none or the record is gone.
    pub(crate) fn location(&self, attempt: usize) -> Result<Option<String>, AuditError> {
        let record = self.record(attempt)?;
        Ok(record.and_then(|record| record.http_head()?.joined("Location")))
    }

    /// Whether an attempt's archived answer broke off.
    pub(crate) fn broken_off(&self, attempt: usize) -> Result<bool, AuditError> {
        Ok(self
            .record(attempt)?
            .is_some_and(|record| is_broken_off(&record)))
    }

    fn record(&self, attempt: usize) -> Result<Option<Record>, AuditError> {
        let place = self
            .places
            .of(attempt)
            .filter(|&(_, _, bytes)| bytes <= ROBOTS_RECORD_BYTES_MAX);
        match place {
            Some(place) => self.archive.record_at(self.disk, self.dir, place),
            None => Ok(None),
        }
    }

    /// The response, or the one that the revisit refers to.
    fn with_body(&self, attempt: usize) -> Result<Option<Record>, AuditError> {
        let Some(record) = self.record(attempt)? else {
            return Ok(None);
        };
        match record.record_type() {
            RecordType::Response => Ok(Some(record)),
            RecordType::Revisit => {
                let earlier = record
                    .id_of("WARC-Refers-To")
                    .and_then(|id| self.rows.of_id(id));
                let Some(earlier) = earlier else {
                    return Ok(None);
                };
                let referred = self.record(earlier)?;
                Ok(referred.filter(|record| record.record_type() == RecordType::Response))
            }
            _ => Ok(None),
        }
    }
}

fn is_broken_off(record: &Record) -> bool {
    record
        .truncated()
        .is_some_and(|why| why != Truncated::Length)
}
