//! A merge: which of the keys offered were never seen, as a new run and an admitted file.
//!
//! In: a buffer of offers and the live runs. Out: the next list of runs, the admitted file, counts.
//! May touch: `orb-env` (files), on a helper thread. Must not touch: the store; the caller switches.
//! Invariant: when `run` returns `Ok`, everything the new list names is synced, and nothing the old
//! list names was changed.

use std::path::PathBuf;
use std::sync::Arc;

use orb_env::Disk;
use orb_env::mutant::{Mutant, planted};

use super::admitted_file::{Admitted, AdmittedWriter};
use super::error::SieveError;
use super::key::KeyBytes;
use super::run_file::{Run, RunScan, RunWriter};
use super::run_list::RunList;

/// Offers in the order they came.
#[derive(Default)]
pub(super) struct Offers {
    /// Key of each, and where its stored form ends in `bytes`.
    pub(super) keys: Vec<(KeyBytes, usize)>,
    /// Stored forms, one after the other.
    pub(super) bytes: Vec<u8>,
}

impl Offers {
    /// The stored form of offer `place`.
    fn found(&self, place: usize) -> &[u8] {
        let start = place.checked_sub(1).map_or(0, |before| self.keys[before].1);
        &self.bytes[start..self.keys[place].1]
    }
}

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
    /// a large one, and the rewriting of small runs. Memory: the buffer, and a quarter of a megabyte
    /// per run.
    ///
    /// # Errors
    /// The files written so far are named nowhere and deleted at the next opening.
    pub fn run(self) -> Result<Merged, SieveError> {
        let mut order: Vec<usize> = (0..self.offers.keys.len()).collect();
        order.sort_unstable_by_key(|&place| self.offers.keys[place].0);
        let keys: Vec<KeyBytes> = order
            .iter()
            .map(|&place| self.offers.keys[place].0)
            .collect();
        let mut seen = vec![false; keys.len()];
        for run in self.runs.iter().rev() {
            run.mark(&keys, &mut seen)?;
        }
        let fresh: Vec<KeyBytes> = keys
            .iter()
            .zip(&seen)
            .filter(|(_, seen)| !**seen)
            .map(|(key, _)| *key)
            .collect();
        let offered = keys.len() as u64;
        let seen_before = offered - fresh.len() as u64;
        if fresh.is_empty() {
            let (runs, open) = (self.list, self.runs);
            return Ok(Merged {
                runs,
                admitted: None,
                offered,
                seen: seen_before,
                open,
            });
        }
        let (run_id, admitted_id) = (self.list.next_id, self.list.next_id + 1);
        let kept = self.list.kept(fresh.len() as u64);
        let run = self.write_run(run_id, &fresh, kept)?;
        let mut let_through = vec![false; keys.len()];
        for (&place, seen) in order.iter().zip(&seen) {
            let_through[place] = !seen;
        }
        let admitted = self.write_admitted(admitted_id, &let_through)?;
        self.disk
            .sync_dir(&self.dir)
            .map_err(SieveError::io(&self.dir))?;
        let mut runs = RunList {
            next_id: admitted_id + 1,
            ..self.list
        };
        let mut open = self.runs;
        runs.runs.truncate(kept);
        open.truncate(kept);
        runs.runs.push(run.run);
        open.push(Arc::new(run));
        Ok(Merged {
            runs,
            admitted: Some(admitted),
            offered,
            seen: seen_before,
            open,
        })
    }

    /// The fresh keys and those of the runs from `kept` on, as one run.
    fn write_run(&self, id: u64, fresh: &[KeyBytes], kept: usize) -> Result<Run, SieveError> {
        let mut writer = RunWriter::create(self.disk.as_ref(), &self.dir, id)?;
        let mut fresh = fresh.iter().copied();
        let mut next = fresh.next();
        let mut older = Streams::new(&self.runs[kept..])?;
        loop {
            match (next, older.peek()) {
                (Some(key), Some(old)) if old <= key => writer.push(older.pop(old)?)?,
                (Some(key), _) => {
                    writer.push(key)?;
                    next = fresh.next();
                }
                (None, Some(old)) => writer.push(older.pop(old)?)?,
                (None, None) => break,
            }
        }
        let run = writer.finish(!planted(Mutant::RunListBeforeSync))?;
        Run::open(self.disk.as_ref(), &self.dir, run)
    }

    fn write_admitted(&self, id: u64, let_through: &[bool]) -> Result<Admitted, SieveError> {
        let mut writer = AdmittedWriter::create(self.disk.as_ref(), &self.dir, id)?;
        for (place, _) in let_through
            .iter()
            .enumerate()
            .filter(|(_, through)| **through)
        {
            writer.push(self.offers.keys[place].0, self.offers.found(place))?;
        }
        writer.finish()
    }
}

/// The keys of several runs as one ascending stream.
pub(super) struct Streams<'a> {
    heads: Vec<(KeyBytes, RunScan<'a>)>,
}

impl<'a> Streams<'a> {
    pub(super) fn new(runs: &'a [Arc<Run>]) -> Result<Streams<'a>, SieveError> {
        let mut heads = Vec::with_capacity(runs.len());
        for run in runs {
            let mut scan = run.scan();
            if let Some(first) = scan.next()? {
                heads.push((first, scan));
            }
        }
        Ok(Streams { heads })
    }

    /// The least key left.
    pub(super) fn peek(&self) -> Option<KeyBytes> {
        self.heads.iter().map(|(key, _)| *key).min()
    }

    /// Takes `key`, which is the least, from one stream that holds it.
    pub(super) fn pop(&mut self, key: KeyBytes) -> Result<KeyBytes, SieveError> {
        let holder = self.heads.iter_mut().position(|(head, _)| *head == key);
        let holder = holder.expect("the least key heads a stream");
        match self.heads[holder].1.next()? {
            Some(next) => self.heads[holder].0 = next,
            None => drop(self.heads.swap_remove(holder)),
        }
        Ok(key)
    }
}
