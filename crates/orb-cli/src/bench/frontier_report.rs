//! What `orb bench frontier` found: figures beside musts, how things stood at each tenth, where the time went.
//!
//! In: findings of a drill. Out: one object for JSON, text for people. May touch: nothing.
//! Invariant: figures are named here and judged in `targets.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use orb_api::count;
use orb_drill::{DrillSettings, Findings, Mark, Recovery};
use serde::Serialize;

use super::report::{Report, Row, Run};
use super::surroundings::Surroundings;
use super::table::{Unit, table};
use crate::terminal::bytes;

/// URLs and sites that musts are about.
const STANDARD: (u64, u64) = (200_000_000, 10_000_000);

/// What is shown, in this order: title, measure, unit.
const SHOWN: &[(&str, &str, Unit)] = &[
    (
        "sieve checks per CPU-second",
        "sieve_checks_per_cpu_second",
        Unit::Count,
    ),
    (
        "links offered per CPU-second",
        "links_per_cpu_second",
        Unit::Count,
    ),
    (
        "URLs admitted per second, nothing else going on",
        "admitted_per_second_alone",
        Unit::Count,
    ),
    (
        "URLs admitted per second, over all",
        "admitted_per_second",
        Unit::Count,
    ),
    (
        "requests per second, over all",
        "pops_per_second",
        Unit::Count,
    ),
    (
        "CPU of a pop, median, us",
        "pop_cpu_us_median",
        Unit::Decimal,
    ),
    ("CPU of a pop, p99, us", "pop_cpu_us_p99", Unit::Decimal),
    (
        "process CPU of a request, mean, us",
        "pop_process_cpu_us",
        Unit::Decimal,
    ),
    (
        "wall of a pop, p99.9, ms",
        "pop_wall_ms_p999",
        Unit::Decimal,
    ),
    (
        "wall of a commit, p99, ms",
        "commit_wall_ms_p99",
        Unit::Decimal,
    ),
    (
        "wall of a commit, longest, ms",
        "commit_wall_ms_max",
        Unit::Decimal,
    ),
    (
        "wall of a merge, longest, ms",
        "merge_wall_ms_max",
        Unit::Decimal,
    ),
    (
        "resident memory at the start",
        "rss_start_bytes",
        Unit::Bytes,
    ),
    ("resident memory at a tenth", "rss_tenth_bytes", Unit::Bytes),
    ("resident memory at the end", "rss_end_bytes", Unit::Bytes),
    ("resident memory, peak", "rss_peak_bytes", Unit::Bytes),
    ("of it the link generator's", "generator_bytes", Unit::Bytes),
    ("disk per URL, bytes", "disk_bytes_per_url", Unit::Decimal),
    ("  queue", "disk_bytes_per_url_queue", Unit::Decimal),
    ("  fates", "disk_bytes_per_url_fates", Unit::Decimal),
    ("  sites", "disk_bytes_per_url_sites", Unit::Decimal),
    (
        "  other keyspaces",
        "disk_bytes_per_url_other",
        Unit::Decimal,
    ),
    (
        "  journals of the stores",
        "disk_bytes_per_url_journals",
        Unit::Decimal,
    ),
    ("  sieve", "disk_bytes_per_url_sieve", Unit::Decimal),
    (
        "written per URL, bytes",
        "written_bytes_per_url",
        Unit::Count,
    ),
    (
        "opening after SIGKILL, s",
        "recovery_seconds",
        Unit::Decimal,
    ),
    (
        "  of it the stores, with their journals",
        "recovery_seconds_stores",
        Unit::Decimal,
    ),
    (
        "opening at 1 G URLs, s (what grows, by proportion)",
        "recovery_seconds_at_1g",
        Unit::Decimal,
    ),
];

/// The report, with what other benches have not.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FrontierReport {
    #[serde(flatten)]
    report: Report,
    marks: Vec<Mark>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery: Option<Recovery>,
}

