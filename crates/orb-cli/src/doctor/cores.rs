//! Cores: do the threads of the crawl have one each?
//!
//! In: cores, affinity, the container's quota, settings. Out: one finding. May touch: nothing.

use super::finding::Finding;

const TOPIC: &str = "cores";
const WHY: &str = "a thread is one core's world; what it has in its caches is its own";

/// What is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CoresSeen {
    /// `threads`.
    pub(crate) threads: u16,
    /// Cores of the machine.
    pub(crate) online: u16,
    /// Cores this process may run on.
    pub(crate) allowed: u16,
    /// Cores' worth of time that the container allows.
    pub(crate) quota: Option<f64>,
}

pub(crate) fn judge(seen: &CoresSeen) -> Finding {
    let mut found = format!("{} threads on {} cores", seen.threads, seen.allowed);
    if seen.allowed < seen.online {
        found.push_str(&format!(", of {} in this machine", seen.online));
    }
    let may = match seen.quota {
        Some(quota) if quota < f64::from(seen.allowed) => {
            found.push_str(&format!(", of which the container may use {quota:.1}"));
            quota
        }
        _ => f64::from(seen.allowed),
    };
    let fit = (may.floor() as u16).max(1);
    if f64::from(seen.threads) > may.max(1.0) {
        return Finding::warning(
            TOPIC,
            found,
            "threads take turns on a core: each answers late, and pauses between requests become longer",
            format!("--threads {fit}"),
        );
    }
    if seen.threads < fit {
        return Finding::note(
            TOPIC,
            found,
            "more threads would help only where CPU limits the crawl; `orb plan` says whether it does",
        );
    }
    Finding::ok(TOPIC, found, WHY)
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Level, check};
    use super::*;

    #[test]
    fn threads_are_held_against_the_cores_they_may_use() {
        let case = |threads, online, allowed, quota| CoresSeen {
            threads,
            online,
            allowed,
            quota,
        };
        let table = [
            (
                "one each",
                case(8, 8, 8, None),
                Level::Ok,
                "8 threads on 8 cores",
            ),
            (
                "pinned",
                case(2, 8, 2, None),
                Level::Ok,
                "of 8 in this machine",
            ),
            (
                "too many",
                case(8, 4, 4, None),
                Level::Warning,
                "--threads 4",
            ),
            (
                "quota",
                case(8, 8, 8, Some(2.5)),
                Level::Warning,
                "--threads 2",
            ),
            (
                "tiny quota",
                case(1, 8, 8, Some(0.5)),
                Level::Ok,
                "may use 0.5",
            ),
            (
                "quota above",
                case(4, 4, 4, Some(9.0)),
                Level::Ok,
                "4 threads on 4",
            ),
            ("fewer", case(2, 8, 8, None), Level::Note, "orb plan"),
        ];
        for (name, seen, level, part) in table {
            check(name, &[judge(&seen)], &[(level, part)]);
        }
    }
}
