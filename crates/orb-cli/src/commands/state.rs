//! `orb state`: whether a stopped crawl's state agrees with itself, and moving partitions between folders.
//!
//! In: a folder nobody works on. Out: findings, exported partitions, an imported one.
//! May touch: the folder, and files of exports. Must not touch: a running crawl.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use orb_api::{CrawlDir, count};
use orb_crawl::{CrawlIdentity, OrderBook, StateError, StoredCrawl, export_head};
use orb_env::KernelDisk;
use orb_frontier::{MoveError, SlotCheck};
use orb_shard::{Partition, SiteKey};
use orb_url::CrawlUrl;
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::folder::{self, DEFAULT, FolderArg};
use crate::terminal::{note, say, say_json};
use crate::world::KernelWorld;

/// Subcommands of `orb state`.
#[derive(Debug, Subcommand)]
pub(crate) enum StateCommand {
    /// Check a stopped crawl's state: rows, counts, books, sieve.
    Check(CheckArgs),
    /// Write partitions of a stopped crawl into files.
    Export(ExportArgs),
    /// Take exported partitions into a folder.
    Import(ImportArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb state check
  orb state check big --json | jq '.slots[] | select(.wrong > 0)'

Every row is read and counted: queues against the tallies of their sites, all of it against the books, the books
against the sieve. `orb audit` judges the promises from the archive and the rows of requests; this judges whether the
crawl can go on. Exit code 0 when everything agrees, 1 otherwise.")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    folder: FolderArg,
    /// Print the findings as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb state export --partition 163 --to moved big
  orb state export --partition 0-1023 --to moved --remove big
  orb state export --site example.com --to moved big

A crawl's sites lie in 4,096 partitions. An export holds everything of one: queues, fates, what was cut, the sieve's
keys, clocks, and found URLs that were not absorbed yet. Pages, attempt rows and copies of robots.txt stay in the folder
that fetched them; the other one asks for each robots.txt anew before it asks for a page. The file holds the crawl's key: keep it as private as the folder. With --remove the partition leaves
this folder once its file is durable; links to its sites are then counted as `moved` and dropped here. Orders
(`orb orders`) stay behind: sites that were set aside stay so where they go, but what else orders say of them is to be
given there again.")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    folder: FolderArg,
    /// Which partitions: a number from 0 to 4095, or a range as 0-1023.
    #[arg(long, value_name = "N", value_parser = partitions, required_unless_present = "site")]
    partition: Option<std::ops::RangeInclusive<u16>>,
    /// The partition of this site.
    #[arg(long, value_name = "DOMAIN", conflicts_with = "partition")]
    site: Option<String>,
    /// Folder for the files, `partition-NNN.orbp` each (NNN hexadecimal).
    #[arg(long, value_name = "FOLDER", value_hint = clap::ValueHint::DirPath)]
    to: PathBuf,
    /// Remove the partitions from this folder when their files are durable.
    #[arg(long)]
    remove: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb state import moved/*.orbp --out other
  orb crawl --out other          (goes on with them)

A new folder takes the key of the first file; an existing one must have the same. A partition comes in whole or not at
all, and one that the folder already holds something of is refused. An import that was cut short is run again.")]
pub(crate) struct ImportArgs {
    /// Files that `orb state export` wrote.
    #[arg(required = true, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// The crawl's folder, made when absent [default: orb-crawl].
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(command: &StateCommand) -> Outcome {
    crate::log_file::start_without_file();
    match command {
        StateCommand::Check(args) => check(args),
        StateCommand::Export(args) => export(args),
        StateCommand::Import(args) => import(args),
    }
}

#[derive(Serialize)]
struct Report {
    slots: Vec<SlotReport>,
    wrong: u64,
}

#[derive(Serialize)]
struct SlotReport {
    slot: u8,
    #[serde(flatten)]
    check: SlotCheck,
}

fn check(args: &CheckArgs) -> Outcome {
    let dir = args.folder.existing()?;
    let _lock = folder::lock(&dir)?;
    let crawl = open(&dir)?;
    let mut report = Report {
        slots: Vec::new(),
        wrong: 0,
    };
    for slot in crawl.slot_ids() {
        note(&format!("orb: reading slot {slot}"));
        let check = crawl.check(slot).map_err(failure)?;
        report.wrong += check.wrong;
        report.slots.push(SlotReport {
            slot: slot.0,
            check,
        });
    }
    if args.json {
        say_json(&report)?;
    } else {
        say(told(&report).trim_end());
    }
    Ok(if report.wrong == 0 {
        Exit::Fine
    } else {
        Exit::CheckFailed
    })
}

fn told(report: &Report) -> String {
    let mut text = String::new();
    for SlotReport { slot, check } in &report.slots {
        let verdict = if check.passed() { "ok" } else { "WRONG" };
        text.push_str(&format!(
            "slot {slot:02}  {verdict:5}  {} sites, {} queued, {} on the way, {} cut, {} fates; sieve {} keys, {:.1} bytes each\n",
            count(check.sites),
            count(check.queued),
            count(check.undrained),
            count(check.cold),
            count(check.fates),
            count(check.sieve_keys),
            check.sieve_bytes as f64 / check.sieve_keys.max(1) as f64,
        ));
        for finding in &check.findings {
            text.push_str(&format!("    {finding}\n"));
        }
        let untold = check.wrong - check.findings.len() as u64;
        if untold > 0 {
            text.push_str(&format!("    and {} more\n", count(untold)));
        }
    }
    if report.wrong == 0 {
        text.push_str("everything agrees\n");
    } else {
        text.push_str(&format!(
            "{} disagreements: the crawl should not go on from here; keep the folder and report it\n",
            count(report.wrong)
        ));
    }
    text
}

fn export(args: &ExportArgs) -> Outcome {
    let dir = args.folder.existing()?;
    let _lock = folder::lock(&dir)?;
    let crawl = open(&dir)?;
    let wanted = match (&args.partition, &args.site) {
        (Some(range), _) => range.clone(),
        (None, site) => partition_of(&dir, site.as_deref().unwrap_or_default())?,
    };
    std::fs::create_dir_all(&args.to).map_err(Failure::storage)?;
    let all = wanted.clone().count();
    for (done, partition) in wanted.filter_map(Partition::new).enumerate() {
        let path = args.to.join(format!("partition-{partition}.orbp"));
        let end = write_durably(&path, |out| crawl.export(partition, out)).map_err(failure)?;
        if args.remove {
            crawl.remove(partition, &end).map_err(failure)?;
        }
        note(&format!("orb: {} of {all} partitions", done + 1));
        say(&format!(
            "{}: {} sites, {} URLs ({} pending), {} found and not absorbed{}",
            path.display(),
            count(end.sites),
            count(end.books.discovered),
            count(end.books.pending),
            count(end.found),
            if args.remove { "; removed here" } else { "" },
        ));
    }
    let orders = OrderBook::read(Arc::new(KernelDisk), &dir.orders())?;
    let orders = orders.orders().len() as u64;
    if orders > 0 {
        note(&format!(
            "orb: {} orders stay in {}; `orb orders` lists them, and those for sites that moved are to be given again",
            count(orders),
            dir.root().display()
        ));
    }
    Ok(Exit::Fine)
}

/// Writes a file beside its name, syncs it and gives it its name.
fn write_durably<T>(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<T, StateError>,
) -> Result<T, StateError> {
    let fresh = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let file = options.open(&fresh).map_err(MoveError::from)?;
    let mut out = BufWriter::new(file);
    let told = write(&mut out)?;
    let finish = || -> io::Result<()> {
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    finish().map_err(MoveError::from)?;
    Ok(told)
}

fn import(args: &ImportArgs) -> Outcome {
    let root = args.out.clone().unwrap_or_else(|| PathBuf::from(DEFAULT));
    let dir = CrawlDir::new(root);
    let mut open = None;
    for path in &args.files {
        let named = |error: StateError| named(path, failure(error));
        let file = File::open(path).map_err(|error| named(MoveError::from(error).into()))?;
        let mut input = BufReader::new(file);
        let head = export_head(&mut input).map_err(|error| named(error.into()))?;
        let (_, crawl) = match &open {
            Some(open) => open,
            None => {
                let lock = folder::lock(&dir)?;
                let world = Arc::new(KernelWorld::for_reading());
                let crawl = StoredCrawl::open_or_make(world, dir.clone(), &head);
                open.insert((lock, crawl.map_err(|error| named(error.into()))?))
            }
        };
        let head = crawl.import(&mut input).map_err(named)?;
        let (file, root) = (path.display(), dir.root().display());
        say(&format!(
            "{file}: partition {} is in {root}",
            head.partition
        ));
    }
    Ok(Exit::Fine)
}

fn named(path: &Path, failure: Failure) -> Failure {
    let error = failure.error.context(format!("import {}", path.display()));
    Failure { error, ..failure }
}

fn open(dir: &CrawlDir) -> Result<StoredCrawl, Failure> {
    let world = Arc::new(KernelWorld::for_reading());
    StoredCrawl::open(world, dir.clone()).map_err(|error| failure(error.into()))
}

fn failure(error: StateError) -> Failure {
    match &error {
        StateError::Crawl(crawl) if crawl.exit_code() == 2 => Failure::usage(error),
        StateError::Unclean { .. }
        | StateError::Move(
            MoveError::Foreign { .. }
            | MoveError::NotEmpty { .. }
            | MoveError::MovedAway { .. }
            | MoveError::Undrained { .. }
            | MoveError::Damaged { .. },
        ) => Failure::usage(error),
        _ => Failure::storage(error),
    }
}

fn partition_of(dir: &CrawlDir, site: &str) -> Result<std::ops::RangeInclusive<u16>, Failure> {
    let identity = CrawlIdentity::read(&KernelDisk, dir).map_err(Failure::storage)?;
    let url = CrawlUrl::parse(&format!("https://{site}/")).map_err(Failure::usage)?;
    let key = identity.map(|identity| identity.crawl_key());
    let key = key.ok_or_else(|| Failure::usage_text("no crawl here".to_owned()))?;
    let number = SiteKey::of_url(&key, &url).partition().get();
    Ok(number..=number)
}

fn partitions(text: &str) -> Result<std::ops::RangeInclusive<u16>, String> {
    let wrong =
        || format!("`{text}` is neither a number from 0 to 4095 nor a range of them as 0-1023");
    let number = |text: &str| {
        let number = text.trim().parse::<u16>().ok()?;
        Partition::new(number).map(Partition::get)
    };
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (number(first), number(last)),
        None => (number(text), number(text)),
    };
    match (first, last) {
        (Some(first), Some(last)) if first <= last => Ok(first..=last),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_numbers_or_ranges() {
        assert_eq!(partitions("163"), Ok(163..=163));
        assert_eq!(partitions("0-4095"), Ok(0..=4095));
        for wrong in ["", "4096", "9-3", "a", "1-", "-1"] {
            assert!(
                partitions(wrong).unwrap_err().contains("0 to 4095"),
                "{wrong}"
            );
        }
    }
}
