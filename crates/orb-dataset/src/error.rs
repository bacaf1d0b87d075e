//! What can go wrong with index files.
//!
//! In: paths and what the disk says. Out: one error. May touch: nothing.
//! Invariant: what a page or server wrote never is an error.

use std::io;
use std::path::{Path, PathBuf};

/// The disk does not allow it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
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
    /// A table cannot be written.
    #[error("write the table {}", path.display())]
    Table {
        /// Which.
        path: PathBuf,
        /// What the writer of Parquet says.
        #[source]
        source: parquet::errors::ParquetError,
    },
}

impl DatasetError {
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> DatasetError + use<> {
        let path = path.to_path_buf();
        move |source| DatasetError::Read { path, source }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> DatasetError + use<> {
        let path = path.to_path_buf();
        move |source| DatasetError::Write { path, source }
    }

    pub(crate) fn table(
        path: &Path,
    ) -> impl FnOnce(parquet::errors::ParquetError) -> DatasetError + use<> {
        let path = path.to_path_buf();
        move |source| DatasetError::Table { path, source }
    }
}
