//! The address guard once more, as rules for the machine's own firewall: a second layer that does not share a mistake
//! with the first.
//!
//! In: the crawler's user, the operator's lists, name servers. Out: a rule set for nftables.
//! May touch: `guard`, for its ranges. Must not touch: the system.
//! Invariant: what the guard refuses the rules drop, but for what an allow list opens; nobody else's packets are touched.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::config::GuardConfig;
use crate::guard::{NAT64, guarded_v4, guarded_v6};

/// The rule set, as `nft -f` reads it.
///
/// - `user`: who the crawler runs as: a name or a number. Letters, digits, `_`, `-`, `.`; anything else is left out.
/// - `guard`: ranges of the operator: `allow` is let through, `deny` is dropped as well.
/// - `name_servers`: whom the crawler asks for names; those in guarded ranges are let through.
#[must_use]
pub fn nft_rules(user: &str, guard: &GuardConfig, name_servers: &[SocketAddr]) -> String {
    let user: String = user
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        .collect();
    let mut text = String::from(
        "# Drops what the crawler must not send: the guarded ranges, a second time (nft -f FILE).\n\
         # Nobody else's packets are looked at. Answers of its own status page pass.\n\
         table inet orbweaver\n\
         delete table inet orbweaver\n\
         table inet orbweaver {\n",
    );
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for net in guarded_v4() {
        v4.push(net.to_string());
        v6.extend(carrying(net).map(|net| net.to_string()));
    }
    v6.extend(guarded_v6().map(|net| net.to_string()));
    set(&mut text, "guarded4", "ipv4_addr", &v4);
    set(&mut text, "guarded6", "ipv6_addr", &v6);
    text.push_str(
        "    chain output {\n        type filter hook output priority filter; policy accept;\n",
    );
    rule(&mut text, &format!("meta skuid != \"{user}\" accept"));
    rule(&mut text, "ct state established,related accept");
    for server in name_servers {
        let to = family(server.ip());
        let (ip, port) = (server.ip(), server.port());
        rule(
            &mut text,
            &format!("{to} daddr {ip} udp dport {port} accept"),
        );
        rule(
            &mut text,
            &format!("{to} daddr {ip} tcp dport {port} accept"),
        );
    }
    for net in &guard.deny {
        let to = family(net.addr());
        rule(
            &mut text,
            &format!("{to} daddr {} counter drop", net.trunc()),
        );
    }
    for net in &guard.allow {
        let to = family(net.addr());
        rule(&mut text, &format!("{to} daddr {} accept", net.trunc()));
    }
    rule(&mut text, "ip daddr @guarded4 counter drop");
    rule(&mut text, "ip6 daddr @guarded6 counter drop");
    // Nothing else is routed; IPv6 finds its neighbours by packets that no user sends.
    rule(
        &mut text,
        &format!("ip6 daddr != {{ 2000::/3, {NAT64} }} counter drop"),
    );
    text.push_str("    }\n}\n");
    text
}

fn family(ip: IpAddr) -> &'static str {
    if ip.is_ipv4() { "ip" } else { "ip6" }
}

fn rule(text: &mut String, rule: &str) {
    writeln!(text, "        {rule}").expect("writing to a string does not fail");
}

fn set(text: &mut String, name: &str, kind: &str, elements: &[String]) {
    writeln!(
        text,
        "    set {name} {{\n        type {kind}; flags interval; auto-merge\n        elements = {{ {} }}\n    }}",
        elements.join(", ")
    )
    .expect("writing to a string does not fail");
}

/// The IPv6 ranges whose packets end up in an IPv4 range: by NAT64 and by 6to4.
fn carrying(net: Ipv4Net) -> impl Iterator<Item = Ipv6Net> {
    let v4 = u128::from(u32::from(net.network()));
    let nat64 = u128::from(NAT64.network()) | v4;
    let six_to_four = (0x2002_u128 << 112) | (v4 << 80);
    [(nat64, 96), (six_to_four, 16)]
        .into_iter()
        .map(move |(bits, before)| {
            Ipv6Net::new(Ipv6Addr::from(bits), before + net.prefix_len())
                .expect("96 and 32 bits are 128")
        })
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;

    use super::*;
    use crate::guard::Guard;

    fn nets(rules: &str, set: &str) -> Vec<IpNet> {
        let rest = rules.split_once(&format!("set {set} ")).unwrap().1;
        let list = rest.split_once("elements = {").unwrap().1;
        let list = list.split_once('}').unwrap().0;
        list.split(',')
            .map(|net| net.trim().parse().unwrap())
            .collect()
    }

    /// What the sets hold the guard refuses, and the ends of its ranges are in the sets.
    #[test]
    fn the_rules_and_the_guard_agree() {
        let rules = nft_rules("orbweaver", &GuardConfig::default(), &[]);
        let guard = Guard::default();
        let all = [nets(&rules, "guarded4"), nets(&rules, "guarded6")].concat();
        for net in &all {
            for end in [net.network(), net.broadcast()] {
                assert!(guard.judge(end).is_err(), "{end} of {net}");
            }
        }
        for refused in [
            "10.0.0.1",
            "169.254.169.254",
            "127.0.0.53",
            "64:ff9b::a00:1",
            "2002:7f00:1::1",
            "fd00::5",
        ] {
            let refused: IpAddr = refused.parse().unwrap();
            assert!(all.iter().any(|net| net.contains(&refused)), "{refused}");
        }
        for public in ["9.9.9.9", "2a00:1450:4001:80b::200e", "64:ff9b::909:909"] {
            let public: IpAddr = public.parse().unwrap();
            assert!(!all.iter().any(|net| net.contains(&public)), "{public}");
        }
    }

    #[test]
    fn lists_and_name_servers_have_rules_before_the_sets() {
        let guard = GuardConfig {
            allow: vec!["10.1.2.3/16".parse().unwrap()],
            deny: vec!["93.184.0.0/16".parse().unwrap()],
        };
        let rules = nft_rules("a\"; flush\n", &guard, &["127.0.0.53:53".parse().unwrap()]);
        let place = |part: &str| {
            rules
                .find(part)
                .unwrap_or_else(|| panic!("no {part} in {rules}"))
        };
        assert!(
            place("meta skuid != \"aflush\" accept")
                < place("ip daddr 127.0.0.53 udp dport 53 accept")
        );
        assert!(place("udp dport 53") < place("ip daddr 93.184.0.0/16 counter drop"));
        assert!(place("ip daddr 93.184.0.0/16") < place("ip daddr 10.1.0.0/16 accept"));
        assert!(place("ip daddr 10.1.0.0/16 accept") < place("ip daddr @guarded4 counter drop"));
    }
}
