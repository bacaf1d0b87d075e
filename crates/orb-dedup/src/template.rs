//! A site's template: the marks that its pages share, which say nothing about any one of them.
//!
//! In: marks of a site's first pages. Out: the marks that most of them have.
//! May touch: nothing. Must not touch: markup.
//! Invariant: bounded by the marks of [`TEMPLATE_PAGES`](crate::limits::TEMPLATE_PAGES) pages; once learnt it stays.

use crate::limits::{TEMPLATE_PAGES, TEMPLATE_SHARED_BY};

/// What is known of a site's template.
#[derive(Clone, Debug)]
pub(crate) enum Template {
    /// The pages it is learnt from.
    Learning(Vec<FirstPage>),
    /// The marks of the template, ascending.
    Learnt(Box<[u32]>),
}

/// One of the first pages of a site.
#[derive(Clone, Debug)]
pub(crate) struct FirstPage {
    pub(crate) page: u64,
    pub(crate) prose: Box<[u32]>,
    pub(crate) frame: Box<[u32]>,
}

impl Default for Template {
    fn default() -> Template {
        Template::Learning(Vec::new())
    }
}

impl Template {
    pub(crate) fn is_learnt(&self) -> bool {
        matches!(self, Template::Learnt(_))
    }

    /// Takes another page of the site. Once the template is learnt: the pages it was learnt from.
    pub(crate) fn learn(
        &mut self,
        page: u64,
        prose: &[u32],
        frame: &[u32],
    ) -> Option<Vec<FirstPage>> {
        let Template::Learning(pages) = self else {
            return None;
        };
        pages.push(FirstPage {
            page,
            prose: prose.into(),
            frame: frame.into(),
        });
        if pages.len() < TEMPLATE_PAGES {
            return None;
        }
        let pages = std::mem::take(pages);
        let mut all: Vec<u32> = Vec::new();
        for page in &pages {
            all.extend(
                page.frame.iter().chain(
                    page.prose
                        .iter()
                        .filter(|mark| page.frame.binary_search(mark).is_err()),
                ),
            );
        }
        all.sort_unstable();
        let shared = all
            .chunk_by(|a, b| a == b)
            .filter(|same| same.len() >= TEMPLATE_SHARED_BY);
        *self = Template::Learnt(shared.map(|same| same[0]).collect());
        Some(pages)
    }

    /// The marks that are a page's own: those that are not the template's.
    pub(crate) fn own<'a>(&'a self, marks: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        let template: &[u32] = match self {
            Template::Learning(_) => &[],
            Template::Learnt(marks) => marks,
        };
        let mut at = 0;
        marks.iter().copied().filter(move |&mark| {
            while template.get(at).is_some_and(|&other| other < mark) {
                at += 1;
            }
            template.get(at) != Some(&mark)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_most_pages_share_is_the_template() {
        let mut template = Template::default();
        let page = |number: u32| [1, 2, 3, 100 + number, 200 + number / 4];
        for number in 0..TEMPLATE_PAGES as u32 {
            assert_eq!(template.own(&page(9)).count(), 5);
            let learnt = template.learn(u64::from(number), &[1], &page(number));
            assert_eq!(learnt.map(|pages| pages.len()), (number == 5).then_some(6));
        }
        // 200 was shared by four.
        let own: Vec<u32> = template.own(&[1, 2, 3, 4, 200, 300]).collect();
        assert_eq!(own, [4, 300]);
        assert!(template.learn(9, &[], &page(9)).is_none() && template.is_learnt());
    }
}
