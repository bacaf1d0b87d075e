//! What the crawler makes of one text, for people who ask.
//!
//! In: a text and perhaps a base. Out: every key it is filed under.
//! May touch: the rest of this crate. Must not touch: a crawl's own key.
//! Invariant: the same text gives the same answer on every machine and in every crawl.

use crate::{CrawlKey, CrawlUrl, Fingerprint, Site, UrlError};

/// The answer of [`explain`]; the fields' names are those of the JSON.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Explained {
    /// The canonical URL.
    pub canonical: CrawlUrl,
    /// Its archive key, as [`CrawlUrl::surt`] gives it.
    pub surt: String,
    /// Its host.
    pub host: String,
    /// Its site.
    pub site: Site,
    /// Its fingerprint under [`CrawlKey::ZERO`]; crawls use keys of their own.
    pub fingerprint: Fingerprint,
}

/// Canonicalises `text`, against `base` if given, and derives its keys.
pub fn explain(text: &str, base: Option<&CrawlUrl>) -> Result<Explained, UrlError> {
    let canonical = match base {
        Some(base) => base.join(text)?,
        None => CrawlUrl::parse(text)?,
    };
    Ok(Explained {
        surt: canonical.surt(),
        host: canonical.host().to_owned(),
        site: canonical.site(),
        fingerprint: CrawlKey::ZERO.fingerprint(&canonical),
        canonical,
    })
}
