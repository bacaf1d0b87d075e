//! Lines of a seeds file.
//!
//! In: one line. Out: a seed, nothing (comment, blank), or why the line is neither.
//! May touch: `crawl_url`. Must not touch: the file.
//! Invariant: a line yields at most one seed, and no line panics.

use crate::error::{Excerpt, HostFault, UrlError, is_scheme};
use crate::site::is_plain_host;
use crate::{CrawlUrl, Scheme};

/// One line of a seeds file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// Where to begin.
    pub url: CrawlUrl,
    /// The line named no scheme: `url` is https, and [`Seed::http_fallback`] is tried when that
    /// cannot connect.
    pub bare_domain: bool,
    /// The rank before the comma, 1 being the best.
    pub rank: Option<u32>,
}

impl Seed {
    /// The http address of a bare domain; `None` if the line named its scheme.
    pub fn http_fallback(&self) -> Option<CrawlUrl> {
        if !self.bare_domain {
            return None;
        }
        self.url.with_scheme(Scheme::Http).ok()
    }
}

/// Names of columns in the headings of lists that are passed around.
const TARGET_COLUMNS: [&str; 10] = [
    "domain",
    "domains",
    "url",
    "urls",
    "origin",
    "host",
    "hostname",
    "site",
    "website",
    "root_domain",
];

/// What stands between a rank and its target: lists come with each of them.
const SEPARATORS: [char; 3] = [',', '\t', ';'];

/// Whether a line is the heading of a table of seeds, such as `rank,domain`, and no seed.
///
/// Only the first line of a file can be one: a host may be called `site`.
pub fn is_seed_header(line: &str) -> bool {
    let line = line.trim_start_matches('\u{feff}').trim();
    line.split(SEPARATORS)
        .map(|column| column.trim().trim_matches('"').to_ascii_lowercase())
        .any(|column| TARGET_COLUMNS.contains(&column.as_str()))
}

/// Reads one line: a URL, a bare domain (`host[:port][/path]`), or either behind `rank,`. An origin
/// may have its rank behind it (`https://example.com,1000`).
///
/// - Blank lines and comments are `None`; a comment begins with `#` at the start of the line or
///   behind white space (a `#` inside a URL is its fragment).
/// - A byte-order mark at the start and white space at both ends (a carriage return too) are
///   dropped.
/// - A bare domain is taken as https; `*.example.com` means `example.com`. `host:port` wins over `scheme:` where both could be meant.
pub fn parse_seed_line(line: &str) -> Result<Option<Seed>, UrlError> {
    let text = without_comment(line.trim_start_matches('\u{feff}').trim());
    if text.is_empty() {
        return Ok(None);
    }
    let (rank, target) = split_rank(text)?;
    let bare_domain = !names_scheme(target);
    let url = if bare_domain {
        parse_bare(target)?
    } else {
        parse_whole(target)?
    };
    Ok(Some(Seed {
        url,
        bare_domain,
        rank,
    }))
}

fn without_comment(text: &str) -> &str {
    let comment = text
        .match_indices('#')
        .map(|(at, _)| at)
        .find(|&at| at == 0 || text[..at].ends_with(char::is_whitespace));
    match comment {
        Some(at) => text[..at].trim_end(),
        None => text,
    }
}

fn split_rank(text: &str) -> Result<(Option<u32>, &str), UrlError> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let first = text
        .split_once(SEPARATORS)
        .map(|(rank, target)| (rank.trim_end(), target.trim_start()));
    // A host holds no comma, so behind one there is a rank, not a part of the URL.
    let last = text
        .rsplit_once(SEPARATORS)
        .map(|(target, rank)| (rank.trim_start(), target.trim_end()));
    let is_origin = |target: &str| {
        let host = target.split_once("://").map_or(target, |(_, host)| host);
        !host.trim_end_matches('/').contains(['/', '?', '#'])
    };
    let ranked = first
        .filter(|(rank, _)| is_number(rank))
        .or_else(|| last.filter(|(rank, target)| is_number(rank) && is_origin(target)));
    let Some((rank, target)) = ranked else {
        return Ok((None, text));
    };
    match rank.parse() {
        Ok(rank) => Ok((Some(rank), target)),
        Err(_) => Err(UrlError::BadRank {
            line: Excerpt::of(text),
        }),
    }
}

/// Whether `text` begins with a scheme and not with `host:port`.
fn names_scheme(text: &str) -> bool {
    let Some((before, after)) = text.split_once(':') else {
        return false;
    };
    is_scheme(before) && !is_port_and_rest(after)
}

/// Whether `text` is a port, perhaps empty, up to the end or the path.
fn is_port_and_rest(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.is_empty() || (rest.len() < text.len() && rest.starts_with(['/', '?', '#']))
}

/// A URL with its scheme. The URL Standard lets `*` stand in a host; in a list it is a pattern, not a place to begin.
fn parse_whole(text: &str) -> Result<CrawlUrl, UrlError> {
    let url = CrawlUrl::parse(text)?;
    if url.host().contains('*') {
        return Err(UrlError::BadHost {
            url: Excerpt::of(text),
            source: HostFault::Malformed,
        });
    }
    Ok(url)
}

fn parse_bare(text: &str) -> Result<CrawlUrl, UrlError> {
    let text = text.strip_prefix("*.").unwrap_or(text);
    let host_end = if text.starts_with('[') {
        text.find(']').map_or(text.len(), |at| at + 1)
    } else {
        text.find(['/', '?', '#', ':']).unwrap_or(text.len())
    };
    let (host, rest) = text.split_at(host_end);
    if host.is_empty() {
        return Err(UrlError::NoHost {
            url: Excerpt::of(text),
        });
    }
    if !is_plain_host(host) {
        return Err(UrlError::BadHost {
            url: Excerpt::of(text),
            source: HostFault::Malformed,
        });
    }
    let is_rest_sound = match rest.strip_prefix(':') {
        Some(port) => is_port_and_rest(port),
        None => rest.is_empty() || rest.starts_with(['/', '?', '#']),
    };
    if !is_rest_sound {
        return Err(UrlError::BadPort {
            url: Excerpt::of(text),
        });
    }
    CrawlUrl::parse(&format!("https://{text}"))
}
