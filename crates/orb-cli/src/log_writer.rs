//! Where lines of the log go: `logs/orb.log` as JSON, warnings to people.
//!
//! In: events. Out: lines, in files of bounded size and number; counts of what happened.
//! May touch: the log folder. Invariant: a full disk or a lost log never stops a crawl; all files together stay below
//! [`LOG_BYTES_MAX`] times one more than [`LOG_FILES_KEPT`]; no text of strangers steers a terminal that shows them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use orb_env::{AppendFile, Clock, Disk};
use orb_metrics::{Happening, HappeningCounts};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::limits::{LOG_BYTES_MAX, LOG_FILES_KEPT, LOG_LINE_BYTES_MAX};
use crate::log_line::{Fields, json_line, plain_line};

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    /// What to log is not understood.
    #[error("ORB_LOG: {0}; write a level such as `info`, or `orb_fetch=debug,info`")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The file cannot be opened.
    #[error("open the log")]
    File(#[from] io::Error),
    /// Another log was started in this process.
    #[error("start the log")]
    Started(#[from] tracing_subscriber::util::TryInitError),
}

/// Takes a line for people.
pub(crate) type Show = fn(&str);

/// What is logged unless `ORB_LOG` says otherwise. The store tells of every file it opens.
const FILTER: &str = "info,fjall=warn,lsm_tree=warn";

/// What is shown on standard error. What the store says of a failure reaches us as an error of our own.
const SHOWN: &str = "warn,fjall=off,lsm_tree=off";

/// Logs into `folder`; warnings go to `show` too. `filter` is the value of `ORB_LOG`, such as `debug` or `orb_fetch=debug,info`. Returns the
/// counts of what happens from here on.
///
/// # Errors
/// [`LogError`].
pub(crate) fn start(
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    folder: &Path,
    filter: Option<&str>,
    show: Show,
) -> Result<Arc<HappeningCounts>, LogError> {
    let filter = EnvFilter::try_new(filter.unwrap_or(FILTER))?;
    let file = LogFile::open(disk, folder, LOG_BYTES_MAX, LOG_FILES_KEPT)?;
    let lines = JsonLines {
        clock,
        file: Mutex::new(file),
    };
    let counts = Arc::new(HappeningCounts::default());
    let happened = |meta: &Metadata<'_>| meta.fields().field("event").is_some();
    let counting = filter_fn(happened).with_max_level_hint(LevelFilter::INFO);
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(Counting(Arc::clone(&counts)).with_filter(counting))
        .with(PlainLines(show).with_filter(EnvFilter::new(SHOWN)))
        .try_init()?;
    Ok(counts)
}

/// Only warnings, only to `show`: for commands without a crawl's folder.
pub(crate) fn start_without_file(show: Show) {
    // A second start (in tests) changes nothing.
    tracing_subscriber::registry()
        .with(PlainLines(show).with_filter(EnvFilter::new(SHOWN)))
        .try_init()
        .ok();
}

/// Every event as a line of the file.
struct JsonLines {
    clock: Arc<dyn Clock>,
    file: Mutex<LogFile>,
}

impl<S: Subscriber> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = json_line(self.clock.wall(), event.metadata(), &Fields::of(event));
        if let Ok(mut file) = self.file.lock() {
            file.write(line.as_bytes()).ok(); // a lost line stops nothing
        }
    }
}

/// Events as lines for people.
struct PlainLines(Show);

impl<S: Subscriber> Layer<S> for PlainLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        (self.0)(&plain_line(event.metadata(), &Fields::of(event)));
    }
}

/// Counts what has a name of its own.
struct Counting(Arc<HappeningCounts>);

impl<S: Subscriber> Layer<S> for Counting {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let fields = Fields::of(event);
        if let Some(kind) = fields.text("event").and_then(Happening::named) {
            self.0.count(kind);
        }
    }
}

/// A file that is put aside when it is full: `orb.log`, then `orb.log.1` and so on, the oldest last.
struct LogFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Box<dyn AppendFile>,
    bytes_max: u64,
    kept: u32,
}

