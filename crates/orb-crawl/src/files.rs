//! One slot's files: archive segments, attempt rows, link journal, commit rows; their lengths are what counts.
//!
//! In: bytes of a group. Out: files whose stored lengths are durable. May touch: the disk, blocking.
//! Invariant: nothing beyond a stored length is ever shown to anybody, except attempt rows, which are never cut.

use std::path::Path;
use std::sync::Arc;

use orb_api::{ArchivePlace, AttemptRow, CommitRow, CrawlDir};
use orb_env::mutant::{Mutant, planted};
use orb_env::{AppendFile, Disk};
use orb_shard::{SlotId, SlotMap};
use orb_store::{JournalEnd, JournalWriter, Keyspace, Store};
use orb_warc::SegmentName;
use serde::{Deserialize, Serialize};

use crate::CrawlError;
use crate::index::index_place;
use crate::whole_rows::whole_rows;

/// Lengths and totals as of one committed group; row `files` of the keyspace `Meta`, JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEnds {
    /// Layout version, 1.
    pub v: u32,
    /// The open archive segment: name, serial, bytes.
    pub segment: Option<SegmentEnd>,
    /// Serial number of the next segment.
    pub next_serial: u32,
    /// Attempt rows: bytes.
    pub attempts_bytes: u64,
    /// Link journal: file, bytes.
    pub journal: (u64, u64),
    /// Pages archived in the folder by this slot.
    pub pages: u64,
    /// Bytes received by this slot.
    pub bytes_received: u64,
    /// Bytes appended to the archive by this slot.
    pub bytes_archived: u64,
}

/// How far one segment is committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEnd {
    /// File name inside `warc/`.
    pub name: String,
    /// Serial number in its slot.
    pub serial: u32,
    /// Bytes.
    pub bytes: u64,
}

impl FileEnds {
    /// Reads the stored row; a fresh slot has none.
    ///
    /// # Errors
    /// When the store fails or the row cannot be read.
    pub fn read(store: &dyn Store, slot: SlotId) -> Result<FileEnds, CrawlError> {
        let row = store
            .get(Keyspace::Meta, b"files")
            .map_err(|source| CrawlError::Store { slot, source })?;
        let Some(row) = row else {
            return Ok(FileEnds::default());
        };
        serde_json::from_slice(&row).map_err(|source| CrawlError::Frontier {
            slot,
            source: orb_frontier::FrontierError::Json {
                key: "files".into(),
                source,
            },
        })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(&FileEnds {
            v: 1,
            ..self.clone()
        })
        .expect("file ends have only plain keys")
    }

    /// The committed end of the link journal.
    #[must_use]
    pub fn journal_end(&self) -> JournalEnd {
        JournalEnd {
            file: self.journal.0,
            bytes: self.journal.1,
        }
    }
}

/// Bytes of one group for one segment.
#[derive(Debug, Default)]
pub(crate) struct SegmentPart {
    pub(crate) name: String,
    pub(crate) serial: u32,
    pub(crate) start: u64,
    pub(crate) bytes: Vec<u8>,
}

impl SegmentPart {
    /// Where a record that begins at `at` in `bytes` lies.
    pub(crate) fn place(&self, at: usize, len: usize) -> ArchivePlace {
        ArchivePlace {
            file: self.name.clone(),
            offset: self.start + at as u64,
            bytes: len as u64,
        }
    }
}

/// The files that a group is written to; they travel to the commit helper and back.
pub(crate) struct SlotFiles {
    dir: CrawlDir,
    disk: Arc<dyn Disk>,
    segment: Option<(String, Box<dyn AppendFile>)>,
    attempts: Box<dyn AppendFile>,
    journal: JournalWriter,
    commits: Box<dyn AppendFile>,
}

