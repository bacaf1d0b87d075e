//! `orb bench`: what the program costs on this machine, beside what it must.
//!
//! In: which rows, how often. Out: a table, or JSON. May touch: a folder beside the caller, child processes.
//! Invariant: nothing is contacted but the bench's own web on loopback; the folder is removed at the end.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::bench::cores::Pins;
use crate::bench::crawl_rows::{CrawlRow, WebSize};
use crate::bench::crawl_run::Bench;
use crate::bench::instructions::{self, Instructions};
use crate::bench::interrupt::Interrupt;
use crate::bench::report::{Report, Row, Run, Shown};
use crate::bench::surroundings::Surroundings;
use crate::bench::table::{Column, Unit};
use crate::bench::targets::{PAGES_PER_CPU_SECOND, RSS_PEAK_BYTES, target_of};
use crate::commands::bench_archive::BenchArchiveArgs;
use crate::commands::bench_fetch::BenchFetchArgs;
use crate::commands::bench_frontier::BenchFrontierArgs;
use crate::commands::bench_page::BenchPageArgs;
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::{count, note, say_report};

/// The benches.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Whole crawls of a synthetic web: pages per CPU-second of the crawler, memory, bytes written.
    Crawl(Box<BenchCrawlArgs>),
    /// Fetching and decoding alone: CPU microseconds a page; beside hyper and rustls in a program built with
    /// `--features bench-peers`.
    Fetch(Box<BenchFetchArgs>),
    /// The frontier alone, at any size: links made up, requests pretended, real stores on the real disk.
    Frontier(Box<BenchFrontierArgs>),
    /// Reading pages alone: links, text, URLs, charset, main content, beside other readers.
    Page(BenchPageArgs),
    /// Archiving alone: CPU and bytes a page in each form of record, with digests and without.
    Archive(BenchArchiveArgs),
}

/// Arguments of `orb bench crawl`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb bench crawl --quick                        a first look in about a minute
  orb bench crawl                                all rows three times, about ten minutes
  orb bench crawl --rows https-new-large --runs 5 --json

The crawler and its web are processes of their own, each on a core of its own. Everything is on (links, robots,
deduplication, digests, WARC, synced commits) but politeness pauses, which are zero for the bench's own web and only
for it. CPU time is what counts: wall time depends on who else is at work. Musts and targets are for the standard
size of 2,000 sites and 10 pages each.")]
pub(crate) struct BenchCrawlArgs {
    /// Rows to run, comma-separated [default: all; with --quick those that have a must].
    #[arg(
        long,
        visible_alias = "only",
        value_enum,
        value_name = "ROW",
        value_delimiter = ','
    )]
    rows: Vec<CrawlRow>,
    /// Runs of each row; the median is what counts [default: 3; with --quick 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: Option<u32>,
    /// Sites of the web [default: 2000; with --quick 300].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    sites: Option<u32>,
    /// Mean number of pages of a site.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pages_per_site: u32,
    /// Which synthetic web.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// One run of a small web for each row that has a must.
    #[arg(long)]
    quick: bool,
    /// Also count instructions by stage, in a small crawl of each row under valgrind.
    #[arg(long)]
    instructions: bool,
    /// Folder to work in; must not exist, is removed at the end [default: orb-bench, or the first free orb-bench-N].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the report as one JSON object, the last line of standard output.
    #[arg(long)]
    json: bool,
}

const MAIN: Column = Column {
    title: "pages per crawler CPU-second",
    measure: PAGES_PER_CPU_SECOND,
    unit: Unit::Count,
};

const OTHERS: [Column; 9] = [
    column("pages/s", "pages_per_second", Unit::Count),
    column("CPU ms/page", "cpu_ms_per_page", Unit::Decimal),
    column("peak memory", RSS_PEAK_BYTES, Unit::Bytes),
    column("written/page", "written_bytes_per_page", Unit::Bytes),
    column("archived/page", "archived_bytes_per_page", Unit::Bytes),
    column("connections/page", "connections_per_page", Unit::Decimal),
    column("web CPU ms/page", "web_cpu_ms_per_page", Unit::Decimal),
    column("web CPU share", "web_cpu_share", Unit::Share),
    column(
        "others on core",
        "elsewhere_share_of_crawler_core",
        Unit::Share,
    ),
];

const fn column(title: &'static str, measure: &'static str, unit: Unit) -> Column {
    Column {
        title,
        measure,
        unit,
    }
}

