//! Scores of extracted text against labels: token F1, as bags of words.
#![allow(dead_code, reason = "the test and the long run each use a part")]

use std::collections::BTreeMap;
use std::path::Path;

/// A labelled page.
pub(crate) struct Page {
    pub(crate) name: String,
    /// The first word of the name.
    pub(crate) kind: String,
    pub(crate) html: String,
}

/// The pages of `tests/pages`, by name.
pub(crate) fn pages() -> Vec<Page> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pages");
    let mut pages: Vec<Page> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "html"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            Page {
                kind: name.split('-').next().unwrap().to_owned(),
                name,
                html: std::fs::read_to_string(path).unwrap(),
            }
        })
        .collect();
    pages.sort_by(|a, b| a.name.cmp(&b.name));
    pages
}

/// What stands between `<!--content-->` and `<!--/content-->`, without tags.
pub(crate) fn label(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split("<!--content-->").skip(1) {
        let piece = piece.split("<!--/content-->").next().unwrap();
        text.push_str(&visible(piece));
        text.push(' ');
    }
    text
}

/// All text of a page: the baseline that keeps everything.
pub(crate) fn visible(html: &str) -> String {
    let options = orb_page::ScanOptions {
        text: true,
        ..orb_page::ScanOptions::default()
    };
    orb_page::scan(html, &options).visible_text
}

/// Words, lower-case, without punctuation at their ends; how often each stands there.
pub(crate) fn tokens(text: &str) -> BTreeMap<String, u32> {
    let mut bag = BTreeMap::new();
    for word in text.split(|letter: char| !letter.is_alphanumeric()) {
        if !word.is_empty() {
            *bag.entry(word.to_lowercase()).or_insert(0) += 1;
        }
    }
    bag
}

/// Counts of tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct F1 {
    pub(crate) found: u32,
    pub(crate) wanted: u32,
    pub(crate) common: u32,
}

impl F1 {
    pub(crate) fn of(found: &BTreeMap<String, u32>, wanted: &BTreeMap<String, u32>) -> F1 {
        F1 {
            found: found.values().sum(),
            wanted: wanted.values().sum(),
            common: wanted
                .iter()
                .map(|(word, count)| (*count).min(found.get(word).copied().unwrap_or(0)))
                .sum(),
        }
    }

    pub(crate) fn precision(&self) -> f64 {
        f64::from(self.common) / f64::from(self.found.max(1))
    }

    pub(crate) fn recall(&self) -> f64 {
        f64::from(self.common) / f64::from(self.wanted.max(1))
    }

    pub(crate) fn f1(&self) -> f64 {
        2.0 * f64::from(self.common) / f64::from((self.found + self.wanted).max(1))
    }
}

/// The mean score of each kind.
pub(crate) fn by_kind(scored: Vec<(String, F1)>) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<String, (f64, u32)> = BTreeMap::new();
    for (kind, score) in scored {
        let sum = sums.entry(kind).or_default();
        sum.0 += score.f1();
        sum.1 += 1;
    }
    sums.into_iter()
        .map(|(kind, (sum, count))| (kind, sum / f64::from(count)))
        .collect()
}
