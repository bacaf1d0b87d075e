//! The base that a page's links are resolved against.
//!
//! In: the page's URL, a `<base href>`. Out: absolute, canonical URLs of its links.
//! May touch: `canonical`, `shortcut`. Must not touch: the page.
//! Invariant: the base may have any scheme; what comes out is http or https.

use std::cell::Cell;
use std::fmt;
use std::sync::OnceLock;

use url::Url;

use crate::shortcut::{self, Base};
use crate::{CrawlUrl, Excerpt, UrlError, canonical};

thread_local! {
    /// Room for the text being made, kept from link to link.
    static MADE: Cell<String> = const { Cell::new(String::new()) };
}

/// A base URL, made ready once for the many links of one page.
///
/// A base with a canonical form is kept in that form: what canonicalising takes away (user
/// information, an empty query, lower-case escapes, a trailing dot) no link inherits, or loses
/// again when it is canonicalised itself.
#[derive(Clone)]
pub struct BaseUrl {
    canonical: Option<Base>,
    /// The base as the standard's parser has it, for the links that have no shortcut; made from
    /// `canonical` when the first of them comes.
    parsed: OnceLock<Url>,
}

impl BaseUrl {
    /// The page's own address as its base.
    pub fn new(page: &CrawlUrl) -> BaseUrl {
        BaseUrl {
            canonical: Some(Base::new(page.clone())),
            parsed: OnceLock::new(),
        }
    }

    /// The base after `<base href>` (HTML Standard, 4.2.3): `href` is resolved against this one.
    ///
    /// `None` if `href` does not parse or is a `data:` or `javascript:` URL: this base stays.
    pub fn rebased(&self, href: &str) -> Option<BaseUrl> {
        let mut made = String::new();
        if let Some((text, shape)) = self.shortcut(href, &mut made) {
            return Some(BaseUrl::new(&CrawlUrl::from_parts(text.into(), shape)));
        }
        let url = canonical::parse(Some(self.parsed()), href).ok()?;
        if matches!(url.scheme(), "data" | "javascript") {
            return None;
        }
        let canonical = canonical::canonicalise(&url, href).map(CrawlUrl::from);
        Some(BaseUrl {
            canonical: canonical.ok().map(Base::new),
            parsed: OnceLock::from(url),
        })
    }

    /// Resolves one link. Cost: O(bytes of base and `href`), one allocation kept.
    pub fn join(&self, href: &str) -> Result<CrawlUrl, UrlError> {
        let mut made = MADE.take();
        let joined = match (self.shortcut(href, &mut made), self.canonical()) {
            // A link to a place on its own page: the base's text is shared.
            (Some((text, _)), Some(base)) if std::ptr::eq(text, base.as_str()) => Ok(base.clone()),
            (Some((text, shape)), _) => Ok(CrawlUrl::from_parts(text.into(), shape)),
            (None, _) => self.join_the_long_way(href),
        };
        made.clear();
        MADE.set(made);
        joined
    }

    /// What [`BaseUrl::join`] is held to: the URL Standard's parser and our rules, no shortcut.
    /// For tests and measurements.
    pub fn join_by_standard(&self, href: &str) -> Result<CrawlUrl, UrlError> {
        canonical::resolve(Some(self.parsed()), href).map(CrawlUrl::from)
    }

    /// Whether [`BaseUrl::join`] needs no parser for this link. For tests and measurements.
    pub fn has_shortcut(&self, href: &str) -> bool {
        self.shortcut(href, &mut String::new()).is_some()
    }

    /// The base itself, unless it has no canonical form.
    pub(crate) fn canonical(&self) -> Option<&CrawlUrl> {
        self.canonical.as_ref().map(Base::url)
    }

    /// What links from the base's folder begin with; empty for a base without canonical form.
    pub(crate) fn folder(&self) -> &str {
        self.canonical.as_ref().map_or("", Base::folder)
    }

    /// For links that [`BaseUrl::shortcut`] leaves.
    pub(crate) fn join_the_long_way(&self, href: &str) -> Result<CrawlUrl, UrlError> {
        if shortcut::is_of_other_scheme(href) {
            return Err(UrlError::NotHttp {
                url: Excerpt::of(href),
            });
        }
        self.join_by_standard(href)
    }

    /// The canonical text of a clean link; see [`shortcut::resolve`].
    pub(crate) fn shortcut<'t>(
        &'t self,
        href: &'t str,
        made: &'t mut String,
    ) -> Option<(&'t str, canonical::Shape)> {
        shortcut::resolve(Some(self.canonical.as_ref()?), href, made)
    }

    fn parsed(&self) -> &Url {
        self.parsed.get_or_init(|| {
            let canonical = self.canonical.as_ref().expect("a base has one of the two");
            Url::parse(canonical.url().as_str()).expect("a canonical URL parses")
        })
    }
}

/// Shows an excerpt: a base that a page names may hold user information.
impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", Excerpt::of(self.parsed().as_str()))
    }
}
