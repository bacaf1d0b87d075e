//! What the killed child wrote down: a line for each request that ended, a line for each group that became durable.
//!
//! In: requests, groups. Out: lines, and the lines of an earlier process. May touch: two files.
//! Invariant: a line is written by one call when it happens, unsynced: a killed process loses none, a torn last line
//! counts as not written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use orb_env::Mono;
use orb_url::Site;

/// A request that ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attempt {
    pub(super) site: Site,
    pub(super) began: Mono,
    pub(super) ended: Mono,
    /// What its `Retry-After` asked for, when the site asked for rest.
    pub(super) rest: Option<Duration>,
}

impl Attempt {
    pub(super) fn line(&self) -> String {
        let rest = self
            .rest
            .map_or_else(|| "-".to_owned(), |rest| rest.as_micros().to_string());
        format!(
            "{} {} {} {rest}\n",
            self.site.as_str(),
            self.began.0,
            self.ended.0
        )
    }

    fn read(line: &str) -> Option<Attempt> {
        let mut words = line.split(' ');
        let site = Site::from_stored(words.next()?);
        let (began, ended) = (
            Mono(words.next()?.parse().ok()?),
            Mono(words.next()?.parse().ok()?),
        );
        let rest = match words.next()? {
            "-" => None,
            micros => Some(Duration::from_micros(micros.parse().ok()?)),
        };
        Some(Attempt {
            site,
            began,
            ended,
            rest,
        })
    }
}

/// A group that became durable, and the books then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) group: u64,
    pub(super) discovered: u64,
    pub(super) settled: u64,
    /// How far the stream was absorbed.
    pub(super) position: u64,
}

impl Commit {
    pub(super) fn line(self) -> String {
        format!(
            "{} {} {} {}\n",
            self.group, self.discovered, self.settled, self.position
        )
    }

    fn read(line: &str) -> Option<Commit> {
        let mut numbers = line.split(' ').map(|word| word.parse::<u64>().ok());
        let mut next = || numbers.next().flatten();
        Some(Commit {
            group: next()?,
            discovered: next()?,
            settled: next()?,
            position: next()?,
        })
    }
}

/// A log that lines are added to.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    pub(super) bytes: u64,
}

impl Log {
    /// Goes on after the last whole line; what is torn behind it is cut off.
    pub(super) fn open(path: &Path) -> io::Result<Log> {
        let text = text_of(path)?;
        let bytes = whole(&text).len() as u64;
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        file.set_len(bytes)?;
        Ok(Log { file, bytes })
    }

    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        self.file.write_all(line.as_bytes())?;
        self.bytes += line.len() as u64;
        Ok(())
    }
}

fn text_of(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        text => text,
    }
}

fn whole(text: &str) -> &str {
    text.rfind('\n').map_or("", |end| &text[..=end])
}

/// Every request written down, with the offset behind its line.
pub(super) fn attempts(path: &Path) -> io::Result<Vec<(u64, Attempt)>> {
    let text = text_of(path)?;
    let mut end = 0;
    let mut all = Vec::new();
    for line in whole(&text).lines() {
        end += line.len() as u64 + 1;
        let unreadable = || io::Error::other(format!("unreadable line `{line}`"));
        all.push((end, Attempt::read(line).ok_or_else(unreadable)?));
    }
    Ok(all)
}

/// The last group written down.
pub(super) fn last_commit(path: &Path) -> io::Result<Commit> {
    let text = text_of(path)?;
    let last = whole(&text).lines().next_back();
    Ok(last.and_then(Commit::read).unwrap_or_default())
}

/// The last moment at which a group was closed: stored times reach up to it.
pub(super) fn last_time(path: &Path) -> io::Result<Mono> {
    let text = text_of(path)?;
    let last = whole(&text).lines().next_back();
    Ok(Mono(last.and_then(|line| line.parse().ok()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_back_and_a_torn_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("attempts");
        let attempt = |rest| Attempt {
            site: Site::of_host("a.example"),
            began: Mono(5),
            ended: Mono(9),
            rest,
        };
        let both = [attempt(None), attempt(Some(Duration::from_secs(3)))];
        let mut log = Log::open(&path).unwrap();
        both.iter()
            .for_each(|attempt| log.write(&attempt.line()).unwrap());
        let bytes = log.bytes;
        log.write("a.example 7").unwrap();
        let read = attempts(&path).unwrap();
        assert_eq!(read.last().unwrap().0, bytes);
        assert_eq!(
            read.into_iter()
                .map(|(_, attempt)| attempt)
                .collect::<Vec<_>>(),
            both
        );
        assert_eq!(Log::open(&path).unwrap().bytes, bytes);
        let commit = Commit {
            group: 1,
            discovered: 2,
            settled: 3,
            position: 4,
        };
        let path = dir.path().join("commits");
        assert_eq!(last_commit(&path).unwrap(), Commit::default());
        Log::open(&path).unwrap().write(&commit.line()).unwrap();
        assert_eq!(last_commit(&path).unwrap(), commit);
    }
}
