//! Seeds: URLs of the command line and of files, one after another, never all in memory.
//!
//! In: arguments, files (plain, gzip, zstd or zip), standard input. Out: seeds; bad lines reported by place and skipped.
//! May touch: the files, by `seed_file`. Must not touch: the crawl. Notes go to standard error.
//! Invariant: every file is open before the first seed is handed out, so a missing one stops a run before it began.

use std::collections::VecDeque;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::vec;

use orb_url::{Seed, is_seed_header, parse_seed_line};

use crate::exit::Failure;
use crate::limits::{BAD_SEEDS_SHOWN_MAX, SEED_LINE_BYTES_MAX};
use crate::seed_file;
use crate::terminal::note;

/// The seeds of one run.
pub(crate) struct Seeds {
    sources: vec::IntoIter<Source>,
    current: Option<Source>,
    /// Read already and not handed out.
    ahead: VecDeque<Seed>,
    counts: SeedCounts,
    failure: Option<anyhow::Error>,
    line: Vec<u8>,
    report: fn(&str),
}

/// What was read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SeedCounts {
    /// Seeds handed out.
    pub(crate) good: u64,
    /// Lines and arguments that are none.
    pub(crate) bad: u64,
    /// Seeds among the good that name a domain only.
    pub(crate) bare: u64,
}

struct Source {
    name: Name,
    reader: Box<dyn BufRead>,
    lines: u64,
}

enum Name {
    Arguments,
    File(String),
}

/// What stands at the next line.
enum Line {
    End,
    Read,
    TooLong,
}

impl Seeds {
    /// Opens everything that seeds come from. `-` is standard input.
    pub(crate) fn open(urls: &[String], files: &[PathBuf]) -> Result<Seeds, Failure> {
        let mut sources = Vec::new();
        if !urls.is_empty() {
            // An argument with a line end in it would be two; as one it is a URL like any other.
            let text = urls
                .iter()
                .map(|url| url.replace(['\n', '\r'], "") + "\n")
                .collect::<String>();
            let reader = Box::new(io::Cursor::new(text.into_bytes()));
            sources.push(Source {
                name: Name::Arguments,
                reader,
                lines: 0,
            });
        }
        for path in files {
            let name = if path == Path::new("-") {
                "standard input".to_owned()
            } else {
                path.display().to_string()
            };
            let reader = seed_file::open(path).map_err(|error| {
                Failure::usage(
                    anyhow::Error::new(error).context(format!("seeds of {name} cannot be read")),
                )
            })?;
            sources.push(Source {
                name: Name::File(name),
                reader,
                lines: 0,
            });
        }
        Ok(Seeds {
            sources: sources.into_iter(),
            current: None,
            ahead: VecDeque::new(),
            counts: SeedCounts::default(),
            failure: None,
            line: Vec::new(),
            report: note,
        })
    }

    /// Whether there is at least one seed. Reads up to the first.
    pub(crate) fn any(&mut self) -> bool {
        if self.ahead.is_empty() {
            let first = self.read_next();
            self.ahead.extend(first);
        }
        !self.ahead.is_empty()
    }

    /// All seeds, read now and handed out later all the same; `None` when there are more than `max`.
    pub(crate) fn read_ahead(&mut self, max: usize) -> Option<impl Iterator<Item = &Seed>> {
        while self.ahead.len() <= max
            && let Some(seed) = self.read_next()
        {
            self.ahead.push_back(seed);
        }
        (self.ahead.len() <= max).then(|| self.ahead.iter())
    }

    /// What was read; complete after the last seed.
    pub(crate) fn counts(&self) -> SeedCounts {
        self.counts
    }

    /// Tells how many bad lines were not shown, and why reading ended early, if it did.
    pub(crate) fn finish(&mut self) -> Result<SeedCounts, Failure> {
        let hidden = self.counts.bad.saturating_sub(BAD_SEEDS_SHOWN_MAX);
        if hidden > 0 {
            (self.report)(&format!(
                "orb: {hidden} more lines of the seeds are bad and were skipped"
            ));
        }
        match self.failure.take() {
            None => Ok(self.counts),
            Some(error) => Err(Failure::usage(error)),
        }
    }

