//! Where a crawl's CPU time goes, by stage of the work.
//!
//! In: readings of the clock around pieces of a shard's work; the kernel's account of each thread.
//! Out: CPU time by stage; how busy each shard is.
//! May touch: nothing. Must not touch: clocks, `/proc`; readings come in.
//! Invariant: the stages add up to what the process has used.
//!
//! A shard's thread decodes, scans, archives and keeps its frontier between two waits, and drives its sockets
//! while it waits. In some of its turns the pieces are timed one by one by the thread's own CPU clock, which stands
//! still while it sleeps or others have the core; the shares found there are those of the thread's whole account.

use std::collections::BTreeMap;
use std::time::Duration;

use orb_api::{Stage, StageUse};
use orb_env::{Mono, ThreadUse};

use crate::board::ShardReport;

/// CPU time by stage in the turns that were timed, and how many times each stage was gone through in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StageTimes {
    stages: [(Duration, u64); Stage::ALL.len()],
    /// CPU time of the timed turns, waits for sockets included.
    turns: Duration,
}

impl StageTimes {
    /// Counts one passage, and its time if that was taken.
    pub(crate) fn add(&mut self, stage: Stage, took: Option<Duration>) {
        let (time, times) = &mut self.stages[stage as usize];
        *time += took.unwrap_or_default();
        *times += 1;
    }

    /// Adds a timed turn.
    pub(crate) fn add_turn(&mut self, took: Duration) {
        self.turns += took;
    }

    fn of(&self, stage: Stage) -> (Duration, u64) {
        self.stages[stage as usize]
    }

    /// Time of all stages.
    pub(crate) fn time(&self) -> Duration {
        self.stages.iter().map(|(time, _)| *time).sum()
    }
}

/// The stages that are timed piece by piece on a shard's thread.
const TIMED: [Stage; 5] = [
    Stage::Decode,
    Stage::Scan,
    Stage::Links,
    Stage::Archive,
    Stage::Frontier,
];

/// What counts passages of the stages that are not timed piece by piece.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Passages {
    pub(crate) requests: u64,
    pub(crate) groups: u64,
}

/// The accounts of all threads, also of those that have ended.
#[derive(Debug, Default)]
pub(crate) struct ThreadBook {
    threads: BTreeMap<u32, ThreadUse>,
    looked: Option<Mono>,
    /// By shard: time on a core or ready for one, when last looked.
    before: Vec<Duration>,
    busy: Vec<f64>,
}

impl ThreadBook {
    /// Takes the kernel's accounts at `now`; accounts only grow, so older ones do no harm.
    pub(crate) fn note(&mut self, threads: Vec<ThreadUse>) {
        for thread in threads {
            let known = self.threads.entry(thread.id).or_default();
            if thread.cpu >= known.cpu {
                *known = thread;
            }
        }
    }

    /// Works out how busy each of `shards` was since this was last called.
    pub(crate) fn look(&mut self, shards: usize, now: Mono) {
        let used: Vec<Duration> = (0..shards)
            .map(|shard| {
                let thread = self.shard(shard);
                thread.map_or(Duration::ZERO, |thread| thread.cpu + thread.waited)
            })
            .collect();
        if let Some(before) = self.looked.replace(now) {
            let span = now.since(before).as_secs_f64();
            let share = |(now, before): (&Duration, &Duration)| {
                (now.saturating_sub(*before).as_secs_f64() / span.max(0.001)).min(1.0)
            };
            self.busy = used.iter().zip(&self.before).map(share).collect();
        }
        self.before = used;
    }

    /// Share of the time between the last two looks in which each shard worked or was kept from it by others.
    /// Empty before that, and where the system keeps no accounts.
    pub(crate) fn busy(&self) -> &[f64] {
        if self.threads.is_empty() {
            &[]
        } else {
            &self.busy
        }
    }

    fn shard(&self, shard: usize) -> Option<&ThreadUse> {
        let name = format!("orb-shard-{shard}");
        self.threads.values().find(|thread| thread.name == name)
    }

