//! What is in force after every answer, in every previous state, at every age (RFC 9309, 2.3.1 and 2.4).

use std::time::Duration;

use orb_robots::{
    AfterLong, Answer, CopyState, Good, InForce, Kept, Standing, UnreachablePolicy, in_force,
    standing,
};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

const STRICT: UnreachablePolicy = UnreachablePolicy {
    old_copy: false,
    after_long: AfterLong::DisallowAll,
};

#[test]
fn r3_every_status_has_a_standing() {
    for status in 0..=1_000 {
        let expected = match status {
            200..300 => Standing::Rules,
            429 => Standing::Unreachable,
            400..500 => Standing::AllowAll,
            _ => Standing::Unreachable,
        };
        assert_eq!(standing(Answer::Status(status)), expected, "{status}");
    }
    assert_eq!(standing(Answer::TooManyRedirects), Standing::AllowAll);
    assert_eq!(standing(Answer::Unreachable), Standing::Unreachable);
}

/// Each previous state, reached by answers and time.
fn previous_states() -> Vec<(&'static str, CopyState)> {
    let never = CopyState::default();
    let copy = never.answered(Standing::Rules);
    let no_file = never.answered(Standing::AllowAll);
    let lost = never.answered(Standing::Unreachable);
    vec![
        ("never asked", never),
        ("copy, 1 h", copy.aged(HOUR)),
        ("copy, 25 h", copy.aged(25 * HOUR)),
        ("no file, 1 h", no_file.aged(HOUR)),
        ("no file, 25 h", no_file.aged(25 * HOUR)),
        ("unreachable 29 d", lost.aged(29 * DAY)),
        (
            "copy, then unreachable 29 d",
            copy.answered(Standing::Unreachable).aged(29 * DAY),
        ),
    ]
}

/// The default policy over (answer x previous state x age after the answer).
#[test]
fn r3_table_of_answers_states_and_ages() {
    use InForce::{AllowAll, Copy, DisallowAll};
    let ages = [Duration::ZERO, 23 * HOUR, 24 * HOUR, 2 * DAY, 31 * DAY];
    let never = [DisallowAll; 5];
    // A good answer alone decides; at 24 hours it is over.
    let rules = [Copy, Copy, DisallowAll, DisallowAll, DisallowAll];
    let allow = [AllowAll, AllowAll, DisallowAll, DisallowAll, DisallowAll];
    // An hour old copy outlives an unreachable answer for its remaining 23 hours, which the second age completes.
    let copy_left = [Copy, DisallowAll, DisallowAll, DisallowAll, DisallowAll];
    let no_file_left = [AllowAll, DisallowAll, DisallowAll, DisallowAll, DisallowAll];
    let after_unreachable = [never, copy_left, never, no_file_left, never, never, never];

    let good = [Answer::Status(200), Answer::Status(204)];
    let gone = [400, 401, 403, 404, 410, 451, 499].map(Answer::Status);
    let bad = [429, 500, 502, 503, 504, 599, 100, 304, 301, 600].map(Answer::Status);
    for (at, (name, state)) in previous_states().into_iter().enumerate() {
        let check = |answer: Answer, expected: [InForce; 5]| {
            let state = state.answered(standing(answer));
            for (age, expected) in ages.into_iter().zip(expected) {
                let got = in_force(&state.aged(age), &STRICT);
                assert_eq!(got, expected, "{name}; then {answer:?}; {age:?} later");
            }
        };
        good.into_iter().for_each(|answer| check(answer, rules));
        gone.into_iter()
            .chain([Answer::TooManyRedirects])
            .for_each(|answer| check(answer, allow));
        bad.into_iter()
            .chain([Answer::Unreachable])
            .for_each(|answer| check(answer, after_unreachable[at]));
    }
    assert_eq!(UnreachablePolicy::default(), STRICT);
}

/// The choices of 2.3.1.4 and 2.4, over what is kept and how long robots.txt has been unreachable.
#[test]
fn r3_policies_for_unreachable_files() {
    use InForce::{AllowAll, Copy, DisallowAll};
    let lost_for = |kept: Option<Kept>, lost: Duration| CopyState {
        good: kept.map(|kept| Good {
            kept,
            age: lost + 25 * HOUR,
        }),
        unreachable_for: Some(lost),
    };
    let kept = [None, Some(Kept::Copy), Some(Kept::NoFile)];
    // Per policy: what holds for nothing kept, a copy, the knowledge of no file; before 30 days and from then on.
    let table = [
        (
            false,
            AfterLong::DisallowAll,
            [DisallowAll; 3],
            [DisallowAll; 3],
        ),
        (
            false,
            AfterLong::Copy,
            [DisallowAll; 3],
            [DisallowAll, Copy, AllowAll],
        ),
        (false, AfterLong::AllowAll, [DisallowAll; 3], [AllowAll; 3]),
        (
            true,
            AfterLong::DisallowAll,
            [DisallowAll, Copy, AllowAll],
            [DisallowAll; 3],
        ),
        (
            true,
            AfterLong::Copy,
            [DisallowAll, Copy, AllowAll],
            [DisallowAll, Copy, AllowAll],
        ),
        (
            true,
            AfterLong::AllowAll,
            [DisallowAll, Copy, AllowAll],
            [AllowAll; 3],
        ),
    ];
    for (old_copy, after_long, before, after) in table {
        let policy = UnreachablePolicy {
            old_copy,
            after_long,
        };
        for (at, kept) in kept.into_iter().enumerate() {
            for (lost, expected) in [
                (Duration::ZERO, before[at]),
                (30 * DAY - HOUR, before[at]),
                (30 * DAY, after[at]),
                (400 * DAY, after[at]),
            ] {
                assert_eq!(
                    in_force(&lost_for(kept, lost), &policy),
                    expected,
                    "{policy:?} {kept:?} {lost:?}"
                );
            }
        }
    }
}

#[test]
fn r3_unreachable_time_runs_from_the_first_and_ends_with_a_good_answer() {
    let state = CopyState::default()
        .answered(Standing::Rules)
        .aged(2 * DAY)
        .answered(Standing::Unreachable);
    let state = state
        .aged(3 * DAY)
        .answered(Standing::Unreachable)
        .aged(DAY);
    assert_eq!(state.unreachable_for, Some(4 * DAY));
    assert_eq!(
        state.good,
        Some(Good {
            kept: Kept::Copy,
            age: 6 * DAY
        }),
        "the last good copy is kept"
    );
    let state = state.answered(Standing::AllowAll);
    assert_eq!(
        state,
        CopyState {
            good: Some(Good {
                kept: Kept::NoFile,
                age: Duration::ZERO
            }),
            unreachable_for: None
        }
    );
}

#[test]
fn r3_a_fetch_is_due_without_a_fresh_good_answer() {
    let never = CopyState::default();
    assert!(never.fetch_due());
    assert!(never.answered(Standing::Unreachable).fetch_due());
    for good in [Standing::Rules, Standing::AllowAll] {
        let state = never.answered(good);
        assert!(!state.aged(24 * HOUR - Duration::from_millis(1)).fetch_due());
        assert!(state.aged(24 * HOUR).fetch_due());
        assert!(!state.answered(Standing::Unreachable).fetch_due());
    }
    assert!(
        never
            .answered(Standing::Rules)
            .aged(Duration::MAX)
            .aged(Duration::MAX)
            .fetch_due()
    );
}
