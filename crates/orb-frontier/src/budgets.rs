//! Budgets of one site: which of its URLs are worth a fetch now, learnt from what earlier fetches brought.
//!
//! In: a URL about to be fetched; what a fetch brought (hashes of its text and links). Out: a [`Verdict`].
//! May touch: nothing but its own few kilobytes. Must not touch: queues, stores, clocks.
//! Invariant: bounded at any number of URLs; nothing is named by hand: a shape starves because its pages bring
//! nothing that the site did not show before, and lives again when one does.
//!
//! A URL has a chain of *shapes*, coarse to fine (`shape.rs`). The finest one with evidence decides; what is decided
//! is also evidence for the finer ones, so a section that differs from its site soon has a budget of its own, while
//! thousands of shapes seen once share their parent's. A shape's *health* goes up with new content and down without
//! (`nodes.rs`). What is new is judged by a sample of all text the site ever showed (`known.rs`), boilerplate left out
//! (`boilerplate.rs`). A starved shape's URLs wait in the site's last lane. When nothing better is left they are
//! fetched after all, unless their shape both says next to nothing and has no end: its pages keep leading to URLs that
//! were never met. Those are cut, but for a few probes, ever more rarely.

mod boilerplate;
mod known;
mod nodes;
mod shape;
mod spent;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use orb_url::CrawlUrl;

use self::boilerplate::Boilerplate;
use self::known::Known;
use self::nodes::{Decider, Newness, Node, Nodes, SCALE, Worth};
use self::shape::Shape;
use self::spent::Spent;
use crate::DecodeError;
use crate::codec::{put_varint, take_u8, take_varint};

const VERSION: u8 = 2;

/// Fetches of a site before budgets judge it and what was learnt of it is stored.
const STORE_FROM: u32 = 8;

/// URLs that wait when that begins: a site with few URLs cannot waste many fetches, and most sites have few.
const STORE_WAITING: u64 = 64;

/// Text hashes of a site that are remembered: all those of a dozen pages, one of a hundred of a thousand pages.
const TEXTS_MAX: usize = 1_024;

/// URL hashes of a site that are remembered: a site of as many URLs is known whole.
const URLS_MAX: usize = 512;

/// URLs of a page's links that were never met before, as far as one page counts: an index says where a site's pages
/// are, not that there is no end of them.
const FED_MAX: u32 = 2;

/// New links to proven shapes that make a page as good as can be.
const ONWARD_MAX: u32 = 4;

/// Text hashes in the sample that are enough to judge a page by; a page with fewer counts for less.
const KEYS: i32 = 4;

/// Text hashes of its own that a page is worth a fetch for: one with fewer counts as if it had as many, old ones.
const MARKS_WORTH: i32 = 80;

/// With fewer text hashes there is no text to judge by, and the bytes stand for the page.
const MARKS_MIN: usize = 3;

/// What to do with a queued URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Fetch it.
    Take,
    /// Its shape has spent its allowance for now: it goes to the site's last lane.
    Later,
    /// It goes to the cold log.
    Cut(CutCause),
}

/// Why a budget cut a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CutCause {
    /// `pages_per_site_max` is reached.
    SitePages,
    /// URLs of its shape bring nothing new.
    Shape,
    /// New hosts of the site bring nothing new.
    Hosts,
    /// `pages_per_host_max` is reached.
    HostPages,
    /// `pages_per_prefix_max` is reached.
    PrefixPages,
    /// `sitemaps.files_per_site_max` is reached.
    SitemapFiles,
}

impl CutCause {
    /// Each at the place of its number in stored rows.
    const ALL: [CutCause; 6] = [
        CutCause::SitePages,
        CutCause::Shape,
        CutCause::Hosts,
        CutCause::HostPages,
        CutCause::PrefixPages,
        CutCause::SitemapFiles,
    ];

    /// Its number in stored rows.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn of_number(number: u8) -> Option<CutCause> {
        CutCause::ALL.get(usize::from(number)).copied()
    }

    /// Stable name in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CutCause::SitePages => "site_pages",
            CutCause::Shape => "shape",
            CutCause::Hosts => "hosts",
            CutCause::HostPages => "host_pages",
            CutCause::PrefixPages => "prefix_pages",
            CutCause::SitemapFiles => "sitemap_files",
        }
    }
}

/// Bounds from the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetBounds {
    /// Pages of one host at most; 0 sets no bound.
    pub pages_per_host_max: u64,
    /// Pages of one host and first directory at most; 0 sets no bound.
    pub pages_per_prefix_max: u64,
    /// Whether shapes that bring nothing new starve.
    pub novelty: bool,
}

