//! The archive segments, record by record.
//!
//! In: the folder `warc/`, and how far each slot is committed. Out: segments, and each record or damage in its place.
//! May touch: the disk, for reading. Must not touch: attempt rows.
//! Invariant: a slot's segments come by serial number and their records by offset; nothing past a committed end is read.

use std::collections::{BTreeMap, BTreeSet};

use orb_api::CrawlDir;
use orb_env::Disk;
use orb_shard::SlotId;
use orb_warc::{Compression, Dictionary, ReadError, Reader, Record, SegmentName};

use crate::disk_read::Stretch;
use crate::error::AuditError;
use crate::report::{Case, Seat, Violation};
use crate::state::{ArchiveEnd, StoredSlot};
use crate::{AuditSettings, Progress};

/// One file of the archive.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) parts: SegmentName,
    /// Bytes that are read: up to the committed end.
    pub(crate) bytes: u64,
}

impl Segment {
    pub(crate) fn slot(&self) -> SlotId {
        SlotId(self.parts.slot)
    }

    pub(crate) fn seat(&self, offset: u64) -> Seat {
        Seat {
            file: format!("warc/{}", self.name),
            line: None,
            offset: Some(offset),
        }
    }
}

/// What stands at one place of a segment.
pub(crate) enum Found<'a> {
    /// A record.
    Record(&'a Record),
    /// Bytes that are none.
    Damage(&'a ReadError),
}

/// The segments of all slots, by slot and serial number.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    pub(crate) segments: Vec<Segment>,
}

impl Archive {
    /// Lists the segments and judges their ends against the state.
    pub(crate) fn list(
        disk: &dyn Disk,
        dir: &CrawlDir,
        settings: &AuditSettings,
        stored: &BTreeMap<SlotId, StoredSlot>,
        records: &mut Case,
    ) -> Result<Archive, AuditError> {
        let mut segments = Vec::new();
        for entry in disk
            .list(&dir.warc())
            .map_err(AuditError::disk(dir.warc()))?
        {
            match SegmentName::parse(&entry.name) {
                Some(parts) => segments.push(Segment {
                    name: entry.name,
                    parts,
                    bytes: entry.bytes,
                }),
                None => records.count("other_files", 1),
            }
        }
        segments.sort_by(|a, b| {
            (a.slot(), a.parts.serial, &a.name).cmp(&(b.slot(), b.parts.serial, &b.name))
        });
        for pair in segments.windows(2) {
            if (pair[0].slot(), pair[0].parts.serial) == (pair[1].slot(), pair[1].parts.serial) {
                records.violate(|| Violation {
                    rule: "segment_serial_twice",
                    seat: pair[1].seat(0),
                    url: None,
                    expected: "a serial number of its own".into(),
                    seen: format!("that of {}", pair[0].name),
                });
            }
        }
        let mut archive = Archive { segments };
        for (&slot, stored) in stored {
            archive.cut(slot, stored.archive, settings, records);
        }
        Ok(archive)
    }

    /// Leaves of one slot what is committed, and condemns the rest.
    fn cut(
        &mut self,
        slot: SlotId,
        end: Option<ArchiveEnd>,
        settings: &AuditSettings,
        records: &mut Case,
    ) {
        let mut last_bytes = None;
        self.segments.retain_mut(|segment| {
            if segment.slot() != slot {
                return true;
            }
            let (rule, expected, kept) = match end {
                Some(end) if segment.parts.serial < end.segment => return true,
                Some(end) if segment.parts.serial == end.segment => {
                    last_bytes = Some(segment.bytes);
                    if segment.bytes <= end.bytes {
                        return true;
                    }
                    (
                        "uncommitted_bytes",
                        format!("an end at byte {}", end.bytes),
                        end.bytes,
                    )
                }
                Some(end) => (
                    "uncommitted_segment",
                    format!("no segment after {:05}", end.segment),
                    0,
                ),
                None => (
                    "uncommitted_segment",
                    "no segment: nothing was committed".to_owned(),
                    0,
                ),
            };
            let (seat, seen) = (segment.seat(kept), format!("{} bytes", segment.bytes));
            if settings.awaiting_recovery {
                records.count("bytes_awaiting_recovery", segment.bytes - kept);
            } else {
                records.violate(|| Violation {
                    rule,
                    seat,
                    url: None,
                    expected,
                    seen,
                });
            }
            segment.bytes = kept;
            kept > 0
        });
        let Some(end) = end else { return };
        if last_bytes.unwrap_or(0) < end.bytes {
            records.violate(|| Violation {
                rule: "committed_bytes_lost",
                seat: Seat {
                    file: format!("warc/ (slot {slot}, segment {:05})", end.segment),
                    ..Seat::default()
                },
                url: None,
                expected: format!("{} committed bytes", end.bytes),
                seen: last_bytes
                    .map_or("no such file".to_owned(), |bytes| format!("{bytes} bytes")),
            });
        }
    }

