//! The short way from a clean link to its canonical text.
//!
//! In: a link as a page writes it, and the canonical base. Out: the canonical text, or nothing:
//! then the URL Standard's parser (`canonical`) must judge.
//! May touch: `clean`. Must not touch: errors; a link that is no URL is never judged here.
//! Invariant: what comes out is, byte for byte, what `canonical` makes of the same link; the
//! tests of `tests/spec/shortcut.rs` and `cargo xtask long urls` hold it to that.

use crate::CrawlUrl;
use crate::canonical::{Shape, offset, push_upper_hex};
use crate::clean::{Tail, scan, scan_authority};
use crate::crawl_url::Scheme;
use crate::error::is_scheme;
use crate::limits::{INPUT_BYTES_MAX, URL_BYTES_MAX};

/// The canonical text of a clean link and its shape, or `None` if the link is not clean.
///
/// `base` is canonical; `made` is empty, and holds the result unless that is a part of `text` or
/// of `base`. Cost: O(bytes); allocates in `made` alone, and only if the result is in it.
pub(crate) fn resolve<'t>(
    base: Option<&'t CrawlUrl>,
    text: &'t str,
    made: &'t mut String,
) -> Option<(&'t str, Shape)> {
    if text.len() > INPUT_BYTES_MAX {
        return None;
    }
    let text = trimmed(text);
    match (text.as_bytes(), base) {
        ([] | [b'#', ..], Some(base)) => Some((base.as_str(), base.shape())),
        ([b'/', b'/', rest @ ..], Some(base)) => {
            let rest = &text[text.len() - rest.len()..];
            authority(
                Link {
                    base: Some(base),
                    scheme: base.scheme(),
                    rest,
                    written: None,
                },
                made,
            )
        }
        ([b'/', ..], Some(base)) => below(base, text, made),
        ([b'?', ..], Some(base)) => other_query(base, text, made),
        ([b'a'..=b'z' | b'A'..=b'Z', ..], _) => match (leading_scheme(text), base) {
            (Some((scheme, rest)), base) => {
                let scheme = Scheme::named(scheme)?;
                let rest = rest.strip_prefix("//")?;
                let written = text.starts_with(scheme.prefix()).then_some(text);
                authority(
                    Link {
                        base,
                        scheme,
                        rest,
                        written,
                    },
                    made,
                )
            }
            (None, Some(base)) => below(base, text, made),
            (None, None) => None,
        },
        (_, Some(base)) => below(base, text, made),
        (_, None) => None,
    }
}

/// Whether `text` is an absolute URL of a scheme whose URLs have no host to be wrong, such as
/// `mailto:` and `javascript:`, so that [`crate::UrlError::NotHttp`] is all there is to say.
pub(crate) fn is_of_other_scheme(text: &str) -> bool {
    if text.len() > INPUT_BYTES_MAX {
        return false;
    }
    let Some((scheme, rest)) = leading_scheme(trimmed(text)) else {
        return false;
    };
    let is_special = ["http", "https", "ws", "wss", "ftp", "file"]
        .iter()
        .any(|special| scheme.eq_ignore_ascii_case(special));
    // Tabs and line ends are dropped before the second byte of `//` is looked for.
    !is_special && !matches!(rest.as_bytes().first(), Some(b'/' | b'\t' | b'\n' | b'\r'))
}

/// The text without the controls and spaces that the standard drops at both ends.
fn trimmed(text: &str) -> &str {
    match (text.as_bytes().first(), text.as_bytes().last()) {
        (Some(b'!'..), Some(b'!'..)) => text,
        _ => text.trim_matches(|c: char| c <= ' '),
    }
}

/// `scheme:rest` in two.
fn leading_scheme(text: &str) -> Option<(&str, &str)> {
    // The usual ones first: a colon further on need not be looked for.
    for scheme in ["https", "http"] {
        if let Some(rest) = text.strip_prefix(scheme).and_then(|t| t.strip_prefix(':')) {
            return Some((scheme, rest));
        }
    }
    let is_scheme_byte = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let colon = text.bytes().position(|byte| !is_scheme_byte(&byte))?;
    let rest = text[colon..].strip_prefix(':')?;
    is_scheme(&text[..colon]).then_some((&text[..colon], rest))
}

