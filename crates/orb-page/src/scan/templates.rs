//! Which `template` elements are open.
//!
//! In: start and end tags of templates. Out: whether the current position is in the document.
//! May touch: nothing. Must not touch: what is inside a template.
//! Invariant: one machine word of memory, whatever the depth.

use crate::limits::TEMPLATE_DEPTH_MAX;

/// The `template` elements around the current position. Those that make a shadow root are part of the
/// page; the others are inert, and so is all inside them.
#[derive(Debug, Default)]
pub(super) struct Templates {
    depth: u32,
    /// Bit n: whether the template at depth n is inert.
    inert: u64,
    pub(super) capped: bool,
}

impl Templates {
    pub(super) fn are_inert(&self) -> bool {
        self.inert != 0
    }

    pub(super) fn open(&mut self, inert: bool) {
        if self.depth < TEMPLATE_DEPTH_MAX {
            self.inert |= u64::from(inert) << self.depth;
        } else {
            self.capped = true;
        }
        self.depth = self.depth.saturating_add(1);
    }

    pub(super) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth < TEMPLATE_DEPTH_MAX {
            self.inert &= !(1 << self.depth);
        }
    }
}
