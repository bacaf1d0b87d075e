//! Kernel settings that a crawl can run into.
//!
//! In: values of sysctl, where they exist. Out: findings: what stands in the way, or one line that nothing does.
//! May touch: nothing.

use super::finding::Finding;
use crate::terminal::{bytes, count};

const TOPIC: &str = "kernel";

/// What is known; `None` where the kernel has no such setting.
#[derive(Clone, Debug, Default)]
pub(crate) struct KernelSeen {
    /// `net.netfilter.nf_conntrack_max`, and how many are tracked now.
    pub(crate) conntrack: Option<(u64, u64)>,
    /// `vm.overcommit_memory`.
    pub(crate) overcommit: Option<u64>,
    /// `net.core.somaxconn`.
    pub(crate) somaxconn: Option<u64>,
    /// `net.core.rmem_max`.
    pub(crate) rmem_max: Option<u64>,
    /// The largest value of `net.ipv4.tcp_rmem`.
    pub(crate) tcp_rmem_max: Option<u64>,
    /// The chosen word of `transparent_hugepage/enabled`.
    pub(crate) hugepages: Option<String>,
    /// Requests and kept connections at once, all shards together.
    pub(crate) connections: u64,
}

pub(crate) fn judge(seen: &KernelSeen) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(
        seen.conntrack
            .and_then(|table| tracking(table, seen.connections)),
    );
    if seen.overcommit == Some(2) {
        findings.push(Finding::warning(
            TOPIC,
            "vm.overcommit_memory is 2: memory must be there before it is used",
            "threads and stores reserve more than they use, and may be refused it",
            "sysctl -w vm.overcommit_memory=0",
        ));
    }
    if let Some(most) = seen.tcp_rmem_max.filter(|most| *most < 256 << 10) {
        findings.push(
            Finding::note(
                TOPIC,
                format!("net.ipv4.tcp_rmem ends at {}", bytes(most)),
                "pages from far away come slower than the line would bring them",
            )
            .with_mend("sysctl -w net.ipv4.tcp_rmem=\"4096 131072 6291456\""),
        );
    }
    if let Some(most) = seen.rmem_max.filter(|most| *most < 128 << 10) {
        findings.push(
            Finding::note(
                TOPIC,
                format!("net.core.rmem_max is {}", bytes(most)),
                "answers of DNS servers are lost when many come at once",
            )
            .with_mend("sysctl -w net.core.rmem_max=212992"),
        );
    }
    if let Some(most) = seen.somaxconn.filter(|most| *most < 1_024) {
        findings.push(
            Finding::note(
                TOPIC,
                format!("net.core.somaxconn is {}", count(most)),
                "only `orb simweb` and `orb bench` mind: they accept many connections at once",
            )
            .with_mend("sysctl -w net.core.somaxconn=4096"),
        );
    }
    if seen.hugepages.as_deref() == Some("always") {
        findings.push(Finding::note(
            TOPIC,
            "transparent huge pages are given always",
            "memory is taken in pieces of 2 MB, so the crawl reaches memory_max earlier than it would",
        ).with_mend("echo madvise > /sys/kernel/mm/transparent_hugepage/enabled"));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            TOPIC,
            "connection tracking, overcommit, buffers, huge pages: nothing in the way",
            "limits of the kernel show as dead sites or slow pages",
        ));
    }
    findings
}

/// The table of the firewall's connection tracking: how many it holds at most, and how many it holds.
fn tracking((most, now): (u64, u64), connections: u64) -> Option<Finding> {
    let room = most.saturating_sub(now);
    let found = format!(
        "the firewall tracks {} of at most {} connections",
        count(now),
        count(most)
    );
    let mend = format!(
        "sysctl -w net.netfilter.nf_conntrack_max={}",
        (connections * 8).max(262_144)
    );
    // A closed connection stays in the table for two minutes.
    if room < connections {
        Some(Finding::problem(
            TOPIC,
            found,
            "when its table is full the kernel drops packets of new connections, which look like dead sites",
            mend,
        ))
    } else if room < connections * 8 {
        Some(Finding::warning(
            TOPIC,
            found,
            "closed connections stay in its table for two minutes; when it is full, sites look dead",
            mend,
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Level, check};
    use super::*;

    #[test]
    fn only_what_stands_in_the_way_is_told() {
        let good = KernelSeen {
            conntrack: Some((262_144, 100)),
            overcommit: Some(1),
            somaxconn: Some(4_096),
            rmem_max: Some(212_992),
            tcp_rmem_max: Some(6_291_456),
            hugepages: Some("madvise".into()),
            connections: 5_024,
        };
        let with = |change: fn(&mut KernelSeen)| {
            let mut seen = good.clone();
            change(&mut seen);
            seen
        };
        let table: [(&str, KernelSeen, Level, &str); 9] = [
            ("good", good.clone(), Level::Ok, "nothing in the way"),
            (
                "nothing known",
                KernelSeen::default(),
                Level::Ok,
                "nothing in the way",
            ),
            (
                "tracking tight",
                with(|k| k.conntrack = Some((32_768, 500))),
                Level::Warning,
                "nf_conntrack_max=262144",
            ),
            (
                "tracking full",
                with(|k| k.conntrack = Some((65_536, 65_000))),
                Level::Problem,
                "drops packets",
            ),
            (
                "strict memory",
                with(|k| k.overcommit = Some(2)),
                Level::Warning,
                "overcommit_memory=0",
            ),
            (
                "small buffers",
                with(|k| k.tcp_rmem_max = Some(65_536)),
                Level::Note,
                "tcp_rmem",
            ),
            (
                "small datagrams",
                with(|k| k.rmem_max = Some(65_536)),
                Level::Note,
                "rmem_max",
            ),
            (
                "short queue",
                with(|k| k.somaxconn = Some(128)),
                Level::Note,
                "somaxconn",
            ),
            (
                "huge pages",
                with(|k| k.hugepages = Some("always".into())),
                Level::Note,
                "madvise",
            ),
        ];
        for (name, seen, level, part) in table {
            check(name, &judge(&seen), &[(level, part)]);
        }
    }
}
