//! Robots copies over answers, states and ages: what each URL of an origin is told (RFC 9309, 2.3.1 and 2.4).

use orb_env::{BootId, Wall};

use super::*;

fn at(seconds: u64) -> Stamp {
    Stamp {
        mono: Mono(seconds * 1_000_000),
        ..Stamp::default()
    }
}

struct Case {
    copies: Copies,
    token: ProductToken,
    origin: Origin,
}

fn case() -> Case {
    Case {
        copies: Copies::default(),
        token: ProductToken::new("orbweaver").unwrap(),
        origin: Origin::parse("https://a.example").unwrap(),
    }
}

fn answer(case: &mut Case, status: u16, body: &[u8], now: Stamp) -> Vec<u8> {
    let standing = orb_robots::standing(orb_robots::Answer::Status(status));
    let answer = RobotsAnswer {
        standing,
        body,
        attempt: "id",
    };
    let policy = RetryPolicy {
        token: &case.token,
        attempts_max: 3,
        retry_first: Duration::from_secs(30),
    };
    case.copies.answered(&case.origin, &answer, &policy, now)
}

fn judged(case: &Case, path: &str, now: Stamp) -> String {
    match case.copies.judge(&case.origin, path, now) {
        Judgement::Unknown => "unknown".into(),
        Judgement::Fetch => "fetch".into(),
        Judgement::Wait(at) => format!("wait {}", at.0 / 1_000_000),
        Judgement::GivenUp => "given up".into(),
        Judgement::Disallowed(rule) => rule,
        Judgement::Allowed(by) => by.standing,
    }
}

#[test]
fn robots_come_before_pages_and_for_a_day() {
    let mut case = case();
    assert_eq!(judged(&case, "/", at(0)), "unknown");
    case.copies.loaded(&case.origin, None, &case.token, at(0));
    assert_eq!(judged(&case, "/", at(0)), "fetch");
    answer(
        &mut case,
        200,
        b"User-agent: *\nDisallow: /private\n",
        at(0),
    );
    assert_eq!(judged(&case, "/", at(1)), "rules");
    assert_eq!(
        judged(&case, "/private/x", at(1)),
        "line 2: Disallow: /private"
    );
    assert_eq!(judged(&case, "/", at(86_401)), "fetch");
}

#[test]
fn r3_an_unreachable_file_forbids_and_is_given_up_after_its_attempts() {
    let mut case = case();
    answer(&mut case, 503, b"", at(0));
    assert_eq!(judged(&case, "/", at(1)), "wait 30");
    assert_eq!(judged(&case, "/", at(31)), "fetch");
    answer(&mut case, 429, b"", at(31));
    assert_eq!(judged(&case, "/", at(32)), "wait 91");
    answer(&mut case, 500, b"", at(91));
    assert_eq!(judged(&case, "/", at(92)), "given up");
    answer(&mut case, 404, b"", at(93));
    assert_eq!(judged(&case, "/", at(94)), "allow_all");
}

#[test]
fn a_stored_copy_comes_back_with_its_age() {
    let mut case = case();
    let row = answer(&mut case, 200, b"User-agent: *\nDisallow: /x\n", at(100));
    let fresh = |row: &[u8]| {
        let mut again = Case {
            copies: Copies::default(),
            ..self::case()
        };
        again
            .copies
            .loaded(&again.origin, Some(row), &again.token, at(200));
        again
    };
    assert_eq!(judged(&fresh(&row), "/x", at(200)), "line 2: Disallow: /x");
    assert_eq!(judged(&fresh(&row), "/x", at(100 + 86_401)), "fetch");
    let row = answer(&mut case, 503, b"", at(300));
    assert_eq!(
        judged(&fresh(&row), "/", at(300)),
        "fetch",
        "rules that were not stored do not return"
    );
}

const HOUR: u64 = 3_600;
const RULES: &[u8] = b"User-agent: *\nDisallow: /private\n";

