//! Identity: can a site owner find out who crawls, and write to them?
//!
//! In: settings, the name of our own address. Out: findings. May touch: nothing.

use std::net::IpAddr;

use ipnet::IpNet;
use orb_crawl::CrawlConfig;

use super::finding::Finding;
use crate::identity::{IdentityError, introduce};

const TOPIC: &str = "identity";
const WHY: &str = "a site owner who sees the crawl must be able to write to whoever runs it";

/// Domains that documentation uses and nobody reads mail at (RFC 2606, RFC 6761).
const NOBODYS: [&str; 7] = [
    "example.com",
    "example.net",
    "example.org",
    "example",
    "invalid",
    "localhost",
    "test",
];

/// What names lead back to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reverse {
    /// Our address has this name.
    Named(IpAddr, String),
    /// Our address has no name.
    Nameless(IpAddr),
    /// Not asked, and why.
    Skipped(String),
}

pub(crate) fn judge(config: &CrawlConfig, reverse: &Reverse) -> Vec<Finding> {
    let mut introduced = config.clone();
    let mut findings = vec![match introduce(&mut introduced) {
        Ok(None) => contact(&introduced),
        Ok(Some(ranges)) => own_only(&introduced, &ranges),
        Err(error) => refused(&error),
    }];
    findings.push(reverse_name(reverse));
    findings
}

fn contact(config: &CrawlConfig) -> Finding {
    let contact = config.identity.contact.trim();
    let from = if config.fetch.from.is_empty() {
        String::new()
    } else {
        format!(", From: {}", config.fetch.from)
    };
    let found = format!(
        "sites see User-Agent: {}{from}; robots.txt is obeyed as `{}`",
        config.fetch.user_agent, config.identity.product
    );
    let host = contact
        .rsplit_once('@')
        .map(|(_, host)| host)
        .or_else(|| contact.split("://").nth(1)?.split(['/', ':', '?']).next())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let nobodys = NOBODYS
        .iter()
        .any(|name| host == *name || host.ends_with(&format!(".{name}")));
    if nobodys || !host.contains('.') {
        return Finding::warning(
            TOPIC,
            format!("{found}; nobody reads mail at {host}"),
            WHY,
            "--contact with an address or a page of yours",
        );
    }
    if !config.fetch.user_agent.contains(contact) {
        return Finding::warning(
            TOPIC,
            format!("{found}; the contact {contact} is not in it"),
            WHY,
            "take fetch.user_agent out of the settings, or write the contact into it",
        );
    }
    Finding::ok(TOPIC, found, WHY)
}

fn own_only(config: &CrawlConfig, ranges: &[IpNet]) -> Finding {
    let list: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    Finding::note(
        TOPIC,
        format!(
            "no contact, so only {} may be crawled, as User-Agent: {}",
            list.join(", "),
            config.fetch.user_agent
        ),
        "sites of others are closed until somebody answers for the crawl",
    )
    .with_mend("--contact you@your-domain")
}

fn refused(error: &IdentityError) -> Finding {
    let mend = match error {
        IdentityError::NoContact | IdentityError::PublicRange { .. } => {
            "--contact you@your-domain, or --contact https://your-domain/crawler"
        }
        IdentityError::BadContact { .. } => {
            "--contact with a mail address or an http(s) page, such as you@your-domain"
        }
        IdentityError::ForeignAgent { .. } => {
            "take fetch.user_agent out of the settings, or set identity.product to the name in it"
        }
    };
    let found = match error {
        IdentityError::NoContact => "no contact is set".to_owned(),
        other => other.to_string(),
    };
    Finding::problem(TOPIC, found, WHY, mend)
}

fn reverse_name(reverse: &Reverse) -> Finding {
    match reverse {
        Reverse::Named(address, name) => Finding::ok(
            TOPIC,
            format!("our address {address} is called {name}"),
            "site owners look an address up before they write or block",
        ),
        Reverse::Nameless(address) => Finding::note(
            TOPIC,
            format!("our address {address} has no name in DNS"),
            "site owners look an address up before they write or block; some block what has no name",
        )
        .with_mend("ask who gave you the address for a PTR record that names your crawler"),
        Reverse::Skipped(why) => Finding::note(
            TOPIC,
            format!("skipped: the name of our own address; {why}"),
            "site owners look an address up before they write or block",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Level, check};
    use super::*;

    fn config(contact: &str, allow: &[&str], agent: &str) -> CrawlConfig {
        let mut config = CrawlConfig::default();
        config.identity.contact = contact.to_owned();
        config.guard.allow = allow.iter().map(|range| range.parse().unwrap()).collect();
        config.fetch.user_agent = agent.to_owned();
        config
    }

    #[test]
    fn who_crawls_must_be_reachable() {
        let own = &["127.0.0.0/8"][..];
        let table = [
            (
                "mail",
                config("me@crawl.io", &[], ""),
                Level::Ok,
                "From: me@crawl.io",
            ),
            (
                "page",
                config("https://crawl.io/bot", &[], ""),
                Level::Ok,
                "+https://crawl.io/bot",
            ),
            (
                "none",
                config("", &[], ""),
                Level::Problem,
                "--contact you@",
            ),
            (
                "nonsense",
                config("me", &[], ""),
                Level::Problem,
                "neither a mail address",
            ),
            (
                "placeholder",
                config("you@example.org", &[], ""),
                Level::Warning,
                "nobody reads mail",
            ),
            (
                "placeholder page",
                config("http://www.example.com/x", &[], ""),
                Level::Warning,
                "nobody reads",
            ),
            (
                "no domain",
                config("root@localhost", &[], ""),
                Level::Warning,
                "nobody reads",
            ),
            (
                "own servers",
                config("", own, ""),
                Level::Note,
                "only 127.0.0.0/8",
            ),
        ];
        let reverse = Reverse::Skipped("planted".into());
        for (name, config, level, part) in table.into_iter().chain(unusual()) {
            let found = judge(&config, &reverse);
            check(name, &found[..1], &[(level, part)]);
        }
    }

    fn unusual() -> [(&'static str, CrawlConfig, Level, &'static str); 3] {
        [
            (
                "public range",
                config("", &["0.0.0.0/0"], ""),
                Level::Problem,
                "0.0.0.0/0",
            ),
            (
                "foreign agent",
                config("me@crawl.io", &[], "Mozilla/5.0"),
                Level::Problem,
                "identity.product",
            ),
            (
                "agent without contact",
                config("me@crawl.io", &[], "orbweaver/9"),
                Level::Warning,
                "is not in it",
            ),
        ]
    }

    #[test]
    fn the_name_of_our_address() {
        let address = IpAddr::from([198, 51, 100, 7]);
        let table = [
            (
                Reverse::Named(address, "crawler.crawl.io".into()),
                Level::Ok,
                "crawler.crawl.io",
            ),
            (Reverse::Nameless(address), Level::Note, "PTR"),
            (
                Reverse::Skipped("it is private".into()),
                Level::Note,
                "it is private",
            ),
        ];
        for (reverse, level, part) in table {
            check(part, &[reverse_name(&reverse)], &[(level, part)]);
        }
    }
}
