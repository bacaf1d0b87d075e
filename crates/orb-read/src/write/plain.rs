//! Blocks as plain text.
//!
//! In: blocks. Out: words, lines and blank lines.
//! May touch: nothing else. Must not touch: the words themselves.
//! Invariant: no marks at all; blocks are a blank line apart, items and rows a line, cells a tab.

use crate::document::{Block, Inline};
use crate::limits::WRITTEN_BYTES_MAX;

/// Writes the blocks.
pub(crate) fn plain(blocks: &[Block]) -> String {
    let mut out = String::new();
    push_blocks(blocks, &mut out, "\n\n");
    let end = out.trim_end().len();
    out.truncate(end);
    out
}

fn push_blocks(blocks: &[Block], out: &mut String, apart: &str) {
    for block in blocks {
        if out.len() > WRITTEN_BYTES_MAX {
            return;
        }
        let start = out.len();
        push_block(block, out);
        if out.len() > start {
            out.push_str(apart);
        }
    }
}

fn push_block(block: &Block, out: &mut String) {
    match block {
        Block::Heading { words, .. } | Block::Paragraph(words) => push_words(words, out),
        Block::List { items, .. } => {
            push_lines(items.iter(), out, |item, out| push_blocks(item, out, "\n"));
        }
        Block::Code { text, .. } => {
            out.extend(
                text.chars()
                    .filter(|letter| matches!(letter, '\n' | '\t') || !letter.is_control()),
            );
        }
        Block::Quote(blocks) | Block::Footnote { blocks, .. } => {
            push_blocks(blocks, out, "\n\n");
            trim_end(out);
        }
        Block::Table(table) => {
            let caption = [table.caption.clone()];
            let rows = [&caption[..], &table.head]
                .into_iter()
                .chain(table.rows.iter().map(Vec::as_slice))
                .filter(|row| row.iter().any(|cell| !cell.is_empty()));
            push_lines(rows, out, |row, out| {
                for (place, cell) in row.iter().enumerate() {
                    if place > 0 {
                        out.push('\t');
                    }
                    push_words(cell, out);
                }
            });
        }
        Block::Definitions(definitions) => {
            push_lines(definitions.iter(), out, |definition, out| {
                push_lines(definition.terms.iter(), out, |term, out| {
                    push_words(term, out);
                });
                if !definition.terms.is_empty() {
                    out.push('\n');
                }
                push_lines(definition.meanings.iter(), out, |blocks, out| {
                    push_blocks(blocks, out, "\n");
                });
            })
        }
        Block::Rule => {}
    }
}

/// Each on a line of its own, without a line end behind the last.
fn push_lines<T>(lines: impl Iterator<Item = T>, out: &mut String, push: impl Fn(T, &mut String)) {
    for line in lines {
        let start = out.len();
        push(line, out);
        trim_end_to(out, start);
        if out.len() > start {
            out.push('\n');
        }
    }
    trim_end(out);
}

fn trim_end(out: &mut String) {
    trim_end_to(out, 0);
}

fn trim_end_to(out: &mut String, start: usize) {
    let end = out.trim_end().len().max(start);
    out.truncate(end);
}

fn push_words(words: &[Inline], out: &mut String) {
    for word in words {
        match word {
            Inline::Text(text) | Inline::Code(text) => {
                push_text(text, out);
            }
            Inline::Marked(_, inside) | Inline::Link { words: inside, .. } => {
                push_words(inside, out);
            }
            Inline::Break => out.push('\n'),
            // A picture's words are no words of the text; a footnote's number is found at the note.
            Inline::Image { .. } | Inline::Footnote(_) => {}
        }
    }
}

/// Text without its control characters, of which there are hardly ever any.
fn push_text(text: &str, out: &mut String) {
    let may_control = |byte: u8| byte < b' ' || byte == 0x7f || byte == 0xc2;
    if text.bytes().any(may_control) {
        out.extend(text.chars().filter(|letter| !letter.is_control()));
    } else {
        out.push_str(text);
    }
}
