//! The verdict `robots`, shown to notice each way of not obeying it.

mod folder;

use std::io::Write as _;

use folder::{Folder, fails_only, passes};
use orb_api::RobotsInForce;
use orb_audit::{Judgement, Promise, Report};
use orb_warc::Truncated;

const A: &str = "https://a.example";
const DAY_MS: u64 = 86_400_000;

#[track_caller]
fn broken(report: &Report, rule: &str) {
    fails_only(report, Promise::Robots, rule);
}

#[test]
fn pages_allowed_by_the_archived_rules_pass() {
    let mut folder = Folder::new();
    folder.small_site();
    let report = folder.report(true);
    passes(&report);
    assert_eq!(
        report.verdict(Promise::Robots).unwrap().evidence["pages_by_rules"],
        3
    );
}

#[test]
fn a_disallowed_page_is_noticed() {
    let mut folder = Folder::new();
    let [robots, ..] = folder.small_site();
    folder.page("https://a.example/private/x", 5_400, robots, "rules");
    let report = folder.report(true);
    broken(&report, "disallowed");
    let text = report.to_string();
    assert!(
        text.contains("seen `Disallow: /private` in line 2 of https://a.example/robots.txt"),
        "{text}"
    );
}

/// The rules are those in the archive, not those the crawl says it read.
#[test]
fn a_changed_robots_body_is_noticed() {
    let mut folder = Folder::new();
    let [robots, ..] = folder.small_site();
    let body = "User-agent: orbweaver\nDisallow: /b\n";
    folder.drafts[robots].body = body.as_bytes().to_vec();
    folder.drafts[robots].head =
        format!("HTTP/1.1 200 X\r\nContent-Length: {}\r\n\r\n", body.len());
    broken(&folder.report(true), "disallowed");
    // Meant for somebody else, it forbids nothing.
    folder.settings.product_token = "other".to_owned();
    folder
        .drafts
        .iter_mut()
        .for_each(|draft| draft.row.archive = None);
    passes(&folder.report(true));
}

#[test]
fn a_page_before_any_robots_txt_is_noticed() {
    let mut folder = Folder::new();
    let page = folder.page("https://a.example/", 1_000, 0, "allow_all");
    folder.row(page).robots = None;
    broken(&folder.report(true), "no_robots");

    let named = RobotsInForce {
        attempt: "77".repeat(16),
        standing: "allow_all".into(),
        line: None,
    };
    folder.row(page).robots = Some(named);
    broken(&folder.report(true), "no_robots_attempt");
}

#[test]
fn an_answer_that_came_after_the_page_is_noticed() {
    let mut folder = Folder::new();
    let robots = folder.robots(A, 5_000, 404, "");
    folder.page("https://a.example/", 1_000, robots, "allow_all");
    broken(&folder.report(true), "judged_later");
}

#[test]
fn a_page_cannot_be_judged_by_a_page() {
    let mut folder = Folder::new();
    let [_, first, ..] = folder.small_site();
    folder.page("https://a.example/x", 5_400, first, "rules");
    broken(&folder.report(true), "not_robots");
}

#[test]
fn robots_txt_of_another_origin_is_noticed() {
    let mut folder = Folder::new();
    let other = folder.robots("http://a.example", 1_000, 404, "");
    folder.page("https://a.example/", 2_100, other, "allow_all");
    broken(&folder.report(true), "other_origin");
}

#[test]
fn an_answer_older_than_a_day_is_noticed() {
    for (age_ms, kept) in [
        (DAY_MS, true),
        (DAY_MS + 30_000, true),
        (DAY_MS + 90_000, false),
    ] {
        let mut folder = Folder::new();
        let robots = folder.robots(A, 1_000, 404, "");
        folder.page("https://a.example/", 1_100 + age_ms, robots, "allow_all");
        let report = folder.report(true);
        if kept {
            passes(&report)
        } else {
            broken(&report, "stale")
        }
    }
}

#[test]
fn an_older_answer_than_the_newest_is_noticed() {
    let mut folder = Folder::new();
    let [old, ..] = folder.small_site();
    folder.robots(A, 5_400, 200, "User-agent: *\nDisallow: /later\n");
    folder.page("https://a.example/later", 6_500, old, "rules");
    broken(&folder.report(true), "older_copy");
}

/// An unreachable answer does not end a good one that is fresh, and allows nothing by itself.
#[test]
fn unreachable_answers_allow_nothing_and_end_nothing() {
    let mut folder = Folder::new();
    let [good, ..] = folder.small_site();
    let bad = folder.robots(A, 5_400, 500, "");
    folder.page("https://a.example/later", 6_500, good, "rules");
    passes(&folder.report(true));

    folder.page("https://a.example/worse", 7_600, bad, "unreachable");
    broken(&folder.report(true), "unreachable");

    let mut folder = Folder::new();
    let busy = folder.robots(A, 1_000, 429, "");
    let page = folder.page("https://a.example/", 20_000, busy, "allow_all");
    folder.row(page).site_delay_us = 10_000_000;
    broken(&folder.report(true), "standing");
}

