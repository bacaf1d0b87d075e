//! Traps at writes: the process kills itself (SIGKILL) at its n-th writing call.
//!
//! In: a disk, a store, a number. Out: the same disk and store, with the trap. May touch: this very process.
//! Invariant: an append that meets the trap has written half of its bytes; no other call has done anything, but the
//! one called after a commit.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use orb_env::{AppendFile, DirEntry, Disk, FileLock, KernelDisk, ReadFile, Room};
use orb_store::{Batch, Keyspace, Row, Store, StoreError};
use rustix::process::{Signal, getpid, kill_process};

/// Kinds of writing calls.
pub const WRITE_POINTS: [&str; 8] = [
    "append",
    "sync",
    "truncate",
    "rename",
    "remove",
    "sync folder",
    "before commit",
    "after commit",
];

/// Counts writing calls; none is the trap when it is set to 0.
#[derive(Debug)]
pub(super) struct Trap {
    left: AtomicU64,
    told: std::path::PathBuf,
}

impl Trap {
    /// At the `n`-th call; which kind it was is written to `told` before.
    pub(super) fn at(n: u64, told: &Path) -> Arc<Trap> {
        Arc::new(Trap {
            left: AtomicU64::new(n),
            told: told.to_path_buf(),
        })
    }

    fn is_it(&self) -> bool {
        self.left
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
            == Ok(1)
    }

    fn springs(&self, kind: &str) {
        // Only for the count of kinds: without it the kill is as good.
        std::fs::write(&self.told, kind).ok();
        kill_process(getpid(), Signal::KILL).ok();
        // The signal may take a moment to reach a process of several threads.
        loop {
            std::thread::park();
        }
    }

    fn pass(&self, kind: &str) {
        if self.is_it() {
            self.springs(kind);
        }
    }
}

/// The machine's disk with a trap.
pub(super) struct TrappedDisk(pub(super) Arc<Trap>);

struct TrappedFile {
    file: Box<dyn AppendFile>,
    trap: Arc<Trap>,
}

impl AppendFile for TrappedFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.trap.is_it() {
            self.file.append(&bytes[..bytes.len() / 2])?;
            self.trap.springs("append");
        }
        self.file.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.trap.pass("sync");
        self.file.sync()
    }

    fn bytes(&self) -> u64 {
        self.file.bytes()
    }
}

impl Disk for TrappedDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        KernelDisk.create_dir_all(dir)
    }

    fn append(&self, file: &Path) -> io::Result<Box<dyn AppendFile>> {
        let file = KernelDisk.append(file)?;
        Ok(Box::new(TrappedFile {
            file,
            trap: Arc::clone(&self.0),
        }))
    }

    fn read(&self, file: &Path) -> io::Result<Box<dyn ReadFile>> {
        KernelDisk.read(file)
    }

    fn truncate(&self, file: &Path, bytes: u64) -> io::Result<()> {
        self.0.pass("truncate");
        KernelDisk.truncate(file, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.pass("rename");
        KernelDisk.rename(from, to)
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        self.0.pass("remove");
        KernelDisk.remove(file)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        KernelDisk.list(dir)
    }

    fn folders(&self, dir: &Path) -> io::Result<Vec<String>> {
        KernelDisk.folders(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.pass("sync folder");
        KernelDisk.sync_dir(dir)
    }

    fn lock(&self, file: &Path) -> io::Result<Box<dyn FileLock>> {
        KernelDisk.lock(file)
    }

    fn room(&self, path: &Path) -> io::Result<Room> {
        KernelDisk.room(path)
    }
}

/// A store with a trap before and behind each commit. What happens inside is reached by kills at random moments.
pub(super) struct TrappedStore {
    pub(super) store: Arc<dyn Store>,
    pub(super) trap: Arc<Trap>,
}

impl Store for TrappedStore {
    fn get(&self, keyspace: Keyspace, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(keyspace, key)
    }

    fn range(
        &self,
        keyspace: Keyspace,
        from: &[u8],
        to: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.store.range(keyspace, from, to, limit)
    }

    fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        self.trap.pass("before commit");
        self.store.commit(batch)?;
        self.trap.pass("after commit");
        Ok(())
    }

    fn is_behind(&self) -> bool {
        self.store.is_behind()
    }

    fn disk_bytes(&self) -> u64 {
        self.store.disk_bytes()
    }

    fn disk_bytes_of(&self, keyspace: Keyspace) -> u64 {
        self.store.disk_bytes_of(keyspace)
    }
}
