//! Attributes of a tag, states 13.2.5.32 to 13.2.5.40 of the HTML Standard.
//!
//! In: the bytes behind a tag's name. Out: attributes one by one, and where the tag ends.
//! May touch: `reference`. Must not touch: the tokenizer, which only learns where to go on.
//! Invariant: the same cursor finds a tag's end and later yields its attributes, so both agree.

use std::borrow::Cow;

use memchr::memchr;

use super::reference::{Rules, decode};
use super::{is_space, lower_name};

/// One attribute as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    raw_name: &'a str,
    raw_value: &'a str,
}

impl<'a> Attribute<'a> {
    /// The name, ASCII lower-case, NUL replaced. Allocates unless it is so already.
    pub fn name(&self) -> Cow<'a, str> {
        lower_name(self.raw_name)
    }

    /// Whether this is the attribute `name` (given in lower-case).
    pub fn is_named(&self, name: &str) -> bool {
        self.raw_name.eq_ignore_ascii_case(name)
    }

    /// The value as written between its quotes; empty when there is none.
    pub fn raw_value(&self) -> &'a str {
        self.raw_value
    }

    /// The value meant: character references decoded by the rule for attributes. Borrows when nothing
    /// changes. Cost: O(bytes).
    pub fn value(&self) -> Cow<'a, str> {
        decode(self.raw_value, Rules::ATTRIBUTE)
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

/// What the cursor met.
pub(super) enum Step<'a> {
    Attribute(Attribute<'a>),
    /// The tag's `>`, which the cursor has passed.
    End {
        self_closing: bool,
    },
    /// The input ended inside the tag.
    Unfinished,
}

/// Walks the inside of a tag, from behind its name.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    pub(super) fn step(&mut self) -> Step<'a> {
        loop {
            self.skip_space();
            match self.peek() {
                None => return Step::Unfinished,
                Some(b'>') => {
                    self.at += 1;
                    return Step::End {
                        self_closing: false,
                    };
                }
                Some(b'/') => {
                    self.at += 1;
                    if self.peek() == Some(b'>') {
                        self.at += 1;
                        return Step::End { self_closing: true };
                    }
                }
                Some(_) => return self.attribute(),
            }
        }
    }

    /// At the first byte of a name, which may be `=`.
    fn attribute(&mut self) -> Step<'a> {
        let start = self.at;
        self.at += 1;
        while self
            .peek()
            .is_some_and(|b| !is_space(b) && !matches!(b, b'/' | b'>' | b'='))
        {
            self.at += 1;
        }
        let raw_name = &self.text[start..self.at];
        self.skip_space();
        let raw_value = if self.peek() == Some(b'=') {
            self.at += 1;
            match self.value() {
                Some(value) => value,
                None => return Step::Unfinished,
            }
        } else {
            ""
        };
        Step::Attribute(Attribute {
            raw_name,
            raw_value,
        })
    }

    /// Behind the `=`. `None` when the input ends before the value does.
    fn value(&mut self) -> Option<&'a str> {
        self.skip_space();
        match self.peek() {
            None => None,
            Some(quote @ (b'"' | b'\'')) => {
                let start = self.at + 1;
                let rest = &self.text.as_bytes()[start..];
                let Some(length) = memchr(quote, rest) else {
                    self.at = self.text.len();
                    return None;
                };
                self.at = start + length + 1;
                Some(&self.text[start..start + length])
            }
            Some(_) => {
                let start = self.at;
                while self.peek().is_some_and(|b| !is_space(b) && b != b'>') {
                    self.at += 1;
                }
                Some(&self.text[start..self.at])
            }
        }
    }
}
