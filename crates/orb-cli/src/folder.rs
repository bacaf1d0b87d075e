//! A crawl's folder: found by its argument, worked on by one process at a time.
//!
//! In: `--out` or DIR. Out: the folder, and a lock for as long as it is worked on.
//! May touch: the lock file. Must not touch: anything else in the folder.
//! Invariant: the kernel holds the lock, so it goes with the process, however that ends.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use orb_api::CrawlDir;
use orb_env::{Disk, KernelDisk};
use rustix::fs::{FlockOperation, flock};

use crate::exit::Failure;

/// Where a crawl lies when nobody says.
pub(crate) const DEFAULT: &str = "orb-crawl";

/// Which crawl's folder.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct FolderArg {
    /// The crawl's folder [default: orb-crawl].
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    dir: Option<PathBuf>,
    /// The crawl's folder, as `orb crawl` calls it.
    #[arg(long, value_name = "DIR", conflicts_with = "dir", value_hint = clap::ValueHint::DirPath)]
    out: Option<PathBuf>,
}

impl FolderArg {
    /// The folder of an existing crawl.
    pub(crate) fn existing(&self) -> Result<CrawlDir, Failure> {
        let root = self.out.as_ref().or(self.dir.as_ref());
        let dir = CrawlDir::new(root.cloned().unwrap_or_else(|| PathBuf::from(DEFAULT)));
        if dir.identity().exists() {
            return Ok(dir);
        }
        Err(Failure::usage_text(format!(
            "{} holds no crawl; name its folder",
            dir.root().display()
        )))
    }
}

/// Held while this process works on a crawl's folder.
#[derive(Debug)]
pub(crate) struct FolderLock(
    #[expect(dead_code, reason = "held, not read: closing it frees the lock")] File,
);

/// Why the folder cannot be worked on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Another process does.
    #[error("{} is in use by {}: see `orb status {0}` or end it with `orb stop {0}`", dir.display(), by(*pid))]
    Held {
        /// The folder.
        dir: PathBuf,
        /// Who, as the lock file says.
        pid: Option<u32>,
    },
    /// The lock file cannot be made.
    #[error("cannot work in {}", dir.display())]
    Io {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

fn by(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Failure {
        match error {
            LockError::Held { .. } => Failure::usage(error),
            LockError::Io { .. } => Failure::storage(error),
        }
    }
}

/// Locks the folder for this process, making it when absent.
pub(crate) fn lock(dir: &CrawlDir) -> Result<FolderLock, LockError> {
    let failed = |source| LockError::Io {
        dir: dir.root().to_owned(),
        source,
    };
    KernelDisk.create_dir_all(&dir.state()).map_err(failed)?;
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    let mut file = options.open(dir.lock()).map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut text = String::new();
            // Who it is only helps to find it; a file that cannot be read names nobody.
            file.read_to_string(&mut text).ok();
            return Err(LockError::Held {
                dir: dir.root().to_owned(),
                pid: text.trim().parse().ok(),
            });
        }
        Err(error) => return Err(failed(error.into())),
    }
    let sign = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    // The lock holds without the sign, so a full disk does not keep a crawl from being opened.
    if let Err(error) = sign(&mut file) {
        tracing::warn!(%error, "lock file names no process");
    }
    Ok(FolderLock(file))
}

/// Locks a folder whose crawl did not answer on its socket: whoever holds it is starting or ending.
pub(crate) fn lock_silent(dir: &CrawlDir) -> Result<FolderLock, Failure> {
    match lock(dir) {
        Err(LockError::Held { pid, .. }) => {
            let who = pid.map_or_else(|| "a process".to_owned(), |pid| format!("process {pid}"));
            Err(Failure::usage_text(format!(
                "{who} works on {} and does not answer: it is starting or ending, ask again",
                dir.root().display()
            )))
        }
        lock => Ok(lock?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_worked_on_by_one_process_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let dir = CrawlDir::new(root.path().join("crawl"));
        let held = lock(&dir).unwrap();
        let refused = lock(&dir).unwrap_err().to_string();
        assert!(
            refused.contains(&format!("process {}", std::process::id())),
            "{refused}"
        );
        drop(held);
        lock(&dir).unwrap();
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "no folder").unwrap();
        let error = lock(&CrawlDir::new(&file)).unwrap_err();
        assert!(matches!(error, LockError::Io { .. }), "{error}");
        assert!(error.to_string().contains("file"), "{error}");
    }
}
