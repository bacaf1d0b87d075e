//! Sitemaps (sitemaps.org protocol 0.9): one file, or an index of files.
//!
//! In: a site and a part. Out: XML, and the same list of pages for the oracle.
//! May touch: `place`. Must not touch: page content.
//! Invariant: every page of a site is in exactly one part.

use crate::limits::SITEMAP_URLS_MAX;
use crate::place::{Atlas, Path};

const HEAD: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const SPACE: &[u8] = b" xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n";

impl Atlas {
    /// Number of parts: zero when one file is enough.
    pub(crate) fn sitemap_parts(&self, site: u32) -> u32 {
        let pages = self.site(site).pages;
        if pages > SITEMAP_URLS_MAX {
            pages.div_ceil(SITEMAP_URLS_MAX)
        } else {
            0
        }
    }

    /// The file, or `None` when there is no such part.
    pub(crate) fn sitemap_text(&self, site: u32, part: u32) -> Option<Vec<u8>> {
        let parts = self.sitemap_parts(site);
        let root = self.root(site);
        let mut out = HEAD.to_vec();
        if part == 0 && parts > 0 {
            out.extend_from_slice(b"<sitemapindex");
            out.extend_from_slice(SPACE);
            for part in 1..=parts {
                out.extend_from_slice(b"<sitemap><loc>");
                self.write_url(&mut out, root.with(Path::Sitemap(part)));
                out.extend_from_slice(b"</loc></sitemap>\n");
            }
            out.extend_from_slice(b"</sitemapindex>\n");
            return Some(out);
        }
        if part > parts {
            return None;
        }
        let first = part.saturating_sub(1) * SITEMAP_URLS_MAX;
        let last = (first + SITEMAP_URLS_MAX).min(self.site(site).pages);
        out.extend_from_slice(b"<urlset");
        out.extend_from_slice(SPACE);
        let mut url = Vec::with_capacity(96);
        for page in first..last {
            url.clear();
            self.write_url(&mut url, root.with(Path::Page(page)));
            out.extend_from_slice(b"<url><loc>");
            for &byte in &url {
                if byte == b'&' {
                    out.extend_from_slice(b"&amp;")
                } else {
                    out.push(byte)
                }
            }
            out.extend_from_slice(b"</loc><lastmod>2025-03-01</lastmod></url>\n");
        }
        out.extend_from_slice(b"</urlset>\n");
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SimWebConfig;

    #[test]
    fn every_page_is_in_exactly_one_part() {
        for pages in [3, 4_000] {
            let config = SimWebConfig {
                sites: 4,
                pages_per_site: pages,
                ..SimWebConfig::default()
            };
            let atlas = Atlas::new(config);
            for site in 0..4 {
                let parts = atlas.sitemap_parts(site);
                let range = if parts == 0 { 0..=0 } else { 1..=parts };
                let urls: usize = range
                    .map(|part| atlas.sitemap_text(site, part).unwrap())
                    .map(|text| String::from_utf8(text).unwrap().matches("<url>").count())
                    .sum();
                assert_eq!(urls, atlas.site(site).pages as usize);
                assert!(atlas.sitemap_text(site, parts + 1).is_none());
            }
        }
    }
}
