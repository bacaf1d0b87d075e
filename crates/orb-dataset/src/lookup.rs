//! The lines of one key in a sorted CDXJ file.
//!
//! In: a file, a key. Out: its lines. May touch: the disk, for reading.
//! Invariant: reading is bounded by the logarithm of the file and the lines found, never by the file.

use std::path::Path;

use orb_env::{Disk, ReadFile};

use crate::DatasetError;
use crate::limits::LOOKUP_BYTES;

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
    let file = disk.read(path).map_err(DatasetError::read(path))?;
    let found = Lines { file: &*file }.of_prefix(&format!("{key} "), lines_max);
    found.map_err(DatasetError::read(path))
}

struct Lines<'a> {
    file: &'a dyn ReadFile,
}

impl Lines<'_> {
    fn of_prefix(&self, prefix: &str, lines_max: usize) -> std::io::Result<Vec<String>> {
        let (mut low, mut high) = (0, self.file.bytes()?);
        // The first line that is not before the prefix begins between the two.
        while low < high {
            let middle = low + (high - low) / 2;
            match self.line_from(middle)? {
                Some((start, line)) if start < high => {
                    if line.as_bytes() < prefix.as_bytes() {
                        low = start + line.len() as u64 + 1;
                    } else {
                        high = middle;
                    }
                }
                _ => high = middle,
            }
        }
        let mut found = Vec::new();
        while found.len() < lines_max {
            let Some((start, line)) = self.line_from(low)? else {
                break;
            };
            if !line.starts_with(prefix) {
                break;
            }
            low = start + line.len() as u64 + 1;
            found.push(line);
        }
        Ok(found)
    }

    /// The first line that begins at `at` or later, and where.
    fn line_from(&self, at: u64) -> std::io::Result<Option<(u64, String)>> {
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
            if let Some(start) = start
                && let Some(end) = memchr::memchr(b'\n', &bytes[start..])
            {
                let line = String::from_utf8_lossy(&bytes[start..start + end]);
                return Ok(Some((from + start as u64, line.into_owned())));
            }
            if ended {
                return Ok(None);
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
