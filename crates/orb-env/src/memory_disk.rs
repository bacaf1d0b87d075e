//! A disk in memory that forgets what was not synced, fails when told to, and can be full.
//!
//! In: faults and a seed. Out: the same trait as the real disk.
//! May touch: memory. Must not touch: files.
//! Invariant: after [`MemoryDisk::crash`] every synced byte of every durable name is there; of the rest, any prefix
//! may be, torn at any byte, and within it sectors or pages may not have been written though later ones were.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{AppendFile, DirEntry, Disk, Entropy, FileLock, ReadFile, Room};

/// What goes wrong, counted over all calls since the faults were set.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskFaults {
    /// The n-th sync (from 1) fails once.
    pub sync_fails_at: Option<u64>,
    /// From the n-th writing call (from 1) on nothing is written any more and every call fails: the process is dead.
    pub killed_at: Option<u64>,
    /// Bytes that fit in all.
    pub room_bytes: Option<u64>,
}

#[derive(Clone, Debug, Default)]
struct MemoryFile {
    bytes: Vec<u8>,
    synced: usize,
}

#[derive(Default)]
struct Inner {
    /// Names as the running process sees them.
    names: BTreeMap<PathBuf, u64>,
    /// Names that survive a crash.
    durable: BTreeMap<PathBuf, u64>,
    files: BTreeMap<u64, MemoryFile>,
    next_file: u64,
    locked: BTreeSet<PathBuf>,
    faults: DiskFaults,
    syncs: u64,
    writes: u64,
    killed: bool,
}

/// See the module. Cloning shares the disk.
#[derive(Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<Inner>>);

impl std::fmt::Debug for MemoryDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryDisk({} files)", self.inner().names.len())
    }
}

fn killed() -> io::Error {
    io::Error::other("killed")
}

impl Inner {
    /// Counts a writing call; the error says the process is dead.
    fn write_call(&mut self) -> io::Result<()> {
        self.writes += 1;
        self.killed |= self.faults.killed_at.is_some_and(|n| self.writes >= n);
        if self.killed { Err(killed()) } else { Ok(()) }
    }

    fn used(&self) -> u64 {
        self.names
            .values()
            .map(|id| self.files[id].bytes.len() as u64)
            .sum()
    }

    fn file(&mut self, id: u64) -> &mut MemoryFile {
        self.files
            .get_mut(&id)
            .expect("an id is only handed out with its file")
    }
}

impl MemoryDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A planted panic in a job leaves the maps whole: every change below is a single step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what goes wrong from now on, and starts counting anew.
    pub fn set_faults(&self, faults: DiskFaults) {
        let mut inner = self.inner();
        inner.faults = faults;
        inner.syncs = 0;
        inner.writes = 0;
        inner.killed = false;
    }

    /// Whether the kill point was reached.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        self.inner().killed
    }

    /// Kills the process now: nothing is written any more.
    pub fn kill(&self) {
        self.inner().killed = true;
    }

    /// Writing calls since the faults were set: the number of places a kill can hit.
    #[must_use]
    pub fn write_calls(&self) -> u64 {
        self.inner().writes
    }

    /// Counts a writing call made by a store that shares this disk's fate. `false`: the process is dead.
    #[must_use]
    pub fn note_write(&self) -> bool {
        self.inner().write_call().is_ok()
    }

    /// The machine comes back: unsynced names are gone or there, unsynced bytes are cut at a random place, and of what
    /// is left of them sectors or pages may be holes: writes reach a disk in any order.
    ///
    /// With `power_cut` false only the process died: everything written is still there.
    pub fn crash(&self, entropy: &dyn Entropy, power_cut: bool) {
        let mut inner = self.inner();
        inner.faults = DiskFaults::default();
        inner.killed = false;
        if !power_cut {
            return;
        }
        let touched: BTreeSet<PathBuf> = inner
            .names
            .keys()
            .chain(inner.durable.keys())
            .cloned()
            .collect();
        let mut names = BTreeMap::new();
        for name in touched {
            let pick = if entropy.below(2) == 0 {
                inner.names.get(&name)
            } else {
                inner.durable.get(&name)
            };
            if let Some(&id) = pick {
                names.insert(name, id);
            }
        }
        let ids: Vec<u64> = inner.files.keys().copied().collect();
        for id in ids {
            let file = inner.file(id);
            let loose = file.bytes.len() - file.synced;
            let keep = file.synced + entropy.below(loose as u64 + 1) as usize;
            file.bytes.truncate(keep);
            let from = std::mem::replace(&mut file.synced, keep);
            lose_writes(&mut file.bytes[from..], from, entropy);
        }
        inner.durable = names.clone();
        inner.names = names;
    }
}

