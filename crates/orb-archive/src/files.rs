//! Which files are meant: one, those of a folder, those of a crawl.
//!
//! In: paths of a person. Out: archive files in the order of their names.
//! May touch: the disk, for reading. Invariant: a file is taken by its name alone; its first bytes are judged later.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use orb_env::{Disk, ReadFile};
use orb_warc::{Compression, Dictionary, Reader};

use crate::ArchiveError;

/// A WARC file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArchiveFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name, as indexes refer to it.
    pub name: String,
    /// Bytes.
    pub bytes: u64,
}

impl ArchiveFile {
    /// Opens it at the record that begins at `offset`.
    ///
    /// # Errors
    /// What the disk says.
    pub(crate) fn reader(
        &self,
        disk: &dyn Disk,
        offset: u64,
    ) -> Result<Reader<Bytes>, ArchiveError> {
        let file = disk
            .read(&self.path)
            .map_err(ArchiveError::read(&self.path))?;
        let compression = Compression::of_name(&self.name).map(|(_, compression)| compression);
        let mut bytes = Bytes { file, at: 0 };
        let mut dictionary = None;
        if offset > 0 && matches!(compression, Some(Compression::Zstd) | None) {
            // What the frames have in common stands at the file's beginning.
            dictionary = Dictionary::read(&mut bytes).map_err(ArchiveError::read(&self.path))?;
        }
        bytes.at = offset;
        let reader = match compression {
            Some(compression) => Reader::with_compression(bytes, compression),
            None => Reader::new(bytes),
        };
        Ok(reader.with_dictionary(dictionary).starting_at(offset))
    }
}

/// The bytes of a file in order.
pub(crate) struct Bytes {
    file: Box<dyn ReadFile>,
    at: u64,
}

impl Read for Bytes {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(self.at, buf)?;
        self.at += got as u64;
        Ok(got)
    }
}

/// The archive files that `path` means: itself, or those of the folder, or those of its folder `warc` (a crawl's).
///
/// # Errors
/// [`ArchiveError::NoArchive`] when there are none; what the disk says.
pub fn list(disk: &dyn Disk, path: &Path) -> Result<Vec<ArchiveFile>, ArchiveError> {
    for folder in [path.join("warc"), path.to_path_buf()] {
        let entries = match disk.list(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => continue,
            entries => entries.map_err(ArchiveError::read(&folder))?,
        };
        let files: Vec<ArchiveFile> = entries
            .into_iter()
            .filter(|entry| Compression::of_name(&entry.name).is_some())
            .map(|entry| ArchiveFile {
                path: folder.join(&entry.name),
                name: entry.name,
                bytes: entry.bytes,
            })
            .collect();
        if !files.is_empty() {
            return Ok(files);
        }
    }
    let nothing = ArchiveError::NoArchive {
        path: path.to_path_buf(),
    };
    let file = disk.read(path).map_err(ArchiveError::read(path))?;
    // A folder can be opened like a file; only reading tells.
    match file.read_at(0, &mut [0]) {
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => return Err(nothing),
        read => read.map_err(ArchiveError::read(path))?,
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(vec![ArchiveFile {
        path: path.to_path_buf(),
        name: name.into_owned(),
        bytes: file.bytes().map_err(ArchiveError::read(path))?,
    }])
}
