//! `orb export duplicates`: which pages of an archive are copies, none at all, or named by others.
//!
//! In: WARC files, of this crawler or any other. Out: lines of JSON, and what was counted.
//! May touch: the files named, for reading; the file of the lines. What a copy is, `orb-dedup` says.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use orb_api::ByteSize;
use orb_env::{BootClock, Clock, KernelDisk};
use orb_export::{CopiesOptions, CopiesTally, ExportError, find_copies};
use serde::Serialize;

use crate::commands::archive::FilesArg;
use crate::commands::export::of_export;
use crate::exit::{Exit, Failure, Outcome};
use crate::progress_bar::ProgressBar;
use crate::terminal::{count, note, say_json};

/// Arguments of `orb export duplicates`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb export duplicates example --to copies.jsonl
  orb export duplicates example --clusters | jq -r 'select(.cluster) | .members[]'
  orb export duplicates example | jq -r 'select(.says == \"parked\") | .url'

A line for each HTML page of which something is to be told, in the order of the files:
  record, url, captured
  copy_of   an earlier page that says the same, or nearly: url, same_site, distance (bits of a
            64-bit simhash in which the two differ; 0 for the same words). Pages are compared by
            what is their own: text that most pages of their site have is left out
  says      missing (what its site answers with 404 or 410, or words like \"page not found\"),
            parked (the domain is for sale or not yet used), login
With --clusters at the end a line for each group of pages that call themselves one:
  cluster   the page that stands for them, by their canonical links
  members, languages (hreflang, where both sides say so)

A copy is found while the earlier page is remembered: 64 MiB hold half a million pages. Damaged
places are stepped over and counted, and make the exit code 1, which else is 0.")]
pub(crate) struct DuplicatesArgs {
    #[command(flatten)]
    files: FilesArg,
    /// File of the lines [default: standard output].
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    to: Option<PathBuf>,
    /// Also join pages by their canonical and language links; takes some 300 bytes of memory a page that has one.
    #[arg(long)]
    clusters: bool,
    /// Memory of the index of pages, 128 bytes each.
    #[arg(long, value_name = "SIZE", default_value = "64MiB")]
    memory: ByteSize,
    /// Print what was counted as one JSON object, the last line.
    #[arg(long)]
    json: bool,
}

/// What is printed. Names are a contract with scripts.
#[derive(Debug, Serialize)]
struct Summary {
    #[serde(flatten)]
    tally: CopiesTally,
    files: u64,
    seconds: f64,
}

/// Runs `orb export duplicates`.
pub(crate) fn run(args: &DuplicatesArgs) -> Outcome {
    let (files, bytes_total) = args.files.files()?;
    let mut options = CopiesOptions {
        clusters: args.clusters,
        ..CopiesOptions::default()
    };
    options.bounds.index_bytes_max = usize::try_from(args.memory.bytes()).unwrap_or(usize::MAX);
    let (shown, mut out) = opened(args.to.as_deref())?;
    let failed = |source| ExportError::Output {
        path: shown.clone(),
        source,
    };
    let clock = BootClock::new();
    let began = clock.mono();
    let bar = ProgressBar::new("read", bytes_total, args.to.is_none());
    let mut line = |text: &str| writeln!(out, "{text}").map_err(failed);
    let found = find_copies(&KernelDisk, &files, &options, &mut bar.of_file(), &mut line);
    drop(bar);
    let found = found.and_then(|tally| out.flush().map(|()| tally).map_err(failed));
    let tally = match found {
        // Whoever reads the lines has had enough of them.
        Err(ExportError::Output { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => {
            return Ok(Exit::Fine);
        }
        found => found.map_err(of_export)?,
    };
    drop(out);
    let summary = Summary {
        tally,
        files: files.len() as u64,
        seconds: clock.mono().since(began).as_secs_f64(),
    };
    match args.json {
        true => say_json(&summary)?,
        false => note(&text(&summary)),
    }
    Ok(match tally.damages {
        0 => Exit::Fine,
        _ => Exit::CheckFailed,
    })
}

/// Where the lines go, and its name.
fn opened(to: Option<&Path>) -> Result<(PathBuf, Box<dyn Write>), Failure> {
    let Some(to) = to else {
        let out = BufWriter::new(io::stdout().lock());
        return Ok((PathBuf::from("standard output"), Box::new(out)));
    };
    let file = File::create(to).map_err(|source| {
        of_export(ExportError::Output {
            path: to.to_path_buf(),
            source,
        })
    })?;
    Ok((to.to_path_buf(), Box::new(BufWriter::new(file))))
}

fn text(summary: &Summary) -> String {
    let tally = &summary.tally;
    let mut out = format!(
        "{} HTML pages of {} files in {:.1} s: {} say what an earlier page of their site says, {} what one of another site says",
        count(tally.pages),
        count(summary.files),
        summary.seconds,
        count(tally.copies_on_site),
        count(tally.copies_elsewhere),
    );
    for (number, what) in [
        (tally.missing, "that there is nothing at their address"),
        (
            tally.parked,
            "that their domain is for sale or not yet used",
        ),
        (tally.login, "that one must log in"),
    ] {
        if number > 0 {
            out.push_str(&format!("\n{} say {what}", count(number)));
        }
    }
    for (number, what) in [
        (tally.clusters, "clusters of pages that call themselves one"),
        (tally.unreadable, "pages could not be decoded or read"),
        (
            tally.damages,
            "places were no record and were stepped over: `orb archive verify` names them",
        ),
    ] {
        if number > 0 {
            out.push_str(&format!("\n{} {what}", count(number)));
        }
    }
    out
}
