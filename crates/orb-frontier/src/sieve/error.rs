//! What can go wrong with the sieve's files.
//!
//! In: causes. Out: errors that name file and place.
//! May touch: nothing. Must not touch: recovery.
//! Invariant: every variant has one next step.

use std::io;
use std::path::{Path, PathBuf};

use orb_store::StoreStep;

/// Why the sieve could not be opened, merged or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SieveError {
    /// The file system said no.
    #[error("access the sieve at {}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file that the store names is not what was written.
    #[error("sieve file {} is damaged at byte {offset}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A file is of another layout than this program reads.
    #[error(
        "sieve file {} has layout version {version}, this program reads version 2: go on with the program that wrote it",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says.
        version: u16,
    },
    /// A file that the store names is gone.
    #[error("sieve file {} is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
}

impl SieveError {
    /// What the caller does next.
    #[must_use]
    pub fn next_step(&self) -> StoreStep {
        match self {
            SieveError::Io { .. } => StoreStep::Reopen,
            SieveError::Damaged { .. }
            | SieveError::Version { .. }
            | SieveError::Missing { .. } => StoreStep::Stop,
        }
    }

    /// Whether the cause is a full disk or quota.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        matches!(self, SieveError::Io { source, .. } if full.contains(&source.kind()))
    }

    /// A failed call on `path`, which the store names: a missing file is told apart.
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> SieveError {
        move |source| {
            let path = path.to_path_buf();
            match source.kind() {
                io::ErrorKind::NotFound => SieveError::Missing { path },
                _ => SieveError::Io { path, source },
            }
        }
    }

    /// Something wrong in `path` at `offset`.
    pub(super) fn damaged(path: &Path, offset: u64, what: &'static str) -> SieveError {
        SieveError::Damaged {
            path: path.to_path_buf(),
            offset,
            what,
        }
    }
}
