//! Files of the [`Disk`] as streams: bytes in order, and lines.
//!
//! In: an open file, from where to where. Out: `std::io::Read`, or whole lines with their place.
//! May touch: the file. Must not touch: what the bytes mean.
//! Invariant: nothing before the start or from the end on is read; memory is one buffer and one line.

use std::io::{self, Read};

use orb_env::ReadFile;

use crate::limits::{READ_BYTES, ROW_BYTES_MAX};

/// The bytes of a file from `at` to `end`.
pub(crate) struct Stretch {
    file: Box<dyn ReadFile>,
    at: u64,
    end: u64,
}

impl Stretch {
    pub(crate) fn new(file: Box<dyn ReadFile>, at: u64, end: u64) -> Stretch {
        Stretch { file, at, end }
    }
}

impl Read for Stretch {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = buf.len().min(left);
        let got = self.file.read_at(self.at, &mut buf[..room])?;
        self.at += got as u64;
        Ok(got)
    }
}

/// One line of a file.
pub(crate) struct Line<'a> {
    /// Its number, the first being 1.
    pub(crate) number: u64,
    /// Offset of its first byte.
    pub(crate) offset: u64,
    /// Offset behind its line end.
    pub(crate) end: u64,
    /// Its bytes without the line end, at most [`ROW_BYTES_MAX`].
    pub(crate) text: &'a [u8],
    /// Whether a line end follows; only the last line can lack it.
    pub(crate) whole: bool,
}

/// Calls `each` for every line of `file`.
pub(crate) fn for_each_line(file: &dyn ReadFile, mut each: impl FnMut(Line<'_>)) -> io::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    let mut line = Vec::new();
    let (mut at, mut offset, mut number) = (0u64, 0u64, 1u64);
    loop {
        let got = file.read_at(at, &mut buffer)?;
        if got == 0 {
            break;
        }
        let mut rest = &buffer[..got];
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            keep(&mut line, &rest[..end]);
            at += end as u64 + 1;
            each(Line {
                number,
                offset,
                end: at,
                text: &line,
                whole: true,
            });
            line.clear();
            (offset, number) = (at, number + 1);
            rest = &rest[end + 1..];
        }
        keep(&mut line, rest);
        at += rest.len() as u64;
    }
    if at > offset {
        each(Line {
            number,
            offset,
            end: at,
            text: &line,
            whole: false,
        });
    }
    Ok(())
}

fn keep(line: &mut Vec<u8>, bytes: &[u8]) {
    let room = ROW_BYTES_MAX.saturating_sub(line.len());
    line.extend_from_slice(&bytes[..bytes.len().min(room)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::{Disk, MemoryDisk};
    use std::path::Path;

    #[test]
    fn lines_have_their_places_and_the_last_may_be_torn() {
        let disk = MemoryDisk::new();
        let long = "x".repeat(READ_BYTES + 7);
        disk.append(Path::new("/f"))
            .unwrap()
            .append(format!("a\n\n{long}\nend").as_bytes())
            .unwrap();
        let mut found = Vec::new();
        for_each_line(&*disk.read(Path::new("/f")).unwrap(), |line| {
            found.push((
                line.number,
                line.offset,
                line.end,
                line.text.len(),
                line.whole,
            ));
        })
        .unwrap();
        let end = 3 + long.len() as u64 + 1;
        let want = [
            (1, 0, 2, 1, true),
            (2, 2, 3, 0, true),
            (3, 3, end, ROW_BYTES_MAX, true),
            (4, end, end + 3, 3, false),
        ];
        assert_eq!(found, want);
    }

    #[test]
    fn a_stretch_ends_where_it_is_told_to() {
        let disk = MemoryDisk::new();
        disk.append(Path::new("/f"))
            .unwrap()
            .append(b"0123456789")
            .unwrap();
        let mut text = String::new();
        Stretch::new(disk.read(Path::new("/f")).unwrap(), 2, 5)
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "234");
    }
}
