//! What an element is to this crate.
//!
//! In: a tag name as written. Out: one of a few dozen classes.
//! May touch: nothing. Must not touch: attributes.
//! Invariant: the lists are those of the HTML Standard (13.2.6.5 for elements that end foreign content,
//! 15.3 for elements that begin a line), ASCII case does not matter, nothing is allocated.

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

/// Longest name that has a class (`annotation-xml`).
const NAME_BYTES_MAX: usize = 14;

impl Element {
    /// Cost: one look at the name; allocates nothing.
    pub(crate) fn of(name: &str) -> Element {
        let mut lower = [0; NAME_BYTES_MAX];
        let Some(lower) = lower.get_mut(..name.len()) else {
            return Element::Other;
        };
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        special(lower).unwrap_or_else(|| ordinary(lower))
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
        matches!(
            self,
            Element::Block
                | Element::Br
                | Element::Html
                | Element::Plaintext
                | Element::Section
                | Element::Table
                | Element::Textarea
                | Element::Xmp
        )
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

/// Elements that are a class by themselves, or nearly.
fn special(lower: &[u8]) -> Option<Element> {
    Some(match lower {
        b"a" => Element::A,
        b"annotation-xml" => Element::AnnotationXml,
        b"area" => Element::Area,
        b"audio" => Element::Audio,
        b"base" => Element::Base,
        b"br" => Element::Br,
        b"td" | b"th" => Element::Cell,
        b"desc" | b"metadata" => Element::Described,
        b"embed" => Element::Embed,
        b"font" => Element::Font,
        b"foreignobject" => Element::ForeignObject,
        b"frame" => Element::Frame,
        b"html" => Element::Html,
        b"iframe" => Element::Iframe,
        b"image" => Element::Image,
        b"img" => Element::Img,
        b"input" => Element::Input,
        b"link" => Element::Link,
        b"math" => Element::Math,
        b"meta" => Element::Meta,
        b"mi" | b"mo" | b"mn" | b"ms" | b"mtext" => Element::MathText,
        b"noembed" => Element::Noembed,
        b"noframes" => Element::Noframes,
        b"object" => Element::Object,
        b"plaintext" => Element::Plaintext,
        b"script" => Element::Script,
        b"source" => Element::Source,
        b"style" => Element::Style,
        b"svg" => Element::Svg,
        b"table" => Element::Table,
        b"template" => Element::Template,
        b"textarea" => Element::Textarea,
        b"title" => Element::Title,
        b"track" => Element::Track,
        b"video" => Element::Video,
        b"xmp" => Element::Xmp,
        _ => return None,
    })
}

fn ordinary(lower: &[u8]) -> Element {
    match lower {
        b"blockquote" | b"body" | b"center" | b"dd" | b"div" | b"dl" | b"dt" | b"h1" | b"h2"
        | b"h3" | b"h4" | b"h5" | b"h6" | b"head" | b"hr" | b"li" | b"listing" | b"menu"
        | b"ol" | b"p" | b"pre" | b"ul" => Element::Block,
        b"address" | b"article" | b"aside" | b"caption" | b"details" | b"dialog" | b"dir"
        | b"fieldset" | b"figcaption" | b"figure" | b"footer" | b"form" | b"frameset"
        | b"header" | b"hgroup" | b"legend" | b"main" | b"nav" | b"optgroup" | b"option"
        | b"search" | b"section" | b"select" | b"summary" | b"tbody" | b"tfoot" | b"thead"
        | b"tr" => Element::Section,
        b"b" | b"big" | b"code" | b"em" | b"i" | b"nobr" | b"ruby" | b"s" | b"small" | b"span"
        | b"strong" | b"strike" | b"sub" | b"sup" | b"tt" | b"u" | b"var" => Element::Inline,
        _ => Element::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::Element;

    #[test]
    fn names_are_classified_without_regard_to_case() {
        assert_eq!(Element::of("IFrame"), Element::Iframe);
        assert_eq!(Element::of("annotation-XML"), Element::AnnotationXml);
        assert_eq!(Element::of("foreignObject"), Element::ForeignObject);
        assert_eq!(Element::of("H3"), Element::Block);
        assert_eq!(Element::of("h7"), Element::Other);
        assert_eq!(Element::of(""), Element::Other);
        assert_eq!(Element::of("a-very-long-custom-element"), Element::Other);
    }
}
