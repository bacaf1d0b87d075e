//! Scope and URL rules: which found URLs are wanted at all.
//!
//! In: settings, what seeds say of a site, found URLs. Out: a cause for stopping a link, or nothing.
//! May touch: nothing. Must not touch: the sieve, queues.
//! Invariant: a verdict depends only on settings and seeds, never on the order links arrive in.

use orb_url::{CrawlUrl, Site};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::{SCOPE_MARKS_MAX, URL_RULES_MAX};

/// How far a crawl goes from its seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The seeds' sites: `www.example.com` and `blog.example.com` are one, `example.com`.
    #[default]
    Site,
    /// The seeds' hosts: `www.example.com` without `blog.example.com`.
    Host,
    /// The seeds' folders: what begins like a seed, up to its last `/`.
    Prefix,
    /// Anywhere that links lead.
    Any,
}

impl Scope {
    /// The name in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scope::Site => "site",
            Scope::Host => "host",
            Scope::Prefix => "prefix",
            Scope::Any => "any",
        }
    }
}

/// What the seeds say of one site beside that they are there; stored with it, and empty unless the scope asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeMarks {
    /// Hosts of its seeds.
    pub hosts: Vec<String>,
    /// Folders of its seeds.
    pub prefixes: Vec<String>,
}

fn folder(url: &CrawlUrl) -> &str {
    let path_end = url.as_str().len() - url.path_and_query().len() + url.path().len();
    let text = &url.as_str()[..path_end];
    text.rfind('/').map_or(text, |slash| &text[..=slash])
}

impl ScopeMarks {
    /// Takes note of a seed. Returns whether anything changed.
    pub fn note_seed(&mut self, url: &CrawlUrl, scope: Scope) -> bool {
        let (list, text) = match scope {
            Scope::Host => (&mut self.hosts, url.host()),
            Scope::Prefix => (&mut self.prefixes, folder(url)),
            Scope::Site | Scope::Any => return false,
        };
        let room = list.len() < SCOPE_MARKS_MAX && !list.iter().any(|known| known == text);
        if room {
            list.push(text.to_owned());
        }
        room
    }

    /// Whether nothing was noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty() && self.prefixes.is_empty()
    }

    /// Memory beside the struct, in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        let texts = self.hosts.iter().chain(&self.prefixes);
        texts.map(|text| text.len() + size_of::<String>()).sum()
    }

    /// Whether `url` is in scope; `seeded`: a seed lies on its site, whose marks these are.
    #[must_use]
    pub fn covers(&self, url: &CrawlUrl, scope: Scope, seeded: bool) -> bool {
        match scope {
            Scope::Any => true,
            Scope::Site => seeded,
            Scope::Host => self.hosts.iter().any(|host| host == url.host()),
            Scope::Prefix => {
                let text = url.as_str();
                self.prefixes
                    .iter()
                    .any(|prefix| text.starts_with(prefix.as_str()))
            }
        }
    }

    /// Whether a folder of a seed lies on `url`'s origin.
    pub(crate) fn covers_origin(&self, url: &CrawlUrl) -> bool {
        let root = format!("{}/", url.origin());
        self.prefixes.iter().any(|prefix| prefix.starts_with(&root))
    }
}

/// One line of `--exclude`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// A domain and everything below it.
    Domain(String),
    /// URLs that match a pattern with `*`.
    Pattern(Vec<String>, bool, bool),
}

/// Why a line is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// Neither a domain nor a URL pattern.
    #[error(
        "`{line}` is neither a domain nor a URL pattern; write `example.com` or `https://example.com/private/*`"
    )]
    Form {
        /// The line.
        line: String,
    },
    /// Too many of them.
    #[error("more than {max} rules")]
    TooMany {
        /// The limit.
        max: usize,
    },
}

/// URLs the operator does not want: each rule with the line it was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlRules(Vec<(Rule, Box<str>)>);