impl LogFile {
    fn open(disk: Arc<dyn Disk>, folder: &Path, bytes_max: u64, kept: u32) -> io::Result<LogFile> {
        let path = folder.join("orb.log");
        let file = disk.append(&path)?;
        Ok(LogFile {
            disk,
            path,
            file,
            bytes_max,
            kept,
        })
    }

    /// Appends a line; one that is too long loses its end, and with it its use to programs.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let line = match line.get(..LOG_LINE_BYTES_MAX) {
            Some(part) => &[part, b"\n"].concat(),
            None => line,
        };
        let bytes = self.file.bytes();
        if bytes > 0 && bytes + line.len() as u64 > self.bytes_max {
            self.roll()?;
        }
        self.file.append(line)
    }

    fn aside(&self, number: u32) -> PathBuf {
        self.path.with_extension(format!("log.{number}"))
    }

    fn roll(&mut self) -> io::Result<()> {
        for number in (1..self.kept).rev() {
            self.move_if_there(&self.aside(number), &self.aside(number + 1))?;
        }
        self.move_if_there(&self.path, &self.aside(1))?;
        self.file = self.disk.append(&self.path)?;
        Ok(())
    }

    fn move_if_there(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self.disk.rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::{MemoryDisk, Wall};

    const FOLDER: &str = "/c/logs";

    fn open(disk: &MemoryDisk, bytes_max: u64, kept: u32) -> LogFile {
        let disk = Arc::new(disk.clone());
        LogFile::open(disk, Path::new(FOLDER), bytes_max, kept).unwrap()
    }

    fn all_bytes(disk: &MemoryDisk) -> u64 {
        let files = disk.list(Path::new(FOLDER)).unwrap();
        files.iter().map(|file| file.bytes).sum()
    }

    #[test]
    fn full_files_are_put_aside_and_the_oldest_goes() {
        let disk = MemoryDisk::new();
        let mut log = open(&disk, 10, 2);
        for line in ["line one\n", "line two\n", "three\n", "line four\n"] {
            log.write(line.as_bytes()).unwrap();
        }
        let read = |name: &str| {
            let bytes = disk
                .read_all(&Path::new(FOLDER).join(name))
                .unwrap_or_default();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(read("orb.log"), "line four\n");
        assert_eq!(read("orb.log.1"), "three\n");
        assert_eq!(read("orb.log.2"), "line two\n");
        assert_eq!(disk.list(Path::new(FOLDER)).unwrap().len(), 3);
        // Another process goes on where this one ended.
        drop(log);
        assert_eq!(open(&disk, 10, 2).file.bytes(), 10);
    }

    /// Deliver 3 of the desk: by default the logs of a crawl are bounded, however long it runs and whatever it meets.
    /// A week of a crawl whose web is in trouble: every shard of eight writes as many lines about requests as it may,
    /// and beside them there are commits that fail, each second.
    #[test]
    fn a_week_of_default_logs_stays_under_its_cap() {
        let disk = MemoryDisk::new();
        let mut log = open(&disk, LOG_BYTES_MAX, LOG_FILES_KEPT);
        let cap = LOG_BYTES_MAX * u64::from(LOG_FILES_KEPT + 1);
        let (mut written, mut most) = (0, 0);
        let mut line = String::new();
        for second in 0..7 * 86_400_i64 {
            if second % 60 == 0 {
                line = crate::log_line::tests::sample(Wall(second * 1_000_000));
                most = most.max(all_bytes(&disk));
            }
            for _ in 0..9 {
                log.write(line.as_bytes()).unwrap();
                written += line.len() as u64;
            }
        }
        assert!(written > 10 * cap, "{written} bytes are no test of {cap}");
        let kept = all_bytes(&disk).max(most);
        assert!(kept <= cap && kept > cap / 2, "{kept} of {cap}");
        assert_eq!(
            disk.list(Path::new(FOLDER)).unwrap().len(),
            LOG_FILES_KEPT as usize + 1
        );
    }

    #[test]
    fn a_line_without_bounds_is_cut() {
        let disk = MemoryDisk::new();
        let mut log = open(&disk, LOG_BYTES_MAX, 1);
        log.write(&vec![b'x'; 10 * LOG_LINE_BYTES_MAX]).unwrap();
        assert_eq!(all_bytes(&disk), LOG_LINE_BYTES_MAX as u64 + 1);
    }
}
