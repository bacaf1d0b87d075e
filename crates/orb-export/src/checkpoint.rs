//! Where a run goes on: the last whole line of an output.
//!
//! In: an output as a run left it, however that ended. Out: the place of the capture of its last line.
//! May touch: the disk it is given. Must not touch: how lines are made.
//! Invariant: what follows the last whole line is cut, so that the next line stands alone.

use std::io;
use std::path::Path;

use orb_env::Disk;
use serde::Deserialize;

use crate::ExportError;
use crate::limits::LAST_LINE_BYTES_MAX;
use crate::page_line::Place;

/// Bytes looked at first; twice as many each time no line ends in them.
const FIRST_LOOK_BYTES: u64 = 256 << 10;

/// The part of a line that a run goes on by.
#[derive(Deserialize)]
struct Placed<'a> {
    #[serde(borrow)]
    record: Place<'a>,
}

/// The offset of the capture that the last whole line of `output` is about; `None` of an output without one.
///
/// - `archive_name`: lines about another file are refused: somebody renamed something.
pub(crate) fn last_offset(
    disk: &dyn Disk,
    output: &Path,
    archive_name: &str,
) -> Result<Option<u64>, ExportError> {
    let file = match disk.read(output) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(ExportError::output(output))?,
    };
    let bytes = file.bytes().map_err(ExportError::output(output))?;
    let mut look = FIRST_LOOK_BYTES;
    loop {
        let from = bytes.saturating_sub(look);
        let mut tail = vec![0; usize::try_from(bytes - from).unwrap_or(usize::MAX)];
        let got = file
            .read_at(from, &mut tail)
            .map_err(ExportError::output(output))?;
        tail.truncate(got);
        if let Some((end, offset)) = last_line(&tail, from == 0, archive_name) {
            disk.truncate(output, from + end as u64)
                .map_err(ExportError::output(output))?;
            return Ok(Some(offset));
        }
        if from == 0 && !tail.contains(&b'\n') {
            // Not one line was finished.
            disk.truncate(output, 0)
                .map_err(ExportError::output(output))?;
            return Ok(None);
        }
        if from == 0 || look >= LAST_LINE_BYTES_MAX {
            return Err(ExportError::NotOurs {
                path: output.to_path_buf(),
            });
        }
        look *= 4;
    }
}

/// The end of the last line that is whole, and the offset it names. A line that a power cut left as zeros is none.
fn last_line(tail: &[u8], is_whole_file: bool, archive_name: &str) -> Option<(usize, u64)> {
    let mut end = tail.len();
    loop {
        let line_end = tail[..end].iter().rposition(|byte| *byte == b'\n')?;
        let before = tail[..line_end].iter().rposition(|byte| *byte == b'\n');
        let start = match before {
            Some(before) => before + 1,
            None if is_whole_file => 0,
            None => return None,
        };
        let placed: Result<Placed<'_>, _> = serde_json::from_slice(&tail[start..line_end]);
        if let Ok(placed) = placed
            && placed.record.file == archive_name
        {
            return Some((line_end + 1, placed.record.offset));
        }
        end = line_end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::MemoryDisk;

    fn check(output: &str, expected: Option<u64>, left: &str) {
        let disk = MemoryDisk::new();
        let path = Path::new("/out/a.jsonl");
        disk.create_dir_all(Path::new("/out")).unwrap();
        disk.append(path)
            .unwrap()
            .append(output.as_bytes())
            .unwrap();
        assert_eq!(
            last_offset(&disk, path, "a").unwrap(),
            expected,
            "{output:?}"
        );
        assert_eq!(disk.read_all(path).unwrap(), left.as_bytes(), "{output:?}");
    }

    const ONE: &str = "{\"record\":{\"file\":\"a\",\"offset\":7},\"url\":\"u\"}\n";
    const TWO: &str = "{\"record\":{\"file\":\"a\",\"offset\":9},\"url\":\"u\"}\n";

    #[test]
    fn a_run_goes_on_after_the_last_whole_line() {
        check("", None, "");
        check(ONE, Some(7), ONE);
        check(&[ONE, TWO].concat(), Some(9), &[ONE, TWO].concat());
        check(&[ONE, &TWO[..20]].concat(), Some(7), ONE);
        check(&[ONE, "\0\0\0\0"].concat(), Some(7), ONE);
        check(&[ONE, "\0\0\n\0"].concat(), Some(7), ONE);
        check(&ONE[..30], None, "");
    }

    #[test]
    fn a_line_longer_than_the_first_look_is_found() {
        let long = ONE.replace("\"u\"", &format!("\"{}\"", "x".repeat(1 << 20)));
        check(&[TWO, &long].concat(), Some(7), &[TWO, &long].concat());
        check(&[&long[..], &TWO[..9]].concat(), Some(7), &long);
    }

    #[test]
    fn what_is_no_export_is_left_alone() {
        let disk = MemoryDisk::new();
        let path = Path::new("/a.jsonl");
        disk.append(path)
            .unwrap()
            .append(b"notes\nof mine\n")
            .unwrap();
        assert!(last_offset(&disk, path, "a").is_err());
        assert_eq!(disk.read_all(path).unwrap(), b"notes\nof mine\n");
        assert_eq!(last_offset(&disk, Path::new("/b"), "a").unwrap(), None);
    }
}
