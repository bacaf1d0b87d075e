//! Sites that live: pages change while they are crawled, and a crawl stays as right as where nothing moves.

#![allow(clippy::unwrap_used)] // in a test's own tools too, a panic is the report

use orb_sim::{Scale, Scenario, run_scenario};

#[test]
fn pages_may_change_while_they_are_crawled() {
    for seed in 1..=6 {
        let mut scenario = Scenario::from_seed(seed, Scale::Quick);
        scenario.web.living.share = 1.0;
        scenario.web.living.change_seconds = 5;
        let web = scenario.build_web();
        let log = run_scenario(&scenario, &web);
        assert!(
            log.findings.violations.is_empty(),
            "seed {seed}: {:#?}",
            log.findings.violations
        );
    }
}
