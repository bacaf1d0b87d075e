//! The sieve: has this URL been seen before? (After DRUM, Lee et al. 2008, and BUbiNG, 2018.)
//!
//! In: found URLs with their keys. Out: those never seen before, each exactly once, in the order they
//! were first found.
//! May touch: `orb-env` (files in one folder). Must not touch: the store; the caller stores the list.
//! Invariant: the stored list of runs and the named admitted files together hold every key ever let
//! through; files named by neither are left over from a merge that was undone and are deleted.
//!
//! Offers gather in memory. A [`MergeJob`] sorts them, looks them up in the runs, and writes a run and
//! an admitted file; one store batch switches to them, so a URL is counted as discovered exactly when
//! it becomes impossible to discover again.

mod admitted_file;
mod block;
mod check;
mod error;
mod key;
mod limits;
mod look;
mod memory;
mod merge;
mod offers;
mod packed;
mod run_file;
mod run_list;
mod run_read;

pub use admitted_file::{Admitted, AdmittedRows, read_admitted, remove_admitted};
pub use check::{PartitionKeys, RunsChecked, check_runs, export_partition, write_run_of};
pub use error::SieveError;
pub use key::SieveKey;
pub use look::SieveLook;
pub use memory::SieveMemory;
pub use merge::{MergeJob, Merged};
pub use run_list::RunList;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use orb_env::Disk;

use crate::found::Found;
use key::KeyBytes;
use offers::{Offers, PLACE_BITS};
use run_file::{Run, open_runs};

/// The sieve of one slot.
pub struct Sieve {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    list: RunList,
    runs: Vec<Arc<Run>>,
    memory: SieveMemory,
    offers: Offers,
    /// Keys that came lately, each where its fingerprint says; all zero where none did.
    recent: Vec<KeyBytes>,
    /// Keys of the merge that is out; none while none is.
    merging: Option<usize>,
    /// Runs that the list no longer names.
    replaced: Vec<u64>,
}

