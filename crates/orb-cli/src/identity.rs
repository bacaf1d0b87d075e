//! Who crawls: contact, `User-Agent`, and what may be reached without either.
//!
//! In: settings. Out: header values; a guard that closes the public web while nobody answers for the crawl.
//! May touch: nothing. Invariant: no request reaches a public address without a contact in its head.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Net, Ipv6Subnets};
use orb_crawl::CrawlConfig;
use orb_url::CrawlUrl;

/// The version that site owners and archives see.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The program's name and version, as archives write it.
pub(crate) fn software() -> String {
    format!("orbweaver/{VERSION}")
}

/// Ranges that belong to whoever runs the crawl: nobody there needs to be told who it is.
const OWN_RANGES: [&str; 14] = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "::1/128",
    "2001:db8::/32",
    "fc00::/7",
    "fe80::/10",
];

/// Why a crawl may not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IdentityError {
    #[error(
        "no contact: a crawl of public sites must say who answers for it. Give --contact you@example.org or \
         --contact https://example.org/crawler; to crawl servers of your own without one, name their addresses \
         with --allow-net, for example 127.0.0.0/8"
    )]
    NoContact,
    #[error(
        "no contact: {range} reaches public addresses, whose owners must be able to write to you. Give --contact"
    )]
    PublicRange { range: IpNet },
    #[error("contact `{contact}` is neither a mail address nor an http(s) page")]
    BadContact { contact: String },
    #[error(
        "fetch.user_agent `{user_agent}` does not contain `{product}`, the name that robots.txt is obeyed for; \
         set identity.product to the name it uses"
    )]
    ForeignAgent { user_agent: String, product: String },
}

/// Fills in `User-Agent` and `From`; without a contact closes every address outside the allowed ranges.
///
/// Returns the ranges that are left when there is no contact.
pub(crate) fn introduce(config: &mut CrawlConfig) -> Result<Option<Vec<IpNet>>, IdentityError> {
    let contact = config.identity.contact.trim().to_owned();
    let product = config.identity.product.clone();
    let mail = is_mail(&contact);
    if !contact.is_empty() {
        check_contact(&contact)?;
    }
    if config.fetch.user_agent.is_empty() {
        let about = if contact.is_empty() {
            String::new()
        } else {
            format!(" (+{contact})")
        };
        config.fetch.user_agent = format!("{product}/{VERSION}{about}");
    }
    if !config
        .fetch
        .user_agent
        .to_ascii_lowercase()
        .contains(&product.to_ascii_lowercase())
    {
        return Err(IdentityError::ForeignAgent {
            user_agent: config.fetch.user_agent.clone(),
            product,
        });
    }
    if mail && config.fetch.from.is_empty() {
        config.fetch.from = contact.clone();
    }
    if !contact.is_empty() {
        return Ok(None);
    }
    if config.guard.allow.is_empty() {
        return Err(IdentityError::NoContact);
    }
    if let Some(range) = config.guard.allow.iter().find(|range| !is_own(range)) {
        return Err(IdentityError::PublicRange { range: *range });
    }
    config.guard.deny.extend(outside(&config.guard.allow));
    Ok(Some(config.guard.allow.clone()))
}

/// Whether `text` is a contact at all.
pub(crate) fn check_contact(text: &str) -> Result<(), IdentityError> {
    if is_mail(text) || is_page(text) {
        return Ok(());
    }
    Err(IdentityError::BadContact {
        contact: text.to_owned(),
    })
}

/// A mail address as `From` takes it: something, `@`, a host; nothing that would end a header's comment.
fn is_mail(text: &str) -> bool {
    let Some((person, host)) = text.rsplit_once('@') else {
        return false;
    };
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"()<>,;:\\\"[]/@".contains(&byte))
    };
    plain(person) && plain(host) && !host.starts_with('.') && !host.ends_with('.')
}

fn is_page(text: &str) -> bool {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"()<>\"\\".contains(&byte));
    plain && CrawlUrl::parse(text).is_ok()
}

fn is_own(range: &IpNet) -> bool {
    OWN_RANGES
        .iter()
        .any(|own| own.parse::<IpNet>().is_ok_and(|own| own.contains(range)))
}

