//! A merge: which of the keys offered were never seen, as a new run and an admitted file.
//!
//! In: a buffer of offers and the live runs. Out: the next list of runs, the admitted file, counts.
//! May touch: `orb-env` (files), on a helper thread. Must not touch: the store; the caller switches.
//! Invariant: when `run` returns `Ok`, everything the new list names is synced, and nothing the old
//! list names was changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use orb_env::Disk;
use orb_env::mutant::{Mutant, planted};

use super::admitted_file::{Admitted, AdmittedWriter};
use super::error::SieveError;
use super::key::bytes_of;
use super::limits::NEWEST_FIRST_KEYS;
use super::offers::{Offers, PLACE_BITS};
use super::run_file::{Run, RunWriter};
use super::run_list::{RunList, RunRef};
use super::run_read::{Ascending, Streams};

/// A buffer on its way through the runs. Send it to a helper and run it there.
pub struct MergeJob {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) list: RunList,
    pub(super) runs: Vec<Arc<Run>>,
    pub(super) offers: Offers,
}

/// What a merge found. The caller stores `runs`, names the admitted file and moves its positions in
/// one batch, and then tells [`super::Sieve::installed`].
pub struct Merged {
    /// The list of live runs from now on.
    pub runs: RunList,
    /// The rows let through; none when everything had been seen.
    pub admitted: Option<Admitted>,
    /// Distinct keys in the buffer.
    pub offered: u64,
    /// Those of them that had been seen before.
    pub seen: u64,
    /// The runs of the list, open.
    pub(super) open: Vec<Arc<Run>>,
}

impl MergeJob {
    /// Merges. Blocking; cost: a block read per key and run for a small buffer, a sequential pass for
    /// a large one, and the rewriting of small runs. Memory: the buffer, and half a megabyte per run.
    ///
    /// # Errors
    /// The files written so far are named nowhere and deleted at the next opening.
    pub fn run(mut self) -> Result<Merged, SieveError> {
        let mut batch = std::mem::take(&mut self.offers.keys);
        batch.sort_unstable();
        // Of offers of one key the first stands first.
        batch.dedup_by_key(|offer| *offer >> PLACE_BITS);
        let offered = batch.len() as u64;
        if batch.len() > NEWEST_FIRST_KEYS {
            for run in &self.runs {
                run.remove_held(&mut batch)?;
            }
        } else {
            for run in self.runs.iter().rev() {
                run.remove_held(&mut batch)?;
            }
        }
        let fresh = batch.len() as u64;
        let (mut runs, mut open) = (self.list.clone(), self.runs.clone());
        let mut admitted = None;
        if fresh > 0 {
            let kept = self.list.kept(fresh);
            let run = self.write_run(&batch, kept)?;
            let file = self.write_admitted(run.run.id + 1, batch)?;
            self.disk
                .sync_dir(&self.dir)
                .map_err(SieveError::io(&self.dir))?;
            runs.next_id = file.id + 1;
            runs.runs.truncate(kept);
            open.truncate(kept);
            runs.runs.push(run.run);
            open.push(Arc::new(run));
            admitted = Some(file);
        }
        self.offers.remove()?;
        Ok(Merged {
            runs,
            admitted,
            offered,
            seen: offered - fresh,
            open,
        })
    }

    /// The fresh keys and those of the runs from `kept` on, as one run.
    fn write_run(&self, fresh: &[u128], kept: usize) -> Result<Run, SieveError> {
        let id = self.list.next_id;
        let run = merge_runs(self.disk.as_ref(), &self.dir, id, &self.runs[kept..], fresh)?;
        Run::open(self.disk.as_ref(), &self.dir, run)
    }

    /// The found URLs of the fresh keys, in the order they came.
    fn write_admitted(&self, id: u64, mut fresh: Vec<u128>) -> Result<Admitted, SieveError> {
        for offer in &mut fresh {
            *offer = (*offer << KEY_BITS | *offer >> PLACE_BITS) & OFFER_MASK;
        }
        fresh.sort_unstable();
        let mut writer = AdmittedWriter::create(self.disk.as_ref(), &self.dir, id)?;
        let places = fresh.iter().map(|offer| (offer >> KEY_BITS) as u32);
        let mut keys = fresh.iter().map(|offer| bytes_of(offer & KEY_MASK));
        self.offers.each(places, &mut |found| {
            let key = keys.next().expect("a found URL per place");
            writer.push(key, found)
        })?;
        writer.finish()
    }
}

const KEY_BITS: u32 = 76;
const KEY_MASK: u128 = (1 << KEY_BITS) - 1;
const OFFER_MASK: u128 = (1 << (KEY_BITS + PLACE_BITS)) - 1;

/// Writes run `id`: all keys of `older` and `fresh`, each once.
pub(super) fn merge_runs(
    disk: &dyn Disk,
    dir: &Path,
    id: u64,
    older: &[Arc<Run>],
    mut fresh: impl Ascending,
) -> Result<RunRef, SieveError> {
    let mut writer = RunWriter::create(disk, dir, id)?;
    let mut streams = Streams::new(older);
    let mut chunk = Vec::new();
    loop {
        streams.next(&mut fresh, &mut chunk)?;
        if chunk.is_empty() {
            break;
        }
        writer.push_all(&chunk)?;
    }
    writer.finish(!planted(Mutant::RunListBeforeSync))
}
