//! Indexes of the archive: each segment's captures as tables and CDXJ, made from its records when it is closed.
//!
//! In: segments that are whole. Out: index files. May touch: the disk, on a helper; the archive, reading.
//! Invariant: an index is made of committed records only and stands whole or not at all; what fails here never stops a
//! crawl, for the next opening or `orb archive reindex` makes it again from the records.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use orb_api::CrawlDir;
use orb_archive::{ArchiveError, ArchiveFile, Look, records_walked};
use orb_dataset::{
    DatasetError, IndexPlace, Indexed, SegmentIndex, SortedLines, ZipNum, cdxj_line,
};
use orb_env::Disk;
use orb_fetch::{DecodeLimits, decode_content};
use orb_read::sniff;
use orb_shard::SlotId;
use orb_warc::{HttpHead, Record, RecordType, SegmentName};

use crate::files::{FileEnds, SegmentEnd};
use crate::limits::{INDEX_MEMORY_BYTES, SNIFFED_BYTES};
use crate::shared::Shared;
use crate::{CrawlConfig, CrawlError};

/// Why a WARC file has no index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Its records cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The index cannot be written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

/// The index of a crawl's folder. The folder's name is the crawl's.
#[must_use]
pub fn index_place(dir: &CrawlDir) -> IndexPlace {
    IndexPlace::new(&dir.index(), &crawl_name(dir))
}

/// The crawl's name: that of its folder.
pub(crate) fn crawl_name(dir: &CrawlDir) -> String {
    let name = |root: &Path| Some(root.file_name()?.to_string_lossy().into_owned());
    let root = dir.root();
    // `.` has a name too, which it does not tell.
    name(root)
        .or_else(|| name(&std::path::absolute(root).ok()?))
        .unwrap_or_else(|| "crawl".to_owned())
}

/// Makes the index of one WARC file, of this crawler or any other. `progress` hears how many bytes were read so far.
///
/// Cost: one reading of the file. Memory: one record and the bounds of `orb-dataset`.
///
/// # Errors
/// What the disk says; the index is then not there, nor any part of it.
pub fn index_warc(
    disk: &Arc<dyn Disk>,
    file: &ArchiveFile,
    place: &IndexPlace,
    progress: &mut dyn FnMut(u64),
) -> Result<Indexed, IndexError> {
    let made = index_whole(disk, file, place, progress);
    if made.is_err() {
        // On a full disk what was begun takes the room that commits need.
        place.remove(disk.as_ref(), &file.name)?;
    }
    made
}

