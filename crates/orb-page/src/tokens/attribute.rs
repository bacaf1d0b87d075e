//! Attributes of a tag: what their names and values mean.
//!
//! In: a tag's inside. Out: attributes one by one.
//! May touch: `cursor` for where they are, `reference`. Must not touch: the tokenizer.
//! Invariant: what is handed out borrows the text; decoding happens only when asked for.

use std::borrow::Cow;

use super::cursor::{Cursor, Step};
use super::lower_name;
use super::reference::{Rules, decode};

/// One attribute as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    raw_name: &'a str,
    raw_value: &'a str,
}

impl<'a> Attribute<'a> {
    pub(super) fn new(raw_name: &'a str, raw_value: &'a str) -> Self {
        Self {
            raw_name,
            raw_value,
        }
    }

    /// The name, ASCII lower-case, NUL replaced. Allocates unless it is so already.
    pub fn name(&self) -> Cow<'a, str> {
        lower_name(self.raw_name)
    }

    /// Whether this is the attribute `name` (given in lower-case).
    pub fn is_named(&self, name: &str) -> bool {
        self.raw_name.eq_ignore_ascii_case(name)
    }

    /// The value alone.
    pub(crate) fn raw(&self) -> RawValue<'a> {
        RawValue(self.raw_value)
    }

    /// The value as written between its quotes; empty when there is none.
    pub fn raw_value(&self) -> &'a str {
        self.raw_value
    }

    /// The value meant: character references decoded by the rule for attributes. Borrows when nothing
    /// changes. Cost: O(bytes).
    pub fn value(&self) -> Cow<'a, str> {
        self.raw().value()
    }
}

/// A value as written, of an attribute whose name is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawValue<'a>(&'a str);

impl<'a> RawValue<'a> {
    pub(super) fn new(raw_value: &'a str) -> Self {
        Self(raw_value)
    }

    /// As [`Attribute::raw_value`].
    pub(crate) fn raw_value(self) -> &'a str {
        self.0
    }

    /// As [`Attribute::value`].
    pub(crate) fn value(self) -> Cow<'a, str> {
        decode(self.0, Rules::ATTRIBUTE)
    }
}

/// The name of an attribute to look for, in lower-case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackedName {
    /// Up to seven letters, the first lowest; zero for longer names.
    packed: u64,
    name: &'static str,
}

impl PackedName {
    /// Packs a name that is a literal; made once, in a constant.
    pub(crate) const fn new(name: &'static str) -> PackedName {
        let bytes = name.as_bytes();
        let mut packed = 0;
        let mut at = 0;
        while at < bytes.len() && bytes.len() < 8 {
            assert!(bytes[at].is_ascii_lowercase(), "only letters are packed");
            packed |= (bytes[at] as u64) << (8 * at);
            at += 1;
        }
        PackedName { packed, name }
    }

    /// Whether it is the name of up to seven letters packed into `packed`.
    #[inline(always)]
    pub(super) fn is_packed_as(&self, packed: u64) -> bool {
        self.packed == packed
    }

    /// Whether it is the name `written`, in any case.
    pub(super) fn is_written(&self, written: &str) -> bool {
        written.eq_ignore_ascii_case(self.name)
    }
}

/// Iterates over the attributes of one tag.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Attributes<'a> {
    pub(super) fn new(raw: &'a str) -> Self {
        Self {
            cursor: Cursor::new(raw, 0),
        }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        match self.cursor.step() {
            Step::Attribute(attribute) => Some(attribute),
            Step::End { .. } | Step::Unfinished => None,
        }
    }
}
