//! The inside of a DOCTYPE, states 13.2.5.53 to 13.2.5.68 of the HTML Standard.
//!
//! In: the text between `<!DOCTYPE` and the first `>`. Out: name, identifiers, quirks.
//! May touch: `reference`. Must not touch: anything else.
//! Invariant: a `>` ends a DOCTYPE even inside quotes, so its extent is known before it is read.

use std::borrow::Cow;

use super::reference::{Rules, decode};
use super::{is_space, lower_name};

/// A DOCTYPE.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doctype<'a> {
    /// The name, ASCII lower-case.
    pub name: Option<Cow<'a, str>>,
    /// The public identifier.
    pub public_id: Option<Cow<'a, str>>,
    /// The system identifier.
    pub system_id: Option<Cow<'a, str>>,
    /// Whether the DOCTYPE is malformed enough to ask for quirks mode.
    pub force_quirks: bool,
}

/// Reads the inside. `closed` tells whether a `>` ended it, rather than the input.
pub(super) fn parse(inside: &str, closed: bool) -> Doctype<'_> {
    let mut doctype = Doctype::default();
    let rest = skip_space(inside);
    if rest.is_empty() {
        doctype.force_quirks = true;
        return doctype;
    }
    let name_end = rest.bytes().position(is_space).unwrap_or(rest.len());
    doctype.name = Some(lower_name(&rest[..name_end]));
    let rest = skip_space(&rest[name_end..]);
    if rest.is_empty() {
        doctype.force_quirks = !closed;
    } else if let Some(rest) = strip_keyword(rest, "public") {
        doctype.force_quirks = !public_identifier(&mut doctype, rest, closed);
    } else if let Some(rest) = strip_keyword(rest, "system") {
        doctype.force_quirks = !system_identifier(&mut doctype, rest, closed);
    } else {
        doctype.force_quirks = true;
    }
    doctype
}

/// Returns whether all was in order.
fn public_identifier<'a>(doctype: &mut Doctype<'a>, rest: &'a str, closed: bool) -> bool {
    let Some(quoted) = quoted(rest) else {
        return false;
    };
    doctype.public_id = Some(decode(quoted.text, Rules::LITERAL));
    let Some(rest) = quoted.rest else {
        return false;
    };
    if skip_space(rest).is_empty() {
        return closed;
    }
    system_identifier(doctype, rest, closed)
}

/// Returns whether all was in order.
fn system_identifier<'a>(doctype: &mut Doctype<'a>, rest: &'a str, closed: bool) -> bool {
    let Some(quoted) = quoted(rest) else {
        return false;
    };
    doctype.system_id = Some(decode(quoted.text, Rules::LITERAL));
    // Rubbish behind the system identifier is an error that asks for no quirks.
    quoted
        .rest
        .is_some_and(|rest| closed || !skip_space(rest).is_empty())
}

struct Quoted<'a> {
    text: &'a str,
    /// What follows the closing quote; `None` when there is no such quote.
    rest: Option<&'a str>,
}

fn quoted(rest: &str) -> Option<Quoted<'_>> {
    let rest = skip_space(rest);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = &rest[1..];
    Some(match inner.split_once(quote) {
        Some((text, rest)) => Quoted {
            text,
            rest: Some(rest),
        },
        None => Quoted {
            text: inner,
            rest: None,
        },
    })
}

fn strip_keyword<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(keyword.len())?;
    head.eq_ignore_ascii_case(keyword).then_some(rest)
}

fn skip_space(text: &str) -> &str {
    text.trim_ascii_start()
}
