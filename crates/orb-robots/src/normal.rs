//! Normal forms: spells paths and patterns so that comparing bytes compares meaning.
//!
//! In: bytes of a path or of a rule. Out: ASCII bytes.
//! May touch: nothing but its arguments. Must not touch: groups, precedence.
//! Invariant: output is ASCII; the only `*` in a normal pattern is a wildcard, and a normal path has none.
//!
//! RFC 9309, 2.2.2 and 2.2.3: escapes of unreserved characters are decoded, other escapes get upper-case digits,
//! whatever is neither reserved nor unreserved (RFC 3986, section 2) is escaped. `*` and `$` in a path are escaped,
//! because that is how a pattern names them literally.

use std::borrow::Cow;

/// Where the bytes come from, which decides what `*`, `?` and the query's own characters mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Path,
    Pattern,
}

/// The form of a path and query that patterns are compared with.
///
/// - `target`: path and query; a fragment is cut off. A missing leading `/` is supplied.
/// - Borrows when nothing changes, which is the common case.
pub(crate) fn path_form(target: &str) -> Cow<'_, [u8]> {
    let end = memchr::memchr(b'#', target.as_bytes()).unwrap_or(target.len());
    let bytes = &target.as_bytes()[..end];
    if bytes.first() == Some(&b'/') && bytes.iter().all(|&b| is_settled(b)) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len() + 16);
    if bytes.first() != Some(&b'/') {
        out.push(b'/');
    }
    encode(bytes, Side::Path, &mut out);
    Cow::Owned(out)
}

/// The second form of a normal path: in its query, characters that mean nothing there are decoded.
///
/// The RFC's example holds `?baz=https://foo.bar` and `?baz=https%3A%2F%2Ffoo.bar` to be one query. Patterns are
/// decoded behind a `?` of their own; a pattern without one (`/*%2F`) still needs the first form, so a path is
/// judged in both. `None` when they are the same.
pub(crate) fn query_form(normal: &[u8]) -> Option<Vec<u8>> {
    let query = memchr::memchr(b'?', normal)? + 1;
    memchr::memchr(b'%', &normal[query..])?;
    let mut out = Vec::with_capacity(normal.len());
    out.extend_from_slice(&normal[..query]);
    let mut at = query;
    while at < normal.len() {
        match escape_at(normal, at) {
            Some(byte) if means_nothing_in_query(byte) => {
                out.push(byte);
                at += 3;
            }
            _ => {
                out.push(normal[at]);
                at += 1;
            }
        }
    }
    (out.len() != normal.len()).then_some(out)
}

/// Appends the normal form of a pattern (its closing `$` already taken off) to `out`; every `*` is kept.
pub(crate) fn pattern_form(pattern: &[u8], out: &mut Vec<u8>) {
    encode(pattern, Side::Pattern, out);
}

fn encode(bytes: &[u8], side: Side, out: &mut Vec<u8>) {
    let mut in_query = false;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if let Some(escaped) = escape_at(bytes, at) {
            let free = side == Side::Pattern && in_query && means_nothing_in_query(escaped);
            if is_unreserved(escaped) || free {
                out.push(escaped);
            } else {
                push_escape(escaped, out);
            }
            at += 3;
            continue;
        }
        in_query |= byte == b'?';
        let wildcard = byte == b'*' && side == Side::Pattern;
        // A `%` that begins no escape has no other spelling, so it stays.
        if wildcard || byte == b'%' || is_settled(byte) {
            out.push(byte);
        } else {
            push_escape(byte, out);
        }
        at += 1;
    }
}

/// The byte that the escape at `at` stands for, if there is a whole one.
fn escape_at(bytes: &[u8], at: usize) -> Option<u8> {
    let &[b'%', high, low] = bytes.get(at..at + 3)? else {
        return None;
    };
    Some(hex_digit(high)? << 4 | hex_digit(low)?)
}

fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

fn push_escape(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[
        b'%',
        DIGITS[usize::from(byte >> 4)],
        DIGITS[usize::from(byte & 15)],
    ]);
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Stands for itself in a normal form: unreserved or reserved, without the two characters special to patterns.
fn is_settled(byte: u8) -> bool {
    is_unreserved(byte)
        || matches!(
            byte,
            b':' | b'/'
                | b'?'
                | b'#'
                | b'['
                | b']'
                | b'@'
                | b'!'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'+'
                | b','
                | b';'
                | b'='
        )
}

/// `/ ? : @` have no role inside a query (RFC 3986, 3.4), and `'` is escaped there by the URL Standard alone.
fn means_nothing_in_query(byte: u8) -> bool {
    matches!(byte, b'/' | b'?' | b':' | b'@' | b'\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> String {
        String::from_utf8(path_form(text).into_owned()).unwrap()
    }

    fn pattern(text: &str) -> String {
        let mut out = Vec::new();
        pattern_form(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn both_sides_meet_in_one_spelling() {
        for (written, normal) in [
            ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
            ("/foo/bar/\u{30c4}", "/foo/bar/%E3%83%84"),
            ("/foo/bar/%e3%83%84", "/foo/bar/%E3%83%84"),
            ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
            ("/a%2fb", "/a%2Fb"),
            ("/a b\"<>{}|^`", "/a%20b%22%3C%3E%7B%7D%7C%5E%60"),
            ("/100%", "/100%"),
            ("/%4", "/%4"),
            ("/%zz", "/%zz"),
            ("/%25%36%31", "/%2561"),
            ("/\u{0}", "/%00"),
        ] {
            assert_eq!(path(written), normal, "path {written}");
            assert_eq!(pattern(written), normal, "pattern {written}");
        }
    }

    #[test]
    fn stars_and_dollars_of_a_path_are_escaped() {
        assert_eq!(path("/a*b$"), "/a%2Ab%24");
        assert_eq!(pattern("/a*b$c%2a%24"), "/a*b%24c%2A%24");
    }

    #[test]
    fn a_path_without_slash_gets_one() {
        assert_eq!(path(""), "/");
        assert_eq!(path("?q"), "/?q");
    }

    #[test]
    fn query_form_differs_only_behind_the_question_mark() {
        let normal = path("/x%2Fy?u=https%3a%2f%2ffoo&v=%26");
        assert_eq!(
            query_form(normal.as_bytes()).unwrap(),
            b"/x%2Fy?u=https://foo&v=%26"
        );
        assert_eq!(query_form(b"/x%2Fy"), None);
        assert_eq!(query_form(b"/x?u=%26"), None);
        assert_eq!(
            pattern("/x%2Fy?u=https%3A%2F%2Ffoo"),
            "/x%2Fy?u=https://foo"
        );
    }
}
