//! Clocks: is there one that counts through suspends, and does the wall clock tell the time?
//!
//! In: readings of both, what the system says of its synchronisation. Out: findings. May touch: nothing.

use super::finding::Finding;

const TOPIC: &str = "clock";

/// 1 January 2025: this program was not there before.
const EARLIEST: i64 = 1_735_689_600;

/// 1 January 2100.
const LATEST: i64 = 4_102_444_800;

/// Steps of the wall clock, in seconds, that no slewing makes within a probe.
const STEP_SECONDS: f64 = 0.1;

/// What is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    /// Whether the kernel has an id for each boot.
    pub(crate) boot_id: bool,
    /// `CLOCK_BOOTTIME` moved forward while it was watched.
    pub(crate) boottime_moves: bool,
    /// The wall clock, seconds since 1970.
    pub(crate) wall: i64,
    /// By how many seconds the wall clock moved more than `CLOCK_BOOTTIME` while it was watched.
    pub(crate) stepped: f64,
    /// Whether the system says it is synchronised.
    pub(crate) synchronised: Option<bool>,
    /// When the folder's last run began by the wall clock, if there is one.
    pub(crate) last_run: Option<i64>,
}

pub(crate) fn judge(seen: &Clocks) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !seen.boottime_moves {
        findings.push(Finding::problem(
            TOPIC,
            "CLOCK_BOOTTIME stands still",
            "all pauses between requests are counted by it: the crawl would wait for ever",
            "use Linux 2.6.39 or newer, outside a sandbox that hides its clocks",
        ));
    } else if !seen.boot_id {
        findings.push(Finding::note(
            TOPIC,
            "CLOCK_BOOTTIME counts, but /proc/sys/kernel/random/boot_id is not to be had",
            "each start counts as a new boot, so after it every pause is waited for in full",
        ));
    }
    let mend = "timedatectl set-ntp true, or start chronyd";
    if !(EARLIEST..LATEST).contains(&seen.wall) {
        findings.push(Finding::problem(
            TOPIC,
            format!("the wall clock is wrong: {} seconds since 1970", seen.wall),
            "dates in the archive would be wrong, and no certificate would be valid",
            mend,
        ));
        return findings;
    }
    if let Some(last_run) = seen.last_run.filter(|&last_run| last_run > seen.wall + 60) {
        findings.push(Finding::warning(
            TOPIC,
            format!(
                "the wall clock went back: the folder's last run began {} s in the future",
                last_run - seen.wall
            ),
            "records of this run would be dated before those of the last; pauses are not affected",
            mend,
        ));
    }
    if seen.stepped.abs() > STEP_SECONDS {
        findings.push(Finding::warning(
            TOPIC,
            format!(
                "the wall clock stepped by {:.1} s while it was watched",
                seen.stepped
            ),
            "dates in the archive jump; pauses are counted by another clock and are not affected",
            mend,
        ));
    }
    match seen.synchronised {
        Some(false) => findings.push(Finding::warning(
            TOPIC,
            "the system says that its clock is not synchronised",
            "dates in the archive drift from those of the sites",
            mend,
        )),
        None if findings.is_empty() => findings.push(Finding::ok(
            TOPIC,
            "CLOCK_BOOTTIME counts, the wall clock is plausible; nobody here tells whether it is synchronised",
            WHY,
        )),
        Some(true) if findings.is_empty() => findings.push(Finding::ok(
            TOPIC,
            "CLOCK_BOOTTIME counts, the wall clock is synchronised",
            WHY,
        )),
        _ => {}
    }
    findings
}

const WHY: &str =
    "pauses are counted by the one, dates in the archive and certificates by the other";

#[cfg(test)]
mod tests {
    use super::super::finding::{Level, check};
    use super::*;

    const NOW: i64 = 1_790_000_000;

    #[test]
    fn clocks_are_judged_by_what_they_are_for() {
        let good = Clocks {
            boot_id: true,
            boottime_moves: true,
            wall: NOW,
            stepped: 0.001,
            synchronised: Some(true),
            last_run: Some(NOW - 5),
        };
        type Case<'a> = (&'a str, Clocks, Vec<(Level, &'a str)>);
        let table: [Case<'_>; 8] = [
            ("good", good, vec![(Level::Ok, "is synchronised")]),
            (
                "nobody tells",
                Clocks {
                    synchronised: None,
                    ..good
                },
                vec![(Level::Ok, "nobody here tells")],
            ),
            (
                "not synchronised",
                Clocks {
                    synchronised: Some(false),
                    ..good
                },
                vec![(Level::Warning, "timedatectl set-ntp true")],
            ),
            (
                "still",
                Clocks {
                    boottime_moves: false,
                    synchronised: None,
                    ..good
                },
                vec![(Level::Problem, "stands still")],
            ),
            (
                "no boot id",
                Clocks {
                    boot_id: false,
                    ..good
                },
                vec![(Level::Note, "boot_id")],
            ),
            (
                "1970",
                Clocks { wall: 60, ..good },
                vec![(Level::Problem, "wrong")],
            ),
            (
                "went back",
                Clocks {
                    last_run: Some(NOW + 4_000),
                    ..good
                },
                vec![(Level::Warning, "4000 s in the future")],
            ),
            (
                "steps",
                Clocks {
                    stepped: -2.0,
                    ..good
                },
                vec![(Level::Warning, "-2.0 s")],
            ),
        ];
        for (name, seen, expected) in table {
            check(name, &judge(&seen), &expected);
        }
    }
}
