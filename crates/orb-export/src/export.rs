//! One archive file to one file of lines, by several threads.
//!
//! In: an archive file, a folder. Out: lines in the order of the captures, and what was counted.
//! May touch: the disk it is given, threads that end with the call. Must not touch: how a line is made.
//! Invariant: lines are appended in the order of the archive; memory is bounded, however large the archive and its
//! records.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread;

use orb_archive::{ArchiveFile, record_at, records_from};
use orb_env::Disk;
use orb_warc::{Record, format_date};

use crate::capture::{Capture, Gatherer, StillWritten, is_ours};
use crate::checkpoint::{LastLine, last_line};
use crate::folder::{ExportFolder, Exported, output_name};
use crate::in_flight::InFlight;
use crate::limits::{
    HEAD_BYTES_MAX, IN_FLIGHT_BYTES_MAX, ONE_PAGE_BYTES_MAX, PAGE_BYTES_MAX, PAGE_SPARE_BYTES,
    WAITING_PER_THREAD,
};
use crate::page_line::{ExportOptions, LeftOut, PdfTurns, WrittenLine, page_line};
use crate::{ExportError, Tally};

/// Captures on their way to lines.
type Pages = InFlight<Capture, Result<WrittenLine, LeftOut>>;

/// Where a run begins and where it writes.
enum Start {
    /// There is nothing yet.
    Fresh,
    /// After this capture.
    After(u64),
    /// There are lines, but their captures' places do not tell them apart.
    Anew,
}

/// Writes the lines of `file`, or those that an earlier run did not; see [`ExportFolder::export`].
pub(crate) fn export_file(
    to: &ExportFolder<'_>,
    file: &ArchiveFile,
    threads: usize,
    progress: &mut dyn FnMut(u64),
) -> Result<Exported, ExportError> {
    let disk = to.disk;
    let output = to.folder.join(output_name(&file.name));
    let start = start(disk, file, &output)?;
    // What is there stays until all of it is there again.
    let written_to = match start {
        Start::Anew => fresh_beside(disk, &output)?,
        _ => output.clone(),
    };
    let tally = write_pages(to, file, &written_to, &start, threads, progress)?;
    if written_to != output {
        disk.rename(&written_to, &output)
            .map_err(ExportError::output(&output))?;
    }
    disk.sync_dir(&to.folder)
        .map_err(ExportError::output(&to.folder))?;
    progress(file.bytes);
    Ok(Exported {
        tally,
        resumed: u64::from(matches!(start, Start::After(_))),
        anew: u64::from(matches!(start, Start::Anew)),
    })
}

/// Where to go on: after the capture of the last line, if the archive still has it there.
fn start(disk: &dyn Disk, file: &ArchiveFile, output: &Path) -> Result<Start, ExportError> {
    let Some(last) = last_line(disk, output, &file.name)? else {
        return Ok(Start::Fresh);
    };
    match record_at(disk, file, last.offset)? {
        Some(record) if record.len == 0 => Ok(Start::Anew),
        Some(record) if is_of(&last, &record) => Ok(Start::After(last.offset)),
        _ => Err(ExportError::ArchiveChanged {
            path: output.to_path_buf(),
            archive: file.name.clone(),
        }),
    }
}

fn is_of(last: &LastLine, record: &Record) -> bool {
    record.target_uri() == Some(&last.url) && record.date_us().map(format_date) == last.captured
}

fn fresh_beside(disk: &dyn Disk, output: &Path) -> Result<PathBuf, ExportError> {
    let mut fresh = output.to_path_buf();
    fresh.as_mut_os_string().push(".new");
    disk.remove(&fresh).map_err(ExportError::output(&fresh))?;
    Ok(fresh)
}

