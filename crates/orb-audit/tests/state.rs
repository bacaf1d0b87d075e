//! The verdicts `books` and `frame`.

mod folder;

use std::io;
use std::path::Path;

use folder::{FakeState, Folder, fails_only, passes};
use orb_api::Reason;
use orb_audit::{Judgement, Promise, Report, verdict_names};
use orb_frontier::rows::Place;

fn small() -> Folder {
    let mut folder = Folder::new();
    folder.small_site();
    folder
}

/// The small site with its state spoilt.
fn spoilt(spoil: fn(&mut FakeState)) -> Report {
    let mut folder = small();
    folder.state.spoil = Some(spoil);
    folder.report(true)
}

#[track_caller]
fn books(report: &Report, rule: &str) {
    fails_only(report, Promise::Books, rule);
}

#[track_caller]
fn frame(report: &Report, rule: &str) {
    fails_only(report, Promise::Frame, rule);
}

#[test]
fn a_clean_crawl_passes_every_promise() {
    let mut folder = small();
    folder.settings.folder_mode = Some(|_: &Path| Ok(0o40700));
    let report = folder.report(true);
    assert!(
        report
            .verdicts
            .iter()
            .all(|verdict| verdict.judgement == Judgement::Pass),
        "{report}"
    );
    let names: Vec<_> = report
        .verdicts
        .iter()
        .map(|verdict| verdict.promise.name())
        .collect();
    assert_eq!(names, verdict_names());
    assert_eq!(
        report.verdict(Promise::Books).unwrap().evidence["discovered"],
        8
    );
}

#[test]
fn an_empty_folder_is_no_crawl_but_breaks_nothing_else() {
    let mut folder = Folder::new();
    folder.identity = String::new();
    frame(&folder.report(false), "identity");
}

#[test]
fn without_the_state_the_books_are_unknown() {
    let report = small().report(false);
    assert_eq!(
        report.verdict(Promise::Books).unwrap().judgement,
        Judgement::Unknown
    );
    passes(&report);
}

#[test]
fn books_that_are_off_by_one_are_noticed() {
    let report = spoilt(|state| state.slot().books.pending += 1);
    books(&report, "counts");
    books(&report, "balance");
    books(
        &spoilt(|state| state.slot().books.discovered += 1),
        "balance",
    );
    books(&spoilt(|state| state.sieve_keys -= 1), "sieve");
}

#[test]
fn a_state_that_cannot_be_read_is_the_crawls_fault() {
    let report = spoilt(|state| state.damaged = true);
    books(&report, "unreadable");
    assert!(
        report.to_string().contains("seen planted damage"),
        "{report}"
    );
}

#[test]
fn a_moved_count_is_noticed_though_the_sum_is_right() {
    let report = spoilt(|state| {
        state.slot().books.done -= 1;
        state.slot().books.failed += 1;
    });
    books(&report, "counts");
    let report = spoilt(|state| {
        let excluded = &mut state.slot().books.excluded;
        excluded.remove(&Reason::Robots);
        excluded.insert(Reason::OptOut, 1);
    });
    books(&report, "counts");
}

#[test]
fn a_lost_url_is_noticed() {
    books(&spoilt(|state| drop(state.undrained.pop())), "counts");
    let report = spoilt(|state| {
        state.queue.remove(0);
    });
    books(&report, "lost");
}

#[test]
fn a_url_that_waits_twice_is_noticed() {
    books(
        &spoilt(|state| state.undrained.push("https://a.example/waits".into())),
        "waits_twice",
    );
}

#[test]
fn a_done_url_must_be_where_its_fate_says() {
    let report = spoilt(|state| state.fates.last_mut().unwrap().4 = None);
    books(&report, "no_place");
    let report = spoilt(|state| state.fates.last_mut().unwrap().4 = Some((1, 7)));
    books(&report, "wrong_place");
    let report = spoilt(|state| {
        let (first, last) = (state.fates[3].4, state.fates.len() - 1);
        state.fates[last].4 = first;
    });
    books(&report, "wrong_place");
    let report = spoilt(|state| {
        let last = state.fates.last_mut().unwrap();
        (last.3, last.4) = (0, None);
    });
    books(&report, "done_without_answer");
}

