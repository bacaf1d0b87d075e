//! `orb bench` from outside: a small one, its report, what it leaves.

#![allow(clippy::unwrap_used)] // in a test's own tools too, a panic is the report

mod orb;

use orb::orb_in;

/// Figures of a debug build mean nothing; that they are all there, and that they fit each other, does.
#[test]
fn a_small_bench_reports_every_run_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ran = orb_in(
        folder.path(),
        &[
            "bench",
            "crawl",
            "--rows=https-new-small,http-kept-small",
            "--runs=2",
            "--sites=4",
            "--pages-per-site=3",
            "--json",
        ],
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    let report = ran.json();
    let rows = report["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().filter_map(|row| row["row"].as_str()).collect();
    assert_eq!(names, ["http-kept-small", "https-new-small"]);
    for row in rows {
        let runs = row["runs"].as_array().unwrap();
        assert_eq!(runs.len(), 2);
        for run in runs {
            let measure = |name: &str| run["measures"][name].as_f64().unwrap();
            assert!(measure("pages") >= 4.0, "{run}");
            assert!(
                measure("cpu_seconds") > 0.0 && measure("rss_peak_bytes") > 1e6,
                "{run}"
            );
            let by_hand = measure("pages") / measure("cpu_seconds");
            let reported = measure("pages_per_cpu_second");
            assert!((by_hand - reported).abs() < 0.01 * by_hand, "{run}");
        }
    }
    assert_eq!(rows[0]["against"][0]["must"], 7_100.0);
    assert!(
        ran.err.contains("must"),
        "the table is shown too: {}",
        ran.err
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// The same for the frontier: filled, half done, killed, opened; nothing left.
#[test]
fn a_small_frontier_bench_fills_works_is_killed_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ran = orb_in(
        folder.path(),
        &["bench", "frontier", "--urls=2k", "--sites=200", "--json"],
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    let report = ran.json();
    let measure = |name: &str| {
        report["rows"][0]["runs"][0]["measures"][name]
            .as_f64()
            .unwrap()
    };
    assert_eq!((measure("urls"), measure("sites")), (2_000.0, 200.0));
    assert!((1_000.0..1_900.0).contains(&measure("done")), "{report}");
    assert!(measure("links") > 10_000.0 && measure("sieve_checks") >= 2_000.0);
    assert!(measure("recovery_seconds") > 0.0 && measure("pop_cpu_us_median") > 0.0);
    assert_eq!(report["recovery"]["urls"], 2_000);
    assert!(!report["marks"].as_array().unwrap().is_empty());
    assert!(ran.err.contains("disk per URL"), "{}", ran.err);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_bench_that_cannot_be_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path().to_str().unwrap();
    let ran = orb_in(folder.path(), &["bench", "crawl", "--out", here]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("is there already"), "{}", ran.err);
    let ran = orb_in(folder.path(), &["bench", "crawl", "--rows", "https"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("https-new-large"), "{}", ran.err);
}
