//! Checking runs, and moving the keys of a partition between folders.
//!
//! In: a stored list of runs. Out: what is wrong; keys in order; a list with another run.
//! May touch: `orb-env` (files of one folder). Must not touch: a run that is named.
//! Invariant: what a list names is never changed; a new list names only what is synced.

use std::path::Path;
use std::sync::Arc;

use orb_env::Disk;
use orb_shard::Partition;

use super::error::SieveError;
use super::key::{Key, SieveKey, first_of};
use super::limits::BLOCK_KEYS;
use super::merge::merge_runs;
use super::run_file::{Run, RunWriter, open_runs, run_path};
use super::run_list::RunList;
use super::run_read::Streams;

/// What a check of all runs found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunsChecked {
    /// Distinct keys.
    pub keys: u64,
    /// Bytes of the runs' files.
    pub bytes: u64,
}

impl RunsChecked {
    /// Disk of each key.
    #[must_use]
    pub fn bytes_per_key(&self) -> f64 {
        self.bytes as f64 / self.keys.max(1) as f64
    }
}

/// Reads every run that `live` names and gives `visit` all keys, in ascending order. Blocking; cost: one
/// sequential pass over the runs, some 8 ns a key; changes nothing.
///
/// # Errors
/// When a head, index or foot is not whole, a block's checksum is wrong or the index expects another one, a count
/// or the order is wrong, or a key is there twice.
pub fn check_runs(
    disk: &dyn Disk,
    dir: &Path,
    live: &RunList,
    visit: &mut dyn FnMut(SieveKey),
) -> Result<RunsChecked, SieveError> {
    let runs = open_runs(disk, dir, live)?;
    let mut streams = Streams::new(&runs);
    let mut checked = RunsChecked {
        keys: 0,
        bytes: runs.iter().map(|run| run.bytes).sum(),
    };
    let (mut chunk, mut last) = (Vec::new(), None);
    loop {
        streams.next(&mut (), &mut chunk)?;
        if chunk.is_empty() {
            break;
        }
        for number in &chunk {
            let key = key_of(dir, *number)?;
            if last == Some(key) {
                return Err(SieveError::damaged(dir, 0, "a key that two runs hold"));
            }
            last = Some(key);
            visit(key);
        }
        checked.keys += chunk.len() as u64;
    }
    Ok(checked)
}

fn key_of(dir: &Path, number: Key) -> Result<SieveKey, SieveError> {
    SieveKey::of_number(number)
        .ok_or_else(|| SieveError::damaged(dir, 0, "a key outside the partitions"))
}

/// The keys of `partition` in the runs of a list, ascending. Blocking; reads the runs' indexes, then the blocks of
/// this partition as they are asked for.
///
/// # Errors
/// When a named file is not whole.
pub fn export_partition(
    disk: &dyn Disk,
    dir: &Path,
    live: &RunList,
    partition: Partition,
) -> Result<PartitionKeys, SieveError> {
    let runs = open_runs(disk, dir, live)?;
    let first = first_of(partition);
    Ok(PartitionKeys {
        streams: Streams::near(&runs, first),
        first,
        chunk: Vec::new(),
        at: 0,
        ended: false,
    })
}

/// The keys of one partition, ascending; ends after an error.
pub struct PartitionKeys {
    streams: Streams,
    first: Key,
    chunk: Vec<Key>,
    at: usize,
    ended: bool,
}

impl PartitionKeys {
    fn refill(&mut self) -> Result<(), SieveError> {
        while self.at == self.chunk.len() && !self.ended {
            self.streams.next(&mut (), &mut self.chunk)?;
            self.at = self.chunk.partition_point(|key| *key < self.first);
            self.ended = self.chunk.is_empty();
        }
        Ok(())
    }
}

impl Iterator for PartitionKeys {
    type Item = Result<SieveKey, SieveError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Err(error) = self.refill() {
            (self.ended, self.at) = (true, self.chunk.len());
            return Some(Err(error));
        }
        let number = *self.chunk.get(self.at)?;
        let key = SieveKey::of_number(number).filter(|_| number >> 64 == self.first >> 64);
        if key.is_none() {
            (self.ended, self.at) = (true, self.chunk.len());
        }
        self.at += usize::from(key.is_some());
        key.map(Ok)
    }
}

/// Writes `keys`, which ascend and which no run of `live` holds, as a run in `dir`, synced; returns the list that
/// names it too. As after a merge, small runs are rewritten with it. Blocking; cost: a sequential write, and that of what is rewritten.
///
/// The caller stores the list. Files that it does not name are deleted when the sieve is opened with it.
///
/// # Errors
/// When a named run is not whole, or the disk fails; `live` still holds then.
///
/// # Panics
/// When `keys` do not ascend.
pub fn write_run_of(
    disk: &dyn Disk,
    dir: &Path,
    live: &RunList,
    keys: impl IntoIterator<Item = SieveKey>,
) -> Result<RunList, SieveError> {
    disk.create_dir_all(dir).map_err(SieveError::io(dir))?;
    let mut list = live.clone();
    let mut writer = RunWriter::create(disk, dir, take_id(&mut list))?;
    let (mut chunk, mut last) = (Vec::with_capacity(BLOCK_KEYS), None);
    for key in keys {
        assert!(last < Some(key), "keys ascend");
        last = Some(key);
        chunk.push(key.number());
        if chunk.len() == BLOCK_KEYS {
            writer.push_all(&chunk)?;
            chunk.clear();
        }
    }
    writer.push_all(&chunk)?;
    let fresh = writer.finish(true)?;
    let kept = live.kept(fresh.entries);
    let mut runs: Vec<Arc<Run>> = Vec::new();
    for run in list.runs[kept..].iter().chain([&fresh]) {
        runs.push(Arc::new(Run::open(disk, dir, *run)?));
    }
    list.runs.truncate(kept);
    if runs.len() == 1 {
        list.runs.push(fresh);
    } else {
        let all = merge_runs(disk, dir, take_id(&mut list), &runs, ())?;
        list.runs.push(all);
        let path = run_path(dir, fresh.id);
        disk.remove(&path).map_err(SieveError::io(&path))?;
    }
    disk.sync_dir(dir).map_err(SieveError::io(dir))?;
    Ok(list)
}

fn take_id(list: &mut RunList) -> u64 {
    list.next_id += 1;
    list.next_id - 1
}
