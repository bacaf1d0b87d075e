//! `orb archive reindex`: the indexes of an archive, from its WARC files alone.
//!
//! In: WARC files, of this crawler or any other. Out: index files. May touch: the files named, for reading; the folder
//! of the index. Invariant: a crawl's own index is not written while the crawl works on it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use clap::Args;
use orb_api::CrawlDir;
use orb_archive::ArchiveFile;
use orb_crawl::{IndexError, MergedLines, index_place, index_warc};
use orb_dataset::{IndexPlace, Indexed};
use orb_env::{Disk, KernelDisk};

use crate::commands::archive::FilesArg;
use crate::exit::{Exit, Failure, Outcome};
use crate::folder;
use crate::machine::Machine;
use crate::progress_bar::ProgressBar;
use crate::terminal::{count, note, say};

/// Arguments of `orb archive reindex`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb archive reindex example                       the crawl's own index, made again
  orb archive reindex old/*.warc.gz --out old-index --name old
  orb archive reindex old/*.warc.gz --to old.cdxj
  duckdb -c \"SELECT url_host_registered_domain, count(*) FROM read_parquet(
    'example/index/captures/**/*.parquet', hive_partitioning = true) WHERE subset = 'warc' GROUP BY 1 ORDER BY 2 DESC\"

Tables have the columns of Common Crawl's columnar index, and more: cdxj/FILE.cdxj, captures/crawl=NAME/subset=S/FILE.parquet
with S one of warc (successful captures), crawldiagnostics (redirects, errors, revisits), robotstxt. A crawl writes them by
itself as its WARC files are closed. Each CDXJ line is `key time {json}`, the form that replay tools such as pywb read;
--to and --zipnum make one index of all files.")]
pub(crate) struct ReindexArgs {
    #[command(flatten)]
    files: FilesArg,
    /// Folder of the index [default: index in the crawl's folder].
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath, conflicts_with_all = ["to", "zipnum"])]
    out: Option<PathBuf>,
    /// Name of the crawl in the tables [default: that of the folder].
    #[arg(long, value_name = "NAME", requires = "out")]
    name: Option<String>,
    /// Write the CDXJ of all files into this one file instead.
    #[arg(long, value_name = "FILE", conflicts_with = "zipnum")]
    to: Option<PathBuf>,
    /// Write it as a zipnum cluster into this folder instead.
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    zipnum: Option<PathBuf>,
    /// Files read at once [default: the cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

/// Writes the index asked for.
pub(crate) fn run(args: &ReindexArgs) -> Outcome {
    let (files, bytes_total) = args.files.files()?;
    let disk: Arc<dyn Disk> = Arc::new(KernelDisk);
    let bar = ProgressBar::new("indexed", bytes_total, false);
    if let Some(to) = args.to.as_ref().or(args.zipnum.as_ref()) {
        let mut merged = MergedLines::new(&disk, to);
        let mut all = Indexed::default();
        for file in &files {
            let added = merged.add(file, &mut bar.of_file());
            all.add(added.map_err(Failure::storage)?);
        }
        drop(bar);
        let lines = match &args.zipnum {
            Some(folder) => merged.into_cluster(folder),
            None => merged.into_file(),
        };
        let lines = lines.map_err(Failure::storage)?;
        say_done(lines, files.len(), to);
        return Ok(verdict(&all, false));
    }
    let (place, folder) = match (&args.out, &args.files.paths[..]) {
        (Some(out), paths) => (IndexPlace::new(out, &crawl_name(args, paths)), out.clone()),
        (None, []) => place_of(Path::new(folder::DEFAULT)),
        (None, [dir]) if dir.is_dir() => place_of(dir),
        (None, _) => {
            return Err(Failure::usage_text(
                "where should the index go? Name its folder with --out DIR, or one file with --to FILE",
            ));
        }
    };
    // A crawl that is at work makes its own index, and still writes to some of these files.
    let own = CrawlDir::new(folder.parent().unwrap_or(Path::new(".")));
    let lock = match own.identity().exists() {
        true => Some(folder::lock_silent(&own)?),
        false => None,
    };
    if let Some((first, second)) = place.clash(files.iter().map(|file| file.name.as_str())) {
        return Err(Failure::usage_text(format!(
            "the indexes of {} and {} would be one file: give each a folder of its own with --out",
            files[first].path.display(),
            files[second].path.display()
        )));
    }
    let jobs = usize::from(args.jobs.unwrap_or_else(|| Machine::this().cores));
    let done = index_files(&disk, &files, &place, jobs, &bar).map_err(Failure::storage)?;
    drop(bar);
    if done.beyond > 0 {
        note(&format!(
            "orb: {} captures lie further inside their file than the tables' 32 bits reach: they are in the CDXJ alone",
            count(done.beyond)
        ));
    }
    if done.unkeyed > 0 {
        note(&format!(
            "orb: {} captures are in no index: their addresses are none of http, or longer than 2,048 bytes",
            count(done.unkeyed)
        ));
    }
    say_done(done.lines, files.len(), &folder);
    Ok(verdict(&done, lock.is_some()))
}

