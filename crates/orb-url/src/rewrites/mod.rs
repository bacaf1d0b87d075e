//! Rewriting of links that name a page and something else too: a campaign, a click, a visit.
//!
//! In: a canonical URL, the settings. Out: the URL without those parts, and which rule took what.
//! May touch: the rules (`rules.txt` and the operator's own). Must not touch: settings files.
//! Invariant: what comes out is canonical, and rewriting it again changes nothing. Off unless
//! asked for: a server may mean something by any part of its links.

mod rewriter;
mod rule;

pub use rewriter::{Removed, Rewriter, Rewritten};
pub use rule::{Rule, RuleError, RuleKind};

/// The rules that come with the program.
pub(crate) const RULES: &str = include_str!("rules.txt");

/// Which parts are taken out of found links.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UrlRewrites {
    /// Take away what names a campaign, a click or a share, such as `utm_source` and `fbclid`.
    pub strip_tracking: bool,
    /// Take away what names a visit, such as `PHPSESSID` and `;jsessionid=`.
    pub strip_sessions: bool,
    /// More rules, in the form `KIND SCOPE PLACE NAME VALUE what it is`; they count whatever the
    /// two switches say.
    pub rules: Vec<String>,
}
