//! The base that a page's links are resolved against.
//!
//! In: the page's URL, a `<base href>`. Out: absolute, canonical URLs of its links.
//! May touch: `canonical`. Must not touch: the page.
//! Invariant: the base may have any scheme; what comes out is http or https.

use std::fmt;

use url::Url;

use crate::{CrawlUrl, Excerpt, UrlError, canonical};

/// A base URL, parsed once for the many links of one page.
#[derive(Clone)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// The page's own address as its base.
    pub fn new(page: &CrawlUrl) -> BaseUrl {
        BaseUrl(Url::parse(page.as_str()).expect("a canonical URL parses"))
    }

    /// The base after `<base href>` (HTML Standard, 4.2.3): `href` is resolved against this one.
    ///
    /// `None` if `href` does not parse or is a `data:` or `javascript:` URL: this base stays.
    pub fn rebased(&self, href: &str) -> Option<BaseUrl> {
        let url = canonical::parse(Some(&self.0), href).ok()?;
        (!matches!(url.scheme(), "data" | "javascript")).then_some(BaseUrl(url))
    }

    /// Resolves one link. Cost: O(bytes of base and `href`), one allocation kept.
    pub fn join(&self, href: &str) -> Result<CrawlUrl, UrlError> {
        canonical::resolve(Some(&self.0), href).map(CrawlUrl::from)
    }
}

/// Shows an excerpt: a base that a page names may hold user information.
impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", Excerpt::of(self.0.as_str()))
    }
}
