//! Sitemaps in a crawl: the files that robots.txt names become found URLs, and what they list does too.
//!
//! In: robots copies that came in force, responses to sitemap files. Out: links, in the group being built.
//! May touch: `orb-feeds`, link blocks. Must not touch: sockets, queues.
//! Invariant: a sitemap speaks for its own site alone; nothing of it is fetched but as a found URL, by every rule.

use std::panic::{AssertUnwindSafe, catch_unwind};

use orb_feeds::{SitemapEntry, SitemapKind, SitemapLimits, read_sitemap};
use orb_fetch::{Response, decode_content};
use orb_frontier::{Found, How};
use orb_metrics::happened;
use orb_page::header_directives;
use orb_url::{BaseUrl, CrawlUrl, Origin};

use crate::event::{Purpose, Task};
use crate::page::{PageFacts, PageLink, PageReader, usage_fields};
use crate::shard::Shard;

/// What a sitemap file said, beside its links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MapFacts {
    /// What it was read as.
    pub(crate) kind: &'static str,
    /// Lines that name what may be fetched.
    pub(crate) taken: u64,
    /// Lines that name other sites.
    pub(crate) elsewhere: u64,
    /// Why it was not read to its end.
    pub(crate) cut: Option<&'static str>,
}

impl MapFacts {
    /// Whether something of it could not be read.
    fn is_damaged(&self) -> bool {
        self.cut.is_some() || self.kind == SitemapKind::Unknown.name()
    }
}

/// Whether what a URL answers with is read as a sitemap, whatever its type.
pub(crate) fn is_map(purpose: &Purpose) -> bool {
    matches!(purpose, Purpose::Page(queued, _) if queued.row.found.how == How::SitemapFile)
}

impl PageReader {
    /// Reads a response as a sitemap, whatever type it claims.
    pub(crate) fn read_map(&self, url: &CrawlUrl, response: &Response) -> PageFacts {
        let read = || self.read_map_inner(url, response, true);
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| PageFacts {
            poisoned: true,
            ..PageFacts::default()
        })
    }

    /// `named`: whether somebody said that it is one; else it has to look like one.
    pub(crate) fn read_map_inner(
        &self,
        url: &CrawlUrl,
        response: &Response,
        named: bool,
    ) -> PageFacts {
        let tags: Vec<&str> = response.header_values("x-robots-tag").collect();
        let mut facts = PageFacts {
            directives: header_directives(&tags.join("\n"), &self.scan.token),
            usage: usage_fields(response),
            ..PageFacts::default()
        };
        let coding = response.content_encoding();
        let decoded = decode_content(coding.as_deref(), response.payload(), &self.limits);
        facts.decode_oddities = decoded
            .oddities
            .iter()
            .map(|oddity| oddity.name())
            .collect();
        let mut map = MapFacts {
            kind: SitemapKind::Unknown.name(),
            ..MapFacts::default()
        };
        if !decoded.encoded {
            let sitemap = read_sitemap(&decoded.bytes, &SitemapLimits::default());
            map.kind = sitemap.kind.name();
            map.cut = sitemap.truncated.map(|cut| cut.name());
            let how = match sitemap.kind {
                SitemapKind::Index => How::SitemapFile,
                _ => How::Sitemap,
            };
            take_entries(url, how, &sitemap.entries, &mut map, &mut facts);
        }
        decoded.recycle();
        let is_list = map.kind != SitemapKind::Unknown.name();
        facts.map = (named || is_list).then_some(map);
        facts
    }
}

/// Makes links of what a sitemap lists: of its own site alone, for nobody can say who wrote the rest.
fn take_entries(
    url: &CrawlUrl,
    how: How,
    entries: &[SitemapEntry],
    map: &mut MapFacts,
    facts: &mut PageFacts,
) {
    let base = BaseUrl::new(url);
    for entry in entries {
        let Ok(target) = base.join(&entry.location) else {
            facts.bad_links += 1;
            continue;
        };
        if target.site_str() != url.site_str() {
            map.elsewhere += 1;
            continue;
        }
        if facts.directives.nofollow {
            facts.nofollow_links += 1;
            continue;
        }
        map.taken += 1;
        if target != *url {
            facts.links.push(PageLink {
                url: target,
                how,
                rel: String::new(),
                text: String::new(),
            });
        }
    }
}

impl Shard {
    /// A robots copy came in force: the sitemaps it names are found.
    pub(crate) fn maps_named(&mut self, at: usize, origin: &Origin) {
        if !self.shared.config.frontier.sitemaps.enabled {
            return;
        }
        let robots = origin.robots_url();
        let base = BaseUrl::new(&robots);
        for name in self.slots[at].copies.sitemaps(origin) {
            let cause = match base.join(&name) {
                Ok(url) if url.site_str() == robots.site_str() => {
                    self.pass_on(
                        at,
                        Found {
                            url,
                            via: Some(robots.clone()),
                            depth: 1,
                            hops: 0,
                            how: How::SitemapFile,
                            bare_domain: false,
                            rank: None,
                        },
                    );
                    continue;
                }
                Ok(_) => "sitemap_elsewhere",
                Err(_) => "bad_url",
            };
            self.slots[at].frontier.sighted(cause);
        }
    }

    /// A sitemap was read: it is counted, and what it lists elsewhere is.
    pub(crate) fn map_read(&mut self, at: usize, task: &Task, map: &MapFacts) {
        let slot = &mut self.slots[at];
        let counts = &mut slot.counts.sitemaps;
        counts.read += 1;
        counts.urls += map.taken;
        for _ in 0..map.elsewhere {
            slot.frontier.sighted("sitemap_elsewhere");
        }
        let is_new = matches!(&task.purpose, Purpose::Page(queued, _) if queued.known.is_none());
        if is_new && map.taken > 0 {
            slot.frontier.note_useful_map(task.visit.id);
        }
        if map.is_damaged() {
            let (kind, cut) = (map.kind, map.cut.unwrap_or("no"));
            slot.counts.sitemaps.damaged += 1;
            if slot.counts.sitemaps.damaged == 1 {
                happened!(SitemapDamaged, slot = %slot.id, url = %task.url, kind, cut);
            }
            tracing::debug!(url = %task.url, kind, cut, "sitemap could not be read to its end");
        }
    }

    /// What a sitemap lists, as found URLs; `from` is the file. Its depth is how many steps it is from robots.txt, or
    /// from the seed that it is.
    pub(crate) fn listed(&mut self, at: usize, from: &Found, links: Vec<PageLink>) {
        let depth = from.depth.saturating_add(1);
        let deeper = self.shared.config.frontier.sitemaps.takes_nesting(depth);
        for link in links {
            if link.how == How::SitemapFile && !deeper {
                self.slots[at].frontier.sighted("sitemap_nesting");
                continue;
            }
            self.pass_on(
                at,
                Found {
                    url: link.url,
                    via: Some(from.url.clone()),
                    depth,
                    hops: 0,
                    how: link.how,
                    bare_domain: false,
                    rank: None,
                },
            );
        }
    }
}
