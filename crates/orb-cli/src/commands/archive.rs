//! `orb archive …`: what a person needs to look into an archive by hand.
//!
//! In: WARC files, of this crawler or any other. Out: verdicts, sound copies, an index, records.
//! May touch: the files named, for reading; new files where it is told to.
//! Invariant: no original is changed.

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use clap::{Args, Subcommand};
use orb_archive::{
    ArchiveError, ArchiveFile, FileReport, Look, list, newest, record_at, record_referred,
    records_of, repair, verify,
};
use orb_env::KernelDisk;
use orb_fetch::{DecodeLimits, decode_content};
use orb_url::CrawlUrl;
use orb_warc::{Record, RecordType};

use crate::commands::archive_index::ReindexArgs;
use crate::commands::archive_upload::{FetchArgs, UploadArgs, refuse_away, tell_away};
use crate::exit::{Exit, Failure, Outcome};
use crate::progress_bar::ProgressBar;
use crate::terminal::{bytes, count, harmless, note, say, say_json};
use crate::{folder, machine::Machine};

/// Damages of a file that are printed for people; `--json` has up to a thousand.
const DAMAGES_SHOWN: usize = 20;

/// `orb archive …`
#[derive(Debug, Subcommand)]
pub(crate) enum ArchiveCommand {
    /// Read every record, compare every digest, and name what is damaged.
    Verify(VerifyArgs),
    /// Copy what is sound of damaged files into another folder, byte for byte.
    Repair(RepairArgs),
    /// Write the indexes of an archive from the WARC files alone: tables of captures, CDXJ, zipnum.
    Reindex(ReindexArgs),
    /// Print records: header and block as they are.
    Cat(CatArgs),
    /// Write the page a record holds to a file, content coding undone.
    Extract(ExtractArgs),
    /// Bring a stopped crawl's WARC files and indexes to object storage: S3, Google, Azure, a folder.
    Upload(UploadArgs),
    /// Bring WARC files back from object storage.
    Fetch(FetchArgs),
}

/// Which files.
#[derive(Debug, Args)]
pub(crate) struct FilesArg {
    /// WARC files, folders of them, or a crawl's folder [default: orb-crawl].
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

/// Arguments of `orb archive verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb archive verify example
  orb archive verify *.warc.gz --json | jq 'select(.damages_in_all > 0)'

Exit code 0 when all is sound, 1 when something is damaged. The end of a segment that a running or killed crawl has not
committed counts as torn; going on with the crawl cuts it.")]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    files: FilesArg,
    /// Files read at once [default: the cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Print one JSON object a file.
    #[arg(long)]
    json: bool,
}

/// Arguments of `orb archive repair`.
#[derive(Debug, Args)]
#[command(after_help = "\
Sound files are left alone. Of a damaged file FILE the folder gets FILE, with every sound byte, and FILE.damaged, with the
rest; together they are the original. A crawl's own folder needs no repair: the crawl cuts what was not committed by itself.")]
pub(crate) struct RepairArgs {
    #[command(flatten)]
    files: FilesArg,
    /// Folder of the copies.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print one JSON object a file.
    #[arg(long)]
    json: bool,
}

/// Which records.
#[derive(Debug, Args)]
struct WhichArgs {
    /// Records of this address.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The record that begins at this byte of the one file given.
    #[arg(long, value_name = "N", conflicts_with = "url")]
    offset: Option<u64>,
    /// Records of this type: response, revisit, request, metadata, warcinfo …
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
}

/// Arguments of `orb archive cat`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb archive cat example --url https://example.org/ --type response
  orb archive cat example/warc/ORB-….warc.gz --offset 1042
  orb archive cat example --type warcinfo --head")]
pub(crate) struct CatArgs {
    #[command(flatten)]
    files: FilesArg,
    #[command(flatten)]
    which: WhichArgs,
    /// Only headers: those of the record, and of the HTTP message in it.
    #[arg(long)]
    head: bool,
}

/// Arguments of `orb archive extract`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb archive extract example --url https://example.org/ --to page.html
  orb archive extract example/warc/ORB-….warc.gz --offset 1042 | less

