//! References in a style sheet.
//!
//! In: the text of a `style` element. Out: what `url(…)` and `@import` name.
//! May touch: nothing. Must not touch: the rest of CSS.
//! Invariant: one pass; an unclosed reference is skipped as far as it was read, so the work is linear.

use memchr::{memchr, memchr2, memchr3, memmem};

/// Calls `found` for every reference, in order, as written between its quotes or brackets. References
/// with CSS escapes are left out. Cost: O(bytes); allocates nothing.
pub(crate) fn references<'a>(css: &'a str, mut found: impl FnMut(&'a str)) {
    let bytes = css.as_bytes();
    let mut at = 0;
    while let Some(hop) = memchr3(b'(', b'@', b'/', &bytes[at..]) {
        let special = at + hop;
        at = special + 1;
        let (reference, end) = match bytes[special] {
            b'/' if bytes.get(at) == Some(&b'*') => {
                match memmem::find(&bytes[at + 1..], b"*/") {
                    Some(length) => at += 1 + length + 2,
                    None => return,
                }
                continue;
            }
            b'(' if ends_with_url(&bytes[..special]) => argument(css, at),
            b'@' if begins_with_import(&bytes[at..]) => import(css, at + 6),
            _ => continue,
        };
        at = end;
        if let Some(reference) = reference.map(str::trim_ascii)
            && !reference.is_empty()
            && !reference.contains('\\')
        {
            found(reference);
        }
    }
}

fn ends_with_url(before: &[u8]) -> bool {
    before.len() >= 3 && before[before.len() - 3..].eq_ignore_ascii_case(b"url")
}

fn begins_with_import(rest: &[u8]) -> bool {
    rest.len() > 6 && rest[..6].eq_ignore_ascii_case(b"import")
}

/// Behind `url(`: the reference, and where to go on.
fn argument(css: &str, start: usize) -> (Option<&str>, usize) {
    let start = skip_space(css, start);
    let bytes = css.as_bytes();
    if matches!(bytes.get(start), Some(b'"' | b'\'')) {
        return quoted(css, start);
    }
    match memchr(b')', &bytes[start..]) {
        Some(length) => (Some(&css[start..start + length]), start + length + 1),
        None => (None, css.len()),
    }
}

/// Behind `@import`: a string. An `url(…)` there is met in its own right.
fn import(css: &str, start: usize) -> (Option<&str>, usize) {
    let start = skip_space(css, start);
    match css.as_bytes().get(start) {
        Some(b'"' | b'\'') => quoted(css, start),
        _ => (None, start),
    }
}

/// At a quote: the string, which a newline breaks off.
fn quoted(css: &str, start: usize) -> (Option<&str>, usize) {
    let bytes = css.as_bytes();
    let inside = start + 1;
    let length = memchr2(bytes[start], b'\n', &bytes[inside..]);
    match length.map(|length| inside + length) {
        Some(end) if bytes[end] == bytes[start] => (Some(&css[inside..end]), end + 1),
        Some(end) => (None, end),
        None => (None, css.len()),
    }
}

fn skip_space(css: &str, start: usize) -> usize {
    css.len() - css[start..].trim_ascii_start().len()
}

#[cfg(test)]
mod tests {
    use super::references;

    fn check(css: &str, expected: &[&str]) {
        let mut all = Vec::new();
        references(css, |reference| all.push(reference));
        assert_eq!(all, expected, "{css:?}");
    }

    #[test]
    fn urls_and_imports() {
        check("a{b:url(x.png)}", &["x.png"]);
        check("a{b:URL( 'x y.png' ) , url(\"z\")}", &["x y.png", "z"]);
        check(
            "@import 'a.css'; @IMPORT \"b.css\"; @import url(c.css);",
            &["a.css", "b.css", "c.css"],
        );
    }

    #[test]
    fn what_is_none() {
        check("/* url(x) */ url (y) curl", &[]);
        check("url(x", &[]);
        check("url('x\n') url(y)", &["y"]);
        check("url(a\\62) url()", &[]);
        check("@media (x) {} rgb(1)", &[]);
    }
}
