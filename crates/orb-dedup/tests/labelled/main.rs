//! Precision and recall on generated pages whose labels are known (faults C3): copies that were edited, whose navigation
//! was re-ordered, whose dates and ads changed, that stand on another site; and pages of one template with little text,
//! which are no copies. Pages that are missing, parked or walled off, by probe and by phrase.
//!
//! In: a seed. Out: precision and recall. May touch: nothing.
//! Invariant: what is alike is known from how the pages were made, never from how they are judged.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking"
)]

mod notices;
mod pages;

use std::collections::BTreeMap;

use orb_dedup::{ContentMarks, DuplicateBounds, Duplicates, TextMarks, resemblance};
use pages::{How, Page, web};

/// Hits and misses of one question.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    right: u32,
    wrong: u32,
    missed: u32,
}

impl Score {
    fn precision(&self) -> f64 {
        f64::from(self.right) / f64::from(self.right + self.wrong)
    }

    fn recall(&self) -> f64 {
        f64::from(self.right) / f64::from(self.right + self.missed)
    }

    /// The bar of the catalogue of faults.
    fn check(&self, what: &str) {
        println!(
            "{what}: precision {:.3}, recall {:.3}, {self:?}",
            self.precision(),
            self.recall()
        );
        assert!(self.right >= 100, "{what}: {self:?}");
        assert!(self.precision() >= 0.95, "{what}: {self:?}");
        assert!(self.recall() >= 0.9, "{what}: {self:?}");
    }
}

fn marks(page: &Page) -> TextMarks {
    TextMarks::of(&[&page.title, &page.text], &page.address)
}

/// Whole sites, page after page, as a crawl meets them: was a page like this one seen on its site, or elsewhere?
#[test]
fn c3_copies_are_known_as_they_come() {
    let (mut on_site, mut elsewhere) = (Score::default(), Score::default());
    let mut by_kind: BTreeMap<How, Score> = BTreeMap::new();
    for seed in 1..=3 {
        let pages = web(seed);
        let mut seen = Duplicates::new(DuplicateBounds::default(), seed);
        for (number, page) in pages.iter().enumerate() {
            let content = ContentMarks::of(&[&page.title, &page.text]);
            let found = seen.note(number as u64, page.site, &content);
            let earlier = &pages[..number];
            let same = |other: &Page| other.content == page.content;
            let here = earlier
                .iter()
                .any(|other| same(other) && other.site == page.site);
            let there = earlier
                .iter()
                .any(|other| same(other) && other.site != page.site);
            let kind = by_kind.entry(page.how).or_default();
            for (alike, is_there, score) in [
                (found.on_site, here, &mut on_site),
                (found.elsewhere, there, &mut elsewhere),
            ] {
                let right = alike.is_some_and(|alike| same(&pages[alike.page as usize]));
                let (right, wrong, missed) = (
                    u32::from(right),
                    u32::from(alike.is_some() && !right),
                    u32::from(is_there && !right),
                );
                for score in [score, &mut *kind] {
                    score.right += right;
                    score.wrong += wrong;
                    score.missed += missed;
                }
            }
        }
    }
    for (kind, score) in &by_kind {
        println!(
            "{kind:?}: precision {:.3}, recall {:.3}, {score:?}",
            score.precision(),
            score.recall()
        );
    }
    on_site.check("on the site");
    elsewhere.check("elsewhere");
}

/// Off the hot path: pairs of pages by what they share.
#[test]
fn sketches_tell_copies_from_strangers() {
    let pages = web(4);
    let sketches: Vec<TextMarks> = pages.iter().map(marks).collect();
    let mut score = Score::default();
    for (number, page) in pages.iter().enumerate() {
        if page.how == How::Mirrored || page.is_short {
            continue; // most of what such a pair shares is what templates say
        }
        for other in 0..number {
            if pages[other].is_short || pages[other].how == How::Mirrored {
                continue;
            }
            let alike = resemblance(sketches[number].marks(), sketches[other].marks()) >= 0.6;
            let same = pages[other].content == page.content;
            score.right += u32::from(alike && same);
            score.wrong += u32::from(alike && !same);
            score.missed += u32::from(!alike && same);
        }
    }
    score.check("sketches");
}
