//! What lies over the figures: help, notes, questions.
//!
//! In: the view's state. Out: cells. May touch: the buffer it is given.
//! Invariant: a question says what each answer does.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::look::Look;
use crate::meanings::MEANINGS;
use crate::panels::heading;
use crate::row::{Row, put, wrap};
use crate::screen::{Role, Screen};

/// Columns of the words that the help explains.
const WORD_WIDTH: usize = 14;

/// Widest a text gets: longer lines are hard to read.
const TEXT_WIDTH_MAX: usize = 100;

/// The help, as long as it is.
pub(crate) fn help(look: Look, width: u16) -> Vec<Line<'static>> {
    let room = usize::from(width)
        .saturating_sub(WORD_WIDTH)
        .clamp(10, TEXT_WIDTH_MAX);
    let mut lines = Vec::new();
    for (part, meanings) in MEANINGS {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(heading(look, part, width));
        for (word, meaning) in *meanings {
            for (number, text) in wrap(meaning, room).into_iter().enumerate() {
                let word = if number == 0 { word } else { "" };
                lines.push(
                    Row::new(look)
                        .strong(format!("{word:<WORD_WIDTH$}"))
                        .plain(text)
                        .done(),
                );
            }
        }
    }
    lines
}

/// Notes and warnings, oldest first.
pub(crate) fn notes(screen: &Screen, width: u16) -> Vec<Line<'static>> {
    let look = screen.look;
    let mut lines = Vec::new();
    if screen.notes.lost > 0 {
        let text = format!("{} earlier ones are in logs/orb.log", screen.notes.lost);
        lines.push(Row::new(look).label(text).done());
    }
    for note in &screen.notes.kept {
        for text in wrap(note, usize::from(width)) {
            lines.push(Row::new(look).plain(text).done());
        }
    }
    if lines.is_empty() {
        lines.push(Row::new(look).label("no notes and no warnings").done());
    }
    lines
}

/// Draws `lines` from line `top` on, which may be past the end; returns where that really is.
pub(crate) fn page(
    look: Look,
    name: &str,
    lines: &[Line<'static>],
    top: usize,
    buffer: &mut Buffer,
    area: Rect,
) -> usize {
    let room = usize::from(area.height.saturating_sub(1));
    let top = top.min(lines.len().saturating_sub(room));
    let shown = (top + room).min(lines.len());
    let name = format!(
        "{name}, lines {} to {shown} of {}",
        (top + 1).min(shown),
        lines.len()
    );
    put(buffer, area, 0, &heading(look, &name, area.width), look);
    for (line, y) in lines.iter().skip(top).take(room).zip(1..) {
        put(buffer, area, y, line, look);
    }
    top
}

/// "Stop the crawl?"
pub(crate) fn ask_stop(look: Look) -> Vec<Line<'static>> {
    vec![
        Row::new(look).strong("Stop the crawl?").done(),
        Row::new(look)
            .plain("What is in flight is finished and committed; the same `orb crawl` command goes on from there.")
            .done(),
        answers(look, &[("y", "stop it"), ("n", "no, go on")]),
    ]
}

/// "Plain lines, or stop?"
pub(crate) fn ask_leave(look: Look, role: Role) -> Vec<Line<'static>> {
    debug_assert_eq!(role, Role::Crawl, "a watcher is not asked");
    vec![
        Row::new(look).strong("Leave the view?").done(),
        Row::new(look)
            .plain("This process is the crawl. It can go on and tell of itself in plain lines, or stop cleanly.")
            .done(),
        answers(look, &[("k", "keep crawling, plain lines"), ("s", "stop the crawl"), ("Esc", "back")]),
    ]
}

fn answers(look: Look, all: &[(&str, &str)]) -> Line<'static> {
    let mut row = Row::new(look);
    for (key, does) in all {
        row = row
            .gap()
            .add(format!(" {key} "), look.chosen())
            .plain(format!(" {does}"));
    }
    row.done()
}

/// Draws a question over the lowest lines of `area`.
pub(crate) fn question(look: Look, lines: &[Line<'static>], buffer: &mut Buffer, area: Rect) {
    let mut wrapped: Vec<Line<'static>> = Vec::new();
    for line in lines {
        if line.width() <= usize::from(area.width) {
            wrapped.push(line.clone());
            continue;
        }
        let style = line
            .spans
            .first()
            .map(|span| span.style)
            .unwrap_or_default();
        for text in wrap(&line.to_string(), usize::from(area.width)) {
            wrapped.push(Line::styled(text, style));
        }
    }
    let height = (wrapped.len() as u16 + 1).min(area.height);
    let place = Rect::new(area.x, area.bottom() - height, area.width, height);
    buffer.set_style(place, ratatui::style::Style::reset());
    for y in 0..height {
        let blank = " ".repeat(usize::from(area.width));
        put(buffer, place, y, &Line::from(blank), look);
    }
    put(buffer, place, 0, &heading(look, "", area.width), look);
    // Where lines are few the answers matter most.
    let skipped = (wrapped.len() + 1).saturating_sub(usize::from(height));
    for (line, y) in wrapped.iter().skip(skipped).zip(1..) {
        put(buffer, place, y, line, look);
    }
}
