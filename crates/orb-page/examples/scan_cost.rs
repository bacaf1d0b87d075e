//! What reading pages costs: CPU microseconds a page, for the text, the links, and links with visible text.
//!
//! In: files or folders of pages, as arguments; `--once` reads each page once and prints no times, for
//! counting instructions; `--only=links` leaves out the other readings. Out: one line per reading.
//! May touch: those files. Must not touch: the network.
//! Invariant: every page is in memory before the first reading begins.
//!
//! Run with `cargo run --release -p orb-page --example scan_cost -- FOLDER`, and count instructions with
//! `valgrind --tool=callgrind --collect-atstart=no --toggle-collect=scan_cost::read_links scan_cost --once FOLDER`.

use std::hint::black_box;
use std::path::{Path, PathBuf};

use orb_page::{ScanOptions, decode_text, scan};
use rustix::time::{ClockId, clock_gettime};

/// Rounds over all pages; the fastest counts, since only other work makes one slower.
const ROUNDS: usize = 15;
/// The page size that other figures of the project are given for.
const USUAL_PAGE_BYTES: f64 = 198.0 * 1024.0;

/// CPU time of this thread in microseconds.
fn cpu_micros() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn collect(path: &Path, pages: &mut Vec<Vec<u8>>) -> std::io::Result<()> {
    if !path.is_dir() {
        pages.push(std::fs::read(path)?);
        return Ok(());
    }
    let entries: Result<Vec<PathBuf>, _> = std::fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect();
    let mut entries = entries?;
    entries.sort();
    for entry in entries {
        let is_page = entry.extension().is_some_and(|ending| ending == "html");
        if entry.is_dir() || is_page {
            collect(&entry, pages)?;
        }
    }
    Ok(())
}

#[inline(never)]
fn read_text(page: &[u8]) -> usize {
    decode_text(black_box(page), None).text.len()
}

#[inline(never)]
fn read_declared(page: &[u8]) -> usize {
    decode_text(black_box(page), Some("utf-8")).text.len()
}

#[inline(never)]
fn read_links(html: &str) -> usize {
    let options = ScanOptions {
        token: "orbweaver".to_owned(),
        ..ScanOptions::default()
    };
    black_box(scan(black_box(html), &options)).links.len()
}

#[inline(never)]
fn read_links_and_text(html: &str) -> usize {
    let options = ScanOptions {
        token: "orbweaver".to_owned(),
        text: true,
        ..ScanOptions::default()
    };
    black_box(scan(black_box(html), &options)).links.len()
}

/// How the readings are run.
#[derive(Default)]
struct Choice {
    once: bool,
    /// The only reading wanted, by name.
    only: Option<String>,
}

fn measure<P>(name: &str, choice: &Choice, pages: &[P], bytes: usize, read: impl Fn(&P) -> usize) {
    if choice.only.as_deref().is_some_and(|only| only != name) {
        return;
    }
    let read_all = || pages.iter().map(&read).sum::<usize>();
    if choice.once {
        println!("{name}: {}", read_all());
        return;
    }
    let mut found = 0;
    let mut fastest = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = cpu_micros();
        found = read_all();
        fastest = fastest.min(cpu_micros() - start);
    }
    println!(
        "{name}: {:.1} us a page, {:.1} us per 198 KiB, {:.2} GB/s ({found})",
        fastest / pages.len() as f64,
        fastest * USUAL_PAGE_BYTES / bytes as f64,
        bytes as f64 / fastest / 1e3,
    );
}

fn main() -> std::io::Result<()> {
    let mut choice = Choice::default();
    let mut pages = Vec::new();
    for argument in std::env::args().skip(1) {
        if argument == "--once" {
            choice.once = true;
        } else if let Some(name) = argument.strip_prefix("--only=") {
            choice.only = Some(name.to_owned());
        } else {
            collect(Path::new(&argument), &mut pages)?;
        }
    }
    let bytes: usize = pages.iter().map(Vec::len).sum();
    println!("{} pages, {bytes} bytes", pages.len());
    if pages.is_empty() {
        println!("usage: scan_cost [--once] [--only=READING] FILE_OR_FOLDER...");
        return Ok(());
    }
    let texts: Vec<_> = pages
        .iter()
        .map(|page| decode_text(page, None).text)
        .collect();
    measure("text", &choice, &pages, bytes, |page| read_text(page));
    measure("declared-text", &choice, &pages, bytes, |page| {
        read_declared(page)
    });
    measure("links", &choice, &texts, bytes, |html| read_links(html));
    measure("links-and-text", &choice, &texts, bytes, |html| {
        read_links_and_text(html)
    });
    Ok(())
}
