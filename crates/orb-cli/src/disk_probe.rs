//! How fast a folder's file system takes what is written to it.
//!
//! In: a folder. Out: bytes a second, seconds of a sync. May touch: one file of its own in that folder.
//! Must not touch: anything else there. Invariant: the file is removed whatever happens, and bounded in size and time.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use orb_env::{BootClock, Clock};
use serde::{Deserialize, Serialize};

use crate::limits::{DISK_PROBE_BYTES_MAX, DISK_PROBE_SYNCS, DISK_PROBE_TIME_MAX};

/// Bytes of one write: what a commit group of a busy crawl appends.
const CHUNK_BYTES: usize = 1 << 20;

/// Bytes of the small writes whose sync is timed: what a commit group of a quiet crawl appends.
const SMALL_BYTES: usize = 4 << 10;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DiskSpeed {
    /// Sequential writes with a sync at the end.
    pub(crate) bytes_per_second: f64,
    /// Median of a small append and its sync.
    pub(crate) sync_seconds: f64,
    /// Slowest of them.
    pub(crate) sync_seconds_max: f64,
}

/// The file of a probe; removed when dropped.
struct ProbeFile {
    path: PathBuf,
    file: File,
}

impl ProbeFile {
    fn make(folder: &Path) -> io::Result<ProbeFile> {
        let path = folder.join(format!(".orb-probe-{}", std::process::id()));
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(ProbeFile { path, file })
    }
}

impl Drop for ProbeFile {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok(); // a folder that took it lets it go, or has gone itself
    }
}

/// Writes at most 64 MiB for at most a second and a half into `folder`, and some small appends.
pub(crate) fn measure(folder: &Path) -> io::Result<DiskSpeed> {
    let clock = BootClock::new();
    let mut probe = ProbeFile::make(folder)?;
    let chunk = noise(CHUNK_BYTES);
    let begun = clock.mono();
    let mut written = 0;
    while written < DISK_PROBE_BYTES_MAX && clock.mono().since(begun) < DISK_PROBE_TIME_MAX {
        probe.file.write_all(&chunk)?;
        written += chunk.len() as u64;
        // Now and then, so that a disk slower than memory shows before the time is over.
        if written % (8 << 20) == 0 {
            probe.file.sync_data()?;
        }
    }
    probe.file.sync_data()?;
    let seconds = clock.mono().since(begun).as_secs_f64();
    let mut syncs = Vec::with_capacity(DISK_PROBE_SYNCS);
    let began = clock.mono();
    while syncs.len() < DISK_PROBE_SYNCS && clock.mono().since(began) < DISK_PROBE_TIME_MAX {
        let before = clock.mono();
        probe.file.write_all(&chunk[..SMALL_BYTES])?;
        probe.file.sync_data()?;
        syncs.push(clock.mono().since(before).as_secs_f64());
    }
    syncs.sort_by(f64::total_cmp);
    Ok(DiskSpeed {
        bytes_per_second: written as f64 / seconds.max(1e-6),
        sync_seconds: syncs.get(syncs.len() / 2).copied().unwrap_or_default(),
        sync_seconds_max: syncs.last().copied().unwrap_or_default(),
    })
}

/// Bytes that no file system can make shorter (xorshift, Marsaglia 2003).
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut out = Vec::with_capacity(bytes);
    while out.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out
}

/// The nearest folder above `path`, itself included, that exists.
pub(crate) fn nearest_folder(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let found = absolute.ancestors().find(|folder| folder.is_dir());
    found.map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_measures_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let speed = measure(folder.path()).unwrap();
        assert!(speed.bytes_per_second > 0.0 && speed.sync_seconds_max >= speed.sync_seconds);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(measure(&folder.path().join("missing")).is_err());
    }

    #[test]
    fn a_folder_that_does_not_exist_yet_is_probed_above() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(nearest_folder(&folder.path().join("a/b")), folder.path());
        assert_eq!(nearest_folder(folder.path()), folder.path());
    }
}