/// Ways an origin can have come to where it is: answers and the hours between them.
const HISTORIES: [(&str, &[(u16, u64)]); 10] = [
    ("never asked", &[]),
    ("rules an hour ago", &[(200, 1)]),
    ("rules 23 hours ago", &[(200, 23)]),
    ("rules a day ago", &[(200, 25)]),
    ("no file an hour ago", &[(404, 1)]),
    ("no file a month ago", &[(404, 720)]),
    ("failed once", &[(503, 1)]),
    ("rules, a day later a failure", &[(200, 25), (503, 1)]),
    ("given up a month ago", &[(503, 1), (429, 1), (0, 720)]),
    ("asked for in vain for weeks", &[(503, 25); 20]),
];

/// What is known of an origin, kept as plainly as can be: what every good answer said and when, what failed since.
#[derive(Clone, Copy, Default)]
struct Ledger {
    good: Option<(&'static str, u64)>,
    failures: u32,
    last: u64,
}

impl Ledger {
    fn hears(&mut self, status: u16, now: u64) {
        self.last = now;
        match status {
            200..300 => (self.good, self.failures) = (Some(("rules", now)), 0),
            429 => self.failures += 1,
            400..500 => (self.good, self.failures) = (Some(("allow_all", now)), 0),
            _ => self.failures += 1,
        }
    }

