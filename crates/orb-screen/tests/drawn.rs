//! What the view shows: the main states, drawn and read.

mod sample;

use orb_api::{Phase, Reason, RobotsFacts, SiteFacts, SitePhase, Status, View};
use orb_screen::ratatui::crossterm::event::KeyCode;
use orb_screen::ratatui::style::Color;
use orb_screen::{Look, Role, Screen};
use sample::{ASCII, BLOCKS, buffer, press, site, text, view, watched};

#[track_caller]
fn check(shown: &str, expected: &[&str]) {
    for part in expected {
        assert!(shown.contains(part), "{part:?} is not shown in\n{shown}");
    }
}

/// Every line of an ordinary terminal.
#[test]
fn a_crawl_under_way_at_80x24() {
    let shown = text(&mut watched(Role::Crawl, BLOCKS), 80, 24);
    let expected = "\
 running  demo/crawl                              0:00:30, ends in about 0:01:23
pages/s          200 now       200 mean  ███▃████▃████▃████▃████▃████▃
bytes/s      12.3 MB now   12.3 MB mean  █████████████████████████████
limited by politeness: all 280 sites with pages left rest; more sites would make
           it faster
URLs       12,494 discovered  = 9,214 pending  + 12 in flight  + 3,130 done
           + 7 failed  + 131 excluded
attempts   captured 2,800  redirect 210  gone 44  retry 31
reasons    timeout 30  dns 1
sites      300 known  12 active  280 waiting  3 parked
memory     ██░░░░░ 123.0 MB of 512.0 MB disk       █░░░░░░ 1.2 GB of 10.0 GB
in flight  ░░░░░░░ 12 of 512            max pages  ██░░░░░ 6,000 of 20,000
CPU        130 % of a core  154 pages a CPU second  shards busy 78 % 66 %
excluded   robots 120  guarded_address 11
";
    let figures: Vec<&str> = expected.lines().collect();
    for line in &figures {
        assert!(shown.contains(line), "{line:?} is not shown in\n{shown}");
    }
    check(
        &shown,
        &[
            "Sites busiest first, 5 listed ──",
            "SITE                STATE     PENDING REQUESTS    PAGES TROUBLE LAST\n",
            "example.com         visiting    1,200    1,200      600       0 captured\n",
            "slow.example.net    waiting        20       32       10      12 retry timeout\n",
            "closed.example      parked          5       36        2      31 parked: robots_…\n",
            "? help  q leave  p pause  s order  / filter  Enter look into  l notes  x stop\n",
        ],
    );
    assert_eq!(shown.lines().count(), 24);
}

#[test]
fn a_large_terminal_has_panels_with_every_figure() {
    let shown = text(&mut watched(Role::Watch, BLOCKS), 200, 60);
    check(
        &shown,
        &[
            "Speed ──",
            "URLs ──",
            "Attempts and sites ──",
            "Machine ──",
            "= pending                    9,214",
            "    robots                     120",
            "    scope                   18,000",
            "  timeout                   30",
            "sites waiting              280",
            "max pages  ████░░░░░░░░ 6,000 of 20,000",
            "network     34 % ███",
            "archived    360.0 MB to disk",
            "MEAN   PAUSE    NEXT LAST\n",
            "  123 ms   1.0 s  420 ms retry timeout\n",
            "parked: robots_unreachable\n",
            "q quit",
        ],
    );
}

#[test]
fn before_the_first_figures_and_while_the_crawl_is_silent() {
    let mut screen = Screen::new(Role::Watch, BLOCKS);
    check(
        &text(&mut screen, 80, 24),
        &["waiting for the first figures"],
    );
    screen.take(View::default());
    let shown = text(&mut screen, 80, 24);
    check(
        &shown,
        &["stopped", "- now         - mean", "no site yet", "no cap"],
    );
    screen.take_silence("the crawl does not answer");
    check(
        &text(&mut screen, 80, 24),
        &["the crawl does not answer\n? help"],
    );
}

