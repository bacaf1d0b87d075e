//! The lines of one key in a sorted CDXJ file.
//!
//! In: a file, a key. Out: its lines. May touch: the disk, for reading.
//! Invariant: reading is bounded by the logarithm of the file and the lines found, never by the file; a file that is
//! no text is an error, whatever it holds.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use orb_env::{Disk, ReadFile};

use crate::DatasetError;
use crate::limits::{LINE_BYTES_MAX, LOOKUP_BYTES};

/// The lines of `key` in the sorted file at `path`, at most `lines_max`, in their order.
///
/// # Errors
/// What the disk says.
pub fn lines_of_key(
    disk: &dyn Disk,
    path: &Path,
    key: &str,
    lines_max: usize,
) -> Result<Vec<String>, DatasetError> {
    let mut found = Vec::new();
    each_line_of_key(disk, path, key, &mut |line| {
        if found.len() >= lines_max {
            return ControlFlow::Break(());
        }
        found.push(String::from_utf8_lossy(line).into_owned());
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Shows `each` the lines of `key` in the sorted file at `path`, in their order, until it breaks.
pub(crate) fn each_line_of_key(
    disk: &dyn Disk,
    path: &Path,
    key: &str,
    each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> Result<(), DatasetError> {
    let file = disk.read(path).map_err(DatasetError::read(path))?;
    let lines = Lines { file: &*file };
    lines
        .of_prefix(format!("{key} ").as_bytes(), each)
        .map_err(DatasetError::read(path))
}

/// A file of lines in the order of their bytes.
pub(crate) struct Lines<'a> {
    pub(crate) file: &'a dyn ReadFile,
}

/// One of them, without its end.
pub(crate) struct Line {
    pub(crate) start: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Line {
    /// Where the next one begins.
    pub(crate) fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64 + 1
    }
}

/// Where the lines that begin with a prefix, or come after it, begin.
pub(crate) struct Place {
    /// The first line that is not before the prefix.
    pub(crate) first: u64,
    /// The line before it, if there is one.
    pub(crate) before: Option<u64>,
}

impl Lines<'_> {
    fn of_prefix(
        &self,
        prefix: &[u8],
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let mut at = self.place(prefix)?.first;
        while let Some(line) = self.line_from(at)? {
            if !line.bytes.starts_with(prefix) || each(&line.bytes).is_break() {
                break;
            }
            at = line.end();
        }
        Ok(())
    }

    /// Where lines with this prefix stand, or would.
    pub(crate) fn place(&self, prefix: &[u8]) -> io::Result<Place> {
        let (mut low, mut high) = (0, self.file.bytes()?);
        let mut before = None;
        // The first line that is not before the prefix begins between the two.
        while low < high {
            let middle = low + (high - low) / 2;
            match self.line_from(middle)? {
                Some(line) if line.start < high => {
                    if line.bytes.as_slice() < prefix {
                        before = Some(line.start);
                        low = line.end();
                    } else {
                        high = middle;
                    }
                }
                _ => high = middle,
            }
        }
        Ok(Place { first: low, before })
    }

    /// The first line that begins at `at` or later.
    pub(crate) fn line_from(&self, at: u64) -> io::Result<Option<Line>> {
        let from = at.saturating_sub(1);
        let mut bytes = Vec::new();
        loop {
            let had = bytes.len();
            bytes.resize(had + LOOKUP_BYTES, 0);
            let got = self.file.read_at(from + had as u64, &mut bytes[had..])?;
            bytes.truncate(had + got);
            let ended = got < LOOKUP_BYTES;
            let start = match at {
                0 => Some(0),
                _ => memchr::memchr(b'\n', &bytes).map(|end| end + 1),
            };
            if let Some(start) = start {
                let end = memchr::memchr(b'\n', &bytes[start..]);
                // The last line of a file may have no end.
                if let Some(len) = end.or_else(|| ended.then_some(bytes.len() - start)) {
                    let line = Line {
                        start: from + start as u64,
                        bytes: bytes[start..start + len].to_vec(),
                    };
                    return Ok((end.is_some() || len > 0).then_some(line));
                }
            }
            if ended {
                return Ok(None);
            }
            if bytes.len() > LINE_BYTES_MAX {
                let text = format!("no line ends within {LINE_BYTES_MAX} bytes of byte {from}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::MemoryDisk;
    use proptest::prelude::*;

    fn check(keys: &[u16], wanted: u16) {
        let disk = MemoryDisk::new();
        let path = Path::new("/i.cdxj");
        let mut lines: Vec<String> = keys
            .iter()
            .zip(0..)
            .map(|(key, number)| {
                format!(
                    "k{key:03} {number:04} {}",
                    "x".repeat(usize::from(key % 90))
                )
            })
            .collect();
        lines.sort();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        disk.append(path).unwrap().append(text.as_bytes()).unwrap();
        let key = format!("k{wanted:03}");
        let mut expected = lines.clone();
        expected.retain(|line| line.starts_with(&format!("{key} ")));
        assert_eq!(
            lines_of_key(&disk, path, &key, usize::MAX).unwrap(),
            expected
        );
        expected.truncate(2);
        assert_eq!(lines_of_key(&disk, path, &key, 2).unwrap(), expected);
    }

    /// Other tools leave the last line without an end, and put bytes into lines that are no UTF-8.
    #[test]
    fn a_last_line_without_end_counts_and_foreign_bytes_do_not_shift_places() {
        let disk = MemoryDisk::new();
        let path = Path::new("/i.cdxj");
        let text = b"a 1 \xff\xfe\xff\nb 2 \xff\xff\nb 3 x\nc 4 y";
        disk.append(path).unwrap().append(text).unwrap();
        let found = |key| lines_of_key(&disk, path, key, usize::MAX).unwrap();
        assert_eq!(found("b").len(), 2);
        assert_eq!(found("b")[1], "b 3 x");
        assert_eq!(found("c"), ["c 4 y"]);
        assert_eq!(found("d"), Vec::<String>::new());
    }

    /// A file without lines is refused instead of being read into memory.
    #[test]
    fn a_file_that_is_no_text_is_an_error() {
        let disk = MemoryDisk::new();
        let path = Path::new("/i.cdxj");
        let noise = vec![b'x'; 3 * LINE_BYTES_MAX];
        disk.append(path).unwrap().append(&noise).unwrap();
        assert!(lines_of_key(&disk, path, "a", 1).is_err());
    }

    proptest! {
        #[test]
        fn the_lines_of_a_key_are_those_that_begin_with_it(
            keys in prop::collection::vec(0_u16..60, 0..200),
            wanted in 0_u16..62,
        ) {
            check(&keys, wanted);
        }
    }
}
