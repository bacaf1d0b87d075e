//! A page as a tree, in one vector.
//!
//! In: nodes in document order. Out: parents, children, attributes, text.
//! May touch: `tag`, tokens of `orb-page`. Must not touch: where nodes belong (`builder`).
//! Invariant: a parent's number is smaller than its children's, so one sweep forward hands things down and one
//! backward adds them up, without recursion. Text and attributes borrow the page and are decoded when asked for.

use std::borrow::Cow;

use orb_page::tokens::{StartTag, TextRun};

use crate::tag::Tag;

/// The number of a node. The root has 0.
pub(crate) type NodeId = u32;

/// The root: the `html` element, or what stands for it.
pub(crate) const ROOT: NodeId = 0;

/// No node: the root is nobody's child or sibling.
const NONE: NodeId = 0;

/// What a node is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind<'a> {
    /// An element; `None` stands for a start tag that the page left out.
    Element(Tag, Option<StartTag<'a>>),
    /// A run of characters.
    Text(TextRun<'a>),
}

#[derive(Clone, Copy, Debug)]
struct Node<'a> {
    kind: Kind<'a>,
    parent: NodeId,
    first_child: NodeId,
    last_child: NodeId,
    next: NodeId,
}

/// All nodes of a page.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

impl<'a> Tree<'a> {
    /// A tree of its root, with room for a page of so many bytes.
    pub(crate) fn new(html_bytes: usize) -> Self {
        let mut nodes = Vec::with_capacity((html_bytes / 24).clamp(16, 64 * 1024));
        nodes.push(Node {
            kind: Kind::Element(Tag::Html, None),
            parent: NONE,
            first_child: NONE,
            last_child: NONE,
            next: NONE,
        });
        Self { nodes }
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Every node in document order.
    pub(crate) fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        0..u32::try_from(self.nodes.len()).expect("NODES_MAX is below")
    }

    /// Adds a last child.
    pub(crate) fn append(&mut self, parent: NodeId, kind: Kind<'a>) -> NodeId {
        let id = u32::try_from(self.nodes.len()).expect("NODES_MAX is below");
        self.nodes.push(Node {
            kind,
            parent,
            first_child: NONE,
            last_child: NONE,
            next: NONE,
        });
        let last = std::mem::replace(&mut self.nodes[parent as usize].last_child, id);
        if last == NONE {
            self.nodes[parent as usize].first_child = id;
        } else {
            self.nodes[last as usize].next = id;
        }
        id
    }

    /// Gives the root the start tag that the page wrote for it.
    pub(crate) fn set_root(&mut self, tag: StartTag<'a>) {
        if let Kind::Element(_, start @ None) = &mut self.nodes[ROOT as usize].kind {
            *start = Some(tag);
        }
    }

    pub(crate) fn kind(&self, id: NodeId) -> Kind<'a> {
        self.nodes[id as usize].kind
    }

    /// The element's tag; `None` for text.
    pub(crate) fn tag(&self, id: NodeId) -> Option<Tag> {
        match self.kind(id) {
            Kind::Element(tag, _) => Some(tag),
            Kind::Text(_) => None,
        }
    }

    /// The node above; the root for the root.
    pub(crate) fn parent(&self, id: NodeId) -> NodeId {
        self.nodes[id as usize].parent
    }

    pub(crate) fn last_child(&self, id: NodeId) -> Option<NodeId> {
        some(self.nodes[id as usize].last_child)
    }

    pub(crate) fn children(&self, id: NodeId) -> Children<'_, 'a> {
        Children {
            tree: self,
            next: self.nodes[id as usize].first_child,
        }
    }

    /// The siblings behind `id`, in order.
    pub(crate) fn following(&self, id: NodeId) -> Children<'_, 'a> {
        Children {
            tree: self,
            next: self.nodes[id as usize].next,
        }
    }

    /// The node and all above it, the root last.
    pub(crate) fn upwards(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let mut next = Some(id);
        std::iter::from_fn(move || {
            let id = next?;
            next = (id != ROOT).then(|| self.parent(id));
            Some(id)
        })
    }

    /// The first number behind the subtree of `id`: everything below it lies between.
    pub(crate) fn end(&self, id: NodeId) -> NodeId {
        let mut last = id;
        while let Some(child) = self.last_child(last) {
            last = child;
        }
        last + 1
    }

    /// The value of an attribute.
    pub(crate) fn attribute(&self, id: NodeId, name: &str) -> Option<Cow<'a, str>> {
        let [value] = self.attributes(id, [name]);
        value
    }

    /// Whether the element has an attribute.
    pub(crate) fn has_attribute(&self, id: NodeId, name: &str) -> bool {
        match self.kind(id) {
            Kind::Element(_, Some(start)) => start.attributes().any(|one| one.is_named(name)),
            _ => false,
        }
    }

    /// Values of several attributes in one pass.
    pub(crate) fn attributes<const N: usize>(
        &self,
        id: NodeId,
        names: [&str; N],
    ) -> [Option<Cow<'a, str>>; N] {
        match self.kind(id) {
            Kind::Element(_, Some(start)) => start
                .raw_values(names)
                .map(|attribute| attribute.map(|attribute| attribute.value())),
            _ => [const { None }; N],
        }
    }

    /// All text below `id`, white space collapsed, cut at `bytes_max`.
    pub(crate) fn text(&self, id: NodeId, bytes_max: usize) -> String {
        let mut text = String::new();
        for node in id..self.end(id) {
            if text.len() > bytes_max {
                break;
            }
            match self.kind(node) {
                Kind::Text(run) => collapse(&run.decode(), &mut text),
                Kind::Element(tag, _) => {
                    if (tag.is_block() || tag == Tag::Br) && !text.ends_with(' ') {
                        text.push(' ');
                    }
                }
            }
        }
        cut(&mut text, bytes_max);
        let trimmed = text.trim();
        if trimmed.len() < text.len() {
            text = trimmed.to_owned();
        }
        text
    }
}

/// Appends `piece` with every run of white space as one blank.
pub(crate) fn collapse(piece: &str, text: &mut String) {
    for (place, word) in piece.split(char::is_whitespace).enumerate() {
        if place > 0 && !text.ends_with(' ') {
            text.push(' ');
        }
        text.push_str(word);
    }
}

/// Cuts at a character.
pub(crate) fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
    }
}

fn some(id: NodeId) -> Option<NodeId> {
    (id != NONE).then_some(id)
}

/// The children of a node, in order.
#[derive(Clone, Debug)]
pub(crate) struct Children<'t, 'a> {
    tree: &'t Tree<'a>,
    next: NodeId,
}

impl Iterator for Children<'_, '_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        let id = some(self.next)?;
        self.next = self.tree.nodes[id as usize].next;
        Some(id)
    }
}