/// A link that names its host.
struct Link<'t> {
    base: Option<&'t CrawlUrl>,
    scheme: Scheme,
    /// What follows `//`.
    rest: &'t str,
    /// The whole link, if it begins with the scheme as we write it.
    written: Option<&'t str>,
}

fn authority<'t>(link: Link<'t>, made: &'t mut String) -> Option<(&'t str, Shape)> {
    let host_start = link.scheme.prefix().len();
    let rest = link.rest;
    if let Some(base) = link.base
        && base.scheme() == link.scheme
        && let Some(behind) = rest.strip_prefix(base.authority())
        && matches!(behind.as_bytes().first(), None | Some(b'/' | b'?' | b'#'))
    {
        return place(&link, base.shape(), base.authority(), behind, made);
    }
    let found = scan_authority(rest.as_bytes())?;
    let kept = found
        .port
        .filter(|&port| port != link.scheme.default_port());
    let authority_end = if kept.is_some() {
        found.end
    } else {
        found.host_end
    };
    let mut shape = Shape {
        host_end: offset(host_start + found.host_end),
        path_start: offset(host_start + authority_end),
        path_end: 0,
        site_start: 0,
    };
    let behind = &rest[found.end..];
    if found.has_upper {
        let lower = rest[..authority_end].to_ascii_lowercase();
        return place(
            &Link {
                written: None,
                ..link
            },
            shape,
            &lower,
            behind,
            made,
        );
    }
    let host = &rest[..found.host_end];
    if let Some(base) = link.base.filter(|base| base.host() == host) {
        let site_bytes = base.shape().host_end - base.shape().site_start;
        shape.site_start = shape.host_end - site_bytes;
    }
    let written = link.written.filter(|_| authority_end == found.end);
    place(
        &Link { written, ..link },
        shape,
        &rest[..authority_end],
        behind,
        made,
    )
}

/// Puts path and query, `behind`, after a canonical authority; `shape` is right up to the path.
fn place<'t>(
    link: &Link<'t>,
    shape: Shape,
    authority: &str,
    behind: &str,
    made: &'t mut String,
) -> Option<(&'t str, Shape)> {
    let tail = scan(behind.as_bytes())?;
    let path_start = usize::from(shape.path_start);
    if let Some(text) = link.written
        && tail.path_end > 0
        && !tail.is_dotted
        && !tail.has_lower_hex
    {
        let text = &text[..path_start + tail.end];
        return sized(text, shape, path_start + tail.path_end);
    }
    made.reserve(path_start + 1 + tail.end);
    made.push_str(link.scheme.prefix());
    made.push_str(authority);
    made.push('/');
    let path_from = usize::from(tail.path_end > 0);
    finish(shape, (behind, path_from, tail), made)
}

/// A path from the root of `base`, or one from its folder.
fn below<'t>(base: &CrawlUrl, text: &str, made: &'t mut String) -> Option<(&'t str, Shape)> {
    let tail = scan(text.as_bytes())?;
    let shape = base.shape();
    let path = &base.as_str()[..usize::from(shape.path_end)];
    let is_rooted = text.starts_with('/');
    let kept = if is_rooted {
        usize::from(shape.path_start)
    } else {
        path.rfind('/').expect("a canonical URL has a path")
    };
    made.reserve(kept + 1 + tail.end);
    made.push_str(&path[..=kept]);
    finish(shape, (text, usize::from(is_rooted), tail), made)
}

/// Another query of `base`; `text` begins with `?`.
fn other_query<'t>(base: &CrawlUrl, text: &str, made: &'t mut String) -> Option<(&'t str, Shape)> {
    let tail = scan(text.as_bytes())?;
    let shape = base.shape();
    let path_end = usize::from(shape.path_end);
    made.reserve(path_end + tail.end);
    made.push_str(&base.as_str()[..path_end]);
    push(made, &text[..tail.end], tail);
    sized(made, shape, path_end)
}

/// Puts path and query after `made`, which ends with the slash before them. They stand in the
/// text of the link: the path without that slash from the number on, the rest as `Tail` says.
fn finish<'t>(
    shape: Shape,
    (text, path_from, tail): (&str, usize, Tail),
    made: &'t mut String,
) -> Option<(&'t str, Shape)> {
    let path = &text[path_from..tail.path_end];
    if tail.is_dotted {
        push_normalised(made, usize::from(shape.path_start), path, tail)?;
    } else {
        push(made, path, tail);
    }
    let path_end = made.len();
    push(made, &text[tail.path_end..tail.end], tail);
    sized(made, shape, path_end)
}

