//! Elements inside a line.
//!
//! In: inline elements. Out: words, marks, links, pictures.
//! May touch: `words`, `address`. Must not touch: which blocks they stand in.
//! Invariant: an unknown element is read through; a link without an address is its words.

use crate::document::{Block, Inline, Mark, is_blank};
use crate::hints::Hint;
use crate::tag::Tag;
use crate::tree::{Kind, NodeId};

use super::words::Frame;
use super::{Composer, Flow};

impl Composer<'_, '_> {
    pub(super) fn inline(&self, id: NodeId, tag: Tag, flow: &mut Flow<'_>) {
        match tag {
            Tag::Br => flow.line.push(Inline::Break),
            Tag::Wbr => {}
            Tag::A => self.anchor(id, flow),
            Tag::Img | Tag::Image => {
                if let Some(picture) = self.picture(id) {
                    flow.line.push(picture);
                }
            }
            Tag::B | Tag::Strong => self.marked(id, Mark::Strong, flow),
            Tag::I | Tag::Em | Tag::Cite | Tag::Dfn | Tag::Var => {
                self.marked(id, Mark::Emphasis, flow);
            }
            Tag::S | Tag::Strike | Tag::Del => self.marked(id, Mark::Struck, flow),
            Tag::Code | Tag::Kbd | Tag::Samp | Tag::Tt => self.code(id, flow),
            Tag::Math => self.formula(id, flow),
            Tag::Q => {
                flow.line.text("\u{201c}");
                self.children(id, flow);
                flow.line.text("\u{201d}");
            }
            Tag::Label | Tag::Option => {
                flow.line.blank();
                self.children(id, flow);
                flow.line.blank();
            }
            _ => self.children(id, flow),
        }
    }

    fn marked(&self, id: NodeId, mark: Mark, flow: &mut Flow<'_>) {
        flow.line.open(Frame::Marked(mark));
        self.children(id, flow);
        flow.line.close();
    }

    /// Code keeps its letters and nothing else; code around links or blocks is read through.
    fn code(&self, id: NodeId, flow: &mut Flow<'_>) {
        let is_plain = !self.holds(id, |tag| {
            tag.is_block() || matches!(tag, Tag::A | Tag::Img | Tag::Br)
        });
        if !is_plain {
            if self.is_one_link(id) {
                return self.children(id, flow);
            }
            return if self.holds(id, Tag::is_block) {
                self.children(id, flow)
            } else {
                self.code_with_links(id, flow)
            };
        }
        let mut text = String::new();
        self.verbatim(id, &mut text);
        push_code(&text, flow);
    }

    fn is_one_link(&self, id: NodeId) -> bool {
        let all = self.measures.all(id);
        all.letters > 0 && all.letters == all.linked
    }

    /// The links of a piece of code are links on code.
    fn code_with_links(&self, id: NodeId, flow: &mut Flow<'_>) {
        for child in self.tree.children(id) {
            match self.tree.kind(child) {
                Kind::Text(run) => push_code(&run.decode(), flow),
                Kind::Element(..) if self.measures.is_out(child) => {}
                Kind::Element(Tag::A | Tag::Br | Tag::Img, _) => self.element(child, flow),
                Kind::Element(..) => self.code_with_links(child, flow),
            }
        }
    }

    fn anchor(&self, id: NodeId, flow: &mut Flow<'_>) {
        let href = self.tree.attribute(id, "href");
        if let Some(number) = self.footnotes.reference(href.as_deref(), id) {
            return flow.line.push(Inline::Footnote(number));
        }
        if self.footnotes.is_way_back(self.tree, id, href.as_deref()) {
            return;
        }
        let address = href
            .filter(|_| !flow.line.is_in_link())
            .and_then(|href| self.addresses.resolve(&href));
        let Some(url) = address else {
            return self.children(id, flow);
        };
        if self.holds(id, Tag::is_block) {
            let mut blocks = self.blocks(id);
            link_one(&mut blocks, &url);
            flow.end_line();
            flow.blocks.extend(blocks);
            return;
        }
        flow.line.open(Frame::Link(url));
        let is_code = self.tree.parent(id) != id
            && matches!(
                self.tree.tag(self.tree.parent(id)),
                Some(Tag::Code | Tag::Tt | Tag::Samp | Tag::Kbd)
            );
        if is_code {
            self.code(id, flow);
        } else {
            self.children(id, flow);
        }
        flow.line.close();
    }

    /// A formula as TeX where the page gives it, else as its letters.
    fn formula(&self, id: NodeId, flow: &mut Flow<'_>) {
        let written = (id..self.tree.end(id)).find(|inside| {
            self.tree.tag(*inside) == Some(Tag::Annotation)
                && self
                    .tree
                    .attribute(*inside, "encoding")
                    .is_some_and(|encoding| encoding.to_ascii_lowercase().contains("tex"))
        });
        let tex = written
            .map(|annotation| self.tree.text(annotation, crate::limits::URL_BYTES_MAX))
            .or_else(|| {
                self.tree
                    .attribute(id, "alttext")
                    .map(|alt| alt.trim().to_owned())
            })
            .filter(|tex| !tex.is_empty());
        match tex {
            Some(tex) => flow.line.push(Inline::Code(tex)),
            None => flow
                .line
                .text(&self.tree.text(id, crate::limits::URL_BYTES_MAX)),
        }
    }

    /// Text below `id` as it is written, line ends as blanks.
    fn verbatim(&self, id: NodeId, text: &mut String) {
        for child in self.tree.children(id) {
            match self.tree.kind(child) {
                Kind::Text(run) => text.push_str(&run.decode()),
                Kind::Element(..) if self.measures.is_out(child) => {}
                Kind::Element(..) if self.has(child, Hint::LineNumbers) => {}
                Kind::Element(..) => self.verbatim(child, text),
            }
        }
    }
}

/// Blanks at the ends of code belong to the sentence around it.
fn push_code(text: &str, flow: &mut Flow<'_>) {
    let trimmed = text.trim();
    if text.starts_with(char::is_whitespace) {
        flow.line.blank();
    }
    if !trimmed.is_empty() {
        let line = trimmed
            .split_ascii_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        flow.line.push(Inline::Code(line));
    }
    if text.ends_with(char::is_whitespace) {
        flow.line.blank();
    }
}

/// A link around whole blocks goes onto the first heading among them, else onto the first line.
fn link_one(blocks: &mut [Block], url: &str) {
    let heading = blocks
        .iter()
        .position(|block| matches!(block, Block::Heading { .. }));
    let line = heading.or_else(|| {
        blocks
            .iter()
            .position(|block| matches!(block, Block::Paragraph(words) if !is_blank(words)))
    });
    let Some(at) = line else { return };
    if let Block::Heading { words, .. } | Block::Paragraph(words) = &mut blocks[at]
        && !holds_link(words)
    {
        let inside = std::mem::take(words);
        words.push(Inline::Link {
            url: url.to_owned(),
            words: inside,
        });
    }
}

fn holds_link(words: &[Inline]) -> bool {
    words.iter().any(|word| match word {
        Inline::Link { .. } | Inline::Footnote(_) => true,
        Inline::Marked(_, inside) => holds_link(inside),
        _ => false,
    })
}
