//! The origin, the unit that `robots.txt` applies to.
//!
//! In: a URL. Out: [`Origin`] and the URLs that belong to it as a whole.
//! May touch: `crawl_url`, `site`. Must not touch: the web.
//! Invariant: the text is that of a canonical URL up to its path.

use std::net::IpAddr;
use std::sync::Arc;

use crate::canonical::Shape;
use crate::crawl_url::{ip_of_host, scheme_of};
use crate::error::Excerpt;
use crate::text_type::text_type;
use crate::{CrawlUrl, Scheme, Site, UrlError};

/// Scheme, host and port, as `https://host[:port]` (URL Standard, "origin"): lower case,
/// Punycode, default port dropped. A clone is a reference count.
#[derive(Clone)]
pub struct Origin {
    text: Arc<str>,
    host_end: u16,
    port: u16,
}

impl Origin {
    /// Parses `scheme://host[:port]`, with or without a closing slash.
    pub fn parse(text: &str) -> Result<Origin, UrlError> {
        let url = CrawlUrl::parse(text)?;
        if url.path_and_query() != "/" {
            return Err(UrlError::NotOrigin {
                url: Excerpt::of(text),
            });
        }
        Ok(url.origin())
    }

    /// The whole origin, without a closing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme {
        scheme_of(&self.text)
    }

    /// The host, as [`CrawlUrl::host`] gives it.
    pub fn host(&self) -> &str {
        &self.text[self.scheme().prefix().len()..usize::from(self.host_end)]
    }

    /// The port, explicit or the scheme's own.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host[:port]`, the default port left out.
    pub fn authority(&self) -> &str {
        &self.text[self.scheme().prefix().len()..]
    }

    /// The host as an IP address, if it is one.
    pub fn host_ip(&self) -> Option<IpAddr> {
        ip_of_host(self.host())
    }

    /// Where this origin keeps its `robots.txt` (RFC 9309, 2.3).
    pub fn robots_url(&self) -> CrawlUrl {
        self.with_path("/robots.txt")
    }

    /// The origin's front page.
    pub fn root(&self) -> CrawlUrl {
        self.with_path("/")
    }

    /// The site that the host belongs to.
    pub fn site(&self) -> Site {
        Site::of_host(self.host())
    }

    pub(crate) fn from_parts(text: Arc<str>, host_end: u16, port: u16) -> Origin {
        Origin {
            text,
            host_end,
            port,
        }
    }

    /// `path` must be canonical and short; an origin is at most 267 bytes.
    fn with_path(&self, path: &'static str) -> CrawlUrl {
        let text = format!("{}{path}", self.text);
        let end = |bytes: usize| u16::try_from(bytes).expect("an origin and a short path");
        let shape = Shape {
            host_end: self.host_end,
            path_start: end(self.text.len()),
            path_end: end(text.len()),
            site_start: 0,
        };
        CrawlUrl::from_parts(text.into(), shape)
    }
}

text_type!(Origin, Origin::parse);