fn index_whole(
    disk: &Arc<dyn Disk>,
    file: &ArchiveFile,
    place: &IndexPlace,
    progress: &mut dyn FnMut(u64),
) -> Result<Indexed, IndexError> {
    let mut index = SegmentIndex::begin(Arc::clone(disk), place, &file.name, &detected)?;
    let mut failed = Ok(());
    // Broken off only where `failed` says why.
    let walked = records_walked(
        disk.as_ref(),
        file,
        &Look::default(),
        progress,
        &mut |record| {
            failed = index.push(record);
            match failed {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        },
    )?;
    failed?;
    Ok(Indexed {
        damages: walked.damages,
        torn: u64::from(walked.is_torn),
        ..index.finish()?
    })
}

/// The CDXJ lines of WARC files as one index, in the order of replay tools.
pub struct MergedLines {
    disk: Arc<dyn Disk>,
    lines: SortedLines,
}

impl MergedLines {
    /// Gathers lines on `disk`; what memory does not hold lies beside `result` meanwhile.
    #[must_use]
    pub fn new(disk: &Arc<dyn Disk>, result: &Path) -> MergedLines {
        MergedLines {
            disk: Arc::clone(disk),
            lines: SortedLines::new(Arc::clone(disk), result),
        }
    }

    /// Adds the lines of one file, and returns what of it there was. `progress` hears how many bytes were read so far.
    ///
    /// # Errors
    /// What the disk says.
    pub fn add(
        &mut self,
        file: &ArchiveFile,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Indexed, IndexError> {
        let look = Look::default();
        let (mut failed, mut lines) = (Ok(()), 0);
        let walked = records_walked(self.disk.as_ref(), file, &look, progress, &mut |record| {
            failed = cdxj_line(record, &file.name).map_or(Ok(()), |line| {
                lines += 1;
                self.lines.push(line)
            });
            match failed {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        failed?;
        Ok(Indexed {
            lines,
            damages: walked.damages,
            torn: u64::from(walked.is_torn),
            ..Indexed::default()
        })
    }

    /// Writes them as one file of lines. Returns their number.
    ///
    /// # Errors
    /// What the disk says.
    pub fn into_file(self) -> Result<u64, IndexError> {
        Ok(self.lines.finish()?)
    }

    /// Writes them as a zipnum cluster in `folder`. Returns their number.
    ///
    /// # Errors
    /// What the disk says.
    pub fn into_cluster(self, folder: &Path) -> Result<u64, IndexError> {
        let mut cluster = ZipNum::create(Arc::clone(&self.disk), folder)?;
        let lines = self.lines.each(&mut |line| cluster.push(line))?;
        cluster.finish()?;
        Ok(lines)
    }
}

/// What a browser takes a response for: its declared type, and its first bytes after content codings.
fn detected(record: &Record, head: &HttpHead) -> Option<String> {
    if record.record_type() != RecordType::Response {
        return None;
    }
    let from = record.http_head_len()?;
    let body = &record.block[from..];
    if body.is_empty() {
        return None;
    }
    let start = &body[..body.len().min(SNIFFED_BYTES)];
    let chunked = head.joined("Transfer-Encoding").is_some();
    let payload = if chunked {
        orb_warc::dechunk(start).payload
    } else {
        start.to_vec()
    };
    let coding = head.joined("Content-Encoding");
    let limits = DecodeLimits {
        bytes_max: 4 * SNIFFED_BYTES as u64,
        ..DecodeLimits::default()
    };
    let decoded = decode_content(coding.as_deref(), &payload, &limits);
    let nosniff = head
        .fields
        .get("X-Content-Type-Options")
        .is_some_and(|value| value.eq_ignore_ascii_case("nosniff"));
    let kind = sniff(head.fields.get("Content-Type"), &decoded.bytes, !nosniff);
    let essence = kind.essence();
    // A type of its own making may hold anything.
    let plain = essence.len() < 128 && essence.bytes().all(|byte| byte.is_ascii_graphic());
    plain.then(|| essence.to_owned())
}

/// One segment to be indexed.
struct IndexJob {
    shared: Arc<Shared>,
    slot: SlotId,
    name: String,
}

impl IndexJob {
    fn of(shared: &Arc<Shared>, slot: SlotId, name: String) -> IndexJob {
        IndexJob {
            shared: Arc::clone(shared),
            slot,
            name,
        }
    }

    /// Makes the index, unless it is there; returns whether it is there now. Blocking, for a second a gigabyte.
    fn run(self) -> bool {
        let shared = &self.shared;
        let turns = &shared.indexing;
        let _turn = turns[usize::from(self.slot.0) % turns.len()]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let disk = shared.world.disk();
        let place = index_place(&shared.dir);
        if place.is_complete(disk.as_ref(), &self.name) {
            return true;
        }
        let path = shared.dir.warc().join(&self.name);
        let bytes = disk.read(&path).and_then(|file| file.bytes());
        let made = bytes
            .map_err(|source| ArchiveError::Read {
                path: path.clone(),
                source,
            })
            .map_err(IndexError::from)
            .and_then(|bytes| {
                let file = ArchiveFile {
                    path,
                    name: self.name.clone(),
                    bytes,
                };
                index_warc(&disk, &file, &place, &mut |_| {})
            });
        match made {
            Ok(done) => {
                if done.damages + done.torn > 0 {
                    tracing::warn!(
                        segment = self.name,
                        damages = done.damages,
                        torn = done.torn > 0,
                        "segment is damaged: what cannot be read of it is not indexed; `orb archive verify` says where"
                    );
                }
                tracing::info!(
                    segment = self.name,
                    captures = done.lines,
                    "segment indexed"
                );
                true
            }
            Err(error) => {
                let error = orb_api::with_causes(&error);
                tracing::warn!(segment = self.name, error, "segment could not be indexed");
                false
            }
        }
    }
}

/// Does what is to be done for a segment that is whole: its index, and then its upload may begin. Blocking.
pub(crate) fn close(shared: &Arc<Shared>, slot: SlotId, name: String) {
    let whole = !shared.config.archive.index || IndexJob::of(shared, slot, name.clone()).run();
    // Without its index it would have to come back to get one.
    if whole {
        shared.shelf.put(shared, &name);
    }
}

/// A turn for each index that may be made at once: memory for them is a sixteenth of the crawl's. Slots share them.
pub(crate) fn turns(config: &CrawlConfig, slots: u8) -> Vec<Mutex<()>> {
    let room = config.memory_max.bytes() / 16 / INDEX_MEMORY_BYTES;
    let turns = usize::try_from(room).unwrap_or(usize::MAX);
    let turns = turns.clamp(1, usize::from(slots.max(1)));
    (0..turns).map(|_| Mutex::default()).collect()
}

/// The segments of a slot that are whole and that something is to be done for: all but the one that is still written to,
/// and where nothing is uploaded, but those that have their index.
pub(crate) fn unfinished(
    shared: &Shared,
    slot: SlotId,
    ends: &FileEnds,
) -> Result<Vec<String>, CrawlError> {
    if !shared.config.archive.index && !shared.shelf.is_wanted() {
        return Ok(Vec::new());
    }
    let disk = shared.world.disk();
    let open = open_segment(shared, ends).map(|end| end.name.as_str());
    let mut names = segments(disk.as_ref(), &shared.dir, slot)?;
    let place = index_place(&shared.dir);
    names.retain(|name| Some(name.as_str()) != open);
    if !shared.shelf.is_wanted() {
        names.retain(|name| !place.is_complete(disk.as_ref(), name));
    }
    Ok(names)
}

/// The segment that the slot goes on with.
pub(crate) fn open_segment<'e>(shared: &Shared, ends: &'e FileEnds) -> Option<&'e SegmentEnd> {
    let end = ends.segment.as_ref();
    end.filter(|end| !shared.sealed.contains(&end.name))
}

/// The segments of a slot that lie here.
pub(crate) fn segments(
    disk: &dyn Disk,
    dir: &CrawlDir,
    slot: SlotId,
) -> Result<Vec<String>, CrawlError> {
    let warc = dir.warc();
    let entries = disk.list(&warc).map_err(CrawlError::file("list", &warc))?;
    let names = entries.into_iter().map(|entry| entry.name);
    let of_slot =
        |name: &String| SegmentName::parse(name).is_some_and(|parts| parts.slot == slot.0);
    Ok(names.filter(of_slot).collect())
}

/// Indexes what has no index yet, the segments that are still open included: nothing is written to them any more until
/// the folder is opened again. What is to be uploaded goes to the shelf. Leaves off between two segments when somebody asks for a stop. Blocking.
pub(crate) fn index_all(shared: &Arc<Shared>) {
    if !shared.config.archive.index && !shared.shelf.is_wanted() {
        return;
    }
    if shared.board.is_held() && !shared.shelf.is_wanted() {
        tracing::info!("no room for indexes: `orb archive reindex` or the next opening makes them");
        return;
    }
    tracing::info!("segments without an index are indexed before the crawl ends");
    for slot in shared.slots.slot_ids() {
        match segments(shared.world.disk().as_ref(), &shared.dir, slot) {
            Ok(names) => {
                for name in names {
                    if shared.control.is_hurried() {
                        tracing::info!(
                            "indexing left off: `orb archive reindex` or the next opening goes on"
                        );
                        return;
                    }
                    close(shared, slot, name);
                }
            }
            Err(error) => {
                let error = orb_api::with_causes(&error);
                tracing::warn!(%slot, error, "segments could not be listed, so they are not indexed");
            }
        }
    }
}
