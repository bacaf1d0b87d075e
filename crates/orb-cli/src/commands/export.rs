//! `orb export …`: what the pages of an archive say, for other programs.
//!
//! In: WARC files, of this crawler or any other. Out: files of JSON lines, and what was counted.
//! May touch: the files named, for reading; the folder of the lines. How pages are read is `orb-read`'s part.
//! Invariant: no original is changed; a run that ended anyhow goes on where it was.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use orb_env::{BootClock, Clock, KernelDisk};
use orb_export::{ContentForm, ExportError, ExportFolder, ExportOptions, Exported, Tally};
use orb_page::PageUse;
use serde::Serialize;

use crate::commands::archive::{FilesArg, of_archive};
use crate::commands::export_duplicates::DuplicatesArgs;
use crate::commands::{export_duplicates, pdf};
use crate::exit::{Exit, Failure, Outcome};
use crate::folder;
use crate::machine::{self, Machine};
use crate::progress_bar::ProgressBar;
use crate::terminal::{bytes, count, harmless, say, say_json};

/// `orb export …`
#[derive(Debug, Subcommand)]
pub(crate) enum ExportCommand {
    /// The main content of each page as Markdown.
    Markdown(ExportArgs),
    /// The main content of each page as plain text.
    Text(ExportArgs),
    /// Which pages are copies of others, say that they are none, or call another page themselves.
    Duplicates(DuplicatesArgs),
}