impl FrontierReport {
    /// Of what a drill with `settings` found.
    pub(crate) fn new(
        surroundings: Surroundings,
        settings: &DrillSettings,
        findings: &Findings,
        recovery: Option<Recovery>,
    ) -> FrontierReport {
        let stream = &settings.stream;
        let about = format!(
            "{} URLs on {} sites, {:.1} % done",
            count(stream.urls),
            count(stream.sites),
            settings.done_share * 100.0
        );
        let told = [
            ("size", about.clone()),
            ("links", format!(
                "{} a page, 75 % on the site, each URL found {:.0} times, sites by Zipf with exponent {}, seed {}",
                stream.links_per_page, stream.repeat, stream.exponent, stream.seed
            )),
            ("hot site", count(stream.hot_urls)),
            ("memory setting", bytes(settings.memory_bytes)),
            ("threads", format!("{} with two helpers each, {} slots", settings.shards, settings.slots)),
            ("CPU", "of a pop: its thread's and its share of the helper's job; of a request: all of the process but the link generator, while nothing is fed".to_owned()),
            ("disk", "at the end, with the store's background work under way".to_owned()),
        ];
        let report = Report {
            bench: "frontier",
            surroundings,
            settings: told.into(),
            rows: vec![Row::of(
                "frontier",
                "stream",
                &about,
                vec![run(findings, recovery)],
            )],
            warnings: warnings(settings, findings),
        };
        FrontierReport {
            report,
            marks: findings.marks.clone(),
            recovery,
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut out = format!("{}\n", self.report.surroundings.text());
        for (name, value) in &self.report.settings {
            out.push_str(&format!("{name}: {value}\n"));
        }
        for row in &self.report.rows {
            out.push('\n');
            out.push_str(&figures(row));
            out.push('\n');
            out.push_str(&stages(row));
        }
        out.push('\n');
        out.push_str(&marks(&self.marks));
        for warning in &self.report.warnings {
            out.push_str(&format!("\nwarning: {warning}"));
        }
        out.trim_end().to_owned()
    }
}

fn warnings(settings: &DrillSettings, findings: &Findings) -> Vec<String> {
    let mut warnings = Vec::new();
    if cfg!(debug_assertions) {
        warnings.push("a debug build: its figures mean nothing".to_owned());
    }
    if (settings.stream.urls, settings.stream.sites) != STANDARD {
        warnings.push(
            "not the standard size: musts are for 200 million URLs on 10 million sites, half done"
                .to_owned(),
        );
    }
    if findings.cut_short {
        warnings.push("ended early: the figures are of what was done until then".to_owned());
    }
    for (cause, links) in &findings.sightings {
        warnings.push(format!(
            "{} links were stopped before the sieve: {cause}",
            count(*links)
        ));
    }
    warnings
}

/// Measures by name; what could not be measured is left out.
struct Measures(Run);

impl Measures {
    fn add(&mut self, name: &'static str, value: f64) {
        if value.is_finite() {
            self.0.measures.insert(name, value);
        }
    }
}

fn run(findings: &Findings, recovery: Option<Recovery>) -> Run {
    let mut run = Measures(Run::default());
    measure_work(&mut run, findings);
    measure_pops(&mut run, findings);
    measure_memory_and_disk(&mut run, findings);
    if let Some(recovery) = recovery {
        run.add("recovery_seconds", recovery.seconds);
        run.add("recovery_seconds_stores", recovery.stores_seconds);
        run.add("recovery_seconds_at_1g", recovery.seconds_at(1e9));
    }
    run.0.stages = stage_seconds(findings);
    run.0
}

fn measure_work(run: &mut Measures, findings: &Findings) {
    let (costs, end) = (&findings.costs, &findings.end);
    run.add("seconds", end.seconds);
    run.add("cpu_seconds", end.cpu_seconds);
    run.add("urls", end.admitted as f64);
    run.add("done", end.done as f64);
    run.add("links", end.links as f64);
    run.add("sites", findings.sites as f64);
    run.add("groups", costs.groups as f64);
    run.add("merges", costs.merges as f64);
    run.add("sieve_checks", costs.checks as f64);
    let merging = costs.merge_cpu.as_secs_f64();
    run.add("sieve_checks_per_cpu_second", costs.checks as f64 / merging);
    let offering = costs.offer_cpu.as_secs_f64();
    run.add("links_per_cpu_second", costs.links as f64 / offering);
    let fed_until = findings
        .marks
        .last()
        .map_or(end.seconds, |mark| mark.seconds);
    run.add("admitted_per_second", end.admitted as f64 / fed_until);
    if let Some((seconds, admitted, _)) = findings.first_pop {
        run.add("admitted_per_second_alone", admitted as f64 / seconds);
        run.add("pops_per_second", end.pops as f64 / (end.seconds - seconds));
    }
}

fn measure_pops(run: &mut Measures, findings: &Findings) {
    let costs = &findings.costs;
    let micros = |span: Duration| span.as_secs_f64() * 1e6;
    let millis = |span: Duration| span.as_secs_f64() * 1e3;
    run.add("pop_cpu_us_median", micros(costs.pop_cpu.quantile(0.5)));
    run.add("pop_cpu_us_p99", micros(costs.pop_cpu.quantile(0.99)));
    run.add("pop_cpu_us_mean", micros(costs.pop_cpu.mean()));
    let (drained, cpu) = findings.draining;
    if drained > 0 {
        run.add("pop_process_cpu_us", cpu * 1e6 / drained as f64);
    }
    run.add("pop_wall_ms_p999", millis(costs.pop_wall.quantile(0.999)));
    let commits = &costs.commit_wall;
    run.add("commit_wall_ms_median", millis(commits.quantile(0.5)));
    run.add("commit_wall_ms_p99", millis(commits.quantile(0.99)));
    run.add("commit_wall_ms_max", millis(commits.longest()));
    run.add("merge_wall_ms_max", millis(costs.merge_wall.longest()));
}

fn measure_memory_and_disk(run: &mut Measures, findings: &Findings) {
    let (start, end) = (&findings.start.account, &findings.end);
    let urls = end.admitted.max(1) as f64;
    run.add("rss_start_bytes", start.rss_bytes as f64);
    if let Some(tenth) = findings.marks.first() {
        run.add("rss_tenth_bytes", tenth.account.rss_bytes as f64);
    }
    run.add("rss_end_bytes", end.account.rss_bytes as f64);
    run.add("rss_peak_bytes", end.account.rss_peak_bytes as f64);
    run.add("generator_bytes", findings.generator_bytes as f64);
    run.add("disk_bytes_per_url", end.disk.bytes() as f64 / urls);
    let (mut other, mut sites) = (0, 0);
    for (name, bytes) in &end.disk.keyspaces {
        match *name {
            "queue" => run.add("disk_bytes_per_url_queue", *bytes as f64 / urls),
            "fates" => run.add("disk_bytes_per_url_fates", *bytes as f64 / urls),
            "sites" | "tallies" => sites += bytes,
            _ => other += bytes,
        }
    }
    run.add("disk_bytes_per_url_sites", sites as f64 / urls);
    run.add("disk_bytes_per_url_other", other as f64 / urls);
    let journals = end.disk.store_other as f64;
    run.add("disk_bytes_per_url_journals", journals / urls);
    run.add("disk_bytes_per_url_sieve", end.disk.sieve as f64 / urls);
    let written = end.account.written_bytes - start.written_bytes;
    run.add("written_bytes_per_url", written as f64 / urls);
}

/// CPU seconds by kind of work; what no thread of ours accounts for is the store's own threads' and the watcher's.
fn stage_seconds(findings: &Findings) -> BTreeMap<String, f64> {
    let mut stages: BTreeMap<String, f64> = findings
        .costs
        .by_kind()
        .into_iter()
        .map(|(name, spent)| (name.to_owned(), spent.as_secs_f64()))
        .collect();
    let told: f64 = stages.values().sum();
    stages.insert(
        "store and other".into(),
        (findings.end.cpu_seconds - told).max(0.0),
    );
    stages
}

fn figures(row: &Row) -> String {
    let lines = SHOWN.iter().filter_map(|(title, measure, unit)| {
        let figure = row.figures.get(measure)?;
        let against = row
            .against
            .iter()
            .find(|against| against.target.measure == *measure);
        Some(vec![
            (*title).to_owned(),
            unit.text(figure.median),
            against.map_or_else(|| "-".to_owned(), |against| unit.text(against.target.must)),
            against
                .map(super::targets::Against::words)
                .unwrap_or_default(),
        ])
    });
    let head = ["figure", "", "must", ""].map(str::to_owned);
    table(&head, &lines.collect::<Vec<_>>())
}

fn stages(row: &Row) -> String {
    let all: f64 = row.runs.iter().flat_map(|run| run.stages.values()).sum();
    let mut spent: Vec<(&str, f64)> = row
        .runs
        .iter()
        .flat_map(|run| &run.stages)
        .map(|(name, seconds)| (name.as_str(), *seconds))
        .collect();
    spent.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(right.0)));
    let line = |(name, seconds): &(&str, f64)| {
        vec![
            (*name).to_owned(),
            Unit::Decimal.text(*seconds),
            Unit::Share.text(seconds / all.max(1e-9)),
        ]
    };
    let head = ["CPU by work", "seconds", "share"].map(str::to_owned);
    table(&head, &spent.iter().map(line).collect::<Vec<_>>())
}

