//! The disk: what kind of file system, how much room, how fast.
//!
//! In: what the kernel says, a measured write. Out: findings. May touch: nothing.

use super::finding::Finding;
use crate::disk_probe::DiskSpeed;
use crate::plan::asking::millis;
use crate::terminal::{bytes, count};

const TOPIC: &str = "disk";

/// Below this a core that archives compressed pages waits for the disk.
const SLOW_BYTES_PER_SECOND: f64 = 30e6;

/// Above this the four commits a second of a slot wait for the disk.
const SLOW_SYNC_SECONDS: f64 = 0.1;

/// Free inodes that a crawl of some sites needs at least.
const INODES_MIN: u64 = 10_000;

/// What is known.
#[derive(Clone, Debug)]
pub(crate) struct DiskSeen {
    /// Kind, as the kernel calls it.
    pub(crate) kind: String,
    pub(crate) free_bytes: u64,
    pub(crate) total_bytes: u64,
    /// `None` where the file system has no fixed number.
    pub(crate) free_inodes: Option<u64>,
    /// `disk_free_min`.
    pub(crate) free_min: u64,
    /// `disk_max`; 0 is none.
    pub(crate) disk_max: u64,
    /// Bytes the folder holds already.
    pub(crate) used_bytes: u64,
    /// What the probe measured, or why it could not.
    pub(crate) speed: Result<DiskSpeed, String>,
}

pub(crate) fn judge(seen: &DiskSeen) -> Vec<Finding> {
    let mut findings = vec![kind(&seen.kind), room(seen)];
    if let Some(inodes) = seen.free_inodes.filter(|inodes| *inodes < INODES_MIN) {
        findings.push(Finding::warning(
            TOPIC,
            format!("only {} inodes are free", count(inodes)),
            "files cannot be made when they are used up, whatever room there is",
            "delete small files on this file system, or give --out on another",
        ));
    }
    findings.push(speed(&seen.speed));
    findings
}

fn kind(kind: &str) -> Finding {
    let other = "--out on a local ext4, xfs or btrfs";
    match kind {
        "tmpfs" | "ramfs" => Finding::warning(
            TOPIC,
            format!("{kind}: files lie in memory"),
            "the crawl is gone after a restart, and takes from the memory it needs itself",
            other,
        ),
        "overlay" | "overlayfs" | "aufs" => Finding::warning(
            TOPIC,
            format!("{kind}: the top layer of a container"),
            "the crawl is gone with the container, and writes go through a second file system",
            "mount a volume and give --out there",
        ),
        "nfs" | "nfs4" | "cifs" | "smb3" | "smbfs" | "9p" | "afs" | "ceph" => Finding::warning(
            TOPIC,
            format!("{kind}: a file system of another machine"),
            "each commit waits for the network, and the folder's lock may not hold against another machine",
            other,
        ),
        fuse if fuse.starts_with("fuse") => Finding::warning(
            TOPIC,
            format!("{fuse}: a file system run by a program"),
            "whether a sync is one depends on that program, and each write goes through it",
            other,
        ),
        "unknown file system" => Finding::note(
            TOPIC,
            "the system does not tell what file system the folder is on",
            "whether it outlives a restart, and what a sync is worth there, is not known",
        ),
        kind => Finding::ok(TOPIC, kind, "a local file system keeps what was synced"),
    }
}

fn room(seen: &DiskSeen) -> Finding {
    let found = format!(
        "{} free of {}; intake stops at {} (disk_free_min){}",
        bytes(seen.free_bytes),
        bytes(seen.total_bytes),
        bytes(seen.free_min),
        if seen.disk_max > 0 {
            format!(
                ", or when the folder has {} (disk_max)",
                bytes(seen.disk_max)
            )
        } else {
            String::new()
        }
    );
    let mend = "make room, or give --out on another file system";
    if seen.free_bytes <= seen.free_min {
        return Finding::problem(
            TOPIC,
            found,
            "the crawl would stop before its first page",
            mend,
        );
    }
    if seen.disk_max > 0 && seen.used_bytes >= seen.disk_max {
        return Finding::problem(
            TOPIC,
            format!(
                "the folder holds {} already; {found}",
                bytes(seen.used_bytes)
            ),
            "the crawl would stop before its first page",
            "raise disk_max: --set disk_max=…",
        );
    }
    let usable = seen.free_bytes - seen.free_min;
    if seen.disk_max.saturating_sub(seen.used_bytes) > usable {
        return Finding::note(
            TOPIC,
            found,
            "the file system is full before disk_max is reached; the crawl waits then and says so",
        )
        .with_mend(format!(
            "--set disk_max={}, or more room",
            seen.used_bytes + usable
        ));
    }
    if usable < 10_000_000_000 && usable < seen.total_bytes / 10 {
        return Finding::note(
            TOPIC,
            found,
            "a page takes some 70 kB of archive; see what yours needs with `orb plan`",
        );
    }
    Finding::ok(
        TOPIC,
        found,
        "archive, index and state grow with every page",
    )
}

