//! `orb bench fetch`: what fetching and decoding a page costs, beside hyper and rustls doing the same.
//!
//! In: which rows, how often. Out: a table, or JSON. May touch: a web on loopback, threads.
//! Invariant: both clients of a row run in turns in this process, on one core.

use clap::Args;
use serde::Serialize;

use crate::bench::cores::Pins;
use crate::bench::fetch_cost::Cost;
#[cfg(feature = "bench-peers")]
use crate::bench::fetch_hyper;
use crate::bench::fetch_load::{FetchRow, Load, LoadSize, served};
use crate::bench::fetch_ours;
use crate::bench::figure::Figure;
use crate::bench::table::{Unit, table};
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::{count, note, say_report};

/// Arguments of `orb bench fetch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb bench fetch
  orb bench fetch --rows https-full,https-resumed --runs 5 --json

Large pages, most of them compressed, from a web on loopback with a core of its own. CPU time of the
fetching thread is what counts, the kernel's part included; sixteen pages are under way at once. A program
built with the feature bench-peers runs hyper and rustls beside ours: cargo run --release -p orb-cli
--features bench-peers -- bench fetch")]
pub(crate) struct BenchFetchArgs {
    /// Rows to run, comma-separated [default: all].
    #[arg(long, value_enum, value_name = "ROW", value_delimiter = ',')]
    rows: Vec<FetchRow>,
    /// Runs of each row and client; the median is what counts.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Sites of the web.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    sites: u32,
    /// Mean number of pages of a site.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pages_per_site: u32,
    /// Which synthetic web.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the report as one JSON object, the last line of standard output.
    #[arg(long)]
    json: bool,
}

/// What is printed. Names are a contract with scripts.
#[derive(Debug, Serialize)]
struct Report {
    rows: Vec<RowReport>,
    pinned: String,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct RowReport {
    row: &'static str,
    pages: usize,
    decoded_bytes_per_page: f64,
    target_micros: Option<f64>,
    ours: Costs,
    /// Absent where the program was built without it.
    hyper: Option<Costs>,
}

/// CPU microseconds a page.
#[derive(Debug, Serialize)]
struct Costs {
    cpu_micros: Option<Figure>,
    network_micros: Option<Figure>,
    decode_micros: Option<Figure>,
}

impl Costs {
    fn of(costs: &[Cost]) -> Costs {
        let figure = |part: fn(&Cost) -> f64| Figure::of(costs.iter().map(part));
        Costs {
            cpu_micros: figure(|cost| cost.cpu_micros),
            network_micros: figure(|cost| cost.network_micros),
            decode_micros: figure(|cost| cost.decode_micros),
        }
    }
}

/// Runs the rows and tells.
pub(crate) fn run(args: &BenchFetchArgs) -> Outcome {
    let pins = Pins::here();
    let mut warnings: Vec<String> = pins.warning.iter().cloned().collect();
    if cfg!(debug_assertions) {
        warnings.push("a debug build: its figures mean nothing".into());
    }
    if cfg!(not(feature = "bench-peers")) {
        warnings.push("no other client beside ours: build with --features bench-peers".into());
    }
    let size = LoadSize {
        sites: args.sites,
        pages_per_site: args.pages_per_site,
        seed: args.seed,
    };
    let mut rows = Vec::new();
    for row in FetchRow::ALL {
        if args.rows.is_empty() || args.rows.contains(&row) {
            rows.push(row_report(row, size, &pins, args.runs)?);
        }
    }
    let report = Report {
        rows,
        pinned: pins.how.clone(),
        warnings,
    };
    say_report(&report, &text(&report), args.json)?;
    Ok(Exit::Fine)
}

fn row_report(row: FetchRow, size: LoadSize, pins: &Pins, runs: u32) -> Result<RowReport, Failure> {
    note(&format!("orb: {}", row.name()));
    let (mut ours, mut hyper) = (Vec::new(), Vec::new());
    let work = |load: &Load| {
        for _ in 0..runs {
            ours.push(fetch_ours::run(load, row)?);
            hyper.extend(peer(load, row)?);
        }
        Ok(load.pages())
    };
    let pages = served(row, size, pins, work)?;
    let bytes = |costs: &[Cost]| {
        costs
            .first()
            .map_or(0.0, |cost| cost.decoded_bytes_per_page)
    };
    if !hyper.is_empty() && bytes(&ours) != bytes(&hyper) {
        return Err(Failure::usage_text(format!(
            "{}: the clients decoded different pages",
            row.name()
        )));
    }
    Ok(RowReport {
        row: row.name(),
        pages,
        decoded_bytes_per_page: bytes(&ours),
        target_micros: row.target_micros(),
        ours: Costs::of(&ours),
        hyper: (!hyper.is_empty()).then(|| Costs::of(&hyper)),
    })
}

/// The same load by hyper.
#[cfg(feature = "bench-peers")]
fn peer(load: &Load, row: FetchRow) -> Result<Option<Cost>, Failure> {
    fetch_hyper::run(load, row).map(Some)
}

#[cfg(not(feature = "bench-peers"))]
fn peer(_: &Load, _: FetchRow) -> Result<Option<Cost>, Failure> {
    Ok(None)
}

fn text(report: &Report) -> String {
    let head = [
        "row",
        "us/page",
        "network",
        "decode",
        "target",
        "hyper us/page",
        "network",
        "spread",
    ];
    let cell = |figure: &Option<Figure>| {
        figure.map_or_else(String::new, |figure| Unit::Count.text(figure.median))
    };
    let lines: Vec<Vec<String>> = report
        .rows
        .iter()
        .map(|row| {
            vec![
                row.row.to_owned(),
                cell(&row.ours.cpu_micros),
                cell(&row.ours.network_micros),
                cell(&row.ours.decode_micros),
                row.target_micros
                    .map_or_else(String::new, |target| Unit::Count.text(target)),
                row.hyper
                    .as_ref()
                    .map_or_else(String::new, |hyper| cell(&hyper.cpu_micros)),
                row.hyper
                    .as_ref()
                    .map_or_else(String::new, |hyper| cell(&hyper.network_micros)),
                row.ours
                    .cpu_micros
                    .map_or_else(String::new, |figure| Unit::Share.text(figure.spread)),
            ]
        })
        .collect();
    let head: Vec<String> = head.iter().map(ToString::to_string).collect();
    let mut out = table(&head, &lines);
    if let Some(row) = report.rows.first() {
        out.push_str(&format!(
            "{} pages a run, {} bytes decoded in the mean; {}\n",
            count(row.pages as u64),
            Unit::Count.text(row.decoded_bytes_per_page),
            report.pinned
        ));
    }
    for warning in &report.warnings {
        out.push_str(&format!("warning: {warning}\n"));
    }
    out.trim_end().to_owned()
}
