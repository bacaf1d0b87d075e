//! The walk through the inside of a tag, states 13.2.5.32 to 13.2.5.40 of the HTML Standard.
//!
//! In: the bytes behind a tag's name. Out: where its attributes are, and where the tag ends.
//! May touch: nothing else. Must not touch: the tokenizer, which only learns where to go on.
//! Invariant: however a tag is walked, by steps, for some values or only to its end, it is walked by the
//! same states. The usual form of an attribute has a short way, which gives up in any doubt.

use super::attribute::{Attribute, PackedName, RawValue};
use super::is_space;
use crate::swar::{self, Letters};

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
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    #[inline(always)]
    pub(crate) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    /// Where it will go on.
    pub(crate) fn position(&self) -> usize {
        self.at
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline(always)]
    fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    /// Passes the next attribute, or the end of the tag.
    pub(super) fn step(&mut self) -> Step<'a> {
        match self.next_part() {
            Part::Attribute(parts) => Step::Attribute(parts.of(self.text)),
            Part::End { self_closing } => Step::End { self_closing },
            Part::Unfinished => Step::Unfinished,
        }
    }

    /// Passes the rest of a tag from the end of its name and returns where it ends; `None` when it is
    /// unfinished. Apart from the other ways to walk a tag because most tags are only passed.
    #[inline(always)]
    pub(crate) fn pass(text: &str, name_end: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut at = name_end;
        loop {
            if *bytes.get(at)? == b' '
                && let Some(near) = near_form(bytes, at + 1)
            {
                at = near.value_end + 1;
                continue;
            }
            if bytes[at] == b'>' {
                return Some(at + 1);
            }
            match any_part(text, at) {
                (Part::Attribute(_), behind) => at = behind,
                (Part::End { .. }, behind) => return Some(behind),
                (Part::Unfinished, _) => return None,
            }
        }
    }

    /// Passes the rest of the tag and returns the values of these attributes, of duplicates the first;
    /// `None` when the tag is unfinished.
    #[inline(always)]
    pub(crate) fn values<const N: usize>(
        &mut self,
        names: &[PackedName; N],
    ) -> Option<[Option<RawValue<'a>>; N]> {
        let mut found = [None; N];
        loop {
            match self.next_part() {
                Part::Attribute(parts) => {
                    for (place, name) in found.iter_mut().zip(names) {
                        if parts.are_named(self.text, name) && place.is_none() {
                            *place = Some(RawValue::new(parts.value_of(self.text)));
                        }
                    }
                }
                Part::End { .. } => return Some(found),
                Part::Unfinished => return None,
            }
        }
    }

    #[inline(always)]
    fn next_part(&mut self) -> Part {
        let (part, at) = match self.peek() {
            Some(b'>') => (
                Part::End {
                    self_closing: false,
                },
                self.at + 1,
            ),
            Some(b' ') => near_attribute(self.text.as_bytes(), self.at + 1)
                .unwrap_or_else(|| any_part(self.text, self.at)),
            _ => any_part(self.text, self.at),
        };
        self.at = at;
        part
    }

    #[inline(always)]
    fn any_part(&mut self) -> Part {
        loop {
            self.skip_space();
            match self.peek() {
                None => return Part::Unfinished,
                Some(b'>') => {
                    self.at += 1;
                    return Part::End {
                        self_closing: false,
                    };
                }
                Some(b'/') => {
                    self.at += 1;
                    if self.peek() == Some(b'>') {
                        self.at += 1;
                        return Part::End { self_closing: true };
                    }
                }
                Some(_) => return self.any_attribute(),
            }
        }
    }

    /// At the first byte of a name, which may be `=`.
    #[inline(always)]
    fn any_attribute(&mut self) -> Part {
        let name_start = self.at;
        let ends_name = |b: u8| is_space(b) || matches!(b, b'/' | b'>' | b'=');
        let name_end = swar::run_end(self.text.as_bytes(), name_start + 1, ends_name);
        self.at = name_end;
        self.skip_space();
        let value = if self.peek() == Some(b'=') {
            self.at += 1;
            match self.value() {
                Some(value) => value,
                None => return Part::Unfinished,
            }
        } else {
            (name_end, name_end)
        };
        Part::Attribute(Parts {
            packed: 0,
            name: (name_start, name_end),
            value,
        })
    }

    /// Behind the `=`. `None` when the input ends before the value does.
    #[inline(always)]
    fn value(&mut self) -> Option<(usize, usize)> {
        self.skip_space();
        let bytes = self.text.as_bytes();
        match self.peek() {
            None => None,
            Some(quote @ (b'"' | b'\'')) => {
                let start = self.at + 1;
                let Some(end) = swar::find(bytes, start, quote) else {
                    self.at = bytes.len();
                    return None;
                };
                self.at = end + 1;
                Some((start, end))
            }
            Some(_) => {
                let start = self.at;
                self.at = swar::run_end(bytes, start, |b| is_space(b) || b == b'>');
                Some((start, self.at))
            }
        }
    }
}

/// An attribute of the usual form.
struct Near {
    letters: Letters,
    value_start: usize,
    value_end: usize,
}

/// Reads the form of nearly every attribute: a short name of letters and a value in double quotes. `None`
/// for any other form.
#[inline(always)]
fn near_form(bytes: &[u8], name_start: usize) -> Option<Near> {
    let letters = swar::letters(swar::word(bytes, name_start)?);
    if letters.count == 0 || letters.behind as u16 != u16::from_le_bytes(*b"=\"") {
        return None;
    }
    let value_start = name_start + letters.count + 2;
    Some(Near {
        value_end: swar::find(bytes, value_start, b'"')?,
        letters,
        value_start,
    })
}

