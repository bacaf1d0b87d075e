//! Sitemaps in a crawl: the files that robots.txt names become found URLs, and what they list does too.
//!
//! In: robots copies that came in force, responses to sitemap files. Out: links, in the group being built.
//! May touch: `orb-feeds`, link blocks. Must not touch: sockets, queues.
//! Invariant: a sitemap speaks for its own site alone; nothing of it is fetched but as a found URL, by every rule.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use orb_env::Wall;
use orb_feeds::{SitemapEntry, SitemapKind, SitemapLimits, read_sitemap};
use orb_fetch::{Response, decode_content};
use orb_frontier::rows::FateRow;
use orb_frontier::{Claim, Found, Frontier, How, Queued, RecrawlConfig, Settled, SiteId, Visit};
use orb_metrics::happened;
use orb_page::header_directives;
use orb_url::{BaseUrl, CrawlUrl, Fingerprint, Origin};

use crate::again::has_changed;
use crate::event::{Purpose, Task};
use crate::fetched::Archived;
use crate::limits::CLAIM_BYTES;
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
    /// Of some links, by their place, when they were changed.
    pub(crate) claims: Vec<(usize, Wall)>,
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
            if let Some(modified) = entry.modified {
                map.claims.push((facts.links.len(), modified));
            }
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

    /// What a sitemap lists, as found URLs, with what it says of when they changed. Its depth is how many steps it is
    /// from robots.txt, or from the seed that it is.
    pub(crate) fn listed(&mut self, at: usize, task: &Task, facts: PageFacts) {
        let Purpose::Page(queued, _) = &task.purpose else {
            return;
        };
        let from = &queued.row.found;
        self.claimed(at, task, queued.row.fingerprint, &facts);
        let depth = from.depth.saturating_add(1);
        let deeper = self.shared.config.frontier.sitemaps.takes_nesting(depth);
        for link in facts.links {
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

    /// What a sitemap says of when pages changed goes into the group, where pages are fetched again.
    fn claimed(&mut self, at: usize, task: &Task, sitemap: Fingerprint, facts: &PageFacts) {
        let slot = &mut self.slots[at];
        let claims = facts.map.as_ref().map_or(&[][..], |map| &map.claims);
        if claims.is_empty() || !slot.frontier.heeds_claims() {
            return;
        }
        for &(place, modified) in claims {
            let page = self.shared.key.fingerprint(&facts.links[place].url);
            let claim = Claim { modified, sitemap };
            claim.put(task.visit.key, page, &mut slot.group.batch);
        }
        slot.frontier.claims_made(task.visit.id);
        let bytes = claims.len() * CLAIM_BYTES;
        slot.group.grew(bytes, self.env.clock.mono());
    }

    /// A queued URL whose turn it is: none when it is excluded, or is fetched later by what its sitemap says.
    pub(crate) fn wanted_now(
        &mut self,
        at: usize,
        visit: &Visit,
        queued: Queued,
    ) -> Option<Queued> {
        let queued = self.wanted_still(at, visit, queued)?;
        let now = self.env.clock.stamp();
        let slot = &mut self.slots[at];
        let due = slot.frontier.put_off_until(visit.id, &queued, now.wall);
        let due = due.map(|due| self.steady.of(due, now));
        let Some(due) = due.filter(|due| *due > self.steady.stamp(now).wall) else {
            return Some(queued);
        };
        let later = Settled::Retry(due, queued.row.attempts);
        let batch = &mut slot.group.batch;
        slot.frontier.settle(visit.id, queued, later, batch);
        slot.counts.sitemaps.put_off += 1;
        slot.group.grew(0, now.mono);
        None
    }
}

/// A sitemap that is as it was lists what it listed: its lines are not looked at again.
pub(crate) fn forget_known_map(task: &Task, archived: Option<&Archived>, facts: &mut PageFacts) {
    let Purpose::Page(queued, _) = &task.purpose else {
        return;
    };
    let known = queued.known.as_ref().and_then(|known| known.digest);
    let now = archived.map(|archived| archived.digest.to_bytes());
    if let Some(map) = facts
        .map
        .as_mut()
        .filter(|_| known.is_some() && known == now)
    {
        map.claims.clear();
        facts.links.clear();
    }
}

/// Holds what a fetch found against what sitemaps said of it. Returns how long the URL may be taken to stay as it is: a
/// sitemap of a site that is not believed is a page like any other.
pub(crate) fn heed_claim(
    frontier: &mut Frontier,
    recrawl: &RecrawlConfig,
    id: SiteId,
    queued: &Queued,
    fate: &FateRow,
    fresh: Option<Duration>,
) -> Option<Duration> {
    if let Some(known) = &queued.known {
        frontier.note_claim(id, queued, has_changed(known, fate));
    }
    if fate.found.how == How::SitemapFile && !frontier.believes_claims(id) {
        return fresh.max(Some(recrawl.interval_first));
    }
    fresh
}