fn push(made: &mut String, part: &str, tail: Tail) {
    if tail.has_lower_hex {
        push_upper_hex(made, part);
    } else {
        made.push_str(part);
    }
}

/// Appends a path with the segments `.` and `..` worked off (URL Standard, "path state").
fn push_normalised(made: &mut String, path_start: usize, path: &str, tail: Tail) -> Option<()> {
    // The parser spares what looks like a drive letter, also where the standard does not.
    if path.contains([':', '|']) || made[path_start..].contains([':', '|']) {
        return None;
    }
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => pop_segment(made, path_start),
            _ => {
                push(made, segment, tail);
                if segments.peek().is_some() {
                    made.push('/');
                }
            }
        }
    }
    Some(())
}

/// Takes away the last segment with its slash; the path's first slash stays.
fn pop_segment(made: &mut String, path_start: usize) {
    let last_slash = made.len() - 1;
    if let Some(slash) = made[path_start..last_slash].rfind('/') {
        made.truncate(path_start + slash + 1);
    }
}

fn sized(text: &str, mut shape: Shape, path_end: usize) -> Option<(&str, Shape)> {
    if text.len() > URL_BYTES_MAX {
        return None;
    }
    shape.path_end = offset(path_end);
    Some((text, shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result, and whether it is a part of what went in.
    fn check(text: &str, want: Option<(&str, bool)>) {
        let base = CrawlUrl::parse_by_standard("https://www.example.com/a/b?c").expect("valid");
        let base = base.with_site_known();
        let mut made = String::new();
        let found = resolve(Some(&base), text, &mut made).map(|(text, _)| text.to_owned());
        assert_eq!(found.as_deref(), want.map(|(text, _)| text), "{text:?}");
        let is_part = found.is_some() && made.is_empty();
        assert_eq!(
            is_part,
            want.is_some_and(|(_, is_part)| is_part),
            "{text:?}"
        );
    }

    /// The other tests hold the short way to the long one; this one says that it is taken.
    #[test]
    fn the_usual_links_take_the_short_way() {
        let page = "https://www.example.com/a/b?c";
        check("", Some((page, true)));
        check("#top of it", Some((page, true)));
        let other = "https://other.example/d?e=%2F";
        check(other, Some((other, true)));
        check(" https://other.example/d?e=%2F#f g\n", Some((other, true)));
        check(
            "https://other.example",
            Some(("https://other.example/", false)),
        );
        check(
            "HTTP://Other.example:80/D?",
            Some(("http://other.example/D", false)),
        );
        check(
            "http://other.example:81?d",
            Some(("http://other.example:81/?d", false)),
        );
        check(
            "//other.example:443/",
            Some(("https://other.example/", false)),
        );
        check(
            "d/e.html#f",
            Some(("https://www.example.com/a/d/e.html", false)),
        );
        check(
            "/d/../e/.f/..g/.",
            Some(("https://www.example.com/e/.f/..g/", false)),
        );
        check("../../d?e", Some(("https://www.example.com/d?e", false)));
        check(
            "?d=%c3`{}",
            Some(("https://www.example.com/a/b?d=%C3`{}", false)),
        );
        check("?", Some(("https://www.example.com/a/b", false)));
    }

    #[test]
    fn doubtful_links_are_left_to_the_standards_parser() {
        for text in [
            "a b",
            "/\ta",
            "\\a",
            "/\u{e9}",
            "/a^b",
            "/%2e/",
            "?a'b",
            "http:a",
            "https:///a",
            "///a",
            "//1.2.3.4/",
            "//[::1]/",
            "//xn--a/",
            "//a..b/",
            "//a./",
            "//me@a/",
            "//a:0/",
            "//a:080/",
            "//a:65536/",
            "//a:/",
            "//a%41/",
            "mailto:a",
            "c:/../d",
            "/C:/../d",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn other_schemes_are_told_without_the_parser() {
        for text in ["mailto:a", " javascript:a", "TEL:1", "a.b:c", "about:"] {
            assert!(is_of_other_scheme(text), "{text:?}");
        }
        for text in [
            "ftp:a", "file:a", "http:a", "a:/b", "a:\t//[", "a", "1a:b", ":a", "/a:b",
        ] {
            assert!(!is_of_other_scheme(text), "{text:?}");
        }
    }
}
