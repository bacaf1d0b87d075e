//! The address guard: which addresses and ports may be dialled at all.
//!
//! In: an address, the operator's lists. Out: yes, or the name of the range that forbids it.
//! May touch: nothing but its arguments. Must not touch: names, sockets.
//! Invariant: an address passes only if it is public, or the operator opened its range; an address that
//! carries another one (mapped, NAT64, 6to4, Teredo) passes only if that one would.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::config::GuardConfig;

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, d: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

/// IANA IPv4 Special-Purpose Address Registry (RFC 6890 and successors) without its globally reachable
/// rows, multicast, and one cloud's metadata address that looks public.
const RANGES_V4: [(Ipv4Net, &str); 17] = [
    (v4(0, 0, 0, 0, 8), "this network"),
    (v4(10, 0, 0, 0, 8), "private"),
    (v4(100, 64, 0, 0, 10), "shared address space"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    (v4(168, 63, 129, 16, 32), "cloud metadata"),
    (v4(169, 254, 0, 0, 16), "link-local"),
    (v4(172, 16, 0, 0, 12), "private"),
    (v4(192, 0, 0, 0, 24), "protocol assignments"),
    (v4(192, 0, 2, 0, 24), "documentation"),
    (v4(192, 88, 99, 0, 24), "6to4 relay anycast"),
    (v4(192, 168, 0, 0, 16), "private"),
    (v4(198, 18, 0, 0, 15), "benchmarking"),
    (v4(198, 51, 100, 0, 24), "documentation"),
    (v4(203, 0, 113, 0, 24), "documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(255, 255, 255, 255, 32), "broadcast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
];

/// IANA IPv6 Special-Purpose Address Registry likewise. Forms that carry an IPv4 address are in `embedded`.
const RANGES_V6: [(Ipv6Net, &str); 13] = [
    (
        Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128),
        "unspecified",
    ),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), "loopback"),
    (v6(0x64, 0xff9b, 1, 0, 48), "local NAT64"),
    (v6(0x100, 0, 0, 0, 64), "discard"),
    (v6(0x100, 0, 0, 1, 64), "dummy prefix"),
    (v6(0x2001, 0, 0, 0, 23), "protocol assignments"),
    (v6(0x2001, 0xdb8, 0, 0, 32), "documentation"),
    (v6(0x3fff, 0, 0, 0, 20), "documentation"),
    (v6(0x5f00, 0, 0, 0, 16), "segment routing"),
    (v6(0xfc00, 0, 0, 0, 7), "unique local"),
    (v6(0xfe80, 0, 0, 0, 10), "link-local"),
    (v6(0xfec0, 0, 0, 0, 10), "site-local"),
    (v6(0xff00, 0, 0, 0, 8), "multicast"),
];

/// The guarded IPv4 ranges.
pub(crate) fn guarded_v4() -> impl Iterator<Item = Ipv4Net> {
    RANGES_V4.iter().map(|&(net, _)| net)
}

/// The guarded IPv6 ranges, but for those that carry a guarded IPv4 address.
pub(crate) fn guarded_v6() -> impl Iterator<Item = Ipv6Net> {
    RANGES_V6.iter().map(|&(net, _)| net)
}

/// Where IPv6 unicast is assigned from; nothing outside is routed.
const GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 0, 0, 3);

const TEREDO: Ipv6Net = v6(0x2001, 0, 0, 0, 32);
const SIX_TO_FOUR: Ipv6Net = v6(0x2002, 0, 0, 0, 16);
pub(crate) const NAT64: Ipv6Net = v6(0x64, 0xff9b, 0, 0, 96);
const NAT64_LOCAL: Ipv6Net = v6(0x64, 0xff9b, 1, 0, 48);
const COMPATIBLE: Ipv6Net = v6(0, 0, 0, 0, 96);

/// Why an address is not dialled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("address {address} is guarded: {range}")]
pub struct Guarded {
    /// The address that was to be dialled.
    pub address: IpAddr,
    /// The range it, or the address it carries, lies in.
    pub range: &'static str,
}

/// Judges addresses: deny list first, then allow list, then the special-purpose ranges.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allow: Vec<IpNet>,
    deny: Vec<IpNet>,
}

