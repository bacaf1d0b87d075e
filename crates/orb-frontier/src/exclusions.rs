//! Exclusions: what the operator takes out of a crawl while it runs, and why.
//!
//! In: domains and URL patterns, each with the order it came by. Out: the exclusion that stops a URL, or nothing.
//! May touch: nothing. Must not touch: the site table, queues.
//! Invariant: a link on its way in, a queued URL whose turn comes and a request about to begin are judged by the same
//! lines of code.

use orb_api::Reason;
use orb_url::{CrawlUrl, Site};
use rustc_hash::FxHashMap;

use crate::limits::{EXCLUDED_DOMAINS_MAX, URL_RULES_MAX};
use crate::scope::{RuleError, UrlRules};
use crate::wanted::Cause;

/// One exclusion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// The order that made it.
    pub order: u64,
    /// [`Reason::Rule`], or [`Reason::OptOut`] where the site asked for it.
    pub reason: Reason,
    /// The domain or pattern, who gave the order and why: what people read.
    pub words: Box<str>,
}

impl Exclusion {
    /// The name under which links that it stops are counted.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self.reason {
            Reason::OptOut => "opt_out",
            _ => "rule",
        }
    }
}

/// How far something that is excluded can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A whole site.
    Site(Site),
    /// A part of one site.
    Within(Site),
    /// Nobody knows which sites.
    Anywhere,
}

/// What is excluded, read from the line that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Excluded {
    /// A domain with everything below it, in canonical form; or an IP literal.
    Domain(Box<str>),
    /// URLs that match a pattern with `*`.
    Pattern(Box<str>),
}

impl Excluded {
    /// Reads a line: a domain, or a URL pattern in which `*` stands for anything.
    ///
    /// # Errors
    /// When it is neither.
    pub fn read(line: &str) -> Result<Excluded, RuleError> {
        let line = line.trim();
        if line.starts_with('#') {
            // In a list of rules it would be a comment.
            return Err(RuleError::Form {
                line: line.chars().take(100).collect(),
            });
        }
        if line.contains('*') || line.contains('/') {
            UrlRules::default().add(line)?;
            return Ok(Excluded::Pattern(line.into()));
        }
        let host = CrawlUrl::parse(&format!("http://{}/", line.trim_start_matches('.')));
        match host {
            Ok(url) if url.path_and_query() == "/" && !line.contains([':', '?', '#', '@']) => {
                Ok(Excluded::Domain(url.host().trim_end_matches('.').into()))
            }
            _ => Err(RuleError::Form {
                line: line.chars().take(100).collect(),
            }),
        }
    }

    /// The line in canonical form.
    #[must_use]
    pub fn line(&self) -> &str {
        match self {
            Excluded::Domain(text) | Excluded::Pattern(text) => text,
        }
    }

    /// How far it can reach.
    #[must_use]
    pub fn reach(&self) -> Reach {
        match self {
            Excluded::Domain(domain) => {
                let own = Site::of_host(domain);
                // A public suffix is no site of the hosts below it.
                let below = Site::of_host(&format!("x.{domain}"));
                match own.as_str() == &**domain {
                    true if below == own || is_address(domain) => Reach::Site(own),
                    true => Reach::Anywhere,
                    false => Reach::Within(own),
                }
            }
            Excluded::Pattern(pattern) => {
                let host = pattern
                    .split_once("://")
                    .filter(|(scheme, _)| !scheme.contains('*'))
                    .and_then(|(_, rest)| rest.split_once('/'))
                    .map(|(host, _)| host)
                    .filter(|host| !host.contains(['*', '@']));
                let site = host.and_then(|host| CrawlUrl::parse(&format!("http://{host}/")).ok());
                site.map_or(Reach::Anywhere, |url| Reach::Within(url.site()))
            }
        }
    }
}

fn is_address(domain: &str) -> bool {
    domain.starts_with('[') || domain.parse::<std::net::Ipv4Addr>().is_ok()
}

/// All exclusions in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclusions {
    domains: FxHashMap<Box<str>, Exclusion>,
    patterns: UrlRules,
    by_pattern: FxHashMap<Box<str>, Exclusion>,
}

impl Exclusions {
    /// Whether there is room for one more like this.
    ///
    /// # Errors
    /// When there are too many.
    pub fn room_for(&self, excluded: &Excluded) -> Result<(), RuleError> {
        let (count, max) = match excluded {
            Excluded::Domain(_) => (self.domains.len(), EXCLUDED_DOMAINS_MAX),
            Excluded::Pattern(_) => (self.by_pattern.len(), URL_RULES_MAX),
        };
        match count < max {
            true => Ok(()),
            false => Err(RuleError::TooMany { max }),
        }
    }