/// Tells what could not be indexed.
///
/// - `ours`: a crawl cuts what it did not commit when it goes on, so that the end of its file is no damage.
fn verdict(done: &Indexed, ours: bool) -> Exit {
    let damages = done.damages + if ours { 0 } else { done.torn };
    if damages == 0 {
        return Exit::Fine;
    }
    note(&format!(
        "DAMAGED: {} places of the archive were stepped over and are in no index; `orb archive verify` names them",
        count(damages)
    ));
    Exit::CheckFailed
}

fn say_done(lines: u64, files: usize, to: &Path) {
    say(&format!(
        "{} captures of {} files in {}",
        count(lines),
        count(files as u64),
        to.display()
    ));
}

fn place_of(dir: &Path) -> (IndexPlace, PathBuf) {
    let dir = CrawlDir::new(dir);
    (index_place(&dir), dir.index())
}

/// The name of the folder that the files are in, or what was given.
fn crawl_name(args: &ReindexArgs, paths: &[PathBuf]) -> String {
    let folder = paths.first().map(|path| match path.is_dir() {
        true => path.clone(),
        false => path.parent().unwrap_or(path).to_path_buf(),
    });
    args.name
        .clone()
        .or_else(|| folder_name(&folder?))
        .unwrap_or_else(|| "archive".to_owned())
}

/// What a folder is called, however the path to it is written: `.` and `../..` have names too, which they do not tell.
fn folder_name(folder: &Path) -> Option<String> {
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let whole = folder.canonicalize().ok()?;
    Some(whole.file_name()?.to_string_lossy().into_owned())
}

/// Every file by itself, several at once.
fn index_files(
    disk: &Arc<dyn Disk>,
    files: &[ArchiveFile],
    place: &IndexPlace,
    jobs: usize,
    bar: &ProgressBar,
) -> Result<Indexed, IndexError> {
    let next = AtomicUsize::new(0);
    let sum = Mutex::new(Ok(Indexed::default()));
    thread::scope(|scope| {
        for _ in 0..jobs.min(files.len()) {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let made = index_warc(disk, file, place, &mut bar.of_file());
                    let mut sum = sum.lock().unwrap_or_else(|broken| broken.into_inner());
                    match (&mut *sum, made) {
                        (Ok(sum), Ok(made)) => sum.add(made),
                        (Ok(_), Err(error)) => *sum = Err(error),
                        (Err(_), _) => return,
                    }
                }
            });
        }
    });
    sum.into_inner()
        .unwrap_or_else(|broken| broken.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_called_the_same_however_its_path_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(folder.join("jar/warc")).unwrap();
        for path in ["jar", "jar/", "jar/.", "jar/warc/..", "./jar"] {
            let name = folder_name(&folder.join(path));
            assert_eq!(name.as_deref(), Some("jar"), "{path}");
        }
        assert!(folder_name(Path::new("")).is_some());
    }

    #[test]
    fn damage_fails_and_the_open_end_of_our_own_crawl_does_not() {
        let done = |damages, torn| Indexed {
            damages,
            torn,
            ..Indexed::default()
        };
        assert_eq!(verdict(&done(0, 1), true), Exit::Fine);
        assert_eq!(verdict(&done(0, 1), false), Exit::CheckFailed);
        assert_eq!(verdict(&done(1, 0), true), Exit::CheckFailed);
    }
}
