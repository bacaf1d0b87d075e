//! One rule: which part of which URLs names no page.
//!
//! In: a line. Out: a [`Rule`], or why the line is none.
//! May touch: nothing but its arguments. Must not touch: URLs as a whole; `rewriter` takes them apart.
//! Invariant: a rule's pattern is in lower case, and what it matches is compared so.

use crate::Excerpt;

/// What a part names instead of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// A campaign, a click, a share.
    Tracking,
    /// A visit.
    Session,
}

impl RuleKind {
    /// The word that rules and JSON use.
    pub fn as_str(self) -> &'static str {
        match self {
            RuleKind::Tracking => "tracking",
            RuleKind::Session => "session",
        }
    }
}

/// Where a part stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `name=value` between `?` or `&` and the next `&`.
    Query,
    /// `;name=value` within a segment of the path.
    Path,
    /// A whole segment.
    Segment,
}

/// Which URLs a rule applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    Everywhere,
    /// A host and the hosts below it.
    Host(Box<str>),
    /// Sites whose first label is this.
    Label(Box<str>),
}

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Any,
    Token,
    Hex,
}

/// Shortest value that is taken for a token: below, words and numbers are too likely.
const TOKEN_BYTES_MIN: usize = 16;
/// Shortest value that is taken for a session in hex: an MD5 digest, as PHP makes them.
const HEX_BYTES_MIN: usize = 32;

/// One rule; its line's form is told at the top of `rules.txt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    kind: RuleKind,
    scope: Scope,
    place: Place,
    /// Before and behind the `*`; without one the whole name and nothing.
    name: (Box<str>, Option<Box<str>>),
    value: Value,
    about: Box<str>,
}

/// Why a line is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{line}` is no rule for links: {fault}; write `KIND SCOPE PLACE NAME VALUE what it is`, such as `tracking * query utm_* any campaign tags`"
)]
pub struct RuleError {
    /// The refused line.
    pub line: Excerpt,
    /// Which of its words is wrong, and what it may be.
    pub fault: &'static str,
}

impl Rule {
    /// Reads a line; `None` for a comment or a blank one.
    pub(crate) fn read(line: &str) -> Result<Option<Rule>, RuleError> {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            return Ok(None);
        }
        let refused = |fault| RuleError {
            line: Excerpt::of(text),
            fault,
        };
        Rule::parse(text).map(Some).map_err(refused)
    }

    fn parse(text: &str) -> Result<Rule, &'static str> {
        if text.chars().any(|c| c.is_control() && c != '\t') {
            return Err("it holds a control character");
        }
        let mut words = text.split_ascii_whitespace();
        let mut word = || words.next().ok_or("it has fewer than five words");
        let kind = match word()? {
            "tracking" => RuleKind::Tracking,
            "session" => RuleKind::Session,
            _ => return Err("its kind is neither `tracking` nor `session`"),
        };
        let scope = word()?.to_ascii_lowercase();
        let scope = match scope.strip_suffix(".*") {
            _ if scope == "*" => Scope::Everywhere,
            Some(label) if !label.contains(['*', '.']) => Scope::Label(label.into()),
            None if !scope.contains('*') => Scope::Host(scope.into()),
            _ => return Err("its scope is neither `*` nor a host nor `label.*`"),
        };
        let place = match word()? {
            "query" => Place::Query,
            "path" => Place::Path,
            "segment" => Place::Segment,
            _ => return Err("its place is none of `query`, `path`, `segment`"),
        };
        let name = word()?.to_ascii_lowercase();
        let name = match name.split_once('*') {
            None => (name.into(), None),
            Some((before, behind)) if !behind.contains('*') && name.len() > 1 => {
                (before.into(), Some(behind.into()))
            }
            Some(_) => return Err("its name is `*` alone or has more than one"),
        };
        let value = match word()? {
            "any" => Value::Any,
            "token" => Value::Token,
            "hex" => Value::Hex,
            _ => return Err("its value is none of `any`, `token`, `hex`"),
        };
        let about = words.collect::<Vec<_>>().join(" ").into();
        Ok(Rule {
            kind,
            scope,
            place,
            name,
            value,
            about,
        })
    }

    /// What the matched part names.
    pub fn kind(&self) -> RuleKind {
        self.kind
    }

    /// What the rule is there for, in words.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The name as the rule spells it, in lower case.
    pub fn name(&self) -> String {
        match &self.name {
            (name, None) => name.to_string(),
            (before, Some(behind)) => format!("{before}*{behind}"),
        }
    }

    /// The scope as the rule spells it.
    pub fn scope(&self) -> String {
        match &self.scope {
            Scope::Everywhere => "*".to_owned(),
            Scope::Host(host) => host.to_string(),
            Scope::Label(label) => format!("{label}.*"),
        }
    }

    /// The place as the rule spells it.
    pub fn place(&self) -> &'static str {
        match self.place {
            Place::Query => "query",
            Place::Path => "path",
            Place::Segment => "segment",
        }
    }

    /// The name in full, where no `*` is in it: what an index of rules goes by.
    pub(crate) fn whole_name(&self) -> Option<&str> {
        self.name.1.is_none().then_some(&self.name.0)
    }

    /// Whether the rule judges this part: `name` in lower case, and its value. In a segment the
    /// name is the segment, and there is no value.
    pub(crate) fn takes(&self, place: Place, name: &str, value: &str) -> bool {
        if self.place != place {
            return false;
        }
        let starred = match &self.name {
            (whole, None) => return **whole == *name && self.value.fits(value),
            (before, Some(behind)) => name
                .strip_prefix(&**before)
                .and_then(|rest| rest.strip_suffix(&**behind)),
        };
        let judged = if place == Place::Segment {
            starred
        } else {
            starred.map(|_| value)
        };
        judged.is_some_and(|value| self.value.fits(value))
    }

    /// Whether the rule applies to a host, whose site is `site`.
    pub(crate) fn is_for(&self, host: &str, site: &str) -> bool {
        match &self.scope {
            Scope::Everywhere => true,
            Scope::Host(scope) => host
                .strip_suffix(&**scope)
                .is_some_and(|above| above.is_empty() || above.ends_with('.')),
            Scope::Label(label) => site
                .strip_prefix(&**label)
                .is_some_and(|rest| rest.starts_with('.')),
        }
    }
}

impl Value {
    fn fits(self, text: &str) -> bool {
        let is_token_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        match self {
            Value::Any => true,
            Value::Token => {
                text.len() >= TOKEN_BYTES_MIN
                    && text.bytes().all(is_token_byte)
                    && text.bytes().any(|b| b.is_ascii_digit())
            }
            Value::Hex => {
                text.len() >= HEX_BYTES_MIN && text.bytes().all(|b| b.is_ascii_hexdigit())
            }
        }
    }
}