    /// Adds one; of two for the same line the earlier stands, unless the later is an opt-out.
    ///
    /// # Errors
    /// When there are too many.
    pub fn add(&mut self, excluded: &Excluded, exclusion: Exclusion) -> Result<(), RuleError> {
        let (list, max) = match excluded {
            Excluded::Domain(_) => (&mut self.domains, EXCLUDED_DOMAINS_MAX),
            Excluded::Pattern(_) => (&mut self.by_pattern, URL_RULES_MAX),
        };
        let line = excluded.line();
        match list.get(line) {
            Some(known) if exclusion.reason != Reason::OptOut || known.reason == Reason::OptOut => {
                return Ok(());
            }
            Some(_) => {}
            None if list.len() >= max => return Err(RuleError::TooMany { max }),
            None => {
                if let Excluded::Pattern(line) = excluded {
                    self.patterns.add(line)?;
                }
            }
        }
        list.insert(line.into(), exclusion);
        Ok(())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.domains.is_empty() && self.by_pattern.is_empty()
    }

    /// The exclusion that stops `url`. Cost: a look for each label of its host, and O(bytes) for each pattern.
    #[must_use]
    pub fn stopping(&self, url: &CrawlUrl) -> Option<&Exclusion> {
        if self.is_empty() {
            return None;
        }
        let by_pattern = || {
            let line = self.patterns.stopping(url)?;
            self.by_pattern.get(line)
        };
        self.of_host(url.host()).or_else(by_pattern)
    }

    /// The domain among them that `host` is or lies below.
    #[must_use]
    pub fn of_host(&self, host: &str) -> Option<&Exclusion> {
        if self.domains.is_empty() {
            return None;
        }
        let mut rest = host.trim_end_matches('.');
        loop {
            if let Some(exclusion) = self.domains.get(rest) {
                return Some(exclusion);
            }
            (_, rest) = rest.split_once('.')?;
        }
    }

    /// The exclusion of a whole site, by its own name.
    #[must_use]
    pub fn of_site(&self, site: &Site) -> Option<&Exclusion> {
        self.domains.get(site.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exclusions(lines: &[&str]) -> Exclusions {
        let mut all = Exclusions::default();
        for (order, line) in lines.iter().enumerate() {
            let exclusion = Exclusion {
                order: order as u64,
                reason: Reason::Rule,
                words: (*line).into(),
            };
            all.add(&Excluded::read(line).unwrap(), exclusion).unwrap();
        }
        all
    }

    fn url(text: &str) -> CrawlUrl {
        CrawlUrl::parse(text).unwrap()
    }

    #[test]
    fn domains_stop_what_lies_below_them_and_patterns_what_they_match() {
        let all = exclusions(&[
            "Bad.example.",
            "bücher.example",
            "https://a.com/x/*",
            "*.pdf",
        ]);
        let check = |text: &str, order: Option<u64>| {
            let stopping = all.stopping(&url(text)).map(|exclusion| exclusion.order);
            assert_eq!(stopping, order, "{text}");
        };
        check("https://bad.example/", Some(0));
        check("https://deep.bad.example/x", Some(0));
        check("https://notbad.example/", None);
        check("https://www.bücher.example/", Some(1));
        check("https://a.com/x/1", Some(2));
        check("https://a.com/y", None);
        check("https://b.com/y.pdf", Some(3));
        assert!(
            Exclusions::default()
                .stopping(&url("https://a.com/"))
                .is_none()
        );
    }

    #[test]
    fn the_reach_of_a_line_says_where_to_look() {
        let site = |name: &str| Site::of_host(name);
        let check = |line: &str, reach: Reach| {
            assert_eq!(Excluded::read(line).unwrap().reach(), reach, "{line}");
        };
        check("example.com", Reach::Site(site("example.com")));
        check("shop.example.com", Reach::Within(site("example.com")));
        check("192.0.2.7", Reach::Site(site("192.0.2.7")));
        check("github.io", Reach::Anywhere);
        check("a.github.io", Reach::Site(site("a.github.io")));
        check(
            "https://www.example.com/a/*",
            Reach::Within(site("example.com")),
        );
        check("https://*.example.com/a/*", Reach::Anywhere);
        check("*.pdf", Reach::Anywhere);
    }

    #[test]
    fn what_is_neither_domain_nor_pattern_is_refused() {
        for line in [
            "",
            "a b",
            "a.example:80",
            "user@a.example",
            "http:",
            "a.example?x",
        ] {
            assert!(Excluded::read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn an_opt_out_is_not_weakened_by_a_rule() {
        let mut all = exclusions(&["a.example"]);
        let domain = Excluded::read("a.example").unwrap();
        for (order, reason) in [(7, Reason::OptOut), (8, Reason::Rule)] {
            let words = "".into();
            let exclusion = Exclusion {
                order,
                reason,
                words,
            };
            all.add(&domain, exclusion).unwrap();
        }
        assert_eq!(
            all.of_site(&Site::of_host("a.example")).map(|e| e.order),
            Some(7)
        );
    }
}
