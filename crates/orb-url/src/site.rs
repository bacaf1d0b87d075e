//! The site, the unit that politeness, budgets and ownership apply to.
//!
//! In: a host. Out: its registrable domain.
//! May touch: the public suffix list compiled in (`psl`). Must not touch: the network's copy.
//! Invariant: every host of a site maps to the same text; the list is judged in one place.

use std::sync::Arc;

use crate::crawl_url::ip_of_host;
use crate::error::{Excerpt, HostFault};
use crate::text_type::text_type;
use crate::{CrawlUrl, UrlError};

/// The public suffix list compiled in, by the version of the crate that carries it. Stored with
/// a crawl: another list moves hosts between sites, so a change is a migration.
pub const PSL_VERSION: &str = "2.1.247";

/// A registrable domain: the public suffix and one label (publicsuffix.org, "algorithm").
///
/// The private section counts, so `a.github.io` and `b.github.io` are two sites. What has no
/// registrable domain (a public suffix itself, a single label, an IP address) is its own site.
/// Lower-case Punycode, no trailing dot, at most 253 bytes. A clone is a reference count.
///
/// Deserialising checks the form but does not ask the list again: a stored site survives a
/// change of the list.
#[derive(Clone)]
pub struct Site(Arc<str>);

impl Site {
    /// The site of a host as [`CrawlUrl::host`] gives it. Upper case and a trailing dot are
    /// forgiven. Cost: O(bytes), one allocation.
    pub fn of_host(host: &str) -> Site {
        let host = host.strip_suffix('.').unwrap_or(host);
        if host.bytes().any(|b| b.is_ascii_uppercase()) {
            return Site::of_host(&host.to_ascii_lowercase());
        }
        Site(site_of_host(host).into())
    }

    /// The site that a person names by one of its hosts, such as `Www.Bücher.example`.
    pub fn parse(host: &str) -> Result<Site, UrlError> {
        canonical_host(host).map(|url| url.site())
    }

    /// Takes back a text that [`Site::as_str`] gave; the text is trusted.
    pub fn from_stored(text: &str) -> Site {
        Site(text.into())
    }

    /// The registrable domain, or the host that stands for it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What deserialising accepts: a host, canonicalised, the list left out.
    fn read(text: &str) -> Result<Site, UrlError> {
        canonical_host(text).map(|url| Site(url.host().into()))
    }
}

text_type!(Site, Site::read);

/// The end of a canonical host that is its site. Cost: O(bytes).
pub(crate) fn site_of_host(host: &str) -> &str {
    if ip_of_host(host).is_some() {
        return host;
    }
    psl::domain_str(host).unwrap_or(host)
}

/// The name that was registered for `host`: its registrable domain by the ICANN section of the list alone. What has
/// none is itself. Private suffixes do not count: nobody registered `a.github.io`, but `github.io`, and whoever holds
/// that runs the name servers of both. Cost: O(bytes x labels of a private suffix).
pub fn registered_name(host: &str) -> &str {
    if ip_of_host(host).is_some() {
        return host;
    }
    let mut tail = host;
    while let Some(suffix) = psl::suffix(tail.as_bytes()) {
        let suffix_bytes = suffix.as_bytes().len();
        if suffix.typ() != Some(psl::Type::Private) {
            let before = &host[..host.len() - suffix_bytes];
            let label = before
                .strip_suffix('.')
                .map(|names| names.rfind('.').map_or(0, |dot| dot + 1));
            return &host[label.unwrap_or(0)..];
        }
        match tail[tail.len() - suffix_bytes..].split_once('.') {
            Some((_, rest)) => tail = rest,
            None => break,
        }
    }
    host
}

/// `host` as a URL, if it is nothing but a host.
fn canonical_host(host: &str) -> Result<CrawlUrl, UrlError> {
    if !is_plain_host(host) {
        return Err(UrlError::BadHost {
            url: Excerpt::of(host),
            source: HostFault::Malformed,
        });
    }
    CrawlUrl::parse(&format!("http://{host}/"))
}

/// Whether `text` holds only characters of names (any script) or is a bracketed address, so that
/// it cannot end the host of a URL it is put into.
pub(crate) fn is_plain_host(text: &str) -> bool {
    if let Some(inner) = text.strip_prefix('[') {
        return inner.strip_suffix(']').is_some_and(|address| {
            let is_address_byte = |b: u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
            address.bytes().all(is_address_byte)
        });
    }
    !text.is_empty()
        && text
            .chars()
            .all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ICANN section of the list alone.
    #[test]
    fn the_registered_name_is_what_somebody_bought() {
        for (host, expected) in [
            ("www.example.com", "example.com"),
            ("example.com", "example.com"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("a.github.io", "github.io"),
            ("github.io", "github.io"),
            ("b.s3.amazonaws.com", "amazonaws.com"),
            ("x.y.blogspot.com", "blogspot.com"),
            ("co.uk", "co.uk"),
            ("com", "com"),
            ("localhost", "localhost"),
            ("a.unknown-suffix", "a.unknown-suffix"),
            ("b.a.unknown-suffix", "a.unknown-suffix"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("", ""),
        ] {
            assert_eq!(registered_name(host), expected, "{host}");
        }
    }
}