/// Bytes a disk writes at once, and those the kernel does: what lies between two of them is torn.
const UNITS: [usize; 2] = [512, 4_096];

/// Of `bytes`, which begin at `offset` of their file and were never synced, some units were not written in time: there
/// are zeros, or what the disk held before.
fn lose_writes(bytes: &mut [u8], offset: usize, entropy: &dyn Entropy) {
    if bytes.is_empty() || entropy.below(2) == 0 {
        return;
    }
    let unit = UNITS[entropy.below(UNITS.len() as u64) as usize];
    let stale = entropy.below(4) == 0;
    let mut at = 0;
    while at < bytes.len() {
        let end = (unit - (offset + at) % unit + at).min(bytes.len());
        if entropy.below(3) == 0 {
            let fill = if stale { entropy.below(256) as u8 } else { 0 };
            bytes[at..end].fill(fill);
        }
        at = end;
    }
}

struct Handle {
    disk: MemoryDisk,
    id: u64,
}

impl AppendFile for Handle {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.disk.inner();
        inner.write_call()?;
        if inner
            .faults
            .room_bytes
            .is_some_and(|room| inner.used() + bytes.len() as u64 > room)
        {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        inner.file(self.id).bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.disk.inner();
        inner.write_call()?;
        inner.syncs += 1;
        if inner.faults.sync_fails_at == Some(inner.syncs) {
            return Err(io::Error::other("planted sync failure"));
        }
        let file = inner.file(self.id);
        file.synced = file.bytes.len();
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.disk.inner().file(self.id).bytes.len() as u64
    }
}

impl ReadFile for Handle {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut inner = self.disk.inner();
        let bytes = &inner.file(self.id).bytes;
        let from = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let n = buf.len().min(bytes.len() - from);
        buf[..n].copy_from_slice(&bytes[from..from + n]);
        Ok(n)
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(AppendFile::bytes(self))
    }
}

#[derive(Debug)]
struct Locked {
    disk: MemoryDisk,
    file: PathBuf,
}

impl FileLock for Locked {}

impl Drop for Locked {
    fn drop(&mut self) {
        self.disk.inner().locked.remove(&self.file);
    }
}

impl Disk for MemoryDisk {
    fn create_dir_all(&self, _: &Path) -> io::Result<()> {
        self.inner().write_call()
    }

    fn append(&self, file: &Path) -> io::Result<Box<dyn AppendFile>> {
        let mut inner = self.inner();
        if inner.killed {
            return Err(killed());
        }
        let id = match inner.names.get(file) {
            Some(&id) => id,
            None => {
                inner.next_file += 1;
                let id = inner.next_file;
                inner.files.insert(id, MemoryFile::default());
                inner.names.insert(file.to_path_buf(), id);
                id
            }
        };
        Ok(Box::new(Handle {
            disk: self.clone(),
            id,
        }))
    }

