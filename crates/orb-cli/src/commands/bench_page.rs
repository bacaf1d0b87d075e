//! `orb bench page`: what reading a page costs, beside other readers.
//!
//! In: a folder of pages, how often. Out: a table for each set of pages, or JSON. May touch: that folder, threads.
//! Invariant: all readings of a run take turns over the same pages in memory, on one core.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use orb_simweb::SizeProfile;

use crate::bench::cores::Pins;
use crate::bench::page_peers::{LOL_HTML_LINKS, PEERS};
use crate::bench::page_readings::{Bench, READINGS, Reading};
use crate::bench::page_set::PageSet;
use crate::bench::report::{Report, Row, Run};
use crate::bench::surroundings::Surroundings;
use crate::bench::table::{Unit, table};
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::{bytes, count, note, say_report};

/// Arguments of `orb bench page`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb bench page
  orb bench page --pages /usr/share/doc --runs 5 --json

Pages lie in memory before anything is measured. CPU time of one thread is what counts; the median of the runs is shown,
and readings take turns within each run. A program built with the feature bench-peers runs lol_html, html5ever and
dom_smoothie beside ours: cargo run --release -p orb-cli --features bench-peers -- bench page")]
pub(crate) struct BenchPageArgs {
    /// Folder of HTML files, to be read beside the pages of the synthetic web.
    #[arg(long, value_name = "DIR")]
    pages: Option<PathBuf>,
    /// Pages of each set, at most; evenly chosen from a folder that has more.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pages_max: u32,
    /// Runs of each reading; the median is what counts.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Which synthetic web.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the report as one JSON object, the last line of standard output.
    #[arg(long)]
    json: bool,
}

/// Runs the readings and tells.
pub(crate) fn run(args: &BenchPageArgs) -> Outcome {
    let pages_max = args.pages_max as usize;
    let mut sets = Vec::new();
    if let Some(folder) = &args.pages {
        sets.push(PageSet::of_folder(folder, pages_max)?);
    }
    for (name, size) in [("large", SizeProfile::Large), ("small", SizeProfile::Small)] {
        sets.push(PageSet::of_web(name, size, pages_max, args.seed)?);
    }
    let pins = Pins::here();
    let mut rows = Vec::new();
    for set in &sets {
        note(&format!("orb: {}: {}", set.name, set.about));
        let runs: Result<Vec<Run>, Failure> = (0..args.runs)
            .map(|_| Pins::on(pins.crawler, || Ok(one_run(set))))
            .collect();
        rows.push(Row::of("page", set.name, &set.about, runs?));
    }
    let mut warnings: Vec<String> = pins.warning.iter().cloned().collect();
    if cfg!(debug_assertions) {
        warnings.push("a debug build: its figures mean nothing".into());
    }
    if PEERS.is_empty() {
        warnings.push("no other readers beside ours: build with --features bench-peers".into());
    }
    let report = Report {
        bench: "page",
        surroundings: Surroundings::here(Path::new(".")),
        settings: [("pinning", pins.how.clone())].into(),
        rows,
        warnings,
    };
    let text = text(&report, &sets);
    say_report(&report, &text, args.json)?;
    Ok(Exit::Fine)
}

/// Every reading once over all pages.
fn one_run(set: &PageSet) -> Run {
    let mut bench = Bench::new();
    let mut measures: BTreeMap<&'static str, f64> = BTreeMap::new();
    let (pages, bytes) = (set.pages.len().max(1) as f64, set.bytes() as f64);
    let mut seconds_of: BTreeMap<&'static str, f64> = BTreeMap::new();
    for reading in READINGS.iter().chain(PEERS) {
        let seconds = reading.cost(&mut bench, set).as_secs_f64().max(1e-9);
        measures.insert(reading.micros, seconds * 1e6 / pages);
        measures.insert(reading.rate, bytes / seconds);
        seconds_of.insert(reading.name, seconds);
    }
    let seconds = |name: &str| seconds_of.get(name).copied();
    if let Some(urls) = seconds("urls") {
        measures.insert(
            "urls_micros_per_link",
            urls * 1e6 / set.links().max(1) as f64,
        );
    }
    if let Some(text) = seconds("main text") {
        measures.insert("main_text_micros_per_200_kb", text * 1e6 * 200e3 / bytes);
    }
    if let (Some(ours), Some(theirs)) = (seconds("links, text, simhash"), seconds(LOL_HTML_LINKS)) {
        measures.insert("links_text_simhash_over_lol_html", theirs / ours);
    }
    Run {
        measures,
        ..Run::default()
    }
}

fn text(report: &Report, sets: &[PageSet]) -> String {
    let mut out = format!("{}\n", report.surroundings.text());
    for (name, value) in &report.settings {
        out.push_str(&format!("{name}: {value}\n"));
    }
    for (row, set) in report.rows.iter().zip(sets) {
        out.push_str(&format!(
            "\n{}: {}, {} each, {} links each\n",
            row.row,
            row.about,
            bytes((set.bytes() / set.pages.len().max(1)) as u64),
            count((set.links() / set.pages.len().max(1)) as u64),
        ));
        out.push_str(&readings_table(row));
        for against in &row.against {
            let Some(figure) = row.figures.get(against.target.measure) else {
                continue;
            };
            out.push_str(&format!(
                "{}: {}, must {}: {}\n",
                against.target.measure,
                number(figure.median),
                number(against.target.must),
                against.words()
            ));
        }
    }
    for warning in &report.warnings {
        out.push_str(&format!("warning: {warning}\n"));
    }
    out.trim_end().to_owned()
}

fn readings_table(row: &Row) -> String {
    let head = ["reading", "us/page", "MB/s", "spread"].map(str::to_owned);
    let line = |reading: &Reading| {
        let (micros, rate) = (
            row.figures.get(reading.micros)?,
            row.figures.get(reading.rate)?,
        );
        Some(vec![
            reading.name.to_owned(),
            Unit::Decimal.text(micros.median),
            Unit::Count.text(rate.median / 1e6),
            Unit::Share.text(micros.spread),
        ])
    };
    let lines: Vec<Vec<String>> = READINGS.iter().chain(PEERS).filter_map(line).collect();
    table(&head, &lines)
}

/// Small ones with decimals, large ones in full.
fn number(value: f64) -> String {
    if value < 100.0 {
        Unit::Decimal.text(value)
    } else {
        Unit::Count.text(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that targets look for are names that are measured.
    #[test]
    fn every_measure_with_a_target_is_measured() {
        let set = PageSet::of_web("small", SizeProfile::Small, 5, 1).unwrap();
        let row = Row::of("page", "small", "", vec![one_run(&set)]);
        let judged: Vec<&str> = row.against.iter().map(|one| one.target.measure).collect();
        let expected = [
            "links_bytes_per_cpu_second",
            "links_text_simhash_bytes_per_cpu_second",
            "main_text_micros_per_200_kb",
            "urls_micros_per_link",
        ];
        for measure in expected {
            assert!(judged.contains(&measure), "{measure}: {judged:?}");
        }
        assert_eq!(
            judged.len() - expected.len(),
            usize::from(!PEERS.is_empty())
        );
    }

    #[test]
    fn measures_have_names_of_their_own() {
        let mut names: Vec<&str> = READINGS
            .iter()
            .chain(PEERS)
            .flat_map(|reading| [reading.micros, reading.rate])
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