    /// RFC 9309: a good answer holds for a day; then the file is asked for, nothing is allowed meanwhile; what is
    /// unreachable is asked for after 30 s, 60 s, and, given up, after a day.
    fn expects(&self, now: u64) -> String {
        if let Some((standing, at)) = self.good
            && now - at < 24 * HOUR
        {
            return standing.into();
        }
        let pause = match self.failures {
            0 => 0,
            failures @ 1..3 => 30 << (failures - 1),
            _ if now - self.last < 24 * HOUR => return "given up".into(),
            _ => 0,
        };
        if now < self.last + pause {
            format!("wait {}", self.last + pause)
        } else {
            "fetch".into()
        }
    }
}

/// Every status after every history, at every age, with and without a restart between.
#[test]
fn r3_every_answer_in_every_state_at_every_age() {
    let statuses = (0..=1).chain(99..=600).chain([999]);
    let ages = [
        0,
        1,
        29,
        30,
        59,
        60,
        HOUR,
        23 * HOUR,
        24 * HOUR,
        30 * 24 * HOUR,
        400 * 24 * HOUR,
    ];
    let mut judged_in_all = 0;
    for status in statuses {
        for (name, history) in HISTORIES {
            let (mut case, mut ledger, mut now) = (case(), Ledger::default(), 1_000);
            let mut row = None;
            let last = (status, 0);
            for &(status, hours) in history.iter().chain([&last]) {
                ledger.hears(status, now);
                row = Some(answer(&mut case, status, RULES, at(now)));
                now += hours * HOUR;
            }
            for age in ages {
                let what = format!("{name}; then {status}; {age} s later");
                let then = at(now + age);
                let expected = ledger.expects(now + age);
                assert_eq!(judged(&case, "/", then), expected, "{what}");
                if expected == "rules" {
                    let verdict = judged(&case, "/private/x", then);
                    assert_eq!(verdict, "line 2: Disallow: /private", "{what}");
                }
                judged_in_all += 1;
            }
            // A process that opens the folder then knows the same, but for what may wait: it asks at once.
            let mut again = self::case();
            let then = at(now + HOUR);
            again
                .copies
                .loaded(&again.origin, row.as_deref(), &again.token, then);
            let expected = ledger.expects(now + HOUR);
            let kept_over = match ledger.failures {
                0 => expected,
                // Rules that may not be used are not stored.
                _ if expected == "rules" || expected == "allow_all" => "fetch".into(),
                _ => expected,
            };
            let found = judged(&again, "/", then);
            assert_eq!(
                found, kept_over,
                "{name}; then {status}; a restart an hour later"
            );
        }
    }
    assert!(judged_in_all > 49_000, "{judged_in_all}");
}

/// A new answer holds for URLs that were queued long before it.
#[test]
fn r4_a_changed_file_is_obeyed_from_its_first_answer_on() {
    let mut case = case();
    answer(&mut case, 200, b"User-agent: *\nAllow: /\n", at(0));
    let queued: Vec<String> = (0..10_000).map(|n| format!("/{}/{n}", n % 10)).collect();
    assert!(
        queued
            .iter()
            .all(|path| judged(&case, path, at(86_399)) == "rules")
    );
    // A day is over: none goes on by the old copy.
    assert!(
        queued
            .iter()
            .all(|path| judged(&case, path, at(86_400)) == "fetch")
    );
    answer(
        &mut case,
        200,
        b"User-agent: *\nDisallow: /7/\n",
        at(86_400),
    );
    for path in &queued {
        let allowed = judged(&case, path, at(86_401)) == "rules";
        assert_eq!(allowed, !path.starts_with("/7/"), "{path}");
    }
}

/// Ages are monotonic time: the wall clock may say what it likes.
#[test]
fn r6_a_jump_of_the_wall_clock_neither_ages_nor_renews_a_copy() {
    let day = 86_400_000_000i64;
    for jump in [-365 * day, -day, -1, 1, 1_000_000, day, 365 * day] {
        let mut case = case();
        let stamp = |seconds: u64, wall: i64| Stamp {
            wall: Wall(1_700_000_000_000_000 + seconds as i64 * 1_000_000 + wall),
            ..at(seconds)
        };
        answer(&mut case, 200, RULES, stamp(0, 0));
        assert_eq!(judged(&case, "/", stamp(10, jump)), "rules", "{jump}");
        assert_eq!(judged(&case, "/", stamp(86_400, jump)), "fetch", "{jump}");
        answer(&mut case, 503, b"", stamp(86_400, jump));
        assert_eq!(judged(&case, "/", stamp(86_401, -jump)), "wait 86430");
        assert_eq!(judged(&case, "/", stamp(86_430, -jump)), "fetch");
    }
}

/// Between boots only the wall clock tells, and where it ran back nothing is trusted; nothing stalls either.
#[test]
fn r6_between_boots_an_age_that_cannot_be_is_a_day() {
    let mut case = case();
    let booted = |boot: u8, mono: u64, wall_hours: i64| Stamp {
        boot: BootId([boot; 16]),
        mono: Mono(mono * 1_000_000),
        wall: Wall((1_000_000 + wall_hours) * 3_600_000_000),
    };
    let row = answer(&mut case, 200, RULES, booted(1, 9_000, 0));
    for (wall_hours, expected) in [
        (0, "rules"),
        (23, "rules"),
        (25, "fetch"),
        (24 * 365, "fetch"),
        (-1, "fetch"),
        (-24 * 365, "fetch"),
    ] {
        let now = booted(2, 5, wall_hours);
        let mut again = self::case();
        again
            .copies
            .loaded(&again.origin, Some(&row), &again.token, now);
        assert_eq!(judged(&again, "/", now), expected, "{wall_hours} h");
    }
}

/// One address a permit; where robots.txt could not be had, the next address is tried, and pages go where it was had.
#[test]
fn the_next_address_is_tried_after_a_failure() {
    let mut case = case();
    let turn = |case: &Case| case.copies.address_turn(&case.origin);
    assert_eq!(turn(&case), 0);
    answer(&mut case, 503, b"", at(0));
    assert_eq!(turn(&case), 1);
    let row = answer(&mut case, 200, RULES, at(31));
    assert_eq!(turn(&case), 1);
    // The next process goes where it was had, too.
    let mut again = self::case();
    let token = again.token.clone();
    again
        .copies
        .loaded(&again.origin, Some(&row), &token, at(40));
    assert_eq!(turn(&again), 1);
}