#[test]
fn phases_are_said_with_what_to_do() {
    let mut screen = watched(Role::Crawl, BLOCKS);
    for (phase, expected) in [
        (
            Phase::Paused,
            [" paused ", "it is paused; p goes on", "p go on"],
        ),
        (
            Phase::DiskFull,
            [" disk full ", "raise disk_max", "p pause"],
        ),
        (
            Phase::Stopping,
            [" stopping ", "is finished and committed", "ending"],
        ),
    ] {
        let mut now = view(31.0);
        now.status.phase = phase;
        screen.take(now);
        check(&text(&mut screen, 100, 30), &expected);
    }
}

#[test]
fn a_filter_says_what_it_holds_and_that_nothing_fits() {
    let mut screen = watched(Role::Watch, BLOCKS);
    for letter in "/zzz".chars() {
        press(&mut screen, KeyCode::Char(letter));
    }
    check(
        &text(&mut screen, 80, 24),
        &["sites holding: zzz   Enter keep  Esc clear"],
    );
    press(&mut screen, KeyCode::Enter);
    let mut now = view(31.0);
    now.sites.clear();
    screen.take(now);
    check(
        &text(&mut screen, 80, 24),
        &[
            "0 listed, holding \"zzz\" ──",
            "no site's name holds this; Esc clears",
        ],
    );
}

#[test]
fn a_site_is_looked_into() {
    let mut screen = watched(Role::Watch, BLOCKS);
    for key in [KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Enter] {
        press(&mut screen, key);
    }
    assert_eq!(screen.site_wanted(), Some("slow.example.net"));
    screen.take_site(SiteFacts {
        site: "other.example".into(),
        queued: 999_999,
        ..SiteFacts::default()
    });
    screen.take_site(SiteFacts {
        site: "slow.example.net".into(),
        known: true,
        phase: SitePhase::Waiting,
        pending: 20,
        queued: 64,
        delay_ms: 10_000,
        crawl_delay_ms: Some(10_000),
        last_exchange_ms: 800,
        next_in_ms: 7_300,
        robots: vec![RobotsFacts {
            origin: "https://slow.example.net".into(),
            crawl_delay_ms: Some(10_000),
            ..RobotsFacts::default()
        }],
        ..SiteFacts::default()
    });
    let shown = text(&mut screen, 100, 36);
    check(
        &shown,
        &[
            "slow.example.net ──",
            "state      waiting  may be asked in 7.3 s",
            "URLs       20 pending  64 ever queued",
            "pause      10.0 s between two requests, because of its robots.txt",
            "crawl-delay 10.0 s  back-off none  last exchange 800 ms",
            "lately     32 requests  10 pages  12 in trouble",
            "last       retry timeout",
            "robots     https://slow.example.net  not fetched yet  crawl-delay 10.0 s",
            "orb inspect site slow.example.net",
        ],
    );
    assert!(!shown.contains("999,999"));
}

#[test]
fn questions_say_what_each_answer_does() {
    let mut screen = watched(Role::Crawl, BLOCKS);
    press(&mut screen, KeyCode::Char('q'));
    check(
        &text(&mut screen, 80, 24),
        &[
            "Leave the view?",
            " k  keep crawling, plain lines   s  stop the crawl   Esc  back",
        ],
    );
    press(&mut screen, KeyCode::Esc);
    press(&mut screen, KeyCode::Char('x'));
    check(
        &text(&mut screen, 80, 24),
        &["Stop the crawl?", " y  stop it   n  no, go on"],
    );
}

#[test]
fn help_explains_keys_and_numbers_line_by_line() {
    let mut screen = watched(Role::Watch, BLOCKS);
    press(&mut screen, KeyCode::Char('?'));
    check(
        &text(&mut screen, 80, 24),
        &["Help, lines 1 to 21 of", "Keys ──", "j k, arrows"],
    );
    press(&mut screen, KeyCode::Char('G'));
    check(
        &text(&mut screen, 80, 24),
        &["NEXT", "LAST          how the last attempt ended, and why"],
    );
    press(&mut screen, KeyCode::Char('q'));
    check(&text(&mut screen, 80, 24), &["Sites busiest first"]);
}

