//! References of the page as absolute addresses.
//!
//! In: the page's address, its `<base>`, a reference as written. Out: an address for a reader, or none.
//! May touch: the URL Standard's parser. Must not touch: what is crawled; these addresses keep fragments and mail.
//! Invariant: no address that runs a script or carries its target inside comes out; the bytes resolved are bounded by
//! the page's size.

use std::cell::Cell;

use url::Url;

use crate::limits::{RESOLVED_BYTES_PER_BYTE, URL_BYTES_MAX};

/// Resolves references.
#[derive(Debug)]
pub(crate) struct Addresses {
    base: Option<Url>,
    /// Bytes that may still be resolved.
    budget_bytes: Cell<usize>,
}

impl Addresses {
    /// - `page`: the page's own address, if known.
    /// - `base_href`: its `<base href>` as written.
    pub(crate) fn new(page: Option<&Url>, base_href: Option<&str>, html_bytes: usize) -> Self {
        let base = match (page, base_href) {
            (Some(page), Some(href)) => page.join(href).ok().or_else(|| Some(page.clone())),
            (Some(page), None) => Some(page.clone()),
            (None, Some(href)) => Url::parse(href).ok(),
            (None, None) => None,
        };
        let fits = |base: &Url| {
            !matches!(base.scheme(), "data" | "javascript") && base.as_str().len() <= URL_BYTES_MAX
        };
        Self {
            base: base.filter(fits),
            budget_bytes: Cell::new(
                html_bytes
                    .saturating_mul(RESOLVED_BYTES_PER_BYTE)
                    .max(64 * 1024),
            ),
        }
    }

    /// The address meant. Without a base a relative reference stays as written.
    pub(crate) fn resolve(&self, href: &str) -> Option<String> {
        let href = href.trim();
        if href.is_empty() || href.len() > URL_BYTES_MAX || is_inert(href) {
            return None;
        }
        let cost = href.len() + self.base.as_ref().map_or(0, |base| base.as_str().len());
        let left = self.budget_bytes.get().checked_sub(cost)?;
        self.budget_bytes.set(left);
        let parsed = match &self.base {
            Some(base) => base.join(href),
            None => Url::parse(href),
        };
        match parsed {
            Ok(url) if is_for_readers(url.scheme()) && url.as_str().len() <= URL_BYTES_MAX => {
                Some(url.into())
            }
            Err(url::ParseError::RelativeUrlWithoutBase) => {
                Some(href.replace(|letter: char| letter.is_control(), ""))
            }
            _ => None,
        }
    }
}

/// Addresses that do something instead of leading somewhere.
fn is_inert(href: &str) -> bool {
    ["javascript:", "data:", "vbscript:", "blob:", "about:"]
        .iter()
        .any(|scheme| {
            href.get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        })
}

fn is_for_readers(scheme: &str) -> bool {
    !matches!(
        scheme,
        "javascript" | "data" | "vbscript" | "blob" | "about"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_become_addresses_for_readers() {
        let page = Url::parse("https://a.example/d/p").unwrap();
        let addresses = Addresses::new(Some(&page), Some("/e/"), 1_000);
        let resolve = |href: &str| addresses.resolve(href);
        assert_eq!(
            resolve("x?y#z").as_deref(),
            Some("https://a.example/e/x?y#z")
        );
        assert_eq!(
            resolve("mailto:a@b.example").as_deref(),
            Some("mailto:a@b.example")
        );
        assert_eq!(resolve("java\tscript:alert(1)"), None);
        assert_eq!(resolve("DATA:text/html,x"), None);
        let unknown = Addresses::new(None, None, 1_000);
        assert_eq!(unknown.resolve("x#y").as_deref(), Some("x#y"));
    }

    #[test]
    fn a_long_base_is_not_paid_for_every_link() {
        let page = Url::parse(&format!("https://a.example/{}", "x".repeat(4_000))).unwrap();
        let addresses = Addresses::new(Some(&page), None, 1_000);
        let resolved = (0..1_000)
            .filter(|_| addresses.resolve("y").is_some())
            .count();
        assert!(resolved < 100, "{resolved}");
    }
}
