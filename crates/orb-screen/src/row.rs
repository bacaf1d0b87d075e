//! Lines of figures: how labels, values, gauges and little charts are put together.
//!
//! In: text and numbers. Out: lines of the terminal. May touch: nothing.
//! Invariant: a line says how wide it is, so that nobody is surprised when it is cut.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::look::Look;

/// Columns of the labels that lines begin with, a space included.
pub(crate) const LABEL_WIDTH: usize = 11;

/// A line that is being put together.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    look: Look,
    line: Line<'static>,
}

impl Row {
    pub(crate) fn new(look: Look) -> Row {
        Row {
            look,
            line: Line::default(),
        }
    }

    /// A line that begins with a label of fixed width, so that the figures of several lines stand below each other.
    pub(crate) fn headed(look: Look, label: &str) -> Row {
        Row::new(look).add(format!("{label:<LABEL_WIDTH$}"), look.label())
    }

    pub(crate) fn add(mut self, text: impl Into<String>, style: Style) -> Row {
        self.line.push_span(Span::styled(text.into(), style));
        self
    }

    pub(crate) fn plain(self, text: impl Into<String>) -> Row {
        let style = self.look.plain();
        self.add(text, style)
    }

    pub(crate) fn label(self, text: impl Into<String>) -> Row {
        let style = self.look.label();
        self.add(text, style)
    }

    pub(crate) fn strong(self, text: impl Into<String>) -> Row {
        let style = self.look.strong();
        self.add(text, style)
    }

    /// `label` then `value`, set apart from what stands before.
    pub(crate) fn pair(self, label: &str, value: impl Into<String>) -> Row {
        self.gap().label(format!("{label} ")).plain(value)
    }

    /// Two spaces, unless the line has just begun or ends with space.
    pub(crate) fn gap(self) -> Row {
        let ends_open = self
            .line
            .spans
            .last()
            .is_none_or(|last| last.content.ends_with(' '));
        if ends_open { self } else { self.plain("  ") }
    }

    /// A gauge of `width` letters.
    pub(crate) fn gauge(self, share: f64, width: u16) -> Row {
        let (full, empty) = self.look.gauge();
        let filled = (share.clamp(0.0, 1.0) * f64::from(width)).round() as usize;
        let style = if share >= 0.9 {
            self.look.bad()
        } else {
            self.look.good()
        };
        let rest = usize::from(width).saturating_sub(filled);
        self.add(full.to_string().repeat(filled), style)
            .label(empty.to_string().repeat(rest))
            .plain(" ")
    }

    /// A little chart of one line: a letter for each bar, the largest full.
    pub(crate) fn chart(self, bars: &[f64]) -> Row {
        let style = self.look.good();
        let text = chart(self.look, bars, 1).pop().unwrap_or_default();
        self.add(text, style)
    }

    /// Columns it takes.
    pub(crate) fn width(&self) -> usize {
        self.line.width()
    }

    pub(crate) fn done(self) -> Line<'static> {
        self.line
    }
}

/// A chart of `height` lines, top first: a column for each bar, the largest full.
pub(crate) fn chart(look: Look, bars: &[f64], height: usize) -> Vec<String> {
    let heights = look.heights();
    let most = bars.iter().copied().fold(0.0, f64::max);
    let eighths = |bar: f64| {
        if most <= 0.0 || bar <= 0.0 {
            return 0;
        }
        // What is not nothing shows.
        ((bar / most * (height * 8) as f64).round() as usize).max(1)
    };
    (0..height)
        .rev()
        .map(|level| {
            let cell = |bar: &f64| match eighths(*bar).saturating_sub(level * 8) {
                0 => ' ',
                above => heights[above.min(8) - 1],
            };
            bars.iter().map(cell).collect()
        })
        .collect()
}

/// Puts `line` at line `y` of `area`, cut with a mark where it does not fit. Lines outside are left out.
pub(crate) fn put(buffer: &mut Buffer, area: Rect, y: u16, line: &Line<'_>, look: Look) {
    if y >= area.height || area.width == 0 {
        return;
    }
    let (x, y) = (area.x, area.y + y);
    buffer.set_line(x, y, line, area.width);
    if line.width() > usize::from(area.width) {
        buffer.set_string(area.right() - 1, y, look.cut(), look.label());
    }
}

/// `text` cut to `width` letters, with a mark where it was cut.
pub(crate) fn cut(look: Look, text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(width.saturating_sub(1)).collect();
    if width > 0 {
        out.push_str(look.cut());
    }
    out
}

/// `text` in lines of at most `width` letters, broken between words where possible.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        let used = line.chars().count();
        if used > 0 && used + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        while word.len() > width {
            let rest = word.split_off(width);
            lines.push(word.iter().collect());
            word = rest;
        }
        line.extend(word);
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASCII: Look = Look {
        colour: true,
        unicode: false,
    };
    const BLOCKS: Look = Look {
        colour: true,
        unicode: true,
    };

    #[test]
    fn the_largest_bar_is_full_and_little_is_not_nothing() {
        assert_eq!(chart(BLOCKS, &[0.0, 0.01, 4.0, 8.0], 1), [" ▁▄█"]);
        assert_eq!(chart(BLOCKS, &[8.0, 4.0, 2.0], 2), ["█  ", "██▄"]);
        assert_eq!(chart(ASCII, &[0.0, 1.0, 8.0], 1), [" .#"]);
        assert_eq!(chart(BLOCKS, &[0.0, f64::NAN], 1), ["  "]);
        assert!(chart(BLOCKS, &[], 1)[0].is_empty());
    }

    #[test]
    fn text_is_wrapped_between_words() {
        assert_eq!(
            wrap("more sites would help", 10),
            ["more sites", "would help"]
        );
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(cut(ASCII, "example.com", 5), "exam~");
        assert_eq!(cut(ASCII, "example.com", 0), "");
    }

    #[test]
    fn gauges_keep_their_width() {
        for share in [-1.0, 0.0, 0.49, 1.0, 7.0, f64::NAN] {
            assert_eq!(Row::new(ASCII).gauge(share, 10).width(), 11, "{share}");
        }
    }
}