impl UrlRules {
    /// Adds one line: a domain (with everything below it), or a URL pattern in which `*` stands for anything.
    /// Blank lines and `#` comments are nothing.
    ///
    /// # Errors
    /// When the line is neither, or there are too many.
    pub fn add(&mut self, line: &str) -> Result<(), RuleError> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if self.0.len() >= URL_RULES_MAX {
            return Err(RuleError::TooMany { max: URL_RULES_MAX });
        }
        let rule = if line.contains("://") || line.contains('*') || line.contains('/') {
            let parts: Vec<String> = line
                .split('*')
                .filter(|p| !p.is_empty())
                .map(str::to_owned)
                .collect();
            // Without a scheme a pattern may stand anywhere in the URL.
            Rule::Pattern(
                parts,
                line.contains("://") && !line.starts_with('*'),
                line.ends_with('*'),
            )
        } else if Site::parse(line).is_ok() {
            Rule::Domain(
                line.trim_start_matches('.')
                    .trim_end_matches('.')
                    .to_ascii_lowercase(),
            )
        } else {
            return Err(RuleError::Form {
                line: line.chars().take(100).collect(),
            });
        };
        self.0.push((rule, line.into()));
        Ok(())
    }

    /// Whether a rule stops `url`. Cost: O(rules x bytes).
    #[must_use]
    pub fn stop(&self, url: &CrawlUrl) -> bool {
        self.stopping(url).is_some()
    }

    /// The first line that stops `url`. Cost: O(rules x bytes).
    #[must_use]
    pub fn stopping(&self, url: &CrawlUrl) -> Option<&str> {
        let stops = |rule: &Rule| match rule {
            Rule::Domain(domain) => {
                let host = url.host();
                host == domain
                    || host
                        .strip_suffix(domain.as_str())
                        .is_some_and(|left| left.ends_with('.'))
            }
            Rule::Pattern(parts, anchored, open) => matches(url.as_str(), parts, *anchored, *open),
        };
        let (_, line) = self.0.iter().find(|(rule, _)| stops(rule))?;
        Some(line)
    }
}

/// Greedy match of the literal parts in order; linear in `text` for each part.
fn matches(text: &str, parts: &[String], anchored: bool, open: bool) -> bool {
    let mut rest = text;
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        if i == 0 && anchored {
            let Some(left) = rest.strip_prefix(part.as_str()) else {
                return false;
            };
            rest = left;
        } else if last && !open && anchored {
            return rest.ends_with(part.as_str());
        } else {
            let Some(at) = rest.find(part.as_str()) else {
                return false;
            };
            rest = &rest[at + part.len()..];
        }
    }
    open || !anchored || rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> CrawlUrl {
        CrawlUrl::parse(text).unwrap()
    }

    #[test]
    fn each_scope_draws_its_own_line() {
        let seed = url("https://www.a.com/docs/start.html?x=/y");
        let check = |scope, text: &str, inside: bool| {
            let mut marks = ScopeMarks::default();
            let noted = marks.note_seed(&seed, scope);
            assert_eq!(noted, !marks.is_empty());
            assert!(!marks.note_seed(&seed, scope), "a seed is noted once");
            assert_eq!(
                marks.covers(&url(text), scope, true),
                inside,
                "{scope:?} {text}"
            );
        };
        check(Scope::Site, "http://other.a.com/", true);
        check(Scope::Host, "http://www.a.com/", true);
        check(Scope::Host, "https://other.a.com/", false);
        check(Scope::Prefix, "https://www.a.com/docs/deep/x", true);
        check(Scope::Prefix, "https://www.a.com/other", false);
        check(Scope::Any, "https://b.com/", true);
        assert!(!ScopeMarks::default().covers(&url("https://b.com/"), Scope::Site, false));
    }

    #[test]
    fn rules_stop_domains_and_patterns() {
        let mut rules = UrlRules::default();
        for line in [
            "# comment",
            "",
            "bad.example",
            "https://a.com/private/*",
            "*.pdf",
            "/cgi-bin/",
        ] {
            rules.add(line).unwrap();
        }
        let check =
            |text: &str, stopped: bool| assert_eq!(rules.stop(&url(text)), stopped, "{text}");
        check("https://bad.example/", true);
        check("https://deep.bad.example/x", true);
        check("https://notbad.example/", false);
        check("https://a.com/private/x", true);
        check("https://a.com/public", false);
        check("https://a.com/file.pdf", true);
        check("https://b.com/cgi-bin/x", true);
        let line = rules.stopping(&url("https://a.com/file.pdf"));
        assert_eq!(line, Some("*.pdf"));
        assert!(rules.add("not a rule").is_err());
    }
}
