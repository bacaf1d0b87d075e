//! `orb audit DIR`: whether a crawl kept its promises.
//!
//! In: a folder nobody works on. Out: a verdict for each promise. May touch: the folder, for reading.

use std::io::{self, IsTerminal};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use orb_api::CrawlDir;
use orb_audit::{AuditSettings, Progress, Report, StoredState};
use orb_crawl::World;
use orb_env::KernelDisk;

use crate::commands::archive_upload::away_text;
use crate::exit::{Exit, Failure, Outcome};
use crate::folder::{self, FolderArg};
use crate::terminal::{note, say, say_json};
use crate::world::KernelWorld;

/// Memory of one slot's store while it is only read.
const STORE_MEMORY_BYTES: u64 = 64 << 20;

/// Arguments of `orb audit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb audit
  orb audit big --json | jq '.verdicts[] | {promise, judgement}'

Nothing of the crawl's own counting is believed: pauses and robots.txt are judged from the row of every request,
records from the archive itself. Exit code 0 when no promise was broken, 1 otherwise.")]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    folder: FolderArg,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Audits and tells.
pub(crate) fn run(args: &AuditArgs) -> Outcome {
    crate::log_file::start_without_file();
    let dir = args.folder.existing()?;
    let report = judge(&dir)?;
    if args.json {
        say_json(&report)?;
    } else {
        say(report.to_string().trim_end());
    }
    Ok(if report.passed() {
        Exit::Fine
    } else {
        Exit::CheckFailed
    })
}

/// Judges the crawl in `dir`.
pub(crate) fn judge(dir: &CrawlDir) -> Result<Report, Failure> {
    if let Some(text) = away_text(dir)? {
        return Err(Failure::usage_text(format!(
            "an audit reads every record: {text}"
        )));
    }
    let _lock = folder::lock(dir)?;
    let mut settings = AuditSettings::stored(&KernelDisk, dir).map_err(Failure::storage)?;
    settings.folder_mode = Some(folder_mode);
    // A run that ended cleanly says so; after any other the next opening cuts what was not committed.
    settings.awaiting_recovery = !dir.state().join("clean").exists();
    let stores = KernelWorld::for_reading().stores(STORE_MEMORY_BYTES);
    let state =
        StoredState::open(Arc::new(KernelDisk), dir, stores.as_ref()).map_err(Failure::storage)?;
    let mut stage = "";
    let shown = io::stderr().is_terminal();
    let mut tell = |progress: Progress| {
        if shown && progress.stage != stage {
            stage = progress.stage;
            note(&format!("orb: reading {stage}"));
        }
    };
    orb_audit::audit(&KernelDisk, dir, &settings, Some(&state), &mut tell).map_err(Failure::storage)
}

fn folder_mode(path: &Path) -> io::Result<u32> {
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o777)
}