/// A partition that was taken in from another folder left its records there.
#[test]
fn what_was_fetched_elsewhere_is_counted_and_not_looked_for() {
    let report = spoilt(|state| {
        let Place { segment, offset } = Place::ELSEWHERE;
        state.fates.last_mut().unwrap().4 = Some((segment, offset));
    });
    let books = report.verdict(Promise::Books).unwrap();
    assert_eq!(books.evidence["places_elsewhere"], 1);
    assert_eq!(books.judgement, Judgement::Pass, "{report}");
}

/// A commit row is written after its sync; the state may not fall behind it.
#[test]
fn a_group_that_was_named_durable_and_is_gone_is_noticed() {
    let mut folder = small();
    folder.commits = vec![1, 2];
    books(&folder.report(true), "group_lost");
}

#[test]
fn an_unreadable_row_is_noticed() {
    let mut folder = small();
    folder.more_rows = "{\"v\":1}\n".to_owned();
    frame(&folder.report(true), "unreadable_row");
    folder.more_rows = "{\"v\":2,\"new\":true}\n".to_owned();
    frame(&folder.report(true), "row_version");
}

#[test]
fn a_torn_row_matters_only_inside_the_committed_length() {
    let mut folder = small();
    folder.more_rows = "{\"v\":1,\"id\"".to_owned();
    passes(&folder.report(true));
    folder.state.spoil = Some(|state| state.slot().attempts_bytes += 11);
    frame(&folder.report(true), "torn_row");
}

#[test]
fn lost_rows_are_noticed() {
    let report = spoilt(|state| state.slot().attempts_bytes += 1);
    frame(&report, "rows_lost");
    // Inside a row: the row counts as undone, and so does what refers to it.
    let mut folder = small();
    folder.more_rows = "{\"v\":1,\"rolled_back_from\":9000,\"rolled_back_to\":9001}\n".to_owned();
    folder.state.spoil = Some(|state| state.slot().attempts_bytes += 3);
    frame(&folder.report(true), "committed_length");
}

#[test]
fn values_that_no_row_can_hold_are_noticed() {
    type Spoil = fn(&mut orb_api::AttemptRow);
    let cases: [(Spoil, &str); 4] = [
        (|row| row.end.0 = 0, "end_before_start"),
        (|row| row.robots.as_mut().unwrap().line = Some(0), ""),
        (|row| row.url = "https://a.example/b#c".into(), "url"),
        (|row| row.digest = Some("md5:x".into()), "digest_text"),
    ];
    for (spoil, rule) in cases {
        let mut folder = small();
        spoil(folder.row(2));
        let report = folder.report(false);
        let named = &report.verdict(Promise::Frame).unwrap().named;
        let rules: Vec<&str> = named.iter().map(|violation| violation.rule).collect();
        assert_eq!(
            rules,
            Vec::from_iter((!rule.is_empty()).then_some(rule)),
            "{report}"
        );
    }
}

#[test]
fn commit_rows_count_upwards() {
    let mut folder = small();
    folder.commits = vec![1, 1];
    frame(&folder.report(true), "group_order");
}

#[test]
fn folders_are_private() {
    let mut folder = small();
    folder.settings.folder_mode =
        Some(
            |folder: &Path| match folder.file_name().and_then(|name| name.to_str()) {
                Some("warc") => Ok(0o40755),
                Some("logs") => Err(io::ErrorKind::NotFound.into()),
                _ => Ok(0o40700),
            },
        );
    let report = folder.report(true);
    frame(&report, "folder_mode");
    assert!(
        report
            .to_string()
            .contains("warc folder_mode: expected mode 700, seen mode 755"),
        "{report}"
    );
}

#[test]
fn a_newer_format_is_noticed() {
    let mut folder = small();
    folder.identity = r#"{"format":3}"#.to_owned();
    frame(&folder.report(true), "format");
}

#[test]
fn a_file_that_rows_name_must_be_there() {
    let mut folder = small();
    folder.report(false);
    folder.row(2).archive.as_mut().unwrap().file = "gone.warc.gz".to_owned();
    let report = folder.report(false);
    let rules = |promise| -> Vec<&str> {
        report
            .verdict(promise)
            .unwrap()
            .named
            .iter()
            .map(|violation| violation.rule)
            .collect()
    };
    assert_eq!(rules(Promise::Frame), ["no_file"]);
    assert_eq!(rules(Promise::OneRecordPerFetch), ["wrong_place"]);
}