fn write_pages(
    to: &ExportFolder<'_>,
    file: &ArchiveFile,
    output: &Path,
    start: &Start,
    threads: usize,
    progress: &mut dyn FnMut(u64),
) -> Result<Tally, ExportError> {
    let threads = threads.max(1);
    let pages = Pages::new(
        threads * WAITING_PER_THREAD,
        IN_FLIGHT_BYTES_MAX,
        ONE_PAGE_BYTES_MAX,
    );
    let turns = PdfTurns::default();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| read_pages(&file.name, &to.options, &turns, &pages));
        }
        let writer = scope.spawn(|| {
            let _ends = pages.end_on_panic();
            write_lines(to.disk, output, &pages)
        });
        let gathered = {
            let _ends = pages.end_on_panic();
            gather(to.disk, file, start, progress, &pages)
        };
        match gathered {
            Ok(_) => pages.is_all(),
            Err(_) => pages.give_up(),
        }
        let written = writer
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let mut tally = gathered?;
        tally.add(&written);
        Ok(tally)
    })
}

/// Hands over the captures behind the place to start at.
fn gather(
    disk: &dyn Disk,
    file: &ArchiveFile,
    start: &Start,
    progress: &mut dyn FnMut(u64),
    pages: &Pages,
) -> Result<Tally, ExportError> {
    let last = match start {
        Start::After(offset) => Some(*offset),
        Start::Fresh | Start::Anew => None,
    };
    let ours = record_at(disk, file, 0)?.is_some_and(|first| is_ours(&first));
    let mut gatherer = Gatherer::new(ours);
    let hand_over = |capture: Option<Capture>| match capture {
        Some(capture) => {
            let bytes = capture.payload.len() + PAGE_SPARE_BYTES;
            pages.push(capture, bytes)
        }
        None => ControlFlow::Continue(()),
    };
    let walked = records_from(
        disk,
        file,
        last.unwrap_or(0),
        (PAGE_BYTES_MAX + HEAD_BYTES_MAX) as u64,
        progress,
        &mut |record| match last == Some(record.offset) {
            true => ControlFlow::Continue(()),
            false => hand_over(gatherer.take(record)),
        },
    )?;
    // A crawl appends whole captures, and cuts what it did not commit: the end of a file of ours is no damage.
    let mut still_written = u64::from(walked.is_torn && ours);
    if walked.end.is_continue() {
        match gatherer.end() {
            // A broken flow has its reason where lines are written.
            Ok(capture) => drop(hand_over(capture)),
            Err(StillWritten) => still_written = 1,
        }
    }
    Ok(Tally {
        no_pages: gatherer.no_pages,
        without_body: gatherer.without_body,
        without_metadata: gatherer.without_metadata,
        damages: walked.damages + u64::from(walked.is_torn && !ours),
        still_written,
        ..Tally::default()
    })
}

fn read_pages(file: &str, options: &ExportOptions, turns: &PdfTurns, pages: &Pages) {
    let _ends = pages.end_on_panic();
    while let Some((number, capture)) = pages.work() {
        let line = page_line(file, capture, options, turns, &|bytes| {
            pages.hold(number, bytes)
        });
        let bytes = line.as_ref().map_or(0, |line| line.text.capacity());
        pages.finish(number, line, bytes);
    }
}

fn write_lines(disk: &dyn Disk, output: &Path, pages: &Pages) -> Result<Tally, ExportError> {
    let failed = || ExportError::output(output);
    let mut tally = Tally::default();
    let opened = disk.append(output).map_err(failed());
    let mut file = opened.inspect_err(|_| pages.give_up())?;
    pages.drain(|line| {
        match line {
            Ok(line) => {
                file.append(line.text.as_bytes()).map_err(failed())?;
                tally.pages += 1;
                tally.truncated += u64::from(line.truncated);
            }
            Err(LeftOut::NoReader(source)) => return Err(ExportError::NoPdfReader { source }),
            Err(why) => tally.count(&why),
        }
        Ok::<(), ExportError>(())
    })?;
    file.sync().map_err(failed())?;
    Ok(tally)
}
