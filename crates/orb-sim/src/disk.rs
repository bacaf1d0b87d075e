//! The memory disk with a witness: every call is counted and folded into a trace.
//!
//! In: calls. Out: the same calls on the memory disk, and what was seen of them.
//! May touch: the memory disk. Must not touch: what is written.
//! Invariant: two runs with the same calls in the same order have the same trace.

use std::hash::{Hash, Hasher};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orb_env::{AppendFile, DirEntry, Disk, FileLock, MemoryDisk, ReadFile, Room};
use rustc_hash::FxHasher;

/// What was seen of a disk.
#[derive(Default)]
struct Witness {
    trace: FxHasher,
    syncs: u64,
    failed_syncs: u64,
    full: u64,
}

/// See the module. Cloning shares disk and witness.
#[derive(Clone)]
pub(crate) struct WitnessedDisk {
    disk: MemoryDisk,
    witness: Arc<Mutex<Witness>>,
}

impl WitnessedDisk {
    pub(crate) fn new(disk: MemoryDisk) -> WitnessedDisk {
        WitnessedDisk {
            disk,
            witness: Arc::default(),
        }
    }

    fn note(&self, what: &str, path: &Path, number: u64) {
        let mut witness = self.lock();
        (what, path, number).hash(&mut witness.trace);
    }

    fn note_sync(&self, path: &Path, result: &io::Result<()>) {
        self.note("sync", path, u64::from(result.is_ok()));
        let mut witness = self.lock();
        witness.syncs += 1;
        witness.failed_syncs += u64::from(result.is_err() && !self.disk.is_killed());
    }

    /// Appends for which there was no room.
    pub(crate) fn refusals(&self) -> u64 {
        self.lock().full
    }

    fn lock(&self) -> MutexGuard<'_, Witness> {
        // A note is one step: a panic elsewhere leaves them whole.
        self.witness.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hash of every writing call so far.
    pub(crate) fn trace(&self) -> u64 {
        self.lock().trace.finish()
    }

    /// Syncs so far, and those that failed while the process lived.
    pub(crate) fn syncs(&self) -> (u64, u64) {
        let witness = self.lock();
        (witness.syncs, witness.failed_syncs)
    }
}

struct WitnessedFile {
    file: Box<dyn AppendFile>,
    path: Arc<Path>,
    disk: WitnessedDisk,
}

impl AppendFile for WitnessedFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let result = self.file.append(bytes);
        let told = if result.is_ok() {
            "append"
        } else {
            "refused append"
        };
        self.disk.note(told, &self.path, bytes.len() as u64);
        if result
            .as_ref()
            .is_err_and(|error| error.kind() == io::ErrorKind::StorageFull)
        {
            self.disk.lock().full += 1;
        }
        result
    }

    fn sync(&mut self) -> io::Result<()> {
        let result = self.file.sync();
        self.disk.note_sync(&self.path, &result);
        result
    }

    fn bytes(&self) -> u64 {
        self.file.bytes()
    }
}

impl Disk for WitnessedDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.note("folder", dir, 0);
        self.disk.create_dir_all(dir)
    }

    fn append(&self, file: &Path) -> io::Result<Box<dyn AppendFile>> {
        self.note("open", file, 0);
        let (path, disk) = (file.into(), self.clone());
        Ok(Box::new(WitnessedFile {
            file: self.disk.append(file)?,
            path,
            disk,
        }))
    }

    fn read(&self, file: &Path) -> io::Result<Box<dyn ReadFile>> {
        self.disk.read(file)
    }

    fn truncate(&self, file: &Path, bytes: u64) -> io::Result<()> {
        self.note("cut", file, bytes);
        self.disk.truncate(file, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note("rename", to, 0);
        self.disk.rename(from, to)
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        self.note("remove", file, 0);
        self.disk.remove(file)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        self.disk.list(dir)
    }

    fn folders(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.folders(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.note("sync folder", dir, 0);
        self.disk.sync_dir(dir)
    }

    fn lock(&self, file: &Path) -> io::Result<Box<dyn FileLock>> {
        self.disk.lock(file)
    }

    fn room(&self, path: &Path) -> io::Result<Room> {
        self.disk.room(path)
    }
}
