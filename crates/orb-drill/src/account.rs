//! What this process has used, as the kernel accounts for it; and what lies in a folder.
//!
//! In: `/proc/self`, a folder. Out: numbers. May touch: reading both. Invariant: what cannot be read is zero.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// What this process has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Account {
    /// User and system time of all threads.
    pub cpu_seconds: f64,
    /// Resident memory now.
    pub rss_bytes: u64,
    /// The most it was.
    pub rss_peak_bytes: u64,
    /// Bytes sent to storage; what was removed before it got there is taken off.
    pub written_bytes: u64,
}

impl Account {
    /// Reads it.
    #[must_use]
    pub fn now() -> Account {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
        let written = number(&io, "write_bytes:");
        Account {
            cpu_seconds: process_cpu().as_secs_f64(),
            rss_bytes: number(&status, "VmRSS:") * 1_024,
            rss_peak_bytes: number(&status, "VmHWM:") * 1_024,
            written_bytes: written.saturating_sub(number(&io, "cancelled_write_bytes:")),
        }
    }
}

/// User and system time of all threads of this process.
pub(crate) fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

fn number(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let word = line.and_then(|line| line.split_whitespace().next());
    word.and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// Bytes of the files of a folder and of those below it.
pub(crate) fn folder_bytes(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else {
        return 0;
    };
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => folder_bytes(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0, // it went meanwhile
    };
    entries.flatten().map(bytes).sum()
}

/// Lets the kernel forget what it holds of a folder's files, so that the next reading comes from the disk.
pub(crate) fn forget_cached(dir: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            forget_cached(&path)?;
        } else {
            let file = fs::File::open(&path)?;
            file.sync_all()?;
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something_and_a_folder_has_its_bytes() {
        let account = Account::now();
        assert!(account.cpu_seconds > 0.0 && account.rss_bytes > 0);
        assert!(account.rss_peak_bytes >= account.rss_bytes / 2);
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("below")).unwrap();
        fs::write(dir.path().join("a"), [0; 10]).unwrap();
        fs::write(dir.path().join("below/b"), [0; 5]).unwrap();
        assert_eq!(folder_bytes(dir.path()), 15);
        forget_cached(dir.path()).unwrap();
        assert_eq!(number("a: 1\nwrite_bytes: 77\n", "write_bytes:"), 77);
        assert_eq!(number("", "write_bytes:"), 0);
    }
}