#[test]
fn notes_are_shown_once_and_kept() {
    let mut screen = watched(Role::Crawl, BLOCKS);
    screen.take_note("orb: something odd\u{1b}[31m\n");
    check(
        &text(&mut screen, 80, 24),
        &["orb: something odd\\u{1b}[31m\n? help"],
    );
    screen.take(view(60.0));
    assert!(!text(&mut screen, 80, 24).contains("something odd"));
    press(&mut screen, KeyCode::Char('l'));
    check(
        &text(&mut screen, 80, 24),
        &["Notes, lines 1 to 1 of 1", "orb: something odd"],
    );
}

#[test]
fn small_terminals_give_up_the_lesser_figures_and_then_say_so() {
    let mut screen = watched(Role::Watch, ASCII);
    check(
        &text(&mut screen, 60, 12),
        &["pages/s", "limited by", "SITE ", "example.com"],
    );
    check(
        &text(&mut screen, 40, 8),
        &[" running ", "0:00:30\n", "pages/s", "SITE "],
    );
    check(
        &text(&mut screen, 20, 5),
        &[
            "running 0:00:30\n",
            "pages 6,000\n",
            "too small: needs\n40x8",
        ],
    );
    check(&text(&mut screen, 10, 1), &["40x8"].map(|_| ""));
}

#[test]
fn names_from_outside_are_inert() {
    let mut screen = Screen::new(Role::Watch, BLOCKS);
    let mut hostile = view(1.0);
    hostile.folder = "x\u{1b}]0;gotcha\u{7}".into();
    hostile.sites = vec![site(
        "a\u{1b}[2J\u{202e}b\r\n.example",
        SitePhase::Ready,
        1,
        0,
    )];
    hostile.status.outcomes = [("\u{9b}31m".to_owned(), 1)].into();
    screen.take(hostile);
    press(&mut screen, KeyCode::Down);
    press(&mut screen, KeyCode::Enter);
    for (width, height) in [(80, 24), (200, 60)] {
        let shown = text(&mut screen, width, height);
        assert!(
            !shown
                .chars()
                .any(|letter| letter.is_control() && letter != '\n'),
            "{shown}"
        );
        check(
            &shown,
            &["x\\u{1b}]0;gotcha\\u{7}", "a\\u{1b}[2J\\u{202e}b\\u{d}"],
        );
    }
}

/// `NO_COLOR` and plain locales.
#[test]
fn no_colour_and_no_block_letters_where_they_are_not_wanted() {
    let keys = ["", "?", "l", "x", "q", "/", "\n"];
    for look in [
        ASCII,
        Look {
            colour: false,
            ..BLOCKS
        },
    ] {
        for key in keys {
            let mut screen = watched(Role::Crawl, look);
            let mut now = view(31.0);
            now.sites[0].site = "caf\u{e9}.example".into();
            now.sites.truncate(1);
            screen.take(now);
            for letter in key.chars() {
                let code = if letter == '\n' {
                    KeyCode::Enter
                } else {
                    KeyCode::Char(letter)
                };
                press(&mut screen, code);
            }
            for (width, height) in [(80, 24), (200, 60)] {
                let buffer = buffer(&mut screen, width, height);
                let coloured = |cell: &&orb_screen::ratatui::buffer::Cell| {
                    cell.fg != Color::Reset || cell.bg != Color::Reset
                };
                assert_eq!(buffer.content().iter().find(coloured), None, "{key:?}");
                if !look.unicode {
                    assert!(
                        buffer.content().iter().all(|cell| cell.symbol().is_ascii()),
                        "{key:?}"
                    );
                }
            }
        }
    }
}

/// Excluded reasons and totals of a folder that was crawled before, seen by a new run.
#[test]
fn a_new_run_has_no_rates_yet_and_says_so() {
    let mut screen = watched(Role::Watch, BLOCKS);
    let status = Status {
        phase: Phase::Running,
        seconds: 0.2,
        discovered: 10,
        states: orb_api::States {
            done: 6,
            excluded: [(Reason::Budget, 4)].into(),
            ..orb_api::States::default()
        },
        ..Status::default()
    };
    screen.take(View {
        status,
        ..View::default()
    });
    check(
        &text(&mut screen, 100, 30),
        &[
            "- now",
            "10 discovered  = 0 pending  + 0 in flight  + 6 done  + 0 failed  + 4 excluded",
            "end unknown",
        ],
    );
}
