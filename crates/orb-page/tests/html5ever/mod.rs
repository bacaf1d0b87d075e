//! The scanner held against html5ever: what both see of pages, and what explains the differences.
//!
//! In: pages. Out: a [`Verdict`] each. May touch: html5ever, the public API. Must not touch: files, time.
//! Invariant: equal pages give equal verdicts.

pub(crate) mod causes;
pub(crate) mod pages;
pub(crate) mod tree;

use std::collections::BTreeMap;

use causes::CAUSES;
use orb_page::limits::{HREF_BYTES_MAX, TITLE_BYTES_MAX};
use orb_page::{Page, ScanOptions, scan};
use tree::Seen;

/// What both see of one page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The same.
    Same,
    /// Something else, and this is why.
    Explained(&'static str),
    /// Something else, by several causes together.
    ExplainedBySeveral,
    /// Something else, and nobody knows why.
    Unexplained,
}

/// Judges one page.
pub(crate) fn judge(html: &str) -> Verdict {
    if agree(html) {
        return Verdict::Same;
    }
    if let Some(cause) = CAUSES.iter().find(|cause| agree(&(cause.without)(html))) {
        return Verdict::Explained(cause.name);
    }
    let without_all = CAUSES
        .iter()
        .fold(html.to_owned(), |html, cause| (cause.without)(&html));
    if agree(&without_all) {
        Verdict::ExplainedBySeveral
    } else {
        Verdict::Unexplained
    }
}

/// Whether both see the same links, title, base and text. Blanks in the text may differ in one way: a tree builder
/// ignores tags of blocks that are out of place, where we break the line all the same.
pub(crate) fn agree(html: &str) -> bool {
    let (ours, theirs) = (ours(html), tree::read(html));
    let longest = |href: &&String| href.len() < HREF_BYTES_MAX;
    ours.links.iter().eq(theirs.links.iter().filter(longest))
        && is_cut(
            ours.title.as_deref(),
            theirs.title.as_deref(),
            TITLE_BYTES_MAX,
        )
        && ours.base == theirs.base
        && (ours.text == theirs.text || is_broken_more(&ours_marked(html), &theirs.text))
}

/// Whether `own` is `whole`, or as much of it as is kept.
fn is_cut(own: Option<&str>, whole: Option<&str>, bytes_max: usize) -> bool {
    own == whole
        || own.zip(whole).is_some_and(|(own, whole)| {
            whole.len() > bytes_max && whole.starts_with(own) && own.len() + 4 > bytes_max
        })
}

/// Stands before a tag that breaks lines, where blanks are judged; no page has it.
const MARK: char = '\u{e000}';

/// Our text of a page in which [`MARK`] stands before each tag of a block or cell.
fn ours_marked(html: &str) -> String {
    let mut marked = String::with_capacity(2 * html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        marked.push_str(&rest[..at]);
        rest = &rest[at..];
        if breaks_lines(rest) {
            marked.push(MARK);
        }
        marked.push('<');
        rest = &rest[1..];
    }
    marked.push_str(rest);
    ours(&marked).text
}

fn breaks_lines(tag: &str) -> bool {
    let name = tag[1..].strip_prefix('/').unwrap_or(&tag[1..]);
    let end = name
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(name.len());
    let name = name[..end].to_ascii_lowercase();
    tree::is_block(&name) || matches!(&*name, "td" | "th")
}

/// Whether `marked` is `other` with further blanks, each beside a [`MARK`].
fn is_broken_more(marked: &str, other: &str) -> bool {
    let (mut own, mut theirs) = (words(marked), words(other));
    loop {
        match (own.next(), theirs.next()) {
            (None, None) => return true,
            (Some(own), Some(theirs)) if own.letter == theirs.letter => {
                let is_fine = own.blank == theirs.blank || (own.blank && own.mark);
                if !is_fine {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// A letter, and what stands before it.
#[derive(Debug, Default)]
struct Letter {
    letter: Option<char>,
    blank: bool,
    mark: bool,
}

/// The letters of a text; blanks at its ends are none.
fn words(text: &str) -> impl Iterator<Item = Letter> {
    let mut before = Letter::default();
    let mut is_first = true;
    text.chars().filter_map(move |letter| {
        match letter {
            ' ' => before.blank = !is_first,
            MARK => before.mark = true,
            letter => {
                is_first = false;
                before.letter = Some(letter);
                return Some(std::mem::take(&mut before));
            }
        }
        None
    })
}

/// What the scanner sees.
pub(crate) fn ours(html: &str) -> Seen {
    let options = ScanOptions {
        text: true,
        ..ScanOptions::default()
    };
    let page: Page = scan(html, &options);
    let words: Vec<&str> = page.visible_text.split_ascii_whitespace().collect();
    Seen {
        links: page
            .links
            .iter()
            .map(|link| format!("{:?} {}", link.kind, link.href))
            .collect(),
        title: page.title,
        base: page.base,
        text: words.join(" "),
    }
}

/// Verdicts on many pages, counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) pages: u64,
    pub(crate) same: u64,
    pub(crate) explained: BTreeMap<&'static str, u64>,
    pub(crate) by_several: u64,
    pub(crate) unexplained_in_all: u64,
    /// The first few, made as short as they get.
    pub(crate) unexplained: Vec<String>,
}

/// Unexplained pages that are kept.
const UNEXPLAINED_MAX: usize = 10;

impl Tally {
    pub(crate) fn add(&mut self, html: &str) {
        self.pages += 1;
        match judge(html) {
            Verdict::Same => self.same += 1,
            Verdict::Explained(cause) => *self.explained.entry(cause).or_default() += 1,
            Verdict::ExplainedBySeveral => self.by_several += 1,
            Verdict::Unexplained => {
                self.unexplained_in_all += 1;
                if self.unexplained.len() < UNEXPLAINED_MAX {
                    self.unexplained.push(shortened(html));
                }
            }
        }
    }
}

/// A short page with the same fault: pieces are taken out for as long as it stays unexplained.
fn shortened(html: &str) -> String {
    let mut html = html.to_owned();
    let mut piece = html.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < html.len() {
            let (from, to) = (
                html.floor_char_boundary(at),
                html.ceil_char_boundary((at + piece).min(html.len())),
            );
            let shorter = [&html[..from], &html[to..]].concat();
            if judge(&shorter) == Verdict::Unexplained {
                html = shorter;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    html
}