#[test]
fn no_answer_at_all_is_unreachable() {
    let mut folder = Folder::new();
    let robots = folder.robots(A, 1_000, 200, "");
    folder.row(robots).status = None;
    folder.row(robots).error = Some("first_byte_timeout".to_owned());
    let draft = &mut folder.drafts[robots];
    (draft.records, draft.requests, draft.metadata) = (0, 0, 0);
    folder.page("https://a.example/", 2_100, robots, "allow_all");
    broken(&folder.report(true), "standing");
}

#[test]
fn a_standing_that_its_status_contradicts_is_noticed() {
    let mut folder = Folder::new();
    let robots = folder.robots(A, 1_000, 200, "User-agent: *\nDisallow: /\n");
    folder.page("https://a.example/", 2_100, robots, "allow_all");
    broken(&folder.report(true), "standing");
}

/// A hop from `origin` to `target` with its `Location` in the archived head.
fn hop(folder: &mut Folder, origin: &str, url: &str, at_ms: u64, target: &str) -> usize {
    let number = folder.robots_at(origin, url, at_ms, 301, "");
    folder.drafts[number].head = format!("HTTP/1.1 301 X\r\nLocation: {target}\r\n\r\n");
    number
}

#[test]
fn the_answer_is_the_end_of_a_chain_of_redirects() {
    let mut folder = Folder::new();
    let first = hop(
        &mut folder,
        A,
        "https://a.example/robots.txt",
        1_000,
        "https://b.example/r",
    );
    let end = folder.robots_at(
        A,
        "https://b.example/r",
        2_100,
        200,
        "User-agent: *\nDisallow: /x\n",
    );
    folder.page("https://a.example/", 3_200, end, "rules");
    passes(&folder.report(true));

    // A redirect by itself answers nothing.
    folder.drafts.truncate(1);
    folder.page("https://a.example/y", 4_300, first, "rules");
    broken(&folder.report(true), "standing");
}

/// Two origins whose redirects meet share one fetch; the row names only one of them.
#[test]
fn a_shared_fetch_counts_for_every_origin_whose_redirects_lead_to_it() {
    for (target, kept) in [
        ("https://www.a.example/robots.txt", true),
        ("/elsewhere.txt", false),
    ] {
        let mut folder = Folder::new();
        let shared = folder.robots("https://www.a.example", 1_000, 404, "");
        hop(
            &mut folder,
            A,
            "https://a.example/robots.txt",
            2_100,
            target,
        );
        folder.page("https://a.example/", 3_200, shared, "allow_all");
        let report = folder.report(true);
        if kept {
            passes(&report)
        } else {
            broken(&report, "other_origin")
        }
    }
}

#[test]
fn only_more_than_five_redirects_mean_that_there_are_no_rules() {
    let mut folder = Folder::new();
    let mut last = 0;
    for step in 0..6 {
        let url = if step == 0 {
            format!("{A}/robots.txt")
        } else {
            format!("{A}/{step}")
        };
        last = hop(
            &mut folder,
            A,
            &url,
            1_000 + step * 1_100,
            &format!("/{}", step + 1),
        );
    }
    folder.page("https://a.example/", 9_000, last, "allow_all");
    passes(&folder.report(true));
    folder.drafts.remove(4);
    folder
        .drafts
        .iter_mut()
        .for_each(|draft| draft.row.archive = None);
    broken(&folder.report(true), "standing");
}

#[test]
fn a_compressed_robots_txt_is_read() {
    let mut folder = Folder::new();
    let [robots, ..] = folder.small_site();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"User-agent: *\nDisallow: /b\n").unwrap();
    folder.drafts[robots].body = gzip.finish().unwrap();
    folder.drafts[robots].head = "HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\n\r\n".to_owned();
    broken(&folder.report(true), "disallowed");
}

#[test]
fn a_robots_txt_that_came_again_is_read_where_it_was_archived_first() {
    let mut folder = Folder::new();
    let [robots, ..] = folder.small_site();
    let again = folder.robots(A, 6_000, 200, "");
    folder.drafts[again].refers_to = Some(robots);
    folder.page("https://a.example/d", 7_100, again, "rules");
    passes(&folder.report(true));
    folder.page("https://a.example/private", 8_200, again, "rules");
    broken(&folder.report(true), "disallowed");
}

/// A file that broke off says less than it might.
#[test]
fn an_answer_that_broke_off_allows_nothing_and_ends_nothing() {
    let mut folder = Folder::new();
    let [good, ..] = folder.small_site();
    let broken_off = folder.robots(A, 5_400, 200, "User-agent: *\nDisallow: /l");
    folder.drafts[broken_off].truncated = Some(Truncated::Disconnect);
    folder.page("https://a.example/later", 6_500, good, "rules");
    passes(&folder.report(true));
    folder.page("https://a.example/worse", 7_600, broken_off, "rules");
    broken(&folder.report(true), "broken_off");
}

#[test]
fn a_body_that_is_not_archived_leaves_the_verdict_unknown() {
    let mut folder = Folder::new();
    folder.small_site();
    for draft in &mut folder.drafts {
        (draft.bodiless, draft.metadata) = (true, 0);
    }
    let report = folder.report(true);
    assert_eq!(
        report.verdict(Promise::Robots).unwrap().judgement,
        Judgement::Unknown,
        "{report}"
    );
    passes(&report);
}
