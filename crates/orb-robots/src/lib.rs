//! The Robots Exclusion Protocol, RFC 9309.
//!
//! In: the body of a robots.txt and our product token; paths; what HTTP answered and how long ago.
//! Out: allow or disallow with the line that says so, crawl-delay, sitemaps, usage preferences; which copy is in force.
//! May touch: its arguments. Must not touch: sockets, clocks, disk, settings, other crates of this project.
//! Invariant: no input makes it fail, and cost is bounded by [`limits`] whatever a site sends.
//!
//! A file is parsed once into [`Robots`]; [`Robots::access`] answers for each URL. [`standing`] says what an HTTP
//! status means, and [`in_force`] what holds while a file is fresh, old or out of reach.

pub mod limits;
mod normal;
mod oddity;
mod parse;
mod pieces;
mod rules;
mod standing;
mod usage;

use std::sync::Arc;
use std::time::Duration;

use rules::RuleSet;
use usage::usage_paths;

pub use oddity::Oddity;
pub use standing::{
    AfterLong, Answer, CopyState, Good, InForce, Kept, Standing, UnreachablePolicy, in_force,
    standing,
};

pub use usage::{UsageKind, UsageLine};

/// The agent token that robots groups are chosen by, such as `orbweaver` (RFC 9309, 2.2.1).
///
/// Letters, `_` and `-`, at least one, at most [`limits::TOKEN_BYTES_MAX`]. Case is kept and does not matter.
#[derive(Clone, Debug)]
pub struct ProductToken(Box<str>);

impl ProductToken {
    /// Checks a token.
    pub fn new(token: &str) -> Result<ProductToken, TokenError> {
        if token.is_empty() {
            return Err(TokenError::Empty);
        }
        if token.len() > limits::TOKEN_BYTES_MAX {
            return Err(TokenError::TooLong {
                bytes: token.len(),
                limit_bytes: limits::TOKEN_BYTES_MAX,
            });
        }
        match token
            .chars()
            .find(|&c| !u8::try_from(c).is_ok_and(parse::is_token_byte))
        {
            Some(found) => Err(TokenError::BadCharacter {
                token: token.into(),
                found,
            }),
            None => Ok(ProductToken(token.into())),
        }
    }

    /// The token as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a product token cannot be used. All are mistakes in a setting, for a person to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// No letters at all.
    #[error("product token is empty")]
    Empty,
    /// More than [`limits::TOKEN_BYTES_MAX`].
    #[error("product token has {bytes} bytes, more than {limit_bytes}")]
    TooLong {
        /// Length of the token.
        bytes: usize,
        /// What would fit.
        limit_bytes: usize,
    },
    /// Something other than letters, `_` and `-`, such as a version.
    #[error("product token {token:?} contains {found:?}; only letters, _ and - may appear")]
    BadCharacter {
        /// The token.
        token: String,
        /// The first character that may not appear.
        found: char,
    },
}

/// Whether a path may be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// It may.
    Allow,
    /// It may not.
    Disallow,
}

impl Access {
    /// `allow` or `disallow`, as output and logs spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Access::Allow => "allow",
            Access::Disallow => "disallow",
        }
    }
}

/// A decision about one path, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The decision.
    pub access: Access,
    /// Line of the deciding rule, the first being 1. `None` when no rule matched.
    pub line: Option<u32>,
    /// The deciding rule, its pattern as written: `Disallow: /private`. Cut at [`limits::RULE_TEXT_BYTES_MAX`].
    pub rule: Option<String>,
}

/// Which group of a file applies to a product token (RFC 9309, 2.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GroupUsed {
    /// None.
    #[default]
    Nobody,
    /// That for `*`.
    Anyone,
    /// That which names the token.
    Named,
}

/// One robots.txt as it concerns one product token. Cheap to clone; shared between threads.
#[derive(Clone, Debug)]
pub struct Robots(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// What holds where no rule matches; a parsed file allows.
    otherwise: Access,
    group: GroupUsed,
    rules: RuleSet,
    crawl_delay: Option<Duration>,
    sitemaps: Vec<String>,
    usage: Vec<UsageLine>,
    /// Which of them is about a path, for each vocabulary; as if each were a rule with its line.
    usage_paths: [RuleSet; 2],
    oddities: Vec<Oddity>,
}

impl Robots {
    /// Parses a body; whatever it holds, there is a result (RFC 9309, 2.2).
    ///
    /// - `body`: decoded content; only the first [`limits::ROBOTS_BYTES_MAX`] are read, cut at a line end.
    /// - Cost: O(n log n) in the bytes read.
    pub fn parse(body: &[u8], token: &ProductToken) -> Robots {
        let (text, oddities) = parse::text_of(body);
        let reading = parse::read(&text, token, oddities);
        Robots(Arc::new(Inner {
            otherwise: Access::Allow,
            group: reading.group,
            rules: RuleSet::build(reading.rules.into_iter()),
            crawl_delay: reading.crawl_delay,
            sitemaps: reading.sitemaps,
            usage_paths: [UsageKind::ContentUsage, UsageKind::ContentSignal]
                .map(|kind| usage_paths(&reading.usage, kind)),
            usage: reading.usage,
            oddities: reading.oddities.0,
        }))
    }

