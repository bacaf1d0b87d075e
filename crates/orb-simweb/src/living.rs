//! Sites that live: what only their sitemaps lead to, when each page was changed last, and who lies about it.
//!
//! In: a site, a page, the wall clock (an argument). Out: numbers and dates that follow from them.
//! May touch: `place`, `site`. Must not touch: clocks, markup.
//! Invariant: a page's links never change, so what a crawl must find does not depend on when it comes; a date is never
//! older than the change it tells of and never later than now, but that of a liar, which is now.
//!
//! Of a living site a third of the pages never change. The front page changes every [`LivingSites::change_seconds`], each
//! other page as often or up to 64 times less often. A change is another text, another `ETag` and another
//! `Last-Modified`. `robots.txt` names an index of at least two sitemaps, the last one a gzip file.
//!
//! [`LivingSites::change_seconds`]: crate::LivingSites::change_seconds

use orb_env::Wall;

use crate::SimWeb;
use crate::place::{Atlas, Path, Place};

const SECOND_US: i64 = 1_000_000;

/// 2025-03-01T12:00:00Z: when every page was written, and the last change of those that never change.
const WRITTEN: Wall = Wall(1_740_830_400_000_000);

impl Atlas {
    /// How often the page changes, in microseconds; `None` when it never does.
    fn period_us(&self, site: u32, page: u32) -> Option<i64> {
        if !self.site(site).living {
            return None;
        }
        let shortest = i64::from(self.config.living.change_seconds.max(1)) * SECOND_US;
        let draw = self.draw(24, site, page);
        match draw % 3 {
            _ if page == 0 => Some(shortest),
            0 => None,
            _ => Some(shortest << ((draw >> 8) % 7)),
        }
    }

    /// Which of its versions the page shows at `now`, from zero, and since when.
    pub(crate) fn edition(&self, site: u32, page: u32, now: Wall) -> (u64, Wall) {
        let Some(period) = self.period_us(site, page) else {
            return (0, WRITTEN);
        };
        // Pages do not change all at once.
        let phase = self.draw(25, site, page) as i64 & i64::MAX;
        let phase = phase % (period / SECOND_US) * SECOND_US;
        let since = now.0.saturating_sub(WRITTEN.0 + phase);
        if since < 0 {
            return (0, WRITTEN);
        }
        let changed = now.0 - since % period;
        (1 + (since / period) as u64, Wall(changed))
    }

    /// What the site's sitemap says of the page's last change.
    pub(crate) fn told_change(&self, site: u32, page: u32, now: Wall) -> Wall {
        if self.site(site).lying {
            Wall(now.0 - now.0.rem_euclid(SECOND_US))
        } else {
            self.edition(site, page, now).1
        }
    }

    /// The page a canonical URL names.
    fn page_of(&self, url: &str) -> Option<(u32, u32)> {
        let (_, rest) = url.split_once("://")?;
        let (host, _) = rest.split_once('/')?;
        let (site, _) = self.parse_host(host)?;
        match self.parse_path(site, &rest[host.len()..]) {
            Path::Page(page) => Some((site, page)),
            _ => None,
        }
    }

    fn listed_page(&self, site: u32, page: u32) -> Place {
        self.root(site).with(Path::Page(page))
    }
}

impl SimWeb {
    /// When the page at a canonical URL was changed last, seen from `now`: two responses differ in their text when and
    /// only when this does. `None` when the URL is no page.
    #[must_use]
    pub fn last_change(&self, url: &str, now: Wall) -> Option<Wall> {
        let (site, page) = self.atlas.page_of(url)?;
        Some(self.atlas.edition(site, page, now).1)
    }

    /// The pages that nothing but a sitemap leads to, where `robots.txt` names that; whether it or they may be fetched
    /// is another matter. None without [`LivingSites`](crate::LivingSites).
    pub fn listed_only(&self) -> impl Iterator<Item = String> {
        let atlas = &self.atlas;
        let sites = (0..atlas.config.sites).filter(|site| atlas.names_sitemap(*site));
        sites.flat_map(move |site| {
            let kind = atlas.site(site);
            (kind.pages..kind.listed()).map(move |page| atlas.url(atlas.listed_page(site, page)))
        })
    }

    /// Whether a site below [`SimWebConfig::sites`](crate::SimWebConfig::sites) lives: lists its pages and changes them.
    #[must_use]
    pub fn lives(&self, site: u32) -> bool {
        self.atlas.site(site).living
    }

    /// Whether the sitemaps of a living site say of every page that it was changed just now.
    #[must_use]
    pub fn lies(&self, site: u32) -> bool {
        self.atlas.site(site).lying
    }
}
