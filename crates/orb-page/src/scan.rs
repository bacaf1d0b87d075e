//! One pass over a page: drives the tokenizer and keeps the facts.
//!
//! In: text of a page, what to look for. Out: a `Page`.
//! May touch: every module of this crate. Must not touch: URLs; an `href` stays as written.
//! Invariant: one pass, no recursion; a tag that says nothing costs no allocation; state is a handful of
//! counters and bounded lists, so nesting costs nothing.

mod facts;
mod interest;
mod pieces;
mod skim;
mod templates;

pub use self::pieces::PageScanner;

use self::templates::Templates;
use crate::css;
use crate::element::Element;
use crate::foreign::Foreign;
use crate::limits::{LINK_TEXT_BYTES_MAX, TITLE_BYTES_MAX, VISIBLE_TEXT_BYTES_MAX};
use crate::page::{LinkKind, Page, ScanOptions};
use crate::tokens::{
    ContentModel, Inside, Rules, StartTag, TextRun, Token, Tokenizer, decode_each,
};
use crate::visible::Collapsed;

/// Reads the facts of a page in one pass.
///
/// - `html`: the whole decoded text; anything is accepted.
/// - Links inside inert templates are none (their content is not in the document); links inside
///   `noscript` are, since scripts are not run.
/// - Cost: O(bytes), whatever the input; see [`Page::work_bytes`].
pub fn scan(html: &str, options: &ScanOptions) -> Page {
    Scanner::new(html, options).read_to_the_end()
}

/// Bytes of a page for each link there is room for from the start: denser pages make room as they go.
const LINK_SPACING_BYTES: usize = 512;

/// Where the text of an element without markup goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// To the reader: `textarea`, `xmp`, `plaintext`.
    Shown,
    FirstTitle,
    StyleSheet,
    /// Scripts, frames' fallbacks, further titles.
    Ignored,
}

/// The `a` element around the current position.
#[derive(Debug)]
struct Anchor {
    link_index: usize,
    /// Tables open where it began: a cell boundary of that same table ends it.
    tables: u32,
}

/// What the page has told so far.
#[derive(Debug)]
struct State {
    page: Page,
    visible: Collapsed,
    title: Option<Collapsed>,
    reading: Reading,
    anchor: Option<Anchor>,
    /// Text of the anchor, so far; empty when there is none.
    anchor_text: Collapsed,
    foreign: Foreign,
    templates: Templates,
    tables: u32,
    work_bytes: u64,
}

impl State {
    /// Before the first byte. Allocates nothing.
    fn new() -> Self {
        Self {
            page: Page::default(),
            visible: Collapsed::new(VISIBLE_TEXT_BYTES_MAX),
            title: None,
            reading: Reading::Ignored,
            anchor: None,
            anchor_text: Collapsed::new(LINK_TEXT_BYTES_MAX),
            foreign: Foreign::default(),
            templates: Templates::default(),
            tables: 0,
            work_bytes: 0,
        }
    }
}

struct Scanner<'a, 'o> {
    html: &'a str,
    /// Whether `html` may go on behind its end.
    more_follows: bool,
    options: &'o ScanOptions,
    tokenizer: Tokenizer<'a>,
    state: State,
}

impl<'a, 'o> Scanner<'a, 'o> {
    fn new(html: &'a str, options: &'o ScanOptions) -> Self {
        let mut state = State::new();
        state.page.links =
            Vec::with_capacity((html.len() / LINK_SPACING_BYTES).min(options.links_max));
        Self {
            html,
            more_follows: false,
            options,
            tokenizer: Tokenizer::new(html),
            state,
        }
    }

    fn read_to_the_end(mut self) -> Page {
        self.skim();
        while let Some(token) = self.tokenizer.next() {
            self.token(&token);
            self.skim();
        }
        self.finish()
    }

    fn token(&mut self, token: &Token<'a>) {
        match token {
            Token::StartTag(tag) => self.start_tag(tag),
            Token::EndTag(tag) => self.end_tag(Element::of(tag.raw_name())),
            Token::Text(run) => self.text(*run),
            Token::Comment(_) | Token::Doctype(_) => {}
        }
    }

    fn start_tag(&mut self, tag: &StartTag<'a>) {
        let element = Element::of(tag.raw_name());
        let is_foreign = self.state.foreign.start(element, tag);
        self.tokenizer.allow_cdata(self.state.foreign.is_inside());
        if is_foreign {
            if !self.state.templates.are_inert() {
                self.foreign_links(element, tag);
            }
            return;
        }
        self.switch_content_model(element);
        if element == Element::Template {
            let [shadow] = self.values(tag, ["shadowrootmode"]);
            self.state.templates.open(shadow.is_none());
        }
        if self.state.templates.are_inert() {
            return;
        }
        self.boundary(element);
        if element == Element::Table {
            self.state.tables = self.state.tables.saturating_add(1);
        }
        self.html_facts(element, tag);
    }

