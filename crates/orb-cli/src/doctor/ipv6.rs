//! IPv6: is there a way out?
//!
//! In: the address the kernel would send from. Out: one finding. May touch: nothing.

use std::net::Ipv6Addr;

use super::finding::Finding;

const TOPIC: &str = "ipv6";

/// - `source`: the address from which the kernel would reach the public IPv6 network; `None` without a route.
pub(crate) fn judge(source: Option<Ipv6Addr>) -> Finding {
    let none = |found: String| {
        Finding::note(
            TOPIC,
            found,
            "sites that have only IPv6 addresses cannot be fetched; others are tried by IPv4 too",
        )
        .with_mend("nothing to do unless you need such sites: ask your provider for IPv6")
    };
    match source {
        None => none("no route to the public network".into()),
        Some(address) if address.is_loopback() || is_local(address) => {
            none(format!("only a local address: {address}"))
        }
        Some(address) => Finding::ok(
            TOPIC,
            format!("there is a route, from {address}"),
            "some sites have only IPv6 addresses; whether packets come back shows with the first of them",
        ),
    }
}

/// Link-local and unique local addresses.
fn is_local(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    first & 0xffc0 == 0xfe80 || first & 0xfe00 == 0xfc00
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Level, check};
    use super::*;

    #[test]
    fn a_way_out_is_a_public_address() {
        for (source, level, part) in [
            (None, Level::Note, "no route"),
            (Some("2001:db8::7"), Level::Ok, "2001:db8::7"),
            (Some("fe80::1"), Level::Note, "only a local"),
            (Some("fd00::1"), Level::Note, "only a local"),
            (Some("::1"), Level::Note, "only a local"),
        ] {
            let source = source.map(|text| text.parse().unwrap());
            check(part, &[judge(source)], &[(level, part)]);
        }
    }
}
