//! A whole scenario: process after process on one disk, in front of one web, until the crawl is finished.
//!
//! In: a scenario. Out: [`RunLog`]. May touch: every other module.
//! Must not touch: threads; everything is one future on one paused runtime.
//! Invariant: the log depends on the scenario (and the planted mistake, if there is one) alone.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use orb_api::{Books, CrawlDir};
use orb_crawl::{Control, CrawlSetup, Wish};
use orb_env::{BootId, Clock, DiskFaults, MemoryDisk, Mono, SeededEntropy, Stamp, Wall};
use orb_frontier::UrlRules;
use orb_simweb::SimWeb;
use orb_store::ModelOpener;
use rustc_hash::FxHasher;

use crate::checks::{Aftermath, Findings};
use crate::dice::mix;
use crate::disk::WitnessedDisk;
use crate::life::{Fortune, LifeEnd, Seeds, after, live};
use crate::limits::{CRAWL_TIME_MAX, LIVES_MAX};
use crate::net::SimNet;
use crate::remains::{autopsy, files_hash, rows_hash};
use crate::scenario::{End, NAMESERVER, Scenario};
use crate::server_log::ServerLog;
use crate::time::{ProcessClock, Stalls, TrueTime};
use crate::world::SimWorld;

/// Wall time when a simulated world begins: 2026-01-01.
pub(crate) const WALL_START: i64 = 1_767_225_600_000_000;

/// When in each process's life the wall clock steps, if it does: among its requests.
const WALL_STEP_AFTER: Duration = Duration::from_secs(9);

/// One process of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LifeLog {
    /// When it opened the folder, true microseconds.
    pub began: u64,
    /// When it ended.
    pub ended: u64,
    /// How it ended.
    pub end: LifeEnd,
    /// Syncs that failed in it.
    pub failed_syncs: u64,
    /// Commits of stores that were made to fail in it.
    pub failed_commits: u64,
    /// Whether its disk was small for a while.
    pub full_disk: bool,
    /// Whether it was the power that went.
    pub power_cut: bool,
    /// Writing calls it made: the places where a kill can hit.
    pub write_calls: u64,
}

impl LifeLog {
    /// Whether the disk or the store misbehaved while it lived.
    #[must_use]
    pub fn had_faults(&self) -> bool {
        self.failed_syncs + self.failed_commits > 0
    }
}

/// Everything that came of a scenario. Two runs of one scenario give equal logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunLog {
    /// Its processes.
    pub lives: Vec<LifeLog>,
    /// What the servers saw.
    pub server: ServerLog,
    /// The final books, summed over the slots.
    pub books: Books,
    /// Hash of every writing call of the disk, in order.
    pub disk_trace: u64,
    /// Hash of every file of the folder at the end.
    pub files_hash: u64,
    /// Hash of every row of every store at the end.
    pub rows_hash: u64,
    /// True time at the end.
    pub ended: u64,
    /// What was checked, and what was found broken.
    pub findings: Findings,
}

impl RunLog {
    /// One number for everything.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        let mut hasher = FxHasher::default();
        self.lives.hash(&mut hasher);
        self.server.hash(&mut hasher);
        (self.disk_trace, self.files_hash, self.rows_hash, self.ended).hash(&mut hasher);
        hasher.finish()
    }
}

/// Crawls a scenario from its first process to its last, and checks every promise.
///
/// Runs on the calling thread, so that a mistake planted there is planted in the crawl.
#[must_use]
pub fn run_scenario(scenario: &Scenario, web: &Arc<SimWeb>) -> RunLog {
    web.forget_attempts();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without sockets needs nothing from the system");
    runtime.block_on(Run::new(scenario, web).whole())
}

pub(crate) struct Run<'a> {
    scenario: &'a Scenario,
    web: Arc<SimWeb>,
    pub(crate) dir: CrawlDir,
    pub(crate) disk: MemoryDisk,
    witness: WitnessedDisk,
    pub(crate) stores: ModelOpener,
    pub(crate) seeds: Seeds,
    lives: Vec<LifeLog>,
    findings: Findings,
}

