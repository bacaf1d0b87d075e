//! The oracle: what a crawl of scope `any` from all seeds must find, computed from the plans.
//!
//! In: the atlas. Out: [`Truth`]. May touch: `answer`, `plan`, `robots`. Must not touch: HTTP, markup.
//! Invariant: the result does not depend on the order of crawling. Steps of redirect chains are reached in
//! one way only, and nothing is reached only through half a page or a link not to be followed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::SimWeb;
use crate::answer::Answer;
use crate::limits::REDIRECT_HOPS_MAX;
use crate::place::{Atlas, Path, Place};
use crate::robots::Verdict;

/// How a URL must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fate {
    /// A whole 2xx response.
    Captured,
    /// A 2xx response whose body ends early every time: captured with a mark, or failed.
    CutShort,
    /// A redirect, whether its target is within the hop limit or not.
    Redirect,
    /// 403, 404 or 410.
    Gone,
    /// An error or silence for ever: failed once its attempts are spent.
    Failed,
    /// Forbidden by a robots rule.
    RobotsDenied,
    /// `robots.txt` cannot be had, so everything is forbidden.
    RobotsUnreachable,
    /// The crawl-delay is above the cap of 300 s.
    DelayTooLong,
    /// The name does not resolve.
    Unresolved,
}

impl Fate {
    /// A stable name in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Fate::Captured => "captured",
            Fate::CutShort => "cut_short",
            Fate::Redirect => "redirect",
            Fate::Gone => "gone",
            Fate::Failed => "failed",
            Fate::RobotsDenied => "robots_denied",
            Fate::RobotsUnreachable => "robots_unreachable",
            Fate::DelayTooLong => "delay_too_long",
            Fate::Unresolved => "unresolved",
        }
    }
}

/// What the crawler whose truth is asked for does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TruthRules {
    /// Whether it reads the sitemaps that `robots.txt` names.
    pub sitemaps: bool,
    /// Whether it reads them even where `robots.txt` forbids their path or asks for a delay above the cap.
    pub forbidden_sitemaps: bool,
    /// Whether the sitemaps are URLs like any other to it, which it finds and accounts for.
    pub sitemap_files: bool,
    /// Redirects it follows in a row.
    pub redirect_hops_max: u8,
}

impl Default for TruthRules {
    fn default() -> Self {
        TruthRules {
            sitemaps: false,
            forbidden_sitemaps: true,
            sitemap_files: false,
            redirect_hops_max: REDIRECT_HOPS_MAX,
        }
    }
}

impl TruthRules {
    fn reads_sitemap(self, atlas: &Atlas, site: u32) -> bool {
        let may = || atlas.verdict(site, Path::Sitemap(0)) == Verdict::Allowed;
        self.sitemaps && atlas.names_sitemap(site) && (self.forbidden_sitemaps || may())
    }
}

/// Every URL that must be discovered, in its canonical spelling, and how it must end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    fates: BTreeMap<String, Fate>,
}

impl Truth {
    /// How `url` must end; `None` when it must not be discovered.
    #[must_use]
    pub fn fate(&self, url: &str) -> Option<Fate> {
        self.fates.get(url).copied()
    }

    /// All URLs in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Fate)> {
        self.fates.iter().map(|(url, fate)| (url.as_str(), *fate))
    }

    /// Number of URLs of one fate.
    #[must_use]
    pub fn count(&self, fate: Fate) -> usize {
        self.fates.values().filter(|&&one| one == fate).count()
    }

    /// Number of URLs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fates.len()
    }

    /// Whether there is no URL; never so for a web, which has a seed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fates.is_empty()
    }
}

impl SimWeb {
    /// What a crawl of scope `any` from [`SimWeb::seeds`] must find. Cost: about 5 us a page. Of a trap web: its real
    /// pages.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.truth_for(TruthRules::default())
    }

    /// The same for a crawler with other habits.
    #[must_use]
    pub fn truth_for(&self, rules: TruthRules) -> Truth {
        if self.atlas.config.traps {
            let pages = self.trap_pages().map(|url| (url, Fate::Captured));
            return Truth {
                fates: pages.collect(),
            };
        }
        let mut walk = Walk {
            atlas: &self.atlas,
            seen: BTreeSet::new(),
            queue: VecDeque::new(),
            rules,
        };
        for site in 0..self.atlas.config.sites {
            walk.find(self.atlas.root(site), 0);
            if rules.sitemap_files && rules.sitemaps && self.atlas.names_sitemap(site) {
                let read = rules.reads_sitemap(&self.atlas, site);
                let parts = if read {
                    self.atlas.sitemap_parts(site)
                } else {
                    0
                };
                for part in 0..=parts {
                    walk.find(self.atlas.root(site).with(Path::Sitemap(part)), 0);
                }
            }
            if rules.reads_sitemap(&self.atlas, site) {
                for page in 0..self.atlas.site(site).listed() {
                    walk.find(self.atlas.root(site).with(Path::Page(page)), 0);
                }
            }
        }
        let mut fates = BTreeMap::new();
        while let Some((place, hops)) = walk.queue.pop_front() {
            let fate = walk.visit(place, hops);
            fates.insert(self.atlas.url(place), fate);
        }
        Truth { fates }
    }
}

struct Walk<'a> {
    atlas: &'a Atlas,
    seen: BTreeSet<Place>,
    queue: VecDeque<(Place, u8)>,
    rules: TruthRules,
}

impl Walk<'_> {
    fn find(&mut self, place: Place, hops: u8) {
        if hops <= self.rules.redirect_hops_max && self.seen.insert(place) {
            self.queue.push_back((place, hops));
        }
    }

    fn visit(&mut self, place: Place, hops: u8) -> Fate {
        if !self.atlas.resolves(place.site) {
            return Fate::Unresolved;
        }
        match self.atlas.verdict(place.site, place.path) {
            Verdict::Allowed => {}
            Verdict::Denied => return Fate::RobotsDenied,
            Verdict::Unreachable => return Fate::RobotsUnreachable,
            Verdict::Parked => return Fate::DelayTooLong,
        }
        match self.atlas.answer(place) {
            Answer::Page { page, cut } => {
                self.follow(place, page);
                if cut.is_some() {
                    Fate::CutShort
                } else {
                    Fate::Captured
                }
            }
            Answer::Recovers { page, .. } => {
                self.follow(place, page);
                Fate::Captured
            }
            Answer::Redirect(_, to) => {
                self.find(to, hops + 1);
                Fate::Redirect
            }
            Answer::Gone(_) => Fate::Gone,
            Answer::Error(_) | Answer::Silence => Fate::Failed,
            Answer::Maze(_)
            | Answer::Robots(_)
            | Answer::Sitemap(_)
            | Answer::Style
            | Answer::Image => Fate::Captured,
        }
    }

    fn follow(&mut self, place: Place, page: u32) {
        let plan = self.atlas.plan(place, page);
        if plan.nofollow() {
            return;
        }
        for link in plan.links.iter().filter(|link| !link.nofollow) {
            self.find(link.to, 0);
        }
    }
}