    fn read(&self, file: &Path) -> io::Result<Box<dyn ReadFile>> {
        let inner = self.inner();
        let id = *inner.names.get(file).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Handle {
            disk: self.clone(),
            id,
        }))
    }

    fn truncate(&self, file: &Path, bytes: u64) -> io::Result<()> {
        let mut inner = self.inner();
        inner.write_call()?;
        let id = *inner.names.get(file).ok_or(io::ErrorKind::NotFound)?;
        let file = inner.file(id);
        file.bytes
            .resize(usize::try_from(bytes).map_err(io::Error::other)?, 0);
        file.synced = file.bytes.len();
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        inner.write_call()?;
        let id = inner.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        inner.names.insert(to.to_path_buf(), id);
        Ok(())
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        inner.write_call()?;
        inner.names.remove(file);
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let inner = self.inner();
        let inside = inner
            .names
            .iter()
            .filter(|(path, _)| path.parent() == Some(dir));
        Ok(inside
            .filter_map(|(path, id)| {
                let name = path.file_name()?.to_str()?.to_owned();
                Some(DirEntry {
                    name,
                    bytes: inner.files[id].bytes.len() as u64,
                })
            })
            .collect())
    }

    /// A folder is there as long as a file is in it, at whatever depth.
    fn folders(&self, dir: &Path) -> io::Result<Vec<String>> {
        let inner = self.inner();
        let mut names: Vec<String> = inner
            .names
            .keys()
            .filter_map(|path| {
                let mut parts = path.strip_prefix(dir).ok()?.components();
                let first = parts.next()?.as_os_str().to_str()?.to_owned();
                parts.next().map(|_| first)
            })
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        inner.write_call()?;
        inner.durable.retain(|path, _| path.parent() != Some(dir));
        let now: Vec<(PathBuf, u64)> = inner
            .names
            .iter()
            .filter(|(path, _)| path.parent() == Some(dir))
            .map(|(path, id)| (path.clone(), *id))
            .collect();
        inner.durable.extend(now);
        Ok(())
    }

    fn lock(&self, file: &Path) -> io::Result<Box<dyn FileLock>> {
        drop(self.append(file)?);
        if !self.inner().locked.insert(file.to_path_buf()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Locked {
            disk: self.clone(),
            file: file.to_path_buf(),
        }))
    }

    fn room(&self, _: &Path) -> io::Result<Room> {
        let inner = self.inner();
        let total_bytes = inner.faults.room_bytes.unwrap_or(1 << 40);
        Ok(Room {
            free_bytes: total_bytes.saturating_sub(inner.used()),
            total_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    fn write(disk: &MemoryDisk, name: &str, bytes: &[u8], sync: bool) {
        let mut file = disk.append(Path::new(name)).unwrap();
        file.append(bytes).unwrap();
        if sync {
            file.sync().unwrap();
        }
    }

    #[test]
    fn a_power_cut_keeps_what_was_synced_and_may_tear_the_rest() {
        let mut torn = BTreeSet::new();
        for seed in 0..64 {
            let disk = MemoryDisk::new();
            write(&disk, "/d/a", b"kept", true);
            disk.sync_dir(Path::new("/d")).unwrap();
            write(&disk, "/d/a", b"loose", false);
            write(&disk, "/d/b", b"unnamed", true);
            disk.crash(&SeededEntropy::new(seed), true);
            let a = disk.read_all(Path::new("/d/a")).unwrap();
            assert!(a.starts_with(b"kept") && a.len() <= b"keptloose".len());
            torn.insert((a.len(), disk.read_all(Path::new("/d/b")).is_ok()));
        }
        assert!(
            torn.len() > 4,
            "the seeds reach several different states: {torn:?}"
        );
    }

    /// Later sectors may be there where earlier ones are not; synced bytes of the same sector stay.
    #[test]
    fn a_power_cut_reorders_what_was_not_synced() {
        let (mut holes, mut stale) = (0, 0);
        for seed in 0..200 {
            let disk = MemoryDisk::new();
            write(&disk, "/d/a", &[b's'; 700], true);
            disk.sync_dir(Path::new("/d")).unwrap();
            write(&disk, "/d/a", &[b'w'; 20_000], false);
            disk.crash(&SeededEntropy::new(seed), true);
            let a = disk.read_all(Path::new("/d/a")).unwrap();
            assert!(a[..700].iter().all(|&byte| byte == b's'));
            let lost = a[700..].iter().position(|&byte| byte != b'w');
            let after = |at: usize| a[700 + at..].contains(&b'w');
            holes += u64::from(lost.is_some_and(after));
            stale += u64::from(a[700..].iter().any(|&byte| byte != b'w' && byte != 0));
        }
        assert!(holes > 20 && stale > 5, "{holes} {stale}");
    }

    #[test]
    fn a_killed_process_leaves_its_writes_and_writes_no_more() {
        let disk = MemoryDisk::new();
        disk.set_faults(DiskFaults {
            killed_at: Some(2),
            ..DiskFaults::default()
        });
        write(&disk, "/d/a", b"one", false);
        let mut file = disk.append(Path::new("/d/a")).unwrap();
        assert!(file.append(b"two").is_err());
        assert!(disk.is_killed() && disk.append(Path::new("/d/c")).is_err());
        disk.crash(&SeededEntropy::new(0), false);
        assert_eq!(disk.read_all(Path::new("/d/a")).unwrap(), b"one");
    }

    #[test]
    fn a_full_disk_says_so_and_a_failed_sync_fails_once() {
        let disk = MemoryDisk::new();
        disk.set_faults(DiskFaults {
            sync_fails_at: Some(1),
            room_bytes: Some(4),
            ..DiskFaults::default()
        });
        let mut file = disk.append(Path::new("/d/a")).unwrap();
        file.append(b"1234").unwrap();
        assert_eq!(
            file.append(b"5").unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
        assert!(file.sync().is_err());
        assert!(file.sync().is_ok());
        assert_eq!(disk.room(Path::new("/")).unwrap().free_bytes, 0);
    }
}