/// What a fetch brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct Yield<'a> {
    /// Hashes of the page's text, ascending and distinct; empty for what is no page, or no longer one.
    pub marks: &'a [u32],
    /// Hash of the bytes, for documents without text to judge by; `None` where none came.
    pub body: Option<u32>,
    /// Where the page leads.
    pub links: &'a [&'a CrawlUrl],
}

/// What stands behind a verdict, for those who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetLook {
    /// Which part of the URL decides: `site`, `host`, `family`, `query`, `directory`, `form` or `subdirectory`.
    pub level: &'static str,
    /// Fetches that it has seen.
    pub fetches: u32,
}

/// See the module. About 5 KB for a site of a hundred pages, at most [`Budgets::BYTES_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    fetched: u32,
    /// The site is large enough: what was learnt judges, and is stored, from now on.
    is_kept: bool,
    boilerplate: Boilerplate,
    /// Text hashes.
    said: Known<TEXTS_MAX>,
    /// URL hashes.
    urls: Known<URLS_MAX>,
    nodes: Nodes,
    spent: Spent,
}

impl BudgetBounds {
    /// Whether there is anything to judge by.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == BudgetBounds::default()
    }
}

impl Budgets {
    /// Encoded bytes at most.
    pub const BYTES_MAX: usize = 8
        + Boilerplate::BYTES
        + Known::<TEXTS_MAX>::BYTES_MAX
        + Known::<URLS_MAX>::BYTES_MAX
        + Nodes::BYTES_MAX
        + Spent::BYTES_MAX;

    /// What to do with a URL that is about to be fetched. `waited`: it comes from the site's last lane, nothing better
    /// is left. Cost: about half a microsecond; allocates nothing.
    pub fn verdict(&mut self, url: &CrawlUrl, waited: bool, bounds: &BudgetBounds) -> Verdict {
        let shape = Shape::of(url);
        if let Some(cause) = self.spent.over(&shape, bounds) {
            return Verdict::Cut(cause);
        }
        if !bounds.novelty || !self.is_kept {
            return Verdict::Take;
        }
        let decider = self.nodes.decider(&shape);
        if self.nodes.allows(&shape, decider, waited) {
            Verdict::Take
        } else if !waited {
            Verdict::Later
        } else if decider.level == 0 {
            Verdict::Cut(CutCause::Hosts)
        } else {
            Verdict::Cut(CutCause::Shape)
        }
    }

    /// Takes note of what a fetch brought, or of one that brought nothing. Cost: a few microseconds; allocates nothing.
    /// `waiting`: URLs of the site that wait.
    pub fn note(
        &mut self,
        url: &CrawlUrl,
        brought: &Yield<'_>,
        waiting: u64,
        bounds: &BudgetBounds,
    ) {
        self.fetched = self.fetched.saturating_add(1);
        self.is_kept |= self.fetched >= STORE_FROM && waiting >= STORE_WAITING;
        let shape = Shape::of(url);
        self.spent.count(&shape, bounds);
        if !bounds.novelty {
            return;
        }
        let worth = self.worth(&shape, url, brought);
        self.nodes.note(&shape, &worth);
    }

    /// What decides about a URL; `None` while nothing is known that could.
    #[must_use]
    pub fn look(&self, url: &CrawlUrl) -> Option<BudgetLook> {
        let Decider { level, node } = self.nodes.decider(&Shape::of(url));
        let node: &Node = self.nodes.get(node?);
        Some(BudgetLook {
            level: Shape::LEVELS[level],
            fetches: node.fetches,
        })
    }

    /// How much of a page is new.
    fn worth(&mut self, shape: &Shape, url: &CrawlUrl, brought: &Yield<'_>) -> Worth {
        let body = brought
            .body
            .map(|body| [0, 1, 2, 3].map(|key| shape::mix(body, key)));
        let marks = if brought.marks.len() < MARKS_MIN {
            body.as_ref().map_or(&[][..], |keys| keys)
        } else {
            brought.marks
        };
        let is_young = self.boilerplate.is_young();
        let (scale, largest) = (self.said.scale() as i32, self.said.largest());
        let in_sample = || marks.iter().copied().filter(|&mark| mark <= largest);
        let (mut looked, mut own, mut new) = (0, 0, 0);
        for mark in in_sample() {
            looked += 1;
            if !self.boilerplate.has(mark) {
                own += 1;
                new += i32::from(self.said.is_first(mark));
            }
        }
        self.boilerplate.note(looked, own, in_sample());
        let (fed, onward) = self.links(url, shape, brought.links);
        // What a page that is new all through would have in the sample, and how far that is enough to judge by.
        let all = self.boilerplate.own_of(SCALE * marks.len() as i32 / scale);
        let expected = all.max(SCALE * MARKS_WORTH / scale) / KEYS;
        let newness = Newness {
            expected: expected.clamp(1, SCALE),
            new: SCALE * new / KEYS.max(expected * KEYS / SCALE),
            own: (all / KEYS).clamp(1, SCALE),
        };
        // Nothing is held against a page before its site's boilerplate is known.
        let is_known = !marks.is_empty() && (new > 0 || !is_young);
        Worth {
            text: is_known.then_some(newness),
            onward,
            fed,
        }
    }

