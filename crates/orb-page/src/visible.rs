//! Text as a reader sees it: whitespace collapsed, blocks on their own lines.
//!
//! In: pieces of decoded text, and where blocks begin and end. Out: one string.
//! May touch: nothing. Must not touch: markup.
//! Invariant: the string never exceeds its bound, is cut at a character, has no leading, trailing or
//! doubled whitespace.

use crate::swar;

/// The white space still owed before the next word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Line,
}

/// Collects text, collapsing ASCII whitespace as CSS does by default.
#[derive(Debug)]
pub(crate) struct Collapsed {
    text: String,
    gap: Gap,
    bytes_max: usize,
    full: bool,
}

impl Collapsed {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            text: String::new(),
            gap: Gap::None,
            bytes_max,
            full: false,
        }
    }

    /// Whether the bound was reached; more text changes nothing.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// Hands out what was collected and begins anew, keeping the room that was made.
    pub(crate) fn take_text(&mut self) -> String {
        let text = self.text.as_str().to_owned();
        self.text.clear();
        self.gap = Gap::None;
        self.full = false;
        text
    }

    /// A boundary between two cells, or between blocks where lines do not matter.
    pub(crate) fn space(&mut self) {
        self.gap = self.gap.max(Gap::Space);
    }

    /// A boundary between two blocks.
    pub(crate) fn line(&mut self) {
        self.gap = Gap::Line;
    }

    /// Adds decoded text. Cost: O(bytes).
    pub(crate) fn push(&mut self, piece: &str) {
        let bytes = piece.as_bytes();
        if !bytes.is_empty() && !self.full && swar::is_one_word(bytes) {
            return self.words(piece);
        }
        let mut rest = piece;
        while !self.full {
            let word_start = rest.trim_ascii_start();
            if word_start.len() < rest.len() {
                self.space();
            }
            if word_start.is_empty() {
                return;
            }
            // Words already apart by single blanks go in together, where all that remains has room.
            let bytes = word_start.as_bytes();
            let end = if self.text.len() + 1 + bytes.len() <= self.bytes_max {
                swar::single_spaced(bytes)
            } else {
                swar::run_end(bytes, 0, |b| b.is_ascii_whitespace())
            };
            self.words(&word_start[..end]);
            rest = &word_start[end..];
        }
    }

    fn words(&mut self, words: &str) {
        let gap = match self.gap {
            _ if self.text.is_empty() => "",
            Gap::None => "",
            Gap::Space => " ",
            Gap::Line => "\n",
        };
        let room = self.bytes_max.saturating_sub(self.text.len() + gap.len());
        self.full = words.len() > room;
        let kept = &words[..words.floor_char_boundary(room.min(words.len()))];
        if !kept.is_empty() {
            self.text.push_str(gap);
            self.text.push_str(kept);
        }
        self.gap = Gap::None;
    }
}

#[cfg(test)]
mod tests {
    use super::Collapsed;

    #[test]
    fn whitespace_collapses_across_pieces() {
        let mut text = Collapsed::new(100);
        for piece in ["  a", " \n", "b", "c \t d "] {
            text.push(piece);
        }
        text.line();
        text.space();
        text.push("e");
        text.line();
        assert_eq!(text.into_text(), "a bc d\ne");
    }

    #[test]
    fn the_bound_cuts_at_a_character_and_leaves_no_gap() {
        let mut text = Collapsed::new(4);
        text.push("ab éé");
        assert!(text.is_full());
        text.push("x");
        assert_eq!(text.into_text(), "ab");
        let mut text = Collapsed::new(5);
        text.push("ab éé");
        assert_eq!(text.into_text(), "ab é");
    }
}
