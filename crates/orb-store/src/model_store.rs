//! The store in memory: the same contract, without files, for simulation.
//!
//! In: a [`MemoryDisk`] whose fate it shares, commits that shall fail, and whether it is behind.
//! Out: stores that keep what was committed and nothing else.
//! May touch: memory. Must not touch: files, threads.
//! Invariant: a commit is one writing call of the disk: it happens whole, or the process is dead.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use orb_env::MemoryDisk;

use crate::batch::Op;
use crate::error::Cause;
use crate::store::{Row, judge};
use crate::{Batch, Keyspace, Store, StoreError, StoreOpener};

#[derive(Default)]
struct Tables {
    maps: [BTreeMap<Vec<u8>, Vec<u8>>; Keyspace::ALL.len()],
    bytes: u64,
}

impl Tables {
    fn set(&mut self, keyspace: Keyspace, key: Vec<u8>, value: Option<Vec<u8>>) {
        let map = &mut self.maps[keyspace.index()];
        let key_bytes = key.len() as u64;
        let value_bytes = |value: &Vec<u8>| value.len() as u64;
        let added = value
            .as_ref()
            .map_or(0, |value| key_bytes + value_bytes(value));
        let old = match value {
            Some(value) => map.insert(key, value),
            None => map.remove(&key),
        };
        let freed = old
            .as_ref()
            .map_or(0, |value| key_bytes + value_bytes(value));
        self.bytes = self.bytes + added - freed;
    }
}

#[derive(Default)]
struct Folder {
    tables: Arc<Mutex<Tables>>,
    /// The open handle, if it still lives.
    open: Weak<AtomicBool>,
}

#[derive(Default)]
struct Shared {
    folders: BTreeMap<PathBuf, Folder>,
    commits: u64,
    fail_commit_at: Option<u64>,
    behind: bool,
}

/// Opens stores in memory. Clones share them: a folder opened again holds what was committed.
#[derive(Clone)]
pub struct ModelOpener {
    disk: MemoryDisk,
    shared: Arc<Mutex<Shared>>,
}

impl ModelOpener {
    /// Stores that live and die with `disk`: once it is killed no commit succeeds.
    #[must_use]
    pub fn new(disk: MemoryDisk) -> ModelOpener {
        ModelOpener {
            disk,
            shared: Arc::default(),
        }
    }

    /// Makes the `n`-th commit from now (from 1, over all folders) fail without being applied; its
    /// store answers no commit after that until it is opened again. `None` takes that back.
    pub fn fail_commit_at(&self, n: Option<u64>) {
        let mut shared = lock(&self.shared);
        shared.commits = 0;
        shared.fail_commit_at = n;
    }

    /// Lets all stores be behind, or no longer. They commit as before.
    pub fn set_behind(&self, behind: bool) {
        lock(&self.shared).behind = behind;
    }

    /// Commits tried since [`ModelOpener::fail_commit_at`] was last called.
    #[must_use]
    pub fn commits(&self) -> u64 {
        lock(&self.shared).commits
    }
}

// A planted panic leaves the maps whole: a batch is applied without a call that can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StoreOpener for ModelOpener {
    fn open(&self, dir: &Path) -> Result<Arc<dyn Store>, StoreError> {
        // The first opening writes files, every later one a lock: both can meet the end.
        if !self.disk.note_write() {
            return Err(StoreError::Open {
                dir: dir.to_path_buf(),
                source: "killed".into(),
            });
        }
        let mut shared = lock(&self.shared);
        let folder = shared.folders.entry(dir.to_path_buf()).or_default();
        if folder.open.upgrade().is_some() {
            return Err(StoreError::Locked {
                dir: dir.to_path_buf(),
            });
        }
        let failed = Arc::new(AtomicBool::new(false));
        folder.open = Arc::downgrade(&failed);
        Ok(Arc::new(ModelStore {
            dir: dir.to_path_buf(),
            opener: self.clone(),
            tables: Arc::clone(&folder.tables),
            failed,
        }))
    }
}

struct ModelStore {
    dir: PathBuf,
    opener: ModelOpener,
    tables: Arc<Mutex<Tables>>,
    /// Set by a failed commit; lives as long as the handle, which is how a second opening sees it.
    failed: Arc<AtomicBool>,
}

impl ModelStore {
    fn commit_error(&self, cause: impl Into<Cause>) -> StoreError {
        StoreError::Commit {
            dir: self.dir.clone(),
            source: cause.into(),
        }
    }
}

impl Store for ModelStore {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(lock(&self.tables).maps[keyspace.index()].get(key).cloned())
    }

    fn range(
        &self,
        keyspace: Keyspace,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        if to.is_some_and(|to| from >= to) {
            return Ok(Vec::new());
        }
        let tables = lock(&self.tables);
        let until = to.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = tables.maps[keyspace.index()].range::<[u8], _>((Bound::Included(from), until));
        Ok(rows
            .take(limit)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        judge(&batch)?;
        if batch.is_empty() {
            return Ok(());
        }
        if self.failed.load(Ordering::Acquire) {
            return Err(self.commit_error("an earlier commit failed"));
        }
        let planted = {
            let mut shared = lock(&self.opener.shared);
            shared.commits += 1;
            shared.fail_commit_at == Some(shared.commits)
        };
        let mut tables = lock(&self.tables);
        if planted || !self.opener.disk.note_write() {
            self.failed.store(true, Ordering::Release);
            return Err(self.commit_error(if planted { "planted failure" } else { "killed" }));
        }
        for op in batch.into_ops() {
            match op {
                Op::Put {
                    keyspace,
                    key,
                    value,
                } => tables.set(keyspace, key, Some(value)),
                Op::Delete { keyspace, key } => tables.set(keyspace, key, None),
            }
        }
        Ok(())
    }

    fn is_behind(&self) -> bool {
        lock(&self.opener.shared).behind
    }

    fn disk_bytes(&self) -> u64 {
        lock(&self.tables).bytes
    }

    fn disk_bytes_of(&self, keyspace: Keyspace) -> u64 {
        let tables = lock(&self.tables);
        let rows = tables.maps[keyspace.index()].iter();
        rows.map(|(key, value)| (key.len() + value.len()) as u64)
            .sum()
    }
}
