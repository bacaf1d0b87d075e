//! The scanner fed with pieces, held against the scanner of the whole page.
//!
//! In: `--splits N` of each page (10,000), `--pages N` at most (100), `--seed N` (1), folders of `.html` files. Out: how
//! many were read, and the first page and split that differs; then the exit code is 1.
//! May touch: those files. Must not touch: the network.
//! Invariant: the splits of a seed are the same in every run.
//!
//! Run with `cargo xtask long page-splits FOLDER`.
#![allow(
    clippy::unwrap_used,
    reason = "a run that cannot read its input has nothing to say"
)]

mod html_files;
#[path = "../tests/html5ever/pages.rs"]
#[allow(dead_code, reason = "soup is for others")]
mod pages;

use std::path::Path;
use std::process::ExitCode;

use orb_page::{Page, PageScanner, ScanOptions, scan};
use pages::Chance;

/// Places a page is split at, at most: few, so that pieces are long as well as short.
const CUTS_MAX: usize = 24;

fn in_pieces(html: &str, cuts: &[usize], options: &ScanOptions) -> Page {
    let mut scanner = PageScanner::new(options);
    let mut at = 0;
    for &cut in cuts {
        scanner.push(&html[at..cut]);
        at = cut;
    }
    scanner.push(&html[at..]);
    let mut page = scanner.finish();
    // What was cut short is tried again: work is what differs.
    page.work_bytes = 0;
    page
}

fn main() -> ExitCode {
    let (mut splits, mut pages_max, mut seed, mut html) = (10_000, 100, 1, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || -> usize { arguments.next().expect("a number").parse().unwrap() };
        match argument.as_str() {
            "--splits" => splits = number(),
            "--pages" => pages_max = number(),
            "--seed" => seed = number(),
            folder => html_files::collect(Path::new(folder), &mut html),
        }
    }
    let step = html.len().div_ceil(pages_max).max(1);
    let options = ScanOptions {
        text: true,
        requisites: true,
        ..ScanOptions::default()
    };
    let mut chance = Chance::new(seed as u64);
    let (mut read, mut bytes) = (0_u64, 0);
    for html in html.iter().step_by(step) {
        let mut whole = scan(html, &options);
        whole.work_bytes = 0;
        for _ in 0..splits {
            let count = 1 + chance.below(CUTS_MAX);
            let place = |_| html.ceil_char_boundary(chance.below(html.len() + 1));
            let mut cuts: Vec<usize> = (0..count).map(place).collect();
            cuts.sort_unstable();
            if in_pieces(html, &cuts, &options) != whole {
                println!("differs when split at {cuts:?}: {html:?}");
                return ExitCode::FAILURE;
            }
        }
        read += 1;
        bytes += html.len();
    }
    println!(
        "{read} pages of {bytes} bytes in all, {splits} splits of each: the same page every time"
    );
    ExitCode::from(u8::from(read == 0))
}
