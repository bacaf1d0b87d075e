//! The content of a tree as a document.
//!
//! In: a tree, its content. Out: blocks.
//! May touch: `tree`, `measure` (what is left out), `document`. Must not touch: how blocks are written.
//! Invariant: every letter that is not left out is in exactly one block; recursion is as deep as the tree, which is
//! bounded.

mod footnotes;
mod inlines;
mod listing;
mod picture;
mod table;
mod words;

use std::cell::RefCell;

use crate::address::Addresses;
use crate::content::Content;
use crate::document::{Block, Definition, Inline, is_blank};
use crate::hints::Hint;
use crate::measure::Measures;
use crate::tag::Tag;
use crate::tree::{Kind, NodeId, Tree};

use self::footnotes::Footnotes;
use self::words::Words;

/// Composes the document of a page's content.
pub(crate) fn compose(tree: &Tree<'_>, content: &Content, addresses: &Addresses) -> Vec<Block> {
    let composer = Composer {
        tree,
        measures: &content.measures,
        addresses,
        footnotes: Footnotes::find(tree, content.root),
        notes: RefCell::default(),
    };
    let mut blocks = Vec::new();
    if let Some(heading) = content.heading {
        let text = tree.text(heading, crate::limits::TITLE_BYTES_MAX);
        if !text.is_empty() {
            blocks.push(Block::Heading {
                level: 1,
                words: vec![Inline::Text(text)],
            });
        }
    }
    composer.element(content.root, &mut Flow::new(&mut blocks));
    let mut notes = composer.notes.into_inner();
    notes.sort_by_key(|(number, _)| *number);
    blocks.extend(
        notes
            .into_iter()
            .map(|(number, blocks)| Block::Footnote { number, blocks }),
    );
    blocks
}

struct Composer<'t, 'a> {
    tree: &'t Tree<'a>,
    measures: &'t Measures,
    addresses: &'t Addresses,
    footnotes: Footnotes,
    notes: RefCell<Vec<(u32, Vec<Block>)>>,
}

/// Where blocks go, and the line being written between them.
struct Flow<'b> {
    blocks: &'b mut Vec<Block>,
    line: Words,
}

impl<'b> Flow<'b> {
    fn new(blocks: &'b mut Vec<Block>) -> Self {
        Self {
            blocks,
            line: Words::default(),
        }
    }

    /// Ends the line, as a paragraph if it says anything.
    fn end_line(&mut self) {
        let words = self.line.take();
        if !is_blank(&words) {
            self.blocks.push(Block::Paragraph(words));
        }
    }

    fn push(&mut self, block: Block) {
        self.end_line();
        self.blocks.push(block);
    }
}

