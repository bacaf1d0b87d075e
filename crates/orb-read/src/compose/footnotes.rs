//! Footnotes: references in the text, and the notes they lead to.
//!
//! In: links to fragments, elements with an `id`. Out: which is a reference to which note.
//! May touch: the tree of the content. Must not touch: the notes' text.
//! Invariant: a reference has its note in the content; at most [`FOOTNOTES_MAX`] of them.

use rustc_hash::FxHashMap;

use crate::limits::FOOTNOTES_MAX;
use crate::tag::Tag;
use crate::tree::{NodeId, Tree};

/// Letters of a reference: a number, a star, a letter in brackets.
const REFERENCE_BYTES_MAX: usize = 8;

/// What refers and what is referred to.
#[derive(Debug, Default)]
pub(super) struct Footnotes {
    /// Number of the note, by the link that refers to it.
    references: FxHashMap<NodeId, u32>,
    /// Number of the note, by the element that holds it.
    notes: FxHashMap<NodeId, u32>,
}

impl Footnotes {
    pub(super) fn find(tree: &Tree<'_>, root: NodeId) -> Footnotes {
        let mut found = Footnotes::default();
        let mut wanted: FxHashMap<String, Vec<NodeId>> = FxHashMap::default();
        for id in root..tree.end(root) {
            if wanted.len() < FOOTNOTES_MAX
                && let Some(target) = target_of_reference(tree, id)
            {
                wanted.entry(target).or_default().push(id);
            }
        }
        if wanted.is_empty() {
            return found;
        }
        let mut number = 0;
        for id in root + 1..tree.end(root) {
            if tree.tag(id).is_none() {
                continue;
            }
            let [own_id, name] = tree.attributes(id, ["id", "name"]);
            let Some(links) = own_id.or(name).and_then(|own| wanted.remove(own.as_ref())) else {
                continue;
            };
            let first = links[0];
            let note = holder(tree, id);
            // A note stands behind what refers to it, and holds no reference to itself.
            let is_note = note.is_some_and(|note| {
                note > first
                    && !(note..tree.end(note)).contains(&first)
                    && !found.notes.contains_key(&note)
            });
            if let (true, Some(note)) = (is_note, note) {
                number += 1;
                found.notes.insert(note, number);
                found
                    .references
                    .extend(links.into_iter().map(|link| (link, number)));
            }
        }
        found
    }

    /// The number of the note that the link refers to.
    pub(super) fn reference(&self, href: Option<&str>, id: NodeId) -> Option<u32> {
        href?;
        self.references.get(&id).copied()
    }

    /// The number of the note that the element is.
    pub(super) fn note(&self, id: NodeId) -> Option<u32> {
        if self.notes.is_empty() {
            return None;
        }
        self.notes.get(&id).copied()
    }

    /// Whether a link inside a note only leads back into the text.
    pub(super) fn is_way_back(&self, tree: &Tree<'_>, id: NodeId, href: Option<&str>) -> bool {
        if self.notes.is_empty() || !href.is_some_and(|href| href.starts_with('#')) {
            return false;
        }
        let is_short = tree.text(id, 2 * REFERENCE_BYTES_MAX).len() <= REFERENCE_BYTES_MAX;
        is_short
            && tree
                .upwards(id)
                .any(|above| self.notes.contains_key(&above))
    }
}

/// The fragment a footnote's reference leads to.
fn target_of_reference(tree: &Tree<'_>, id: NodeId) -> Option<String> {
    if tree.tag(id) != Some(Tag::A) {
        return None;
    }
    let [href, role, class] = tree.attributes(id, ["href", "role", "class"]);
    let href = href?;
    let target = href.strip_prefix('#').filter(|target| !target.is_empty())?;
    let parent_is_raised = matches!(tree.tag(tree.parent(id)), Some(Tag::Sup));
    let holds_raised = tree
        .children(id)
        .next()
        .is_some_and(|child| tree.tag(child) == Some(Tag::Sup));
    let is_named = role.is_some_and(|role| role == "doc-noteref")
        || class.is_some_and(|class| {
            class.split_ascii_whitespace().any(|name| {
                matches!(
                    name,
                    "footnote-ref" | "footnote-reference" | "footnote" | "footnoteref" | "noteref"
                )
            })
        });
    if !(parent_is_raised || holds_raised || is_named) {
        return None;
    }
    let text = tree.text(id, 2 * REFERENCE_BYTES_MAX);
    (!text.is_empty() && text.len() <= REFERENCE_BYTES_MAX).then(|| target.to_owned())
}

/// The element that holds the whole note whose `id` is here or on a small part of it.
fn holder(tree: &Tree<'_>, id: NodeId) -> Option<NodeId> {
    let block = tree
        .upwards(id)
        .take(4)
        .find(|above| tree.tag(*above).is_some_and(Tag::is_block))?;
    matches!(
        tree.tag(block),
        Some(Tag::Li | Tag::P | Tag::Div | Tag::Aside | Tag::Dd)
    )
    .then_some(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder;
    use crate::tree::ROOT;

    #[test]
    fn references_and_notes_find_each_other() {
        let html = "<p>a<sup><a href=#n1>1</a></sup> <a href=#n1>the whole story</a> \
                    <sup><a href=#nowhere>2</a></sup><ol><li id=n1>note <a href=#r>^</a></ol>";
        let tree = builder::build(html);
        let found = Footnotes::find(&tree, ROOT);
        assert_eq!((found.references.len(), found.notes.len()), (1, 1));
        let note = *found.notes.keys().next().unwrap();
        assert_eq!(tree.tag(note), Some(Tag::Li));
    }
}
