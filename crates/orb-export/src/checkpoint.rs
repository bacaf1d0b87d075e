//! Where a run goes on: the last whole line of an output.
//!
//! In: an output as a run left it, however that ended. Out: the capture that its last line is of.
//! May touch: the disk it is given. Must not touch: how lines are made.
//! Invariant: nothing is cut but what an export of this archive file left unfinished: the beginning of a line of ours, or
//! lines that a power cut left with zeros in them.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use orb_env::Disk;
use serde::Deserialize;

use crate::ExportError;
use crate::limits::LAST_LINE_BYTES_MAX;
use crate::page_line::line_start;

/// Bytes looked at first; four times as many each time no line begins in them.
const FIRST_LOOK_BYTES: u64 = 256 << 10;

/// The capture a run goes on after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LastLine {
    pub(crate) offset: u64,
    pub(crate) url: String,
    pub(crate) captured: Option<String>,
}

/// The part of a line that tells it.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    record: Place<'a>,
    url: String,
    captured: Option<String>,
}

#[derive(Deserialize)]
struct Place<'a> {
    #[serde(borrow)]
    file: Cow<'a, str>,
    offset: u64,
}

/// What stands at the end of an output.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// A line of ours, which ends here.
    Line(usize, LastLine),
    /// Nothing that was finished.
    Nothing,
    /// The line begins before the bytes looked at.
    Further,
    /// Somebody else's.
    NotOurs,
}

/// The capture that the last whole line of `output` is of; `None` of an output without one. What an export left
/// unfinished behind it is cut.
pub(crate) fn last_line(
    disk: &dyn Disk,
    output: &Path,
    archive_name: &str,
) -> Result<Option<LastLine>, ExportError> {
    let file = match disk.read(output) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(ExportError::output(output))?,
    };
    let bytes = file.bytes().map_err(ExportError::output(output))?;
    let cut = |end: u64| match end < bytes {
        true => disk
            .truncate(output, end)
            .map_err(ExportError::output(output)),
        false => Ok(()),
    };
    let mut look = FIRST_LOOK_BYTES;
    loop {
        let from = bytes.saturating_sub(look);
        let mut tail = vec![0; usize::try_from(bytes - from).unwrap_or(usize::MAX)];
        let got = file
            .read_at(from, &mut tail)
            .map_err(ExportError::output(output))?;
        tail.truncate(got);
        match end_of(&tail, from == 0, archive_name) {
            End::Line(end, last) => return cut(from + end as u64).map(|()| Some(last)),
            End::Nothing => return cut(0).map(|()| None),
            End::Further if look < LAST_LINE_BYTES_MAX => {
                look = (look * 4).min(LAST_LINE_BYTES_MAX);
            }
            End::Further | End::NotOurs => {
                return Err(ExportError::NotOurs {
                    path: output.to_path_buf(),
                    archive: archive_name.to_owned(),
                });
            }
        }
    }
}

/// Judges the end of an output by the last bytes of it.
fn end_of(tail: &[u8], is_whole_file: bool, archive_name: &str) -> End {
    let mut end = tail.len();
    loop {
        // From the end: what stands behind the last line end, then line after line.
        let start = match tail[..end].iter().rposition(|byte| *byte == b'\n') {
            Some(before) => before + 1,
            None if is_whole_file => 0,
            None => return End::Further,
        };
        let line = &tail[start..end];
        if end < tail.len() {
            if let Some(last) = whole_line(line, archive_name) {
                return last.map_or(End::NotOurs, |last| End::Line(end + 1, last));
            }
        } else if !is_begun(line, archive_name) {
            return End::NotOurs;
        }
        if start == 0 {
            return End::Nothing;
        }
        end = start - 1;
    }
}

/// What a line tells that ends; `Some(None)` when it is none of ours, `None` when a power cut left it.
fn whole_line(line: &[u8], archive_name: &str) -> Option<Option<LastLine>> {
    let ours = serde_json::from_slice::<Line<'_>>(line)
        .ok()
        .filter(|line| line.record.file == archive_name)
        .map(|line| LastLine {
            offset: line.record.offset,
            url: line.url,
            captured: line.captured,
        });
    let is_cut = line.contains(&0) && is_begun(line, archive_name);
    (ours.is_some() || !is_cut).then_some(ours)
}

