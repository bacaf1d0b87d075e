//! Links, title, base and visible text as html5ever sees them: every difference has a cause, every cause a difference.
//!
//! In: seeds. Out: a failure for each difference that no listed cause explains, and for each cause that explains none.
//! May touch: pages beside these tests. Must not touch: the network, time.
//! Invariant: deterministic; `cargo xtask long page-differential` does the same for half an hour.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod html5ever;

use html5ever::causes::CAUSES;
use html5ever::pages::{Chance, soup, stirred};
use html5ever::{Tally, Verdict, judge};

/// Pages of soup, and of real markup with soup in it.
const SOUPS: u64 = 12_000;
const STIRRED: u64 = 1_500;

fn check(tally: &Tally) {
    println!("{tally:#?}");
    assert_eq!(tally.unexplained_in_all, 0, "{:#?}", tally.unexplained);
}

#[test]
fn every_difference_has_a_cause_and_every_cause_a_difference() {
    let mut tally = Tally::default();
    for seed in 0..SOUPS {
        tally.add(&soup(&mut Chance::new(seed), 24));
    }
    check(&tally);
    assert!(tally.same > SOUPS * 9 / 10, "{tally:?}");
    for cause in CAUSES {
        assert!(
            tally.explained.contains_key(cause.name),
            "strike `{}` off the list",
            cause.name
        );
    }
}

/// The labelled pages of `orb-read`, in pieces and stirred.
#[test]
fn pages_with_soup_in_them_are_seen_alike() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../orb-read/tests/pages");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "html"))
        .collect();
    files.sort();
    let pages: Vec<String> = files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    assert!(pages.len() > 40);
    for (file, page) in files.iter().zip(&pages) {
        assert_eq!(judge(page), Verdict::Same, "{}", file.display());
    }
    let mut tally = Tally::default();
    for seed in 0..STIRRED {
        let mut chance = Chance::new(seed);
        let page = &pages[chance.below(pages.len())];
        tally.add(&stirred(&mut chance, page, 4_000));
    }
    check(&tally);
}

/// What long runs found, made short.
#[test]
fn differences_once_unexplained_have_a_cause() {
    for page in [
        "<form><foreignObject></form>></foreignObject>7",
        "<nobr><form><c></form>0<nobr>u",
        "<form><nobr></form>3<nobr>x",
        "<form><span></form>9</span>m",
        "<b><form><n></form>9</b>w",
        "<select>><input>w",
        "<object><p>5</object>t",
        "<meta http-equiv=Refresh content=0;n>",
    ] {
        assert_ne!(judge(page), Verdict::Unexplained, "{page}");
    }
}
