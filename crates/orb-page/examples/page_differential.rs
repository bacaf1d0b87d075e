//! The scanner held against html5ever for a long time: what both see of pages made by chance.
//!
//! In: `--minutes N` (30), `--seed N` (1), and folders of `.html` files to stir soup into. Out: how many pages were seen
//! alike, what explains the others, and those that nothing explains, made short; then the exit code is 1.
//! May touch: those files. Must not touch: the network.
//! Invariant: page N of a seed is the same in every run.
//!
//! Run with `cargo xtask long page-differential --minutes 30 FOLDER`.
#![allow(
    clippy::unwrap_used,
    reason = "a run that cannot read its input has nothing to say"
)]

#[path = "../tests/html5ever/mod.rs"]
mod html5ever;
mod html_files;

use std::path::Path;
use std::process::ExitCode;

use html5ever::Tally;
use html5ever::pages::{Chance, soup, stirred};
use rustix::time::{ClockId, clock_gettime};

/// Real pages in memory.
const PAGES_MAX: usize = 4_000;

fn seconds() -> i64 {
    clock_gettime(ClockId::Monotonic).tv_sec
}

fn main() -> ExitCode {
    let (mut minutes, mut seed, mut pages) = (30, 1_u64, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || -> u64 { arguments.next().expect("a number").parse().unwrap() };
        match argument.as_str() {
            "--minutes" => minutes = number(),
            "--seed" => seed = number(),
            folder => html_files::collect(Path::new(folder), &mut pages),
        }
    }
    let step = pages.len().div_ceil(PAGES_MAX).max(1);
    let pages: Vec<String> = pages.into_iter().step_by(step).collect();
    let end = seconds() + 60 * i64::try_from(minutes).unwrap();
    println!("seed {seed}, {minutes} minutes, {} real pages", pages.len());
    let mut tally = Tally::default();
    // Real pages as they are, then pages made by chance.
    for page in &pages {
        tally.add(page);
    }
    let of_pages = (tally.pages, tally.same);
    let mut number = 0_u64;
    while seconds() < end {
        for _ in 0..1_000 {
            let mut chance = Chance::new(seed.wrapping_mul(1 << 40).wrapping_add(number));
            number += 1;
            if pages.is_empty() || chance.below(8) > 0 {
                tally.add(&soup(&mut chance, 40));
            } else {
                let page = &pages[chance.below(pages.len())];
                tally.add(&stirred(&mut chance, page, 20_000));
            }
        }
    }
    println!("real pages: {} of {} seen alike", of_pages.1, of_pages.0);
    println!("{} pages in all, {} seen alike", tally.pages, tally.same);
    for (cause, count) in &tally.explained {
        println!("  {count:9} differ by: {cause}");
    }
    println!(
        "  {:9} differ by several of these together",
        tally.by_several
    );
    println!(
        "  {:9} differ and nobody knows why",
        tally.unexplained_in_all
    );
    for page in &tally.unexplained {
        println!("unexplained: {page:?}");
    }
    ExitCode::from(u8::from(tally.unexplained_in_all > 0))
}
