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
//! (`nodes.rs`): four misses undo one hit. What is new is
//! judged by text and links never seen on this site (`seen.rs`), boilerplate left out (`boilerplate.rs`).
//! A starved shape's URLs wait in the site's last lane; of what still waits there, a few are probed, ever more rarely,
//! and the rest is cut.

mod boilerplate;
mod nodes;
mod seen;
mod shape;
mod spent;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use orb_url::CrawlUrl;

use self::boilerplate::Boilerplate;
use self::nodes::{Decider, Node, Nodes, SCALE, Worth};
use self::seen::Seen;
use self::shape::Shape;
use self::spent::Spent;
use crate::DecodeError;
use crate::codec::{put_varint, take_u8, take_varint};

const VERSION: u8 = 1;

/// Fetches of a site before budgets judge it and what was learnt of it is stored.
const STORE_FROM: u32 = 8;

/// URLs that wait when that begins: a site with few URLs cannot waste many fetches, and most sites have few.
const STORE_WAITING: u64 = 64;

/// Text hashes of a page that are looked at: the smallest ones, which are the same ones in equal texts.
const MARKS_MAX: usize = 64;

/// Links of a page that are looked at, likewise.
const LINKS_MAX: usize = 32;

/// Hashes that stand for a page's text, and as many for its links.
const KEYS: usize = 4;

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
}

impl CutCause {
    /// Each at the place of its number in stored rows.
    const ALL: [CutCause; 5] = [
        CutCause::SitePages,
        CutCause::Shape,
        CutCause::Hosts,
        CutCause::HostPages,
        CutCause::PrefixPages,
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

/// See the module. About 2 KB for a site of a hundred pages, at most [`Budgets::BYTES_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    fetched: u32,
    /// The site is large enough: what was learnt judges, and is stored, from now on.
    is_kept: bool,
    boilerplate: Boilerplate,
    seen: Seen,
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
    pub const BYTES_MAX: usize =
        8 + Boilerplate::BYTES + Seen::BYTES_MAX + Nodes::BYTES_MAX + Spent::BYTES_MAX;

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
        let marks = &brought.marks[..brought.marks.len().min(MARKS_MAX)];
        let links = Links::of(url, brought.links);
        let mut keys = Keys::default();
        if brought.marks.len() < MARKS_MIN {
            let of_body = |body| (0..KEYS as u32).map(move |key| shape::mix(body, key));
            keys.add_all(brought.body.into_iter().flat_map(of_body));
        } else {
            keys.add_all(
                marks
                    .iter()
                    .copied()
                    .filter(|&mark| !self.boilerplate.has(mark)),
            );
        }
        let text = self.seen.share_new(keys.as_slice(), KEYS).map(above_noise);
        // Nothing is held against a page before its site's boilerplate is known.
        let is_young = self.boilerplate.is_young();
        let text = text.filter(|&text| text > 0 || !is_young);
        let mut ways = Keys::default();
        for &(key, at) in links.as_slice() {
            if !ways.is_full()
                && !self.boilerplate.has(key)
                && self.leads_on(shape, brought.links[at])
            {
                ways.add_all([key]);
            }
        }
        let onward = self.seen.share_new(ways.as_slice(), KEYS).map(above_noise);
        // A way that was gone is no longer new.
        self.seen
            .share_new(&[shape::hash(0, url.as_str().as_bytes())], 1);
        let link_keys = links.as_slice().iter().map(|link| link.0);
        self.boilerplate
            .note(marks.iter().copied().chain(link_keys));
        Worth { text, onward }
    }

    /// Whether a link leads to a shape whose text has proved its worth and that is not the page's own: a calendar's way
    /// to its next month promises nothing, a list's way to articles does.
    fn leads_on(&self, from: &Shape, target: &CrawlUrl) -> bool {
        let to = self.nodes.decider(&Shape::of(target));
        let own = self.nodes.decider(from);
        to.level > 0
            && to.node != own.node
            && to.node.is_some_and(|at| self.nodes.get(at).is_proven())
    }

    /// The stored form: a few bytes while the site is small.
    ///
    /// Bytes: version 1, fetched (varint), pages spent, 1 if more follows, then boilerplate, what was seen and the
    /// shapes, each as its module says. More follows from the eighth fetch on if more than a few URLs wait, and stays.
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
            self.seen.encode_into(&mut out);
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
        match take_u8(input)? {
            VERSION => {}
            version => return Err(DecodeError::Version { version }),
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
        if budgets.is_kept {
            budgets.boilerplate = Boilerplate::decode(input)?;
            budgets.seen = Seen::decode(input)?;
            budgets.nodes = Nodes::decode(input)?;
        }
        Ok(budgets)
    }
}

/// One new hash of four says nothing: a name, a shuffled list. Two say little, and change nobody's mind.
fn above_noise(share: i16) -> i16 {
    (share - SCALE * 3 / 8).max(0) * 8 / 5
}

/// The few hashes that stand for a page: the first ones given.
#[derive(Default)]
struct Keys {
    keys: [u32; KEYS],
    len: usize,
}

impl Keys {
    fn is_full(&self) -> bool {
        self.len == KEYS
    }

    fn add_all(&mut self, keys: impl IntoIterator<Item = u32>) {
        for (place, key) in self.keys[self.len..].iter_mut().zip(keys) {
            *place = key;
            self.len += 1;
        }
    }

    fn as_slice(&self) -> &[u32] {
        &self.keys[..self.len]
    }
}

/// The links of a page into its own site with the smallest hashes, ascending, and where each stands in the page.
struct Links {
    links: [(u32, usize); LINKS_MAX],
    len: usize,
}

impl Links {
    fn of(page: &CrawlUrl, links: &[&CrawlUrl]) -> Links {
        let mut kept = Links {
            links: [(0, 0); LINKS_MAX],
            len: 0,
        };
        for (at, link) in links.iter().enumerate() {
            if link.site_str() == page.site_str() {
                kept.offer(shape::hash(0, link.as_str().as_bytes()), at);
            }
        }
        kept
    }

    fn offer(&mut self, key: u32, at: usize) {
        let Err(place) = self.as_slice().binary_search_by_key(&key, |link| link.0) else {
            return;
        };
        if place == LINKS_MAX {
            return;
        }
        self.len = (self.len + 1).min(LINKS_MAX);
        self.links[place..self.len].rotate_right(1);
        self.links[place] = (key, at);
    }

    fn as_slice(&self) -> &[(u32, usize)] {
        &self.links[..self.len]
    }
}
