//! Instructions of a smaller crawl, counted by valgrind.
//!
//! In: a row. Out: instructions per page by stage and by crate. May touch: valgrind, the bench's folder.
//! Invariant: says what valgrind changes: the kernel's work is not counted, and code that asks for the processor's
//! newest instructions (SHA, AVX-512) runs its older variant.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::process::{Command, Stdio};

use serde::Serialize;

use super::callgrind;
use super::crawl_rows::{CrawlRow, WebSize};
use super::crawl_run::Bench;
use super::table::{Unit, table};
use crate::exit::Failure;

/// Sites of a crawl under valgrind, which runs some fifty times slower.
pub(crate) const INSTRUCTION_SITES: u32 = 60;

/// Crates shown by name.
const CRATES_SHOWN: usize = 12;

/// Instructions per page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Instructions {
    /// Pages of the crawl they were counted in.
    pub(crate) pages: u64,
    /// In all.
    pub(crate) per_page: f64,
    /// By stage.
    pub(crate) stages_per_page: BTreeMap<String, f64>,
    /// By the crate the code is written in.
    pub(crate) crates_per_page: BTreeMap<String, f64>,
}

impl Instructions {
    fn of(counted: &callgrind::Instructions, pages: u64) -> Instructions {
        let per_page = |number: u64| number as f64 / pages.max(1) as f64;
        let stages = counted.stages.iter();
        let crates = counted.crates.iter();
        Instructions {
            pages,
            per_page: per_page(counted.stages.values().sum()),
            stages_per_page: stages
                .map(|(name, number)| ((*name).to_owned(), per_page(*number)))
                .collect(),
            crates_per_page: crates
                .map(|(name, number)| (name.clone(), per_page(*number)))
                .collect(),
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        format!(
            "{} instructions a page (valgrind, {} pages; without the kernel's, and without the processor's newest)\n{}\n{}",
            Unit::Count.text(self.per_page),
            self.pages,
            self.parts("stage", &self.stages_per_page),
            self.parts("crate", &self.crates_per_page),
        )
    }

    fn parts(&self, title: &str, parts: &BTreeMap<String, f64>) -> String {
        let mut sorted: Vec<(&String, &f64)> = parts.iter().collect();
        sorted.sort_by(|left, right| right.1.total_cmp(left.1));
        let lines: Vec<Vec<String>> = sorted
            .iter()
            .take(CRATES_SHOWN)
            .map(|(name, number)| {
                vec![
                    (*name).clone(),
                    Unit::Count.text(**number),
                    Unit::Share.text(**number / self.per_page.max(1.0)),
                ]
            })
            .collect();
        table(&[title, "a page", "share"].map(str::to_owned), &lines)
    }
}

/// Whether valgrind can be run.
pub(crate) fn valgrind_is_here() -> bool {
    let ran = Command::new("valgrind")
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    !matches!(ran, Err(error) if error.kind() == io::ErrorKind::NotFound)
}

/// Counts the instructions of a small crawl of `row`; `None` when the end was asked for.
pub(crate) fn count(bench: &Bench, row: CrawlRow) -> Result<Option<Instructions>, Failure> {
    let size = WebSize {
        sites: bench.size.sites.min(INSTRUCTION_SITES),
        ..bench.size
    };
    let web = bench.web(row, size)?;
    let counts = bench.folder.join("callgrind.out");
    let program = std::env::current_exe().map_err(Failure::storage)?;
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(program)
        .args(row.crawl_arguments(&web.served, &bench.folder.join("crawl")))
        .arg("--set=fetch.tls_timeout=60s"); // fifty times slower, and all handshakes at once
    let ended = bench.crawl(command)?;
    drop(web);
    bench.clean()?;
    let Some(ended) = ended else { return Ok(None) };
    let text = fs::read_to_string(&counts).map_err(Failure::storage)?;
    fs::remove_file(&counts).map_err(Failure::storage)?;
    Ok(Some(Instructions::of(
        &callgrind::read(&text),
        ended.summary.pages,
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_told_by_the_page_the_largest_first() {
        let counted = callgrind::Instructions {
            crates: [
                ("orb-page".to_owned(), 3_000_000),
                ("sha1".to_owned(), 1_000_000),
            ]
            .into(),
            stages: [("archive", 1_000_000), ("scan", 3_000_000)].into(),
        };
        let text = Instructions::of(&counted, 10).text();
        assert_eq!(
            text,
            "400,000 instructions a page (valgrind, 10 pages; without the kernel's, and without the processor's \
             newest)\n\
             stage     a page  share\nscan     300,000   75 %\narchive  100,000   25 %\n\n\
             crate      a page  share\norb-page  300,000   75 %\nsha1      100,000   25 %\n"
        );
    }
}