fn marks(marks: &[Mark]) -> String {
    let head = [
        "URLs in",
        "done",
        "seconds",
        "URLs/s",
        "requests/s",
        "pop CPU us",
        "memory",
        "disk",
        "disk/URL",
        "written",
    ]
    .map(str::to_owned);
    let line = |mark: &Mark| {
        vec![
            count(mark.admitted),
            count(mark.done),
            Unit::Count.text(mark.seconds),
            Unit::Count.text(mark.admitted_per_second),
            Unit::Count.text(mark.pops_per_second),
            Unit::Decimal.text(mark.pop_cpu_us),
            bytes(mark.account.rss_bytes),
            bytes(mark.disk.bytes()),
            Unit::Decimal.text(mark.disk.bytes() as f64 / mark.admitted.max(1) as f64),
            bytes(mark.account.written_bytes),
        ]
    };
    table(&head, &marks.iter().map(line).collect::<Vec<_>>())
}

/// One mark as a line of progress.
pub(crate) fn mark_line(mark: &Mark, urls: u64) -> String {
    format!(
        "orb: {:.0} % in after {:.0} s: {} URLs/s, {} requests/s, {:.1} us a pop, {} resident, {} on disk ({:.0} a URL), {} written",
        mark.admitted as f64 * 100.0 / urls as f64,
        mark.seconds,
        Unit::Count.text(mark.admitted_per_second),
        Unit::Count.text(mark.pops_per_second),
        mark.pop_cpu_us,
        bytes(mark.account.rss_bytes),
        bytes(mark.disk.bytes()),
        mark.disk.bytes() as f64 / mark.admitted.max(1) as f64,
        bytes(mark.account.written_bytes),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything shown is measured in a whole run, and every must is about something that is.
    #[test]
    fn every_figure_has_its_measure() {
        let mut findings = Findings::default();
        findings.end.admitted = 1_000;
        findings.end.seconds = 2.0;
        findings.first_pop = Some((1.0, 100, 0.5));
        findings.draining = (10, 0.001);
        findings.marks.push(Mark {
            admitted: 100,
            seconds: 1.0,
            ..Mark::default()
        });
        findings.costs.checks = 1;
        findings.costs.links = 1;
        findings.costs.merge_cpu = Duration::from_secs(1);
        findings.costs.offer_cpu = Duration::from_secs(1);
        findings.end.disk.keyspaces = ["queue", "fates", "sites"].map(|name| (name, 1)).into();
        let run = run(
            &findings,
            Some(Recovery {
                urls: 1,
                ..Recovery::default()
            }),
        );
        for (title, measure, _) in SHOWN {
            assert!(run.measures.contains_key(measure), "{title}");
        }
        let row = Row::of("frontier", "stream", "", vec![run]);
        let judged: Vec<&str> = row
            .against
            .iter()
            .map(|against| against.target.measure)
            .collect();
        assert_eq!(judged.len(), 9, "{judged:?}");
        assert!(figures(&row).contains("must missed"), "{}", figures(&row));
    }
}
