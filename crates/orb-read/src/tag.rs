//! What an element is to a reader.
//!
//! In: a tag name as written. Out: one of about a hundred names, and what each means for building and reading.
//! May touch: nothing. Must not touch: attributes.
//! Invariant: ASCII case does not matter; nothing is allocated; unknown names are all one tag, an inline one, as in a
//! browser without style sheets.

/// Bytes of the longest word that packs.
const PACKED_BYTES_MAX: usize = 16;

/// A word of up to sixteen bytes as a number, ASCII lower-case; zero for longer ones and for none.
pub(crate) const fn pack(word: &[u8]) -> u128 {
    if word.len() > PACKED_BYTES_MAX {
        return 0;
    }
    let mut packed = 0;
    let mut at = 0;
    while at < word.len() {
        packed |= (word[at].to_ascii_lowercase() as u128) << (8 * at);
        at += 1;
    }
    packed
}

macro_rules! tags {
    ($($tag:ident $name:literal,)*) => {
        /// The elements that are told apart.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Tag { $($tag,)* Other }

        #[allow(non_upper_case_globals, reason = "one constant for each variant, named like it")]
        mod packed {
            $(pub(super) const $tag: u128 = super::pack($name.as_bytes());)*
        }

        impl Tag {
            /// How many there are: the room a table by tag needs.
            pub(crate) const COUNT: usize = Tag::Other as usize + 1;

            /// Cost: one pass over the name.
            pub(crate) fn of(name: &str) -> Tag {
                match pack(name.as_bytes()) {
                    $(packed::$tag => Tag::$tag,)*
                    _ => Tag::Other,
                }
            }
        }
    };
}

tags! {
    A "a", Abbr "abbr", Address "address", Annotation "annotation", Area "area", Article "article", Aside "aside",
    Audio "audio", B "b", Base "base", Big "big", Blockquote "blockquote", Body "body", Br "br", Button "button",
    Canvas "canvas", Caption "caption", Center "center", Cite "cite", Code "code", Col "col", Colgroup "colgroup",
    Dd "dd", Del "del", Details "details", Dfn "dfn", Dialog "dialog", Dir "dir", Div "div", Dl "dl", Dt "dt",
    Em "em", Embed "embed", Fieldset "fieldset", Figcaption "figcaption", Figure "figure", Font "font",
    Footer "footer", ForeignObject "foreignobject", Form "form", Frame "frame", Frameset "frameset", H1 "h1",
    H2 "h2", H3 "h3", H4 "h4", H5 "h5", H6 "h6", Head "head", Header "header", Hgroup "hgroup", Hr "hr",
    Html "html", I "i", Iframe "iframe", Image "image", Img "img", Input "input", Ins "ins", Kbd "kbd",
    Label "label", Legend "legend", Li "li", Link "link", Listing "listing", Main "main", Map "map", Mark "mark",
    Math "math", Menu "menu", Meta "meta", Nav "nav", Nobr "nobr", Noembed "noembed", Noframes "noframes",
    Noscript "noscript", Object "object", Ol "ol", Optgroup "optgroup", Option "option", P "p", Param "param",
    Picture "picture", Plaintext "plaintext", Pre "pre", Q "q", Rp "rp", Rt "rt", Ruby "ruby", S "s", Samp "samp",
    Script "script", Search "search", Section "section", Select "select", Small "small", Source "source",
    Span "span", Strike "strike", Strong "strong", Style "style", Sub "sub", Summary "summary", Sup "sup",
    Svg "svg", Table "table", Tbody "tbody", Td "td", Template "template", Textarea "textarea", Tfoot "tfoot",
    Th "th", Thead "thead", Time "time", Title "title", Tr "tr", Track "track", Tt "tt", U "u", Ul "ul", Var "var",
    Video "video", Wbr "wbr", Xmp "xmp",
}

