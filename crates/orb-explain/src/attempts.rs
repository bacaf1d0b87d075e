//! The attempt rows of one URL, or of one site, out of a slot's file.
//!
//! In: the file, what is sought. Out: rows with whether their group is durable.
//! May touch: `index/`, reading only. Must not touch: the store's own lengths.
//! Invariant: a row whose group was undone is still a request that was made, and is shown as such.
//!
//! Opening a folder leaves a mark behind the rows of an undone group, `{"v":1,"rolled_back_from":N,"rolled_back_to":M}`:
//! rows in bytes `N` to `M` are rolled back. A row of a group that no commit row names yet is still being made durable,
//! or will be rolled back when the folder is opened next.

use std::collections::VecDeque;
use std::io;

use orb_api::{AttemptKind, AttemptRow, CommitRow};
use orb_env::ReadFile;
use serde::{Deserialize, Serialize};

use crate::limits::{ATTEMPTS_MAX, COMMITS_TAIL_BYTES, MARKS_MAX, ROBOTS_ATTEMPTS_MAX};
use crate::row_search::lines_with;
use crate::source::{Crawl, ExplainError, Search};

/// Whether what a request brought will stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Its group is committed.
    Committed,
    /// Its group is not committed yet.
    Uncommitted,
    /// Its group was undone: the request was made, its record is gone, the URL was pending again.
    RolledBack,
}

/// A request that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenRow {
    /// The row.
    pub row: AttemptRow,
    /// Whether what it brought will stay.
    pub durability: Durability,
}

/// The requests that concern one URL.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttemptsSeen {
    /// Its own, oldest first; the newest [`ATTEMPTS_MAX`] of them.
    pub own: Vec<SeenRow>,
    /// How many there are.
    pub own_count: u64,
    /// Those at the robots.txt of its origin, the newest [`ROBOTS_ATTEMPTS_MAX`].
    pub robots: Vec<SeenRow>,
}

#[derive(Deserialize)]
struct Mark {
    rolled_back_from: u64,
    rolled_back_to: u64,
}

const MARK: &[u8] = b"\"rolled_back_from\"";

/// Reads the attempts at a URL and at the robots.txt of its origin.
pub(crate) fn of_url(
    crawl: &Crawl<'_>,
    slot: u8,
    url: &str,
    origin: &str,
    progress: &mut dyn FnMut(Search),
) -> Result<AttemptsSeen, ExplainError> {
    let path = crawl.dir.attempts_of(slot);
    let failed = || ExplainError::rows(&path);
    let Some(file) = open(crawl, slot).map_err(failed())? else {
        return Ok(AttemptsSeen::default());
    };
    let needles = [field("url", url), field("origin", origin), MARK.to_vec()];
    let mut own = Newest::new(ATTEMPTS_MAX);
    let mut robots = Newest::new(ROBOTS_ATTEMPTS_MAX);
    let mut marks = Vec::new();
    lines_with(file.as_ref(), &needles, progress, &mut |at, line| {
        let Ok(row) = serde_json::from_slice::<AttemptRow>(line) else {
            return note_mark(&mut marks, line);
        };
        // A URL that is itself a robots.txt has rows of both kinds.
        if row.kind == AttemptKind::Page && row.url == url {
            own.push(at, row);
        } else if row.kind == AttemptKind::Robots && row.origin.as_deref() == Some(origin) {
            robots.push(at, row);
        }
    })
    .map_err(failed())?;
    let committed = committed_group(crawl, slot)?;
    Ok(AttemptsSeen {
        own_count: own.count,
        own: own.judged(&marks, committed),
        robots: robots.judged(&marks, committed),
    })
}

/// Calls `each` for every request made on behalf of a site.
pub(crate) fn of_site(
    crawl: &Crawl<'_>,
    slot: u8,
    site: &str,
    progress: &mut dyn FnMut(Search),
    each: &mut dyn FnMut(SeenRow),
) -> Result<(), ExplainError> {
    let path = crawl.dir.attempts_of(slot);
    let failed = || ExplainError::rows(&path);
    let Some(file) = open(crawl, slot).map_err(failed())? else {
        return Ok(());
    };
    // Marks stand behind the rows they speak of, so they are gathered first.
    let mut marks = Vec::new();
    lines_with(
        file.as_ref(),
        &[MARK.to_vec()],
        &mut |_| {},
        &mut |_, line| note_mark(&mut marks, line),
    )
    .map_err(failed())?;
    let committed = committed_group(crawl, slot)?;
    lines_with(
        file.as_ref(),
        &[field("site", site)],
        progress,
        &mut |at, line| {
            if let Ok(row) = serde_json::from_slice::<AttemptRow>(line)
                && row.site == site
            {
                let durability = judge(at, &row, &marks, committed);
                each(SeenRow { row, durability });
            }
        },
    )
    .map_err(failed())
}

fn open(crawl: &Crawl<'_>, slot: u8) -> io::Result<Option<Box<dyn ReadFile>>> {
    match crawl.disk.read(&crawl.dir.attempts_of(slot)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A field as rows hold it.
fn field(name: &str, value: &str) -> Vec<u8> {
    let value = serde_json::to_string(value).expect("a text is always JSON");
    format!("\"{name}\":{value}").into_bytes()
}

fn note_mark(marks: &mut Vec<(u64, u64)>, line: &[u8]) {
    if let Ok(mark) = serde_json::from_slice::<Mark>(line)
        && marks.len() < MARKS_MAX
    {
        marks.push((mark.rolled_back_from, mark.rolled_back_to));
    }
}

fn judge(at: u64, row: &AttemptRow, marks: &[(u64, u64)], committed: u64) -> Durability {
    if marks.iter().any(|&(from, to)| (from..to).contains(&at)) {
        Durability::RolledBack
    } else if row.commit <= committed {
        Durability::Committed
    } else {
        Durability::Uncommitted
    }
}

/// The newest rows, and how many there were.
struct Newest {
    rows: VecDeque<(u64, AttemptRow)>,
    max: usize,
    count: u64,
}

impl Newest {
    fn new(max: usize) -> Newest {
        Newest {
            rows: VecDeque::new(),
            max,
            count: 0,
        }
    }

    fn push(&mut self, at: u64, row: AttemptRow) {
        if self.rows.len() >= self.max {
            self.rows.pop_front();
        }
        self.rows.push_back((at, row));
        self.count += 1;
    }

    fn judged(self, marks: &[(u64, u64)], committed: u64) -> Vec<SeenRow> {
        self.rows
            .into_iter()
            .map(|(at, row)| SeenRow {
                durability: judge(at, &row, marks, committed),
                row,
            })
            .collect()
    }
}

/// The newest group of a slot that its commit log names.
fn committed_group(crawl: &Crawl<'_>, slot: u8) -> Result<u64, ExplainError> {
    let path = crawl.dir.commits_of(slot);
    let read = || -> io::Result<Vec<u8>> {
        let file = crawl.disk.read(&path)?;
        let from = file.bytes()?.saturating_sub(COMMITS_TAIL_BYTES);
        let mut tail = vec![0; COMMITS_TAIL_BYTES as usize];
        let got = file.read_at(from, &mut tail)?;
        tail.truncate(got);
        Ok(tail)
    };
    let tail = match read() {
        Ok(tail) => tail,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(ExplainError::rows(&path)(error)),
    };
    let rows = tail.split(|&byte| byte == b'\n').rev();
    let last = rows
        .filter_map(|line| serde_json::from_slice::<CommitRow>(line).ok())
        .next();
    Ok(last.map_or(0, |row| row.group))
}
