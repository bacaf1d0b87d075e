//! Appends groups to a link journal.
//!
//! In: the stored end at opening; then groups. Out: the end after each, synced.
//! May touch: `orb-env` (files). Must not touch: the store; the caller stores the end.
//! Invariant: after an error nothing more is written until the journal is opened again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orb_env::{AppendFile, Disk};

use super::{JournalEnd, file_number, file_path, frame};
use crate::JournalError;
use crate::limits::JOURNAL_FILE_BYTES_MAX;

/// The writing end of one slot's link journal. One per folder.
pub struct JournalWriter {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    file_bytes_max: u64,
    end: JournalEnd,
    /// The file of `end`, opened at the first append.
    open: Option<Box<dyn AppendFile>>,
    broken: bool,
    frame: Vec<u8>,
}

impl JournalWriter {
    /// Opens the journal in `dir`, makes it when absent, and undoes everything beyond `stored`:
    /// that file is cut, higher ones are deleted.
    ///
    /// # Errors
    /// [`JournalError::Short`] when less than `stored` is there; [`JournalError::Io`].
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        stored: JournalEnd,
    ) -> Result<JournalWriter, JournalError> {
        JournalWriter::open_with(disk, dir, stored, JOURNAL_FILE_BYTES_MAX)
    }

    /// [`JournalWriter::open`] with files of another size.
    pub(super) fn open_with(
        disk: Arc<dyn Disk>,
        dir: &Path,
        stored: JournalEnd,
        file_bytes_max: u64,
    ) -> Result<JournalWriter, JournalError> {
        let at = |path: &Path, source| JournalError::Io {
            path: path.to_path_buf(),
            source,
        };
        disk.create_dir_all(dir).map_err(|source| at(dir, source))?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            disk.sync_dir(parent).map_err(|source| at(parent, source))?;
        }
        let mut there = 0;
        let mut removed = false;
        for entry in disk.list(dir).map_err(|source| at(dir, source))? {
            let Some(number) = file_number(&entry.name) else {
                continue;
            };
            if number > stored.file {
                let path = file_path(dir, number);
                disk.remove(&path).map_err(|source| at(&path, source))?;
                removed = true;
            } else if number == stored.file {
                there = entry.bytes;
            }
        }
        let path = file_path(dir, stored.file);
        if there < stored.bytes {
            return Err(JournalError::Short {
                path,
                bytes: there,
                stored: stored.bytes,
            });
        }
        if there > stored.bytes {
            disk.truncate(&path, stored.bytes)
                .map_err(|source| at(&path, source))?;
        }
        if removed {
            disk.sync_dir(dir).map_err(|source| at(dir, source))?;
        }
        Ok(JournalWriter {
            disk,
            dir: dir.to_path_buf(),
            file_bytes_max,
            end: stored,
            open: None,
            broken: false,
            frame: Vec::new(),
        })
    }

    /// Appends the blocks of `group`, one per destination slot, and syncs them. Without blocks
    /// nothing is written. Begins a new file once this one is full.
    ///
    /// The end returned is to be stored in the group's batch; only then may readers be shown it.
    /// Cost: one append and one sync, and a folder sync for a new file.
    ///
    /// # Errors
    /// [`JournalError::Refused`] changes nothing. After [`JournalError::Io`] every append answers
    /// [`JournalError::Broken`] until the journal is opened again with the stored end.
    pub fn append_group(
        &mut self,
        group: u64,
        blocks: &[(u8, Vec<u8>)],
    ) -> Result<JournalEnd, JournalError> {
        if self.broken {
            return Err(JournalError::Broken {
                path: file_path(&self.dir, self.end.file),
            });
        }
        if blocks.is_empty() {
            return Ok(self.end);
        }
        self.frame.clear();
        frame::encode(group, blocks, &mut self.frame)
            .map_err(|what| JournalError::Refused { group, what })?;
        let roll = self.end.file == 0 || self.end.bytes >= self.file_bytes_max;
        let target = if roll {
            JournalEnd {
                file: self.end.file + 1,
                bytes: 0,
            }
        } else {
            self.end
        };
        let path = file_path(&self.dir, target.file);
        match self.write(&path, roll) {
            Ok(()) => {
                self.end = JournalEnd {
                    bytes: target.bytes + self.frame.len() as u64,
                    ..target
                };
                Ok(self.end)
            }
            Err(source) => {
                self.broken = true;
                Err(JournalError::Io { path, source })
            }
        }
    }

    fn write(&mut self, path: &Path, fresh: bool) -> io::Result<()> {
        if fresh {
            self.open = None;
        }
        let file = match &mut self.open {
            Some(file) => file,
            closed => closed.insert(self.disk.append(path)?),
        };
        file.append(&self.frame)?;
        file.sync()?;
        if fresh {
            self.disk.sync_dir(&self.dir)
        } else {
            Ok(())
        }
    }

    /// Where the next group goes: what the last group's batch stores.
    #[must_use]
    pub fn end(&self) -> JournalEnd {
        self.end
    }

    /// Deletes the files below number `file`, never the one being written. To be called with the
    /// lowest file of all stored reader positions. A file that a power cut brings back goes at the
    /// next call.
    ///
    /// # Errors
    /// [`JournalError::Io`]; the journal stays good.
    pub fn remove_below(&self, file: u64) -> Result<(), JournalError> {
        let at = |path: &Path, source| JournalError::Io {
            path: path.to_path_buf(),
            source,
        };
        for entry in self
            .disk
            .list(&self.dir)
            .map_err(|source| at(&self.dir, source))?
        {
            let Some(number) = file_number(&entry.name) else {
                continue;
            };
            if number < file.min(self.end.file) {
                let path = file_path(&self.dir, number);
                self.disk
                    .remove(&path)
                    .map_err(|source| at(&path, source))?;
            }
        }
        Ok(())
    }
}
