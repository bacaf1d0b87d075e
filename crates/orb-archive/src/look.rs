//! Single records: the one at a place, those of an address.
//!
//! In: a file, a place or an address. Out: records. May touch: the disk, for reading.
//! Invariant: an address is compared in its canonical form, so that it may be given as a person writes it.

use std::ops::ControlFlow;

use orb_env::Disk;
use orb_url::CrawlUrl;
use orb_warc::limits::BLOCK_BYTES_MAX;
use orb_warc::{ReadError, Record, RecordType, parse_date};

use crate::limits::HEAD_BYTES_MAX;
use crate::verify::type_name;
use crate::{ArchiveError, ArchiveFile};

/// Which records are wanted.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// Those of this address; all when `None`.
    pub url: Option<CrawlUrl>,
    /// Those of this type, by its name in WARC; all when `None`.
    pub kind: Option<String>,
}

impl Look {
    /// Whether `record` is one of them.
    #[must_use]
    pub fn wants(&self, record: &Record) -> bool {
        let kind = self
            .kind
            .as_deref()
            .is_none_or(|kind| type_name(record.record_type()).eq_ignore_ascii_case(kind));
        kind && self.url.as_ref().is_none_or(|url| {
            record.target_uri().is_some_and(|target| {
                target == url.as_str() || CrawlUrl::parse(target).is_ok_and(|target| target == *url)
            })
        })
    }
}

/// The record that begins at `offset` of `file`; `None` when none does.
///
/// # Errors
/// When the file cannot be read.
pub fn record_at(
    disk: &dyn Disk,
    file: &ArchiveFile,
    offset: u64,
) -> Result<Option<Record>, ArchiveError> {
    at(disk, file, offset, BLOCK_BYTES_MAX)
}

/// As [`record_at`], without more of the block than an HTTP head: the rest is stepped over.
///
/// # Errors
/// When the file cannot be read.
pub fn head_at(
    disk: &dyn Disk,
    file: &ArchiveFile,
    offset: u64,
) -> Result<Option<Record>, ArchiveError> {
    at(disk, file, offset, HEAD_BYTES_MAX)
}

fn at(
    disk: &dyn Disk,
    file: &ArchiveFile,
    offset: u64,
    block_bytes_max: u64,
) -> Result<Option<Record>, ArchiveError> {
    if offset >= file.bytes {
        return Ok(None);
    }
    let mut reader = file.reader(disk, offset)?.block_bytes_max(block_bytes_max);
    match reader.next_record() {
        Ok(record) => Ok(record.filter(|record| record.record_type() != RecordType::Other)),
        Err(ReadError::Io { source, .. }) => Err(ArchiveError::read(&file.path)(source)),
        Err(_) => Ok(None),
    }
}

/// Calls `each` for the wanted records of `file` in order, until it breaks. Damage is stepped over: [`crate::verify`]
/// tells of it. `progress` hears how many bytes were read so far.
///
/// # Errors
/// When the file cannot be read.
pub fn records_of(
    disk: &dyn Disk,
    file: &ArchiveFile,
    look: &Look,
    progress: &mut dyn FnMut(u64),
    each: &mut dyn FnMut(&Record) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, ArchiveError> {
    Ok(records_walked(disk, file, look, progress, each)?.end)
}

/// As [`records_of`], and tells what was stepped over.
///
/// # Errors
/// When the file cannot be read.
pub fn records_walked(
    disk: &dyn Disk,
    file: &ArchiveFile,
    look: &Look,
    progress: &mut dyn FnMut(u64),
    each: &mut dyn FnMut(&Record) -> ControlFlow<()>,
) -> Result<Walked, ArchiveError> {
    let mut wanted = |record: &Record| match look.wants(record) {
        true => each(record),
        false => ControlFlow::Continue(()),
    };
    records_from(disk, file, 0, BLOCK_BYTES_MAX, progress, &mut wanted)
}

/// How a walk through a file went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Walked {
    /// Whether the caller broke it off.
    pub end: ControlFlow<()>,
    /// Places that are no record and were stepped over: what lay there was not shown.
    pub damages: u64,
    /// Whether the file ends in the middle of a record, as one does that is still written, or was cut.
    pub is_torn: bool,
}

