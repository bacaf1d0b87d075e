//! One seed tried: its scenario run twice, both runs held against each other, and what came of it summed.
//!
//! In: a seed. Out: [`Trial`], [`Tally`]. May touch: `run`, `scenario`.
//! Invariant: a trial that passed had everything that every trial shall have.

use std::collections::BTreeMap;
use std::fmt;

use crate::checks::Broken;
use crate::life::LifeEnd;
use crate::run::{RunLog, run_scenario};
use crate::scenario::{Scale, Scenario};

/// Webs tried for one seed until one has links across slots, an address shared by two, and more than a segment
/// to fill. The key of a crawl, and with it who owns what, is drawn while it is opened, so this shows only
/// afterwards.
const VARIANTS_MAX: u64 = 8;

/// A seed that was tried.
#[derive(Debug)]
pub struct Trial {
    /// The seed.
    pub seed: u64,
    /// What came of it.
    pub log: RunLog,
    /// Broken promises, replay included.
    pub broken: Vec<Broken>,
}

/// Runs the scenario of `seed` twice.
#[must_use]
pub fn try_seed(seed: u64, scale: Scale) -> Trial {
    let mut tried = None;
    for variant in 0..VARIANTS_MAX {
        let mut scenario = Scenario::from_seed(seed, scale);
        scenario.web.seed = scenario.web.seed.wrapping_add(variant);
        let web = scenario.build_web();
        let log = run_scenario(&scenario, &web);
        let has = |name: &str| {
            log.findings
                .counts
                .get(name)
                .is_some_and(|&count| count > 0)
        };
        let full = [
            "addresses shared by slots",
            "links across slots",
            "segments beyond the first",
        ]
        .into_iter()
        .all(has);
        let broken = !log.findings.violations.is_empty();
        tried = Some((scenario, web, log));
        if full || broken {
            break;
        }
    }
    let (scenario, web, log) = tried.expect("at least one variant is tried");
    let mut broken = log.findings.violations.clone();
    let again = run_scenario(&scenario, &web);
    if again != log {
        broken.push(Broken {
            promise: "replay",
            seen: first_difference(&log, &again),
        });
    }
    Trial { seed, log, broken }
}

/// Where two logs that should be equal part.
fn first_difference(one: &RunLog, other: &RunLog) -> String {
    let visits = one.server.visits.iter().zip(&other.server.visits);
    if let Some((at, (a, b))) = visits.enumerate().find(|(_, (a, b))| a != b) {
        return format!("visit {at}: {a:?} and {b:?}");
    }
    let lives = one.lives.iter().zip(&other.lives);
    if let Some((a, b)) = lives.into_iter().find(|(a, b)| a != b) {
        return format!("process: {a:?} and {b:?}");
    }
    let same = |name, equal: bool| (!equal).then_some(name);
    let parts = [
        same(
            "visits",
            one.server.visits.len() == other.server.visits.len(),
        ),
        same("contacts", one.server.contacts == other.server.contacts),
        same("disk calls", one.disk_trace == other.disk_trace),
        same("files", one.files_hash == other.files_hash),
        same("rows", one.rows_hash == other.rows_hash),
        same("books", one.books == other.books),
        same("end", one.ended == other.ended),
        same("findings", one.findings == other.findings),
    ];
    let names: Vec<&str> = parts.into_iter().flatten().collect();
    format!("the two runs differ in {}", names.join(", "))
}

/// Sums over many trials.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    /// Adds one trial.
    pub fn add(&mut self, trial: &Trial) {
        let log = &trial.log;
        let sum = |of: &dyn Fn(&crate::LifeLog) -> bool| {
            log.lives.iter().filter(|l| of(l)).count() as u64
        };
        let mut put = |name, count: u64| *self.0.entry(name).or_default() += count;
        put("seeds", 1);
        put("runs", 2);
        put("processes", log.lives.len() as u64);
        put(
            "kills",
            sum(&|life| life.end == LifeEnd::Killed && !life.power_cut),
        );
        put(
            "power cuts",
            sum(&|life| life.end == LifeEnd::Killed && life.power_cut),
        );
        put(
            "stops",
            sum(&|life| matches!(life.end, LifeEnd::Stopped(_))),
        );
        put(
            "given up on a fault",
            sum(&|life| matches!(life.end, LifeEnd::Failed(_))),
        );
        put(
            "failed syncs",
            log.lives.iter().map(|life| life.failed_syncs).sum(),
        );
        put(
            "failed commits",
            log.lives.iter().map(|life| life.failed_commits).sum(),
        );
        put("requests", log.server.visits.len() as u64);
        put("connections", log.server.contacts.len() as u64);
        put("virtual seconds", log.ended / 1_000_000);
        put(
            "seeds with a failed sync",
            u64::from(log.lives.iter().any(|life| life.failed_syncs > 0)),
        );
        for (name, feature) in [
            ("seeds with links across slots", "links across slots"),
            ("seeds with a shared address", "addresses shared by slots"),
            ("seeds with a full segment", "segments beyond the first"),
        ] {
            let has = log
                .findings
                .counts
                .get(feature)
                .is_some_and(|&count| count > 0);
            put(name, u64::from(has));
        }
        put("full disks", sum(&|life| life.full_disk));
        for (name, count) in &log.server.faults {
            put(name, *count);
        }
        for (name, count) in &log.findings.counts {
            put(name, *count);
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Tally) {
        for (name, count) in &other.0 {
            *self.0.entry(name).or_default() += count;
        }
    }

    /// One count.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(name, count)| writeln!(f, "{name:34}{count:>12}"))
    }
}
