//! Usage preferences: which of a group's lines about the use of content are about a path.
//!
//! In: lines as found, paths in normal form. Out: the lines that apply. May touch: `rules`. Must not touch: what the
//! preferences mean.
//! Invariant: a path's lines are those with the most octets of their vocabulary, as for rules.

use std::fmt;

use crate::Access;
use crate::rules::{RuleLine, RuleSet};

/// Which vocabulary a usage preference is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UsageKind {
    /// `Content-Usage`, from the IETF's AI preferences work.
    ContentUsage,
    /// `Content-Signal`, from contentsignals.org.
    ContentSignal,
}

/// One usage preference of the merged group, not interpreted here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageLine {
    /// Its line, the first being 1.
    pub line: u32,
    /// Its key.
    pub kind: UsageKind,
    /// Its value without surrounding blanks and comment.
    pub value: String,
}

impl UsageLine {
    /// The paths it is about: what stands first in its value if that is a pattern, else all of them.
    pub(crate) fn pattern(&self) -> &str {
        let first = self.value.split([' ', '\t']).next().unwrap_or("");
        if first.starts_with(['/', '*']) {
            first
        } else {
            "/"
        }
    }
}

impl fmt::Display for UsageLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match self.kind {
            UsageKind::ContentUsage => "Content-Usage",
            UsageKind::ContentSignal => "Content-Signal",
        };
        write!(f, "{key}: {}", self.value)
    }
}

/// The paths of the preferences of one vocabulary, as rules that name their lines.
pub(crate) fn usage_paths(usage: &[UsageLine], kind: UsageKind) -> RuleSet {
    let lines = usage.iter().filter(|line| line.kind == kind);
    RuleSet::build(lines.map(|line| RuleLine {
        access: Access::Disallow,
        line: line.line,
        pattern: line.pattern().as_bytes(),
    }))
}