/// A folder made for a bench, removed when dropped.
pub(crate) struct Workplace {
    path: PathBuf,
    stays: bool,
}

impl Workplace {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// It is not removed.
    pub(crate) fn keep(&mut self) {
        self.stays = true;
    }

    /// Makes the wanted folder, or the first that is free.
    pub(crate) fn make(wanted: Option<&Path>) -> Result<Workplace, Failure> {
        let names = std::iter::once("orb-bench".to_owned())
            .chain((2..1_000).map(|number| format!("orb-bench-{number}")));
        let path = match wanted {
            Some(path) if path.exists() => {
                return Err(Failure::usage_text(format!(
                    "{} is there already: give --out a folder that is not",
                    path.display()
                )));
            }
            Some(path) => path.to_owned(),
            None => names
                .map(PathBuf::from)
                .find(|path| !path.exists())
                .ok_or_else(|| {
                    Failure::usage_text(
                        "a thousand folders orb-bench-N are here: delete some, or give --out",
                    )
                })?,
        };
        fs::create_dir_all(&path).map_err(|error| {
            Failure::storage(
                anyhow::Error::new(error).context(format!("{} cannot be made", path.display())),
            )
        })?;
        Ok(Workplace { path, stays: false })
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.path) {
            note(&format!(
                "orb: {} cannot be removed: {error}",
                self.path.display()
            ));
        }
    }
}

/// Runs a bench.
pub(crate) fn run(command: &BenchCommand) -> Outcome {
    match command {
        BenchCommand::Crawl(args) => crawl(args),
        BenchCommand::Fetch(args) => super::bench_fetch::run(args),
        BenchCommand::Frontier(args) => super::bench_frontier::run(args),
        BenchCommand::Page(args) => super::bench_page::run(args),
        BenchCommand::Archive(args) => super::bench_archive::run(args),
    }
}

fn crawl(args: &BenchCrawlArgs) -> Outcome {
    if args.instructions && !instructions::valgrind_is_here() {
        return Err(Failure::usage_text(
            "--instructions needs valgrind, which is not installed: install it, or leave --instructions out",
        ));
    }
    let interrupt = Interrupt::install().map_err(Failure::storage)?;
    let workplace = Workplace::make(args.out.as_deref())?;
    let bench = Bench {
        pins: Pins::here(),
        size: WebSize {
            sites: args.sites.unwrap_or(if args.quick { 300 } else { 2_000 }),
            pages_per_site: args.pages_per_site,
            seed: args.seed,
        },
        folder: workplace.path.clone(),
        interrupt: interrupt.clone(),
    };
    let rows = rows(args);
    let surroundings = Surroundings::here(&workplace.path);
    let runs = runs(
        &bench,
        &rows,
        args.runs.unwrap_or(if args.quick { 1 } else { 3 }),
    )?;
    let mut counted = BTreeMap::new();
    if args.instructions {
        for row in &rows {
            note(&format!("orb: instructions of {}, slowly", row.name()));
            let Some(found) = instructions::count(&bench, *row)? else {
                break;
            };
            counted.insert(row.name(), found);
        }
    }
    drop(workplace);
    let report = report(&bench, surroundings, runs, counted);
    let size = bench.size;
    let of_what = format!(
        "{} sites, {} pages each, one thread, everything on",
        count(u64::from(size.sites)),
        count(u64::from(size.pages_per_site))
    );
    let text = report.text(&Shown {
        main: MAIN,
        others: &OTHERS,
        of_what: &of_what,
    });
    say_report(&report, &text, args.json)?;
    Ok(if interrupt.asked() {
        Exit::Stopped
    } else {
        Exit::Fine
    })
}

fn rows(args: &BenchCrawlArgs) -> Vec<CrawlRow> {
    let chosen = |row: &CrawlRow| match (args.rows.is_empty(), args.quick) {
        (false, _) => args.rows.contains(row),
        (true, true) => target_of("crawl", row.name(), PAGES_PER_CPU_SECOND).is_some(),
        (true, false) => true,
    };
    CrawlRow::ALL.into_iter().filter(chosen).collect()
}

