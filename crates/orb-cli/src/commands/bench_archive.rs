//! `orb bench archive`: what archiving a page costs, in CPU and in bytes.
//!
//! In: a folder of pages, how often. Out: a table for each set of pages, or JSON.
//! May touch: a folder beside the caller, removed at the end; threads.
//! Invariant: all forms of a run take turns over the same exchanges in memory, on one core.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use orb_env::{Disk, KernelDisk};
use orb_simweb::SizeProfile;

use super::bench::Workplace;
use crate::bench::archive_forms::{FORMS, Nowhere};
use crate::bench::archive_set::{Coding, ExchangeSet};
use crate::bench::cores::Pins;
use crate::bench::page_set::PageSet;
use crate::bench::report::{Report, Row, Run};
use crate::bench::surroundings::Surroundings;
use crate::bench::table::{Unit, table};
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::{bytes, note, say_report};

/// Arguments of `orb bench archive`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb bench archive                              on the disk of the current folder
  orb bench archive --out /dev/shm/orb-bench     in memory: what the program itself costs
  orb bench archive --pages /usr/share/doc --runs 5 --json

Exchanges lie in memory before anything is measured. Each form writes response, request and metadata records to a file
that is synced every few megabytes; CPU time of the writing thread, system calls included, is what counts. `without file` is
what making the records costs by itself. The dictionary of the dense form is made of a quarter of the pages; it is not in the
figures, since a file holds it once.")]
pub(crate) struct BenchArchiveArgs {
    /// Folder of HTML files, to be archived beside the pages of the synthetic web.
    #[arg(long, value_name = "DIR")]
    pages: Option<PathBuf>,
    /// Pages of each set, at most.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pages_max: u32,
    /// Runs of each form; the median is what counts.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Which synthetic web.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Folder to work in; must not exist, is removed at the end [default: orb-bench, or the first free orb-bench-N].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the report as one JSON object, the last line of standard output.
    #[arg(long)]
    json: bool,
}

/// Runs the forms and tells.
pub(crate) fn run(args: &BenchArchiveArgs) -> Outcome {
    let sets = sets(args)?;
    let workplace = Workplace::make(args.out.as_deref())?;
    let surroundings = Surroundings::here(workplace.path());
    let pins = Pins::here();
    let mut rows = Vec::new();
    for set in &sets {
        note(&format!("orb: {}: {}", set.name, set.about));
        let runs: Result<Vec<Run>, Failure> = (0..args.runs)
            .map(|_| Pins::on(pins.crawler, || one_run(set, workplace.path())))
            .collect();
        rows.push(Row::of("archive", &set.name, &set.about, runs?));
    }
    drop(workplace);
    let mut warnings: Vec<String> = pins.warning.iter().cloned().collect();
    if cfg!(debug_assertions) {
        warnings.push("a debug build: its figures mean nothing".into());
    }
    let report = Report {
        bench: "archive",
        surroundings,
        settings: [("pinning", pins.how.clone())].into(),
        rows,
        warnings,
    };
    let text = text(&report, &sets);
    say_report(&report, &text, args.json)?;
    Ok(Exit::Fine)
}

fn sets(args: &BenchArchiveArgs) -> Result<Vec<ExchangeSet>, Failure> {
    let pages_max = args.pages_max as usize;
    let mut pages = Vec::new();
    if let Some(folder) = &args.pages {
        pages.push(PageSet::of_folder(folder, pages_max)?);
    }
    for (name, size) in [("large", SizeProfile::Large), ("small", SizeProfile::Small)] {
        pages.push(PageSet::of_web(name, size, pages_max, args.seed)?);
    }
    let coded = |set| [Coding::Gzip, Coding::Plain].map(|coding| ExchangeSet::of(set, coding));
    Ok(pages.iter().flat_map(coded).collect())
}