/// Arguments of `orb export …`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb export markdown example                     writes example/export/markdown/*.jsonl
  orb export text old/*.warc.gz --to old-text --for search
  jq -r 'select(.language == \"deu\") | .url' example/export/markdown/*.jsonl

Each archive file becomes a file of JSON lines in its order, one line a page (responses of
status 200 and 203):
  record, url, captured, media_type, truncated, title, byline, date, modified, site_name,
  description, language (ISO 639-3), language_confidence, words, boilerplate_share, usage,
  and markdown or text.
A URL captured twice has two lines; a capture whose body was seen before (revisit) has none.

--for says what the pages are wanted for; pages whose author refuses one of these uses are left
out and counted. noindex refuses all of them, nosnippet ai-input, noai ai-train, tdm-reservation
both of AI, Content-Usage and Content-Signal what they name: in header fields and pages of any
archive; in robots.txt only of archives that Orbweaver wrote, whose metadata records hold it.
`--for own` is for reading pages yourself: nothing is refused, and no other use goes with it.

Run it again to go on after an end of any kind, or to add what an archive has gained, that of a
running crawl too. Files whose records share compressed members (gzip over a whole file) are then
written anew. Damaged places are stepped over and counted, and make the exit code 1, which else
is 0: `orb archive verify` names them.")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    files: FilesArg,
    /// Folder of the lines [default: export/markdown or export/text in the crawl's folder].
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    to: Option<PathBuf>,
    /// What the pages are wanted for, comma-separated.
    #[arg(
        long = "for",
        value_enum,
        value_name = "USE",
        value_delimiter = ',',
        default_value = "search,ai-input,ai-train"
    )]
    uses: Vec<WantedFor>,
    /// Also feeds, other XML, JSON and PDF; else HTML, plain text and Markdown.
    #[arg(long)]
    all_kinds: bool,
    /// Threads that read pages [default: the cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
    /// Print what was counted as one JSON object.
    #[arg(long)]
    json: bool,
}

/// What somebody may want pages for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum WantedFor {
    /// To make them findable.
    Search,
    /// To hand them to a model that answers with them.
    AiInput,
    /// To train a model on them.
    AiTrain,
    /// To read them yourself: nothing is refused. Alone.
    Own,
}

impl WantedFor {
    fn page_use(self) -> Option<PageUse> {
        match self {
            WantedFor::Search => Some(PageUse::Search),
            WantedFor::AiInput => Some(PageUse::AiInput),
            WantedFor::AiTrain => Some(PageUse::AiTrain),
            WantedFor::Own => None,
        }
    }
}

/// What is printed. Names are a contract with scripts.
#[derive(Debug, Serialize)]
struct Summary {
    #[serde(flatten)]
    tally: Tally,
    files: u64,
    files_gone_on_with: u64,
    files_written_anew: u64,
    folder: String,
    seconds: f64,
    pages_per_second: f64,
    rss_peak_bytes: u64,
}

/// Runs `orb export …`.
pub(crate) fn run(command: &ExportCommand) -> Outcome {
    crate::log_file::start_without_file();
    match command {
        ExportCommand::Markdown(args) => export(args, ContentForm::Markdown),
        ExportCommand::Text(args) => export(args, ContentForm::Text),
        ExportCommand::Duplicates(args) => export_duplicates::run(args),
    }
}

fn export(args: &ExportArgs, form: ContentForm) -> Outcome {
    let (files, bytes_total) = args.files.files()?;
    let to = folder_of(args, form)?;
    let options = ExportOptions {
        form,
        uses: wanted_uses(&args.uses)?,
        all_kinds: args.all_kinds,
        pdf: args.all_kinds.then(pdf::reader).transpose()?,
    };
    let threads = usize::from(args.jobs.unwrap_or_else(|| Machine::this().cores));
    let clock = BootClock::new();
    let began = clock.mono();
    let folder = ExportFolder::open(&KernelDisk, &to, &options).map_err(of_export)?;
    let bar = ProgressBar::new("exported", bytes_total, false);
    let exported = folder
        .export(&files, threads, &mut bar.of_file())
        .map_err(of_export);
    drop(bar);
    let Exported {
        tally,
        resumed,
        anew,
    } = exported?;
    let seconds = clock.mono().since(began).as_secs_f64();
    let summary = Summary {
        tally,
        files: files.len() as u64,
        files_gone_on_with: resumed,
        files_written_anew: anew,
        folder: to.display().to_string(),
        seconds,
        pages_per_second: tally.pages as f64 / seconds.max(1e-3),
        rss_peak_bytes: machine::rss_peak_bytes(),
    };
    if args.json {
        say_json(&summary)?;
    } else {
        say(&harmless(&text(&summary)));
    }
    Ok(match tally.damages {
        0 => Exit::Fine,
        _ => Exit::CheckFailed,
    })
}

fn wanted_uses(all: &[WantedFor]) -> Result<Vec<PageUse>, Failure> {
    if all.len() > 1 && all.contains(&WantedFor::Own) {
        return Err(Failure::usage_text(
            "--for own leaves nothing out: name it alone, or the other uses without it",
        ));
    }
    let uses: BTreeSet<PageUse> = all.iter().filter_map(|one| one.page_use()).collect();
    Ok(uses.into_iter().collect())
}

fn folder_of(args: &ExportArgs, form: ContentForm) -> Result<PathBuf, Failure> {
    let inside = |dir: &Path| dir.join("export").join(form.name());
    match (&args.to, &args.files.paths[..]) {
        (Some(to), _) => Ok(to.clone()),
        (None, []) => Ok(inside(Path::new(folder::DEFAULT))),
        (None, [dir]) if dir.is_dir() => Ok(inside(dir)),
        (None, _) => Err(Failure::usage_text(
            "where should the lines go? Name a folder with --to DIR",
        )),
    }
}

pub(crate) fn of_export(error: ExportError) -> Failure {
    match error {
        ExportError::Archive(error) => of_archive(error),
        ExportError::Output { .. } => Failure::storage(error),
        error => Failure::usage(error),
    }
}

fn text(summary: &Summary) -> String {
    let tally = &summary.tally;
    let left_out = [
        (tally.refused, "refused by their authors"),
        (tally.other_kinds, "of other kinds"),
        (tally.without_text, "without text"),
        (tally.unreadable, "unreadable"),
        (tally.no_pages, "no pages (failures, redirects, robots.txt)"),
        (tally.without_body, "without a body of their own"),
        (
            tally.without_metadata,
            "without the metadata record that holds what their authors refuse",
        ),
        (
            tally.still_written,
            "at the end of files that are still written (run again for them)",
        ),
    ];
    let left_out: Vec<String> = left_out
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, why)| format!("{} {why}", count(*number)))
        .collect();
    let mut out = pages_text(summary);
    let of_earlier = [
        (summary.files_gone_on_with, "went on with"),
        (summary.files_written_anew, "wrote anew"),
    ];
    for (files, what) in of_earlier.iter().filter(|(files, _)| *files > 0) {
        out.push_str(&format!(
            "\n{what} {} files of an earlier run",
            count(*files)
        ));
    }
    if !left_out.is_empty() {
        out.push_str(&format!("\nleft out: {}", left_out.join(", ")));
    }
    if tally.truncated > 0 {
        out.push_str(&format!(
            "\n{} pages were not kept or read to their end (\"truncated\")",
            count(tally.truncated)
        ));
    }
    if tally.damages > 0 {
        out.push_str(&format!(
            "\nDAMAGED: {} places of the archive were stepped over; `orb archive verify` names them",
            count(tally.damages)
        ));
    }
    out
}

fn pages_text(summary: &Summary) -> String {
    if summary.tally.pages == 0 && summary.files_gone_on_with > 0 {
        return format!(
            "0 new pages in {} files; the lines of an earlier run are in {}",
            count(summary.files),
            summary.folder
        );
    }
    format!(
        "{} pages of {} files in {}; {:.1} s, {} pages/s, {} peak memory",
        count(summary.tally.pages),
        count(summary.files),
        summary.folder,
        summary.seconds,
        count(summary.pages_per_second as u64),
        bytes(summary.rss_peak_bytes),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_goes_with_no_other_use() {
        let uses = |all: &[WantedFor]| wanted_uses(all).ok();
        assert_eq!(uses(&[WantedFor::Own]), Some(vec![]));
        let both = [WantedFor::AiTrain, WantedFor::Search];
        let expected = vec![PageUse::Search, PageUse::AiTrain];
        assert_eq!(uses(&both), Some(expected));
        assert_eq!(uses(&[WantedFor::Own, WantedFor::Search]), None);
    }

    #[test]
    fn what_a_person_should_know_is_told() {
        let mut summary = Summary {
            tally: Tally::default(),
            files: 2,
            files_gone_on_with: 2,
            files_written_anew: 0,
            folder: "lines".to_owned(),
            seconds: 1.0,
            pages_per_second: 0.0,
            rss_peak_bytes: 1,
        };
        let told = text(&summary);
        assert!(told.starts_with("0 new pages in 2 files"), "{told}");
        summary.tally.pages = 3;
        summary.tally.damages = 2;
        summary.tally.still_written = 1;
        let told = text(&summary);
        let parts = ["3 pages of 2 files", "2 places of the archive", "run again"];
        for part in parts {
            assert!(told.contains(part), "{told}");
        }
    }
}
