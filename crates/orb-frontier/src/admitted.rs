//! Draining admitted files into the queues, a few rows at a time.
//!
//! In: a file and an offset. Out: rows. May touch: the file, on the read helper.
//! Invariant: rows come in the order they were found.

use std::path::PathBuf;
use std::sync::Arc;

use orb_env::Disk;

use crate::FrontierError;
use crate::limits::DRAIN_ROWS_MAX;
use crate::sieve::{AdmittedRows, read_admitted};

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
