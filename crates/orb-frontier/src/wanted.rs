//! Whether a found URL is wanted: every rule before the sieve, in the order they are asked.
//!
//! In: settings, rules, what is known of the URL's site. Out: nothing, or the cause that stops the link.
//! May touch: nothing. Must not touch: the site table; who asks keeps it.
//! Invariant: links on their way in and people who ask later are judged by the same lines of code.

use crate::limits::SITE_URLS_MAX;
use crate::scope::ScopeMarks;
use crate::{
    Exclusions, Found, FrontierConfig, How, Scope, SiteWishes, StoredSite, Tally, UrlRules,
};

/// The name under which a link that is stopped is counted.
pub type Cause = &'static str;

/// Settings and rules to judge by.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Settings.
    pub config: &'a FrontierConfig,
    /// URLs the operator does not want.
    pub rules: &'a UrlRules,
    /// What was taken out of the crawl since it began.
    pub exclusions: &'a Exclusions,
    /// What orders say of single sites.
    pub wishes: &'a SiteWishes,
}

impl Wanted<'_> {
    /// What can be said without its site: redirects in a row, depth, the operator's rules.
    ///
    /// # Errors
    /// The cause that stops the link.
    pub fn itself(&self, found: &Found) -> Result<(), Cause> {
        if found.hops > self.config.redirects_max {
            Err("redirect_limit")
        } else if self.config.depth_max > 0 && found.leads_to() > self.config.depth_max {
            Err("depth")
        } else if self.rules.stop(&found.url) {
            Err("rule")
        } else if let Some(exclusion) = self.exclusions.stopping(&found.url) {
            Err(exclusion.cause())
        } else {
            Ok(())
        }
    }

    /// Whether a site that nobody knew becomes known by this URL. `full`: the site table is at its memory.
    ///
    /// # Errors
    /// The cause that stops the link.
    pub fn new_site(&self, found: &Found, full: bool) -> Result<(), Cause> {
        if full {
            Err("frontier_full")
        } else if leads(found) || self.config.scope == Scope::Any {
            Ok(())
        } else {
            Err("scope")
        }
    }

    /// Whether it lies in scope, and its site has room for it.
    ///
    /// # Errors
    /// The cause that stops the link.
    pub fn in_site(&self, found: &Found, tally: &Tally, marks: &ScopeMarks) -> Result<(), Cause> {
        let (url, config) = (&found.url, self.config);
        if !covers(marks, found, config.scope, tally.seeded) {
            return Err("scope");
        }
        // How far a site without a seed is from one, its robots.txt does not say.
        if found.how == How::SitemapFile && config.depth_max > 0 && !tally.seeded {
            return Err("depth");
        }
        let (queued, cold) = (u64::from(tally.queued), u64::from(tally.cold));
        let most = self
            .wishes
            .pages_max(url.site_str(), config.pages_per_site_max);
        let spent = most.is_some_and(|most| tally.counted() >= most);
        if (spent && cold >= config.cold_per_site_max) || queued + cold >= SITE_URLS_MAX {
            Err("full")
        } else if found.how == How::Sitemap && !config.sitemaps.takes_urls(queued + cold) {
            Err("sitemap_full")
        } else {
            Ok(())
        }
    }

    /// All of it, for who only wants to know.
    ///
    /// # Errors
    /// The cause that stops the link.
    pub fn judge(&self, found: &Found, site: Option<&StoredSite>, full: bool) -> Result<(), Cause> {
        self.itself(found)?;
        if site.is_none() {
            self.new_site(found, full)?;
        }
        let mut tally = site.map(|site| site.tally).unwrap_or_default();
        let mut marks = site.map(|site| site.marks.clone()).unwrap_or_default();
        if leads(found) {
            tally.seeded = true;
            marks.note_seed(&found.url, self.config.scope);
        }
        self.in_site(found, &tally, &marks)
    }
}

/// Whether a URL of a site lies in scope. A list of pages lies where its site wants it, often above them: what it
/// lists is held against the scope one by one.
fn covers(marks: &ScopeMarks, found: &Found, scope: Scope, seeded: bool) -> bool {
    match (found.how, scope) {
        (How::SitemapFile, Scope::Prefix) => marks.covers_origin(&found.url),
        _ => marks.covers(&found.url, scope, seeded),
    }
}

/// A seed, and where a seed redirects to, says itself what is in scope.
pub(crate) fn leads(found: &Found) -> bool {
    found.how == How::Seed || (found.how == How::Redirect && found.depth == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SiteRow;
    use orb_shard::SiteKey;
    use orb_url::{CrawlUrl, Site};

    fn found(url: &str, how: How) -> Found {
        Found {
            url: CrawlUrl::parse(url).unwrap(),
            via: None,
            depth: u16::from(how != How::Seed),
            hops: 0,
            how,
            bare_domain: false,
            rank: None,
        }
    }

    #[test]
    fn every_cause_has_its_case() {
        let mut rules = UrlRules::default();
        rules.add("https://a.example/private/*").unwrap();
        let config = FrontierConfig {
            depth_max: 3,
            pages_per_site_max: 10,
            cold_per_site_max: 5,
            ..FrontierConfig::default()
        };
        let wanted = Wanted {
            config: &config,
            rules: &rules,
            exclusions: &Exclusions::default(),
            wishes: &SiteWishes::default(),
        };
        let stored = |tally| StoredSite {
            key: SiteKey::from_bytes([1; 8]),
            row: SiteRow::new(Site::of_host("a.example")),
            tally,
            marks: ScopeMarks::default(),
        };
        let unseeded = stored(Tally::default());
        let seeded = stored(Tally {
            seeded: true,
            ..Tally::default()
        });
        let link = found("https://a.example/x", How::Link);
        let check = |found: &Found, site: Option<&StoredSite>, full, expected| {
            assert_eq!(wanted.judge(found, site, full), expected, "{found:?}");
        };
        check(&link, Some(&seeded), false, Ok(()));
        check(&link, Some(&unseeded), false, Err("scope"));
        check(&link, None, false, Err("scope"));
        check(&found("https://b.example/", How::Seed), None, false, Ok(()));
        check(
            &found("https://b.example/", How::Seed),
            None,
            true,
            Err("frontier_full"),
        );
        let private = found("https://a.example/private/x", How::Link);
        check(&private, Some(&seeded), false, Err("rule"));
        let deep = Found {
            depth: 4,
            ..link.clone()
        };
        check(&deep, Some(&seeded), false, Err("depth"));
        let far = Found {
            hops: 6,
            ..link.clone()
        };
        check(&far, Some(&seeded), false, Err("redirect_limit"));
        let spent = stored(Tally {
            queued: 10,
            cold: 5,
            ..seeded.tally
        });
        check(&link, Some(&spent), false, Err("full"));
    }
}
