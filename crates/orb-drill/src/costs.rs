//! What a drill's work cost, by kind of work.
//!
//! In: single measurements. Out: sums and histograms. May touch: nothing.
//! Invariant: CPU time is that of the thread that did the work; nothing is counted twice.

use std::collections::VecDeque;
use std::time::Duration;

use crate::histogram::Histogram;
use crate::lanes::Took;

/// See the module. CPU times include the reading of the clock itself, some 0.4 microseconds a measurement. Visits are
/// metered one in eight; sums are made up for those that were not.
#[derive(Clone, Debug, Default)]
pub struct Costs {
    /// URLs taken for a request.
    pub pops: u64,
    /// CPU time of each metered pop: its share of the job that read its site, choosing the site, taking the URL, releasing.
    pub pop_cpu: Histogram,
    /// Wall time of each metered pop: the whole job that read its site, and the same work as above.
    pub pop_wall: Histogram,
    /// Jobs that read windows.
    pub loads: u64,
    /// Sites in them.
    pub loaded_sites: u64,
    /// CPU time of these jobs, on the helper.
    pub load_cpu: Duration,
    /// CPU time of the shard for starting and taking them, choosing sites, taking URLs and releasing.
    pub choose_cpu: Duration,
    /// CPU time of the gate: address and site clocks.
    pub gate_cpu: Duration,
    /// CPU time of settling: fates, retries.
    pub settle_cpu: Duration,
    /// Links decoded and offered.
    pub links: u64,
    /// CPU time of that.
    pub offer_cpu: Duration,
    /// Merges.
    pub merges: u64,
    /// Distinct keys that merges looked up: those that no cache held.
    pub checks: u64,
    /// Of them those that were new.
    pub admitted: u64,
    /// CPU time of merges.
    pub merge_cpu: Duration,
    /// Wall time of each merge.
    pub merge_wall: Histogram,
    /// CPU time of reading admitted files.
    pub drain_cpu: Duration,
    /// CPU time of queueing what they hold.
    pub queue_cpu: Duration,
    /// Groups.
    pub groups: u64,
    /// CPU time of sealing groups and of waking sites after them.
    pub seal_cpu: Duration,
    /// CPU time of commits on the helper; the store's own threads are not in it.
    pub commit_cpu: Duration,
    /// Wall time of each commit.
    pub commit_wall: Histogram,
}

impl Costs {
    /// Adds the costs of another shard.
    pub fn merge(&mut self, other: &Costs) {
        self.pops += other.pops;
        self.pop_cpu.merge(&other.pop_cpu);
        self.pop_wall.merge(&other.pop_wall);
        self.loads += other.loads;
        self.loaded_sites += other.loaded_sites;
        self.load_cpu += other.load_cpu;
        self.choose_cpu += other.choose_cpu;
        self.gate_cpu += other.gate_cpu;
        self.settle_cpu += other.settle_cpu;
        self.links += other.links;
        self.offer_cpu += other.offer_cpu;
        self.merges += other.merges;
        self.checks += other.checks;
        self.admitted += other.admitted;
        self.merge_cpu += other.merge_cpu;
        self.merge_wall.merge(&other.merge_wall);
        self.drain_cpu += other.drain_cpu;
        self.queue_cpu += other.queue_cpu;
        self.groups += other.groups;
        self.seal_cpu += other.seal_cpu;
        self.commit_cpu += other.commit_cpu;
        self.commit_wall.merge(&other.commit_wall);
    }

    /// The pops since `before`, an earlier state of these; the rest is left out.
    #[must_use]
    pub fn since(&self, before: &Costs) -> Costs {
        Costs {
            pops: self.pops.saturating_sub(before.pops),
            pop_cpu: self.pop_cpu.since(&before.pop_cpu),
            pop_wall: self.pop_wall.since(&before.pop_wall),
            ..Costs::default()
        }
    }

    /// CPU time by kind of work, as names and times.
    #[must_use]
    pub fn by_kind(&self) -> [(&'static str, Duration); 10] {
        [
            ("offer", self.offer_cpu),
            ("merge", self.merge_cpu),
            ("drain", self.drain_cpu),
            ("queue", self.queue_cpu),
            ("load", self.load_cpu),
            ("choose", self.choose_cpu),
            ("gate", self.gate_cpu),
            ("settle", self.settle_cpu),
            ("seal", self.seal_cpu),
            ("commit", self.commit_cpu),
        ]
    }
}

/// Sites of one job whose pops have not come yet.
#[derive(Clone, Copy, Debug)]
struct Read {
    sites: u64,
    share: Duration,
    wall: Duration,
}

/// What reading cost, charged to pops in the order in which sites were read: a job's CPU time in equal shares, its
/// wall time whole to each.
#[derive(Debug, Default)]
pub(crate) struct Charges(VecDeque<Read>);

/// Sites that were read and not popped, over several jobs, before the oldest are forgotten.
const CHARGES_MAX: usize = 4_096;

impl Charges {
    /// A job of `sites` sites came back.
    pub(crate) fn read(&mut self, sites: u64, took: Took, ours: Duration) {
        if sites == 0 {
            return;
        }
        let share = (took.cpu + ours) / u32::try_from(sites).unwrap_or(u32::MAX);
        self.0.push_back(Read {
            sites,
            share,
            wall: took.wall,
        });
        if self.0.len() > CHARGES_MAX {
            self.0.pop_front();
        }
    }

    /// The charge of one pop.
    pub(crate) fn take(&mut self) -> Took {
        let Some(read) = self.0.front_mut() else {
            return Took::default();
        };
        let charge = Took {
            cpu: read.share,
            wall: read.wall,
        };
        read.sites -= 1;
        if read.sites == 0 {
            self.0.pop_front();
        }
        charge
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jobs_time_is_shared_by_the_pops_it_serves() {
        let mut charges = Charges::default();
        let micros = Duration::from_micros;
        charges.read(
            2,
            Took {
                cpu: micros(30),
                wall: micros(500),
            },
            micros(10),
        );
        charges.read(
            0,
            Took {
                cpu: micros(30),
                wall: micros(500),
            },
            micros(10),
        );
        let taken: Vec<_> = (0..3)
            .map(|_| charges.take())
            .map(|took| (took.cpu, took.wall))
            .collect();
        assert_eq!(
            taken,
            [
                (micros(20), micros(500)),
                (micros(20), micros(500)),
                (micros(0), micros(0))
            ]
        );
    }
}
