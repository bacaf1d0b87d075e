//! What it costs to make links canonical: CPU nanoseconds a link, for the parser alone, our long way, and the
//! short way with and without the keys that a crawl needs.
//!
//! In: files or folders of pages, as arguments, whose `href` attributes are the links; or `--links=FILE` with
//! lines of `base<TAB>link`. `--once` works each link off once and prints no times, for counting instructions;
//! `--only=READING` leaves out the other readings. Out: one line per reading.
//! May touch: those files. Must not touch: the network.
//! Invariant: every link is in memory before the first reading begins.
//!
//! Run with `cargo run --release -p orb-url --example link_cost -- FOLDER`, and count instructions with
//! `valgrind --tool=callgrind --collect-atstart=no --toggle-collect='link_cost::short_keyed' link_cost --once FOLDER`.

use orb_url::{BaseUrl, CrawlKey, Linker};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use url::Url;

mod linked_pages;

use linked_pages::{Page, read_argument};

/// Rounds over all links; the fastest and the middle one are shown.
const ROUNDS: usize = 15;
/// A key like a crawl's.
const KEY: CrawlKey = CrawlKey::new(*b"sixteen bytes of");

/// CPU time of this thread in nanoseconds.
fn cpu_nanos() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// The parser alone: no rules, no keys.
#[inline(never)]
fn parser(pages: &[Page]) -> u64 {
    let mut sum = 0;
    for page in pages {
        let base = Url::parse(page.url.as_str()).expect("canonical");
        for href in &page.hrefs {
            if let Ok(url) = base.join(black_box(href)) {
                sum += black_box(&url).as_str().len() as u64;
            }
        }
    }
    sum
}

/// The long way to URL and fingerprint.
#[inline(never)]
fn long(pages: &[Page]) -> u64 {
    let mut sum = 0_u64;
    for page in pages {
        let base = BaseUrl::new(&page.url);
        for href in &page.hrefs {
            if let Ok(url) = base.join_by_standard(black_box(href)) {
                sum = sum.wrapping_add(KEY.fingerprint(black_box(&url)).0);
            }
        }
    }
    sum
}

/// The long way to URL, fingerprint, and the site's hash, as a crawl asks for them.
#[inline(never)]
fn long_keyed(pages: &[Page]) -> u64 {
    let mut sum = 0_u64;
    for page in pages {
        let base = BaseUrl::new(&page.url);
        for href in &page.hrefs {
            if let Ok(url) = base.join_by_standard(black_box(href)) {
                sum = sum.wrapping_add(KEY.fingerprint(black_box(&url)).0);
                sum = sum.wrapping_add(KEY.site_hash(&url.site()));
            }
        }
    }
    sum
}

/// The short way to the URL.
#[inline(never)]
fn short_url(pages: &[Page]) -> u64 {
    let mut sum = 0_u64;
    for page in pages {
        let base = BaseUrl::new(&page.url);
        for href in &page.hrefs {
            if let Ok(url) = base.join(black_box(href)) {
                sum += black_box(&url).as_str().len() as u64;
            }
        }
    }
    sum
}

/// The short way to URL and fingerprint.
#[inline(never)]
fn short(pages: &[Page]) -> u64 {
    let mut sum = 0_u64;
    for page in pages {
        let base = BaseUrl::new(&page.url);
        for href in &page.hrefs {
            if let Ok(url) = base.join(black_box(href)) {
                sum = sum.wrapping_add(KEY.fingerprint(black_box(&url)).0);
            }
        }
    }
    sum
}

/// The short way to URL, fingerprint, and the site's hash.
#[inline(never)]
fn short_keyed(pages: &[Page]) -> u64 {
    let mut sum = 0_u64;
    for page in pages {
        let base = BaseUrl::new(&page.url);
        for href in &page.hrefs {
            if let Ok(url) = base.join(black_box(href)) {
                sum = sum.wrapping_add(KEY.fingerprint(black_box(&url)).0);
                sum = sum.wrapping_add(KEY.site_hash_of(&url));
            }
        }
    }
    sum
}

/// The same without a URL of its own.
#[inline(never)]
fn linker_keyed(pages: &[Page]) -> u64 {
    let mut sum = 0_u64;
    let mut linker = Linker::new(KEY);
    for page in pages {
        let base = BaseUrl::new(&page.url);
        let mut linker = linker.page(&base);
        for href in &page.hrefs {
            if let Ok(link) = linker.link(black_box(href)) {
                sum = sum.wrapping_add(link.fingerprint().0);
                sum = sum.wrapping_add(link.site_hash());
            }
        }
    }
    sum
}

/// The same with the SURT key.
#[inline(never)]
fn linker_surt(pages: &[Page]) -> u64 {
    let mut sum = 0_u64;
    let mut linker = Linker::new(KEY);
    let mut surt = String::new();
    for page in pages {
        let base = BaseUrl::new(&page.url);
        let mut linker = linker.page(&base);
        for href in &page.hrefs {
            if let Ok(link) = linker.link(black_box(href)) {
                sum = sum.wrapping_add(link.fingerprint().0);
                sum = sum.wrapping_add(link.site_hash());
                surt.clear();
                link.push_surt(&mut surt);
                black_box(&surt);
            }
        }
    }
    sum
}

/// A name and the work it stands for.
type Reading = (&'static str, fn(&[Page]) -> u64);

const READINGS: &[Reading] = &[
    ("parser alone", parser),
    ("long", long),
    ("long, keyed", long_keyed),
    ("short, url", short_url),
    ("short", short),
    ("short, keyed", short_keyed),
    ("linker, keyed", linker_keyed),
    ("linker, surt", linker_surt),
];

fn measure((name, work): Reading, once: bool, pages: &[Page], links: usize) {
    if once {
        println!("{name:14} {:016x}", work(pages));
        return;
    }
    let mut sum = 0;
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = cpu_nanos();
            sum = work(black_box(pages));
            (cpu_nanos() - start) / links as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{name:14} {:7.1} ns a link at best, {:7.1} in the middle ({sum:016x})",
        times[0],
        times[ROUNDS / 2]
    );
}

fn main() -> std::io::Result<()> {
    let mut once = false;
    let mut only = None;
    let mut pages = Vec::new();
    for argument in std::env::args().skip(1) {
        if argument == "--once" {
            once = true;
        } else if let Some(name) = argument.strip_prefix("--only=") {
            only = Some(name.to_owned());
        } else {
            read_argument(&argument, &mut pages)?;
        }
    }
    let links: usize = pages.iter().map(|page| page.hrefs.len()).sum();
    if links == 0 {
        println!("usage: link_cost [--once] [--only=READING] [--links=FILE] [FILE_OR_FOLDER...]");
        return Ok(());
    }
    println!("{} pages, {links} links", pages.len());
    for reading in READINGS {
        if only.as_deref().is_none_or(|only| only == reading.0) {
            measure(*reading, once, &pages, links);
        }
    }
    Ok(())
}