    /// Slots that have segments.
    pub(crate) fn slots(disk: &dyn Disk, dir: &CrawlDir) -> Result<BTreeSet<SlotId>, AuditError> {
        let names = disk
            .list(&dir.warc())
            .map_err(AuditError::disk(dir.warc()))?;
        Ok(names
            .iter()
            .filter_map(|entry| Some(SlotId(SegmentName::parse(&entry.name)?.slot)))
            .collect())
    }

    /// Calls `each` for every record and damage of every segment. Memory: one record.
    pub(crate) fn for_each(
        &self,
        disk: &dyn Disk,
        dir: &CrawlDir,
        progress: &mut dyn FnMut(Progress),
        mut each: impl FnMut(usize, Found<'_>),
    ) -> Result<(), AuditError> {
        let bytes_total: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        let mut bytes_before = 0;
        for (number, segment) in self.segments.iter().enumerate() {
            let path = dir.warc().join(&segment.name);
            let file = disk.read(&path).map_err(AuditError::disk(&path))?;
            let stretch = Stretch::new(file, 0, segment.bytes);
            let mut reader = Reader::with_compression(stretch, segment.parts.compression);
            loop {
                match reader.next_record() {
                    Ok(None) => break,
                    Ok(Some(record)) => {
                        let bytes_done = bytes_before + record.offset + record.len;
                        progress(Progress {
                            stage: "archive",
                            bytes_done,
                            bytes_total,
                        });
                        each(number, Found::Record(&record));
                    }
                    Err(ReadError::Io { source, .. }) => {
                        return Err(AuditError::disk(path)(source));
                    }
                    Err(damage) => each(number, Found::Damage(&damage)),
                }
            }
            bytes_before += segment.bytes;
        }
        progress(Progress {
            stage: "archive",
            bytes_done: bytes_total,
            bytes_total,
        });
        Ok(())
    }

    /// Reads the one record at a place that [`Archive::for_each`] showed.
    pub(crate) fn record_at(
        &self,
        disk: &dyn Disk,
        dir: &CrawlDir,
        (segment, offset, bytes): (u32, u64, u64),
    ) -> Result<Option<Record>, AuditError> {
        let segment = &self.segments[segment as usize];
        let path = dir.warc().join(&segment.name);
        let open = || disk.read(&path).map_err(AuditError::disk(&path));
        let compression = segment.parts.compression;
        let mut dictionary = None;
        if compression == Compression::Zstd && offset > 0 {
            let mut start = Stretch::new(open()?, 0, offset);
            dictionary = Dictionary::read(&mut start).map_err(AuditError::disk(&path))?;
        }
        let end = offset.saturating_add(bytes).min(segment.bytes);
        let mut reader = Reader::with_compression(Stretch::new(open()?, offset, end), compression)
            .with_dictionary(dictionary)
            .starting_at(offset);
        match reader.next_record() {
            Ok(record) => Ok(record),
            Err(ReadError::Io { source, .. }) => Err(AuditError::disk(path)(source)),
            Err(_) => Ok(None),
        }
    }
}
