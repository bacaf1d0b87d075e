//! The verdicts `politeness_site` and `politeness_address`, each shown to notice what breaks it.

mod folder;

use std::time::Duration;

use folder::{Folder, fails_only, passes};
use orb_audit::{Judgement, Promise};
use orb_env::{Stamp, Wall};
use orb_gate::{AddressRule, GroupRule, PolitenessConfig};

fn site(report: &orb_audit::Report, rule: &str) {
    fails_only(report, Promise::PolitenessSite, rule);
}

fn address(report: &orb_audit::Report, rule: &str) {
    fails_only(report, Promise::PolitenessAddress, rule);
}

/// Two sites on one address, their requests far enough apart unless told otherwise.
fn two_sites(folder: &mut Folder, second_ms: u64) -> usize {
    folder.small_site();
    folder.robots("https://b.example", second_ms, 404, "")
}

#[test]
fn the_pause_in_force_is_enough() {
    let mut folder = Folder::new();
    let [.., last] = folder.small_site();
    folder.row(last).start.mono.0 -= 1_000;
    passes(&folder.report(true));
}

#[test]
fn a_pause_short_by_a_fifth_of_a_second_is_noticed() {
    let mut folder = Folder::new();
    let [_, _, page, _] = folder.small_site();
    folder.row(page).start.mono.0 -= 200_000;
    let report = folder.report(true);
    site(&report, "pause_too_short");
    let text = report.to_string();
    assert!(text.contains("slot-00.jsonl:3 pause_too_short https://a.example/b: expected a pause of 1000000 µs, seen 800000 µs"), "{text}");
}

/// What the settings call the crawler's own may be asked faster; another site may not.
#[test]
fn only_own_sites_may_have_the_own_pause() {
    let check = |own: &str| {
        let mut folder = Folder::new();
        folder.settings.runs[0].politeness.own_sites = vec![own.parse().unwrap()];
        let [.., page] = folder.small_site();
        folder.row(page).site_delay_us = 500_000;
        folder.report(true)
    };
    passes(&check("a.example"));
    site(&check("b.example"), "below_setting");
}

#[test]
fn a_pause_counted_from_the_start_of_an_exchange_is_noticed() {
    let mut folder = Folder::new();
    let [_, _, _, page] = folder.small_site();
    let before = folder.row(page - 1).start.mono;
    folder.row(page).start.mono = before.plus(Duration::from_secs(1));
    site(&folder.report(true), "pause_too_short");
}

#[test]
fn two_requests_at_once_are_noticed() {
    let mut folder = Folder::new();
    let [_, first, second, _] = folder.small_site();
    let begun = folder.row(second).start.mono;
    folder.row(first).end = begun.plus(Duration::from_millis(10));
    site(&folder.report(true), "overlap");
}

#[test]
fn a_pause_below_the_setting_is_noticed_though_the_row_claims_it() {
    let mut folder = Folder::new();
    let [.., page] = folder.small_site();
    folder.row(page).site_delay_us = 700_000;
    site(&folder.report(true), "below_setting");
}

#[test]
fn another_boot_is_compared_by_the_wall_clock() {
    let mut folder = Folder::new();
    let [_, _, page, last] = folder.small_site();
    for number in [page, last] {
        folder.on_boot(number, 2, 60);
    }
    passes(&folder.report(true));

    let mut folder = Folder::new();
    let [_, _, page, last] = folder.small_site();
    for number in [page, last] {
        folder.on_boot(number, 2, 0);
        folder.row(number).start.wall.0 -= 500_000;
    }
    site(&folder.report(true), "pause_too_short");
}

#[test]
fn a_wall_clock_that_jumps_does_not_matter_within_a_boot() {
    let mut folder = Folder::new();
    let [.., last] = folder.small_site();
    folder.row(last).start.wall.0 -= 86_400_000_000;
    passes(&folder.report(true));
}