impl Tag {
    /// Elements without an inside (HTML Standard, 13.1.2).
    pub(crate) fn is_void(self) -> bool {
        use Tag::*;
        matches!(
            self,
            Area | Base
                | Br
                | Col
                | Embed
                | Frame
                | Hr
                | Image
                | Img
                | Input
                | Link
                | Meta
                | Param
                | Source
                | Track
                | Wbr
        )
    }

    /// Elements that a reader sees apart from what is before and behind them.
    pub(crate) fn is_block(self) -> bool {
        use Tag::*;
        self.is_table_part()
            || self.is_heading()
            || matches!(
                self,
                Address
                    | Article
                    | Aside
                    | Blockquote
                    | Body
                    | Center
                    | Dd
                    | Details
                    | Dialog
                    | Dir
                    | Div
                    | Dl
                    | Dt
                    | Fieldset
                    | Figcaption
                    | Figure
                    | Footer
                    | Form
                    | Frameset
                    | Header
                    | Hgroup
                    | Hr
                    | Html
                    | Legend
                    | Li
                    | Listing
                    | Main
                    | Menu
                    | Nav
                    | Noscript
                    | Ol
                    | P
                    | Plaintext
                    | Pre
                    | Search
                    | Section
                    | Summary
                    | Table
                    | Ul
                    | Xmp
            )
    }

    /// `table` excepted: what stands inside of one.
    pub(crate) fn is_table_part(self) -> bool {
        use Tag::*;
        matches!(
            self,
            Caption | Colgroup | Tbody | Td | Tfoot | Th | Thead | Tr
        )
    }

    /// `h1` to `h6`.
    pub(crate) fn is_heading(self) -> bool {
        self.heading_level().is_some()
    }

    /// 1 for `h1`, 6 for `h6`.
    pub(crate) fn heading_level(self) -> Option<u8> {
        let first = Tag::H1 as u8;
        let own = self as u8;
        (first..=Tag::H6 as u8)
            .contains(&own)
            .then(|| own - first + 1)
    }

    /// Elements whose white space is meant.
    pub(crate) fn is_preformatted(self) -> bool {
        matches!(self, Tag::Pre | Tag::Listing | Tag::Xmp | Tag::Plaintext)
    }

    /// Elements whose start ends an open paragraph (HTML Standard, 13.2.6.4.7).
    pub(crate) fn closes_paragraph(self) -> bool {
        self.is_block()
            && !self.is_table_part()
            && !matches!(
                self,
                Tag::Html | Tag::Body | Tag::Frameset | Tag::Legend | Tag::Noscript
            )
    }

    /// Elements whose end tag may stand behind the end of a block they began in (HTML Standard, 13.2.6.4.7:
    /// formatting elements).
    pub(crate) fn is_formatting(self) -> bool {
        use Tag::*;
        matches!(
            self,
            A | B | Big | Code | Em | Font | I | Nobr | S | Small | Strike | Strong | Tt | U
        )
    }

    /// Elements that belong into the head.
    pub(crate) fn is_head_part(self) -> bool {
        use Tag::*;
        matches!(
            self,
            Base | Link | Meta | Noframes | Noscript | Script | Style | Template | Title
        )
    }

    /// Elements that never show text to read, or only controls to press.
    pub(crate) fn is_never_read(self) -> bool {
        use Tag::*;
        matches!(
            self,
            Audio
                | Button
                | Canvas
                | Colgroup
                | Embed
                | Frameset
                | Head
                | Iframe
                | Input
                | Noembed
                | Noframes
                | Object
                | Option
                | Rp
                | Script
                | Select
                | Style
                | Svg
                | Template
                | Textarea
                | Title
                | Video
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case() {
        assert_eq!(Tag::of("blockQUOTE"), Tag::Blockquote);
        assert_eq!(Tag::of("h6").heading_level(), Some(6));
        assert_eq!(Tag::of("h7"), Tag::Other);
        assert_eq!(Tag::of("a-name-longer-than-sixteen"), Tag::Other);
        assert!(!Tag::of("my-element").is_block());
    }
}
