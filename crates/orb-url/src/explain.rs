//! What the crawler makes of one text, for people who ask.
//!
//! In: a text and perhaps a base. Out: every key it is filed under.
//! May touch: the rest of this crate. Must not touch: a crawl's own key.
//! Invariant: the same text gives the same answer on every machine and in every crawl.

use crate::{CrawlKey, CrawlUrl, Fingerprint, Removed, Rewriter, Rewritten, Site, UrlError};

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
    /// What rewriting took out of the URL; absent where nobody asked for rewriting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<Vec<Removed>>,
}

/// Canonicalises `text`, against `base` if given, and derives its keys.
pub fn explain(text: &str, base: Option<&CrawlUrl>) -> Result<Explained, UrlError> {
    canonical_of(text, base).map(|canonical| explained(canonical, None))
}

/// The same for a crawl that rewrites links.
pub fn explain_rewritten(
    text: &str,
    base: Option<&CrawlUrl>,
    rewriter: &Rewriter,
) -> Result<Explained, UrlError> {
    let canonical = canonical_of(text, base)?;
    Ok(match rewriter.rewrite(&canonical) {
        Some(Rewritten { url, removed }) => explained(url, Some(removed)),
        None => explained(canonical, Some(Vec::new())),
    })
}

fn canonical_of(text: &str, base: Option<&CrawlUrl>) -> Result<CrawlUrl, UrlError> {
    match base {
        Some(base) => base.join(text),
        None => CrawlUrl::parse(text),
    }
}

fn explained(canonical: CrawlUrl, removed: Option<Vec<Removed>>) -> Explained {
    Explained {
        surt: canonical.surt(),
        host: canonical.host().to_owned(),
        site: canonical.site(),
        fingerprint: CrawlKey::ZERO.fingerprint(&canonical),
        canonical,
        removed,
    }
}
