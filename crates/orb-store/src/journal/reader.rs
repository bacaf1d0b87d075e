//! Reads one destination's blocks from a link journal.
//!
//! In: a stored position; then the writer's stored end. Out: blocks, in order.
//! May touch: `orb-env` (files). Must not touch: blocks of other destinations, bytes past the end.
//! Invariant: the position is always between two frames, and never past an end it was shown.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orb_env::{Disk, ReadFile};

use super::frame::{self, INDEX_BYTES_MAX};
use super::{JournalEnd, file_path};
use crate::JournalError;

/// Blocks of one destination, from one or several groups that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalBlock {
    /// The blocks, one after the other.
    pub bytes: Vec<u8>,
    /// The position once these are absorbed.
    pub after: JournalEnd,
}

/// The reading end of a link journal for one destination slot.
pub struct JournalReader {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    destination: u8,
    position: JournalEnd,
    open: Option<(u64, Box<dyn ReadFile>)>,
}

/// A frame and, if it was read, the destination's block in it.
struct Step {
    after: JournalEnd,
    block: Option<Vec<u8>>,
}

impl JournalReader {
    /// A reader of `destination`'s blocks in the journal in `dir`, from a stored position on.
    /// Opens no file yet.
    #[must_use]
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        destination: u8,
        position: JournalEnd,
    ) -> JournalReader {
        JournalReader {
            disk,
            dir: dir.to_path_buf(),
            destination,
            position,
            open: None,
        }
    }

    /// What was read so far; to be stored with the outcome of what was read.
    #[must_use]
    pub fn position(&self) -> JournalEnd {
        self.position
    }

    /// The next blocks: as many whole ones as fit `bytes_max`, one at least. `None` when everything
    /// before `shown` was read; the position is `shown` then. `shown` is the end that the writer's
    /// last synced batch stored.
    ///
    /// Cost: one read of a few hundred bytes per frame, one read per block.
    ///
    /// # Errors
    /// The position stays where it was, so the same read can be tried again.
    /// [`JournalError::PastEnd`] when the position is past `shown`; [`JournalError::Damaged`] and
    /// [`JournalError::Short`] name the file.
    pub fn read(
        &mut self,
        shown: JournalEnd,
        bytes_max: usize,
    ) -> Result<Option<JournalBlock>, JournalError> {
        if self.position > shown {
            let (dir, position) = (self.dir.clone(), self.position);
            return Err(JournalError::PastEnd {
                dir,
                position,
                shown,
            });
        }
        let mut at = self.position;
        let mut bytes = Vec::new();
        let mut any = false;
        while at != shown {
            let room = if any {
                bytes_max.saturating_sub(bytes.len())
            } else {
                usize::MAX
            };
            let Some(step) = self.step(at.normal(), shown, room)? else {
                break;
            };
            at = step.after;
            if let Some(block) = step.block {
                any = true;
                if bytes.is_empty() {
                    bytes = block
                } else {
                    bytes.extend_from_slice(&block)
                }
            }
        }
        self.position = at;
        Ok(any.then_some(JournalBlock { bytes, after: at }))
    }

    /// The frame at `at`, or the start of the next file. `None` when its block is longer than `room`.
    fn step(
        &mut self,
        at: JournalEnd,
        shown: JournalEnd,
        room: usize,
    ) -> Result<Option<Step>, JournalError> {
        let path = file_path(&self.dir, at.file);
        let destination = self.destination;
        let file = self.file(at.file, &path)?;
        let io = |source| JournalError::Io {
            path: path.clone(),
            source,
        };
        let damaged = |what| JournalError::Damaged {
            path: path.clone(),
            offset: at.bytes,
            what,
        };
        // An earlier file was complete before anything of a later one was shown.
        let there = file.bytes().map_err(io)?;
        let limit = if at.file == shown.file {
            shown.bytes
        } else {
            there
        };
        if there < limit {
            return Err(JournalError::Short {
                path,
                bytes: there,
                stored: limit,
            });
        }
        if at.file < shown.file && at.bytes == limit {
            let after = JournalEnd {
                file: at.file + 1,
                bytes: 0,
            };
            return Ok(Some(Step { after, block: None }));
        }
        let left = limit.saturating_sub(at.bytes);
        let mut head = [0; INDEX_BYTES_MAX];
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(head.len());
        let got = file.read_at(at.bytes, &mut head[..wanted]).map_err(io)?;
        let index = frame::decode(&head[..got], destination).map_err(damaged)?;
        if index.bytes > left {
            return Err(damaged("the frame is cut short"));
        }
        let after = JournalEnd {
            bytes: at.bytes + index.bytes,
            ..at
        };
        let Some(place) = index.place else {
            return Ok(Some(Step { after, block: None }));
        };
        if place.bytes > room {
            return Ok(None);
        }
        let mut block = vec![0; place.bytes];
        let got = file
            .read_at(at.bytes + place.offset, &mut block)
            .map_err(io)?;
        if !place.holds(&block[..got]) {
            return Err(damaged("wrong checksum of a block"));
        }
        Ok(Some(Step {
            after,
            block: Some(block),
        }))
    }

    fn file(&mut self, number: u64, path: &Path) -> Result<&dyn ReadFile, JournalError> {
        let open = match self.open.take() {
            Some((have, file)) if have == number => file,
            _ => self.disk.read(path).map_err(|source| {
                let path = path.to_path_buf();
                if source.kind() == io::ErrorKind::NotFound {
                    JournalError::Short {
                        path,
                        bytes: 0,
                        stored: 1,
                    }
                } else {
                    JournalError::Io { path, source }
                }
            })?,
        };
        Ok(self.open.insert((number, open)).1.as_ref())
    }
}
