//! Lines sorted by bytes, more than memory holds.
//!
//! In: lines in any order. Out: one file of them in order, each ended by a line feed.
//! May touch: the disk, in the folder of the result. Invariant: the result appears whole or not at all.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orb_env::{Disk, ReadFile};

use crate::ArchiveError;
use crate::limits::{READ_BYTES, SORT_BYTES};

/// Lines being gathered.
pub struct SortedLines {
    disk: Arc<dyn Disk>,
    result: PathBuf,
    lines: Vec<String>,
    bytes: usize,
    bytes_max: usize,
    runs: Vec<PathBuf>,
    count: u64,
}

impl SortedLines {
    /// Gathers lines for the file `result`; runs lie beside it until it is written.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, result: &Path) -> SortedLines {
        SortedLines::within(disk, result, SORT_BYTES)
    }

    pub(crate) fn within(disk: Arc<dyn Disk>, result: &Path, bytes_max: usize) -> SortedLines {
        SortedLines {
            disk,
            result: result.to_path_buf(),
            lines: Vec::new(),
            bytes: 0,
            bytes_max,
            runs: Vec::new(),
            count: 0,
        }
    }

    /// Adds a line without line end.
    ///
    /// # Errors
    /// What the disk says when a run is written.
    pub fn push(&mut self, line: String) -> Result<(), ArchiveError> {
        self.bytes += line.len() + size_of::<String>();
        self.lines.push(line);
        self.count += 1;
        if self.bytes >= self.bytes_max {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), ArchiveError> {
        let path = beside(&self.result, &format!("run-{}", self.runs.len()));
        self.lines.sort_unstable();
        let disk = Arc::clone(&self.disk);
        self.runs.push(path.clone());
        let mut out = Output::create(disk.as_ref(), &path)?;
        for line in self.lines.drain(..) {
            out.line(&line)?;
        }
        self.bytes = 0;
        out.flush()
    }

    /// Writes the result and removes the runs. Returns the number of lines.
    ///
    /// # Errors
    /// What the disk says; the old result, if there was one, stands then.
    pub fn finish(mut self) -> Result<u64, ArchiveError> {
        let fresh = beside(&self.result, "new");
        let disk = Arc::clone(&self.disk);
        let mut out = Output::create(disk.as_ref(), &fresh)?;
        if self.runs.is_empty() {
            self.lines.sort_unstable();
            for line in &self.lines {
                out.line(line)?;
            }
        } else {
            self.spill()?;
            merge(disk.as_ref(), &self.runs, &mut out)?;
        }
        out.finish()?;
        disk.rename(&fresh, &self.result)
            .map_err(ArchiveError::write(&self.result))?;
        let folder = self.result.parent().unwrap_or(Path::new("."));
        disk.sync_dir(folder).map_err(ArchiveError::write(folder))?;
        Ok(self.count)
    }
}

impl Drop for SortedLines {
    fn drop(&mut self) {
        for run in &self.runs {
            self.disk.remove(run).ok(); // what stays is named like a run and harmless
        }
    }
}

fn beside(result: &Path, suffix: &str) -> PathBuf {
    let mut path = result.to_path_buf().into_os_string();
    path.push(format!(".{suffix}"));
    path.into()
}

fn merge(disk: &dyn Disk, runs: &[PathBuf], out: &mut Output) -> Result<(), ArchiveError> {
    let mut readers = Vec::with_capacity(runs.len());
    for run in runs {
        readers.push(RunLines::open(disk, run)?);
    }
    let mut heads = BinaryHeap::new();
    for (index, reader) in readers.iter_mut().enumerate() {
        if let Some(line) = reader.next()? {
            heads.push(Reverse((line, index)));
        }
    }
    while let Some(Reverse((line, index))) = heads.pop() {
        out.line(&line)?;
        if let Some(next) = readers[index].next()? {
            heads.push(Reverse((next, index)));
        }
    }
    Ok(())
}

/// A buffered new file.
struct Output {
    file: Box<dyn orb_env::AppendFile>,
    path: PathBuf,
    buffer: Vec<u8>,
}

impl Output {
    fn create(disk: &dyn Disk, path: &Path) -> Result<Output, ArchiveError> {
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            disk.create_dir_all(folder)
                .map_err(ArchiveError::write(folder))?;
        }
        disk.remove(path).map_err(ArchiveError::write(path))?;
        Ok(Output {
            file: disk.append(path).map_err(ArchiveError::write(path))?,
            path: path.to_path_buf(),
            buffer: Vec::with_capacity(READ_BYTES),
        })
    }

    fn line(&mut self, line: &str) -> Result<(), ArchiveError> {
        self.buffer.extend_from_slice(line.as_bytes());
        self.buffer.push(b'\n');
        if self.buffer.len() >= READ_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ArchiveError> {
        self.file
            .append(&self.buffer)
            .map_err(ArchiveError::write(&self.path))?;
        self.buffer.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<(), ArchiveError> {
        self.flush()?;
        self.file.sync().map_err(ArchiveError::write(&self.path))
    }
}

/// The lines of a run.
struct RunLines {
    file: Box<dyn ReadFile>,
    path: PathBuf,
    at: u64,
    buffer: Vec<u8>,
    from: usize,
}

impl RunLines {
    fn open(disk: &dyn Disk, path: &Path) -> Result<RunLines, ArchiveError> {
        Ok(RunLines {
            file: disk.read(path).map_err(ArchiveError::read(path))?,
            path: path.to_path_buf(),
            at: 0,
            buffer: Vec::new(),
            from: 0,
        })
    }

    fn next(&mut self) -> Result<Option<String>, ArchiveError> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[self.from..]) {
                let line = &self.buffer[self.from..self.from + end];
                let line = String::from_utf8_lossy(line).into_owned();
                self.from += end + 1;
                return Ok(Some(line));
            }
            self.buffer.drain(..self.from);
            self.from = 0;
            let kept = self.buffer.len();
            self.buffer.resize(kept + READ_BYTES, 0);
            let got = self
                .file
                .read_at(self.at, &mut self.buffer[kept..])
                .map_err(ArchiveError::read(&self.path))?;
            self.buffer.truncate(kept + got);
            self.at += got as u64;
            if got == 0 {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::MemoryDisk;

    #[test]
    fn runs_on_disk_and_lines_in_memory_come_out_in_one_order() {
        let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::new());
        let result = Path::new("/index/all.cdxj");
        let lines: Vec<String> = (0..1_000)
            .map(|n| format!("{:04} x", n * 7_919 % 1_000))
            .collect();
        let mut sorted = SortedLines::within(Arc::clone(&disk), result, 4_000);
        for line in &lines {
            sorted.push(line.clone()).unwrap();
        }
        assert!(sorted.runs.len() > 3);
        assert_eq!(sorted.finish().unwrap(), 1_000);
        let mut expected = lines;
        expected.sort();
        let text = String::from_utf8(disk.read_all(result).unwrap()).unwrap();
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        let left: Vec<String> = disk
            .list(Path::new("/index"))
            .unwrap()
            .into_iter()
            .map(|e| e.name)
            .collect();
        assert_eq!(left, ["all.cdxj"]);
    }
}
