//! Why a text is no crawlable URL.
//!
//! In: the refused text and the fault. Out: an error that shows a safe, short excerpt.
//! May touch: nothing but its arguments. Must not touch: the whole text, once the error is built.
//! Invariant: an [`Excerpt`] is one printable line, at most [`EXCERPT_BYTES_MAX`] bytes and an
//! ellipsis, and never shows user information (names and passwords before `@`).

use std::fmt;

use crate::limits::{EXCERPT_BYTES_MAX, EXCERPT_SEARCH_CHARS_MAX};

/// Why a text was refused. Callers that only count match on [`UrlError::code`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// The scheme is another than http and https: count the link and forget it.
    #[error("scheme of {url} is neither http nor https")]
    NotHttp {
        /// The refused text.
        url: Excerpt,
    },
    /// No scheme, and no base to take one from.
    #[error("{url} has no scheme; write it in full, such as https://example.com/")]
    Relative {
        /// The refused text.
        url: Excerpt,
    },
    /// The text, or its canonical form, exceeds a limit of [`crate::limits`].
    #[error("{url} has {bytes} bytes, more than {limit_bytes}")]
    TooLong {
        /// The refused text.
        url: Excerpt,
        /// Its length.
        bytes: usize,
        /// The limit that it exceeds.
        limit_bytes: usize,
    },
    /// The host is missing.
    #[error("{url} names no host")]
    NoHost {
        /// The refused text.
        url: Excerpt,
    },
    /// The host is there but no name server or network stack could take it.
    #[error("host of {url} is invalid")]
    BadHost {
        /// The refused text.
        url: Excerpt,
        /// What is wrong with the host.
        #[source]
        source: HostFault,
    },
    /// The port is no number from 1 to 65,535.
    #[error("port of {url} is not a number from 1 to 65535")]
    BadPort {
        /// The refused text.
        url: Excerpt,
    },
    /// The URL Standard's parser fails for another reason.
    #[error("{url} is no valid URL")]
    Parse {
        /// The refused text.
        url: Excerpt,
        /// The parser's word.
        #[source]
        source: url::ParseError,
    },
    /// An origin was asked for, and the text has more than scheme, host and port.
    #[error("{url} is no origin; leave out the path and what follows")]
    NotOrigin {
        /// The refused text.
        url: Excerpt,
    },
    /// The rank of a seed line exceeds 32 bits.
    #[error("rank of seed line {line} exceeds 4294967295")]
    BadRank {
        /// The refused line.
        line: Excerpt,
    },
}

impl UrlError {
    /// The variant as a stable word for counters and JSON, in `snake_case`.
    pub fn code(&self) -> &'static str {
        match self {
            UrlError::NotHttp { .. } => "not_http",
            UrlError::Relative { .. } => "relative",
            UrlError::TooLong { .. } => "too_long",
            UrlError::NoHost { .. } => "no_host",
            UrlError::BadHost { .. } => "bad_host",
            UrlError::BadPort { .. } => "bad_port",
            UrlError::Parse { .. } => "parse",
            UrlError::NotOrigin { .. } => "not_origin",
            UrlError::BadRank { .. } => "bad_rank",
        }
    }

    /// Sorts the parser's failures into those that tell the caller something different.
    pub(crate) fn from_parser(source: url::ParseError, text: &str) -> UrlError {
        use url::ParseError as P;
        let url = Excerpt::of(text);
        match source {
            P::EmptyHost => UrlError::NoHost { url },
            P::InvalidPort => UrlError::BadPort { url },
            P::RelativeUrlWithoutBase | P::RelativeUrlWithCannotBeABaseBase => {
                UrlError::Relative { url }
            }
            P::IdnaError
            | P::InvalidIpv4Address
            | P::InvalidIpv6Address
            | P::InvalidDomainCharacter => UrlError::BadHost {
                url,
                source: HostFault::Malformed,
            },
            _ => UrlError::Parse { url, source },
        }
    }
}

/// What is wrong with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostFault {
    /// A forbidden character, broken Punycode or a broken IP address.
    #[error("it is neither a host name nor an IP address")]
    Malformed,
    /// Two dots in a row, or one in front.
    #[error("it has an empty label")]
    EmptyLabel,
    /// A label longer than DNS allows.
    #[error("it has a label of more than 63 bytes")]
    LabelTooLong,
    /// A name longer than DNS allows.
    #[error("it has more than 253 bytes")]
    TooLong,
}

