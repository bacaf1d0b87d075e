//! The report of a bench: every run, its figures, and how they stand to the targets.
//!
//! In: runs of rows. Out: one object for JSON, text for people. May touch: nothing.
//! Invariant: field names are a contract with scripts, and the same in every bench.

use std::collections::BTreeMap;

use serde::Serialize;

use super::figure::Figure;
use super::instructions::Instructions;
use super::surroundings::Surroundings;
use super::table::{Column, Unit, table};
use super::targets::{Against, target_of};

/// What one run measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Run {
    /// By the measure's name.
    pub(crate) measures: BTreeMap<&'static str, f64>,
    /// CPU seconds by stage; empty where what was measured tells none.
    pub(crate) stages: BTreeMap<String, f64>,
    /// What makes the run doubtful.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

/// All runs of one row.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) row: String,
    /// What it is, in words.
    pub(crate) about: String,
    /// In the order they were made.
    pub(crate) runs: Vec<Run>,
    /// Of every measure.
    pub(crate) figures: BTreeMap<&'static str, Figure>,
    /// Each stage's share of the CPU seconds that are accounted for.
    pub(crate) stage_shares: BTreeMap<String, Figure>,
    /// How the figures stand to their targets.
    pub(crate) against: Vec<Against>,
    /// Instructions by stage, when they were counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instructions: Option<Instructions>,
}

impl Row {
    /// A row of `bench` from its runs.
    pub(crate) fn of(bench: &str, row: &str, about: &str, runs: Vec<Run>) -> Row {
        let mut values: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
        let mut shares: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for run in &runs {
            for (measure, value) in &run.measures {
                values.entry(measure).or_default().push(*value);
            }
            let all: f64 = run.stages.values().sum();
            for (stage, seconds) in run.stages.iter().filter(|_| all > 0.0) {
                shares.entry(stage.clone()).or_default().push(seconds / all);
            }
        }
        let figures: BTreeMap<&'static str, Figure> = figures(values);
        let against = figures
            .iter()
            .filter_map(|(measure, figure)| Some(target_of(bench, row, measure)?.judge(figure)))
            .collect();
        Row {
            row: row.into(),
            about: about.into(),
            runs,
            figures,
            stage_shares: self::figures(shares),
            against,
            instructions: None,
        }
    }

    fn against(&self, measure: &str) -> Option<&Against> {
        self.against
            .iter()
            .find(|against| against.target.measure == measure)
    }
}

fn figures<Name: Ord>(values: BTreeMap<Name, Vec<f64>>) -> BTreeMap<Name, Figure> {
    values
        .into_iter()
        .filter_map(|(name, values)| Some((name, Figure::of(values)?)))
        .collect()
}

/// A bench's result.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// Which bench.
    pub(crate) bench: &'static str,
    /// The machine, the program, the date.
    #[serde(flatten)]
    pub(crate) surroundings: Surroundings,
    /// How it was run.
    pub(crate) settings: BTreeMap<&'static str, String>,
    /// What was measured.
    pub(crate) rows: Vec<Row>,
    /// What makes the figures doubtful.
    pub(crate) warnings: Vec<String>,
}

/// What of a report is shown to people, and how.
pub(crate) struct Shown<'a> {
    /// The measure that the targets are about.
    pub(crate) main: Column,
    /// The others.
    pub(crate) others: &'a [Column],
    /// What ran, in the words of a title.
    pub(crate) of_what: &'a str,
}

impl Report {
    /// For people.
    pub(crate) fn text(&self, shown: &Shown<'_>) -> String {
        let mut out = format!("{}\n", self.surroundings.text());
        for (name, value) in &self.settings {
            out.push_str(&format!("{name}: {value}\n"));
        }
        out.push_str(&format!("\n{} ({})\n", shown.main.title, shown.of_what));
        out.push_str(&self.main_table(shown.main));
        out.push('\n');
        out.push_str(&self.other_table(shown.others));
        out.push('\n');
        out.push_str(&self.stage_table());
        for row in &self.rows {
            if let Some(instructions) = &row.instructions {
                out.push_str(&format!("\n{}: {}", row.row, instructions.text()));
            }
        }
        for warning in &self.warnings {
            out.push_str(&format!("\nwarning: {warning}"));
        }
        out.trim_end().to_owned()
    }

    fn main_table(&self, main: Column) -> String {
        let head = ["row", "median", "runs", "spread", "must", "target", ""].map(str::to_owned);
        let lines: Vec<Vec<String>> = self
            .rows
            .iter()
            .filter_map(|row| {
                let figure = row.figures.get(main.measure)?;
                let against = row.against(main.measure);
                let bound = |of: fn(&Against) -> f64| {
                    against.map_or_else(|| "-".to_owned(), |against| main.unit.text(of(against)))
                };
                Some(vec![
                    row.row.clone(),
                    main.unit.text(figure.median),
                    main.unit.range(figure),
                    Unit::Share.text(figure.spread),
                    bound(|against| against.target.must),
                    bound(|against| against.target.target),
                    against.map(Against::words).unwrap_or_default(),
                ])
            })
            .collect();
        table(&head, &lines)
    }