    /// CPU time by stage. `cpu_seconds` is the process's; what no thread here accounts for is other work.
    pub(crate) fn stages(
        &self,
        shards: &[ShardReport],
        passages: Passages,
        cpu_seconds: f64,
    ) -> BTreeMap<Stage, StageUse> {
        let mut stages = BTreeMap::new();
        if self.threads.is_empty() {
            return stages;
        }
        for stage in Stage::ALL {
            stages.insert(stage, StageUse::default());
        }
        let mut add = |stage, cpu_seconds: f64, times| {
            let entry: &mut StageUse = stages.entry(stage).or_default();
            entry.cpu_seconds += cpu_seconds;
            entry.times += times;
        };
        let mut known = 0.0;
        for (shard, report) in shards.iter().enumerate() {
            let cpu = self
                .shard(shard)
                .map_or(0.0, |thread| thread.cpu.as_secs_f64());
            let turns = report.work.turns.as_secs_f64();
            let mut left = cpu;
            for stage in TIMED {
                let (time, times) = report.work.of(stage);
                let part = if turns > 0.0 {
                    (cpu * time.as_secs_f64() / turns).min(left)
                } else {
                    0.0
                };
                add(stage, part, times);
                left -= part;
            }
            add(Stage::Network, left, 0);
            known += cpu;
        }
        for thread in self.threads.values() {
            if let Some(stage) = stage_of(&thread.name) {
                let cpu = thread.cpu.as_secs_f64();
                add(stage, cpu, 0);
                known += cpu;
            }
        }
        add(Stage::Network, 0.0, passages.requests);
        add(Stage::Commit, 0.0, passages.groups);
        add(Stage::Other, (cpu_seconds - known).max(0.0), 0);
        stages
    }
}

/// The stage that a helper's or the store's thread works for.
fn stage_of(name: &str) -> Option<Stage> {
    if name.starts_with("orb-commit-") {
        Some(Stage::Commit)
    } else if name.starts_with("orb-read-") {
        Some(Stage::Read)
    } else if name.starts_with("orb-slow-") || name == "orb-uploads" {
        // Indexes, dictionaries and uploads of closed segments.
        Some(Stage::Archive)
    } else if name.starts_with("fjall") || name.starts_with("lsm") {
        Some(Stage::Store)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(id: u32, name: &str, cpu_ms: u64, waited_ms: u64) -> ThreadUse {
        ThreadUse {
            id,
            name: name.into(),
            cpu: Duration::from_millis(cpu_ms),
            waited: Duration::from_millis(waited_ms),
        }
    }

    /// A shard of whose timed turns so much went to scanning and archiving.
    fn shard(turns_ms: u64, scan_ms: u64, archive_ms: u64) -> ShardReport {
        let mut report = ShardReport::default();
        let millis = |ms| Some(Duration::from_millis(ms));
        report.work.add(Stage::Scan, millis(scan_ms));
        report.work.add(Stage::Scan, None);
        report.work.add(Stage::Archive, millis(archive_ms));
        report.work.add_turn(Duration::from_millis(turns_ms));
        report
    }

    #[test]
    fn stages_add_up_to_the_process() {
        let mut book = ThreadBook::default();
        book.note(vec![
            thread(1, "orb", 50, 0),
            thread(2, "orb-shard-0", 1_000, 0),
            thread(3, "orb-shard-1", 100, 0),
            thread(4, "orb-commit-0", 30, 0),
            thread(5, "orb-read-1", 20, 0),
            thread(6, "fjall:worker", 40, 0),
            thread(7, "orb-slow-0", 10, 0),
        ]);
        let passages = Passages {
            requests: 7,
            groups: 3,
        };
        // A tenth of the first shard's turns was timed, and half of those of the second.
        let stages = book.stages(&[shard(100, 30, 20), shard(50, 25, 25)], passages, 1.3);
        let cpu = |stage| (stages[&stage].cpu_seconds * 1_000.0).round();
        assert_eq!(cpu(Stage::Scan), 350.0);
        assert_eq!(cpu(Stage::Archive), 260.0);
        assert_eq!(cpu(Stage::Network), 500.0);
        assert_eq!(
            (cpu(Stage::Commit), cpu(Stage::Read), cpu(Stage::Store)),
            (30.0, 20.0, 40.0)
        );
        assert_eq!(cpu(Stage::Other), 100.0);
        let sum: f64 = stages.values().map(|stage| stage.cpu_seconds).sum();
        assert!((sum - 1.3).abs() < 1e-9, "{sum}");
        assert_eq!(
            (stages[&Stage::Network].times, stages[&Stage::Scan].times),
            (7, 4)
        );
    }

    #[test]
    fn a_shard_is_busy_when_it_works_or_waits_for_a_core() {
        let mut book = ThreadBook::default();
        assert!(book.busy().is_empty());
        book.note(vec![thread(2, "orb-shard-0", 1_000, 100)]);
        book.look(1, Mono(5_000_000));
        book.note(vec![thread(2, "orb-shard-0", 1_500, 350)]);
        book.look(1, Mono(6_000_000));
        assert_eq!(book.busy(), [0.75]);
        // A thread that has ended keeps its account.
        book.note(vec![]);
        book.look(1, Mono(7_000_000));
        assert_eq!(book.busy(), [0.0]);
        assert!(
            !book
                .stages(&[shard(0, 0, 0)], Passages::default(), 2.0)
                .is_empty()
        );
    }
}
