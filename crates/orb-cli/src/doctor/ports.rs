//! Ephemeral ports: enough of them for the connections of a crawl?
//!
//! In: the kernel's range and its way with closed connections. Out: findings. May touch: nothing.

use super::finding::Finding;
use crate::terminal::count;

const TOPIC: &str = "ports";
const WHY: &str = "each connection to one address takes a port of its own, and a closed one rests a minute before it is free";

/// What is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    /// `net.ipv4.ip_local_port_range`.
    pub(crate) range: Option<(u16, u16)>,
    /// `net.ipv4.tcp_tw_reuse`.
    pub(crate) reuse: Option<u8>,
    /// Requests and kept connections at once, all shards together.
    pub(crate) connections: u64,
}

pub(crate) fn judge(seen: &Ports) -> Finding {
    let Some((low, high)) = seen.range else {
        return Finding::note(
            TOPIC,
            "the kernel does not tell its range of ports",
            "not checked: connections fail with \"cannot assign requested address\" when ports run out",
        );
    };
    let ports = u64::from(high.saturating_sub(low)) + 1;
    let reuse = match seen.reuse {
        Some(0) => "closed ones are not used again within a minute",
        Some(_) => "closed ones are used again where that is safe",
        None => "not known whether closed ones are used again",
    };
    let found = format!("{} ports ({low} to {high}); {reuse}", count(ports));
    let widen = "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"";
    if ports < seen.connections {
        return Finding::warning(
            TOPIC,
            format!(
                "{found}; up to {} connections at once",
                count(seen.connections)
            ),
            "through a proxy, or where many sites share an address, connections fail when the ports are used up",
            widen,
        );
    }
    if seen.reuse == Some(0) && ports < 20_000 {
        return Finding::warning(
            TOPIC,
            found,
            "new connections to one shared address end at this many a minute",
            format!("sysctl -w net.ipv4.tcp_tw_reuse=1; {widen}"),
        );
    }
    if seen.reuse == Some(0) {
        return Finding::note(TOPIC, found, WHY).with_mend("sysctl -w net.ipv4.tcp_tw_reuse=1");
    }
    Finding::ok(TOPIC, found, WHY)
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Level, check};
    use super::*;

    #[test]
    fn ports_are_judged_by_the_connections_of_the_crawl() {
        let case = |range, reuse, connections| Ports {
            range,
            reuse,
            connections,
        };
        let usual = Some((32_768, 60_999));
        let table = [
            ("usual", case(usual, Some(2), 5_024), Level::Ok, "28,232"),
            (
                "no reuse",
                case(usual, Some(0), 5_024),
                Level::Note,
                "tcp_tw_reuse=1",
            ),
            (
                "few, no reuse",
                case(Some((50_000, 60_000)), Some(0), 5_024),
                Level::Warning,
                "a minute",
            ),
            (
                "too few",
                case(Some((60_000, 61_000)), Some(2), 5_024),
                Level::Warning,
                "ip_local_port_range",
            ),
            (
                "not told",
                case(None, None, 5_024),
                Level::Note,
                "does not tell",
            ),
        ];
        for (name, seen, level, part) in table {
            check(name, &[judge(&seen)], &[(level, part)]);
        }
    }
}