    /// What the links of a page bring that was never met before: URLs of shapes that have proved nothing, and how much
    /// of a page's worth those of proven ones are.
    fn links(&mut self, page: &CrawlUrl, shape: &Shape, links: &[&CrawlUrl]) -> (u32, i32) {
        let own = self.nodes.decider(shape).node;
        let (mut fed, mut onward) = (0, 0);
        self.urls.is_first(shape::hash(0, page.as_str().as_bytes()));
        for link in links {
            if link.site_str() != page.site_str() {
                continue;
            }
            let key = shape::hash(0, link.as_str().as_bytes());
            if self.urls.is_first(key) && (fed < FED_MAX || onward < ONWARD_MAX) {
                let way = self.way(own, link);
                fed += u32::from(way == Way::Astray);
                onward += u32::from(way == Way::Onward);
            }
        }
        let scale = self.urls.scale();
        let onward = (onward * scale).min(ONWARD_MAX) as i32;
        (fed.min(FED_MAX) * scale, onward * SCALE / ONWARD_MAX as i32)
    }

    /// Where a link leads from a page of the shape `own`.
    fn way(&self, own: Option<usize>, target: &CrawlUrl) -> Way {
        let to = self.nodes.decider(&Shape::of(target));
        let Some(node) = to.node.map(|at| self.nodes.get(at)) else {
            return Way::Astray;
        };
        let is_told = to.level > 0;
        if to.node == own {
            Way::Astray
        } else if is_told && node.is_proven() {
            Way::Onward
        } else if is_told && node.is_good() || node.is_spent() {
            Way::Known
        } else {
            Way::Astray
        }
    }

    /// The stored form: a few bytes while the site is small.
    ///
    /// Bytes: version 2, fetched (varint), pages spent, 1 if more follows, then boilerplate, texts and URLs that are
    /// known and the shapes, each as its module says. More follows from the eighth fetch on if more than a few URLs
    /// wait, and stays. What version 1 had learnt is learnt anew.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        if self.fetched == 0 {
            return Vec::new();
        }
        let mut out = Vec::with_capacity(if self.is_kept { 1_024 } else { 8 });
        out.push(VERSION);
        put_varint(&mut out, u64::from(self.fetched));
        self.spent.encode_into(&mut out);
        out.push(u8::from(self.is_kept));
        if self.is_kept {
            self.boilerplate.encode_into(&mut out);
            self.said.encode_into(&mut out);
            self.urls.encode_into(&mut out);
            self.nodes.encode_into(&mut out);
        }
        out
    }

    /// Reads the stored form; nothing gives fresh budgets.
    ///
    /// # Errors
    /// When the bytes are not such a form.
    pub fn decode(mut input: &[u8]) -> Result<Budgets, DecodeError> {
        if input.is_empty() {
            return Ok(Budgets::default());
        }
        let input = &mut input;
        let version = take_u8(input)?;
        if !(1..=VERSION).contains(&version) {
            return Err(DecodeError::Version { version });
        }
        let fetched = u32::try_from(take_varint(input)?)
            .map_err(|_| DecodeError::Value { field: "fetched" })?;
        let mut budgets = Budgets {
            fetched,
            spent: Spent::decode(input)?,
            ..Budgets::default()
        };
        budgets.is_kept = match take_u8(input)? {
            0 => false,
            1 => true,
            _ => return Err(DecodeError::Value { field: "kept" }),
        };
        if budgets.is_kept && version == VERSION {
            budgets.boilerplate = Boilerplate::decode(input)?;
            budgets.said = Known::decode(input)?;
            budgets.urls = Known::decode(input)?;
            budgets.nodes = Nodes::decode(input)?;
        }
        Ok(budgets)
    }
}

/// Where a link leads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To a shape that has proved nothing and whose pages would be fetched all the same, or to the page's own: a
    /// calendar's way to its next month.
    Astray,
    /// To a shape whose text has proved its worth: a list's way to articles.
    Onward,
    /// To one that holds its own, or is no longer fetched.
    Known,
}
