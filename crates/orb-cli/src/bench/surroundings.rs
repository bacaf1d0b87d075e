//! On what a bench ran: machine, system, program, date.
//!
//! In: the kernel's files. Out: words for the head of a report. May touch: `/proc`, the wall clock.
//! Invariant: what cannot be read is called unknown.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use orb_env::{BootClock, Clock, Wall};
use serde::Serialize;

use crate::machine::Machine;
use crate::terminal::{bytes, count};

/// The machine, the program, the date.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Surroundings {
    /// Of the program.
    pub(crate) version: String,
    /// When the bench began, UTC.
    pub(crate) date: String,
    /// Model of the processor.
    pub(crate) processor: String,
    /// Cores this process may use.
    pub(crate) cores: u16,
    /// Memory this process may use.
    pub(crate) memory_bytes: u64,
    /// System and version.
    pub(crate) kernel: String,
    /// Kind of the file system written to.
    pub(crate) file_system: String,
    /// How the program was built.
    pub(crate) build: &'static str,
}

impl Surroundings {
    /// These, with the file system that `folder` is on.
    pub(crate) fn here(folder: &Path) -> Surroundings {
        let machine = Machine::this();
        let system = rustix::system::uname();
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        Surroundings {
            version: env!("CARGO_PKG_VERSION").into(),
            date: date(BootClock::new().wall()),
            processor: processor(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default()),
            cores: machine.cores,
            memory_bytes: machine.memory_bytes,
            kernel: format!(
                "{} {}",
                system.sysname().to_string_lossy(),
                system.release().to_string_lossy()
            ),
            file_system: file_system(&mounts, &folder),
            build: if cfg!(debug_assertions) {
                "debug"
            } else {
                "release"
            },
        }
    }

    /// One line for people.
    pub(crate) fn text(&self) -> String {
        format!(
            "orb {} ({}), {}, {} cores of {}, {}, {}, {}",
            self.version,
            self.build,
            self.date,
            count(u64::from(self.cores)),
            self.processor,
            bytes(self.memory_bytes),
            self.kernel,
            self.file_system
        )
    }
}

fn date(now: Wall) -> String {
    let since_epoch = Duration::from_micros(u64::try_from(now.0).unwrap_or(0));
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since_epoch).to_string()
}

/// The first model that /proc/cpuinfo names.
fn processor(info: &str) -> String {
    let model = info.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == "model name").then(|| value.trim().to_owned())
    });
    model.unwrap_or_else(|| "unknown processor".into())
}

/// The kind of the mount that holds `folder`: the longest mount point above it, the last of equals.
fn file_system(mounts: &str, folder: &Path) -> String {
    let mut found: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(place), Some(kind)) = (words.next(), words.next()) else {
            continue;
        };
        if folder.starts_with(place) && found.is_none_or(|(length, _)| length <= place.len()) {
            found = Some((place.len(), kind));
        }
    }
    found.map_or_else(|| "unknown file system".into(), |(_, kind)| kind.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read_as_it_writes_them() {
        assert_eq!(
            processor("processor\t: 0\nmodel name\t: AMD EPYC 9\nmodel name\t: other\n"),
            "AMD EPYC 9"
        );
        assert_eq!(processor(""), "unknown processor");
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\ntmpfs /run/a xfs rw 0 0\n";
        let kind = |folder: &str| file_system(mounts, Path::new(folder));
        assert_eq!(kind("/home/x"), "ext4");
        assert_eq!(kind("/run/b"), "tmpfs");
        assert_eq!(kind("/run/a/b"), "xfs");
        assert_eq!(kind("/runner"), "ext4");
        assert_eq!(file_system("", Path::new("/")), "unknown file system");
    }

    #[test]
    fn dates_are_rfc_3339() {
        assert_eq!(date(Wall(1_795_331_400_000_123)), "2026-11-22T07:10:00Z");
    }
}
