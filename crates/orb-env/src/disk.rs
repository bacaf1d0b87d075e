//! The disk: append-only files, reads at an offset, and what makes a name durable.
//!
//! In: paths and bytes. Out: bytes, lengths, room. Blocking: call it on a helper thread.
//! May touch: files; only here. Must not touch: formats.
//! Invariant: what `sync` acknowledged survives a power cut; a name survives once its folder was synced.

use std::io;
use std::path::{Path, PathBuf};

/// Room of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes an ordinary process may still write.
    pub free_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

/// One file in a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirEntry {
    /// Name inside the folder.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
}

/// A file that only grows. After an error its end is unknown: reopen and truncate to a length that was synced.
pub trait AppendFile: Send {
    /// Writes all of `bytes` at the end.
    ///
    /// # Errors
    /// What the kernel says; some of the bytes may have been written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything appended so far survive a power cut.
    ///
    /// # Errors
    /// What the kernel says. Fatal for the file: never try again and believe the second answer.
    fn sync(&mut self) -> io::Result<()>;
    /// Bytes in the file, appended ones included.
    fn bytes(&self) -> u64;
}

/// A file open for reading at any offset.
pub trait ReadFile: Send + Sync {
    /// Fills `buf` from `offset`; fewer bytes only at the end of the file.
    ///
    /// # Errors
    /// What the kernel says.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
    /// Bytes in the file now.
    ///
    /// # Errors
    /// What the kernel says.
    fn bytes(&self) -> io::Result<u64>;
}

/// A lock on a file; dropping it frees the lock, and so does the end of the process, however that ends.
pub trait FileLock: Send + Sync + std::fmt::Debug {}

/// A file system. Shared by threads; every call blocks.
pub trait Disk: Send + Sync {
    /// Makes `dir` and its parents, mode 0700; it may exist.
    ///
    /// # Errors
    /// What the kernel says.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Opens `file` for appending, making it when absent.
    ///
    /// # Errors
    /// What the kernel says.
    fn append(&self, file: &Path) -> io::Result<Box<dyn AppendFile>>;
    /// Opens `file` for reading.
    ///
    /// # Errors
    /// `NotFound`, or what the kernel says.
    fn read(&self, file: &Path) -> io::Result<Box<dyn ReadFile>>;
    /// Cuts `file` to `bytes` and makes that durable.
    ///
    /// # Errors
    /// `NotFound`, or what the kernel says.
    fn truncate(&self, file: &Path, bytes: u64) -> io::Result<()>;
    /// Renames within one file system, replacing `to`.
    ///
    /// # Errors
    /// What the kernel says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; an absent one is no error.
    ///
    /// # Errors
    /// What the kernel says.
    fn remove(&self, file: &Path) -> io::Result<()>;
    /// The files of `dir`, sorted by name; an absent folder is empty.
    ///
    /// # Errors
    /// What the kernel says.
    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>>;
    /// The names of the folders of `dir`, sorted; an absent folder has none.
    ///
    /// # Errors
    /// What the kernel says.
    fn folders(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Makes the names inside `dir` durable.
    ///
    /// # Errors
    /// What the kernel says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Locks `file` against every other holder, making it when absent. Advisory: only who asks is kept out.
    ///
    /// # Errors
    /// `WouldBlock` while another holds it, in this process or another; what the kernel says.
    fn lock(&self, file: &Path) -> io::Result<Box<dyn FileLock>>;
    /// Room of the file system that holds `path`.
    ///
    /// # Errors
    /// What the kernel says.
    fn room(&self, path: &Path) -> io::Result<Room>;

    /// Reads a whole file.
    ///
    /// # Errors
    /// `NotFound`, or what the kernel says.
    fn read_all(&self, file: &Path) -> io::Result<Vec<u8>> {
        let open = self.read(file)?;
        let mut bytes = vec![0; usize::try_from(open.bytes()?).map_err(io::Error::other)?];
        let got = open.read_at(0, &mut bytes)?;
        bytes.truncate(got);
        Ok(bytes)
    }

    /// A number that is another one once the file is another, or was written to: what follows a file looks at it first.
    ///
    /// # Errors
    /// `NotFound`, or what the kernel says.
    fn stamp(&self, file: &Path) -> io::Result<u64> {
        let bytes = self.read_all(file)?;
        let number = bytes.iter().fold(bytes.len() as u64, |number, &byte| {
            (number ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Ok(number)
    }

    /// Replaces `file` by `bytes` so that a crash leaves the old or the new content, never a mixture.
    ///
    /// # Errors
    /// What the kernel says; the old content stands then.
    fn replace(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut fresh: PathBuf = file.to_path_buf();
        fresh.as_mut_os_string().push(".new");
        self.remove(&fresh)?;
        let mut out = self.append(&fresh)?;
        out.append(bytes)?;
        out.sync()?;
        self.rename(&fresh, file)?;
        file.parent().map_or(Ok(()), |dir| self.sync_dir(dir))
    }
}