/// Every form once over all exchanges, each into a file of its own.
fn one_run(set: &ExchangeSet, folder: &Path) -> Result<Run, Failure> {
    let path = folder.join("records");
    let pages = set.exchanges.len().max(1) as f64;
    let mut measures: BTreeMap<&'static str, f64> = BTreeMap::new();
    let cost = |form: &crate::bench::archive_forms::Form, links| {
        let mut file = KernelDisk.append(&path)?;
        let cost = form.write(set, links, file.as_mut())?;
        KernelDisk.remove(&path)?;
        Ok::<_, std::io::Error>(cost)
    };
    for form in &FORMS {
        let cost = cost(form, true).map_err(Failure::storage)?;
        measures.insert(form.micros, cost.cpu.as_secs_f64() * 1e6 / pages);
        let alone = form.write(set, true, &mut Nowhere::default());
        let alone = alone.map_err(Failure::storage)?.cpu;
        measures.insert(form.alone, alone.as_secs_f64() * 1e6 / pages);
        measures.insert(form.bytes, cost.bytes as f64 / pages);
    }
    let stored = FORMS
        .iter()
        .find(|form| form.micros == "stored_micros_per_page");
    let without_links = cost(stored.expect("a form of the list"), false);
    let without_links = without_links.map_err(Failure::storage)?.bytes as f64;
    // What is added hardly depends on the body, so the must for one of 67 KB is judged by what that would have.
    let more = (without_links - set.message_bytes() as f64) / pages;
    measures.insert("stored_more_bytes_per_page", more);
    measures.insert("stored_more_bytes_share_of_67_kb", more / 67e3);
    // Bodies are not of one size from web to web; the must is for one of 67 KB.
    let size = 67e3 * pages / set.body_bytes().max(1) as f64;
    for (of, to) in [
        ("stored_micros_per_page", "stored_micros_per_67_kb"),
        (
            "stored_bare_micros_per_page",
            "stored_bare_micros_per_67_kb",
        ),
    ] {
        measures.insert(to, measures[of] * size);
    }
    Ok(Run {
        measures,
        ..Run::default()
    })
}

fn text(report: &Report, sets: &[ExchangeSet]) -> String {
    let mut out = format!("{}\n", report.surroundings.text());
    for (name, value) in &report.settings {
        out.push_str(&format!("{name}: {value}\n"));
    }
    for (row, set) in report.rows.iter().zip(sets) {
        let pages = set.exchanges.len().max(1);
        out.push_str(&format!(
            "\n{}: {}, bodies of {}, messages of {}\n",
            row.row,
            row.about,
            bytes((set.body_bytes() / pages) as u64),
            bytes((set.message_bytes() / pages) as u64),
        ));
        out.push_str(&forms_table(row));
        if let Some(more) = row.figures.get("stored_more_bytes_per_page") {
            out.push_str(&format!(
                "more than the messages, stored, links apart: {} a page\n",
                bytes(more.median.max(0.0) as u64)
            ));
        }
        for against in &row.against {
            let Some(figure) = row.figures.get(against.target.measure) else {
                continue;
            };
            out.push_str(&format!(
                "{}: {:.3}, must {}: {}\n",
                against.target.measure,
                figure.median,
                against.target.must,
                against.words()
            ));
        }
    }
    for warning in &report.warnings {
        out.push_str(&format!("warning: {warning}\n"));
    }
    out.trim_end().to_owned()
}

fn forms_table(row: &Row) -> String {
    let head = ["form", "us/page", "without file", "bytes/page", "spread"].map(str::to_owned);
    let lines = FORMS.iter().filter_map(|form| {
        let (micros, size) = (row.figures.get(form.micros)?, row.figures.get(form.bytes)?);
        let alone = row.figures.get(form.alone)?;
        Some(vec![
            form.name.to_owned(),
            Unit::Decimal.text(micros.median),
            Unit::Decimal.text(alone.median),
            Unit::Count.text(size.median),
            Unit::Share.text(micros.spread),
        ])
    });
    table(&head, &lines.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_warc::{Compression, Reader};

    /// Names that targets look for are names that are measured, and every form holds the same records.
    #[test]
    fn every_form_writes_whole_records_and_every_target_is_measured() {
        let pages = PageSet::of_web("large", SizeProfile::Small, 5, 1).unwrap();
        let set = ExchangeSet::of(&pages, Coding::Gzip);
        let folder = tempfile::tempdir().unwrap();
        let run = one_run(&set, folder.path()).unwrap();
        let row = Row::of("archive", &set.name, "", vec![run]);
        assert_eq!(row.against.len(), 3, "{:?}", row.against);
        for form in &FORMS {
            let path = folder.path().join("one");
            let mut file = KernelDisk.append(&path).unwrap();
            form.write(&set, true, file.as_mut()).unwrap();
            let written = std::fs::read(&path).unwrap();
            let compression = match form.name {
                name if name.starts_with("gzip") => Compression::Gzip,
                name if name.starts_with("zstd") => Compression::Zstd,
                _ => Compression::None,
            };
            let records: Vec<_> = Reader::with_compression(&written[..], compression)
                .collect::<Result<_, _>>()
                .unwrap();
            assert_eq!(records.len(), 15, "{}", form.name);
            assert!(
                records
                    .iter()
                    .all(|record| !record.verify_digests().is_mismatch())
            );
            std::fs::remove_file(&path).unwrap();
        }
    }
}
