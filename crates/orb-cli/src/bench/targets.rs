//! What each bench must reach, as data in one place.
//!
//! In: a bench, a row and a measured figure. Out: whether it is reached, and by how much not.
//! May touch: nothing. Invariant: a number of `docs/performance.md` that is a must or a target stands here and only
//! here.

use serde::Serialize;

use super::figure::Figure;

/// On which side of its bound a measure should lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    /// More is better.
    AtLeast,
    /// Less is better.
    AtMost,
}

/// What one measure of one row must reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Target {
    #[serde(skip)]
    bench: &'static str,
    /// `*` for every row of the bench.
    #[serde(skip)]
    row: &'static str,
    /// The measure it is about.
    pub(crate) measure: &'static str,
    /// Which side is good.
    pub(crate) side: Side,
    /// What it must reach.
    pub(crate) must: f64,
    /// What it should reach.
    pub(crate) target: f64,
}

/// Measure of the crawl bench that its targets are about.
pub(crate) const PAGES_PER_CPU_SECOND: &str = "pages_per_cpu_second";
/// Largest resident set of the crawler.
pub(crate) const RSS_PEAK_BYTES: &str = "rss_peak_bytes";

/// Every must and target. Those of the crawl are for 2,000 sites and 20,000 pages with everything on.
pub(crate) const TARGETS: &[Target] = &[
    crawl("http-kept-large", 1_430.0, 1_800.0),
    crawl("https-kept-large", 1_250.0, 1_500.0),
    crawl("https-new-large", 724.0, 900.0),
    crawl("http-kept-small", 7_100.0, 10_000.0),
    Target {
        bench: "crawl",
        row: "*",
        measure: RSS_PEAK_BYTES,
        side: Side::AtMost,
        must: 300.0 * 1_048_576.0,
        target: 300.0 * 1_048_576.0,
    },
    frontier("sieve_checks_per_cpu_second", Side::AtLeast, 5e6),
    frontier("pop_cpu_us_median", Side::AtMost, 10.0),
    frontier("pop_cpu_us_p99", Side::AtMost, 100.0),
    frontier("pop_process_cpu_us", Side::AtMost, 20.0),
    frontier("pop_wall_ms_p999", Side::AtMost, 20.0),
    frontier(RSS_PEAK_BYTES, Side::AtMost, 2.0 * 1_073_741_824.0),
    frontier("disk_bytes_per_url", Side::AtMost, 70.0),
    frontier("disk_bytes_per_url_sieve", Side::AtMost, 7.0),
    frontier("recovery_seconds", Side::AtMost, 30.0),
    page("links_bytes_per_cpu_second", Side::AtLeast, 2e9),
    page(
        "links_text_simhash_bytes_per_cpu_second",
        Side::AtLeast,
        0.8e9,
    ),
    page("links_text_simhash_over_lol_html", Side::AtLeast, 1.5),
    page("urls_micros_per_link", Side::AtMost, 0.25),
    page("main_text_micros_per_200_kb", Side::AtMost, 2_000.0),
    archive("stored_micros_per_67_kb", 130.0),
    archive("stored_bare_micros_per_67_kb", 60.0),
    archive("stored_more_bytes_share_of_67_kb", 0.03),
];

/// Those of archiving are for large pages that came gzipped, and the records a crawl writes by default.
const fn archive(measure: &'static str, must: f64) -> Target {
    Target {
        bench: "archive",
        row: "large, gzip-encoded",
        measure,
        side: Side::AtMost,
        must,
        target: must,
    }
}

/// Those of reading pages are for one core.
const fn page(measure: &'static str, side: Side, must: f64) -> Target {
    Target {
        bench: "page",
        row: "*",
        measure,
        side,
        must,
        target: must,
    }
}

/// Those of the frontier are for 200 million URLs on 10 million sites, half done.
const fn frontier(measure: &'static str, side: Side, must: f64) -> Target {
    Target {
        bench: "frontier",
        row: "*",
        measure,
        side,
        must,
        target: must,
    }
}

const fn crawl(row: &'static str, must: f64, target: f64) -> Target {
    Target {
        bench: "crawl",
        row,
        measure: PAGES_PER_CPU_SECOND,
        side: Side::AtLeast,
        must,
        target,
    }
}

/// How a figure stands to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// The target is reached.
    Target,
    /// The must is reached, the target is not.
    Must,
    /// The must is missed.
    Missed,
}

/// A target and how a figure stands to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Against {
    #[serde(flatten)]
    pub(crate) target: Target,
    /// Judged by the median.
    pub(crate) standing: Standing,
    /// By how much of the must it is missed; 0 when it is not.
    pub(crate) missed_by: f64,
}

impl Against {
    /// In words for the end of a line.
    pub(crate) fn words(&self) -> String {
        match self.standing {
            Standing::Target => "target reached".into(),
            Standing::Must => "must reached".into(),
            Standing::Missed => format!("must missed by {:.0} %", self.missed_by * 100.0),
        }
    }
}

/// What `measure` of `row` is held against, if anything.
pub(crate) fn target_of(bench: &str, row: &str, measure: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| {
        target.bench == bench
            && (target.row == row || target.row == "*")
            && target.measure == measure
    })
}

impl Target {
    /// Judges the median of `figure`.
    pub(crate) fn judge(&self, figure: &Figure) -> Against {
        let reaches = |bound: f64| match self.side {
            Side::AtLeast => figure.median >= bound,
            Side::AtMost => figure.median <= bound,
        };
        let standing = match (reaches(self.target), reaches(self.must)) {
            (true, _) => Standing::Target,
            (false, true) => Standing::Must,
            (false, false) => Standing::Missed,
        };
        let missed_by = match standing {
            Standing::Missed => (figure.median - self.must).abs() / self.must,
            _ => 0.0,
        };
        Against {
            target: *self,
            standing,
            missed_by,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(row: &str, measure: &str, median: f64, expected: &str) {
        let target = target_of("crawl", row, measure).unwrap();
        let figure = Figure::of([median]).unwrap();
        assert_eq!(
            target.judge(&figure).words(),
            expected,
            "{row} {measure} {median}"
        );
    }

    #[test]
    fn more_pages_and_less_memory_are_better() {
        check(
            "https-new-large",
            PAGES_PER_CPU_SECOND,
            900.0,
            "target reached",
        );
        check(
            "https-new-large",
            PAGES_PER_CPU_SECOND,
            899.0,
            "must reached",
        );
        check(
            "https-new-large",
            PAGES_PER_CPU_SECOND,
            543.0,
            "must missed by 25 %",
        );
        check("http-new-small", RSS_PEAK_BYTES, 100e6, "target reached");
        check(
            "http-new-small",
            RSS_PEAK_BYTES,
            629_145_600.0,
            "must missed by 100 %",
        );
    }

    #[test]
    fn a_row_without_a_target_is_not_judged() {
        assert_eq!(
            target_of("crawl", "http-new-large", PAGES_PER_CPU_SECOND),
            None
        );
        assert_eq!(
            target_of("fetch", "https-new-large", PAGES_PER_CPU_SECOND),
            None
        );
    }

    /// A must above its target would make a row that reaches the target miss the must.
    #[test]
    fn no_target_is_easier_than_its_must() {
        for target in TARGETS {
            let harder = match target.side {
                Side::AtLeast => target.target >= target.must,
                Side::AtMost => target.target <= target.must,
            };
            assert!(harder, "{target:?}");
        }
    }
}
