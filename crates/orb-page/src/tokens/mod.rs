//! The tokenizer of the HTML Standard (13.2.5) over a whole text, without copying.
//!
//! In: UTF-8 text and, from the caller, which content model the element just opened has.
//! Out: tokens that borrow the text; decoding happens only when asked for.
//! May touch: nothing but the text. Must not touch: elements' meaning; choosing the content model is
//! the caller's part, as it is the tree builder's in the standard.
//! Invariant: every token moves the position forward and no byte is searched twice for the same thing,
//! so the work is linear whatever the input. Parse errors are not reported: they change no token.

mod attribute;
mod cursor;
mod doctype;
mod reference;
mod script;
mod tokenizer;

use std::borrow::Cow;

pub use attribute::{Attribute, Attributes};
pub(crate) use attribute::{PackedName, RawValue};
pub(crate) use cursor::Cursor;
pub use doctype::Doctype;
pub(crate) use reference::{Rules, decode_each};
pub(crate) use script::{end_tag, raw_end_tag};
pub use tokenizer::{Inside, Tokenizer};

/// How the bytes that follow are read (HTML Standard, 13.2.5: the states a tree builder may choose).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentModel {
    /// Markup and character references.
    Data,
    /// `title`, `textarea`: character references, but no markup until the end tag.
    Rcdata,
    /// `style`, `xmp`, `iframe`, `noembed`, `noframes`: nothing until the end tag.
    Rawtext,
    /// `script`: as raw text, but comments may hide an end tag.
    ScriptData,
    /// `plaintext`: nothing, to the end of the input.
    Plaintext,
    /// A CDATA section, to its `]]>`; then markup again.
    CdataSection,
}

/// One token. A run of characters may come as several `Text` tokens in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// `<name …>`
    StartTag(StartTag<'a>),
    /// `</name …>`; attributes of end tags are dropped, as the standard does.
    EndTag(EndTag<'a>),
    /// Characters.
    Text(TextRun<'a>),
    /// A comment, or what the standard takes for one.
    Comment(Comment<'a>),
    /// `<!DOCTYPE …>`
    Doctype(Doctype<'a>),
}

/// A start tag whose attributes are parsed only when asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartTag<'a> {
    raw_name: &'a str,
    /// From behind the name up to and with the closing `>`.
    raw_attributes: &'a str,
    self_closing: bool,
}

impl<'a> StartTag<'a> {
    /// The name as written, in any case.
    pub fn raw_name(&self) -> &'a str {
        self.raw_name
    }

    /// The name as the standard has it: ASCII lower-case, NUL replaced. Allocates unless it is so.
    pub fn name(&self) -> Cow<'a, str> {
        lower_name(self.raw_name)
    }

    /// Whether the tag ends in `/>`.
    pub fn is_self_closing(&self) -> bool {
        self.self_closing
    }

    /// The attributes in order, duplicates included: of two with one name only the first counts.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.raw_attributes)
    }

    /// Raw values of several attributes at once, in one pass; of duplicates the first.
    ///
    /// - `names`: lower-case.
    /// - Cost: O(bytes of the tag x names); allocates nothing.
    pub fn raw_values<const N: usize>(&self, names: [&str; N]) -> [Option<Attribute<'a>>; N] {
        let mut found = [None; N];
        if self.raw_attributes.len() <= 1 {
            return found; // nothing but the `>`, as of most tags
        }
        for attribute in self.attributes() {
            for (place, name) in found.iter_mut().zip(names) {
                if place.is_none() && attribute.is_named(name) {
                    *place = Some(attribute);
                }
            }
        }
        found
    }

    /// Bytes behind the name: what one pass over the attributes reads.
    pub(crate) fn attribute_bytes(&self) -> usize {
        self.raw_attributes.len()
    }
}

/// An end tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndTag<'a> {
    raw_name: &'a str,
}

impl<'a> EndTag<'a> {
    /// The name as written, in any case.
    pub fn raw_name(&self) -> &'a str {
        self.raw_name
    }

    /// The name as the standard has it; see [`StartTag::name`].
    pub fn name(&self) -> Cow<'a, str> {
        lower_name(self.raw_name)
    }
}

/// A run of characters, not yet decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextRun<'a> {
    raw: &'a str,
    model: ContentModel,
}

impl<'a> TextRun<'a> {
    /// The characters as written.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// How the run was read, hence how it decodes.
    pub fn model(&self) -> ContentModel {
        self.model
    }

    /// The characters meant: references resolved, newlines normalised, NUL kept or replaced as the
    /// content model says. Borrows when nothing changes. Cost: O(bytes).
    pub fn decode(&self) -> Cow<'a, str> {
        reference::decode(self.raw, Rules::of(self.model))
    }
}

/// The inside of a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment<'a> {
    raw: &'a str,
}

impl<'a> Comment<'a> {
    /// The data as written.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// The data as the standard has it: newlines normalised, NUL replaced.
    pub fn decode(&self) -> Cow<'a, str> {
        reference::decode(self.raw, Rules::LITERAL)
    }
}

/// Names of tags, attributes and doctypes: lower-case in ASCII only, NUL replaced.
fn lower_name(raw: &str) -> Cow<'_, str> {
    if raw.bytes().any(|b| b.is_ascii_uppercase() || b == 0) {
        Cow::Owned(raw.to_ascii_lowercase().replace('\0', "\u{FFFD}"))
    } else {
        Cow::Borrowed(raw)
    }
}

/// The white space of tags: tab, newline, form feed, carriage return (a newline once normalised), space.
#[inline(always)]
pub(crate) fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}
