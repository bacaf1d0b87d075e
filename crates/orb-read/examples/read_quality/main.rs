//! How well main content is found, beside dom_smoothie and beside keeping everything.
//!
//! `read_quality [FOLDER]` scores the labelled pages of `tests/pages` by token F1, and, given the folder in which
//! Debian's documentation packages were unpacked (`usr/share/doc`), its pages by snippets that must and must not occur.
#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot read its input has nothing to say"
)]

mod debian;
mod score;

use std::path::Path;

use score::{F1, by_kind, label, pages, tokens, visible};

/// Scores below which a page is shown with what is missing and what is too much.
const SHOWN_BELOW: f64 = 0.95;

fn smoothie(html: &str) -> String {
    dom_smoothie::Readability::new(html, None, None)
        .and_then(|mut reader| reader.parse())
        .map(|article| article.text_content.to_string())
        .unwrap_or_default()
}

fn main() {
    let mut rows: Vec<(String, String, [F1; 3])> = Vec::new();
    for page in pages() {
        let wanted = tokens(&label(&page.html));
        let read = orb_read::read_html(&page.html, None).text;
        let scores = [read.clone(), smoothie(&page.html), visible(&page.html)]
            .map(|text| F1::of(&tokens(&text), &wanted));
        if scores[0].f1() < SHOWN_BELOW {
            show_failure(&page.name, &read, &label(&page.html), scores[0]);
        }
        rows.push((page.name, page.kind, scores));
    }
    println!(
        "{:30} {:>9} {:>13} {:>11}",
        "token F1", "orb-read", "dom_smoothie", "everything"
    );
    for (name, _, scores) in &rows {
        let [own, other, all] = scores.map(|score| score.f1());
        println!("{name:30} {own:9.3} {other:13.3} {all:11.3}");
    }
    let kinds: Vec<_> = (0..3)
        .map(|place| {
            by_kind(
                rows.iter()
                    .map(|(_, kind, scores)| (kind.clone(), scores[place]))
                    .collect(),
            )
        })
        .collect();
    println!("\nby kind, {} pages", rows.len());
    for (kind, own) in &kinds[0] {
        println!(
            "{kind:30} {own:9.3} {:13.3} {:11.3}",
            kinds[1][kind], kinds[2][kind]
        );
    }
    let mean =
        |place: usize| rows.iter().map(|row| row.2[place].f1()).sum::<f64>() / rows.len() as f64;
    println!(
        "{:30} {:9.3} {:13.3} {:11.3}",
        "all",
        mean(0),
        mean(1),
        mean(2)
    );
    match std::env::args().nth(1) {
        Some(folder) => debian::run(Path::new(&folder), smoothie),
        None => println!("\nDebian's pages were not read: no folder was given"),
    }
}

fn show_failure(name: &str, found: &str, wanted: &str, score: F1) {
    let (found, wanted) = (tokens(found), tokens(wanted));
    let less = |a: &std::collections::BTreeMap<String, u32>,
                b: &std::collections::BTreeMap<String, u32>| {
        a.iter()
            .filter(|(word, count)| b.get(*word).copied().unwrap_or(0) < **count)
            .map(|(word, _)| word.as_str())
            .take(40)
            .collect::<Vec<_>>()
            .join(" ")
    };
    println!(
        "{name}: precision {:.3}, recall {:.3}\n  missing: {}\n  too much: {}\n",
        score.precision(),
        score.recall(),
        less(&wanted, &found),
        less(&found, &wanted)
    );
}
