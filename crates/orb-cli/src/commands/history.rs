//! `orb history URL`: the captures of one URL.
//!
//! In: a URL as a person writes it, an archive. Out: a line a capture. May touch: the archive, for reading.
//! Invariant: what servers wrote is inert in a terminal.

use std::sync::Arc;

use clap::Args;
use orb_crawl::{CAPTURES_MAX, Capture, captures_in};
use orb_env::{Disk, KernelDisk};
use orb_explain::understand_url;
use orb_url::Scheme;
use orb_warc::parse_date;

use crate::commands::archive::FilesArg;
use crate::exit::{Exit, Failure, Outcome};
use crate::progress_bar::ProgressBar;
use crate::terminal::{bytes, harmless, note, say, say_json};

/// Arguments of `orb history`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb history https://example.org/ example
  orb history example.org/page old new --json | jq -r .digest | sort -u

Captures of all files named, the oldest first: when, status, what was kept, digest, and where it lies. A revisit had the
payload of the capture it names. Files whose index was not made yet are read whole. A capture whose body was not kept
(`archive.keep`, noarchive) is in no index: `orb why` tells of it. Exit code 0 also when there is none.")]
pub(crate) struct HistoryArgs {
    /// The URL; without a scheme both https and http are looked up.
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    files: FilesArg,
    /// Print one JSON object a capture.
    #[arg(long)]
    json: bool,
}

/// Lists the captures.
pub(crate) fn run(args: &HistoryArgs) -> Outcome {
    crate::log_file::start_without_file();
    let given = understand_url(&args.url).map_err(Failure::usage)?;
    let other = given.url.with_scheme(Scheme::Http).ok();
    let other = other.filter(|_| given.scheme_assumed);
    let (files, bytes_total) = args.files.files()?;
    let disk: Arc<dyn Disk> = Arc::new(KernelDisk);
    let bar = ProgressBar::new("read", bytes_total, args.json);
    let mut found = Vec::new();
    for file in &files {
        for url in [Some(&given.url), other.as_ref()].into_iter().flatten() {
            let captures = captures_in(&disk, file, url, &mut bar.of_file());
            let captures = captures.map_err(Failure::storage)?;
            if captures.len() >= CAPTURES_MAX {
                note(&format!(
                    "orb: {} has more than {CAPTURES_MAX} captures of it; the further ones are in its CDXJ alone",
                    file.name
                ));
            }
            found.extend(captures);
        }
    }
    drop(bar);
    // Other programs write dates with other decimals.
    found.sort_by_cached_key(|it| {
        (
            parse_date(&it.at),
            it.at.clone(),
            it.file.clone(),
            it.offset,
        )
    });
    for capture in &found {
        if args.json {
            say_json(capture)?;
        } else {
            say(&harmless(&line(capture)));
        }
    }
    if found.is_empty() && !args.json {
        say("never captured in these files; `orb why` tells what became of a URL");
    }
    Ok(Exit::Fine)
}

fn line(capture: &Capture) -> String {
    let status = capture
        .status
        .map_or_else(|| "-".to_owned(), |code| code.to_string());
    let what = match (&capture.same_as_at, capture.kind) {
        (Some(at), _) => format!("revisit: as of {at}"),
        (None, kind) => kind.to_owned(),
    };
    format!(
        "{}  {status}  {what}  {}  {}  {}  {}@{}",
        capture.at,
        capture.mime.as_deref().unwrap_or("-"),
        capture.digest.as_deref().unwrap_or("-"),
        bytes(capture.bytes),
        capture.file,
        capture.offset,
    )
}
