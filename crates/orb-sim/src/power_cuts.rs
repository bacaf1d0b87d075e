//! Small crawls that lose power at random writing calls, several times each: what was not synced is lost, re-ordered, torn.
//!
//! In: a seed. Out: what was cut, or what did not survive. May touch: `run`.
//! Invariant: one seed gives one story; a cut beyond the last writing call of a process is no cut and is not counted.

use std::time::Duration;

use crate::checks::Broken;
use crate::dice::Dice;
use crate::life::LifeEnd;
use crate::run::run_scenario;
use crate::scenario::{End, LifePlan, Scenario};

/// What came of one seed.
#[derive(Clone, Debug, Default)]
pub struct PowerCuts {
    /// Processes that lost power.
    pub cuts: u64,
    /// Promises broken.
    pub broken: Vec<Broken>,
}

/// Cuts the power of the small crawl of `seed` one to four times, in its opening too.
#[must_use]
pub fn try_power_cuts(seed: u64) -> PowerCuts {
    let dice = Dice::new(seed, "power cuts");
    let mut scenario = Scenario::calm(seed);
    (scenario.web.sites, scenario.web.pages_per_site) =
        (dice.pick(2..5) as u32, dice.pick(2..6) as u32);
    let lives = dice.pick(1..5);
    scenario.lives = (0..lives).map(|_| cut(&dice)).collect();
    let web = scenario.build_web();
    let log = run_scenario(&scenario, &web);
    let cut = |life: &&crate::run::LifeLog| life.end == LifeEnd::Killed && life.power_cut;
    PowerCuts {
        cuts: log.lives.iter().filter(cut).count() as u64,
        broken: log.findings.violations,
    }
}

fn cut(dice: &Dice) -> LifePlan {
    // Opening takes some eighty writing calls, such a crawl two hundred.
    let at = match dice.percent(25) {
        true => dice.pick(1..80),
        false => dice.pick(80..260),
    };
    LifePlan {
        end: End::PowerCut(at),
        pause: Duration::from_millis(dice.pick(1..2_000)),
        new_boot: true,
        wall_jump_us: 0,
    }
}
