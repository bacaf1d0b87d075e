//! One reading of one document.
//!
//! In: decoded text, its kind, its address. Out: a [`Reading`].
//! May touch: every module of this crate. Must not touch: bytes; charsets are `orb-page`'s part.
//! Invariant: reading never fails.

use serde::Serialize;
use url::Url;

use crate::address::Addresses;
use crate::document::{Block, Inline};
use crate::facts::{self, Facts, Structured};
use crate::media_type::MediaType;
use crate::tag::Tag;
use crate::tree::Tree;
use crate::{builder, compose, content, feed, json, limits, write};

/// What a person or a program wants of a document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The document's own title.
    pub title: Option<String>,
    /// The main content as plain text.
    pub text: String,
    /// The main content as Markdown, with absolute addresses.
    pub markdown: String,
    /// Everything else.
    pub facts: Facts,
    /// Links of documents that are no HTML; those of pages are found by the crawl's scanner.
    pub links: Vec<FoundLink>,
}

/// A link of a feed, a JSON document or plain text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundLink {
    /// The address, absolute if the document's own is known.
    pub url: String,
    /// What stands for it: the title of a feed's entry; empty in plain text.
    pub text: String,
}

/// Reads a document of any kind.
///
/// - `text`: decoded; empty for kinds that are not read.
/// - `page`: its address, which references are resolved against.
/// - Cost: linear in `text`; a page of 200 KB takes one to two milliseconds.
pub fn read(text: &str, media_type: &MediaType, page: Option<&Url>) -> Reading {
    let mut reading = match media_type {
        MediaType::Html => read_html(text, page),
        MediaType::Xml => feed::read(text, page),
        MediaType::Json => json::read(text, page),
        MediaType::Plain => plain(text),
        MediaType::Markdown => {
            let mut reading = plain(text);
            reading.markdown = text.to_owned();
            reading
        }
        MediaType::Other(_) => Reading::default(),
    };
    media_type
        .essence()
        .clone_into(&mut reading.facts.media_type);
    reading
}

/// A document whose text another reader took out of it, such as a PDF: paragraphs with an empty line between two.
///
/// - `links`: addresses it names, absolute.
pub fn of_text(
    text: &str,
    media_type: &MediaType,
    title: Option<String>,
    byline: Option<String>,
    links: Vec<String>,
) -> Reading {
    let mut reading = plain(text);
    reading.title = title;
    reading.facts.byline = byline;
    reading.links = links
        .into_iter()
        .map(|url| FoundLink {
            url,
            text: String::new(),
        })
        .collect();
    media_type
        .essence()
        .clone_into(&mut reading.facts.media_type);
    reading
}

/// Reads an HTML page; see [`read`].
pub fn read_html(html: &str, page: Option<&Url>) -> Reading {
    let tree = builder::build(html);
    let base = base_href(&tree);
    let addresses = Addresses::new(page, base.as_deref(), html.len());
    let content = content::find(&tree);
    let blocks = compose::compose(&tree, &content, &addresses);
    let mut reading = of_blocks(&blocks);
    let (title, facts) = facts::of_page(&tree, &content, page, &reading.text);
    reading.title = title;
    reading.facts = Facts {
        words: reading.facts.words,
        links: reading.facts.links,
        images: reading.facts.images,
        reading_grade: reading.facts.reading_grade,
        ..facts
    };
    reading
}

/// The main content of an HTML page as text, and nothing else of it: what [`read_html`] gives as `text`.
pub fn main_text(html: &str) -> String {
    write::plain(&main_blocks(html, None))
}

/// The main content of an HTML page as Markdown, and nothing else of it.
pub fn main_markdown(html: &str, page: Option<&Url>) -> String {
    write::markdown(&main_blocks(html, page))
}

fn main_blocks(html: &str, page: Option<&Url>) -> Vec<Block> {
    let tree = builder::build(html);
    let base = base_href(&tree);
    let addresses = Addresses::new(page, base.as_deref(), html.len());
    compose::compose(&tree, &content::find(&tree), &addresses)
}

