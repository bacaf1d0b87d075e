//! Ten known mistakes, each planted in a whole crawl: the promise it breaks is seen broken, and holds without it.
//!
//! In: scenarios from seeds, sharpened towards one mistake each. Out: which seed caught it.
//! May touch: the planting of mistakes on the test's own thread. Invariant: a test fails when its mistake goes unseen.

use std::ops::Range;
use std::time::Duration;

use orb_env::mutant::{Mutant, plant};
use orb_sim::{RunLog, Scale, Scenario, run_scenario};

/// Plants `mutant` in the scenarios of `seeds` until one of `promises` is seen broken.
fn is_caught(mutant: Mutant, promises: &[&str], seeds: Range<u64>, make: impl Fn(u64) -> Scenario) {
    let mut other = Vec::new();
    for seed in seeds.clone() {
        let mut scenario = make(seed);
        let web = scenario.build_web();
        plant(Some(mutant));
        let log = run_scenario(&scenario, &web);
        plant(None);
        if promises.iter().any(|promise| log.findings.breaks(promise)) {
            let sound = run_scenario(&scenario, &web);
            assert!(
                sound.findings.violations.is_empty(),
                "seed {seed} without it: {}",
                told(&sound)
            );
            println!("{mutant:?} was caught by seed {seed}: {}", told(&log));
            return;
        }
        if !log.findings.violations.is_empty() {
            other.push(format!("seed {seed}: {}", told(&log)));
        }
    }
    panic!("{mutant:?} went unseen in {seeds:?} (looked for {promises:?}); seen: {other:#?}");
}

fn told(log: &RunLog) -> String {
    let lines = log.findings.violations.iter().take(3);
    lines
        .map(|broken| format!("{}: {}", broken.promise, broken.seen))
        .collect::<Vec<_>>()
        .join("\n  ")
}

fn from_seed(seed: u64) -> Scenario {
    Scenario::from_seed(seed, Scale::Quick)
}

const SEEDS: Range<u64> = 0..60;

/// Readers must not see what a power cut takes back.
#[test]
fn mutant_journal_shown_early_is_caught() {
    is_caught(
        Mutant::JournalShownEarly,
        &["nothing lost"],
        SEEDS,
        from_seed,
    );
}

/// A list of runs that names an unsynced run loses URLs, or the folder.
#[test]
fn mutant_run_list_before_sync_is_caught() {
    is_caught(
        Mutant::RunListBeforeSync,
        &["alive", "books", "nothing lost"],
        SEEDS,
        from_seed,
    );
}

/// A position that passes links whose outcome is unknown loses them at a kill.
#[test]
fn mutant_position_moved_early_is_caught() {
    is_caught(
        Mutant::PositionMovedEarly,
        &["nothing lost"],
        SEEDS,
        from_seed,
    );
}

/// A segment that no group committed must not stay.
#[test]
fn mutant_rotation_uncut_is_caught() {
    is_caught(
        Mutant::RotationUncut,
        &["alive", "audit", "archive"],
        SEEDS,
        from_seed,
    );
}

/// A revisit refers to a record that is there.
#[test]
fn mutant_dangling_revisit_is_caught() {
    is_caught(
        Mutant::DanglingRevisit,
        &["audit", "archive"],
        SEEDS,
        from_seed,
    );
}

/// Hops on the way to a robots.txt are requests like any other.
#[test]
fn mutant_ungated_hop_is_caught() {
    is_caught(
        Mutant::UngatedHop,
        &["site pause", "address pause"],
        SEEDS,
        from_seed,
    );
}

/// The pause runs from the end of an exchange.
#[test]
fn mutant_delay_from_start_is_caught() {
    is_caught(Mutant::DelayFromStart, &["site pause"], SEEDS, from_seed);
}

/// Nobody is visited sooner because the crawler was killed.
#[test]
fn mutant_no_wait_after_kill_is_caught() {
    is_caught(Mutant::NoWaitAfterKill, &["site pause"], SEEDS, from_seed);
}

/// A time that has passed is not used.
#[test]
fn mutant_stale_address_time_is_caught() {
    is_caught(
        Mutant::StaleAddressTime,
        &["address pause"],
        SEEDS,
        from_seed,
    );
}

/// Finished means that nothing is left to read. With one site and slow helpers there are moments when the links
/// of the only page known are in the journal and nowhere else.
#[test]
fn mutant_finished_with_unread_journal_is_caught() {
    is_caught(
        Mutant::FinishedWithUnreadJournal,
        &["nothing lost"],
        SEEDS,
        |seed| {
            let mut scenario = Scenario::calm(seed);
            scenario.web.sites = 1;
            scenario.work_delay_max = Duration::from_millis(200);
            scenario
        },
    );
}