impl From<GuardConfig> for Guard {
    fn from(config: GuardConfig) -> Guard {
        Guard::new(config.allow, config.deny)
    }
}

impl Guard {
    /// A guard that opens `allow` and closes `deny`; both empty leaves exactly the public addresses.
    #[must_use]
    pub fn new(allow: Vec<IpNet>, deny: Vec<IpNet>) -> Guard {
        Guard { allow, deny }
    }

    /// Judges the address about to be dialled.
    ///
    /// A deny entry counts for the address and for any IPv4 address it carries. Cost: a few dozen
    /// comparisons, no allocation.
    ///
    /// # Errors
    /// [`Guarded`] with the range.
    pub fn judge(&self, address: IpAddr) -> Result<(), Guarded> {
        match self.range_of(address) {
            None => Ok(()),
            Some(range) => Err(Guarded { address, range }),
        }
    }

    fn range_of(&self, address: IpAddr) -> Option<&'static str> {
        let carried = embedded(address);
        let holds = |list: &[IpNet], ip: IpAddr| list.iter().any(|net| net.contains(&ip));
        if holds(&self.deny, address)
            || carried
                .iter()
                .flatten()
                .any(|&inner| holds(&self.deny, IpAddr::V4(inner)))
        {
            return Some("denied by the operator");
        }
        if holds(&self.allow, address) {
            return None;
        }
        match address {
            IpAddr::V4(v4) => RANGES_V4
                .iter()
                .find(|(net, _)| net.contains(&v4))
                .map(|&(_, name)| name),
            IpAddr::V6(v6) if carried[0].is_some() && !NAT64_LOCAL.contains(&v6) => carried
                .into_iter()
                .flatten()
                .find_map(|inner| self.range_of(IpAddr::V4(inner))),
            IpAddr::V6(v6) => special_v6(v6),
        }
    }
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    let listed = RANGES_V6
        .iter()
        .find(|(net, _)| net.contains(&address))
        .map(|&(_, name)| name);
    listed.or_else(|| (!GLOBAL_UNICAST.contains(&address)).then_some("unassigned"))
}

/// The IPv4 addresses that packets to `address` may end up at: at most two (Teredo: server and client).
fn embedded(address: IpAddr) -> [Option<Ipv4Addr>; 2] {
    let IpAddr::V6(v6) = address else {
        return [None, None];
    };
    let bits = u128::from(v6);
    let at = |shift: u32| Ipv4Addr::from((bits >> shift) as u32);
    if v6.to_ipv4_mapped().is_some() || NAT64.contains(&v6) {
        [Some(at(0)), None]
    } else if NAT64_LOCAL.contains(&v6) {
        // RFC 6052, 2.2: with a /48 prefix the address stands around the zero byte; operators also use the
        // /96 layout, so both readings are looked at.
        let around = (((bits >> 64) as u32 & 0xffff) << 16) | ((bits >> 40) as u32 & 0xffff);
        [Some(Ipv4Addr::from(around)), Some(at(0))]
    } else if SIX_TO_FOUR.contains(&v6) {
        [Some(at(80)), None]
    } else if TEREDO.contains(&v6) {
        [Some(at(64)), Some(Ipv4Addr::from(!(bits as u32)))]
    } else if COMPATIBLE.contains(&v6) && bits > 0xffff {
        [Some(at(0)), None]
    } else {
        [None, None]
    }
}

/// The ports that the Fetch Standard blocks ("bad port"): services that a page's request could be
/// mistaken for, such as mail. Sorted.
const BAD_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697, 10080,
];

