//! The canonical URL, the unit that the crawler finds, fetches and counts.
//!
//! In: text, and perhaps a base. Out: [`CrawlUrl`], its parts and its keys.
//! May touch: `canonical`, `origin`, `site`, `surt`. Must not touch: the web.
//! Invariant: a value is always canonical, and its offsets fit its text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::canonical::{self, Canonical, Shape};
use crate::site::site_of_host;
use crate::text_type::text_type;
use crate::{BaseUrl, Origin, Site, UrlError, shortcut, surt};

/// The two schemes that are crawled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// `http`, port 80.
    Http,
    /// `https`, port 443.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port that is left out of the text.
    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }

    /// The scheme with `://`.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Scheme::Http => "http://",
            Scheme::Https => "https://",
        }
    }

    /// The scheme that a canonical text begins with.
    pub(crate) fn of_text(text: &str) -> Option<Scheme> {
        [Scheme::Https, Scheme::Http]
            .into_iter()
            .find(|scheme| text.starts_with(scheme.prefix()))
    }
}

/// A canonical http(s) URL.
///
/// The text is the URL Standard's serialisation of the parsed URL, with these rules on top:
///
/// 1. The scheme is http or https; nothing else parses.
/// 2. User information and fragment are dropped.
/// 3. The default port is dropped (the standard's rule); port 0 is refused. Ports that the
///    Fetch Standard blocks are not judged here.
/// 4. One trailing dot of a host name is dropped. Names with empty labels, labels above 63
///    bytes or more than 253 bytes are refused, since DNS cannot carry them; so are `xn--`
///    labels that are no Punycode.
/// 5. An empty query (`/a?`) is dropped.
/// 6. The hex digits of `%xx` triplets in path and query are upper case. Nothing is decoded or
///    encoded beyond the standard: servers do tell `%41` from `A`.
/// 7. The result is at most [`crate::limits::URL_BYTES_MAX`] bytes of visible ASCII.
///
/// A clone is a reference count. Equality, order and hash are those of the text.
/// Deserialising parses, so it accepts what [`CrawlUrl::parse`] accepts.
#[derive(Clone)]
pub struct CrawlUrl {
    text: Arc<str>,
    shape: Shape,
}

impl CrawlUrl {
    /// Parses an absolute URL. Cost: O(bytes), one allocation kept.
    pub fn parse(text: &str) -> Result<CrawlUrl, UrlError> {
        match shortcut::resolve(None, text, &mut String::new()) {
            Some((text, shape)) => Ok(CrawlUrl::from_parts(text.into(), shape)),
            None => CrawlUrl::parse_by_standard(text),
        }
    }

    /// What [`CrawlUrl::parse`] is held to: the URL Standard's parser and our rules, no shortcut.
    /// For tests and measurements.
    pub fn parse_by_standard(text: &str) -> Result<CrawlUrl, UrlError> {
        canonical::resolve(None, text).map(CrawlUrl::from)
    }

    /// Resolves `href` against this URL (URL Standard, 4.4, with a base).
    ///
    /// For the many links of one page build a [`BaseUrl`] once: this parses the base each time.
    pub fn join(&self, href: &str) -> Result<CrawlUrl, UrlError> {
        BaseUrl::new(self).join(href)
    }

    /// Takes back a text that [`CrawlUrl::as_str`] gave, without the cost of parsing.
    ///
    /// Only the delimiters are checked: `None` if they show that the text cannot be canonical.
    /// Text from elsewhere goes through [`CrawlUrl::parse`].
    pub fn from_stored(text: &str) -> Option<CrawlUrl> {
        let shape = canonical::shape_of(text)?;
        Some(CrawlUrl {
            text: text.into(),
            shape,
        })
    }