    fn end_tag(&mut self, element: Element) {
        self.state.foreign.end(element);
        let is_foreign = self.state.foreign.is_inside();
        self.tokenizer.allow_cdata(is_foreign);
        if element == Element::Template && !is_foreign {
            self.state.templates.close();
        }
        if self.state.templates.are_inert() || (is_foreign && element != Element::A) {
            return;
        }
        self.boundary(element);
        match element {
            Element::A => self.close_anchor(),
            Element::Table => self.state.tables = self.state.tables.saturating_sub(1),
            _ => {}
        }
    }

    /// What a line or cell boundary does to the text and to an anchor left open.
    fn boundary(&mut self, element: Element) {
        let is_cell = element == Element::Cell;
        if element.breaks_line() {
            self.state.visible.line();
        } else if is_cell {
            self.state.visible.space();
        } else {
            return;
        }
        if let Some(anchor) = &self.state.anchor {
            self.state.anchor_text.space();
            if is_cell && self.state.tables > 0 && anchor.tables == self.state.tables {
                self.close_anchor();
            }
        }
    }

    fn switch_content_model(&mut self, element: Element) {
        let model = element.content_model();
        if model == ContentModel::Data {
            return;
        }
        self.tokenizer.switch_to(model);
        self.state.reading = match element {
            _ if self.state.templates.are_inert() => Reading::Ignored,
            Element::Textarea | Element::Xmp | Element::Plaintext => Reading::Shown,
            Element::Title if self.state.title.is_none() => {
                self.state.title = Some(Collapsed::new(TITLE_BYTES_MAX));
                Reading::FirstTitle
            }
            Element::Style if self.options.requisites => Reading::StyleSheet,
            _ => Reading::Ignored,
        };
    }

    fn text(&mut self, run: TextRun<'a>) {
        let reading = match run.model() {
            ContentModel::Data | ContentModel::CdataSection => Reading::Shown,
            _ => self.state.reading,
        };
        let rules = Rules::of(run.model()).for_readers();
        match reading {
            Reading::Ignored => {}
            Reading::Shown => self.shown_text(run.raw(), rules),
            Reading::FirstTitle => {
                self.state.work_bytes += run.raw().len() as u64;
                if let Some(title) = &mut self.state.title {
                    decode_each(run.raw(), rules, |piece| title.push(piece));
                }
            }
            Reading::StyleSheet => {
                self.state.work_bytes += run.raw().len() as u64;
                css::references(run.raw(), |reference| {
                    self.add(LinkKind::Css, reference);
                });
            }
        }
    }

    fn shown_text(&mut self, raw: &str, rules: Rules) {
        if self.wants_text() {
            self.state.work_bytes += raw.len() as u64;
            decode_each(raw, rules, |piece| self.take_text(piece));
        }
    }

    /// Whether text that is shown here goes anywhere.
    fn wants_text(&self) -> bool {
        let some_takes = (self.options.text && !self.state.visible.is_full())
            || (self.state.anchor.is_some() && !self.state.anchor_text.is_full());
        some_takes && !self.state.templates.are_inert() && !self.state.foreign.is_hidden()
    }

    fn take_text(&mut self, piece: &str) {
        if self.options.text {
            self.state.visible.push(piece);
        }
        if self.state.anchor.is_some() {
            self.state.anchor_text.push(piece);
        }
    }

    fn finish(mut self) -> Page {
        self.close_anchor();
        let mut page = self.state.page;
        let oddities = &mut page.oddities;
        match self.tokenizer.ended_inside() {
            Some(Inside::Tag) => oddities.unfinished_tag = true,
            Some(Inside::Comment) => oddities.unfinished_comment = true,
            Some(Inside::RawText) => oddities.unfinished_raw_text = true,
            None => {}
        }
        oddities.nesting_capped = self.state.foreign.was_capped() || self.state.templates.capped;
        oddities.text_capped = self.state.visible.is_full();
        page.title = self
            .state
            .title
            .map(Collapsed::into_text)
            .filter(|title| !title.is_empty());
        page.visible_text = self.state.visible.into_text();
        page.work_bytes = self.tokenizer.work_bytes() + self.state.work_bytes;
        page
    }
}