    fn read_next(&mut self) -> Option<Seed> {
        loop {
            if self.current.is_none() {
                self.current = self.sources.next();
            }
            let source = self.current.as_mut()?;
            self.line.clear();
            let problem = match read_line(&mut *source.reader, &mut self.line) {
                Ok(Line::End) => {
                    self.current = None;
                    continue;
                }
                Ok(Line::TooLong) => format!("line is longer than {SEED_LINE_BYTES_MAX} bytes"),
                Ok(Line::Read) if source.skips_header(&self.line) => continue,
                Ok(Line::Read) => match std::str::from_utf8(&self.line).map(parse_seed_line) {
                    Ok(Ok(Some(seed))) => {
                        source.lines += 1;
                        self.counts.good += 1;
                        self.counts.bare += u64::from(seed.bare_domain);
                        return Some(seed);
                    }
                    Ok(Ok(None)) => {
                        source.lines += 1;
                        continue;
                    }
                    Ok(Err(error)) => orb_api::with_causes(&error),
                    Err(_) => "line is not UTF-8".to_owned(),
                },
                Err(error) => {
                    let place = source.place();
                    self.failure =
                        Some(anyhow::Error::new(error).context(format!("{place}: reading ended")));
                    self.current = None;
                    self.sources = Vec::new().into_iter();
                    return None;
                }
            };
            source.lines += 1;
            self.counts.bad += 1;
            if self.counts.bad <= BAD_SEEDS_SHOWN_MAX {
                (self.report)(&format!("orb: {}: {problem}; skipped", source.last_place()));
            }
        }
    }
}

impl Iterator for Seeds {
    type Item = Seed;

    fn next(&mut self) -> Option<Seed> {
        self.ahead.pop_front().or_else(|| self.read_next())
    }
}

impl Source {
    /// Whether the line about to be counted is the heading of a table; it is counted then.
    fn skips_header(&mut self, line: &[u8]) -> bool {
        let is_header = self.lines == 0
            && matches!(self.name, Name::File(_))
            && std::str::from_utf8(line).is_ok_and(is_seed_header);
        self.lines += u64::from(is_header);
        is_header
    }

    /// The line about to be read.
    fn place(&self) -> String {
        self.place_of(self.lines + 1)
    }

    /// The line just counted.
    fn last_place(&self) -> String {
        self.place_of(self.lines)
    }

    fn place_of(&self, line: u64) -> String {
        match &self.name {
            Name::Arguments => format!("URL {line} of the command line"),
            Name::File(name) => format!("{name}:{line}"),
        }
    }
}

