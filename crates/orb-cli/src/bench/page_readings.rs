//! The ways in which `orb bench page` reads a page, ours and others'.
//!
//! In: pages. Out: CPU time of a reading over all of them. May touch: nothing but its arguments.
//! Invariant: what a reading returns depends on all it found, so that nothing of it can be left out by a compiler.

use std::hint::black_box;
use std::time::Duration;

use orb_dedup::TextMarks;
use orb_env::thread_cpu;
use orb_page::{ScanOptions, decode_text, scan};
use orb_read::{main_markdown, main_text, read_html};
use orb_url::{CrawlKey, Linker};

use crate::bench::page_set::{BenchPage, PageSet};

/// A key like a crawl's.
const KEY: CrawlKey = CrawlKey::new(*b"sixteen bytes of");

/// One way to read, and the names of what is measured of it.
pub(crate) struct Reading {
    /// In tables.
    pub(crate) name: &'static str,
    /// Microseconds a page.
    pub(crate) micros: &'static str,
    /// Decoded bytes a CPU-second.
    pub(crate) rate: &'static str,
    /// Reads one page; the number depends on all it found.
    pub(crate) read: fn(&mut Bench, &BenchPage) -> usize,
}

/// What readings share from page to page, as a crawl's do.
pub(crate) struct Bench {
    links: ScanOptions,
    text: ScanOptions,
    linker: Linker,
}

impl Bench {
    pub(crate) fn new() -> Bench {
        let links = ScanOptions {
            token: "orbweaver".to_owned(),
            ..ScanOptions::default()
        };
        Bench {
            text: ScanOptions {
                text: true,
                ..links.clone()
            },
            links,
            linker: Linker::new(KEY),
        }
    }
}

/// Ours, in the order of the report.
pub(crate) const READINGS: [Reading; 8] = [
    Reading {
        name: "charset",
        micros: "charset_micros_per_page",
        rate: "charset_bytes_per_cpu_second",
        read: |_, page| decode_text(black_box(&page.body), None).text.len(),
    },
    Reading {
        name: "links",
        micros: "links_micros_per_page",
        rate: "links_bytes_per_cpu_second",
        read: |bench, page| scan(black_box(&page.html), &bench.links).links.len(),
    },
    Reading {
        name: "links, text",
        micros: "links_text_micros_per_page",
        rate: "links_text_bytes_per_cpu_second",
        read: |bench, page| {
            let found = scan(black_box(&page.html), &bench.text);
            found.links.len() + found.visible_text.len()
        },
    },
    Reading {
        name: "links, text, simhash",
        micros: "links_text_simhash_micros_per_page",
        rate: "links_text_simhash_bytes_per_cpu_second",
        read: |bench, page| {
            let found = scan(black_box(&page.html), &bench.text);
            let title = found.title.as_deref().unwrap_or_default();
            let marks = TextMarks::of(&[title, &found.visible_text], page.url.as_str());
            found.links.len() ^ marks.simhash() as usize
        },
    },
    Reading {
        name: "urls",
        micros: "urls_micros_per_page",
        rate: "urls_bytes_per_cpu_second",
        read: |bench, page| {
            let mut linker = bench.linker.page(&page.base);
            let fingerprints = page.hrefs.iter().filter_map(|href| {
                let link = linker.link(black_box(href)).ok()?;
                Some(link.fingerprint().0 ^ link.site_hash())
            });
            fingerprints.fold(0, |sum, one| sum ^ one) as usize
        },
    },
    Reading {
        name: "main text",
        micros: "main_text_micros_per_page",
        rate: "main_text_bytes_per_cpu_second",
        read: |_, page| main_text(black_box(&page.html)).len(),
    },
    Reading {
        name: "main content as Markdown",
        micros: "markdown_micros_per_page",
        rate: "markdown_bytes_per_cpu_second",
        read: |_, page| main_markdown(black_box(&page.html), Some(&page.address)).len(),
    },
    Reading {
        name: "everything",
        micros: "everything_micros_per_page",
        rate: "everything_bytes_per_cpu_second",
        read: |_, page| {
            let reading = read_html(black_box(&page.html), Some(&page.address));
            reading.markdown.len() + reading.facts.words as usize
        },
    },
];

impl Reading {
    /// CPU time of reading every page of `set` once, on the calling thread.
    pub(crate) fn cost(&self, bench: &mut Bench, set: &PageSet) -> Duration {
        let began = thread_cpu();
        for page in &set.pages {
            black_box((self.read)(bench, page));
        }
        thread_cpu().saturating_sub(began)
    }
}
