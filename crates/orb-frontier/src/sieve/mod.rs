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
mod error;
mod key;
mod limits;
mod merge;
mod run_file;
mod run_list;

pub use admitted_file::{Admitted, AdmittedRows, read_admitted, remove_admitted};
pub use error::SieveError;
pub use key::SieveKey;
pub use merge::{MergeJob, Merged};
pub use run_list::RunList;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orb_env::Disk;
use rustc_hash::FxHashSet;

use crate::found::Found;
use key::KeyBytes;
use limits::RECENT_KEYS;
use merge::{Offers, Streams};
use run_file::Run;

/// The sieve of one slot.
pub struct Sieve {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    list: RunList,
    runs: Vec<Arc<Run>>,
    offers: Offers,
    /// Keys of `offers`.
    offered: FxHashSet<SieveKey>,
    /// Keys that came lately, each where its fingerprint says; all zero where none did.
    recent: Vec<KeyBytes>,
    merging: bool,
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
            if run || rows {
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
            disk,
            dir: dir.to_path_buf(),
            list: live.clone(),
            offers: Offers::default(),
            offered: FxHashSet::default(),
            recent: vec![[0; 10]; RECENT_KEYS],
            merging: false,
            replaced: Vec::new(),
        })
    }

    /// Offers a found URL. `false` when its key came lately or waits already: then an earlier offer
    /// stands for this one, and the next merge to be switched to covers both.
    ///
    /// Cost: a hash, and a copy of the URL if it is kept.
    pub fn offer(&mut self, key: SieveKey, found: &Found) -> bool {
        let bytes = key.to_bytes();
        let place = key.fingerprint.0 as usize % RECENT_KEYS;
        // The key of zeroes marks an empty place, so it is never recent; the buffer still knows it.
        if self.recent[place] == bytes && bytes != [0; 10] {
            return false;
        }
        self.recent[place] = bytes;
        if !self.offered.insert(key) {
            return false;
        }
        found.encode_into(&mut self.offers.bytes);
        self.offers.keys.push((bytes, self.offers.bytes.len()));
        true
    }

    /// Offers that wait for a merge.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.offers.keys.len()
    }

    /// Bytes of the offers that wait; the caller starts merges by this, and stops reading links while
    /// a merge is out and this is large.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.offers.bytes.len() + self.offers.keys.len() * size_of::<(KeyBytes, usize)>()
    }

    /// Takes all offers for a merge. `None` without offers, and while a merge is out: from here until
    /// [`Sieve::installed`].
    pub fn start_merge(&mut self) -> Option<MergeJob> {
        if self.merging || self.offers.keys.is_empty() {
            return None;
        }
        self.merging = true;
        self.offered = FxHashSet::default();
        Some(MergeJob {
            disk: Arc::clone(&self.disk),
            dir: self.dir.clone(),
            list: self.list.clone(),
            runs: self.runs.clone(),
            offers: std::mem::take(&mut self.offers),
        })
    }

    /// The switch to `merged` is part of the batch being built: later merges start from it. If that
    /// batch fails, or the merge did, the sieve is dropped and opened again with the stored list.
    pub fn installed(&mut self, merged: &Merged) {
        self.merging = false;
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

    /// Memory of buffers, indexes and the recent keys, in bytes.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let indexes: usize = self.runs.iter().map(|run| run.heap_bytes()).sum();
        let keys = self.offers.keys.capacity() * size_of::<(KeyBytes, usize)>()
            + self.offered.capacity() * (size_of::<SieveKey>() + 1)
            + self.recent.capacity() * size_of::<KeyBytes>();
        indexes + keys + self.offers.bytes.capacity()
    }
}

/// A look into the live runs: which keys were let through. Goes on while the sieve works.
pub struct SieveLook(Vec<Arc<Run>>);

impl SieveLook {
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
        let mut seen = [false];
        for run in self.0.iter().rev() {
            run.mark(&[key.to_bytes()], &mut seen)?;
        }
        Ok(seen[0])
    }
}

impl Sieve {
    /// A look into the runs as they are now.
    #[must_use]
    pub fn look(&self) -> SieveLook {
        SieveLook(self.runs.clone())
    }

    /// Whether `key` waits for a merge to be begun.
    #[must_use]
    pub fn is_offered(&self, key: SieveKey) -> bool {
        self.offered.contains(&key)
    }
}

fn open_runs(disk: &dyn Disk, dir: &Path, live: &RunList) -> Result<Vec<Arc<Run>>, SieveError> {
    live.runs
        .iter()
        .map(|run| Run::open(disk, dir, *run).map(Arc::new))
        .collect()
}

/// Reads every run that `live` names and gives `visit` all keys, in ascending order. Returns their
/// number. Blocking; cost: one sequential pass over the runs, changes nothing.
///
/// # Errors
/// When a checksum, the order or a count is wrong, or a key is there twice.
pub fn check_runs(
    disk: &dyn Disk,
    dir: &Path,
    live: &RunList,
    visit: &mut dyn FnMut(SieveKey),
) -> Result<u64, SieveError> {
    let runs = open_runs(disk, dir, live)?;
    let mut streams = Streams::new(&runs)?;
    let mut last = None;
    let mut keys = 0;
    while let Some(least) = streams.peek() {
        let bytes = streams.pop(least)?;
        let key = SieveKey::from_bytes(bytes);
        let key = key.ok_or_else(|| SieveError::damaged(dir, 0, "a key outside the partitions"))?;
        if last == Some(key) {
            return Err(SieveError::damaged(dir, 0, "a key that two runs hold"));
        }
        last = Some(key);
        keys += 1;
        visit(key);
    }
    if keys != live.entries() {
        return Err(SieveError::damaged(
            dir,
            0,
            "another number of keys than the list says",
        ));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests;