#[test]
fn a_slow_site_is_owed_five_times_its_last_exchange() {
    let mut folder = Folder::new();
    let [_, _, slow, last] = folder.small_site();
    folder.row(slow).end = folder.row(slow).start.mono.plus(Duration::from_millis(400));
    let start = folder.row(slow).end.plus(Duration::from_secs(1));
    folder.row(last).start.mono = start;
    folder.row(last).end = start.plus(Duration::from_millis(100));
    site(&folder.report(true), "below_last_exchange");
    folder.drafts[last].row.site_delay_us = 2_000_000;
    site(&folder.report(true), "pause_too_short");
}

#[test]
fn the_crawl_delay_of_the_archived_robots_txt_is_kept() {
    let robots = "User-agent: *\nCrawl-delay: 7\n";
    let mut folder = Folder::new();
    let by = folder.robots("https://a.example", 1_000, 200, robots);
    let page = folder.page("https://a.example/", 8_100, by, "rules");
    folder.row(page).site_delay_us = 7_000_000;
    passes(&folder.report(true));

    folder.row(page).site_delay_us = 1_000_000;
    site(&folder.report(true), "below_crawl_delay");
}

#[test]
fn the_crawl_delay_of_one_origin_in_use_binds_its_whole_site() {
    let mut folder = Folder::new();
    let slow = folder.robots(
        "https://slow.a.example",
        1_000,
        200,
        "User-agent: *\nCrawl-delay: 7\n",
    );
    let quick = folder.robots("https://a.example", 9_000, 404, "");
    let visits = [(20_000, slow), (28_000, quick), (36_000, slow)];
    let [_, between, _] = visits.map(|(at, by)| {
        let url = if by == slow {
            format!("https://slow.a.example/{at}")
        } else {
            format!("https://a.example/{at}")
        };
        let page = folder.page(&url, at, by, if by == slow { "rules" } else { "allow_all" });
        folder.row(page).site_delay_us = 7_000_000;
        page
    });
    passes(&folder.report(true));
    folder.row(between).site_delay_us = 1_000_000;
    site(&folder.report(true), "below_crawl_delay");
}

#[test]
fn nothing_begins_before_retry_after_ends() {
    let mut folder = Folder::new();
    let [_, _, busy, _] = folder.small_site();
    folder.row(busy).retry_after_us = Some(1_000_000);
    passes(&folder.report(true));
    folder.row(busy).retry_after_us = Some(90_000_000);
    site(&folder.report(true), "retry_after");
    // The clamp of the settings counts.
    folder.settings.runs[0].politeness.retry_after_max = Duration::from_secs(1);
    passes(&folder.report(true));
}

#[test]
fn a_busy_answer_is_followed_by_back_off() {
    let mut folder = Folder::new();
    let [_, _, busy, _] = folder.small_site();
    folder.row(busy).status = Some(503);
    folder.drafts[busy].head = "HTTP/1.1 503 X\r\n\r\n".to_owned();
    site(&folder.report(true), "below_back_off");
}

#[test]
fn a_row_cannot_hide_its_site() {
    let mut folder = Folder::new();
    let [_, _, page, _] = folder.small_site();
    folder.row(page).site = "elsewhere.example".to_owned();
    site(&folder.report(true), "wrong_site");
}

/// Undone groups leave no records, but their requests were made.
#[test]
fn requests_of_undone_groups_count() {
    let mut folder = Folder::new();
    let [_, _, page, _] = folder.small_site();
    let mut row = folder.row(page).clone();
    row.id = "77".repeat(16);
    row.start.mono.0 += 3_000_000;
    row.end.0 += 3_000_000;
    folder.more_rows = serde_json::to_string(&row).unwrap() + "\n";
    passes(&folder.report(true));
    row.start.mono.0 -= 1_000_000;
    row.end.0 -= 1_000_000;
    folder.more_rows = serde_json::to_string(&row).unwrap() + "\n";
    site(&folder.report(true), "pause_too_short");
}