    /// The whole URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        scheme_of(&self.text)
    }

    /// The host in lower case: a Punycode name, an IPv4 address, or an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        &self.text[self.scheme().prefix().len()..usize::from(self.shape.host_end)]
    }

    /// The port, explicit or the scheme's own.
    pub fn port(&self) -> u16 {
        let authority_end = &self.text[usize::from(self.shape.host_end)..self.path_start()];
        match authority_end.strip_prefix(':') {
            Some(port) => port.parse().expect("a canonical port is a number"),
            None => self.scheme().default_port(),
        }
    }

    /// The host as an IP address, if it is one.
    pub fn host_ip(&self) -> Option<IpAddr> {
        ip_of_host(self.host())
    }

    /// The path, beginning with `/`, without the query.
    pub fn path(&self) -> &str {
        &self.text[self.path_start()..usize::from(self.shape.path_end)]
    }

    /// The query without its `?`; never empty.
    pub fn query(&self) -> Option<&str> {
        self.text.get(usize::from(self.shape.path_end) + 1..)
    }

    /// What a request line names: the path and, if there is one, `?` and the query.
    pub fn path_and_query(&self) -> &str {
        &self.text[self.path_start()..]
    }

    /// `host[:port]` as a `Host` header carries it: the default port left out.
    pub fn authority(&self) -> &str {
        &self.text[self.scheme().prefix().len()..self.path_start()]
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> Origin {
        let text = &self.text[..self.path_start()];
        Origin::from_parts(text.into(), self.shape.host_end, self.port())
    }

    /// The site that the host belongs to. Cost: one allocation, and O(bytes of the host) where
    /// the site was not known from the page that the URL was found on.
    pub fn site(&self) -> Site {
        Site::from_stored(self.site_str())
    }

    /// The text of [`CrawlUrl::site`], without an allocation.
    pub fn site_str(&self) -> &str {
        match usize::from(self.shape.site_start) {
            0 => site_of_host(self.host()),
            known => &self.text[known..usize::from(self.shape.host_end)],
        }
    }

    /// Where this URL's origin keeps its `robots.txt` (RFC 9309, 2.3).
    pub fn robots_url(&self) -> CrawlUrl {
        self.origin().robots_url()
    }

    /// The sort-friendly form, such as `com,example,www:8080)/path?query`.
    ///
    /// The scheme is dropped, `www` is kept, IP addresses stay as they are, and the bytes `,`
    /// and `)` in a host label, which a name may hold though DNS has none, are escaped so that
    /// two URLs of one scheme never share a key.
    pub fn surt(&self) -> String {
        surt::surt(self)
    }

    /// The same address by the given scheme; an explicit port stays unless it is the new
    /// default. The longest http URLs have no https form: one byte more exceeds the limit.
    pub fn with_scheme(&self, scheme: Scheme) -> Result<CrawlUrl, UrlError> {
        let rest = &self.text[self.scheme().prefix().len()..];
        CrawlUrl::parse(&format!("{}{rest}", scheme.prefix()))
    }

    /// For parts whose text is canonical by construction.
    pub(crate) fn from_parts(text: Arc<str>, shape: Shape) -> CrawlUrl {
        debug_assert!(canonical::shape_of(&text).is_some_and(|found| found.agrees(shape)));
        CrawlUrl { text, shape }
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// The same URL with its site looked up, so that links resolved against it know theirs.
    pub(crate) fn with_site_known(mut self) -> CrawlUrl {
        let site_bytes = self.site_str().len();
        self.shape.site_start = self.shape.host_end - canonical::offset(site_bytes);
        self
    }

    fn path_start(&self) -> usize {
        usize::from(self.shape.path_start)
    }
}

impl From<Canonical> for CrawlUrl {
    fn from(canonical: Canonical) -> CrawlUrl {
        CrawlUrl::from_parts(canonical.text.into(), canonical.shape)
    }
}

text_type!(CrawlUrl, CrawlUrl::parse);

/// The scheme of a text that is canonical.
pub(crate) fn scheme_of(text: &str) -> Scheme {
    // `http:` or `https`: the fifth byte tells them apart.
    if text.as_bytes()[4] == b's' {
        Scheme::Https
    } else {
        Scheme::Http
    }
}

/// The address that a canonical host spells, if it is no name.
pub(crate) fn ip_of_host(host: &str) -> Option<IpAddr> {
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']')?;
        return inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    host.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
}
