//! Ten million links by the short way and by the long one: every result must be the same.
//!
//! In: `--links-made=N` for another number, `--seed=N` for other links, and files or folders of pages (or
//! `--links=FILE`) whose links are put to the test too. Out: how many links there were and how many took the
//! short way; on a difference the link, its base and both results, and exit code 1.
//! May touch: those files. Must not touch: the network.
//! Invariant: one seed makes the same links everywhere.
//!
//! Run with `cargo xtask long urls`.

use std::process::ExitCode;

use orb_url::{BaseUrl, CrawlKey, CrawlUrl, Linker, UrlError};

#[path = "../tests/grammar/mod.rs"]
mod grammar;
mod linked_pages;

use grammar::{BASES, Numbers};

/// Links made when no other number is asked for.
const LINKS_MADE: u64 = 10_000_000;
/// Links between two words of progress.
const PROGRESS: u64 = 1_000_000;
const KEY: CrawlKey = CrawlKey::new(*b"sixteen bytes of");

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Numbers for Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

/// What was compared.
struct Tally {
    linker: Linker,
    links: u64,
    short: u64,
    refused: u64,
}

impl Tally {
    fn new() -> Tally {
        Tally {
            linker: Linker::new(KEY),
            links: 0,
            short: 0,
            refused: 0,
        }
    }
}

/// All that a URL tells of itself.
fn facts(url: &CrawlUrl) -> impl PartialEq + use<> {
    let parts = (url.host().to_owned(), url.port(), url.path().to_owned());
    let keys = (KEY.fingerprint(url), KEY.site_hash_of(url));
    (url.clone(), parts, keys, url.site(), url.surt())
}

/// Whether the keys made on the way are those of the URL that came the long way.
fn has_same_keys(linker: &mut Linker, base: &BaseUrl, href: &str, long: &CrawlUrl) -> bool {
    linker.page(base).link(href).is_ok_and(|link| {
        let mut surt = String::new();
        link.push_surt(&mut surt);
        link.as_str() == long.as_str()
            && link.fingerprint() == KEY.fingerprint(long)
            && link.site_hash() == KEY.site_hash(&long.site())
            && surt == long.surt()
    })
}

fn compare(base: &BaseUrl, href: &str, tally: &mut Tally) -> Result<(), String> {
    tally.links += 1;
    tally.short += u64::from(base.has_shortcut(href));
    let short = base.join(href);
    let long = base.join_by_standard(href);
    tally.refused += u64::from(long.is_err());
    let told =
        |result: &Result<CrawlUrl, UrlError>| result.as_ref().map(facts).map_err(Clone::clone);
    let is_keyed = match &long {
        Ok(long) => has_same_keys(&mut tally.linker, base, href, long),
        Err(_) => tally.linker.page(base).link(href).is_err(),
    };
    if is_keyed && told(&short) == told(&long) {
        return Ok(());
    }
    Err(format!(
        "{href:?} on {base:?}:\nshort {short:?}\nlong  {long:?}"
    ))
}

fn made(links: u64, seed: u64, tally: &mut Tally) -> Result<(), String> {
    let page = CrawlUrl::parse("http://page.example/").expect("valid");
    let page = BaseUrl::new(&page);
    let bases: Vec<BaseUrl> = BASES.iter().filter_map(|base| page.rebased(base)).collect();
    let mut random = Random(seed);
    for done in 1..=links {
        let base = &bases[random.below(bases.len())];
        let href = grammar::link(&mut random);
        // Now and then the link is the base of the next one.
        match base.rebased(&href).filter(|_| random.below(16) == 0) {
            Some(moved) => compare(&moved, &grammar::link(&mut random), tally)?,
            None => compare(base, &href, tally)?,
        }
        if done % PROGRESS == 0 {
            eprintln!("{done} of {links} links made");
        }
    }
    Ok(())
}

fn read(pages: &[linked_pages::Page], tally: &mut Tally) -> Result<(), String> {
    for page in pages {
        let base = BaseUrl::new(&page.url);
        for href in &page.hrefs {
            compare(&base, href, tally)?;
        }
    }
    Ok(())
}

fn told(name: &str, tally: &Tally, result: Result<(), String>) -> bool {
    let Tally {
        links,
        short,
        refused,
        ..
    } = tally;
    println!("{name}: {links} links, {short} by the short way, {refused} refused by both");
    if let Err(difference) = &result {
        println!("a difference: {difference}");
    }
    result.is_ok()
}

fn main() -> std::io::Result<ExitCode> {
    let (mut links, mut seed) = (LINKS_MADE, 6);
    let mut pages = Vec::new();
    for argument in std::env::args().skip(1) {
        let number = |text: &str| text.parse().map_err(std::io::Error::other);
        if let Some(text) = argument.strip_prefix("--links-made=") {
            links = number(text)?;
        } else if let Some(text) = argument.strip_prefix("--seed=") {
            seed = number(text)?;
        } else {
            linked_pages::read_argument(&argument, &mut pages)?;
        }
    }
    let mut tally = Tally::new();
    let result = made(links, seed, &mut tally);
    let mut is_same = told("made", &tally, result);
    if !pages.is_empty() {
        let mut tally = Tally::new();
        let result = read(&pages, &mut tally);
        is_same &= told("read from pages", &tally, result);
    }
    Ok(if is_same {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