impl Composer<'_, '_> {
    /// The children of `id` as blocks.
    fn blocks(&self, id: NodeId) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut flow = Flow::new(&mut blocks);
        self.children(id, &mut flow);
        flow.end_line();
        blocks
    }

    /// The children of `id` as one line, blocks inside it joined by blanks.
    fn line(&self, id: NodeId) -> Vec<Inline> {
        flattened(self.blocks(id))
    }

    fn children(&self, id: NodeId, flow: &mut Flow<'_>) {
        for child in self.tree.children(id) {
            match self.tree.kind(child) {
                Kind::Text(run) => flow.line.text(&run.decode()),
                Kind::Element(..) if self.measures.is_out(child) => {}
                Kind::Element(..) => self.element(child, flow),
            }
        }
    }

    fn element(&self, id: NodeId, flow: &mut Flow<'_>) {
        let Some(tag) = self.tree.tag(id) else { return };
        if let Some(number) = self.footnotes.note(id) {
            let note = self.blocks(id);
            if !note.is_empty() {
                self.notes.borrow_mut().push((number, note));
            }
            return;
        }
        if tag.is_block() {
            flow.end_line();
            self.block(id, tag, flow);
            flow.end_line();
        } else {
            self.inline(id, tag, flow);
        }
    }

    fn block(&self, id: NodeId, tag: Tag, flow: &mut Flow<'_>) {
        match tag {
            Tag::Ul | Tag::Menu | Tag::Dir => self.list(id, None, flow),
            Tag::Ol => self.list(id, Some(self.first_number(id)), flow),
            Tag::Blockquote => {
                let inside = self.blocks(id);
                if !inside.is_empty() {
                    flow.push(Block::Quote(inside));
                }
            }
            Tag::Dl => self.definitions(id, flow),
            Tag::Table => self.table(id, flow),
            Tag::Hr => {
                if !matches!(flow.blocks.last(), None | Some(Block::Rule)) {
                    flow.push(Block::Rule);
                }
            }
            Tag::Pre | Tag::Listing | Tag::Xmp | Tag::Plaintext => {
                if let Some(code) = self.listing(id) {
                    flow.push(code);
                }
            }
            Tag::Summary | Tag::Legend => {
                let words = self.line(id);
                if !is_blank(&words) {
                    flow.push(Block::Paragraph(vec![Inline::Marked(
                        crate::document::Mark::Strong,
                        words,
                    )]));
                }
            }
            _ => match tag.heading_level() {
                Some(level) => self.heading(id, level, flow),
                None => self.children(id, flow),
            },
        }
    }

    fn heading(&self, id: NodeId, level: u8, flow: &mut Flow<'_>) {
        let words = self.line(id);
        if is_blank(&words) {
            return;
        }
        flow.push(Block::Heading { level, words });
    }

    fn first_number(&self, id: NodeId) -> u32 {
        self.tree
            .attribute(id, "start")
            .and_then(|start| start.trim().parse().ok())
            .filter(|start| *start < 1_000_000_000)
            .unwrap_or(1)
    }

    fn list(&self, id: NodeId, start: Option<u32>, flow: &mut Flow<'_>) {
        let mut items: Vec<Vec<Block>> = Vec::new();
        let mut is_footnotes = false;
        for child in self.tree.children(id) {
            if self.measures.is_out(child) {
                continue;
            }
            if self.footnotes.note(child).is_some() {
                is_footnotes = true;
                self.element(child, flow);
                continue;
            }
            let mut blocks = Vec::new();
            let mut inner = Flow::new(&mut blocks);
            match self.tree.kind(child) {
                Kind::Text(run) => inner.line.text(&run.decode()),
                Kind::Element(Tag::Li, _) => self.children(child, &mut inner),
                // A list right inside a list belongs to the item before.
                Kind::Element(..) => self.element(child, &mut inner),
            }
            inner.end_line();
            let is_item = self.tree.tag(child) == Some(Tag::Li);
            match items.last_mut() {
                Some(before) if !is_item => before.extend(blocks),
                _ if blocks.is_empty() => {}
                _ => items.push(blocks),
            }
        }
        if !items.is_empty() || !is_footnotes {
            items.retain(|item| !item.is_empty());
        }
        if !items.is_empty() {
            flow.push(Block::List { start, items });
        }
    }

    fn definitions(&self, id: NodeId, flow: &mut Flow<'_>) {
        let mut found = Vec::new();
        self.gather_definitions(id, &mut found, flow);
        found.retain(|definition: &Definition| {
            !definition.terms.is_empty() || !definition.meanings.is_empty()
        });
        if !found.is_empty() {
            flow.push(Block::Definitions(found));
        }
    }

    /// `dt` and `dd` of the list, also those inside its `div`s (HTML Standard, 4.4.9).
    fn gather_definitions(&self, id: NodeId, found: &mut Vec<Definition>, flow: &mut Flow<'_>) {
        for child in self.tree.children(id) {
            if self.measures.is_out(child) {
                continue;
            }
            if self.footnotes.note(child).is_some() {
                self.element(child, flow);
                continue;
            }
            match self.tree.kind(child) {
                Kind::Element(Tag::Dt, _) => {
                    let term = self.line(child);
                    if is_blank(&term) {
                        continue;
                    }
                    match found.last_mut() {
                        Some(last) if last.meanings.is_empty() => last.terms.push(term),
                        _ => found.push(Definition {
                            terms: vec![term],
                            meanings: Vec::new(),
                        }),
                    }
                }
                Kind::Element(Tag::Div, _) => self.gather_definitions(child, found, flow),
                Kind::Element(tag, _) => {
                    let mut blocks = Vec::new();
                    if tag == Tag::Dd {
                        blocks = self.blocks(child);
                    } else {
                        let mut inner = Flow::new(&mut blocks);
                        self.element(child, &mut inner);
                        inner.end_line();
                    }
                    meaning(found, blocks);
                }
                Kind::Text(run) => {
                    let text = run.decode();
                    if !text.trim().is_empty() {
                        let mut words = Words::default();
                        words.text(&text);
                        meaning(found, vec![Block::Paragraph(words.take())]);
                    }
                }
            }
        }
    }

    /// Whether a list, table, listing, quote or heading stands below.
    fn holds(&self, id: NodeId, wanted: impl Fn(Tag) -> bool) -> bool {
        (id + 1..self.tree.end(id)).any(|inside| {
            !self.measures.is_out(inside) && self.tree.tag(inside).is_some_and(&wanted)
        })
    }

    fn has(&self, id: NodeId, hint: Hint) -> bool {
        self.measures.has(id, hint)
    }
}

fn meaning(found: &mut Vec<Definition>, blocks: Vec<Block>) {
    if blocks.is_empty() {
        return;
    }
    match found.last_mut() {
        Some(last) => last.meanings.push(blocks),
        None => found.push(Definition {
            terms: Vec::new(),
            meanings: vec![blocks],
        }),
    }
}

/// Blocks as one line, for places that hold only one: headings, terms, cells.
fn flattened(blocks: Vec<Block>) -> Vec<Inline> {
    let mut line: Vec<Inline> = Vec::new();
    for block in blocks {
        if !line.is_empty() {
            line.push(Inline::Text(" ".to_owned()));
        }
        match block {
            Block::Heading { words, .. } | Block::Paragraph(words) => line.extend(words),
            Block::Code { text, .. } => {
                line.push(Inline::Code(
                    text.split_whitespace().collect::<Vec<_>>().join(" "),
                ));
            }
            Block::Quote(inside) | Block::Footnote { blocks: inside, .. } => {
                line.extend(flattened(inside))
            }
            Block::List { items, .. } => {
                for (place, item) in items.into_iter().enumerate() {
                    if place > 0 {
                        line.push(Inline::Text("; ".to_owned()));
                    }
                    line.extend(flattened(item));
                }
            }
            Block::Definitions(definitions) => {
                for definition in definitions {
                    for term in definition.terms {
                        line.extend(term);
                        line.push(Inline::Text(": ".to_owned()));
                    }
                    for meaning in definition.meanings {
                        line.extend(flattened(meaning));
                        line.push(Inline::Text(" ".to_owned()));
                    }
                }
            }
            Block::Table(table) => {
                let rows = std::iter::once(table.head).chain(table.rows);
                for cell in rows.flatten() {
                    line.extend(cell);
                    line.push(Inline::Text(" ".to_owned()));
                }
            }
            Block::Rule => {}
        }
    }
    while line
        .last()
        .is_some_and(|last| matches!(last, Inline::Text(text) if text.trim().is_empty()))
    {
        line.pop();
    }
    line
}