/// Reads one line without its end. A line above the limit is read to its end and not kept.
fn read_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    let mut too_long = false;
    let mut anything = false;
    loop {
        let buffer = match reader.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        anything |= !buffer.is_empty();
        too_long |= line.len() + part.len() > SEED_LINE_BYTES_MAX;
        if !too_long {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        let ended = end.is_some() || buffer.is_empty();
        reader.consume(used);
        if ended {
            return Ok(match (anything, too_long) {
                (false, _) => Line::End,
                (true, true) => Line::TooLong,
                (true, false) => Line::Read,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::io::Write;

    thread_local!(static NOTES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });

    /// The seeds of one file, what was reported about it, and the counts.
    fn read(content: &[u8]) -> (Vec<String>, Vec<String>, SeedCounts) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        std::fs::write(&path, content).unwrap();
        let mut seeds = Seeds::open(&[], &[path]).unwrap();
        NOTES.take();
        seeds.report = |line| NOTES.with_borrow_mut(|notes| notes.push(line.to_owned()));
        let urls = seeds.by_ref().map(|seed| seed.url.to_string()).collect();
        let counts = seeds.finish().unwrap();
        let prefix = format!("{}/", folder.path().display());
        (
            urls,
            NOTES
                .take()
                .iter()
                .map(|note| note.replace(&prefix, ""))
                .collect(),
            counts,
        )
    }

    #[test]
    fn urls_domains_ranks_comments_and_blank_lines_are_read() {
        let (urls, notes, counts) =
            read(b"\xef\xbb\xbf# list\nhttps://a.example/x\r\n\n1,b.example\n  c.example  # last\nd.example");
        assert_eq!(
            urls,
            [
                "https://a.example/x",
                "https://b.example/",
                "https://c.example/",
                "https://d.example/"
            ]
        );
        assert!(notes.is_empty(), "{notes:?}");
        assert_eq!((counts.good, counts.bad, counts.bare), (4, 0, 3));
    }

    #[test]
    fn bad_lines_are_named_and_skipped_and_after_ten_only_counted() {
        let (urls, notes, counts) = read(b"ftp://a.example/\nb.example\n\xff\xfe\n");
        assert_eq!(urls, ["https://b.example/"]);
        assert_eq!((counts.good, counts.bad), (1, 2));
        assert!(
            notes[0].starts_with("orb: s:1: ") && notes[0].ends_with("; skipped"),
            "{notes:?}"
        );
        assert_eq!(notes[1], "orb: s:3: line is not UTF-8; skipped");

        let (_, notes, counts) = read("javascript:x\n".repeat(25).as_bytes());
        assert_eq!((notes.len(), counts.bad), (11, 25));
        assert_eq!(
            notes[10],
            "orb: 15 more lines of the seeds are bad and were skipped"
        );
    }

    /// Lists as Tranco, Umbrella, CrUX and spreadsheets write them.
    #[test]
    fn the_heading_of_a_table_is_no_seed() {
        for header in [
            "rank,domain",
            "origin,rank",
            "\u{feff}Rank,Domain",
            "domain",
            "URL",
        ] {
            let (urls, notes, counts) = read(format!("{header}\r\n1,a.example\r\n").as_bytes());
            assert_eq!(urls, ["https://a.example/"], "{header}");
            assert_eq!((notes.len(), counts.bad), (0, 0), "{header}");
        }
        // Only at the top, and bad lines below keep their numbers.
        let (_, notes, _) = read(b"rank,domain\n1,a.example\nrank,domain\n");
        assert!(notes[0].starts_with("orb: s:3: "), "{notes:?}");
    }

    #[test]
    fn seeds_read_ahead_are_handed_out_all_the_same() {
        let urls = ["a.example", "b.example", "c.example"].map(str::to_owned);
        let mut seeds = Seeds::open(&urls, &[]).unwrap();
        assert_eq!(seeds.read_ahead(3).unwrap().count(), 3);
        assert_eq!(seeds.count(), 3);
        let mut seeds = Seeds::open(&urls, &[]).unwrap();
        assert!(seeds.read_ahead(2).is_none());
        assert_eq!(seeds.count(), 3);
    }

    #[test]
    fn a_line_without_end_costs_no_memory() {
        let long = [&b"a".repeat(3 * SEED_LINE_BYTES_MAX)[..], b"\nb.example\n"].concat();
        let (urls, notes, _) = read(&long);
        assert_eq!(urls, ["https://b.example/"]);
        assert!(notes[0].contains("longer than 16384 bytes"), "{notes:?}");
    }

    #[test]
    fn gzip_is_recognised_by_its_bytes_in_several_members_too() {
        let member = |text: &str| {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let (urls, ..) = read(&[member("a.example\n"), member("b.example\n")].concat());
        assert_eq!(urls, ["https://a.example/", "https://b.example/"]);

        let mut torn = member("a.example\nb.example\n");
        torn.truncate(torn.len() - 6);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("torn.gz");
        std::fs::write(&path, torn).unwrap();
        let mut seeds = Seeds::open(&[], &[path]).unwrap();
        while seeds.next().is_some() {}
        let message = format!("{:#}", seeds.finish().unwrap_err().error);
        assert!(
            message.contains("torn.gz:") && message.contains("reading ended"),
            "{message}"
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused_before_anything_begins() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().join("missing"), folder.path().to_owned()] {
            let failure = Seeds::open(&[], std::slice::from_ref(&path)).err().unwrap();
            let message = format!("{:#}", failure.error);
            assert!(message.contains(&path.display().to_string()), "{message}");
        }
    }

    #[test]
    fn arguments_are_seeds_in_their_order() {
        let urls = ["https://a.example/", "nonsense://x", "b.example"].map(str::to_owned);
        let mut seeds = Seeds::open(&urls, &[]).unwrap();
        seeds.report = |line| NOTES.with_borrow_mut(|notes| notes.push(line.to_owned()));
        assert!(seeds.any());
        assert_eq!(seeds.by_ref().count(), 2);
        assert!(NOTES.take()[0].starts_with("orb: URL 2 of the command line: "));
        assert!(!Seeds::open(&[], &[]).unwrap().any());
    }
}