/// Whether this may be what an export began: nothing, the beginning of a line, or that up to the zeros of a power cut.
fn is_begun(rest: &[u8], archive_name: &str) -> bool {
    let start = line_start(archive_name);
    let text = rest.split(|byte| *byte == 0).next().unwrap_or_default();
    let shown = text.len().min(start.len());
    text[..shown] == start.as_bytes()[..shown]
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::MemoryDisk;

    fn disk_with(output: &str) -> (MemoryDisk, &'static Path) {
        let (disk, path) = (MemoryDisk::new(), Path::new("/out/a.jsonl"));
        disk.append(path)
            .unwrap()
            .append(output.as_bytes())
            .unwrap();
        (disk, path)
    }

    fn check(output: &str, expected: Option<u64>, left: &str) {
        let (disk, path) = disk_with(output);
        let last = last_line(&disk, path, "a").unwrap();
        assert_eq!(last.map(|last| last.offset), expected, "{output:?}");
        assert_eq!(disk.read_all(path).unwrap(), left.as_bytes(), "{output:?}");
    }

    const ONE: &str =
        "{\"record\":{\"file\":\"a\",\"offset\":7},\"url\":\"u\",\"captured\":null}\n";
    const TWO: &str =
        "{\"record\":{\"file\":\"a\",\"offset\":9},\"url\":\"u\",\"captured\":\"t\"}\n";

    #[test]
    fn a_run_goes_on_after_the_last_whole_line() {
        check("", None, "");
        check(ONE, Some(7), ONE);
        check(&[ONE, TWO].concat(), Some(9), &[ONE, TWO].concat());
        check(&[ONE, &TWO[..20]].concat(), Some(7), ONE);
        check(&[ONE, "\0\0\0\0"].concat(), Some(7), ONE);
        check(&[ONE, "\0\0\n\0"].concat(), Some(7), ONE);
        check(&[ONE, &TWO[..40], "\0\0\n", TWO].concat(), Some(9), &{
            [ONE, &TWO[..40], "\0\0\n", TWO].concat()
        });
        check(&ONE[..30], None, "");
        check("\0\0\0", None, "");
    }

    #[test]
    fn a_line_longer_than_the_first_look_is_found() {
        let long = ONE.replace("\"u\"", &format!("\"{}\"", "x".repeat(1 << 20)));
        check(&[TWO, &long].concat(), Some(7), &[TWO, &long].concat());
        check(&[&long[..], &TWO[..9]].concat(), Some(7), &long);
        check(&long[..1 << 19], None, "");
    }

    /// Lines that somebody appended, of another archive or another program, and notes: nothing of them is cut.
    #[test]
    fn what_is_no_export_is_left_alone() {
        let other = ONE.replace("\"a\"", "\"b\"");
        for output in [
            "notes\nof mine\n".to_owned(),
            "no line end".to_owned(),
            "{\"name\":\"somebody\"}\n".to_owned(),
            [ONE, &other].concat(),
            [ONE, "{\"name\":\"somebody\"}\n"].concat(),
            [ONE, "a note"].concat(),
            "Binary\0\0\n\0more\n".to_owned(),
            [&other[..], &TWO[..50]].concat(),
        ] {
            let (disk, path) = disk_with(&output);
            let error = last_line(&disk, path, "a").unwrap_err();
            assert!(matches!(error, ExportError::NotOurs { .. }), "{output:?}");
            let told = error.to_string();
            assert!(told.contains("/out/a.jsonl") && told.contains("move it"));
            assert_eq!(disk.read_all(path).unwrap(), output.as_bytes());
        }
        let (disk, _) = disk_with("");
        assert_eq!(last_line(&disk, Path::new("/b"), "a").unwrap(), None);
    }
}
