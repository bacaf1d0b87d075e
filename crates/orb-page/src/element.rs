//! What an element is to this crate.
//!
//! In: a tag name as written. Out: one of a few dozen classes.
//! May touch: nothing. Must not touch: attributes.
//! Invariant: the lists are those of the HTML Standard (13.2.6.5 for elements that end foreign content,
//! 15.3 for elements that begin a line), ASCII case does not matter, nothing is allocated.

mod names;

pub(crate) use self::names::Hints;
use crate::tokens::ContentModel;

/// Classes of elements; those of one class are treated alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    A,
    AnnotationXml,
    Area,
    Audio,
    Base,
    /// A block that also ends foreign content.
    Block,
    Br,
    /// `td`, `th`.
    Cell,
    Embed,
    Font,
    Frame,
    /// SVG `foreignObject`.
    ForeignObject,
    Html,
    Iframe,
    /// `image`: SVG's own, and an old name of `img`.
    Image,
    Img,
    /// Inline elements that end foreign content.
    Inline,
    Input,
    Link,
    Math,
    /// `mi`, `mo`, `mn`, `ms`, `mtext`: HTML inside MathML.
    MathText,
    /// SVG `desc`, `metadata`: never shown.
    Described,
    Meta,
    Noembed,
    Noframes,
    Object,
    Other,
    Plaintext,
    Script,
    /// A block that does not end foreign content.
    Section,
    Source,
    Style,
    Svg,
    Table,
    Template,
    Textarea,
    Title,
    Track,
    Video,
    Xmp,
}

impl Element {
    /// Cost: one look at the name; allocates nothing.
    pub(crate) fn of(name: &str) -> Element {
        names::class_of(name)
    }

    /// The class of a name of at most seven letters, in lower-case, the first letter lowest.
    #[inline(always)]
    pub(crate) fn of_packed(name: u64) -> Element {
        names::class_of_packed(name)
    }

    /// How the inside of the element is read, in HTML content (HTML Standard, 13.2.6.4, with scripting
    /// off, so `noscript` is markup).
    pub(crate) fn content_model(self) -> ContentModel {
        match self {
            Element::Title | Element::Textarea => ContentModel::Rcdata,
            Element::Style
            | Element::Xmp
            | Element::Iframe
            | Element::Noembed
            | Element::Noframes => ContentModel::Rawtext,
            Element::Script => ContentModel::ScriptData,
            Element::Plaintext => ContentModel::Plaintext,
            _ => ContentModel::Data,
        }
    }

    /// Whether a reader sees it on a line of its own.
    pub(crate) fn breaks_line(self) -> bool {
        Elements::LINE_BREAKING.contain(self)
    }

    /// Whether its start tag ends SVG or MathML, because it can only be HTML. `font` depends on its
    /// attributes.
    pub(crate) fn leaves_foreign(self) -> bool {
        matches!(
            self,
            Element::Block
                | Element::Br
                | Element::Embed
                | Element::Img
                | Element::Inline
                | Element::Meta
                | Element::Table
        )
    }
}

/// A set of classes. Cost of a look: one shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Elements(u64);

impl Elements {
    pub(crate) const NONE: Elements = Elements(0);
    /// All that have a class of their own.
    pub(crate) const CLASSED: Elements = Elements(!Elements::of(&[Element::Other]).0);
    /// Those a reader sees on a line of their own.
    pub(crate) const LINE_BREAKING: Elements = Elements::of(&[
        Element::Block,
        Element::Br,
        Element::Html,
        Element::Plaintext,
        Element::Section,
        Element::Table,
        Element::Textarea,
        Element::Xmp,
    ]);
    /// Those whose inside is not markup; see [`Element::content_model`].
    pub(crate) const OPAQUE: Elements = Elements::of(&[
        Element::Iframe,
        Element::Noembed,
        Element::Noframes,
        Element::Plaintext,
        Element::Script,
        Element::Style,
        Element::Textarea,
        Element::Title,
        Element::Xmp,
    ]);

    pub(crate) const fn of(elements: &[Element]) -> Elements {
        let mut set = 0;
        let mut at = 0;
        while at < elements.len() {
            set |= 1 << elements[at] as u8;
            at += 1;
        }
        Elements(set)
    }

    pub(crate) const fn and(self, others: Elements) -> Elements {
        Elements(self.0 | others.0)
    }

    /// The set itself, or none of it.
    pub(crate) const fn only_if(self, wanted: bool) -> Elements {
        if wanted { self } else { Elements::NONE }
    }

    #[inline(always)]
    pub(crate) const fn contain(self, element: Element) -> bool {
        self.0 >> element as u8 & 1 == 1
    }
}