impl<'a> Run<'a> {
    pub(crate) fn new(scenario: &'a Scenario, web: &Arc<SimWeb>) -> Run<'a> {
        let disk = MemoryDisk::new();
        let lines = web.seeds();
        let seeds = lines
            .iter()
            .filter_map(|line| orb_url::parse_seed_line(line).ok().flatten());
        Run {
            scenario,
            dir: CrawlDir::new("/crawl"),
            witness: WitnessedDisk::new(disk.clone()),
            stores: ModelOpener::new(disk.clone()),
            seeds: seeds.collect(),
            web: Arc::clone(web),
            disk,
            lives: Vec::new(),
            findings: Findings::default(),
        }
    }

    async fn whole(mut self) -> RunLog {
        let time = TrueTime::new();
        let scenario = self.scenario;
        let net = Arc::new(SimNet::new(
            Arc::clone(&self.web),
            Arc::clone(&time),
            self.disk.clone(),
            mix(scenario.seed, "net"),
            scenario.weather.clone(),
            NAMESERVER,
        ));
        let mut stamp = Stamp {
            boot: BootId([1; 16]),
            mono: Mono(5_000_000_000),
            wall: Wall(WALL_START),
        };
        for life in 0..LIVES_MAX {
            net.begin_life(life);
            let clock = self.clock_of(life, stamp, &time);
            let log = self.one_life(life, &clock, &time, &net).await;
            let done = self.after_life(life, &log);
            self.lives.push(log);
            if done {
                break;
            }
            let plan = scenario.lives.get(life);
            if let Some(plan) = plan {
                after(&time, plan.pause).await;
            }
            let jump = plan.map_or(0, |plan| plan.wall_jump_us);
            stamp = Stamp {
                mono: clock.mono(),
                wall: Wall(clock.wall().0 + jump),
                ..stamp
            };
            if plan.is_some_and(|plan| plan.new_boot) {
                // Another boot counts from its own start; the numbers may look earlier or later.
                let from = 1_000_000 + mix(scenario.seed, "boot") % 10_000_000_000;
                stamp = Stamp {
                    boot: BootId([life as u8 + 2; 16]),
                    mono: Mono(from),
                    ..stamp
                };
            }
        }
        self.conclude(&time, &net)
    }

    pub(crate) fn clock_of(
        &self,
        life: usize,
        stamp: Stamp,
        time: &Arc<TrueTime>,
    ) -> Arc<ProcessClock> {
        let (per_mille, count, longest) = self.scenario.stalls;
        let seed = mix(self.scenario.seed, &format!("clock {life}"));
        let stalls = Stalls::new(seed, per_mille, count, longest);
        Arc::new(ProcessClock::new(Arc::clone(time), stamp, Some(stalls)))
    }

    pub(crate) fn setup_of(
        &self,
        life: usize,
        clock: &Arc<ProcessClock>,
        net: &Arc<SimNet>,
        control: &Control,
    ) -> CrawlSetup {
        let scenario = self.scenario;
        let world = Arc::new(SimWorld {
            clock: Arc::clone(clock),
            entropy: Arc::new(SeededEntropy::new(mix(
                scenario.seed,
                &format!("life {life}"),
            ))),
            disk: self.witness.clone(),
            stores: self.stores.clone(),
            net: Arc::clone(net),
            web: Arc::clone(&self.web),
            work_delay_max: scenario.work_delay_max,
        });
        CrawlSetup {
            dir: self.dir.clone(),
            config: scenario.config.clone(),
            rules: UrlRules::default(),
            world,
            control: control.clone(),
            software: "orbweaver/simulated".to_owned(),
        }
    }

    async fn one_life(
        &mut self,
        life: usize,
        clock: &Arc<ProcessClock>,
        time: &Arc<TrueTime>,
        net: &Arc<SimNet>,
    ) -> LifeLog {
        let scenario = self.scenario;
        let end = scenario.lives.get(life).map(|plan| plan.end);
        let synced = self.lives.iter().any(|life| life.failed_syncs > 0);
        let faults = DiskFaults {
            sync_fails_at: scenario.sync_fails_at.filter(|_| !synced),
            killed_at: match end {
                Some(End::Kill(at) | End::PowerCut(at)) => Some(at),
                _ => None,
            },
            room_bytes: None,
        };
        let full = scenario.full_disk.filter(|_| life == 0);
        self.disk.set_faults(DiskFaults {
            room_bytes: full.map(|(bytes, _)| bytes),
            ..faults
        });
        let commit_fails_at = scenario.commit_fails_at.filter(|_| life == 0);
        self.stores.fail_commit_at(commit_fails_at);
        let control = Control::new();
        let setup = self.setup_of(life, clock, net, &control);
        let wish = match end {
            Some(End::Stop(at)) => Some((after(time, at), Wish::Stop)),
            Some(End::Abort(at)) => Some((after(time, at), Wish::Abort)),
            _ => None,
        };
        let fortune = Fortune {
            disk: self.disk.clone(),
            control,
            deadline: after(time, CRAWL_TIME_MAX),
            wish,
            step: (scenario.wall_step_us != 0)
                .then(|| (after(time, WALL_STEP_AFTER), scenario.wall_step_us)),
            room: full.map(|(_, until)| (after(time, until), faults)),
            clock: Arc::clone(clock),
        };
        let (began, (_, failed_before)) = (time.now(), self.witness.syncs());
        let ended_as = live(setup, scenario.shards, &mut self.seeds, fortune).await;
        let reached = commit_fails_at.is_some_and(|at| self.stores.commits() >= at);
        LifeLog {
            began,
            ended: time.now(),
            end: ended_as,
            failed_syncs: self.witness.syncs().1 - failed_before,
            failed_commits: u64::from(reached),
            full_disk: full.is_some(),
            power_cut: matches!(end, Some(End::PowerCut(_))),
            write_calls: self.disk.write_calls(),
        }
    }

    /// Brings the machine back after a process; true when nothing more is to come.
    fn after_life(&mut self, life: usize, log: &LifeLog) -> bool {
        let planned = self.scenario.lives.len() > life;
        match &log.end {
            LifeEnd::Finished => return true,
            LifeEnd::Stopped(_) if planned => {}
            LifeEnd::Killed => {
                let label = format!("crash {life}");
                let entropy = SeededEntropy::new(mix(self.scenario.seed, &label));
                self.disk.crash(&entropy, log.power_cut);
            }
            // Who gave up because the disk failed may be started again.
            LifeEnd::Failed(_) if log.had_faults() => {}
            other => {
                self.findings
                    .violate("alive", format!("process {life} ended as {other:?}"));
                return true;
            }
        }
        self.disk.set_faults(DiskFaults::default());
        self.stores.fail_commit_at(None);
        self.findings
            .named_groups_are_stored(&self.witness, &self.dir, &self.stores);
        if log.end == LifeEnd::Killed {
            self.findings
                .audit(&self.witness, &self.dir, &self.stores, true);
        }
        false
    }

    fn conclude(mut self, time: &Arc<TrueTime>, net: &Arc<SimNet>) -> RunLog {
        self.disk.set_faults(DiskFaults::default());
        self.stores.fail_commit_at(None);
        let disk_trace = self.witness.trace();
        self.findings
            .count("appends without room", self.witness.refusals());
        let server = net.log();
        let finished = self
            .lives
            .last()
            .is_some_and(|life| life.end == LifeEnd::Finished);
        if !finished && self.findings.violations.is_empty() {
            self.findings
                .violate("alive", format!("not finished after {LIVES_MAX} processes"));
        }
        let mut books = Books::default();
        if finished {
            let aftermath = Aftermath {
                scenario: self.scenario,
                web: &self.web,
                disk: &self.witness,
                dir: &self.dir,
                stores: &self.stores,
                lives: &self.lives,
                server: &server,
            };
            books = aftermath.judge(&mut self.findings);
        } else {
            // What servers felt counts whether the crawl came to its end or not.
            let aftermath = Aftermath {
                scenario: self.scenario,
                web: &self.web,
                disk: &self.witness,
                dir: &self.dir,
                stores: &self.stores,
                lives: &self.lives,
                server: &server,
            };
            aftermath.judge_servers(&mut self.findings);
            self.findings
                .violate("alive", autopsy(&self.stores, &self.witness, &self.dir));
        }
        RunLog {
            files_hash: files_hash(&self.witness, &self.dir),
            rows_hash: rows_hash(&self.stores, &self.dir),
            books,
            disk_trace,
            ended: time.now(),
            lives: self.lives,
            findings: self.findings,
            server,
        }
    }
}