The newest capture of the address counts. A revisit leads to the record it refers to.")]
pub(crate) struct ExtractArgs {
    #[command(flatten)]
    files: FilesArg,
    #[command(flatten)]
    which: WhichArgs,
    /// File to write; `-` is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    to: PathBuf,
    /// The bytes as they were received, content coding kept.
    #[arg(long)]
    as_received: bool,
}

/// Runs `orb archive …`.
pub(crate) fn run(command: &ArchiveCommand) -> Outcome {
    crate::log_file::start_without_file();
    match command {
        ArchiveCommand::Verify(args) => verify_all(args),
        ArchiveCommand::Repair(args) => repair_all(args),
        ArchiveCommand::Reindex(args) => super::archive_index::run(args),
        ArchiveCommand::Cat(args) => cat(args),
        ArchiveCommand::Extract(args) => extract(args),
        ArchiveCommand::Upload(args) => super::archive_upload::upload(args),
        ArchiveCommand::Fetch(args) => super::archive_upload::fetch(args),
    }
}

impl FilesArg {
    /// The files meant, and the bytes of all.
    pub(crate) fn files(&self) -> Result<(Vec<ArchiveFile>, u64), Failure> {
        let default = [PathBuf::from(folder::DEFAULT)];
        let paths: &[PathBuf] = if self.paths.is_empty() {
            &default
        } else {
            &self.paths
        };
        let mut files = Vec::new();
        for path in paths {
            if !path.exists() {
                refuse_away(path)?;
                return Err(Failure::usage_text(format!(
                    "{} does not exist: name WARC files, or a crawl's folder",
                    path.display()
                )));
            }
            let found = list(&KernelDisk, path);
            if path.is_dir() {
                tell_away(path, found.is_ok())?;
            }
            files.extend(found.map_err(of_archive)?);
        }
        let bytes_total = files.iter().map(|file| file.bytes).sum();
        Ok((files, bytes_total))
    }
}

pub(crate) fn of_archive(error: ArchiveError) -> Failure {
    match error {
        ArchiveError::NoArchive { .. } | ArchiveError::Exists { .. } => Failure::usage(error),
        error => Failure::storage(error),
    }
}

fn verify_all(args: &VerifyArgs) -> Outcome {
    let (files, bytes_total) = args.files.files()?;
    let jobs = usize::from(args.jobs.unwrap_or_else(|| Machine::this().cores)).min(files.len());
    let bar = ProgressBar::new("verified", bytes_total, false);
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<Result<FileReport, ArchiveError>>>> =
        Mutex::new(files.iter().map(|_| None).collect());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(at) else { break };
                    let report = verify(&KernelDisk, file, &mut bar.of_file());
                    done.lock().unwrap_or_else(|broken| broken.into_inner())[at] = Some(report);
                }
            });
        }
    });
    drop(bar);
    let mut sound = true;
    let mut all = FileReport::default();
    for report in done
        .into_inner()
        .unwrap_or_else(|broken| broken.into_inner())
    {
        let report = report
            .expect("every file was taken by a thread")
            .map_err(of_archive)?;
        sound &= report.is_sound();
        if args.json {
            say_json(&report)?;
        } else {
            say(&harmless(&verdict_text(&report)));
        }
        all.bytes += report.bytes;
        all.digests += report.digests;
        all.damages_in_all += report.damages_in_all;
        for (kind, number) in report.records {
            *all.records.entry(kind).or_default() += number;
        }
    }
    if !args.json {
        say(&sum_text(files.len(), &all));
    }
    Ok(if sound { Exit::Fine } else { Exit::CheckFailed })
}