/// What never left the machine presses nobody.
#[test]
fn attempts_without_a_packet_do_not_count() {
    let mut folder = Folder::new();
    let [_, _, page, _] = folder.small_site();
    let row = folder.row(page).clone();
    for (class, passes_audit) in [("stale_permit", true), ("connect_refused", false)] {
        let mut unsent = row.clone();
        unsent.id = "77".repeat(16);
        unsent.start.mono.0 += 50_000;
        unsent.status = None;
        unsent.error = Some(class.to_owned());
        folder.more_rows = serde_json::to_string(&unsent).unwrap() + "\n";
        assert_eq!(folder.report(true).passed(), passes_audit, "{class}");
    }
}

#[test]
fn without_settings_politeness_is_unknown() {
    let mut folder = Folder::new();
    folder.small_site();
    folder.settings.runs.clear();
    let report = folder.report(true);
    let judgement = |promise| report.verdict(promise).unwrap().judgement;
    assert_eq!(judgement(Promise::PolitenessSite), Judgement::Unknown);
    assert_eq!(judgement(Promise::PolitenessAddress), Judgement::Unknown);
    assert!(report.passed());
}

#[test]
fn sites_that_share_an_address_share_its_pause() {
    let mut folder = Folder::new();
    two_sites(&mut folder, 2_650);
    passes(&folder.report(true));

    let mut folder = Folder::new();
    two_sites(&mut folder, 2_500);
    address(&folder.report(true), "address_pause_too_short");

    let mut folder = Folder::new();
    let other = two_sites(&mut folder, 2_500);
    folder.at_address(other, "192.0.2.2");
    passes(&folder.report(true));
}

#[test]
fn ipv6_addresses_of_one_slash_64_share_a_pause() {
    for (second, kept) in [("2001:db8:0:1::2", false), ("2001:db8:0:2::1", true)] {
        let mut folder = Folder::new();
        let other = two_sites(&mut folder, 2_500);
        (0..other).for_each(|number| folder.at_address(number, "2001:db8:0:1::1"));
        folder.at_address(other, second);
        assert_eq!(folder.report(true).passed(), kept, "{second}");
    }
}

#[test]
fn an_address_pause_below_the_setting_is_noticed_though_the_row_claims_it() {
    let mut folder = Folder::new();
    let other = two_sites(&mut folder, 2_500);
    folder.row(other).address_delay_us = 0;
    folder.at_address(other, "192.0.2.9");
    address(&folder.report(true), "below_setting");
    // A rule for the range makes it right.
    let cidr = "192.0.2.8/31".parse().unwrap();
    folder.settings.runs[0].politeness.address_rules = vec![AddressRule {
        cidr,
        delay: Duration::ZERO,
    }];
    passes(&folder.report(true));
}

#[test]
fn a_group_has_a_pause_of_its_own() {
    let group = || PolitenessConfig {
        groups: vec![GroupRule {
            name: "shared".into(),
            cidrs: vec!["192.0.2.0/28".parse().unwrap()],
            delay: Duration::from_millis(900),
        }],
        ..PolitenessConfig::default()
    };
    let grouped = |second_ms| {
        let mut folder = Folder::new();
        folder.settings.runs[0].politeness = group();
        let [robots, ..] = folder.small_site();
        let page = folder.robots("https://b.example", second_ms, 404, "");
        folder.at_address(page, "192.0.2.2");
        for number in robots..=page {
            folder.row(number).group = Some("shared".to_owned());
        }
        folder
    };
    passes(&grouped(5_200).report(true));
    address(&grouped(5_000).report(true), "group_pause_too_short");

    let mut folder = grouped(5_000);
    let last = folder.drafts.len() - 1;
    folder.row(last).group = None;
    address(&folder.report(true), "wrong_group");
}

#[test]
fn settings_changed_on_the_way_hold_from_then_on() {
    let mut folder = Folder::new();
    let [_, _, _, last] = folder.small_site();
    let mut slower = folder.settings.runs[0].clone();
    slower.politeness.site_delay = Duration::from_secs(5);
    let start = folder.row(last).start;
    slower.started = Stamp {
        wall: Wall(start.wall.0 - 1_000_000),
        ..start
    };
    folder.settings.runs.push(slower);
    passes(&folder.report(true));
    folder.settings.runs[1].started.wall.0 -= 1_500_000;
    site(&folder.report(true), "below_setting");
}
