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
use crate::segments::push_normalised;

/// A canonical base and what its links need of it.
#[derive(Clone)]
pub(crate) struct Base {
    /// The base; its site is known.
    url: CrawlUrl,
    /// Behind the last slash of its path.
    folder_end: usize,
}

impl Base {
    pub(crate) fn new(url: CrawlUrl) -> Base {
        let url = url.with_site_known();
        let path = &url.as_str()[..usize::from(url.shape().path_end)];
        let folder_end = path.rfind('/').expect("a canonical URL has a path") + 1;
        Base { url, folder_end }
    }

    pub(crate) fn url(&self) -> &CrawlUrl {
        &self.url
    }

    /// The part of the base that a link relative to its folder begins with.
    pub(crate) fn folder(&self) -> &str {
        &self.url.as_str()[..self.folder_end]
    }
}

/// The canonical text of a clean link and its shape, or `None` if the link is not clean.
///
/// `made` is empty, and holds the result unless that is a part of `text` or of `base`; it never
/// holds more than twice [`URL_BYTES_MAX`]. Cost: O(bytes); allocates in `made` alone.
pub(crate) fn resolve<'t>(
    base: Option<&'t Base>,
    text: &'t str,
    made: &'t mut String,
) -> Option<(&'t str, Shape)> {
    if text.len() > INPUT_BYTES_MAX {
        return None;
    }
    let text = trimmed(text);
    if let Some((scheme, rest)) = http_scheme(text) {
        let rest = rest.strip_prefix("//")?;
        let written = text.starts_with(scheme.prefix()).then_some(text);
        return authority(base, scheme, (rest, written), made);
    }
    let base = base?;
    match text.as_bytes() {
        [] | [b'#', ..] => Some((base.url.as_str(), base.url.shape())),
        [b'?', ..] => other_query(&base.url, text, made),
        [b'/', b'/', ..] => authority(Some(base), base.url.scheme(), (&text[2..], None), made),
        [b'/', ..] => {
            let root = &base.url.as_str()[..=usize::from(base.url.shape().path_start)];
            below((base, root), (text, 1), made)
        }
        _ => below((base, base.folder()), (text, 0), made),
    }
}

/// Whether `text` is an absolute URL of a scheme whose URLs have no host to be wrong, such as
/// `mailto:` and `javascript:`, so that [`crate::UrlError::NotHttp`] is all there is to say.
pub(crate) fn is_of_other_scheme(text: &str) -> bool {
    if text.len() > INPUT_BYTES_MAX {
        return false;
    }
    let text = trimmed(text);
    // A colon behind a path, query or fragment ends no scheme.
    let Some((scheme, rest)) = text.split_once([':', '/', '?', '#']) else {
        return false;
    };
    if text.as_bytes()[scheme.len()] != b':' || !is_scheme(scheme) {
        return false;
    }
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

/// What follows `http:` or `https:`, in any case.
fn http_scheme(text: &str) -> Option<(Scheme, &str)> {
    let (scheme, bytes) = match text.as_bytes() {
        [b'h' | b'H', b't' | b'T', b't' | b'T', b'p' | b'P', b':', ..] => (Scheme::Http, 5),
        [
            b'h' | b'H',
            b't' | b'T',
            b't' | b'T',
            b'p' | b'P',
            b's' | b'S',
            b':',
            ..,
        ] => (Scheme::Https, 6),
        _ => return None,
    };
    Some((scheme, &text[bytes..]))
}

/// A link that names its host. `rest` is what follows `//`; `written` is the whole link, if it
/// begins with the scheme as we write it.
fn authority<'t>(
    base: Option<&Base>,
    scheme: Scheme,
    (rest, written): (&'t str, Option<&'t str>),
    made: &'t mut String,
) -> Option<(&'t str, Shape)> {
    let base = base.map(Base::url);
    if let Some(base) = base
        && base.scheme() == scheme
        && let Some(behind) = rest.strip_prefix(base.authority())
        && matches!(behind.as_bytes().first(), None | Some(b'/' | b'?' | b'#'))
    {
        let origin = (scheme, base.authority(), base.shape());
        return place(origin, (behind, written), made);
    }
    let found = scan_authority(rest.as_bytes())?;
    let is_kept = found.port.is_some_and(|port| port != scheme.default_port());
    let end = if is_kept { found.end } else { found.host_end };
    let host_start = scheme.prefix().len();
    let mut shape = Shape {
        host_end: offset(host_start + found.host_end),
        path_start: offset(host_start + end),
        path_end: 0,
        site_start: 0,
    };
    let behind = &rest[found.end..];
    if found.has_upper {
        let lower = rest[..end].to_ascii_lowercase();
        return place((scheme, &lower, shape), (behind, None), made);
    }
    if let Some(base) = base.filter(|base| base.host() == &rest[..found.host_end]) {
        shape.site_start = shape.host_end - offset(base.site_str().len());
    }
    let written = written.filter(|_| end == found.end);
    place((scheme, &rest[..end], shape), (behind, written), made)
}

/// Puts path and query, `behind`, after a canonical origin, whose shape is right up to the path.
fn place<'t>(
    (scheme, authority, shape): (Scheme, &str, Shape),
    (behind, written): (&'t str, Option<&'t str>),
    made: &'t mut String,
) -> Option<(&'t str, Shape)> {
    let tail = scan(behind.as_bytes())?;
    let path_start = usize::from(shape.path_start);
    if let Some(text) = written
        && tail.path_end > 0
        && !tail.is_dotted
        && !tail.has_lower_hex
    {
        let text = &text[..path_start + tail.end];
        return sized(text, shape, path_start + tail.path_end);
    }
    made.reserve(path_start + 1 + tail.end);
    made.push_str(scheme.prefix());
    made.push_str(authority);
    made.push('/');
    let path_from = usize::from(tail.path_end > 0);
    finish(shape, (behind, path_from, tail), made)
}

/// A path after `above`, a part of `base` that ends with a slash; `from` is where it begins in
/// the text of the link.
fn below<'t>(
    (base, above): (&Base, &str),
    (text, from): (&str, usize),
    made: &'t mut String,
) -> Option<(&'t str, Shape)> {
    let tail = scan(text.as_bytes())?;
    if tail.colon.is_some_and(|colon| is_scheme(&text[..colon])) {
        return None;
    }
    made.reserve(above.len() + tail.end);
    made.push_str(above);
    finish(base.url.shape(), (text, from, tail), made)
}

/// Another query of `base`; `text` begins with `?`.
fn other_query<'t>(base: &CrawlUrl, text: &str, made: &'t mut String) -> Option<(&'t str, Shape)> {
    let tail = scan(text.as_bytes())?;
    let shape = base.shape();
    let path_end = usize::from(shape.path_end);
    made.reserve(path_end + tail.end);
    made.push_str(&base.as_str()[..path_end]);
    if tail.has_lower_hex {
        push_upper_hex(made, &text[..tail.end]);
    } else {
        made.push_str(&text[..tail.end]);
    }
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
        push_normalised(made, usize::from(shape.path_start), path)?;
    } else {
        made.push_str(path);
    }
    let path_end = made.len();
    made.push_str(&text[tail.path_end..tail.end]);
    if tail.has_lower_hex {
        // No triplet gets longer or shorter.
        let tail = made.split_off(usize::from(shape.path_start));
        push_upper_hex(made, &tail);
    }
    sized(made, shape, path_end)
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
        let base = Base::new(base);
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
