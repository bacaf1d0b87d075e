//! Reading the kernel's files: limits, ports, memory, cores.
//!
//! In: `/proc`, `/sys`. Out: inputs of judgements. May touch: those, reading only.
//! Invariant: a file that is not there gives an absent value.

use std::fs;
use std::path::Path;

use orb_crawl::CrawlConfig;
use rustix::process::{Resource, getrlimit};

use crate::doctor::cores::CoresSeen;
use crate::doctor::descriptors::Descriptors;
use crate::doctor::kernel::KernelSeen;
use crate::doctor::memory::MemorySeen;
use crate::doctor::ports::Ports;
use crate::machine::Machine;

/// A setting of the kernel, such as `net.core.somaxconn`, as text.
fn sysctl(name: &str) -> Option<String> {
    let file = format!("/proc/sys/{}", name.replace('.', "/"));
    let text = fs::read_to_string(file).ok()?;
    Some(text.trim().to_owned())
}

fn number(name: &str) -> Option<u64> {
    sysctl(name)?.parse().ok()
}

/// The last of several numbers.
fn last_number(text: &str) -> Option<u64> {
    text.split_whitespace().last()?.parse().ok()
}

/// Two numbers with white space between them.
fn pair(text: &str) -> Option<(u16, u16)> {
    let mut words = text.split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// The word in brackets: `always [madvise] never`.
fn chosen(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('[')?;
    Some(rest.split_once(']')?.0.to_owned())
}

/// Requests and kept connections at once, all shards together.
fn connections(config: &CrawlConfig) -> u64 {
    let requests = config.limits.in_flight_max + config.limits.slow_in_flight_max;
    let each = u64::from(requests) + config.fetch.idle_connections_max as u64;
    each * u64::from(config.threads.max(1))
}

/// Must be read before the limit is raised.
pub(crate) fn descriptors(config: &CrawlConfig) -> Descriptors {
    let limit = getrlimit(Resource::Nofile);
    Descriptors {
        soft: limit.current.unwrap_or(u64::MAX),
        hard: limit.maximum.unwrap_or(u64::MAX),
        files_max: config.files_max,
        threads: u64::from(config.threads.max(1)),
        in_flight: u64::from(config.limits.in_flight_max),
        slow: u64::from(config.limits.slow_in_flight_max),
        idle: config.fetch.idle_connections_max as u64,
    }
}

pub(crate) fn ports(config: &CrawlConfig) -> Ports {
    Ports {
        range: sysctl("net.ipv4.ip_local_port_range").and_then(|text| pair(&text)),
        reuse: number("net.ipv4.tcp_tw_reuse").and_then(|value| u8::try_from(value).ok()),
        connections: connections(config),
    }
}

pub(crate) fn kernel(config: &CrawlConfig) -> KernelSeen {
    let hugepages = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").ok();
    KernelSeen {
        conntrack: number("net.netfilter.nf_conntrack_max").map(|most| {
            (
                most,
                number("net.netfilter.nf_conntrack_count").unwrap_or(0),
            )
        }),
        overcommit: number("vm.overcommit_memory"),
        somaxconn: number("net.core.somaxconn"),
        rmem_max: number("net.core.rmem_max"),
        tcp_rmem_max: sysctl("net.ipv4.tcp_rmem").and_then(|text| last_number(&text)),
        hugepages: hugepages.and_then(|text| chosen(&text)),
        connections: connections(config),
    }
}

pub(crate) fn memory(config: &CrawlConfig) -> MemorySeen {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let bytes = |name: &str| -> Option<u64> {
        let line = info.lines().find_map(|line| line.strip_prefix(name))?;
        let number: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(number * 1024)
    };
    let allowed = Machine::this().memory_bytes;
    let swap = bytes("SwapTotal:").unwrap_or(0);
    MemorySeen {
        memory_max: config.memory_max.bytes(),
        total: bytes("MemTotal:").unwrap_or(allowed),
        allowed,
        available: bytes("MemAvailable:"),
        swap,
        swap_used: swap.saturating_sub(bytes("SwapFree:").unwrap_or(swap)),
    }
}

pub(crate) fn cores(config: &CrawlConfig) -> CoresSeen {
    let allowed = Machine::this().cores;
    let online = fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    CoresSeen {
        threads: config.threads.max(1),
        online: cores_of(online.trim()).unwrap_or(allowed).max(allowed),
        allowed,
        quota: quota(),
    }
}

/// How many cores a set such as `0-3,8` holds.
fn cores_of(set: &str) -> Option<u16> {
    let mut sum = 0u16;
    for part in set.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
        sum = sum.checked_add(last.checked_sub(first)? + 1)?;
    }
    Some(sum)
}

/// The least quota of this process's control groups, in cores (cgroup v2, `cpu.max`; v1, `cpu.cfs_quota_us`).
fn quota() -> Option<f64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mut least: Option<f64> = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(kinds), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let is_v1 = kinds.split(',').any(|kind| kind == "cpu");
        if !kinds.is_empty() && !is_v1 {
            continue;
        }
        let root = if is_v1 {
            "/sys/fs/cgroup/cpu"
        } else {
            "/sys/fs/cgroup"
        };
        for place in Path::new(path).ancestors() {
            let folder = Path::new(root).join(place.strip_prefix("/").unwrap_or(place));
            let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
            let text = if is_v1 {
                format!(
                    "{} {}",
                    read("cpu.cfs_quota_us").trim(),
                    read("cpu.cfs_period_us").trim()
                )
            } else {
                read("cpu.max")
            };
            if let Some(cores) = quota_of(&text) {
                least = Some(least.map_or(cores, |least| least.min(cores)));
            }
        }
    }
    least
}

/// `200000 100000` is two cores; `max 100000` and `-1 100000` are no bound.
fn quota_of(text: &str) -> Option<f64> {
    let mut words = text.split_whitespace();
    let quota: f64 = words.next()?.parse().ok()?;
    let period: f64 = words.next()?.parse().ok()?;
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read_as_it_writes_them() {
        assert_eq!(pair("32768\t60999\n"), Some((32_768, 60_999)));
        assert_eq!(pair("32768"), None);
        assert_eq!(last_number("4096 131072 6291456\n"), Some(6_291_456));
        assert_eq!(
            chosen("always [madvise] never\n").as_deref(),
            Some("madvise")
        );
        assert_eq!(chosen("none"), None);
        assert_eq!(
            [cores_of("0-3,8"), cores_of("0"), cores_of("")],
            [Some(5), Some(1), None]
        );
        assert_eq!(quota_of("250000 100000"), Some(2.5));
        assert_eq!(
            [quota_of("max 100000"), quota_of("-1 100000"), quota_of("")],
            [None; 3]
        );
    }

    #[test]
    fn this_machine_can_be_looked_at() {
        let config = CrawlConfig {
            threads: 1,
            ..CrawlConfig::default()
        };
        let (memory, cores) = (memory(&config), cores(&config));
        assert!(memory.total >= memory.allowed && memory.allowed > 0);
        assert!(cores.online >= cores.allowed && cores.allowed >= 1);
        assert!(descriptors(&config).hard >= 64);
        assert!(kernel(&config).connections >= 2_000);
    }
}
