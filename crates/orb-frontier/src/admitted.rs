//! Draining admitted files into the queues, a few rows at a time; and walking over what is not drained.
//!
//! In: a file and an offset. Out: rows. May touch: the file, on the read helper.
//! Invariant: rows come in the order they were found.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use orb_env::Disk;

use crate::limits::{DRAIN_ROWS_MAX, WALK_ROWS};
use crate::sieve::{AdmittedRows, read_admitted};
use crate::snapshot::AdmittedFile;
use crate::{Found, FrontierError, SieveError, SieveKey};

/// Reads the next rows of an admitted file. Blocking: run it on the read helper.
pub struct DrainJob {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) id: u64,
    pub(crate) offset: u64,
}

/// What a [`DrainJob`] read.
pub struct Drained(pub(crate) AdmittedRows);

impl DrainJob {
    /// Reads.
    ///
    /// # Errors
    /// When the file is gone or damaged.
    pub fn run(self) -> Result<Drained, FrontierError> {
        Ok(Drained(read_admitted(
            self.disk.as_ref(),
            &self.dir,
            self.id,
            self.offset,
            DRAIN_ROWS_MAX,
        )?))
    }
}

/// What of an admitted file is not drained, in the order it was found; ends after an error. Reads are blocking.
pub struct Undrained<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    id: u64,
    from: u64,
    ended: bool,
    rows: std::vec::IntoIter<(SieveKey, Found)>,
}

impl<'a> Undrained<'a> {
    /// The rest of `file`, which lies in `dir`.
    #[must_use]
    pub fn of(disk: &'a dyn Disk, dir: &'a Path, file: &AdmittedFile) -> Undrained<'a> {
        Undrained {
            disk,
            dir,
            id: file.id,
            from: file.offset,
            ended: false,
            rows: Vec::new().into_iter(),
        }
    }
}

impl Iterator for Undrained<'_> {
    type Item = Result<(SieveKey, Found), SieveError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(Ok(row));
            }
            if self.ended {
                return None;
            }
            match read_admitted(self.disk, self.dir, self.id, self.from, WALK_ROWS) {
                Ok(read) => {
                    (self.from, self.ended) = (read.next, read.end);
                    self.rows = read.rows.into_iter();
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
    }
}
