//! What this machine has: cores, memory, DNS servers; and what the process uses of it.
//!
//! In: the kernel's files. Out: numbers. May touch: `/proc`, `/sys`, `/etc/resolv.conf`.
//! Invariant: what cannot be read gives a cautious answer, never a failure.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use rustix::time::{ClockId, clock_gettime};

/// Memory taken for granted where the kernel does not say.
const MEMORY_BYTES_UNKNOWN: u64 = 4 << 30;

/// What settings are derived from.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) cores: u16,
    pub(crate) memory_bytes: u64,
    pub(crate) dns: Vec<SocketAddr>,
}

impl Machine {
    /// This one. Memory and cores are those the process may use, where a container bounds them.
    pub(crate) fn this() -> Machine {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let resolv = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        Machine {
            cores: u16::try_from(cores).unwrap_or(u16::MAX),
            memory_bytes: memory_bytes(),
            dns: name_servers(&resolv),
        }
    }
}

fn memory_bytes() -> u64 {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = kilobytes(&info, "MemTotal:").unwrap_or(MEMORY_BYTES_UNKNOWN);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    group_limits(&groups).into_iter().fold(total, u64::min)
}

/// Every memory limit above this process: of its own group and of all that hold it.
fn group_limits(groups: &str) -> Vec<u64> {
    let mut limits = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(kinds), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (root, file) = match kinds {
            "" => ("/sys/fs/cgroup", "memory.max"),
            kinds if kinds.split(',').any(|kind| kind == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        for place in Path::new(path).ancestors() {
            let below = place.strip_prefix("/").unwrap_or(place);
            let file: PathBuf = Path::new(root).join(below).join(file);
            let text = fs::read_to_string(file).unwrap_or_default();
            limits.extend(text.trim().parse::<u64>());
        }
    }
    limits
}

/// The number behind `name` in a file of `name   number kB` lines, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(number * 1024)
}

/// The `nameserver` lines of resolv.conf(5). An address with a zone cannot be dialled without it and is left out.
fn name_servers(text: &str) -> Vec<SocketAddr> {
    let addresses = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver"))
            .then(|| words.next()?.parse::<IpAddr>().ok())
            .flatten()
    });
    addresses
        .map(|address| SocketAddr::new(address, 53))
        .collect()
}

/// Resident memory of this process.
pub(crate) fn rss_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    kilobytes(&status, "VmRSS:").unwrap_or(0)
}

/// Largest resident memory of this process so far.
pub(crate) fn rss_peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    kilobytes(&status, "VmHWM:").unwrap_or(0)
}

/// User and system time of this process so far.
pub(crate) fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_read_as_the_system_writes_them() {
        let text = "# made by hand\nsearch example.com\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 \n\
                    nameserver fe80::1%eth0\nnameserver\noptions ndots:2\n";
        let expected = ["192.0.2.1:53", "[2001:db8::1]:53"].map(|address| address.parse().unwrap());
        assert_eq!(name_servers(text), expected);
        assert_eq!(name_servers(""), []);
    }

    #[test]
    fn this_machine_has_memory_and_this_process_uses_some() {
        let machine = Machine::this();
        assert!(machine.cores >= 1 && machine.memory_bytes > rss_bytes());
        assert!(rss_bytes() > 0 && rss_peak_bytes() >= rss_bytes() / 2);
        let before = cpu_seconds();
        assert!(before > 0.0 && cpu_seconds() >= before);
    }
}
