//! What reading pages costs: CPU microseconds per page and per 200 KB, median of several runs, beside dom_smoothie.
//!
//! Ours is everything: main content as text and Markdown, facts, language. `read_cost FOLDER [MAX]` reads the `.html` files of a folder, up to MAX of them.
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot read its input has nothing to say"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use orb_page::decode_text;
use orb_read::read_html;
use rustix::time::{ClockId, clock_gettime};
use url::Url;

const RUNS: usize = 7;

fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        now.tv_sec.try_into().unwrap(),
        now.tv_nsec.try_into().unwrap(),
    )
}

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|end| end == "html") {
            found.push(path);
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("usage: read_cost FOLDER [MAX]");
    let max: usize = arguments.next().map_or(500, |max| max.parse().unwrap());
    let mut paths = Vec::new();
    pages(Path::new(&folder), &mut paths);
    let step = (paths.len() / max).max(1);
    let texts: Vec<String> = paths
        .iter()
        .step_by(step)
        .map(|path| {
            decode_text(&std::fs::read(path).unwrap(), None)
                .text
                .into_owned()
        })
        .collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    let page = Url::parse("https://a.example/d/page.html").unwrap();
    println!(
        "{} pages, {:.1} KB mean",
        texts.len(),
        bytes as f64 / texts.len() as f64 / 1e3
    );
    measure("orb-read", &texts, bytes, |text| {
        read_html(text, Some(&page)).markdown.len()
    });
    measure("dom_smoothie", &texts, bytes, |text| {
        dom_smoothie::Readability::new(text, None, None)
            .and_then(|mut reader| reader.parse())
            .map_or(0, |article| article.text_content.len())
    });
}

fn measure(name: &str, texts: &[String], bytes: usize, read: impl Fn(&str) -> usize) {
    let mut runs: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = cpu();
            for text in texts {
                std::hint::black_box(read(text));
            }
            cpu() - start
        })
        .collect();
    runs.sort();
    let micros = runs[RUNS / 2].as_secs_f64() * 1e6;
    println!(
        "{name:14} {:8.0} us a page {:8.0} us per 200 KB {:6.0} MB/s",
        micros / texts.len() as f64,
        micros / bytes as f64 * 200e3,
        bytes as f64 / micros
    );
}
