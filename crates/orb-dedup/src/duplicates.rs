//! Duplicates: has what a page says been seen, on its site or anywhere?
//!
//! In: each page's number, site and marks, as it comes. Out: [`Seen`].
//! May touch: `template`, `seen`, `signature`. Must not touch: files, URLs' meaning.
//! Invariant: memory is bounded by [`DuplicateBounds`]; the same pages in the same order give the same answers.

use std::collections::{BTreeMap, VecDeque};

use crate::limits::{PROSE_MARKS_MIN, TEMPLATE_PAGES, TEMPLATE_SITES_MAX};
use crate::marks::ContentMarks;
use crate::seen::{Seen, SeenPages};
use crate::signature::Signature;
use crate::template::Template;
use crate::words::mix;

/// How much is remembered.
#[derive(Clone, Copy, Debug)]
pub struct DuplicateBounds {
    /// Memory of the index of pages, 128 bytes a page: 64 MiB hold 524,288.
    pub index_bytes_max: usize,
    /// Sites whose templates are remembered.
    pub sites_max: usize,
}

impl Default for DuplicateBounds {
    fn default() -> DuplicateBounds {
        DuplicateBounds {
            index_bytes_max: 64 << 20,
            sites_max: TEMPLATE_SITES_MAX,
        }
    }
}

/// The signature of what is a page's own: its prose without the template; where that is next to nothing, everything
/// without the template; where nothing is left, the page is its template.
fn own(template: &Template, prose: &[u32], frame: &[u32], key: u64) -> Signature {
    let told = Signature::of(template.own(prose), key);
    if usize::from(told.count) >= PROSE_MARKS_MIN {
        return told;
    }
    let all = Signature::of(template.own(prose).chain(template.own(frame)), key);
    let all = match all.count {
        0 => Signature::of(prose.iter().chain(frame).copied(), key),
        _ => all,
    };
    Signature {
        is_doubtful: !template.is_learnt(),
        ..all
    }
}

/// The memory of what was seen.
///
/// A page is compared by what is its own: its prose, and of that what most pages of its site do not have. So pages of one
/// template with little text are not taken for copies of each other, and a copy on another site is found whatever stands
/// around it.
#[derive(Debug)]
pub struct Duplicates {
    key: u64,
    pages: SeenPages,
    sites_max: usize,
    sites: BTreeMap<u64, Template>,
    /// Sites in the order in which they came.
    order: VecDeque<u64>,
}

impl Duplicates {
    /// An empty memory. `key` is a secret of the crawl: no site can craft pages that crowd others out of one place.
    #[must_use]
    pub fn new(bounds: DuplicateBounds, key: u64) -> Duplicates {
        Duplicates {
            key,
            pages: SeenPages::new(bounds.index_bytes_max),
            sites_max: bounds.sites_max.max(1),
            sites: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    /// Looks a page up and remembers it.
    ///
    /// - `page`: any number by which the caller knows it. `site`: one for each site, well spread.
    /// - A page that is like an earlier one of its site is not remembered beside it: the earlier one stands for both.
    /// - A page that says nothing at all is like no other.
    /// - Cost: some 5 µs; allocates for the first few pages of a site only.
    pub fn note(&mut self, page: u64, site: u64, marks: &ContentMarks) -> Seen {
        self.make_room(site);
        let template = self.sites.entry(site).or_default();
        let signature = own(template, marks.prose(), marks.frame(), self.key);
        if signature.count == 0 {
            return Seen::default();
        }
        let tag = mix(site ^ self.key) as u32;
        let seen = self.pages.look(tag, &signature);
        if seen.on_site.is_none() {
            self.pages.note(page, tag, signature);
        }
        // From now on pages are compared by what is their own, so the first ones must be known by that too.
        let first = template.learn(page, marks.prose(), marks.frame());
        for first in first.unwrap_or_default() {
            let own = own(template, &first.prose, &first.frame, self.key);
            if self.pages.look(tag, &own).on_site.is_none() {
                self.pages.note(first.page, tag, own);
            }
        }
        seen
    }

    fn make_room(&mut self, site: u64) {
        if self.sites.contains_key(&site) {
            return;
        }
        if self.sites.len() >= self.sites_max
            && let Some(oldest) = self.order.pop_front()
        {
            self.sites.remove(&oldest);
        }
        self.order.push_back(site);
    }

    /// Pages remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pages.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Most bytes of memory that all of it takes.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        let marks = 2 * crate::MARKS_MAX * size_of::<u32>();
        // While it is learnt, a template is the marks of its pages.
        self.pages.bytes_max() + self.sites_max * TEMPLATE_PAGES * (marks + 32)
    }
}
