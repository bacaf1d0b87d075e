//! Looking into live runs while the sieve works.
//!
//! In: runs. Out: whether a key was let through.
//! May touch: files, through open runs. Must not touch: buffers.
//! Invariant: changes nothing.

use std::path::Path;
use std::sync::Arc;

use orb_env::Disk;

use super::error::SieveError;
use super::key::SieveKey;
use super::run_file::{Run, open_runs};
use super::run_list::RunList;

/// A look into the live runs: which keys were let through. Goes on while the sieve works.
pub struct SieveLook(Vec<Arc<Run>>);

impl SieveLook {
    pub(super) fn new(runs: Vec<Arc<Run>>) -> SieveLook {
        SieveLook(runs)
    }

    /// A look into the runs of a stored list. Blocking; reads the runs' indexes.
    ///
    /// # Errors
    /// When a named file is not whole.
    pub fn open(disk: &dyn Disk, dir: &Path, live: &RunList) -> Result<SieveLook, SieveError> {
        Ok(SieveLook(open_runs(disk, dir, live)?))
    }

    /// Whether `key` was let through. Blocking; cost: a block of each run.
    ///
    /// # Errors
    /// When a block cannot be read.
    pub fn holds(&self, key: SieveKey) -> Result<bool, SieveError> {
        for run in self.0.iter().rev() {
            if run.holds(key.number())? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