/// Every row once, then every row again: what changes on the machine meanwhile touches all rows alike.
fn runs(
    bench: &Bench,
    rows: &[CrawlRow],
    times: u32,
) -> Result<Vec<(CrawlRow, Vec<Run>)>, Failure> {
    let mut all: Vec<(CrawlRow, Vec<Run>)> = rows.iter().map(|row| (*row, Vec::new())).collect();
    let in_all = rows.len() * times as usize;
    let mut number = 0;
    for _ in 0..times {
        for (row, runs) in &mut all {
            number += 1;
            note(&format!("orb: run {number} of {in_all}: {}", row.name()));
            let Some(run) = bench.run(*row)? else {
                return Ok(all);
            };
            note(&format!("orb:   {}", told(&run)));
            runs.push(run);
        }
    }
    Ok(all)
}

fn told(run: &Run) -> String {
    let measure = |name: &str| run.measures.get(name).copied().unwrap_or(0.0);
    let mut line = format!(
        "{} pages a CPU-second: {} pages in {:.1} s, {:.1} s of CPU",
        Unit::Count.text(measure(PAGES_PER_CPU_SECOND)),
        Unit::Count.text(measure("pages")),
        measure("seconds"),
        measure("cpu_seconds"),
    );
    for warning in &run.warnings {
        line.push_str("; ");
        line.push_str(warning);
    }
    line
}

fn report(
    bench: &Bench,
    surroundings: Surroundings,
    runs: Vec<(CrawlRow, Vec<Run>)>,
    mut counted: BTreeMap<&str, Instructions>,
) -> Report {
    let mut warnings: Vec<String> = bench.pins.warning.iter().cloned().collect();
    if cfg!(debug_assertions) {
        warnings.push("a debug build: its figures mean nothing".into());
    }
    if (bench.size.sites, bench.size.pages_per_site) != (2_000, 10) {
        warnings.push(
            "not the standard size: musts and targets are for 2,000 sites and 10 pages each".into(),
        );
    }
    for (row, runs) in &runs {
        for (run, number) in runs.iter().zip(1..) {
            let told = run.warnings.iter();
            warnings.extend(told.map(|warning| format!("{}, run {number}: {warning}", row.name())));
        }
    }
    if runs.iter().any(|(_, runs)| {
        runs.iter()
            .any(|run| !run.measures.contains_key("written_bytes_per_page"))
    }) {
        warnings.push(
            "the kernel does not count bytes written here: only those of the archive are shown"
                .into(),
        );
    }
    let settings = [
        ("pinning", bench.pins.how.clone()),
        ("web", format!(
            "{} sites of {} pages, seed {}, no faults, TLS by rustls, pages gzipped",
            count(u64::from(bench.size.sites)),
            count(u64::from(bench.size.pages_per_site)),
            bench.size.seed
        )),
        ("crawler", "one thread, scope any, links, robots, deduplication, digests, WARC, synced commits; pauses zero; indexes of the archive apart".into()),
        ("written", "bytes sent to storage as the kernel counts them (write_bytes of /proc/PID/io): archive, journals, rows, store".into()),
        ("CPU", "user and system time of the process tree, as wait4 tells it".into()),
    ];
    let rows = runs
        .into_iter()
        .filter(|(_, runs)| !runs.is_empty())
        .map(|(row, runs)| {
            let mut made = Row::of("crawl", row.name(), &row.about(), runs);
            made.instructions = counted.remove(row.name());
            made
        });
    Report {
        bench: "crawl",
        surroundings,
        settings: settings.into(),
        rows: rows.collect(),
        warnings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: BenchCrawlArgs,
    }

    fn check(line: &str, expected: &[&str]) {
        let line = Line::try_parse_from(line.split(' ')).unwrap();
        let names: Vec<&str> = rows(&line.args).into_iter().map(CrawlRow::name).collect();
        assert_eq!(names, expected, "{line:?}");
    }

    #[test]
    fn rows_are_those_asked_for_in_one_order() {
        check(
            "x --rows https-new-small,http-kept-large",
            &["http-kept-large", "https-new-small"],
        );
        check("x --only http-new-small", &["http-new-small"]);
        check(
            "x --quick",
            &[
                "http-kept-large",
                "https-kept-large",
                "https-new-large",
                "http-kept-small",
            ],
        );
        check("x", &CrawlRow::ALL.map(CrawlRow::name));
        assert!(Line::try_parse_from(["x", "--rows", "https"]).is_err());
    }

    #[test]
    fn a_folder_that_is_there_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let refused = Workplace::make(Some(folder.path())).err().unwrap();
        assert!(refused.error.to_string().contains("is there already"));
        let made = folder.path().join("new");
        drop(Workplace::make(Some(&made)).unwrap());
        assert!(!made.exists() && folder.path().exists());
    }
}
