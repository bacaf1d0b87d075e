//! Files of rows after a power cut: what of them was written as it was meant.
//!
//! In: a file of rows, how much of it is known to be whole. Out: its length, damage cut away.
//! May touch: the disk, blocking. Must not touch: what rows mean.
//! Invariant: whatever an unsynced stretch holds, holes and foreign bytes between rows included, what is left ends with
//! a whole row; what was synced is not looked at and not cut.

use std::path::Path;

use orb_env::Disk;

use crate::CrawlError;
use crate::limits::{ROW_BYTES_MAX, ROWS_READ_BYTES};

/// Cuts the file at `path` before the first row from `from` on that is none, and returns its length.
///
/// Writes reach a disk in any order: a hole may stand before rows that are whole. Those are given up with it, for nobody
/// could read past it.
pub(crate) fn whole_rows(
    disk: &dyn Disk,
    path: &Path,
    from: u64,
    is_row: fn(&[u8]) -> bool,
) -> Result<u64, CrawlError> {
    let fail = |error| CrawlError::file("read", path)(error);
    let file = match disk.read(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(fail(error)),
    };
    let bytes = file.bytes().map_err(fail)?;
    let (mut whole, mut at) = (from, from);
    // The beginning of a row that goes on in the next stretch.
    let mut rest: Vec<u8> = Vec::new();
    'file: while at < bytes {
        let had = rest.len();
        rest.resize(had + ROWS_READ_BYTES, 0);
        let got = file.read_at(at, &mut rest[had..]).map_err(fail)?;
        rest.truncate(had + got);
        at += got as u64;
        let mut start = 0;
        while let Some(end) = rest[start..].iter().position(|&byte| byte == b'\n') {
            if !is_row(&rest[start..start + end]) {
                break 'file;
            }
            start += end + 1;
            whole += end as u64 + 1;
        }
        rest.drain(..start);
        if got == 0 || rest.len() > ROW_BYTES_MAX {
            break;
        }
    }
    if whole < bytes {
        disk.truncate(path, whole)
            .map_err(CrawlError::file("cut", path))?;
    }
    Ok(whole.min(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::MemoryDisk;

    fn is_row(row: &[u8]) -> bool {
        row.starts_with(b"{") && row.ends_with(b"}")
    }

    fn check(text: &[u8], from: u64, expected: &[u8]) {
        let (disk, path) = (MemoryDisk::new(), Path::new("/c/rows"));
        disk.append(path).unwrap().append(text).unwrap();
        let end = whole_rows(&disk, path, from, is_row).unwrap();
        assert_eq!(disk.read_all(path).unwrap(), expected);
        assert_eq!(end, expected.len() as u64);
    }

    #[test]
    fn a_file_ends_before_the_first_row_that_is_none() {
        check(b"{a}\n{b}\n", 0, b"{a}\n{b}\n");
        check(b"{a}\n{b}\n{c", 0, b"{a}\n{b}\n");
        check(b"{a}\n\0\0\0\0{c}\n", 0, b"{a}\n");
        check(b"{a}\n\n\n\n{c}\n", 0, b"{a}\n");
        check(b"\0\0\0\n{c}\n", 4, b"\0\0\0\n{c}\n");
        check(b"", 0, b"");
    }

    #[test]
    fn rows_may_lie_across_stretches_and_endless_ones_are_none() {
        let row = [&b"{"[..], &[b'a'; 3_000], b"}\n"].concat();
        let text = row.repeat(3 * ROWS_READ_BYTES / row.len());
        check(&text, 0, &text);
        let hole = [&text[..], &vec![0; 2 * ROW_BYTES_MAX], b"{b}\n"].concat();
        check(&hole, row.len() as u64, &text);
    }
}