/// The same as a part, and where to go on.
#[inline(always)]
fn near_attribute(bytes: &[u8], name_start: usize) -> Option<(Part, usize)> {
    let near = near_form(bytes, name_start)?;
    let parts = Parts {
        packed: near.letters.name,
        name: (name_start, name_start + near.letters.count),
        value: (near.value_start, near.value_end),
    };
    Some((Part::Attribute(parts), near.value_end + 1))
}

/// What is at `at` inside a tag, in any form, and where to go on. Apart from the cursor that calls it, so
/// that a cursor which never needs it can stay in registers.
#[inline(never)]
fn any_part(text: &str, at: usize) -> (Part, usize) {
    let mut cursor = Cursor { text, at };
    let part = cursor.any_part();
    (part, cursor.at)
}

/// What the cursor passed, as positions: a tag that is only passed costs no slices.
enum Part {
    Attribute(Parts),
    End { self_closing: bool },
    Unfinished,
}

/// Start and end of an attribute's name and value.
struct Parts {
    /// The name as in [`PackedName`], or zero when it was not packed.
    packed: u64,
    name: (usize, usize),
    value: (usize, usize),
}

impl Parts {
    #[inline(always)]
    fn are_named(&self, text: &str, name: &PackedName) -> bool {
        if self.packed != 0 {
            return name.is_packed_as(self.packed);
        }
        name.is_written(&text[self.name.0..self.name.1])
    }

    fn of<'a>(&self, text: &'a str) -> Attribute<'a> {
        Attribute::new(&text[self.name.0..self.name.1], self.value_of(text))
    }

    #[inline(always)]
    fn value_of<'a>(&self, text: &'a str) -> &'a str {
        &text[self.value.0..self.value.1]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Cursor, Step};

    /// The states of the standard one byte at a time: names with values, and how the tag ended
    /// (self-closing or not), with the bytes it took.
    type Read = (Vec<(String, String)>, Option<(bool, usize)>);

    #[derive(Clone, Copy)]
    enum State {
        BeforeName,
        Name,
        AfterName,
        BeforeValue,
        Quoted(char),
        Unquoted,
        Slash,
    }

    fn by_states(text: &str) -> Read {
        let mut all: Vec<(String, String)> = Vec::new();
        let mut state = State::BeforeName;
        for (at, c) in text.char_indices() {
            let space = c.is_ascii_whitespace();
            let done = |self_closing| Some((self_closing, at + 1));
            let mut begin = |c: char| {
                all.push((c.to_string(), String::new()));
                State::Name
            };
            state = match (state, c) {
                (State::Slash, '>') => return (all, done(true)),
                (
                    State::BeforeName
                    | State::Name
                    | State::AfterName
                    | State::BeforeValue
                    | State::Unquoted,
                    '>',
                ) => return (all, done(false)),
                (State::BeforeName | State::Slash, _) if space => State::BeforeName,
                (State::BeforeName | State::Name | State::AfterName | State::Slash, '/') => {
                    State::Slash
                }
                (State::Name | State::AfterName, '=') => State::BeforeValue,
                (State::Name | State::AfterName, _) if space => State::AfterName,
                (State::BeforeName | State::AfterName | State::Slash, c) => begin(c),
                (State::BeforeValue, _) if space => State::BeforeValue,
                (State::BeforeValue, '"' | '\'') => State::Quoted(c),
                (State::Quoted(quote), c) if c == quote => State::BeforeName,
                (State::Unquoted, _) if space => State::BeforeName,
                (State::Name, c) => {
                    all.last_mut().unwrap().0.push(c);
                    State::Name
                }
                (State::BeforeValue, c) => {
                    all.last_mut().unwrap().1.push(c);
                    State::Unquoted
                }
                (State::Unquoted | State::Quoted(_), c) => {
                    all.last_mut().unwrap().1.push(c);
                    state
                }
            };
        }
        (all, None)
    }

    fn by_cursor(text: &str) -> Read {
        let mut cursor = Cursor::new(text, 0);
        let mut all = Vec::new();
        loop {
            match cursor.step() {
                Step::Attribute(found) => {
                    all.push((found.name().into_owned(), found.raw_value().to_owned()));
                }
                Step::End { self_closing } => {
                    return (all, Some((self_closing, cursor.position())));
                }
                Step::Unfinished => return (all, None),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

        #[test]
        fn attributes_are_read_as_the_states_say(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    " ", "\t", "\n", "\u{c}", "/", "=", "=\"", "='", "\"", "'", ">", "/>", "<", "a", "HREF", "data-long-name",
                    "x1:y", "\0", "\u{e9}", "\u{1f577}", "value of some length, and more of it", "&amp;", "@", "[", "-",
                ]),
                0..24,
            )
        ) {
            let text = pieces.concat();
            let (mut expected, end) = by_states(&text);
            for (name, _) in &mut expected {
                *name = name.to_ascii_lowercase().replace('\0', "\u{FFFD}");
            }
            let (found, found_end) = by_cursor(&text);
            prop_assert_eq!(found_end, end);
            // What an unfinished tag holds is dropped with it.
            if end.is_some() {
                prop_assert_eq!(found, expected);
            }
            prop_assert_eq!(Cursor::pass(&text, 0), end.map(|(_, bytes)| bytes));
        }
    }
}
