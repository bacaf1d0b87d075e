//! Blocks as Markdown.
//!
//! In: blocks. Out: Markdown.
//! May touch: `escape`. Must not touch: the words themselves.
//! Invariant: blocks are a blank line apart, tight lists excepted; each line inside a list, quote or note carries the
//! marks of all of them, at most [`INDENTS_MAX`].

use crate::document::{Block, Definition, Inline, Mark, Table, is_blank};
use crate::limits::{INDENTS_MAX, WRITTEN_BYTES_MAX};

use super::escape::{self, Place};

/// Writes the blocks.
pub(crate) fn markdown(blocks: &[Block]) -> String {
    let mut writer = Writer::default();
    writer.blocks(blocks, true);
    if !writer.out.is_empty() {
        writer.out.push('\n');
    }
    writer.out
}

#[derive(Debug, Default)]
struct Writer {
    out: String,
    /// What every further line begins with.
    prefix: String,
    indents: usize,
    /// Where the current line's own text begins.
    line_start: usize,
    in_cell: bool,
    /// Lists written one right after another so far: neighbours change their marks, or they would be one.
    neighbours: usize,
}

impl Writer {
    /// Writes blocks, the first one on the line that is begun.
    fn blocks(&mut self, blocks: &[Block], apart: bool) {
        self.neighbours = 0;
        for (place, block) in blocks.iter().enumerate() {
            if self.out.len() > WRITTEN_BYTES_MAX {
                return;
            }
            if place > 0 {
                if apart {
                    self.end_line();
                }
                self.end_line();
                let would_join = match (block, &blocks[place - 1]) {
                    (Block::List { start, .. }, Block::List { start: before, .. }) => {
                        start.is_some() == before.is_some()
                    }
                    _ => false,
                };
                self.neighbours = if would_join { self.neighbours + 1 } else { 0 };
            }
            self.block(block);
        }
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading { level, words } => self.heading(*level, words),
            Block::Paragraph(words) => self.words(words, true),
            Block::List { start, items } => self.list(*start, items),
            Block::Code { language, text } => self.code(language.as_deref(), text),
            Block::Quote(blocks) => {
                self.begin("> ");
                self.indented("> ", blocks, true);
            }
            Block::Table(table) => self.table(table),
            Block::Definitions(definitions) => self.definitions(definitions),
            Block::Rule => self.begin(if self.prefix.is_empty() { "---" } else { "___" }),
            Block::Footnote { number, blocks } => {
                self.begin(&format!("[^{number}]: "));
                self.indented("    ", blocks, true);
            }
        }
    }

    /// Writes a mark at the beginning of a line.
    fn begin(&mut self, mark: &str) {
        self.out.push_str(mark);
        self.line_start = self.out.len();
    }

    fn end_line(&mut self) {
        let end = self.out.trim_end_matches(' ').len();
        self.out.truncate(end);
        self.out.push('\n');
        self.out.push_str(&self.prefix);
        self.line_start = self.out.len();
    }

    /// Blocks whose further lines are indented by `mark`.
    fn indented(&mut self, mark: &str, blocks: &[Block], apart: bool) {
        let neighbours = std::mem::take(&mut self.neighbours);
        let length = self.prefix.len();
        self.indents += 1;
        self.prefix.push_str(mark);
        self.blocks(blocks, apart);
        self.prefix.truncate(length);
        self.indents -= 1;
        self.neighbours = neighbours;
    }

    fn heading(&mut self, level: u8, words: &[Inline]) {
        self.begin(&"#".repeat(usize::from(level.clamp(1, 6))));
        self.out.push(' ');
        self.words(words, false);
    }

    fn list(&mut self, start: Option<u32>, items: &[Vec<Block>]) {
        let apart = !items.iter().all(|item| is_tight(item));
        let odd = self.neighbours % 2 == 1;
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                if apart {
                    self.end_line();
                }
                self.end_line();
            }
            if self.indents >= INDENTS_MAX {
                self.blocks(item, true);
                continue;
            }
            let mark = match start {
                Some(start) => {
                    let number = u64::from(start) + place as u64;
                    format!("{number}{} ", if odd { ')' } else { '.' })
                }
                None => if odd { "* " } else { "- " }.to_owned(),
            };
            self.begin(&mark);
            self.indented(&" ".repeat(mark.len()), item, apart);
        }
    }

    fn code(&mut self, language: Option<&str>, text: &str) {
        let fence = "`".repeat(escape::longest_run(text).max(2) + 1);
        self.out.push_str(&fence);
        self.out.push_str(language.unwrap_or(""));
        for line in text.lines() {
            self.out.push('\n');
            self.out.push_str(&self.prefix);
            self.out.extend(
                line.chars()
                    .filter(|letter| *letter == '\t' || !letter.is_control()),
            );
        }
        self.end_line();
        self.out.push_str(&fence);
    }

    fn definitions(&mut self, definitions: &[Definition]) {
        for (place, definition) in definitions.iter().enumerate() {
            if place > 0 {
                self.end_line();
                self.end_line();
            }
            for (place, term) in definition.terms.iter().enumerate() {
                if place > 0 {
                    self.end_line();
                }
                self.words(term, false);
            }
            for (place, meaning) in definition.meanings.iter().enumerate() {
                if place > 0 || !definition.terms.is_empty() {
                    self.end_line();
                }
                if definition.terms.is_empty() || self.indents >= INDENTS_MAX {
                    self.end_line();
                    self.blocks(meaning, true);
                } else {
                    if place > 0 {
                        self.end_line();
                    }
                    self.begin(": ");
                    self.indented("  ", meaning, true);
                }
            }
        }
    }

    /// GitHub's tables (GFM, 4.10): one line a row, the head always written.
    fn table(&mut self, table: &Table) {
        if !is_blank(&table.caption) {
            self.words(&table.caption, false);
            self.end_line();
            self.end_line();
        }
        let columns = table
            .rows
            .first()
            .map_or(table.head.len(), Vec::len)
            .max(table.head.len());
        let empty = vec![Vec::new(); columns];
        let head = if table.head.is_empty() {
            &empty
        } else {
            &table.head
        };
        self.row(head);
        self.end_line();
        self.out.push('|');
        self.out.push_str(&" --- |".repeat(columns));
        for row in &table.rows {
            if self.out.len() > WRITTEN_BYTES_MAX {
                return;
            }
            self.end_line();
            self.row(row);
        }
    }

    fn row(&mut self, cells: &[Vec<Inline>]) {
        self.out.push('|');
        for cell in cells {
            self.out.push(' ');
            self.line_start = self.out.len();
            self.in_cell = true;
            self.words(cell, true);
            self.in_cell = false;
            if self.line_start < self.out.len() {
                self.out.push(' ');
            }
            self.out.push('|');
        }
    }

    /// - `with_breaks`: whether the place may hold more than one line.
    fn words(&mut self, words: &[Inline], with_breaks: bool) {
        self.inlines(words, with_breaks, None, false);
    }

    /// - `behind`: the first letter of what follows these inlines.
    /// - `is_plain`: marks are left out.
    fn inlines(
        &mut self,
        words: &[Inline],
        with_breaks: bool,
        behind: Option<char>,
        is_plain: bool,
    ) {
        for (place, inline) in words.iter().enumerate() {
            let next = words[place + 1..].iter().find_map(first_letter).or(behind);
            match inline {
                Inline::Text(text) => {
                    let place = Place {
                        line_start: self.line_start,
                        in_cell: self.in_cell,
                    };
                    escape::push_text(text, &mut self.out, place);
                }
                Inline::Code(text) => {
                    if self.out.ends_with('`') {
                        self.out.push(' ');
                    }
                    escape::push_code(text, &mut self.out, self.in_cell);
                }
                Inline::Marked(mark, inside) => {
                    self.marked(*mark, inside, with_breaks, next, is_plain);
                }
                Inline::Link { url, words } => {
                    self.out.push('[');
                    self.inlines(words, false, Some(']'), is_plain);
                    self.out.push_str("](");
                    escape::push_destination(url, &mut self.out, self.in_cell);
                    self.out.push(')');
                }
                Inline::Image { url, alt } => {
                    self.out.push_str("![");
                    let place = Place {
                        line_start: self.line_start,
                        in_cell: self.in_cell,
                    };
                    escape::push_text(alt, &mut self.out, place);
                    self.out.push_str("](");
                    escape::push_destination(url, &mut self.out, self.in_cell);
                    self.out.push(')');
                }
                Inline::Break if place + 1 == words.len() => {}
                Inline::Break if self.in_cell && with_breaks => self.out.push_str("<br>"),
                Inline::Break if with_breaks => {
                    let end = self.out.trim_end_matches(' ').len();
                    self.out.truncate(end.max(self.line_start));
                    if self.out.len() > self.line_start {
                        self.out.push('\\');
                        self.end_line();
                    }
                }
                Inline::Break => self.out.push(' '),
                Inline::Footnote(number) => self.out.push_str(&format!("[^{number}]")),
            }
        }
    }

    fn marked(
        &mut self,
        mark: Mark,
        inside: &[Inline],
        with_breaks: bool,
        next: Option<char>,
        is_plain: bool,
    ) {
        let before = self.out[self.line_start.min(self.out.len())..]
            .chars()
            .next_back();
        let is_apart = |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric());
        let first = inside.iter().find_map(first_letter);
        let last = inside.iter().rev().find_map(last_letter);
        let opens = first.is_some_and(|first| !first.is_whitespace())
            && (first.is_some_and(char::is_alphanumeric) || is_apart(before))
            && !before.is_some_and(|before| "*~".contains(before));
        let closes = last.is_some_and(|last| !last.is_whitespace())
            && (last.is_some_and(char::is_alphanumeric) || is_apart(next));
        let ends_in_break = matches!(inside.last(), Some(Inline::Break));
        if is_plain
            || !opens
            || !closes
            || ends_in_break
            || matches!(inside.first(), Some(Inline::Break))
        {
            return self.inlines(inside, with_breaks, next, is_plain);
        }
        let sign = match mark {
            Mark::Strong => "**",
            Mark::Emphasis => "*",
            Mark::Struck => "~~",
        };
        // Marks inside of marks inside of a word have no reliable reading.
        let is_in_word = !is_apart(before) || !is_apart(next);
        self.out.push_str(sign);
        self.inlines(
            inside,
            with_breaks,
            Some('*'),
            is_in_word || mark == Mark::Struck,
        );
        self.out.push_str(sign);
    }
}

/// Whether the item needs no blank line between itself and the next.
fn is_tight(item: &[Block]) -> bool {
    match item {
        [Block::Paragraph(_)] => true,
        [Block::Paragraph(_), Block::List { start, items }] => {
            start.unwrap_or(1) == 1 && items.iter().all(|item| is_tight(item))
        }
        _ => false,
    }
}

fn first_letter(inline: &Inline) -> Option<char> {
    match inline {
        Inline::Text(text) => text.chars().next(),
        Inline::Code(_) => Some('`'),
        Inline::Marked(_, inside) => inside.iter().find_map(first_letter),
        Inline::Link { .. } | Inline::Footnote(_) => Some('['),
        Inline::Image { .. } => Some('!'),
        Inline::Break => Some(' '),
    }
}

fn last_letter(inline: &Inline) -> Option<char> {
    match inline {
        Inline::Text(text) => text.chars().next_back(),
        Inline::Code(_) => Some('`'),
        Inline::Marked(_, inside) => inside.iter().rev().find_map(last_letter),
        Inline::Link { .. } | Inline::Image { .. } => Some(')'),
        Inline::Footnote(_) => Some(']'),
        Inline::Break => Some(' '),
    }
}
