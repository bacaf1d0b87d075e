//! One archive file to one file of lines, by several threads.
//!
//! In: an archive file, a folder. Out: lines in the order of the captures, and what was counted.
//! May touch: the disk it is given, threads that end with the call. Must not touch: how a line is made.
//! Invariant: lines are appended in the order of the archive; memory holds a few batches, however large the archive.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use orb_archive::{ArchiveFile, Look, record_at, records_from};
use orb_env::Disk;
use serde::Serialize;

use crate::ExportError;
use crate::capture::{Capture, Gatherer};
use crate::checkpoint::last_offset;
use crate::limits::{BATCH_BYTES_MAX, BATCH_CAPTURES_MAX, BATCHES_WAITING_PER_THREAD};
use crate::order::InOrder;
use crate::page_line::{ExportOptions, LeftOut, page_line};

/// Format of the lines; another number after a change that scripts would notice.
const VERSION: u32 = 1;

/// What was counted. Names are a contract with scripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Lines written.
    pub pages: u64,
    /// Left out because the author refuses the use.
    pub refused: u64,
    /// Left out as a kind of document that is not read or not wanted.
    pub other_kinds: u64,
    /// Left out because there is no text in them.
    pub without_text: u64,
    /// Left out because they could not be decoded or read.
    pub unreadable: u64,
    /// Responses that are no page: failures, redirects, robots.txt.
    pub no_pages: u64,
    /// Captures whose body is another record's, or was not kept.
    pub without_body: u64,
}

impl Tally {
    /// Adds up.
    pub fn add(&mut self, other: &Tally) {
        self.pages += other.pages;
        self.refused += other.refused;
        self.other_kinds += other.other_kinds;
        self.without_text += other.without_text;
        self.unreadable += other.unreadable;
        self.no_pages += other.no_pages;
        self.without_body += other.without_body;
    }

    fn count(&mut self, why: LeftOut) {
        match why {
            LeftOut::Refused => self.refused += 1,
            LeftOut::OtherKind => self.other_kinds += 1,
            LeftOut::NoText => self.without_text += 1,
            LeftOut::Undecodable | LeftOut::Unreadable => self.unreadable += 1,
        }
    }
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Its lines.
    pub output: PathBuf,
    /// What this run did; what an earlier one did is not in it.
    pub tally: Tally,
    /// Whether an earlier run had begun.
    pub resumed: bool,
}

/// Makes the folder of an export, or finds that the one there is of the same settings.
///
/// # Errors
/// [`ExportError::OtherSettings`]; what the disk says.
pub fn prepare(disk: &dyn Disk, folder: &Path, options: &ExportOptions) -> Result<(), ExportError> {
    let path = folder.join("export.json");
    let uses: Vec<&str> = options.uses.iter().map(|one| one.name()).collect();
    let settings = serde_json::json!({
        "version": VERSION,
        "form": options.form,
        "for": uses,
        "all_kinds": options.all_kinds,
    })
    .to_string();
    let there = disk.read_all(&path);
    match there {
        Ok(found) if found == settings.as_bytes() => Ok(()),
        Ok(found) => Err(ExportError::OtherSettings {
            path,
            found: String::from_utf8_lossy(&found).into_owned(),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            disk.create_dir_all(folder)
                .map_err(ExportError::output(folder))?;
            disk.replace(&path, settings.as_bytes())
                .map_err(ExportError::output(&path))
        }
        Err(error) => Err(ExportError::output(&path)(error)),
    }
}

/// The name of the lines of an archive file: its own without the endings of WARC.
pub fn output_name(archive_name: &str) -> String {
    let lower = archive_name.to_ascii_lowercase();
    let endings = [".warc.gz", ".warc.zst", ".warc"];
    let bare = endings
        .iter()
        .find(|ending| lower.ends_with(*ending))
        .map_or(archive_name, |ending| {
            &archive_name[..archive_name.len() - ending.len()]
        });
    format!("{bare}.jsonl")
}

/// Writes the lines of `file` into `folder`, or those that an earlier run did not.
///
/// - `threads`: that read pages, beside one that reads the archive and one that writes; at least one.
/// - `progress` hears how many bytes of the archive file were read so far.
/// - Cost: a few milliseconds of CPU a page; memory for a few batches a thread.
///
/// # Errors
/// What the disk says. What was written stands; the next run goes on after it.
pub fn export_file(
    disk: &dyn Disk,
    file: &ArchiveFile,
    folder: &Path,
    options: &ExportOptions,
    threads: usize,
    progress: &mut dyn FnMut(u64),
) -> Result<Exported, ExportError> {
    let output = folder.join(output_name(&file.name));
    let last = last_to_go_on(disk, file, &output)?;
    let room = threads.max(1) * BATCHES_WAITING_PER_THREAD;
    let (work_in, work_out) = sync_channel::<(u64, Vec<Capture>)>(room);
    let (done_in, done_out) = sync_channel::<(u64, Lines)>(room);
    // The threads alone hold it: when the last of them gives up, the reader hears of it.
    let work_out = Arc::new(Mutex::new(work_out));
    let tally = thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            let (work, done) = (Arc::clone(&work_out), done_in.clone());
            scope.spawn(move || work_off(&file.name, options, &work, &done));
        }
        drop((work_out, done_in));
        let writer = scope.spawn(|| write_lines(disk, &output, done_out));
        let gathered = gather(disk, file, last, progress, &work_in);
        drop(work_in);
        let written = writer
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let mut tally = gathered?;
        tally.add(&written);
        Ok::<Tally, ExportError>(tally)
    })?;
    progress(file.bytes);
    Ok(Exported {
        output,
        tally,
        resumed: last.is_some(),
    })
}

