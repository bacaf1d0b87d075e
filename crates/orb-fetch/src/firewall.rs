//! The address guard once more, as rules for the machine's own firewall: a second layer that does not share a mistake
//! with the first.
//!
//! In: the crawler's user, the operator's lists, name servers. Out: a rule set for nftables.
//! May touch: `guard`, for its ranges. Must not touch: the system.
//! Invariant: what the guard refuses the rules drop, but for what an allow list opens; nobody else's packets are touched.
//! They drop a little more: Teredo, of which the guard lets public ends through.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::config::GuardConfig;
use crate::guard::{NAT64, guarded_v4, guarded_v6};

/// Whose packets the rules look at: a user's name or number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirewallUser(String);

/// A user that no rule can name.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no user: letters, digits, '_', '-' and '.', at least one and at most 32")]
pub struct NoUser(String);

impl FromStr for FirewallUser {
    type Err = NoUser;

    fn from_str(text: &str) -> Result<FirewallUser, NoUser> {
        let is_one = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let is_name = (1..=32).contains(&text.len()) && text.chars().all(is_one);
        is_name
            .then(|| FirewallUser(text.to_owned()))
            .ok_or_else(|| NoUser(text.to_owned()))
    }
}

/// The rule set, as `nft -f` reads it.
///
/// - `user`: who the crawler runs as.
/// - `guard`: ranges of the operator: `allow` is let through, `deny` is dropped as well.
/// - `name_servers`: whom the crawler asks for names; those in guarded ranges are let through.
#[must_use]
pub fn nft_rules(user: &FirewallUser, guard: &GuardConfig, name_servers: &[SocketAddr]) -> String {
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
    text.push_str("    chain crawler {\n");
    rule(&mut text, "ct state established,related accept");
    for server in name_servers {
        let to = family(server.ip());
        let (ip, port) = (server.ip(), server.port());
        for transport in ["udp", "tcp"] {
            rule(
                &mut text,
                &format!("{to} daddr {ip} {transport} dport {port} accept"),
            );
        }
    }
    for (nets, verdict) in [(&guard.deny, "counter drop"), (&guard.allow, "accept")] {
        for net in nets.iter().flat_map(reached_by) {
            let to = family(net.addr());
            rule(&mut text, &format!("{to} daddr {net} {verdict}"));
        }
    }
    rule(&mut text, "ip daddr @guarded4 counter drop");
    rule(&mut text, "ip6 daddr @guarded6 counter drop");
    // Nothing else is routed.
    rule(
        &mut text,
        &format!("ip6 daddr != {{ 2000::/3, {NAT64} }} counter drop"),
    );
    // A packet that no user sends (IPv6 looking for its neighbours) matches no `skuid`, not even an unlike one, so the
    // crawler's own are picked out instead of the others'.
    text.push_str(
        "    }\n    chain output {\n        type filter hook output priority filter; policy accept;\n",
    );
    rule(
        &mut text,
        &format!("meta skuid \"{}\" jump crawler", user.0),
    );
    text.push_str("    }\n}\n");
    text
}

/// A range, and those whose packets end up in it.
fn reached_by(net: &IpNet) -> impl Iterator<Item = IpNet> {
    let net = net.trunc();
    let carrying = match net {
        IpNet::V4(net) => Some(carrying(net)),
        IpNet::V6(_) => None,
    };
    std::iter::once(net).chain(carrying.into_iter().flatten().map(IpNet::V6))
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
        let user = "orbweaver".parse().unwrap();
        let rules = nft_rules(&user, &GuardConfig::default(), &[]);
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
        let user = "crawl.er-1".parse().unwrap();
        let rules = nft_rules(&user, &guard, &["127.0.0.53:53".parse().unwrap()]);
        let place = |part: &str| {
            rules
                .find(part)
                .unwrap_or_else(|| panic!("no {part} in {rules}"))
        };
        assert!(place("chain crawler {") < place("ip daddr 127.0.0.53 udp dport 53 accept"));
        place("ip6 daddr 64:ff9b::5db8:0/112 counter drop");
        place("ip6 daddr 2002:a01::/32 accept");
        // What no user sends must reach no rule.
        let output = &rules[place("chain output {")..];
        assert!(output.contains("meta skuid \"crawl.er-1\" jump crawler"));
        assert!(!output.contains("drop") && !rules[..place("chain output")].contains("skuid"));
        assert!(place("udp dport 53") < place("ip daddr 93.184.0.0/16 counter drop"));
        assert!(place("ip daddr 93.184.0.0/16") < place("ip daddr 10.1.0.0/16 accept"));
        assert!(place("ip daddr 10.1.0.0/16 accept") < place("ip daddr @guarded4 counter drop"));
    }

    #[test]
    fn users_that_a_rule_cannot_name_are_refused() {
        for text in ["", "a b", "a\"; flush ruleset", "svc@corp", &"a".repeat(33)] {
            assert!(text.parse::<FirewallUser>().is_err(), "{text}");
        }
    }
}