impl Sieve {
    /// Opens the sieve in `dir`, makes it when absent. `live` is the stored list of runs, `admitted`
    /// the admitted files that the store names; all other files of the sieve's are deleted, and so
    /// is everything that was offered and not switched to. Blocking; reads the runs' indexes, not
    /// their blocks.
    ///
    /// # Errors
    /// [`SieveError::Missing`] or [`SieveError::Damaged`] when a named file is not whole;
    /// [`SieveError::Io`].
    pub fn open(
        disk: Arc<dyn Disk>,
        dir: &Path,
        live: &RunList,
        admitted: &[u64],
        memory: SieveMemory,
    ) -> Result<Sieve, SieveError> {
        let io = SieveError::io(dir);
        disk.create_dir_all(dir).map_err(&io)?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            disk.sync_dir(parent).map_err(SieveError::io(parent))?;
        }
        let named: BTreeSet<u64> = live.runs.iter().map(|run| run.id).collect();
        let mut removed = false;
        for entry in disk.list(dir).map_err(&io)? {
            let run = run_file::run_id(&entry.name).is_some_and(|id| !named.contains(&id));
            let rows =
                admitted_file::admitted_id(&entry.name).is_some_and(|id| !admitted.contains(&id));
            if run || rows || offers::is_offers(&entry.name) {
                disk.remove(&dir.join(&entry.name)).map_err(&io)?;
                removed = true;
            }
        }
        if removed {
            disk.sync_dir(dir).map_err(&io)?;
        }
        for id in admitted {
            admitted_file::inspect(disk.as_ref(), dir, *id)?;
        }
        Ok(Sieve {
            runs: open_runs(disk.as_ref(), dir, live)?,
            offers: Offers::new(Arc::clone(&disk), dir, 0, memory),
            disk,
            dir: dir.to_path_buf(),
            list: live.clone(),
            memory,
            recent: vec![[0; 10]; memory.recent_keys.max(1)],
            merging: None,
            replaced: Vec::new(),
        })
    }

    /// Offers a found URL. `false` when its key came lately: then an earlier offer stands for this one,
    /// and the next merge to be switched to covers both. A key that waits already may be taken twice;
    /// the merge keeps the first.
    ///
    /// Cost: a copy of the URL. Beyond the memory for found URLs every quarter of a megabyte of them is
    /// appended to a file, unsynced.
    pub fn offer(&mut self, key: SieveKey, found: &Found) -> bool {
        let bytes = key.to_bytes();
        let place = key.fingerprint.0 as usize % self.recent.len();
        // The key of zeroes marks an empty place, so it is never recent.
        if self.recent[place] == bytes && bytes != [0; 10] {
            return false;
        }
        self.recent[place] = bytes;
        self.offers.push(key.number(), found);
        true
    }

    /// Offers that wait for a merge.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.offers.keys.len()
    }

    /// Bytes of memory of the offers that wait.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.offers.bytes()
    }

    /// Whether no more links should be read: the buffer, and the one that is being merged, hold as many
    /// keys as they may.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.offers.keys.len() + self.merging.unwrap_or(0) >= self.memory.keys_max
    }

    /// Whether the buffer should be merged for its size: an eighth is left for what comes meanwhile.
    #[must_use]
    pub fn is_merge_due(&self) -> bool {
        self.offers.keys.len() >= self.memory.keys_max - self.memory.keys_max / 8
    }

    /// How long a busy crawl gathers before it merges a buffer that is not full, at least: until the
    /// pass over the runs, some 3 ns a key, is a twentieth of that time.
    #[must_use]
    pub fn gathering_time(&self) -> Duration {
        Duration::from_nanos(self.list.entries().saturating_mul(60))
    }

    /// Takes all offers for a merge. `None` without offers, and while a merge is out: from here until
    /// [`Sieve::installed`].
    pub fn start_merge(&mut self) -> Option<MergeJob> {
        if self.merging.is_some() || self.offers.keys.is_empty() {
            return None;
        }
        self.merging = Some(self.offers.keys.len());
        let following = self.offers.following();
        Some(MergeJob {
            disk: Arc::clone(&self.disk),
            dir: self.dir.clone(),
            list: self.list.clone(),
            runs: self.runs.clone(),
            offers: std::mem::replace(&mut self.offers, following),
        })
    }

    /// The switch to `merged` is part of the batch being built: later merges start from it. If that
    /// batch fails, or the merge did, the sieve is dropped and opened again with the stored list.
    pub fn installed(&mut self, merged: &Merged) {
        self.merging = None;
        let stays = |id| merged.runs.runs.iter().any(|run| run.id == id);
        self.replaced.extend(
            self.list
                .runs
                .iter()
                .map(|run| run.id)
                .filter(|id| !stays(*id)),
        );
        self.list = merged.runs.clone();
        self.runs.clone_from(&merged.open);
    }

    /// The runs replaced since this was last called. To be taken when the batch that holds the
    /// switch is sealed, and given to [`Sieve::sweep`] when that very batch is durable: a later
    /// merge may have replaced more, which an earlier stored list still names.
    #[must_use]
    pub fn take_replaced(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.replaced)
    }

    /// Deletes replaced runs. Blocking, short. One that a power cut brings back goes at the next
    /// opening.
    ///
    /// # Errors
    /// [`SieveError::Io`].
    pub fn sweep(&self, replaced: &[u64]) -> Result<(), SieveError> {
        for id in replaced {
            let path = run_file::run_path(&self.dir, *id);
            self.disk.remove(&path).map_err(SieveError::io(&path))?;
        }
        Ok(())
    }

    /// The list of live runs, as last installed.
    #[must_use]
    pub fn runs(&self) -> &RunList {
        &self.list
    }

    /// Memory of the buffer, indexes and the recent keys, in bytes. A buffer that is being merged is the
    /// merge's.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let indexes: usize = self.runs.iter().map(|run| run.heap_bytes()).sum();
        indexes + self.offers.bytes() + self.recent.capacity() * size_of::<KeyBytes>()
    }

    /// A look into the runs as they are now.
    #[must_use]
    pub fn look(&self) -> SieveLook {
        SieveLook::new(self.runs.clone())
    }

    /// Whether `key` waits for a merge to be begun. Cost: a look at every key that waits; for a question
    /// by a person.
    #[must_use]
    pub fn is_offered(&self, key: SieveKey) -> bool {
        let number = key.number();
        let mut waiting = self.offers.keys.iter();
        waiting.any(|offer| offer >> PLACE_BITS == number)
    }
}

#[cfg(test)]
mod tests;
