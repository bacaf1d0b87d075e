//! The kernel's files behind [`Disk`].
//!
//! In: paths. Out: files of mode 0600 in folders of mode 0700.
//! May touch: the file system. Invariant: `sync` is `fdatasync` on files that grow, `fsync` on folders.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::{AppendFile, DirEntry, Disk, FileLock, ReadFile, Room};

/// The machine's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelDisk;

struct Growing {
    file: File,
    bytes: u64,
}

impl AppendFile for Growing {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl ReadFile for File {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match FileExt::read_at(self, &mut buf[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl FileLock for File {}

impl Disk for KernelDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
    }

    /// Of device, number, length, and the time of the last change: nobody writes a file without moving one of them.
    fn stamp(&self, file: &Path) -> io::Result<u64> {
        let meta = fs::metadata(file)?;
        let parts = [
            meta.dev(),
            meta.ino(),
            meta.len(),
            meta.ctime().cast_unsigned(),
            meta.ctime_nsec().cast_unsigned(),
        ];
        let number = parts.iter().fold(0_u64, |number, part| {
            (number.rotate_left(23) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        Ok(number)
    }

    fn append(&self, file: &Path) -> io::Result<Box<dyn AppendFile>> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(file)?;
        let bytes = file.metadata()?.len();
        Ok(Box::new(Growing { file, bytes }))
    }

    fn read(&self, file: &Path) -> io::Result<Box<dyn ReadFile>> {
        Ok(Box::new(File::open(file)?))
    }

    fn truncate(&self, file: &Path, bytes: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(file)?;
        file.set_len(bytes)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        match fs::remove_file(file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let entries = match fs::read_dir(dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            let meta = entry.metadata()?;
            if let (true, Ok(name)) = (meta.is_file(), entry.file_name().into_string()) {
                files.push(DirEntry {
                    name,
                    bytes: meta.len(),
                });
            }
        }
        files.sort();
        Ok(files)
    }

    fn folders(&self, dir: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(dir) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if let (true, Ok(name)) = (entry.file_type()?.is_dir(), entry.file_name().into_string())
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn lock(&self, file: &Path) -> io::Result<Box<dyn FileLock>> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(file)?;
        file.try_lock()?;
        Ok(Box::new(file))
    }

    fn room(&self, path: &Path) -> io::Result<Room> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(Room {
            free_bytes: stat.f_bavail * stat.f_frsize,
            total_bytes: stat.f_blocks * stat.f_frsize,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_grows_is_read_cut_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let disk = KernelDisk;
        let mut file = disk.append(&path).unwrap();
        file.append(b"hello ").unwrap();
        file.append(b"world").unwrap();
        file.sync().unwrap();
        assert_eq!(disk.read_all(&path).unwrap(), b"hello world");
        disk.truncate(&path, 5).unwrap();
        assert_eq!(disk.append(&path).unwrap().bytes(), 5);
        disk.replace(&path, b"new").unwrap();
        assert_eq!(
            disk.list(dir.path()).unwrap(),
            [DirEntry {
                name: "f".into(),
                bytes: 3
            }]
        );
        let held = disk.lock(&path).unwrap();
        let refused = disk.lock(&path).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        drop(held);
        drop(disk.lock(&path).unwrap());
        disk.remove(&path).unwrap();
        disk.remove(&path).unwrap();
        assert!(disk.room(dir.path()).unwrap().total_bytes > 0);
    }
}