fn verdict_text(report: &FileReport) -> String {
    let mut text = format!(
        "{}  {}  {} records, {} digests, {}",
        if report.is_sound() {
            "sound  "
        } else {
            "DAMAGED"
        },
        report.file,
        count(report.records_in_all()),
        count(report.digests),
        bytes(report.bytes),
    );
    if report.digests_with_framing > 0 {
        text.push_str(&format!(
            "; {} payload digests count the chunk framing",
            count(report.digests_with_framing)
        ));
    }
    for damage in report.damages.iter().take(DAMAGES_SHOWN) {
        text.push_str(&format!("\n  at byte {}: {}", damage.offset, damage.detail));
        if let Some(url) = &damage.url {
            text.push_str(&format!(" ({url})"));
        }
    }
    let more = report.damages_in_all.saturating_sub(DAMAGES_SHOWN as u64);
    if more > 0 {
        text.push_str(&format!("\n  and {} more; --json lists them", count(more)));
    }
    text
}

fn sum_text(files: usize, all: &FileReport) -> String {
    let kinds: Vec<String> = all
        .records
        .iter()
        .map(|(kind, number)| format!("{kind} {}", count(*number)))
        .collect();
    let verdict = match all.damages_in_all {
        0 => "all sound".to_owned(),
        1 => "1 damage".to_owned(),
        number => format!("{} damages", count(number)),
    };
    format!(
        "{} files, {} records ({}), {} digests compared, {}: {verdict}",
        count(files as u64),
        count(all.records_in_all()),
        kinds.join(", "),
        count(all.digests),
        bytes(all.bytes),
    )
}

fn repair_all(args: &RepairArgs) -> Outcome {
    let (files, bytes_total) = args.files.files()?;
    let bar = ProgressBar::new("read", bytes_total, false);
    let mut lines = Vec::new();
    for file in &files {
        let repaired =
            repair(&KernelDisk, file, &args.out, &mut bar.of_file()).map_err(of_archive)?;
        lines.push(repaired);
    }
    drop(bar);
    for repaired in lines {
        if args.json {
            say_json(&repaired)?;
            continue;
        }
        let text = match (&repaired.copy, &repaired.rest) {
            (Some(copy), Some(rest)) => format!(
                "repaired  {}: {} records, {} in {}; {} ranges that are no record in {}",
                repaired.file,
                count(repaired.records),
                bytes(repaired.bytes),
                copy.display(),
                count(repaired.dropped.len() as u64),
                rest.display(),
            ),
            _ => format!("sound     {}: left alone", repaired.file),
        };
        say(&harmless(&text));
    }
    Ok(Exit::Fine)
}

impl WhichArgs {
    fn look(&self) -> Result<Look, Failure> {
        let url = self.url.as_deref().map(|text| {
            CrawlUrl::parse(text)
                .map_err(|error| Failure::usage_text(format!("`{text}` is no URL: {error}")))
        });
        Ok(Look {
            url: url.transpose()?,
            kind: self.kind.clone(),
        })
    }

    /// The one file that `--offset` counts in.
    fn at<'a>(&self, files: &'a [ArchiveFile]) -> Result<Option<(&'a ArchiveFile, u64)>, Failure> {
        match (self.offset, files) {
            (None, _) => Ok(None),
            (Some(offset), [file]) => Ok(Some((file, offset))),
            (Some(_), _) => Err(Failure::usage_text(
                "--offset counts in one file: name that file",
            )),
        }
    }
}

fn no_record() -> Failure {
    Failure::usage_text("no such record: `orb archive reindex` lists what there is")
}

fn cat(args: &CatArgs) -> Outcome {
    let (files, bytes_total) = args.files.files()?;
    if let Some((file, offset)) = args.which.at(&files)? {
        let record = record_at(&KernelDisk, file, offset).map_err(of_archive)?;
        print_record(&record.ok_or_else(no_record)?, args.head)?;
        return Ok(Exit::Fine);
    }
    let look = args.which.look()?;
    let quiet = io::stdout().is_terminal();
    let bar = ProgressBar::new("read", bytes_total, quiet);
    let mut printed = 0_u64;
    let mut failed = None;
    for file in &files {
        let went = records_of(
            &KernelDisk,
            file,
            &look,
            &mut bar.of_file(),
            &mut |record| match print_record(record, args.head) {
                Ok(true) => {
                    printed += 1;
                    ControlFlow::Continue(())
                }
                Ok(false) => ControlFlow::Break(()),
                Err(failure) => {
                    failed = Some(failure);
                    ControlFlow::Break(())
                }
            },
        );
        if went.map_err(of_archive)?.is_break() {
            break;
        }
    }
    drop(bar);
    match failed {
        Some(failure) => Err(failure),
        None if printed == 0 => Err(no_record()),
        None => Ok(Exit::Fine),
    }
}