/// Whether the Fetch Standard blocks `port`.
#[must_use]
pub fn is_bad_port(port: u16) -> bool {
    BAD_PORTS.binary_search(&port).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(guard: &Guard, address: &str) -> Option<&'static str> {
        guard
            .judge(address.parse().unwrap())
            .err()
            .map(|guarded| guarded.range)
    }

    const GUARDED: [&str; 30] = [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.0.9",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.0.9",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "192.168.255.255",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.254",
        "255.255.255.255",
        "0.0.0.1",
        "127.0.0.53",
    ];

    const PUBLIC: [&str; 14] = [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.1",
        "198.20.0.0",
        "223.255.255.255",
    ];

    /// N13: every way to write an IPv4 address inside an IPv6 one.
    fn notations(inner: Ipv4Addr) -> Vec<Ipv6Addr> {
        let bits = u128::from(u32::from(inner));
        let public = u128::from(u32::from(Ipv4Addr::new(8, 8, 4, 4)));
        let mut all: Vec<u128> = vec![
            0xffff << 32 | bits,
            0x0064_ff9b << 96 | bits,
            0x2002 << 112 | bits << 80 | 1,
            0x2001_0000 << 96 | bits << 64 | (!public & 0xffff_ffff),
            0x2001_0000 << 96 | public << 64 | (!bits & 0xffff_ffff),
        ];
        if bits > 0xffff {
            all.push(bits);
        }
        all.into_iter().map(Ipv6Addr::from).collect()
    }

    #[test]
    fn special_purpose_addresses_are_guarded_in_every_notation() {
        let guard = Guard::default();
        for text in GUARDED {
            assert!(range(&guard, text).is_some(), "{text}");
            for v6 in notations(text.parse().unwrap()) {
                assert!(range(&guard, &v6.to_string()).is_some(), "{text} as {v6}");
            }
        }
    }

    #[test]
    fn public_addresses_pass_in_every_notation() {
        let guard = Guard::default();
        for text in PUBLIC {
            assert_eq!(range(&guard, text), None, "{text}");
            for v6 in notations(text.parse().unwrap()) {
                assert_eq!(range(&guard, &v6.to_string()), None, "{text} as {v6}");
            }
        }
    }

    #[test]
    fn special_ipv6_ranges_are_named() {
        let guard = Guard::default();
        for (address, expected) in [
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("64:ff9b:1::808:808", "local NAT64"),
            ("64:ff9b:1:7f00:0:100::", "local NAT64"),
            ("100::1", "discard"),
            ("100:0:0:1::5", "dummy prefix"),
            ("2001:2::1", "protocol assignments"),
            ("2001:10::1", "protocol assignments"),
            ("2001:db8::1", "documentation"),
            ("3fff:fff::1", "documentation"),
            ("5f00::1", "segment routing"),
            ("fc00::1", "unique local"),
            ("fd00:ec2::254", "unique local"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
            ("::ffff:0:127.0.0.1", "unassigned"),
            ("4000::1", "unassigned"),
            ("::2:1", "this network"),
        ] {
            assert_eq!(range(&guard, address), Some(expected), "{address}");
        }
        for address in [
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00:1450:4001::1",
            "2620:fe::fe",
        ] {
            assert_eq!(range(&guard, address), None, "{address}");
        }
    }

    #[test]
    fn the_operators_lists_win_and_deny_wins_over_allow() {
        let nets = |texts: &[&str]| {
            texts
                .iter()
                .map(|t| t.parse().unwrap())
                .collect::<Vec<IpNet>>()
        };
        let guard = Guard::new(
            nets(&["127.0.0.0/8", "fd00::/8"]),
            nets(&["127.0.0.9/32", "8.8.8.0/24"]),
        );
        assert_eq!(range(&guard, "127.0.0.1"), None);
        assert_eq!(range(&guard, "::ffff:127.0.0.1"), None);
        assert_eq!(range(&guard, "fd00::1"), None);
        assert_eq!(range(&guard, "fc00::1"), Some("unique local"));
        for denied in [
            "127.0.0.9",
            "::ffff:127.0.0.9",
            "8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert_eq!(
                range(&guard, denied),
                Some("denied by the operator"),
                "{denied}"
            );
        }
        assert_eq!(range(&guard, "10.0.0.1"), Some("private"));
    }

    #[test]
    fn bad_ports_are_those_of_the_fetch_standard() {
        assert!(BAD_PORTS.is_sorted());
        assert!([25, 6667, 10080, 0].into_iter().all(is_bad_port));
        assert!(
            [80, 443, 8080, 8443, 3000, 6670]
                .into_iter()
                .all(|port| !is_bad_port(port))
        );
    }
}
