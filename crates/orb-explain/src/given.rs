//! What a person typed, understood as a URL or a site.
//!
//! In: a text. Out: the canonical URL, what was assumed to get it, what its spelling lost on the way.
//! May touch: `orb-url`. Must not touch: the crawl.
//! Invariant: nothing is assumed that is not told.

use orb_url::{CrawlUrl, Scheme, Site, UrlError, parse_seed_line};
use serde::Serialize;

/// A text understood as a URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Given {
    /// As it was typed.
    pub text: String,
    /// The canonical URL.
    pub url: CrawlUrl,
    /// Whether the text named no scheme: https is assumed, and http when only that is known to the crawl.
    pub scheme_assumed: bool,
    /// What was assumed, in words.
    pub assumed: Vec<String>,
    /// What the canonical form spells differently, in words.
    pub changed: Vec<String>,
}

/// A text is neither a URL nor can it be made one.
#[derive(Debug, thiserror::Error)]
pub enum GivenError {
    /// No URL.
    #[error("no URL to explain; write it as https://example.com/page or example.com/page")]
    Url(#[source] UrlError),
    /// Nothing was given.
    #[error("the URL is empty")]
    Empty,
    /// No site.
    #[error("no site; name it by its domain, such as example.com")]
    Site(#[source] UrlError),
}

/// Understands a URL as a person writes it: white space, `<…>` and quotes around it are dropped, the scheme may be
/// missing.
///
/// # Errors
/// When it is no URL even so.
pub fn understand_url(text: &str) -> Result<Given, GivenError> {
    let mut bare = text.trim();
    let mut assumed = Vec::new();
    for (open, close) in [('<', '>'), ('"', '"'), ('\'', '\'')] {
        let inner = bare
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close));
        if let Some(inner) = inner {
            bare = inner.trim();
            assumed.push(format!("`{open}{close}` around it is no part of it"));
        }
    }
    if bare.is_empty() {
        return Err(GivenError::Empty);
    }
    let (url, scheme_assumed) = match CrawlUrl::parse(bare) {
        Ok(url) => (url, false),
        Err(error) => (without_scheme(bare).ok_or(GivenError::Url(error))?, true),
    };
    if scheme_assumed {
        assumed.push("no scheme was given: https".to_owned());
    }
    let changed = changes(bare, &url, scheme_assumed);
    Ok(Given {
        text: text.to_owned(),
        url,
        scheme_assumed,
        assumed,
        changed,
    })
}

/// The host of a text without a scheme, with what follows it, as seeds lists have them.
fn without_scheme(text: &str) -> Option<CrawlUrl> {
    let text = text.trim_start_matches('/');
    // What looks like the rank of a seed line is a path of ours.
    let plain = text.split(['/', '?', '#']).next().unwrap_or("");
    if plain.contains(',') || !plain.contains(['.', ':']) && plain != "localhost" {
        return None;
    }
    let seed = parse_seed_line(text).ok()??;
    seed.bare_domain.then_some(seed.url)
}

fn changes(text: &str, url: &CrawlUrl, scheme_assumed: bool) -> Vec<String> {
    let full = if scheme_assumed {
        format!("https://{}", text.trim_start_matches('/'))
    } else {
        text.to_owned()
    };
    let mut list = Vec::new();
    if full == url.as_str() {
        return list;
    }
    let mut say = |words: &str| list.push(words.to_owned());
    let (before, fragment) = full
        .split_once('#')
        .map_or((&full[..], false), |(b, _)| (b, true));
    if fragment {
        say("the fragment (`#…`) never reaches a server: dropped");
    }
    let (scheme, rest) = before.split_once("://").unwrap_or(("", before));
    let end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host_port = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    if host_port.len() != authority.len() {
        say("user information (before `@`) is never sent: dropped");
    }
    if scheme.bytes().any(|b| b.is_ascii_uppercase())
        || host_port.bytes().any(|b| b.is_ascii_uppercase())
    {
        say("scheme and host in lower case");
    }
    if !host_port.is_ascii() {
        say("the host in Punycode");
    }
    let port = format!(":{}", url.scheme().default_port());
    if host_port.ends_with(&port) {
        say("the default port is left out");
    }
    if host_port.trim_end_matches(&port).ends_with('.') {
        say("the dot behind the host is left out");
    }
    if path != url.path_and_query() {
        say(&path_change(path, url));
    }
    list
}