/// Every address that no range of `allow` holds, as the fewest ranges.
fn outside(allow: &[IpNet]) -> Vec<IpNet> {
    let mut closed = Vec::new();
    let v4 = allow.iter().filter_map(|net| match net {
        IpNet::V4(net) => Some((
            u128::from(u32::from(net.network())),
            u128::from(u32::from(net.broadcast())),
        )),
        IpNet::V6(_) => None,
    });
    for (first, last) in gaps(v4.collect(), u128::from(u32::MAX)) {
        let [first, last] =
            [first, last].map(|bits| Ipv4Addr::from(u32::try_from(bits).unwrap_or(u32::MAX)));
        closed.extend(Ipv4Subnets::new(first, last, 0).map(|net: Ipv4Net| IpNet::V4(net)));
    }
    let v6 = allow.iter().filter_map(|net| match net {
        IpNet::V4(_) => None,
        IpNet::V6(net) => Some((u128::from(net.network()), u128::from(net.broadcast()))),
    });
    for (first, last) in gaps(v6.collect(), u128::MAX) {
        let [first, last] = [first, last].map(Ipv6Addr::from);
        closed.extend(Ipv6Subnets::new(first, last, 0).map(|net: Ipv6Net| IpNet::V6(net)));
    }
    closed
}

/// The inclusive ranges between `taken` in `0..=max`.
fn gaps(mut taken: Vec<(u128, u128)>, max: u128) -> Vec<(u128, u128)> {
    taken.sort_unstable();
    let mut gaps = Vec::new();
    let mut next = Some(0);
    for (first, last) in taken {
        let Some(from) = next else { break };
        if first > from {
            gaps.push((from, first - 1));
        }
        next = if last >= max {
            None
        } else {
            Some(from.max(last + 1))
        };
    }
    gaps.extend(next.map(|from| (from, max)));
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_fetch::Guard;

    fn config(contact: &str, allow: &[&str]) -> CrawlConfig {
        let mut config = CrawlConfig::default();
        config.identity.contact = contact.to_owned();
        config.guard.allow = allow.iter().map(|range| range.parse().unwrap()).collect();
        config
    }

    #[test]
    fn a_contact_is_shown_to_every_site() {
        let mut with_mail = config("me@example.org", &[]);
        assert_eq!(introduce(&mut with_mail), Ok(None));
        assert_eq!(
            with_mail.fetch.user_agent,
            format!("orbweaver/{VERSION} (+me@example.org)")
        );
        assert_eq!(with_mail.fetch.from, "me@example.org");
        let mut with_page = config("https://example.org/bot", &[]);
        introduce(&mut with_page).unwrap();
        assert_eq!(
            with_page.fetch.user_agent,
            format!("orbweaver/{VERSION} (+https://example.org/bot)")
        );
        assert_eq!(with_page.fetch.from, "");
        assert!(with_page.guard.deny.is_empty());
    }

    #[test]
    fn what_is_no_contact_is_refused() {
        for contact in [
            "me",
            "@",
            "a@",
            "me@example.org)\r\nX: y",
            "ftp://example.org/",
            "a b@example.org",
        ] {
            let refused = introduce(&mut config(contact, &[]));
            assert!(
                matches!(refused, Err(IdentityError::BadContact { .. })),
                "{contact}: {refused:?}"
            );
        }
    }

    #[test]
    fn without_a_contact_only_own_addresses_are_reached() {
        assert_eq!(
            introduce(&mut config("", &[])),
            Err(IdentityError::NoContact)
        );
        for range in ["0.0.0.0/0", "8.8.8.8/32", "192.0.0.0/8", "::/0", "2000::/3"] {
            let refused = introduce(&mut config("", &["127.0.0.0/8", range]));
            assert_eq!(
                refused,
                Err(IdentityError::PublicRange {
                    range: range.parse().unwrap()
                })
            );
        }
        let mut own = config("", &["127.0.0.0/8", "10.1.0.0/16", "::1/128"]);
        assert_eq!(introduce(&mut own).unwrap().unwrap().len(), 3);
        let guard = Guard::from(own.guard);
        let check = |address: &str, open: bool| {
            assert_eq!(
                guard.judge(address.parse().unwrap()).is_ok(),
                open,
                "{address}"
            );
        };
        for address in ["127.0.0.1", "127.255.255.255", "10.1.255.255", "::1"] {
            check(address, true);
        }
        for address in [
            "0.0.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "10.0.255.255",
            "10.2.0.0",
            "8.8.8.8",
        ] {
            check(address, false);
        }
        for address in [
            "255.255.255.255",
            "::",
            "::2",
            "2606:4700::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            check(address, false);
        }
    }

    #[test]
    fn an_agent_of_another_name_is_refused() {
        let mut config = config("me@example.org", &[]);
        config.fetch.user_agent = "Mozilla/5.0".to_owned();
        assert!(matches!(
            introduce(&mut config),
            Err(IdentityError::ForeignAgent { .. })
        ));
        config.fetch.user_agent = "Mozilla/5.0 (compatible; OrbWeaver; +me@example.org)".to_owned();
        assert_eq!(introduce(&mut config), Ok(None));
    }
}