/// Text and Markdown of blocks, and what is counted in them.
pub(crate) fn of_blocks(blocks: &[Block]) -> Reading {
    let text = write::plain(blocks);
    let (words, reading_grade) = facts::count_words(&text);
    let mut counts = Counts::default();
    counts.blocks(blocks);
    Reading {
        markdown: write::markdown(blocks),
        text,
        facts: Facts {
            words,
            reading_grade,
            links: counts.links,
            images: counts.images,
            structured: Structured::default(),
            ..Facts::default()
        },
        ..Reading::default()
    }
}

/// The blocks of a piece of HTML inside another document, such as an entry of a feed.
pub(crate) fn blocks_of_fragment(html: &str, page: Option<&Url>) -> Vec<Block> {
    let tree = builder::build(html);
    let addresses = Addresses::new(page, None, html.len());
    compose::compose(&tree, &content::whole(&tree), &addresses)
}

fn base_href(tree: &Tree<'_>) -> Option<String> {
    tree.ids()
        .filter(|id| tree.tag(*id) == Some(Tag::Base))
        .find_map(|id| tree.attribute(id, "href"))
        .map(|href| href.trim().to_owned())
}

/// Plain text: paragraphs where it reads like prose, listings where its blanks are meant.
fn plain(text: &str) -> Reading {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut blocks = Vec::new();
    let mut chunk: Vec<&str> = Vec::new();
    for line in text.lines().chain(std::iter::once("")) {
        if !line.trim().is_empty() {
            chunk.push(line);
        } else if !chunk.is_empty() {
            blocks.push(chunk_of_text(&chunk));
            chunk.clear();
        }
    }
    let mut reading = of_blocks(&blocks);
    reading.links = json::addresses_in(&text);
    reading.facts.links = reading.links.len() as u64;
    reading.facts.language = facts::language_of_text(&reading.text, None);
    reading
}

fn chunk_of_text(lines: &[&str]) -> Block {
    let is_placed = |line: &&str| line.starts_with([' ', '\t']) || line.trim_end().contains("   ");
    if lines.iter().any(is_placed) {
        return Block::Code {
            language: None,
            text: lines.join("\n"),
        };
    }
    // Lines wrapped at a margin are one paragraph; short ones are meant as lines.
    let longest = lines.iter().map(|line| line.len()).max().unwrap_or(0);
    let is_wrapped = longest >= 50;
    let mut words = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        if place > 0 && is_wrapped {
            words.push(Inline::Text(" ".to_owned()));
        } else if place > 0 {
            words.push(Inline::Break);
        }
        words.push(Inline::Text(line.trim().to_owned()));
    }
    Block::Paragraph(words)
}

#[derive(Debug, Default)]
struct Counts {
    links: u64,
    images: u64,
}

impl Counts {
    fn blocks(&mut self, blocks: &[Block]) {
        for block in blocks {
            match block {
                Block::Heading { words, .. } | Block::Paragraph(words) => self.words(words),
                Block::List { items, .. } => items.iter().for_each(|item| self.blocks(item)),
                Block::Quote(blocks) | Block::Footnote { blocks, .. } => self.blocks(blocks),
                Block::Table(table) => {
                    let cells = table.head.iter().chain(table.rows.iter().flatten());
                    cells.for_each(|cell| self.words(cell));
                }
                Block::Definitions(all) => {
                    for definition in all {
                        definition.terms.iter().for_each(|term| self.words(term));
                        definition
                            .meanings
                            .iter()
                            .for_each(|meaning| self.blocks(meaning));
                    }
                }
                Block::Code { .. } | Block::Rule => {}
            }
        }
    }

    fn words(&mut self, words: &[Inline]) {
        for word in words {
            match word {
                Inline::Link { words, .. } => {
                    self.links += 1;
                    self.words(words);
                }
                Inline::Marked(_, words) => self.words(words),
                Inline::Image { .. } => self.images += 1,
                _ => {}
            }
        }
    }
}

/// Keeps as many links as are given of one document.
pub(crate) fn bounded_links(mut links: Vec<FoundLink>) -> Vec<FoundLink> {
    links.truncate(limits::LINKS_MAX);
    links
}
