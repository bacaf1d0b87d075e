//! A new file that appears whole or not at all.
//!
//! In: bytes. Out: a file under its name, once finished. May touch: the disk, in the folder of the file.
//! Invariant: until `finish` the name is what it was before; an interrupted file lies under `.NAME.new` and is replaced.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orb_env::{AppendFile, Disk};

use crate::DatasetError;
use crate::limits::STEP_BYTES;

/// See the module.
pub(crate) struct Output {
    disk: Arc<dyn Disk>,
    file: Box<dyn AppendFile>,
    path: PathBuf,
    fresh: PathBuf,
    buffer: Vec<u8>,
}

impl Output {
    /// Begins `path` anew, its folder too where it is missing.
    pub(crate) fn create(disk: &Arc<dyn Disk>, path: &Path) -> Result<Output, DatasetError> {
        if let Some(folder) = folder_of(path) {
            disk.create_dir_all(folder)
                .map_err(DatasetError::write(folder))?;
        }
        let fresh = beside(path, "new");
        disk.remove(&fresh).map_err(DatasetError::write(&fresh))?;
        Ok(Output {
            file: disk.append(&fresh).map_err(DatasetError::write(&fresh))?,
            disk: Arc::clone(disk),
            path: path.to_path_buf(),
            fresh,
            buffer: Vec::with_capacity(STEP_BYTES),
        })
    }

    /// Bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.file.bytes() + self.buffer.len() as u64
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), DatasetError> {
        let fresh = &self.fresh;
        put(&mut self.buffer, self.file.as_mut(), bytes).map_err(DatasetError::write(fresh))
    }

    /// Makes the file durable under its name.
    pub(crate) fn finish(mut self) -> Result<(), DatasetError> {
        let whole = self.file.append(&self.buffer);
        whole
            .and_then(|()| self.file.sync())
            .map_err(DatasetError::write(&self.fresh))?;
        self.disk
            .rename(&self.fresh, &self.path)
            .map_err(DatasetError::write(&self.path))?;
        let folder = folder_of(&self.path).unwrap_or(Path::new("."));
        self.disk
            .sync_dir(folder)
            .map_err(DatasetError::write(folder))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        put(&mut self.buffer, self.file.as_mut(), bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn put(buffer: &mut Vec<u8>, file: &mut dyn AppendFile, bytes: &[u8]) -> io::Result<()> {
    buffer.extend_from_slice(bytes);
    if buffer.len() >= STEP_BYTES {
        file.append(buffer)?;
        buffer.clear();
    }
    Ok(())
}

fn folder_of(path: &Path) -> Option<&Path> {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
}

/// `.NAME.suffix` beside `NAME`: readers of folders pass hidden files over.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.trim_start_matches('.');
    path.with_file_name(format!(".{name}.{suffix}"))
}
