//! Lines sorted by bytes, more than memory holds.
//!
//! In: lines in any order. Out: each line once, in order. May touch: the disk, beside a path it is given.
//! Invariant: memory holds at most the bytes allowed, and one line of each run while they are merged; runs are removed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use orb_env::{Disk, ReadFile};

use crate::DatasetError;
use crate::limits::{RUNS_MAX, SORT_BYTES, STEP_BYTES};
use crate::output::{Output, beside};

/// Lines being gathered.
pub struct SortedLines {
    disk: Arc<dyn Disk>,
    result: PathBuf,
    lines: Vec<String>,
    bytes: usize,
    bytes_max: usize,
    runs: Vec<PathBuf>,
    /// Runs there ever were: each has a name of its own.
    runs_made: usize,
    count: u64,
}

impl SortedLines {
    /// Gathers lines for the file `result`; runs lie beside it until they are merged.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, result: &Path) -> SortedLines {
        SortedLines::within(disk, result, SORT_BYTES)
    }

    /// The same, with so many bytes of lines in memory.
    pub(crate) fn within(disk: Arc<dyn Disk>, result: &Path, bytes_max: usize) -> SortedLines {
        SortedLines {
            disk,
            result: result.to_path_buf(),
            lines: Vec::new(),
            bytes: 0,
            bytes_max,
            runs: Vec::new(),
            runs_made: 0,
            count: 0,
        }
    }

    /// Adds a line without line end.
    ///
    /// # Errors
    /// What the disk says when a run is written.
    pub fn push(&mut self, line: String) -> Result<(), DatasetError> {
        self.bytes += line.len() + size_of::<String>();
        self.lines.push(line);
        self.count += 1;
        if self.bytes >= self.bytes_max {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), DatasetError> {
        if self.runs.len() >= RUNS_MAX {
            self.merge_runs()?;
        }
        let path = self.next_run();
        self.lines.sort_unstable();
        self.runs.push(path.clone());
        let mut out = Output::create(&self.disk, &path)?;
        for line in self.lines.drain(..) {
            put_line(&mut out, &line)?;
        }
        self.bytes = 0;
        out.finish()
    }

    fn next_run(&mut self) -> PathBuf {
        self.runs_made += 1;
        beside(&self.result, &format!("run-{}", self.runs_made))
    }

    /// Makes one run of all, since a merge holds every run's file open.
    fn merge_runs(&mut self) -> Result<(), DatasetError> {
        let path = self.next_run();
        let mut out = Output::create(&self.disk, &path)?;
        merge(self.disk.as_ref(), &self.runs, &mut |line| {
            put_line(&mut out, line)
        })?;
        out.finish()?;
        for run in std::mem::replace(&mut self.runs, vec![path]) {
            self.disk.remove(&run).map_err(DatasetError::write(&run))?;
        }
        Ok(())
    }

    /// Hands the lines over in their order, and removes the runs. Returns their number.
    ///
    /// # Errors
    /// What the disk says, or `each`.
    pub fn each(
        mut self,
        each: &mut dyn FnMut(&str) -> Result<(), DatasetError>,
    ) -> Result<u64, DatasetError> {
        if self.runs.is_empty() {
            self.lines.sort_unstable();
            for line in &self.lines {
                each(line)?;
            }
        } else {
            self.spill()?;
            merge(self.disk.as_ref(), &self.runs, each)?;
        }
        Ok(self.count)
    }

    /// Writes the result, each line ended by a line feed, and removes the runs. Returns the number of lines.
    ///
    /// # Errors
    /// What the disk says; the old result, if there was one, stands then.
    pub fn finish(self) -> Result<u64, DatasetError> {
        let mut out = Output::create(&self.disk, &self.result)?;
        let count = self.each(&mut |line| put_line(&mut out, line))?;
        out.finish()?;
        Ok(count)
    }
}

impl Drop for SortedLines {
    fn drop(&mut self) {
        for run in &self.runs {
            self.disk.remove(run).ok(); // what stays is named like a run and harmless
        }
    }
}

fn put_line(out: &mut Output, line: &str) -> Result<(), DatasetError> {
    out.put(line.as_bytes())?;
    out.put(b"\n")
}

fn merge(
    disk: &dyn Disk,
    runs: &[PathBuf],
    each: &mut dyn FnMut(&str) -> Result<(), DatasetError>,
) -> Result<(), DatasetError> {
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
        each(&line)?;
        if let Some(next) = readers[index].next()? {
            heads.push(Reverse((next, index)));
        }
    }
    Ok(())
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
    fn open(disk: &dyn Disk, path: &Path) -> Result<RunLines, DatasetError> {
        Ok(RunLines {
            file: disk.read(path).map_err(DatasetError::read(path))?,
            path: path.to_path_buf(),
            at: 0,
            buffer: Vec::new(),
            from: 0,
        })
    }

    fn next(&mut self) -> Result<Option<String>, DatasetError> {
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
            self.buffer.resize(kept + STEP_BYTES, 0);
            let got = self
                .file
                .read_at(self.at, &mut self.buffer[kept..])
                .map_err(DatasetError::read(&self.path))?;
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
        let lines: Vec<String> = (0..10_000)
            .map(|n| format!("{:05} x", n * 7_919 % 10_000))
            .collect();
        let mut sorted = SortedLines::within(Arc::clone(&disk), result, 4_000);
        for line in &lines {
            sorted.push(line.clone()).unwrap();
        }
        // More runs came than may lie there at once.
        assert!(sorted.runs_made > RUNS_MAX && sorted.runs.len() <= RUNS_MAX);
        assert_eq!(sorted.finish().unwrap(), 10_000);
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
