//! Open files: does what the crawl would use fit what the process may have?
//!
//! In: limits of the process, settings. Out: one finding. May touch: nothing.

use super::finding::Finding;
use crate::limits::{FILES_BESIDE_SOCKETS, IN_FLIGHT_MIN};
use crate::terminal::count;

const TOPIC: &str = "descriptors";
const WHY: &str =
    "each request, kept connection and file of the crawl takes one; without them requests wait";

/// What is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptors {
    /// Soft limit of this process.
    pub(crate) soft: u64,
    /// Hard limit: the soft one is raised to it at the start of a crawl.
    pub(crate) hard: u64,
    /// `files_max`.
    pub(crate) files_max: u64,
    /// Shards.
    pub(crate) threads: u64,
    /// Requests at once of a shard.
    pub(crate) in_flight: u64,
    /// Slow requests of a shard that have places of their own.
    pub(crate) slow: u64,
    /// Kept connections of a shard.
    pub(crate) idle: u64,
}

pub(crate) fn judge(seen: &Descriptors) -> Finding {
    let threads = seen.threads.max(1);
    let quick = FILES_BESIDE_SOCKETS + threads * (seen.in_flight + seen.idle);
    let wanted = quick + threads * seen.slow;
    let may = seen.hard.min(seen.files_max);
    let found = format!(
        "{} files may be open ({}); a crawl on {threads} threads uses up to {}",
        count(may),
        limits(seen),
        count(wanted)
    );
    let mend = mend(seen, wanted);
    let room = may.saturating_sub(FILES_BESIDE_SOCKETS.min(may / 2)) / threads;
    if room / 2 < IN_FLIGHT_MIN.min(seen.in_flight) {
        return Finding::problem(TOPIC, found, "that is too few to crawl at all", mend);
    }
    if quick > may {
        return Finding::warning(
            TOPIC,
            found,
            "fewer requests than wanted run at once, so a crawl of many sites is slower",
            mend,
        );
    }
    // As `open_files` says it: a part of those places does as well.
    if quick + threads * seen.slow / 2 > may {
        return Finding::warning(
            TOPIC,
            found,
            "slow requests have few places of their own, so servers that never finish keep good ones waiting",
            mend,
        );
    }
    Finding::ok(TOPIC, found, WHY)
}

fn limits(seen: &Descriptors) -> String {
    format!(
        "limit {} soft, {} hard; files_max {}",
        unlimited(seen.soft),
        unlimited(seen.hard),
        count(seen.files_max)
    )
}

fn unlimited(number: u64) -> String {
    if number >= 1 << 62 {
        "none".into()
    } else {
        count(number)
    }
}

fn mend(seen: &Descriptors, wanted: u64) -> String {
    if seen.files_max < wanted && seen.files_max <= seen.hard {
        return format!("--set files_max={wanted}");
    }
    format!(
        "ulimit -Hn {wanted} as root before starting, or LimitNOFILE={wanted} in the systemd unit, or a line \
         `* - nofile {wanted}` in /etc/security/limits.conf"
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Level, check};
    use super::*;

    #[test]
    fn descriptors_are_judged_by_what_the_crawl_would_use() {
        let case = |soft, hard, files_max, threads| Descriptors {
            soft,
            hard,
            files_max,
            threads,
            in_flight: 2_000,
            slow: 6_000,
            idle: 512,
        };
        let table = [
            (
                "all is well",
                case(1_024, 1 << 20, 65_536, 2),
                Level::Ok,
                "18,048",
            ),
            (
                "no limit at all",
                case(u64::MAX, u64::MAX, 65_536, 4),
                Level::Ok,
                "none",
            ),
            (
                "hard limit low",
                case(1_024, 4_096, 65_536, 2),
                Level::Warning,
                "ulimit -Hn 18048",
            ),
            (
                "no room for slow ones",
                case(1_024, 8_192, 65_536, 2),
                Level::Warning,
                "ulimit -Hn 18048",
            ),
            (
                "own limit low",
                case(1_024, 1 << 20, 4_096, 2),
                Level::Warning,
                "files_max=18048",
            ),
            (
                "far too few",
                case(64, 64, 65_536, 4),
                Level::Problem,
                "limits.conf",
            ),
            (
                "many threads",
                case(1_024, 65_536, 65_536, 64),
                Level::Warning,
                "545,792",
            ),
        ];
        for (name, seen, level, part) in table {
            check(name, &[judge(&seen)], &[(level, part)]);
        }
    }
}
