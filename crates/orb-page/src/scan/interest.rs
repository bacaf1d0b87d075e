//! What counts where, as sets that are made when this is compiled.
//!
//! In: the scanner's state. Out: the elements and text that must not be passed over.
//! May touch: `element`, the scanner's state. Must not touch: the page's bytes.
//! Invariant: what is in no set here changes neither the page nor how the bytes behind it are read.

use super::Scanner;
use crate::element::{Element, Elements, Hints};

/// Start tags that state facts or change what follows.
const TELLING: Elements = Elements::of(&[
    Element::A,
    Element::Area,
    Element::Base,
    Element::Frame,
    Element::Html,
    Element::Link,
    Element::Meta,
    Element::Table,
])
.and(TURNING);

/// Start tags that change what follows even where nothing counts, as in inert templates.
const TURNING: Elements =
    Elements::of(&[Element::Math, Element::Svg, Element::Template]).and(Elements::OPAQUE);

/// Start tags that name what a browser would load.
const REQUISITE: Elements = Elements::of(&[
    Element::Audio,
    Element::Embed,
    Element::Image,
    Element::Img,
    Element::Input,
    Element::Object,
    Element::Source,
    Element::Track,
    Element::Video,
]);

/// What divides words, when there is text to divide.
const DIVIDING: Elements = Elements::LINE_BREAKING.and(Elements::of(&[Element::Cell]));

/// What counts at the current position; all else is passed.
pub(super) struct Interest {
    pub(super) starts: Elements,
    pub(super) ends: Elements,
    pub(super) start_hints: Hints,
    pub(super) end_hints: Hints,
    pub(super) text: bool,
}

impl Interest {
    const fn new(starts: Elements, ends: Elements, text: bool) -> Interest {
        Interest {
            starts,
            ends,
            start_hints: Hints::of(starts),
            end_hints: Hints::of(ends),
            text,
        }
    }

    /// In HTML that is part of the document.
    const fn in_document(text: bool, requisites: bool) -> Interest {
        let dividers = DIVIDING.only_if(text);
        let ends = Elements::of(&[Element::Table, Element::Template]);
        let anchors = Elements::of(&[Element::A]).only_if(text);
        Interest::new(
            telling(requisites).and(dividers),
            ends.and(anchors).and(dividers),
            text,
        )
    }

    const fn in_foreign(text: bool) -> Interest {
        Interest::new(Elements::CLASSED, Elements::CLASSED, text)
    }
}

/// In the document: without text, with it, and both again with requisites.
static IN_DOCUMENT: [Interest; 4] = [
    Interest::in_document(false, false),
    Interest::in_document(true, false),
    Interest::in_document(false, true),
    Interest::in_document(true, true),
];

/// In an inert template, which has no text.
static IN_TEMPLATE: Interest = Interest::new(TURNING, Elements::of(&[Element::Template]), false);

/// In SVG, MathML and the HTML inside them: without text, and with it.
static IN_FOREIGN: [Interest; 2] = [Interest::in_foreign(false), Interest::in_foreign(true)];

/// Start tags that matter for more than dividing words.
pub(super) const fn telling(requisites: bool) -> Elements {
    TELLING.and(REQUISITE.only_if(requisites))
}

impl Scanner<'_, '_> {
    /// What counts at the current position. Cost: a few looks at the state.
    pub(super) fn interest(&self) -> &'static Interest {
        let text = self.options.text || self.state.anchor.is_some();
        if !self.state.foreign.is_idle() {
            &IN_FOREIGN[usize::from(text)]
        } else if self.state.templates.are_inert() {
            &IN_TEMPLATE
        } else {
            &IN_DOCUMENT[usize::from(text) + 2 * usize::from(self.options.requisites)]
        }
    }
}
