//! A small crawl, killed at each of its writing calls in turn, once plainly and once by a power cut.
//!
//! In: a seed. Out: how many places were tried, or the first that was not survived.
//! May touch: `run`. Invariant: the places are those of an undisturbed run, opening included.

use std::sync::Arc;
use std::time::Duration;

use orb_simweb::SimWeb;

use crate::checks::Broken;
use crate::life::LifeEnd;
use crate::run::run_scenario;
use crate::scenario::{End, LifePlan, Scenario};

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct EveryWrite {
    /// Writing calls of the undisturbed run.
    pub calls: u64,
    /// Kills and power cuts tried.
    pub tried: u64,
    /// The first that was not survived, and what broke.
    pub broken: Option<(End, Vec<Broken>)>,
}

/// Kills the small crawl of `seed` at every `step`-th writing call.
#[must_use]
pub fn try_every_write(seed: u64, step: usize) -> EveryWrite {
    let mut scenario = Scenario::calm(seed);
    (scenario.web.sites, scenario.web.pages_per_site) = (3, 2);
    let web = scenario.build_web();
    let calls = run_scenario(&scenario, &web).lives[0].write_calls;
    let mut done = EveryWrite {
        calls,
        ..EveryWrite::default()
    };
    for at in (1..=calls).step_by(step) {
        for end in [End::Kill(at), End::PowerCut(at)] {
            done.tried += 1;
            if let Some(broken) = not_survived(&scenario, &web, end) {
                done.broken = Some((end, broken));
                return done;
            }
        }
    }
    done
}

fn not_survived(scenario: &Scenario, web: &Arc<SimWeb>, end: End) -> Option<Vec<Broken>> {
    let plan = LifePlan {
        end,
        pause: Duration::from_millis(50),
        new_boot: false,
        wall_jump_us: 0,
    };
    let log = run_scenario(
        &Scenario {
            lives: vec![plan],
            ..scenario.clone()
        },
        web,
    );
    let mut broken = log.findings.violations;
    if log.lives[0].end != LifeEnd::Killed {
        let seen = format!("the process ended as {:?}", log.lives[0].end);
        broken.push(Broken {
            promise: "killed",
            seen,
        });
    }
    (!broken.is_empty()).then_some(broken)
}
