//! Memory: does `memory_max` fit what there is?
//!
//! In: what the kernel says, settings. Out: findings. May touch: nothing.

use super::finding::Finding;
use crate::terminal::bytes;

const TOPIC: &str = "memory";
const WHY: &str = "the crawl holds itself to memory_max; what it does not have ends it";

/// What is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemorySeen {
    /// `memory_max`.
    pub(crate) memory_max: u64,
    /// Of the machine.
    pub(crate) total: u64,
    /// What this process may use of it, where a container bounds it.
    pub(crate) allowed: u64,
    /// What could be had now without swapping; `None` where the kernel does not say.
    pub(crate) available: Option<u64>,
    /// Swap, and how much of it is used.
    pub(crate) swap: u64,
    pub(crate) swap_used: u64,
}

pub(crate) fn judge(seen: &MemorySeen) -> Vec<Finding> {
    let bound = if seen.allowed < seen.total {
        format!(
            "{} of {} (the container's limit)",
            bytes(seen.allowed),
            bytes(seen.total)
        )
    } else {
        bytes(seen.total)
    };
    let found = format!("memory_max is {}, of {bound}", bytes(seen.memory_max));
    let half = seen.allowed / 2;
    let mend = format!("--set memory_max={}MiB", (half >> 20).max(64));
    let mut findings = Vec::new();
    if seen.memory_max > seen.allowed {
        findings.push(Finding::problem(
            TOPIC,
            found,
            "the system ends the crawl before it reaches its own cap",
            mend,
        ));
    } else if seen.memory_max > seen.allowed / 10 * 9 {
        findings.push(Finding::warning(
            TOPIC,
            found,
            "nothing is left for the kernel's buffers and other programs: the system may end the crawl",
            mend,
        ));
    } else if let Some(available) = seen
        .available
        .filter(|available| *available < seen.memory_max)
    {
        findings.push(
            Finding::note(
                TOPIC,
                format!("{found}; {} could be had now", bytes(available)),
                "other programs hold the rest; a crawl of many sites would meet them",
            )
            .with_mend(format!(
                "--set memory_max={}MiB, or end what holds it",
                ((available / 2) >> 20).max(64)
            )),
        );
    } else {
        findings.push(Finding::ok(TOPIC, found, WHY));
    }
    if seen.swap_used > seen.allowed / 20 {
        findings.push(
            Finding::note(
                TOPIC,
                format!(
                    "{} of {} swap are used",
                    bytes(seen.swap_used),
                    bytes(seen.swap)
                ),
                "a crawl that swaps answers late and looks slow for no reason of its own",
            )
            .with_mend("end what holds the memory, then: swapoff -a && swapon -a"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Level, check};
    use super::*;

    #[test]
    fn memory_is_judged_by_what_there_is() {
        const GB: u64 = 1_000_000_000;
        let good = MemorySeen {
            memory_max: 8 * GB,
            total: 16 * GB,
            allowed: 16 * GB,
            available: Some(14 * GB),
            swap: 0,
            swap_used: 0,
        };
        type Case<'a> = (&'a str, MemorySeen, Vec<(Level, &'a str)>);
        let table: [Case<'_>; 6] = [
            ("half", good, vec![(Level::Ok, "8.0 GB, of 16.0 GB")]),
            (
                "more than there is",
                MemorySeen {
                    memory_max: 20 * GB,
                    ..good
                },
                vec![(Level::Problem, "memory_max=7629MiB")],
            ),
            (
                "nearly all",
                MemorySeen {
                    memory_max: 15 * GB,
                    ..good
                },
                vec![(Level::Warning, "nothing is left")],
            ),
            (
                "a container",
                MemorySeen {
                    allowed: 4 * GB,
                    ..good
                },
                vec![(Level::Problem, "container's limit")],
            ),
            (
                "held by others",
                MemorySeen {
                    available: Some(3 * GB),
                    ..good
                },
                vec![(Level::Note, "3.0 GB could be had now")],
            ),
            (
                "swapping",
                MemorySeen {
                    swap: 4 * GB,
                    swap_used: 2 * GB,
                    ..good
                },
                vec![(Level::Ok, "memory_max"), (Level::Note, "swapoff")],
            ),
        ];
        for (name, seen, expected) in table {
            check(name, &judge(&seen), &expected);
        }
    }
}
