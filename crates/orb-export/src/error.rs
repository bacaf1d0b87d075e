//! What can go wrong with an export beside what is in the archive.
//!
//! In: paths and what the disk says. Out: one error. May touch: nothing.
//! Invariant: what a page holds is no error; it is counted.

use std::io;
use std::path::PathBuf;

use orb_archive::ArchiveError;

/// The disk or the arguments do not allow it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The archive cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The output cannot be read or written.
    #[error("write {}", path.display())]
    Output {
        /// Which.
        path: PathBuf,
        /// What the disk says.
        #[source]
        source: io::Error,
    },
    /// What lies there is no export, or one of something else.
    #[error("{} holds an export with other settings ({found}): choose another folder, or remove it", path.display())]
    OtherSettings {
        /// The file with its settings.
        path: PathBuf,
        /// These.
        found: String,
    },
    /// What lies there was not written by an export.
    #[error("{} does not end in lines of an export: remove it to have it written anew", path.display())]
    NotOurs {
        /// Which.
        path: PathBuf,
    },
}

impl ExportError {
    pub(crate) fn output(path: &std::path::Path) -> impl FnOnce(io::Error) -> ExportError + use<> {
        let path = path.to_path_buf();
        move |source| ExportError::Output { path, source }
    }
}