/// The capture of the last line. Records that share a compressed member cannot be told by their place: then the output
/// is begun anew.
fn last_to_go_on(
    disk: &dyn Disk,
    file: &ArchiveFile,
    output: &Path,
) -> Result<Option<u64>, ExportError> {
    let Some(last) = last_offset(disk, output, &file.name)? else {
        return Ok(None);
    };
    let stands_alone = record_at(disk, file, last)?.is_some_and(|record| record.len > 0);
    if stands_alone {
        return Ok(Some(last));
    }
    disk.truncate(output, 0)
        .map_err(ExportError::output(output))?;
    Ok(None)
}

/// Reads captures after `last` and hands them over in batches.
fn gather(
    disk: &dyn Disk,
    file: &ArchiveFile,
    last: Option<u64>,
    progress: &mut dyn FnMut(u64),
    work: &SyncSender<(u64, Vec<Capture>)>,
) -> Result<Tally, ExportError> {
    let mut gatherer = Gatherer::default();
    let mut batches = Batches {
        number: 0,
        batch: Vec::new(),
        bytes: 0,
        work,
    };
    let read = records_from(
        disk,
        file,
        last.unwrap_or(0),
        &Look::default(),
        progress,
        &mut |record| {
            if last == Some(record.offset) {
                return ControlFlow::Continue(());
            }
            match gatherer.take(record) {
                Some(capture) => batches.push(capture),
                None => ControlFlow::Continue(()),
            }
        },
    )?;
    let to_the_end = read.is_continue()
        && gatherer
            .end()
            .is_none_or(|capture| batches.push(capture).is_continue())
        && batches.hand_over().is_continue();
    if !to_the_end {
        return Ok(Tally::default()); // the writer is gone, and tells why
    }
    Ok(Tally {
        no_pages: gatherer.no_pages,
        without_body: gatherer.without_body,
        ..Tally::default()
    })
}

struct Batches<'w> {
    number: u64,
    batch: Vec<Capture>,
    bytes: usize,
    work: &'w SyncSender<(u64, Vec<Capture>)>,
}

impl Batches<'_> {
    /// Breaks when nobody takes work any more.
    fn push(&mut self, capture: Capture) -> ControlFlow<()> {
        self.bytes += capture.payload.len();
        self.batch.push(capture);
        if self.batch.len() < BATCH_CAPTURES_MAX && self.bytes < BATCH_BYTES_MAX {
            return ControlFlow::Continue(());
        }
        self.hand_over()
    }

    fn hand_over(&mut self) -> ControlFlow<()> {
        let batch = std::mem::take(&mut self.batch);
        self.bytes = 0;
        let number = self.number;
        self.number += 1;
        match self.work.send((number, batch)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// The lines of one batch.
#[derive(Debug, Default)]
struct Lines {
    text: String,
    tally: Tally,
}

fn work_off(
    file: &str,
    options: &ExportOptions,
    work: &Mutex<Receiver<(u64, Vec<Capture>)>>,
    done: &SyncSender<(u64, Lines)>,
) {
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, captures)) = next else {
            return; // the reader has come to the end
        };
        let mut lines = Lines::default();
        for capture in captures {
            match page_line(file, capture, options) {
                Ok(line) => {
                    lines.text.push_str(&line);
                    lines.tally.pages += 1;
                }
                Err(why) => lines.tally.count(why),
            }
        }
        if done.send((number, lines)).is_err() {
            return; // the writer is gone, and tells why
        }
    }
}

fn write_lines(
    disk: &dyn Disk,
    output: &Path,
    done: Receiver<(u64, Lines)>,
) -> Result<Tally, ExportError> {
    let mut file = disk.append(output).map_err(ExportError::output(output))?;
    let mut order = InOrder::new();
    let mut tally = Tally::default();
    for (number, lines) in done {
        for lines in order.take(number, lines) {
            file.append(lines.text.as_bytes())
                .map_err(ExportError::output(output))?;
            tally.add(&lines.tally);
        }
    }
    file.sync().map_err(ExportError::output(output))?;
    Ok(tally)
}
