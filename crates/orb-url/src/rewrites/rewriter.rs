//! Takes URLs apart and leaves out what a rule takes.
//!
//! In: a canonical URL. Out: the URL without the parts that rules take, and what was taken.
//! May touch: `rule`. Must not touch: parts that no rule takes; they keep their bytes and order.
//! Invariant: a URL without such parts costs a search for `?`, `;` and `(` and no allocation.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::rule::{Place, Rule, RuleError, RuleKind};
use super::{RULES, UrlRewrites};
use crate::CrawlUrl;

/// The rules in force, ready for use. The default has none and changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Rewriter {
    /// By their names; a name may have a rule for each of several scopes.
    named: BTreeMap<Box<str>, Vec<Rule>>,
    /// Those with a `*` in the name.
    starred: Vec<Rule>,
}

/// A URL that rules changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// The URL without the parts in `removed`.
    pub url: CrawlUrl,
    /// What was taken, in the order of the URL; never empty.
    pub removed: Vec<Removed>,
}

/// A part of a URL that a rule took; the fields' names are those of the JSON.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Removed {
    /// The part as it stood there.
    pub part: String,
    /// What it names instead of a page.
    pub kind: RuleKind,
    /// The name that the rule goes by.
    pub rule: String,
    /// The sites that the rule is for.
    pub scope: String,
    /// What the rule is there for.
    pub about: String,
}

impl Rewriter {
    /// Reads the rules that the settings ask for.
    pub fn new(settings: &UrlRewrites) -> Result<Rewriter, RuleError> {
        let mut rewriter = Rewriter::default();
        let own = settings.rules.iter().map(String::as_str);
        for line in own {
            rewriter.extend(Rule::read(line)?);
        }
        let is_wanted = |rule: &Rule| match rule.kind() {
            RuleKind::Tracking => settings.strip_tracking,
            RuleKind::Session => settings.strip_sessions,
        };
        rewriter.extend(Rewriter::rules_of_the_program().filter(is_wanted));
        Ok(rewriter)
    }

    /// The rules that come with the program, in the order of their list.
    pub fn rules_of_the_program() -> impl Iterator<Item = Rule> {
        RULES
            .lines()
            .filter_map(|line| Rule::read(line).expect("a test reads every rule"))
    }

    /// Whether no rule is in force.
    pub fn is_idle(&self) -> bool {
        self.named.is_empty() && self.starred.is_empty()
    }

    /// The URL as it is to be crawled: without what the rules take, or as it came.
    pub fn apply(&self, url: CrawlUrl) -> CrawlUrl {
        match self.rewrite(&url) {
            Some(rewritten) => rewritten.url,
            None => url,
        }
    }

    /// Takes away what the rules take; `None` if that is nothing.
    pub fn rewrite(&self, url: &CrawlUrl) -> Option<Rewritten> {
        if self.is_idle() || !url.path_and_query().contains(['?', ';', '(']) {
            return None;
        }
        let mut removed = Vec::new();
        let path = self.path(url, &mut removed);
        let query = self.query(url, &mut removed);
        if removed.is_empty() {
            return None;
        }
        let text = format!("{}{path}{query}", url.origin());
        // A path may have come to hold dot segments.
        let url = CrawlUrl::parse(&text).expect("parts of a canonical URL make one");
        Some(Rewritten { url, removed })
    }

    fn path<'u>(&self, url: &'u CrawlUrl, removed: &mut Vec<Removed>) -> Cow<'u, str> {
        let path = url.path();
        if !path.contains([';', '(']) {
            return Cow::Borrowed(path);
        }
        let mut kept = String::with_capacity(path.len());
        for segment in path[1..].split('/') {
            if self.takes(url, (Place::Segment, segment, ""), segment, removed) {
                continue;
            }
            let mut parts = segment.split(';');
            kept.push('/');
            kept.push_str(parts.next().unwrap_or_default());
            for part in parts {
                let (name, value) = part.split_once('=').unwrap_or((part, ""));
                if !self.takes(url, (Place::Path, name, value), part, removed) {
                    kept.push(';');
                    kept.push_str(part);
                }
            }
        }
        Cow::Owned(kept)
    }

    /// The query with its `?`, or nothing.
    fn query(&self, url: &CrawlUrl, removed: &mut Vec<Removed>) -> String {
        let Some(query) = url.query() else {
            return String::new();
        };
        let mut kept = String::with_capacity(query.len() + 1);
        for part in query.split('&') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            if !self.takes(url, (Place::Query, name, value), part, removed) {
                kept.push(if kept.is_empty() { '?' } else { '&' });
                kept.push_str(part);
            }
        }
        kept
    }

    /// Whether a rule takes the part, which then is noted.
    fn takes(
        &self,
        url: &CrawlUrl,
        (place, name, value): (Place, &str, &str),
        part: &str,
        removed: &mut Vec<Removed>,
    ) -> bool {
        let name = name.to_ascii_lowercase();
        let named = self.named.get(&*name).into_iter().flatten();
        let rule = named.chain(&self.starred).find(|rule| {
            rule.takes(place, &name, value) && rule.is_for(url.host(), url.site_str())
        });
        let Some(rule) = rule else {
            return false;
        };
        removed.push(Removed {
            part: part.to_owned(),
            kind: rule.kind(),
            rule: rule.name(),
            scope: rule.scope(),
            about: rule.about().to_owned(),
        });
        true
    }
}

impl Extend<Rule> for Rewriter {
    fn extend<I: IntoIterator<Item = Rule>>(&mut self, rules: I) {
        for rule in rules {
            match rule.whole_name() {
                Some(name) => self.named.entry(name.into()).or_default().push(rule),
                None => self.starred.push(rule),
            }
        }
    }
}
