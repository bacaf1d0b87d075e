//! The main content of pages of many styles, beside their authors' marks.
//!
//! The pages in `tests/pages` are our own; what is their content stands between comments, which no extractor sees.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot set up its case has failed"
)]

#[path = "../examples/read_quality/score.rs"]
mod score;

use score::{F1, by_kind, label, pages, tokens};

/// What is held, by kind; raise it when reading gets better.
const HELD: &[(&str, f64)] = &[
    ("article", 0.99),
    ("blog", 0.99),
    ("docs", 0.99),
    ("event", 0.99),
    ("faq", 0.99),
    ("forum", 0.97),
    ("index", 0.99),
    ("legal", 0.93),
    ("listing", 0.90),
    ("mail", 0.99),
    ("media", 0.87),
    ("other", 0.96),
    ("reference", 0.99),
    ("repo", 0.94),
    ("shop", 0.99),
];

#[test]
fn main_content_is_found_on_every_kind_of_page() {
    let scored = pages().into_iter().map(|page| {
        let found = orb_read::read_html(&page.html, None).text;
        let score = F1::of(&tokens(&found), &tokens(&label(&page.html)));
        assert!(score.f1() > 0.4, "{}: {score:?}\n{found}", page.name);
        (page.kind, score)
    });
    let kinds = by_kind(scored.collect());
    assert_eq!(kinds.len(), HELD.len());
    for (kind, held) in HELD {
        let score = kinds[*kind];
        assert!(score >= *held, "{kind}: {score:.3} is less than {held}");
    }
}