/// Calls `each` for every record of `file` from the one that begins at `offset`, until it breaks.
///
/// - `block_bytes_max`: of each block; the rest is stepped over and the record says so.
/// - `progress` hears how many bytes of the file were read so far.
///
/// # Errors
/// When the file cannot be read.
pub fn records_from(
    disk: &dyn Disk,
    file: &ArchiveFile,
    offset: u64,
    block_bytes_max: u64,
    progress: &mut dyn FnMut(u64),
    each: &mut dyn FnMut(&Record) -> ControlFlow<()>,
) -> Result<Walked, ArchiveError> {
    let mut reader = file.reader(disk, offset)?.block_bytes_max(block_bytes_max);
    let (mut damages, mut is_torn) = (0, false);
    let end = loop {
        match reader.next_record() {
            Ok(None) => break ControlFlow::Continue(()),
            Ok(Some(record)) => {
                progress(record.offset + record.len);
                if each(&record).is_break() {
                    break ControlFlow::Break(());
                }
            }
            Err(ReadError::Io { source, .. }) => {
                return Err(ArchiveError::read(&file.path)(source));
            }
            Err(ReadError::Torn { .. }) => is_torn = true,
            Err(_) => damages += 1,
        }
    };
    Ok(Walked {
        end,
        damages,
        is_torn,
    })
}

/// The newest of the wanted records in `files`; of equally old ones the last. Without a type only captures count:
/// responses, revisits and resources.
///
/// # Errors
/// When a file cannot be read.
pub fn newest(
    disk: &dyn Disk,
    files: &[ArchiveFile],
    look: &Look,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<Record>, ArchiveError> {
    let mut best: Option<Record> = None;
    each_of_all(disk, files, look, progress, &mut |record| {
        let capture = look.kind.is_some()
            || matches!(
                record.record_type(),
                RecordType::Response | RecordType::Revisit | RecordType::Resource
            );
        let newer = best
            .as_ref()
            .is_none_or(|best| record.date_us() >= best.date_us());
        if capture && newer {
            best = Some(record.clone());
        }
        ControlFlow::Continue(())
    })?;
    Ok(best)
}

/// The record that a revisit refers to: by its id; where the revisit names none, by address and date, of which it may know
/// no more than the second.
///
/// # Errors
/// When a file cannot be read.
pub fn record_referred(
    disk: &dyn Disk,
    files: &[ArchiveFile],
    revisit: &Record,
    progress: &mut dyn FnMut(u64),
) -> Result<Option<Record>, ArchiveError> {
    let second = |date: Option<&str>| Some(parse_date(date?)?.div_euclid(1_000_000));
    let id = revisit.fields.get("WARC-Refers-To");
    let url = revisit.fields.get("WARC-Refers-To-Target-URI");
    let at = second(revisit.fields.get("WARC-Refers-To-Date"));
    let is_it = |record: &Record| match id {
        Some(_) => record.fields.get("WARC-Record-ID") == id,
        None => {
            let holds = matches!(
                record.record_type(),
                RecordType::Response | RecordType::Resource
            );
            let same = url.is_some() && record.target_uri() == url;
            holds && same && at.is_some() && second(record.fields.get("WARC-Date")) == at
        }
    };
    let mut found = None;
    each_of_all(disk, files, &Look::default(), progress, &mut |record| {
        if !is_it(record) {
            return ControlFlow::Continue(());
        }
        found = Some(record.clone());
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// [`records_of`] over files one after another; `progress` hears of the bytes of all.
fn each_of_all(
    disk: &dyn Disk,
    files: &[ArchiveFile],
    look: &Look,
    progress: &mut dyn FnMut(u64),
    each: &mut dyn FnMut(&Record) -> ControlFlow<()>,
) -> Result<(), ArchiveError> {
    let mut before = 0;
    for file in files {
        if records_of(disk, file, look, &mut |at| progress(before + at), each)?.is_break() {
            break;
        }
        before += file.bytes;
    }
    Ok(())
}