fn speed(speed: &Result<DiskSpeed, String>) -> Finding {
    let speed = match speed {
        Ok(speed) => speed,
        Err(error) => {
            return Finding::note(
                TOPIC,
                format!("not measured: {error}"),
                "how fast the disk takes pages is not known",
            );
        }
    };
    let found = format!(
        "takes {} a second; a sync takes {}, at worst {}",
        bytes(speed.bytes_per_second as u64),
        millis(speed.sync_seconds),
        millis(speed.sync_seconds_max)
    );
    let mend = "--out on a faster disk; `archive.keep = \"text\"` in the settings writes less";
    if speed.sync_seconds > SLOW_SYNC_SECONDS {
        let why = "each commit group is synced; while one waits for the disk, intake waits too";
        return Finding::warning(TOPIC, found, why, mend);
    }
    if speed.bytes_per_second < SLOW_BYTES_PER_SECOND {
        let why = "one core fetches and archives more than that, so the disk would set the pace";
        return Finding::warning(TOPIC, found, why, mend);
    }
    Finding::ok(
        TOPIC,
        found,
        "pages are synced in groups, four times a second",
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Level, check};
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn good() -> DiskSeen {
        DiskSeen {
            kind: "ext4".into(),
            free_bytes: 60 * GB,
            total_bytes: 250 * GB,
            free_inodes: Some(1_000_000),
            free_min: GB / 2,
            disk_max: 0,
            used_bytes: 0,
            speed: Ok(DiskSpeed {
                bytes_per_second: 300e6,
                sync_seconds: 0.002,
                sync_seconds_max: 0.01,
            }),
        }
    }

    #[test]
    fn kinds_of_file_systems() {
        for (name, level, part) in [
            ("ext4", Level::Ok, "ext4"),
            ("btrfs", Level::Ok, "btrfs"),
            ("tmpfs", Level::Warning, "restart"),
            ("overlay", Level::Warning, "volume"),
            ("nfs4", Level::Warning, "lock"),
            ("fuse.sshfs", Level::Warning, "program"),
            ("unknown file system", Level::Note, "does not tell"),
        ] {
            check(name, &[kind(name)], &[(level, part)]);
        }
    }

    #[test]
    fn room_is_judged_against_both_limits() {
        let case = |free: u64, disk_max: u64, used_bytes: u64| DiskSeen {
            free_bytes: free,
            disk_max,
            used_bytes,
            ..good()
        };
        let table = [
            ("room", case(60 * GB, 0, 0), Level::Ok, "60.0 GB free"),
            (
                "none",
                case(GB / 4, 0, 0),
                Level::Problem,
                "before its first page",
            ),
            (
                "used up",
                case(60 * GB, 5 * GB, 6 * GB),
                Level::Problem,
                "raise disk_max",
            ),
            (
                "more wanted than there is",
                case(60 * GB, 100 * GB, 0),
                Level::Note,
                "disk_max=59500000000",
            ),
            ("rather little", case(5 * GB, 0, 0), Level::Note, "orb plan"),
        ];
        for (name, seen, level, part) in table {
            check(name, &[room(&seen)], &[(level, part)]);
        }
    }

    #[test]
    fn speed_is_judged_by_what_a_core_writes() {
        let case = |bytes_per_second, sync_seconds| {
            Ok(DiskSpeed {
                bytes_per_second,
                sync_seconds,
                sync_seconds_max: sync_seconds,
            })
        };
        let table = [
            ("fast", case(300e6, 0.001), Level::Ok, "300.0 MB"),
            ("slow", case(9e6, 0.001), Level::Warning, "set the pace"),
            ("slow syncs", case(300e6, 0.4), Level::Warning, "400 ms"),
            (
                "not measured",
                Err("permission denied".into()),
                Level::Note,
                "permission denied",
            ),
        ];
        for (name, seen, level, part) in table {
            check(name, &[speed(&seen)], &[(level, part)]);
        }
    }

    #[test]
    fn few_inodes_are_a_finding_of_their_own() {
        let few = DiskSeen {
            free_inodes: Some(12),
            ..good()
        };
        let expected = [
            (Level::Ok, "ext4"),
            (Level::Ok, "free"),
            (Level::Warning, "12 inodes"),
            (Level::Ok, "sync"),
        ];
        check("few", &judge(&few), &expected);
        assert_eq!(judge(&good()).len(), 3);
    }
}
