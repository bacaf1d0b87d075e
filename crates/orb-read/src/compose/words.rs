//! A line of words while it is being gathered.
//!
//! In: text and marks in order. Out: inlines.
//! May touch: `document`. Must not touch: the tree.
//! Invariant: white space is collapsed across marks, and stands outside of them; a line neither begins nor ends with
//! it.

use crate::document::{Inline, Mark, is_blank};

/// What an open frame becomes.
#[derive(Clone, Debug)]
pub(super) enum Frame {
    Marked(Mark),
    Link(String),
}

/// The line so far.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// What is complete, outside of any frame.
    done: Vec<Inline>,
    /// Open frames, outermost first.
    frames: Vec<(Frame, Vec<Inline>)>,
    owes_blank: bool,
}

impl Words {
    /// Adds decoded text, collapsing white space.
    pub(super) fn text(&mut self, piece: &str) {
        let inside = piece.trim_matches(is_space);
        if inside.is_empty() {
            self.owes_blank |= !piece.is_empty();
            return;
        }
        self.owes_blank |= piece.starts_with(is_space);
        self.pay_blank();
        let innermost = self.innermost();
        if !matches!(innermost.last(), Some(Inline::Text(_))) {
            innermost.push(Inline::Text(String::with_capacity(inside.len())));
        }
        if let Some(Inline::Text(text)) = innermost.last_mut() {
            push_collapsed(inside, text);
        }
        self.owes_blank = piece.ends_with(is_space);
    }

    /// Adds something that is no text.
    pub(super) fn push(&mut self, inline: Inline) {
        if matches!(inline, Inline::Break) {
            self.owes_blank = false;
            if self.is_empty() {
                return;
            }
        } else {
            self.pay_blank();
        }
        self.innermost().push(inline);
    }

    /// A blank between two things that stand apart on screen.
    pub(super) fn blank(&mut self) {
        self.owes_blank = true;
    }

    pub(super) fn open(&mut self, frame: Frame) {
        self.frames.push((frame, Vec::new()));
    }

    /// Ends the innermost frame.
    pub(super) fn close(&mut self) {
        let Some((frame, inside)) = self.frames.pop() else {
            return;
        };
        if inside.is_empty() {
            return;
        }
        let inline = match frame {
            // Marks on nothing, or marks of a kind that is already around, say nothing.
            _ if is_blank(&inside) => {
                self.innermost().extend(inside);
                return;
            }
            Frame::Marked(mark) => {
                let is_doubled = self
                    .frames
                    .iter()
                    .any(|(frame, _)| matches!(frame, Frame::Marked(around) if *around == mark));
                if is_doubled {
                    self.innermost().extend(inside);
                    return;
                }
                if let Some(Inline::Marked(before, words)) = self.innermost().last_mut()
                    && *before == mark
                {
                    words.extend(inside);
                    return;
                }
                Inline::Marked(mark, inside)
            }
            Frame::Link(url) => Inline::Link { url, words: inside },
        };
        self.innermost().push(inline);
    }

    /// The line, and an empty one in its place; open frames stay open for what follows.
    pub(super) fn take(&mut self) -> Vec<Inline> {
        let open: Vec<Frame> = self.frames.iter().map(|(frame, _)| frame.clone()).collect();
        while !self.frames.is_empty() {
            self.close();
        }
        self.owes_blank = false;
        let mut line = std::mem::take(&mut self.done);
        while matches!(line.last(), Some(Inline::Break)) {
            line.pop();
        }
        self.frames
            .extend(open.into_iter().map(|frame| (frame, Vec::new())));
        line
    }

    /// Whether a link is open.
    pub(super) fn is_in_link(&self) -> bool {
        self.frames
            .iter()
            .any(|(frame, _)| matches!(frame, Frame::Link(_)))
    }

    fn is_empty(&self) -> bool {
        self.done.is_empty() && self.frames.iter().all(|(_, inside)| inside.is_empty())
    }

    fn innermost(&mut self) -> &mut Vec<Inline> {
        match self.frames.last_mut() {
            Some((_, inside)) => inside,
            None => &mut self.done,
        }
    }

    /// Writes the blank that is owed, outside of the frames that are still empty.
    fn pay_blank(&mut self) {
        if !std::mem::take(&mut self.owes_blank) || self.is_empty() {
            return;
        }
        let filled = self
            .frames
            .iter()
            .rposition(|(_, inside)| !inside.is_empty());
        let place = match filled {
            Some(at) => &mut self.frames[at].1,
            None => &mut self.done,
        };
        match place.last_mut() {
            Some(Inline::Break) => {}
            Some(Inline::Text(text)) => text.push(' '),
            _ => place.push(Inline::Text(" ".to_owned())),
        }
    }
}

/// Appends words with one blank between them.
fn push_collapsed(inside: &str, text: &mut String) {
    let mut push = |place: usize, word: &str| {
        if place > 0 {
            text.push(' ');
        }
        text.push_str(word);
    };
    if inside.contains('\u{a0}') {
        let words = inside.split(is_space).filter(|word| !word.is_empty());
        words
            .enumerate()
            .for_each(|(place, word)| push(place, word));
    } else {
        let words = inside.split_ascii_whitespace();
        words
            .enumerate()
            .for_each(|(place, word)| push(place, word));
    }
}

/// White space that collapses, and the no-break space, which only keeps lines together.
fn is_space(letter: char) -> bool {
    letter.is_ascii_whitespace() || letter == '\u{a0}'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Inline {
        Inline::Text(text.to_owned())
    }

    #[test]
    fn blanks_stand_outside_of_marks() {
        let mut words = Words::default();
        words.text(" a");
        words.open(Frame::Marked(Mark::Strong));
        words.text(" b ");
        words.close();
        words.text("c ");
        assert_eq!(
            words.take(),
            [
                text("a "),
                Inline::Marked(Mark::Strong, vec![text("b")]),
                text(" c")
            ]
        );
    }

    #[test]
    fn marks_that_say_nothing_are_dropped_and_neighbours_joined() {
        let mut words = Words::default();
        for piece in ["a", "b"] {
            words.open(Frame::Marked(Mark::Emphasis));
            words.open(Frame::Marked(Mark::Emphasis));
            words.text(piece);
            words.close();
            words.close();
            words.open(Frame::Marked(Mark::Strong));
            words.close();
        }
        assert_eq!(
            words.take(),
            [Inline::Marked(Mark::Emphasis, vec![text("a"), text("b")])]
        );
    }

    #[test]
    fn a_link_around_two_lines_is_on_both() {
        let mut words = Words::default();
        words.open(Frame::Link("u".to_owned()));
        words.text("a");
        let first = words.take();
        words.text("b");
        words.close();
        let link = |word: &str| Inline::Link {
            url: "u".to_owned(),
            words: vec![text(word)],
        };
        assert_eq!((first, words.take()), (vec![link("a")], vec![link("b")]));
    }
}
