//! Finds the lines of a large file that hold one of a few texts.
//!
//! In: an open file, texts. Out: whole lines with their place, in order.
//! May touch: the file, reading only. Must not touch: what lines mean.
//! Invariant: memory is one chunk and one line; a line without an end (still being written, or torn) is no line.

use std::io;

use memchr::memmem::Finder;
use memchr::{memchr, memrchr};
use orb_env::ReadFile;

use crate::limits::{CHUNK_BYTES, ROW_BYTES_MAX};
use crate::source::Search;

/// Calls `each` with offset and bytes of every line that holds one of `needles`.
pub(crate) fn lines_with(
    file: &dyn ReadFile,
    needles: &[Vec<u8>],
    progress: &mut dyn FnMut(Search),
    each: &mut dyn FnMut(u64, &[u8]),
) -> io::Result<()> {
    let finders: Vec<Finder<'_>> = needles.iter().map(Finder::new).collect();
    let bytes_total = file.bytes()?;
    let mut buffer = vec![0; CHUNK_BYTES + ROW_BYTES_MAX];
    let (mut at, mut kept) = (0u64, 0usize);
    let mut found = Vec::new();
    // Inside a line that is too long to be a row: everything up to its end is passed over.
    let mut skipping = false;
    loop {
        let got = file.read_at(at + kept as u64, &mut buffer[kept..])?;
        if got == 0 {
            return Ok(());
        }
        let filled = kept + got;
        let Some(last) = memrchr(b'\n', &buffer[..filled]) else {
            if filled == buffer.len() {
                (at, kept, skipping) = (at + filled as u64, 0, true);
            } else {
                kept = filled;
            }
            continue;
        };
        let mut whole = &buffer[..=last];
        let mut first = 0;
        if std::mem::take(&mut skipping) {
            first = memchr(b'\n', whole).map_or(whole.len(), |end| end + 1);
            whole = &whole[first..];
        }
        lines_of(whole, &finders, &mut found);
        for &(from, to) in &found {
            each(at + (first + from) as u64, &whole[from..to]);
        }
        at += last as u64 + 1;
        buffer.copy_within(last + 1..filled, 0);
        kept = filled - last - 1;
        progress(Search {
            bytes_done: at,
            bytes_total,
        });
    }
}

/// The lines of `whole` that hold a text, each once, in order.
fn lines_of(whole: &[u8], finders: &[Finder<'_>], found: &mut Vec<(usize, usize)>) {
    found.clear();
    for finder in finders {
        let mut from = 0;
        while let Some(hit) = finder.find(&whole[from..]) {
            let hit = from + hit;
            let start = memrchr(b'\n', &whole[..hit]).map_or(0, |end| end + 1);
            let end = memchr(b'\n', &whole[hit..]).map_or(whole.len(), |end| hit + end);
            found.push((start, end));
            from = end;
        }
    }
    found.sort_unstable();
    found.dedup();
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::{Disk, MemoryDisk};
    use std::path::Path;

    fn search(content: &str, needles: &[&str]) -> Vec<(u64, usize)> {
        let disk = MemoryDisk::new();
        disk.append(Path::new("/f"))
            .unwrap()
            .append(content.as_bytes())
            .unwrap();
        let needles: Vec<Vec<u8>> = needles
            .iter()
            .map(|needle| needle.as_bytes().to_vec())
            .collect();
        let mut found = Vec::new();
        let file = disk.read(Path::new("/f")).unwrap();
        lines_with(&*file, &needles, &mut |_| {}, &mut |at, line| {
            found.push((at, line.len()))
        })
        .unwrap();
        found
    }

    #[test]
    fn lines_are_found_once_and_in_order() {
        let text = "no\nx a b\n\na\nb a\ntorn a";
        assert_eq!(search(text, &["a", "b"]), [(3, 5), (10, 1), (12, 3)]);
        assert_eq!(search(text, &["none"]), []);
        assert_eq!(search("", &["a"]), []);
    }

    #[test]
    fn lines_across_chunks_are_whole_and_endless_ones_are_passed_over() {
        let filler = format!("{}\n", "y".repeat(99));
        let lines = CHUNK_BYTES / 50;
        let mut text = String::new();
        let mut want = Vec::new();
        for number in 0..lines {
            if number % 997 == 0 {
                want.push((text.len() as u64, 6));
                text.push_str("needle\n");
            }
            text.push_str(&filler);
        }
        assert_eq!(search(&text, &["needle"]), want);
        let long = "needle ".repeat(CHUNK_BYTES);
        let text = format!("{long}\nneedle\n");
        assert_eq!(search(&text, &["needle"]), [(long.len() as u64 + 1, 6)]);
    }
}
