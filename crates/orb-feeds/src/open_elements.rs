//! Which elements are open at a place in a document, though tags may be missing or too many.
//!
//! In: names of tags as they come. Out: how deep the place is. May touch: `limits`. Must not touch: what names mean.
//! Invariant: a name costs in proportion to its length; no more than [`DEPTH_MAX`] names are kept.

use crate::limits::DEPTH_MAX;

/// The names of the open elements, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct OpenElements {
    names: String,
    begins: Vec<usize>,
    /// Open elements deeper than [`DEPTH_MAX`].
    deeper: usize,
}

impl OpenElements {
    pub(crate) fn depth(&self) -> usize {
        self.begins.len()
    }

    /// Whether it is not too deep.
    pub(crate) fn push(&mut self, name: &str) -> bool {
        if self.begins.len() == DEPTH_MAX {
            self.deeper += 1;
            return false;
        }
        self.begins.push(self.names.len());
        self.names.push_str(name);
        true
    }

    /// How many elements stay open behind an end tag; `None` when it ends none.
    pub(crate) fn end(&mut self, name: &str) -> Option<usize> {
        if self.deeper > 0 {
            self.deeper -= 1;
            return None;
        }
        let mut behind = self.names.len();
        for (depth, &begin) in self.begins.iter().enumerate().rev() {
            if self.names[begin..behind] == *name {
                return Some(depth);
            }
            behind = begin;
        }
        None
    }

    pub(crate) fn truncate(&mut self, depth: usize) {
        if let Some(&begin) = self.begins.get(depth) {
            self.names.truncate(begin);
            self.begins.truncate(depth);
        }
    }
}