    /// What holds where there is no robots.txt: everything may be fetched.
    pub fn allow_all() -> Robots {
        Robots::without_rules(Access::Allow)
    }

    /// What holds while robots.txt is out of reach: only /robots.txt itself may be fetched.
    pub fn disallow_all() -> Robots {
        Robots::without_rules(Access::Disallow)
    }

    fn without_rules(otherwise: Access) -> Robots {
        Robots(Arc::new(Inner {
            otherwise,
            group: GroupUsed::Nobody,
            rules: RuleSet::default(),
            crawl_delay: None,
            sitemaps: Vec::new(),
            usage: Vec::new(),
            usage_paths: Default::default(),
            oddities: Vec::new(),
        }))
    }

    /// Decides whether a path may be fetched: the matching rule with the most octets wins (RFC 9309, 2.2.2).
    ///
    /// - `path_and_query`: percent-encoded or not, starting with `/`; a fragment is ignored.
    /// - Returns allow when nothing matches, when an allow and a disallow tie, and for `/robots.txt`.
    /// - Cost: O(log rules x bytes of the path) for plain rules, and for wildcards at most
    ///   [`limits::SEARCH_BYTES_MAX`] bytes of searching; past that, wildcard rules that could forbid do.
    pub fn access(&self, path_and_query: &str) -> Verdict {
        let path = normal::path_form(path_and_query);
        if matches!(path.strip_prefix(b"/robots.txt"), Some([] | [b'?', ..])) {
            return Verdict {
                access: Access::Allow,
                line: None,
                rule: None,
            };
        }
        match self.0.otherwise {
            Access::Allow => self.0.rules.decide(&path),
            Access::Disallow => Verdict {
                access: Access::Disallow,
                line: None,
                rule: None,
            },
        }
    }

    /// The longest valid `Crawl-delay` of the merged group, at most [`limits::CRAWL_DELAY_MAX`].
    ///
    /// The RFC does not know the line; sites that write it mean it, and the longest is the one all of them accept.
    pub fn crawl_delay(&self) -> Option<Duration> {
        self.0.crawl_delay
    }

    /// Sitemap addresses as written, from the whole file, in order (sitemaps.org). Not yet checked to be URLs.
    pub fn sitemaps(&self) -> &[String] {
        &self.0.sitemaps
    }

    /// Usage preferences of the merged group and those that stand before all groups, in order.
    pub fn usage(&self) -> &[UsageLine] {
        &self.0.usage
    }

    /// The usage preferences that are about one path: of each vocabulary those whose pattern has the most octets, as
    /// for rules (draft-ietf-aipref-attach); a line without a pattern is about every path, but gives way.
    ///
    /// - `path_and_query`: as for [`Robots::access`].
    /// - Cost: nothing where the file has no preferences, else that of [`Robots::access`].
    pub fn usage_of(&self, path_and_query: &str) -> Vec<&UsageLine> {
        if self.0.usage.is_empty() {
            return Vec::new();
        }
        let path = normal::path_form(path_and_query);
        let found = self.0.usage_paths.iter().filter_map(|paths| {
            let line = paths.decide(&path).line?;
            self.0.usage.iter().find(|usage| usage.line == line)
        });
        let same = found.flat_map(|best| {
            let usage = self.0.usage.iter();
            usage.filter(|usage| usage.kind == best.kind && usage.pattern() == best.pattern())
        });
        same.collect()
    }

    /// Every rule that matches a path, the deciding one first, at most `rules_max`: to explain a verdict to a person.
    ///
    /// - `path_and_query`: as for [`Robots::access`].
    /// - Cost: O(rules x bytes of the path); compiles each rule anew.
    pub fn matching(&self, path_and_query: &str, rules_max: usize) -> Vec<Verdict> {
        let path = normal::path_form(path_and_query);
        let each = self.0.rules.one_by_one().map(|rule| rule.decide(&path));
        each.filter(|verdict| verdict.line.is_some())
            .take(rules_max)
            .collect()
    }

    /// Whose rules these are.
    pub fn group(&self) -> GroupUsed {
        self.0.group
    }

    /// What was odd about the file, the first [`limits::ODDITIES_MAX`].
    pub fn oddities(&self) -> &[Oddity] {
        &self.0.oddities
    }

    /// Bytes of memory this value holds, shared by its clones. For caches that are bounded by bytes.
    pub fn heap_bytes(&self) -> usize {
        let inner = &*self.0;
        let texts: usize = inner
            .sitemaps
            .iter()
            .map(String::capacity)
            .chain(inner.usage.iter().map(|u| u.value.capacity()))
            .sum();
        let lists = inner.sitemaps.capacity() * size_of::<String>()
            + inner.usage.capacity() * size_of::<UsageLine>()
            + inner.oddities.capacity() * size_of::<Oddity>();
        // An Arc keeps two counters in front of its value.
        let paths: usize = inner.usage_paths.iter().map(RuleSet::heap_bytes).sum();
        size_of::<Inner>()
            + 2 * size_of::<usize>()
            + texts
            + lists
            + paths
            + inner.rules.heap_bytes()
    }
}
