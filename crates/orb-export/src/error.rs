//! What can go wrong with an export beside what is in the archive.
//!
//! In: paths and what the disk says. Out: one error. May touch: nothing.
//! Invariant: what a page holds is no error; it is counted.

use std::io;
use std::path::{Path, PathBuf};

use orb_archive::ArchiveError;

/// The disk or the arguments do not allow it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The archive cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The lines, or what stands beside them, cannot be read or written.
    #[error("export to {}", path.display())]
    Output {
        /// Which file or folder.
        path: PathBuf,
        /// What the disk says.
        #[source]
        source: io::Error,
    },
    /// Another process writes there.
    #[error("another export writes to {}: wait for its end, or choose another folder", folder.display())]
    InUse {
        /// Where.
        folder: PathBuf,
    },
    /// What lies there is no export, or one of something else.
    #[error("{} holds an export with other settings ({found}): choose another folder, or remove it", path.display())]
    OtherSettings {
        /// The file with its settings.
        path: PathBuf,
        /// These.
        found: String,
    },
    /// What lies there was not written by an export of this archive file.
    #[error(
        "{} does not end in lines of an export of {archive}: move it elsewhere, or choose another folder",
        path.display()
    )]
    NotOurs {
        /// Which.
        path: PathBuf,
        /// The archive file's name.
        archive: String,
    },
    /// The archive does not hold what the last line tells.
    #[error(
        "the last line of {} is of a page that is not at that place of {archive} any more, which was replaced or cut \
         since: remove the lines to have them written anew, or choose another folder",
        path.display()
    )]
    ArchiveChanged {
        /// The lines.
        path: PathBuf,
        /// The archive file's name.
        archive: String,
    },
    /// PDFs cannot be read at all: going on would leave them out for good.
    #[error("read PDFs of the archive; run again to go on where this ended")]
    NoPdfReader {
        /// Why not.
        #[source]
        source: orb_pdf::PdfError,
    },
    /// The lines of two archive files would go to one file.
    #[error(
        "the lines of {} and {} would both be called {name}: export them to folders of their own",
        first.display(),
        second.display()
    )]
    SameName {
        /// An archive file.
        first: PathBuf,
        /// Another.
        second: PathBuf,
        /// The file of both.
        name: String,
    },
}

impl ExportError {
    pub(crate) fn output(path: &Path) -> impl FnOnce(io::Error) -> ExportError + use<> {
        let path = path.to_path_buf();
        move |source| ExportError::Output { path, source }
    }
}
