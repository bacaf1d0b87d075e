//! From a parsed URL to the one text that stands for it.
//!
//! In: a text and perhaps a base. Out: the canonical text and where its parts begin.
//! May touch: the URL Standard's parser (`url`). Must not touch: anything else.
//! Invariant: canonical text is visible ASCII, and canonicalising it again changes nothing.

use url::{Host, Url};

use crate::crawl_url::Scheme;
use crate::error::{Excerpt, HostFault, UrlError};
use crate::limits::{HOST_BYTES_MAX, INPUT_BYTES_MAX, LABEL_BYTES_MAX, URL_BYTES_MAX};

/// A canonical URL and the offsets of its parts.
pub(crate) struct Canonical {
    pub(crate) text: String,
    pub(crate) shape: Shape,
}

/// Byte offsets into a canonical URL; they fit 16 bits because [`URL_BYTES_MAX`] does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Behind the host; the host begins behind `://`. A port follows if the path does not.
    pub(crate) host_end: u16,
    /// The first slash of the path.
    pub(crate) path_start: u16,
    /// Behind the path: at `?` or at the end.
    pub(crate) path_end: u16,
    /// Where the site begins within the host; 0 if nobody has asked the list yet.
    pub(crate) site_start: u16,
}

impl Shape {
    /// Whether both say the same of one text; a site not yet looked for agrees with any.
    pub(crate) fn agrees(self, other: Shape) -> bool {
        let ends = |shape: Shape| (shape.host_end, shape.path_start, shape.path_end);
        let is_open = self.site_start == 0 || other.site_start == 0;
        ends(self) == ends(other) && (is_open || self.site_start == other.site_start)
    }
}

/// Parses `text` (URL Standard, 4.4) against `base` and canonicalises the result.
pub(crate) fn resolve(base: Option<&Url>, text: &str) -> Result<Canonical, UrlError> {
    canonicalise(&parse(base, text)?, text)
}

/// The standard's parser behind our bound on its input.
pub(crate) fn parse(base: Option<&Url>, text: &str) -> Result<Url, UrlError> {
    if text.len() > INPUT_BYTES_MAX {
        return Err(too_long(text, text.len(), INPUT_BYTES_MAX));
    }
    let collapsed = match base {
        Some(base) if matches!(base.scheme(), "http" | "https") => slashes_collapsed(text),
        _ => None,
    };
    Url::options()
        .base_url(base)
        .parse(collapsed.as_deref().unwrap_or(text))
        .map_err(|source| UrlError::from_parser(source, text))
}

/// `//rest` for a text that begins with three slashes or more, else `None`.
///
/// Against an http base the standard skips all of them ("special authority ignore slashes
/// state"); the parser finds an empty host instead.
fn slashes_collapsed(text: &str) -> Option<String> {
    let text = text.trim_start_matches(|c: char| c <= ' ');
    // White space of these kinds is dropped wherever it stands.
    let rest = text.trim_start_matches(['/', '\\', '\t', '\n', '\r']);
    let run = &text.as_bytes()[..text.len() - rest.len()];
    let slashes = run.iter().filter(|b| matches!(b, b'/' | b'\\')).count();
    (slashes > 2).then(|| format!("//{rest}"))
}

/// `asked` is the text as found, for the error.
pub(crate) fn canonicalise(url: &Url, asked: &str) -> Result<Canonical, UrlError> {
    let scheme = match url.scheme() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => {
            return Err(UrlError::NotHttp {
                url: Excerpt::of(asked),
            });
        }
    };
    let host = host_of(url, asked)?;
    let port = url.port();
    if port == Some(0) {
        return Err(UrlError::BadPort {
            url: Excerpt::of(asked),
        });
    }
    let mut text = String::with_capacity(url.as_str().len());
    text.push_str(scheme.prefix());
    text.push_str(host);
    let host_end = text.len();
    if let Some(port) = port {
        text.push(':');
        text.push_str(&port.to_string());
    }
    let path_start = text.len();
    push_upper_hex(&mut text, url.path());
    let path_end = text.len();
    if let Some(query) = url.query().filter(|query| !query.is_empty()) {
        text.push('?');
        push_upper_hex(&mut text, query);
    }
    if text.len() > URL_BYTES_MAX {
        return Err(too_long(asked, text.len(), URL_BYTES_MAX));
    }
    let shape = Shape {
        host_end: offset(host_end),
        path_start: offset(path_start),
        path_end: offset(path_end),
        site_start: 0,
    };
    Ok(Canonical { text, shape })
}

/// The host without its trailing dot, if DNS could carry it.
fn host_of<'a>(url: &'a Url, asked: &str) -> Result<&'a str, UrlError> {
    let (Some(host), Some(text)) = (url.host(), url.host_str()) else {
        return Err(UrlError::NoHost {
            url: Excerpt::of(asked),
        });
    };
    if !matches!(host, Host::Domain(_)) {
        return Ok(text);
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    match name_fault(name) {
        None => Ok(name),
        Some(source) => Err(UrlError::BadHost {
            url: Excerpt::of(asked),
            source,
        }),
    }
}

fn name_fault(name: &str) -> Option<HostFault> {
    if name.len() > HOST_BYTES_MAX {
        return Some(HostFault::TooLong);
    }
    name.split('.').find_map(|label| match label.len() {
        0 => Some(HostFault::EmptyLabel),
        bytes if bytes > LABEL_BYTES_MAX => Some(HostFault::LabelTooLong),
        _ => None,
    })
}

/// Appends `part` with the hex digits of its `%xx` triplets in upper case (RFC 3986, 6.2.2.1).
pub(crate) fn push_upper_hex(out: &mut String, part: &str) {
    let mut rest = part;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        if let [high, low, ..] = rest.as_bytes()
            && high.is_ascii_hexdigit()
            && low.is_ascii_hexdigit()
        {
            out.push(char::from(high.to_ascii_uppercase()));
            out.push(char::from(low.to_ascii_uppercase()));
            rest = &rest[2..];
        }
    }
    out.push_str(rest);
}

/// The shape of a text that is canonical already, by its delimiters alone; `None` if the text
/// cannot be canonical.
pub(crate) fn shape_of(text: &str) -> Option<Shape> {
    let scheme = Scheme::of_text(text)?;
    if text.len() > URL_BYTES_MAX || !text.bytes().all(|b| b.is_ascii_graphic() && b != b'#') {
        return None;
    }
    let host_start = scheme.prefix().len();
    let path_start = host_start + text[host_start..].find('/')?;
    let authority = &text[host_start..path_start];
    let host = without_port(authority)?;
    let path_end = text[path_start..]
        .find('?')
        .map_or(text.len(), |at| path_start + at);
    Some(Shape {
        host_end: offset(host_start + host.len()),
        path_start: offset(path_start),
        path_end: offset(path_end),
        site_start: 0,
    })
}

/// The host of `host[:port]`; the colons of an IPv6 address stand before its bracket closes.
fn without_port(authority: &str) -> Option<&str> {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            port.parse::<u16>().ok().filter(|&port| port != 0)?;
            host
        }
        _ => authority,
    };
    (!host.is_empty()).then_some(host)
}

fn too_long(text: &str, bytes: usize, limit_bytes: usize) -> UrlError {
    UrlError::TooLong {
        url: Excerpt::of(text),
        bytes,
        limit_bytes,
    }
}

pub(crate) fn offset(at: usize) -> u16 {
    u16::try_from(at).expect("a canonical URL is at most 2,048 bytes")
}