/// Prints a record; `false` when the reader of standard output went away.
fn print_record(record: &Record, head: bool) -> Result<bool, Failure> {
    let mut out = format!("{}\r\n", record.version).into_bytes();
    for (name, value) in record.fields.iter() {
        out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    let fields = !matches!(
        record.record_type(),
        RecordType::Warcinfo | RecordType::Metadata
    );
    let end = match (head, record.http_head_len()) {
        (true, Some(end)) => end,
        (true, None) if fields => 0,
        _ => record.block.len(),
    };
    out.extend_from_slice(&record.block[..end]);
    out.extend_from_slice(b"\r\n\r\n");
    if io::stdout().is_terminal() {
        let text = String::from_utf8_lossy(&out).replace("\r\n", "\n");
        say(harmless(&text).trim_end_matches('\n'));
        say("");
        return Ok(true);
    }
    write_out(&out)
}

/// Writes to standard output; `false` when its reader went away.
fn write_out(bytes: &[u8]) -> Result<bool, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::storage(error)),
    }
}

fn extract(args: &ExtractArgs) -> Outcome {
    let (files, bytes_total) = args.files.files()?;
    let found = match args.which.at(&files)? {
        Some((file, offset)) => record_at(&KernelDisk, file, offset).map_err(of_archive)?,
        None if args.which.url.is_none() => {
            return Err(Failure::usage_text("which record? Give --url or --offset"));
        }
        None => {
            let bar = ProgressBar::new("read", bytes_total, false);
            newest(&KernelDisk, &files, &args.which.look()?, &mut bar.of_file())
                .map_err(of_archive)?
        }
    };
    let mut record = found.ok_or_else(no_record)?;
    if record.record_type() == RecordType::Revisit {
        record = referred(&files, &record, bytes_total)?;
    }
    let payload = record
        .http_payload()
        .map_or_else(|| record.block.clone(), |body| body.into_owned());
    let coding = record
        .http_head()
        .and_then(|head| head.joined("Content-Encoding"))
        .filter(|_| !args.as_received);
    let decoded = decode_content(coding.as_deref(), &payload, &DecodeLimits::default());
    if decoded.encoded || decoded.truncated {
        note(
            "orb: the body's content coding could not be undone to its end; what could is written",
        );
    }
    if args.to == Path::new("-") {
        write_out(&decoded.bytes)?;
    } else {
        std::fs::write(&args.to, &decoded.bytes).map_err(|error| {
            Failure::storage(
                anyhow::Error::new(error).context(format!("write {}", args.to.display())),
            )
        })?;
        note(&format!(
            "orb: {} of {} in {}",
            bytes(decoded.bytes.len() as u64),
            record.target_uri().unwrap_or("a record without address"),
            args.to.display()
        ));
    }
    Ok(Exit::Fine)
}

/// The record that a revisit stands for.
fn referred(files: &[ArchiveFile], revisit: &Record, bytes_total: u64) -> Result<Record, Failure> {
    let of = revisit
        .fields
        .get("WARC-Refers-To-Target-URI")
        .unwrap_or("another address");
    let bar = ProgressBar::new("read", bytes_total, false);
    let found =
        record_referred(&KernelDisk, files, revisit, &mut bar.of_file()).map_err(of_archive)?;
    drop(bar);
    let found = found.ok_or_else(|| {
        let at = revisit.fields.get("WARC-Refers-To-Date").unwrap_or("?");
        Failure::usage_text(format!(
            "the record is a revisit of {of} as of {at}, which is in none of these files; name the earlier archive too"
        ))
    })?;
    note(&format!("orb: the same payload as {of}, which is taken"));
    Ok(found)
}
