//! What can go wrong with archive files beside what is in them.
//!
//! In: paths and what the disk says. Out: one error. May touch: nothing.
//! Invariant: damage inside a file is no error; it is reported in its place.

use std::io;
use std::path::{Path, PathBuf};

/// The disk or the arguments do not allow it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// A file cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the disk says.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the disk says.
        #[source]
        source: io::Error,
    },
    /// A new file would replace one that is there.
    #[error("{} is there already: choose another folder, or remove it", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// Neither a WARC file nor a folder with any.
    #[error("{} holds no WARC file (*.warc, *.warc.gz, *.warc.zst)", path.display())]
    NoArchive {
        /// Where was looked.
        path: PathBuf,
    },
}

impl ArchiveError {
    /// As an error of reading `path`.
    pub fn read(path: &Path) -> impl FnOnce(io::Error) -> ArchiveError + use<> {
        let path = path.to_path_buf();
        move |source| ArchiveError::Read { path, source }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> ArchiveError + use<> {
        let path = path.to_path_buf();
        move |source| ArchiveError::Write { path, source }
    }
}
