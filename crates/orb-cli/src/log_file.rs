//! Logs: `logs/orb.log` as JSON lines, warnings on standard error.
//!
//! In: events. Out: lines, in files of bounded size and number.
//! May touch: the log folder. Invariant: a full disk or a lost log never stops a crawl.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::limits::{LOG_BYTES_MAX, LOG_FILES_KEPT};
use crate::live::curtain::LogLines;

/// What is logged unless `ORB_LOG` says otherwise. The store tells of every file it opens.
const FILTER: &str = "info,fjall=warn,lsm_tree=warn";

/// What is shown on standard error. What the store says of a failure reaches us as an error of our own.
const SHOWN: &str = "warn,fjall=off,lsm_tree=off";

/// Where to log, and what. `filter` is the value of `ORB_LOG`, such as `debug` or `orb_fetch=debug,info`.
pub(crate) fn start(folder: &Path, filter: Option<&str>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter.unwrap_or(FILTER)).map_err(|error| {
        anyhow::anyhow!("ORB_LOG: {error}; write a level such as `info`, or `orb_fetch=debug,info`")
    })?;
    let file = LogFile::open(folder, LOG_BYTES_MAX, LOG_FILES_KEPT)?;
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(Mutex::new(file))
        .log_internal_errors(false);
    let registry = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(warnings());
    registry.try_init()?;
    Ok(())
}

/// Only warnings, only on standard error: for commands without a crawl's folder.
pub(crate) fn start_without_file() {
    // A second start (in tests) changes nothing.
    tracing_subscriber::registry()
        .with(warnings())
        .try_init()
        .ok();
}

fn warnings<S>() -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let lines = fmt::layer()
        .compact()
        .with_writer(LogLines::default)
        .with_ansi(false)
        .without_time()
        .with_target(false);
    lines
        .log_internal_errors(false)
        .with_filter(EnvFilter::new(SHOWN))
}

/// A file that is put aside when it is full: `orb.log`, then `orb.log.1` and so on, the oldest last.
struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
    kept: u32,
}

impl LogFile {
    fn open(folder: &Path, bytes_max: u64, kept: u32) -> io::Result<LogFile> {
        let path = folder.join("orb.log");
        let file = append(&path)?;
        let bytes = file.metadata()?.len();
        Ok(LogFile {
            path,
            file,
            bytes,
            bytes_max,
            kept,
        })
    }

    fn aside(&self, number: u32) -> PathBuf {
        self.path.with_extension(format!("log.{number}"))
    }

    fn roll(&mut self) -> io::Result<()> {
        for number in (1..self.kept).rev() {
            move_if_there(&self.aside(number), &self.aside(number + 1))?;
        }
        move_if_there(&self.path, &self.aside(1))?;
        self.file = append(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

fn move_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.bytes > 0 && self.bytes + line.len() as u64 > self.bytes_max {
            self.roll()?;
        }
        let written = self.file.write(line)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_files_are_put_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFile::open(folder.path(), 10, 2).unwrap();
        for line in ["line one\n", "line two\n", "three\n", "line four\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        assert_eq!(read("orb.log"), "line four\n");
        assert_eq!(read("orb.log.1"), "three\n");
        assert_eq!(read("orb.log.2"), "line two\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        // Another process goes on where this one ended.
        drop(log);
        assert_eq!(LogFile::open(folder.path(), 10, 2).unwrap().bytes, 10);
    }
}
