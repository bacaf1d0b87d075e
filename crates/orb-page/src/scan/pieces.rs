//! A page that comes in pieces, read as far as nothing behind can change.
//!
//! In: pieces of a page's text, in order. Out: the `Page` that `scan` gives of the whole.
//! May touch: the scanner and its tokenizer. Must not touch: how anything is understood.
//! Invariant: a token is taken only when something stands behind it, so how the text was split changes nothing; what
//! is held back is tried again when it has doubled, so the work stays linear.

use super::{Anchor, Reading, Scanner};
use crate::foreign::Foreign;
use crate::limits::{LINK_TEXT_BYTES_MAX, VISIBLE_TEXT_BYTES_MAX};
use crate::page::{Page, ScanOptions};
use crate::scan::templates::Templates;
use crate::tokens::{ContentModel, Tokenizer};
use crate::visible::Collapsed;

/// Reads the facts of a page while it comes.
///
/// - Memory beside the facts: the longest token (a script, a comment, a run of text) and the piece that ended it.
/// - Cost: O(bytes), however the text is split; pieces of a few kilobytes cost about what the whole does.
#[derive(Debug)]
pub struct PageScanner<'o> {
    options: &'o ScanOptions,
    parked: Parked,
    /// Text that is not read yet: something unfinished, and what came since it was last tried.
    pending: String,
    /// Length of `pending` from which it is tried again.
    retry_at: usize,
}

impl<'o> PageScanner<'o> {
    /// At the beginning of a page.
    pub fn new(options: &'o ScanOptions) -> Self {
        Self {
            options,
            parked: Parked::new(),
            pending: String::new(),
            retry_at: 1,
        }
    }

    /// The next piece of the page's text.
    pub fn push(&mut self, piece: &str) {
        self.pending.push_str(piece);
        if self.pending.len() < self.retry_at {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        let parked = std::mem::replace(&mut self.parked, Parked::new());
        let last_start = parked.last_start.clone();
        let mut scanner = Scanner::over(&pending, &last_start, parked, self.options);
        let read = scanner.read_whole_tokens();
        self.parked = scanner.park();
        self.pending = pending;
        self.pending.drain(..read);
        self.retry_at = (2 * self.pending.len()).max(1);
    }

    /// The page, its text being whole.
    pub fn finish(self) -> Page {
        let last_start = self.parked.last_start.clone();
        Scanner::over(&self.pending, &last_start, self.parked, self.options).read_to_the_end()
    }
}

/// A scanner between two pieces.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) page: Page,
    visible: Collapsed,
    title: Option<Collapsed>,
    reading: Reading,
    anchor: Option<Anchor>,
    anchor_text: Collapsed,
    foreign: Foreign,
    templates: Templates,
    tables: u32,
    work_bytes: u64,
    model: ContentModel,
    last_start: String,
    cdata_allowed: bool,
}

impl Parked {
    /// Before the first byte. Allocates nothing.
    pub(super) fn new() -> Self {
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
            model: ContentModel::Data,
            last_start: String::new(),
            cdata_allowed: false,
        }
    }
}

impl<'a, 'o> Scanner<'a, 'o> {
    /// Goes on over `html`, the text behind what was read.
    ///
    /// - `last_start`: the one that is parked, which lives as long as the text.
    pub(super) fn over(
        html: &'a str,
        last_start: &'a str,
        parked: Parked,
        options: &'o ScanOptions,
    ) -> Self {
        let mut tokenizer = Tokenizer::starting_in(html, parked.model, last_start);
        tokenizer.allow_cdata(parked.cdata_allowed);
        Self {
            html,
            more_follows: false,
            options,
            tokenizer,
            page: parked.page,
            visible: parked.visible,
            title: parked.title,
            reading: parked.reading,
            anchor: parked.anchor,
            anchor_text: parked.anchor_text,
            foreign: parked.foreign,
            templates: parked.templates,
            tables: parked.tables,
            work_bytes: parked.work_bytes,
        }
    }

    fn park(self) -> Parked {
        let (model, last_start, cdata_allowed) = self.tokenizer.state();
        Parked {
            model,
            last_start: last_start.to_owned(),
            cdata_allowed,
            page: self.page,
            visible: self.visible,
            title: self.title,
            reading: self.reading,
            anchor: self.anchor,
            anchor_text: self.anchor_text,
            foreign: self.foreign,
            templates: self.templates,
            tables: self.tables,
            work_bytes: self.work_bytes + self.tokenizer.work_bytes(),
        }
    }

    /// Reads up to the first token that ends where the text does: what follows may make it longer, or another one.
    /// Returns where it begins.
    fn read_whole_tokens(&mut self) -> usize {
        self.more_follows = true;
        loop {
            self.skim();
            let before = self.tokenizer.clone();
            let token = self.tokenizer.next();
            if self.tokenizer.position() >= self.html.len() {
                self.work_bytes += self.tokenizer.work_bytes() - before.work_bytes();
                self.tokenizer = before;
                return self.tokenizer.position();
            }
            if let Some(token) = token {
                self.token(&token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::PageScanner;
    use crate::scan::skim::tests::PIECES;
    use crate::{Page, ScanOptions, scan};

    /// The page read in pieces of these lengths, over and over, each made to end between characters.
    fn in_pieces(html: &str, lengths: &[usize], options: &ScanOptions) -> Page {
        let mut scanner = PageScanner::new(options);
        let mut rest = html;
        for length in lengths.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at(rest.ceil_char_boundary((*length).min(rest.len())));
            scanner.push(piece);
            rest = behind;
        }
        scanner.finish()
    }

    /// Work is what the two differ in: what was cut short is tried again.
    fn without_work(mut page: Page) -> Page {
        page.work_bytes = 0;
        page
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(10_000) })]

        #[test]
        fn splits_change_nothing(
            pieces in prop::collection::vec(prop::sample::select(PIECES.split('¦').collect::<Vec<_>>()), 0..40),
            lengths in prop::collection::vec(1_usize..60, 1..20),
        ) {
            let html = pieces.concat();
            for choice in 0..8 {
                let options = ScanOptions {
                    text: choice & 1 != 0,
                    requisites: choice & 2 != 0,
                    token: "orbweaver".to_owned(),
                    links_max: if choice & 4 != 0 { 2 } else { 1_000 },
                };
                let whole = without_work(scan(&html, &options));
                for lengths in [&lengths[..], &[1]] {
                    let page = without_work(in_pieces(&html, lengths, &options));
                    prop_assert_eq!(&page, &whole, "{:?} of {:?} by {:?}", options, html, lengths);
                }
            }
        }
    }

    /// Whatever is held back until it ends costs no more the smaller the pieces are.
    #[test]
    fn small_pieces_cost_no_more_than_a_few_times_the_whole() {
        let options = ScanOptions {
            text: true,
            requisites: true,
            ..ScanOptions::default()
        };
        for (head, unit, tail) in [
            ("", "text without end ", ""),
            ("<!--", "- ", ""),
            ("<script>", "<!-- <script> ", "</script>"),
            ("<p class='", "x ", "'>"),
            ("<svg><![CDATA[", "]", "]]>"),
            ("", "<", ""),
            ("", "</", ""),
            ("", "<p>a", ""),
            ("<a href=x", "x", ">"),
        ] {
            let html = format!("{head}{}{tail}", unit.repeat(200_000 / unit.len()));
            let work = in_pieces(&html, &[1], &options).work_bytes;
            let bound = 12 * html.len() as u64;
            assert!(work < bound, "{head} {unit}: {work} bytes of {bound}");
        }
    }
}
