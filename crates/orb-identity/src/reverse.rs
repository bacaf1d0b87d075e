//! Names for the crawler's addresses: what to put into the reverse zone and the forward one, so that a site owner can
//! tell the crawler from whoever borrows its name.
//!
//! In: ranges, a domain. Out: zone lines and how they are checked. May touch: nothing.
//! Invariant: name and address lead to each other, and no two addresses share a name.

use std::fmt::Write;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::limits::ZONE_LINES_MAX;

/// The name of one address below `domain`: `crawl-192-0-2-7.crawl.example.org`.
pub fn host_of(address: IpAddr, domain: &str) -> String {
    let text = match address {
        IpAddr::V4(address) => address.to_string().replace('.', "-"),
        IpAddr::V6(address) => {
            let groups = address.segments().map(|group| format!("{group:x}"));
            groups.join("-")
        }
    };
    format!("crawl-{text}.{domain}")
}

/// The name under which the reverse tree (RFC 1035, 3.5; RFC 3596, 2.5) holds an address.
fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa.")
        }
        IpAddr::V6(address) => {
            let mut name = String::new();
            for byte in address.octets().iter().rev() {
                // Writing to a string cannot fail.
                write!(name, "{:x}.{:x}.", byte & 15, byte >> 4).expect("a string takes it");
            }
            name + "ip6.arpa."
        }
    }
}

/// Zone lines for every address of ranges up to [`ZONE_LINES_MAX`] addresses, the first one of larger ranges, and
/// what to do with them.
pub fn reverse_zone(addresses: &[IpNet], domain: &str) -> String {
    let mut out = format!(
        "; Names for the crawler's addresses. Whoever runs the network puts the PTR lines into the reverse zone, whoever\n\
         ; runs {domain} the A and AAAA lines into that. Both are needed: a PTR alone proves nothing.\n\
         ; A site owner then checks a request in two steps (forward-confirmed reverse DNS):\n\
         ;   1. host ADDRESS        names a host that ends in .{domain}\n\
         ;   2. host THAT-NAME      gives ADDRESS again\n"
    );
    for range in IpNet::aggregate(&addresses.to_vec()) {
        let bits = u32::from(range.max_prefix_len() - range.prefix_len());
        let number = 1u128.checked_shl(bits).unwrap_or(u128::MAX);
        let lines = if number <= ZONE_LINES_MAX { number } else { 1 };
        let more = match lines {
            1 if number > 1 => ": the first, and so on for each address that is used",
            _ => "",
        };
        out.push_str(&format!(";\n; {range}{more}\n"));
        for at in 0..lines {
            let address = nth(range.network(), at);
            let host = host_of(address, domain);
            let kind = if address.is_ipv4() { "A   " } else { "AAAA" };
            out.push_str(&format!("{} IN PTR  {host}.\n", reverse_name(address)));
            out.push_str(&format!("{host}. IN {kind} {address}\n"));
        }
    }
    out
}

fn nth(first: IpAddr, at: u128) -> IpAddr {
    match first {
        IpAddr::V4(first) => {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            IpAddr::V4(u32::from(first).saturating_add(at).into())
        }
        IpAddr::V6(first) => IpAddr::V6(u128::from(first).saturating_add(at).into()),
    }
}