/// The beginning of a refused text, made safe for a log line or a terminal: user information is
/// replaced by `…`, and every character that is not a letter, a digit or visible ASCII is escaped.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    /// Cost: O(bytes looked at), which [`EXCERPT_SEARCH_CHARS_MAX`] bounds.
    pub fn of(text: &str) -> Excerpt {
        // What the URL Standard's parser drops must not hide user information from us either.
        let mut kept = text
            .trim_start_matches(|c: char| c <= ' ')
            .chars()
            .filter(|c| !matches!(c, '\t' | '\n' | '\r'));
        let head: String = kept.by_ref().take(EXCERPT_SEARCH_CHARS_MAX).collect();
        let mut is_cut = kept.next().is_some();
        let start = authority_start(&head);
        let (hidden, tail) = match user_info_end(&head[start..], is_cut) {
            Some(end) => ("…", &head[start + end..]),
            None => ("", &head[start..]),
        };
        let mut shown = String::with_capacity(EXCERPT_BYTES_MAX + 4);
        for c in head[..start]
            .chars()
            .chain(hidden.chars())
            .chain(tail.chars())
        {
            let before = shown.len();
            if c.is_ascii_graphic() || c == ' ' || c == '…' || c.is_alphanumeric() {
                shown.push(c);
            } else {
                shown.extend(c.escape_unicode());
            }
            if shown.len() > EXCERPT_BYTES_MAX {
                shown.truncate(before);
                is_cut = true;
                break;
            }
        }
        if is_cut && !shown.ends_with('…') {
            shown.push('…');
        }
        Excerpt(shown.into_boxed_str())
    }

    /// The excerpt itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the authority would begin: after `scheme:` and any slashes, else at 0.
fn authority_start(text: &str) -> usize {
    let scheme = match text.find(':') {
        Some(colon) if is_scheme(&text[..colon]) => colon + 1,
        _ => 0,
    };
    let rest = text[scheme..].trim_start_matches(['/', '\\']);
    text.len() - rest.len()
}

/// Where user information ends within `authority…`, if there is or may be any.
fn user_info_end(rest: &str, is_cut: bool) -> Option<usize> {
    let authority_end = rest.find(['/', '?', '#', '\\']);
    let authority = &rest[..authority_end.unwrap_or(rest.len())];
    if let Some(at) = authority.rfind('@') {
        return Some(at);
    }
    if authority_end.is_none() && is_cut {
        return Some(rest.len());
    }
    // A password may hold a slash: then what looks like a port is none, and an `@` comes later.
    let has_odd_port = match authority.rsplit_once(':') {
        Some((_, port)) => !port.ends_with(']') && !port.bytes().all(|b| b.is_ascii_digit()),
        None => false,
    };
    if has_odd_port { rest.rfind('@') } else { None }
}

/// Whether `text` has the form of a scheme (URL Standard, 4.1).
pub(crate) fn is_scheme(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, shown: &str) {
        assert_eq!(Excerpt::of(text).as_str(), shown);
    }

    #[test]
    fn user_information_is_never_shown() {
        check("ftp://me:secret@host/a", "ftp://…@host/a");
        check("  ht\ntp:\\\\me:secret@host/a", "http:\\\\…@host/a");
        check("mailto:me@host", "mailto:…@host");
        check("http://me:sec/ret@host/", "http://…@host/");
        check("http://a:1/@me", "http://a:1/@me");
        check("http://[::1]/@me", "http://[::1]/@me");
        let long = format!("http://me:{}@host/", "s".repeat(10_000));
        check(&long, "http://…");
    }

    #[test]
    fn an_excerpt_is_one_short_printable_line() {
        check("x:\u{202e}\u{0}é", "x:\\u{202e}\\u{0}é");
        let shown = Excerpt::of(&"\u{1b}".repeat(1_000_000));
        assert!(shown.as_str().len() <= EXCERPT_BYTES_MAX + "…".len());
        check(
            &format!("http://host/{}", "a".repeat(200)),
            &format!("http://host/{}…", "a".repeat(88)),
        );
    }
}