/// What a commit failed at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommitError {
    #[error("write the group's files")]
    File(#[from] std::io::Error),
    #[error("write the link journal")]
    Journal(#[from] orb_store::JournalError),
    #[error("commit the group's rows")]
    Store(#[from] orb_store::StoreError),
}

impl CommitError {
    pub(crate) fn is_disk_full(&self) -> bool {
        match self {
            CommitError::File(error) => {
                matches!(
                    error.kind(),
                    std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
                )
            }
            CommitError::Journal(error) => error.is_disk_full(),
            CommitError::Store(error) => error.is_disk_full(),
        }
    }
}

impl SlotFiles {
    /// Opens a slot's files as of `ends`: what lies beyond is cut, except attempt rows, which happened and are
    /// handed back.
    ///
    /// - `open_segment`: the segment that is gone on with, if it is.
    pub(crate) fn open(
        dir: &CrawlDir,
        slot: SlotId,
        disk: &Arc<dyn Disk>,
        ends: &FileEnds,
        open_segment: Option<&SegmentEnd>,
    ) -> Result<(SlotFiles, Vec<AttemptRow>), CrawlError> {
        cut_segments(disk.as_ref(), dir, slot, ends)?;
        if let Some(end) = open_segment {
            // It will grow: what indexed it as it was is not its index any more.
            index_place(dir)
                .remove(disk.as_ref(), &end.name)
                .map_err(|source| CrawlError::Index { source })?;
        }
        let undone =
            roll_back_attempts(disk.as_ref(), &dir.attempts_of(slot), ends.attempts_bytes)?;
        let segment = match open_segment {
            Some(end) => Some((
                end.name.clone(),
                open(disk.as_ref(), &dir.warc().join(&end.name))?,
            )),
            None => None,
        };
        let journal = JournalWriter::open(Arc::clone(disk), &dir.links(slot), ends.journal_end())
            .map_err(|source| CrawlError::Journal { slot, source })?;
        // Commit rows are never synced, so that any of them may be a hole.
        whole_rows(disk.as_ref(), &dir.commits_of(slot), 0, is_commit)?;
        let files = SlotFiles {
            segment,
            attempts: open(disk.as_ref(), &dir.attempts_of(slot))?,
            journal,
            commits: open(disk.as_ref(), &dir.commits_of(slot))?,
            dir: dir.clone(),
            disk: Arc::clone(disk),
        };
        // Synced rows of a file whose name is lost are lost too.
        for folder in [dir.attempts(), dir.commits()] {
            disk.sync_dir(&folder)
                .map_err(CrawlError::file("sync folder", &folder))?;
        }
        Ok((files, undone))
    }

    /// Appends and syncs a group's archive bytes.
    pub(crate) fn write_segments(&mut self, parts: &[SegmentPart]) -> Result<(), CommitError> {
        for part in parts {
            let same = self
                .segment
                .as_ref()
                .is_some_and(|(name, _)| *name == part.name);
            if !same {
                let file = self.disk.append(&self.dir.warc().join(&part.name))?;
                self.segment = Some((part.name.clone(), file));
            }
            let (_, file) = self.segment.as_mut().expect("opened above");
            if file.bytes() != part.start {
                return Err(CommitError::File(std::io::Error::other(
                    "archive segment has an unexpected length",
                )));
            }
            if !part.bytes.is_empty() {
                file.append(&part.bytes)?;
                file.sync()?;
            }
            if !same {
                self.disk.sync_dir(&self.dir.warc())?;
            }
        }
        Ok(())
    }

    /// Makes attempt rows durable.
    pub(crate) fn sync_attempts(&mut self) -> Result<(), CommitError> {
        Ok(self.attempts.sync()?)
    }

    /// Appends and syncs a group's link blocks.
    pub(crate) fn write_links(
        &mut self,
        group: u64,
        blocks: &[(u8, Vec<u8>)],
    ) -> Result<JournalEnd, CommitError> {
        if blocks.is_empty() {
            return Ok(self.journal.end());
        }
        Ok(self.journal.append_group(group, blocks)?)
    }

    /// Names a group after its sync.
    pub(crate) fn name_group(&mut self, row: &CommitRow) -> Result<(), CommitError> {
        let mut line = serde_json::to_vec(row).expect("a commit row has only plain keys");
        line.push(b'\n');
        Ok(self.commits.append(&line)?)
    }

    /// Removes journal files that every reader has passed.
    pub(crate) fn forget_links_below(&self, file: u64) -> Result<(), CommitError> {
        Ok(self.journal.remove_below(file)?)
    }
}

/// Bytes of a crawl's files but those of its stores.
pub(crate) fn folder_bytes(disk: &dyn Disk, dir: &CrawlDir, slots: &SlotMap) -> u64 {
    let mut folders = vec![dir.warc(), dir.attempts(), dir.commits(), dir.logs()];
    for slot in slots.slot_ids() {
        folders.extend([dir.links(slot), dir.sieve(slot), dir.seeds(slot)]);
    }
    folders.extend(index_place(dir).folders());
    folders
        .iter()
        .filter_map(|folder| disk.list(folder).ok())
        .flatten()
        .map(|entry| entry.bytes)
        .sum()
}

fn open(disk: &dyn Disk, path: &Path) -> Result<Box<dyn AppendFile>, CrawlError> {
    disk.append(path).map_err(CrawlError::file("open", path))
}

/// Deletes segments above the stored one and cuts the stored one to its length.
pub(crate) fn cut_segments(
    disk: &dyn Disk,
    dir: &CrawlDir,
    slot: SlotId,
    ends: &FileEnds,
) -> Result<(), CrawlError> {
    let warc = dir.warc();
    let mut removed = false;
    for entry in disk.list(&warc).map_err(CrawlError::file("list", &warc))? {
        let Some(name) = SegmentName::parse(&entry.name) else {
            continue;
        };
        if name.slot != slot.0 {
            continue;
        }
        let path = warc.join(&entry.name);
        let stored = ends.segment.as_ref();
        let above = stored.is_none_or(|end| name.serial > end.serial);
        if above && !planted(Mutant::RotationUncut) {
            disk.remove(&path)
                .map_err(CrawlError::file("remove", &path))?;
            index_place(dir)
                .remove(disk, &entry.name)
                .map_err(|source| CrawlError::Index { source })?;
            removed = true;
        } else if let Some(end) =
            stored.filter(|end| end.name == entry.name && entry.bytes > end.bytes)
        {
            disk.truncate(&path, end.bytes)
                .map_err(CrawlError::file("cut", &path))?;
        }
    }
    if removed {
        disk.sync_dir(&warc)
            .map_err(CrawlError::file("sync", &warc))?;
    }
    Ok(())
}

/// A line after rows that were written but whose group was not committed: they happened, and count for the
/// clocks, but their records are not in the archive.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RolledBack {
    v: u8,
    rolled_back_from: u64,
    rolled_back_to: u64,
}

fn is_attempt(row: &[u8]) -> bool {
    let mark = || serde_json::from_slice::<RolledBack>(row).is_ok();
    serde_json::from_slice::<AttemptRow>(row).is_ok() || mark()
}

fn is_commit(row: &[u8]) -> bool {
    serde_json::from_slice::<CommitRow>(row).is_ok()
}

fn roll_back_attempts(
    disk: &dyn Disk,
    path: &Path,
    stored: u64,
) -> Result<Vec<AttemptRow>, CrawlError> {
    let end = whole_rows(disk, path, stored, is_attempt)?;
    if end <= stored {
        return Ok(Vec::new());
    }
    let fail = |error| CrawlError::file("read", path)(error);
    let mut undone = vec![0; (end - stored) as usize];
    disk.read(path)
        .and_then(|file| file.read_at(stored, &mut undone))
        .map_err(fail)?;
    let row = RolledBack {
        v: 1,
        rolled_back_from: stored,
        rolled_back_to: end,
    };
    let mut line = serde_json::to_vec(&row).expect("the row has only plain keys");
    line.push(b'\n');
    let mut file = open(disk, path)?;
    let write = |file: &mut Box<dyn AppendFile>| {
        file.append(&line)?;
        file.sync()
    };
    write(&mut file).map_err(CrawlError::file("write", path))?;
    // Marks of earlier openings are among the lines; they are no attempts.
    let lines = undone.split(|&byte| byte == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::MemoryDisk;

    #[test]
    fn a_torn_row_is_cut_and_uncommitted_rows_are_marked() {
        let disk = MemoryDisk::new();
        let path = Path::new("/c/rows");
        let mark = |to| format!("{{\"v\":1,\"rolled_back_from\":0,\"rolled_back_to\":{to}}}\n");
        let (committed, undone) = (mark(1), mark(2));
        let text = format!("{committed}{undone}{{\"v\":1,\"rol");
        disk.append(path).unwrap().append(text.as_bytes()).unwrap();
        let from = committed.len() as u64;
        roll_back_attempts(&disk, path, from).unwrap();
        let text = String::from_utf8(disk.read_all(path).unwrap()).unwrap();
        let to = from + undone.len() as u64;
        let told = format!("{{\"v\":1,\"rolled_back_from\":{from},\"rolled_back_to\":{to}}}\n");
        assert_eq!(text, format!("{committed}{undone}{told}"));
        roll_back_attempts(&disk, path, text.len() as u64).unwrap();
        assert_eq!(disk.read_all(path).unwrap().len(), text.len());
    }
}
