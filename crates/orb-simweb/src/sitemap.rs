//! Sitemaps (sitemaps.org protocol 0.9): one file, or an index of files.
//!
//! In: a site, a part and the wall clock. Out: the file.
//! May touch: `place`, `living`, flate2. Must not touch: page content.
//! Invariant: every page of a site is in exactly one part.

use std::io::Write as _;
use std::ops::Range;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};
use orb_env::Wall;

use crate::limits::SITEMAP_URLS_MAX;
use crate::place::{Atlas, Path, Place};

const HEAD: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const SPACE: &[u8] = b" xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n";

impl Atlas {
    /// Number of parts: zero when one file is enough; a living site has two at least.
    pub(crate) fn sitemap_parts(&self, site: u32) -> u32 {
        let site = self.site(site);
        let parts = site.listed().div_ceil(SITEMAP_URLS_MAX);
        match (site.living, parts) {
            (true, _) => parts.max(2),
            (false, 0 | 1) => 0,
            (false, _) => parts,
        }
    }

    /// Whether the part is a gzip file.
    pub(crate) fn is_packed(&self, site: u32, part: u32) -> bool {
        self.site(site).living && part == self.sitemap_parts(site)
    }

    /// The file as it is sent, or `None` when there is no such part.
    pub(crate) fn sitemap_file(&self, site: u32, part: u32, now: Wall) -> Option<Vec<u8>> {
        let text = self.sitemap_text(site, part, now)?;
        if !self.is_packed(site, part) {
            return Some(text);
        }
        let mut file = GzEncoder::new(Vec::new(), Compression::fast());
        file.write_all(&text).expect("memory takes everything");
        Some(file.finish().expect("memory takes everything"))
    }

    fn sitemap_text(&self, site: u32, part: u32, now: Wall) -> Option<Vec<u8>> {
        let parts = self.sitemap_parts(site);
        if part > parts {
            return None;
        }
        let root = self.root(site);
        let mut out = HEAD.to_vec();
        let is_index = part == 0 && parts > 0;
        let name = if is_index { "sitemapindex" } else { "urlset" };
        out.push(b'<');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(SPACE);
        if is_index {
            for part in 1..=parts {
                let pages = self.listed_in(site, part);
                let changed = pages.map(|page| self.told_change(site, page, now)).max();
                self.write_record(&mut out, "sitemap", root.with(Path::Sitemap(part)), changed);
            }
        } else {
            for page in self.listed_in(site, part) {
                let changed = Some(self.told_change(site, page, now));
                self.write_record(&mut out, "url", root.with(Path::Page(page)), changed);
            }
        }
        out.extend_from_slice(b"</");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b">\n");
        Some(out)
    }

    /// The pages of one part.
    fn listed_in(&self, site: u32, part: u32) -> Range<u32> {
        let pages = self.site(site).listed();
        let each = pages.div_ceil(self.sitemap_parts(site).max(1));
        let first = part.saturating_sub(1) * each;
        first.min(pages)..(first + each).min(pages)
    }

    fn write_record(&self, out: &mut Vec<u8>, name: &str, place: Place, changed: Option<Wall>) {
        let mut url = Vec::with_capacity(96);
        self.write_url(&mut url, place);
        out.push(b'<');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"><loc>");
        for &byte in &url {
            if byte == b'&' {
                out.extend_from_slice(b"&amp;");
            } else {
                out.push(byte);
            }
        }
        out.extend_from_slice(b"</loc>");
        if let Some(changed) = changed {
            out.extend_from_slice(b"<lastmod>");
            out.extend_from_slice(self.lastmod(changed, place.site).as_bytes());
            out.extend_from_slice(b"</lastmod>");
        }
        out.extend_from_slice(b"</");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b">\n");
    }

    /// W3C date and time, in a form of the site's own.
    fn lastmod(&self, changed: Wall, site: u32) -> String {
        let date = Timestamp::from_microsecond(changed.0).unwrap_or(Timestamp::MAX);
        let there = date.saturating_add(SignedDuration::from_mins(330));
        let written = match (self.site(site).living, site % 3, there) {
            (false, ..) => date.strftime("%Y-%m-%d"),
            (true, 0, Ok(there)) => there.strftime("%Y-%m-%dT%H:%M:%S+05:30"),
            (true, 1, _) => date.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            (true, ..) => date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        };
        written.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LivingSites, SimWebConfig};

    #[test]
    fn every_page_is_in_exactly_one_part() {
        for (pages, share) in [(3, 0.0), (4_000, 0.0), (3, 1.0), (4_000, 1.0)] {
            let config = SimWebConfig {
                sites: 4,
                pages_per_site: pages,
                living: LivingSites {
                    share,
                    ..LivingSites::NONE
                },
                ..SimWebConfig::default()
            };
            let atlas = Atlas::new(config);
            for site in 0..4 {
                let parts = atlas.sitemap_parts(site);
                let range = if parts == 0 { 0..=0 } else { 1..=parts };
                let urls: usize = range
                    .map(|part| atlas.sitemap_text(site, part, Wall(0)).unwrap())
                    .map(|text| String::from_utf8(text).unwrap().matches("<url>").count())
                    .sum();
                assert_eq!(urls, atlas.site(site).listed() as usize);
                assert!(atlas.sitemap_text(site, parts + 1, Wall(0)).is_none());
            }
        }
    }
}