    fn other_table(&self, columns: &[Column]) -> String {
        let head: Vec<String> = std::iter::once("row")
            .chain(columns.iter().map(|column| column.title))
            .map(str::to_owned)
            .collect();
        let line = |row: &Row| {
            let cells = columns.iter().map(|column| {
                let Some(figure) = row.figures.get(column.measure) else {
                    return "-".to_owned();
                };
                let mut cell = column.unit.text(figure.median);
                if row
                    .against(column.measure)
                    .is_some_and(|against| against.missed_by > 0.0)
                {
                    cell.push('!'); // above what it must be
                }
                cell
            });
            std::iter::once(row.row.clone()).chain(cells).collect()
        };
        table(
            &head,
            &self.rows.iter().map(line).collect::<Vec<Vec<String>>>(),
        )
    }

    fn stage_table(&self) -> String {
        let mut stages: Vec<(&str, f64)> = Vec::new();
        for row in &self.rows {
            for (stage, figure) in &row.stage_shares {
                match stages.iter_mut().find(|(name, _)| name == stage) {
                    Some((_, sum)) => *sum += figure.median,
                    None => stages.push((stage, figure.median)),
                }
            }
        }
        if stages.is_empty() {
            return "CPU by stage: not told by what was measured\n".into();
        }
        stages.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(right.0)));
        let head: Vec<String> = std::iter::once("CPU by stage")
            .chain(stages.iter().map(|(name, _)| *name))
            .map(str::to_owned)
            .collect();
        let line = |row: &Row| {
            let cells = stages.iter().map(|(stage, _)| {
                row.stage_shares
                    .get(*stage)
                    .map_or_else(|| "-".into(), |figure| Unit::Share.text(figure.median))
            });
            std::iter::once(row.row.clone()).chain(cells).collect()
        };
        table(
            &head,
            &self.rows.iter().map(line).collect::<Vec<Vec<String>>>(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::targets::{PAGES_PER_CPU_SECOND, RSS_PEAK_BYTES};

    fn run(pages: f64, rss: f64, stages: &[(&str, f64)]) -> Run {
        Run {
            measures: [(PAGES_PER_CPU_SECOND, pages), (RSS_PEAK_BYTES, rss)].into(),
            stages: stages
                .iter()
                .map(|(name, seconds)| ((*name).to_owned(), *seconds))
                .collect(),
            warnings: Vec::new(),
        }
    }

    fn report() -> Report {
        let large = vec![
            run(956.0, 100e6, &[("scan", 1.0), ("network", 3.0)]),
            run(1_000.0, 166e6, &[("scan", 1.0), ("network", 1.0)]),
            run(1_088.0, 90e6, &[("scan", 1.0), ("network", 1.0)]),
        ];
        let rows = vec![
            Row::of("crawl", "http-kept-large", "", large),
            Row::of("crawl", "http-new-large", "", vec![run(900.0, 400e6, &[])]),
        ];
        Report {
            bench: "crawl",
            surroundings: Surroundings {
                version: "0.1.0".into(),
                date: "2026-11-22T10:00:00Z".into(),
                processor: "a processor".into(),
                cores: 2,
                memory_bytes: 24_000_000_000,
                kernel: "Linux 6.1".into(),
                file_system: "ext4".into(),
                build: "release",
            },
            settings: [("pinning", "crawler on core 1, web on core 0".into())].into(),
            rows,
            warnings: vec!["the machine was busy".into()],
        }
    }

    const SHOWN: Shown<'static> = Shown {
        main: Column {
            title: "pages per crawler CPU-second",
            measure: PAGES_PER_CPU_SECOND,
            unit: Unit::Count,
        },
        others: &[Column {
            title: "peak memory",
            measure: RSS_PEAK_BYTES,
            unit: Unit::Bytes,
        }],
        of_what: "20,000 pages",
    };

    #[test]
    fn a_report_shows_medians_spread_targets_and_doubts() {
        assert_eq!(
            report().text(&SHOWN),
            "orb 0.1.0 (release), 2026-11-22T10:00:00Z, 2 cores of a processor, 24.0 GB, Linux 6.1, ext4\n\
             pinning: crawler on core 1, web on core 0\n\n\
             pages per crawler CPU-second (20,000 pages)\n\
             row              median       runs  spread   must  target\n\
             http-kept-large   1,000  956–1,088    13 %  1,430   1,800  must missed by 30 %\n\
             http-new-large      900        900     0 %      -       -\n\n\
             row              peak memory\n\
             http-kept-large     100.0 MB\n\
             http-new-large     400.0 MB!\n\n\
             CPU by stage     network  scan\n\
             http-kept-large     50 %  50 %\n\
             http-new-large         -     -\n\n\
             warning: the machine was busy"
        );
    }

    /// What scripts read.
    #[test]
    fn the_json_names_everything() {
        let json = serde_json::to_value(report()).unwrap();
        for (path, expected) in [
            ("/bench", "\"crawl\""),
            ("/version", "\"0.1.0\""),
            ("/cores", "2"),
            ("/rows/0/row", "\"http-kept-large\""),
            ("/rows/0/runs/2/measures/pages_per_cpu_second", "1088.0"),
            ("/rows/0/figures/pages_per_cpu_second/median", "1000.0"),
            ("/rows/0/stage_shares/scan/median", "0.5"),
            ("/rows/0/against/0/must", "1430.0"),
            ("/rows/0/against/0/standing", "\"missed\""),
            ("/warnings/0", "\"the machine was busy\""),
        ] {
            let found = json.pointer(path).map(ToString::to_string);
            assert_eq!(found.as_deref(), Some(expected), "{path}");
        }
    }
}