fn path_change(path: &str, url: &CrawlUrl) -> String {
    let dots = ["/./", "/../"].iter().any(|dots| path.contains(dots))
        || path.ends_with("/.")
        || path.ends_with("/..");
    match path {
        "" => "an empty path is `/`".to_owned(),
        _ if path.contains('\\') => "`\\` is `/`".to_owned(),
        _ if dots => "`.` and `..` in the path are resolved".to_owned(),
        _ if path.strip_suffix('?') == Some(url.path_and_query()) => {
            "an empty query is dropped".to_owned()
        }
        _ => "path and query are percent-encoded as the URL Standard says".to_owned(),
    }
}

impl Given {
    /// The same address by http, if the scheme was assumed.
    #[must_use]
    pub(crate) fn by_http(&self) -> Option<CrawlUrl> {
        if !self.scheme_assumed {
            return None;
        }
        self.url.with_scheme(Scheme::Http).ok()
    }
}

/// Understands a site by any of its hosts or URLs. Returns what was assumed beside it.
///
/// # Errors
/// When the text names no host.
pub fn understand_site(text: &str) -> Result<(Site, Vec<String>), GivenError> {
    let bare = text.trim().trim_end_matches('/');
    if bare.is_empty() {
        return Err(GivenError::Empty);
    }
    let site = match Site::parse(bare) {
        Ok(site) => site,
        Err(error) => match understand_url(bare) {
            Ok(given) => given.url.site(),
            Err(_) => return Err(GivenError::Site(error)),
        },
    };
    let mut assumed = Vec::new();
    if !site.as_str().eq_ignore_ascii_case(bare) {
        assumed.push(format!(
            "pauses and budgets belong to the registrable domain: {site}"
        ));
    }
    Ok((site, assumed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_understood_and_what_was_assumed_is_told() {
        let check = |text: &str, want: &str, assumed: bool, changed: &[&str]| {
            let given = understand_url(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(given.url.as_str(), want, "{text}");
            assert_eq!(given.scheme_assumed, assumed, "{text}");
            assert_eq!(
                given.changed.len(),
                changed.len(),
                "{text}: {:?}",
                given.changed
            );
            for (got, want) in given.changed.iter().zip(changed) {
                assert!(got.contains(want), "{text}: {got}");
            }
        };
        check("https://a.example/x", "https://a.example/x", false, &[]);
        check("a.example", "https://a.example/", true, &["empty path"]);
        check(" <a.example/x,y> ", "https://a.example/x,y", true, &[]);
        check("localhost:8080/x", "https://localhost:8080/x", true, &[]);
        check(
            "HTTP://me:pw@A.Example:80/a/../b?#top",
            "http://a.example/b",
            false,
            &[
                "fragment",
                "user information",
                "lower case",
                "default port",
                "`..`",
            ],
        );
        check(
            "https://bücher.example/ä",
            "https://xn--bcher-kva.example/%C3%A4",
            false,
            &["Punycode", "percent"],
        );
        check(
            "//a.example/x?",
            "https://a.example/x",
            true,
            &["empty query"],
        );
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for text in [
            "",
            "  ",
            "mailto:me@a.example",
            "/only/path",
            "https://",
            "word",
            "1,a.example",
        ] {
            assert!(understand_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sites_are_known_by_their_hosts_and_urls() {
        let check = |text: &str, want: &str, told: usize| {
            let (site, assumed) = understand_site(text).unwrap();
            assert_eq!((site.as_str(), assumed.len()), (want, told), "{text}");
        };
        check("example.com", "example.com", 0);
        check("Www.Example.com", "example.com", 1);
        check("https://www.example.co.uk/x", "example.co.uk", 1);
        check("127.0.0.1", "127.0.0.1", 0);
        assert!(understand_site("no site").is_err());
    }
}
