//! A reduced number of seeds with every change; `cargo xtask long sim` runs a thousand at full scale.
//!
//! In: seeds. Out: all promises hold, every seed replays identically. May touch: nothing.
//! Invariant: what is counted must have happened, or the simulation has become too tame.

use orb_sim::{Scale, Scenario, Tally, run_scenario, try_every_write, try_power_cuts, try_seed};

/// Design section 3: all promises hold over faults, failed syncs and kills, and one seed gives one log, twice.
#[test]
fn promises_hold_and_seeds_replay() {
    let mut tally = Tally::default();
    for seed in 0..20 {
        let trial = try_seed(seed, Scale::Quick);
        assert!(trial.broken.is_empty(), "seed {seed}: {:#?}", trial.broken);
        tally.add(&trial);
    }
    println!("{tally}");
    assert_eq!(tally.get("seeds with a failed sync"), 20);
    for name in [
        "kills",
        "power cuts",
        "stops",
        "failed commits",
        "links across slots",
        "addresses shared by slots",
        "segments beyond the first",
        "indexes",
        "revisits",
        "site pauses across processes",
        "address pauses",
        "reset",
        "silent",
        "ignored",
        "question_lost",
    ] {
        assert!(tally.get(name) > 0, "no {name} in 20 seeds");
    }
}

/// Another seed is another story.
#[test]
fn seeds_differ() {
    let trace = |seed| try_seed(seed, Scale::Quick).log.trace_hash();
    assert_ne!(trace(1), trace(2));
}

/// Every seed at full scale writes segments of 1 MB.
#[test]
fn full_scale_holds_too() {
    let trial = try_seed(3, Scale::Full);
    assert!(trial.broken.is_empty(), "{:#?}", trial.broken);
    assert!(trial.log.findings.counts["segments beyond the first"] > 0);
}

/// faults.md D1 and D2 at whole-crawl scale: a kill or a power cut at any writing call, opening included, is
/// survived. Every seventh call here; `orb-sim --every-write SEED` tries each.
#[test]
fn d1_d2_a_kill_at_any_writing_call_is_survived() {
    let done = try_every_write(5, 7);
    assert!(done.broken.is_none(), "{done:#?}");
    assert!(done.calls > 150 && done.tried > 40, "{done:?}");
}

/// faults.md D2: of what was not synced, any part may be lost, later writes without earlier ones, torn at sectors and
/// pages. `cargo xtask long power-cuts` tries ten thousand seeds.
#[test]
fn d2_power_cuts_lose_reorder_and_tear_only_what_was_not_acknowledged() {
    let mut cuts = 0;
    for seed in 0..60 {
        let done = try_power_cuts(seed);
        assert!(done.broken.is_empty(), "seed {seed}: {:#?}", done.broken);
        cuts += done.cuts;
    }
    assert!(cuts > 90, "only {cuts} cuts");
}

/// faults.md D3 at whole-crawl scale: any one sync may fail.
#[test]
fn d3_any_failed_sync_is_survived() {
    let mut scenario = Scenario::calm(6);
    (scenario.web.sites, scenario.web.pages_per_site) = (3, 2);
    let web = scenario.build_web();
    let mut failed = 0;
    for at in (1..80).step_by(5) {
        let broken = Scenario {
            sync_fails_at: Some(at),
            ..scenario.clone()
        };
        let log = run_scenario(&broken, &web);
        assert!(
            log.findings.violations.is_empty(),
            "sync {at}: {:#?}",
            log.findings.violations
        );
        failed += log.lives.iter().map(|life| life.failed_syncs).sum::<u64>();
    }
    assert!(failed >= 10, "only {failed} syncs failed");
}
