//! A page that comes in pieces, read as far as nothing behind can change.
//!
//! In: pieces of a page's text, in order. Out: the `Page` that `scan` gives of the whole.
//! May touch: the scanner and its tokenizer. Must not touch: how anything is understood.
//! Invariant: a token is taken only when something stands behind it, so how the text was split changes nothing; what
//! is held back is tried again when it has doubled, so the work stays linear.

use super::{Scanner, State};
use crate::page::{Page, ScanOptions};
use crate::tokens::{ContentModel, Tokenizer};

/// Reads the facts of a page while it comes.
///
/// - Memory beside the facts: the longest token (a script, a comment, a run of text) and the piece that ended it.
/// - Cost: O(bytes), however the text is split; pieces of a few kilobytes cost about what the whole does.
#[derive(Debug)]
pub struct PageScanner<'o> {
    options: &'o ScanOptions,
    state: State,
    /// What decides how the pending text is read: see [`Tokenizer::state`].
    model: ContentModel,
    last_start: String,
    cdata_allowed: bool,
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
            state: State::new(),
            model: ContentModel::Data,
            last_start: String::new(),
            cdata_allowed: false,
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
        let state = std::mem::replace(&mut self.state, State::new());
        let mut scanner = self.scanner(state);
        let read = scanner.read_whole_tokens();
        let (model, last_start, cdata_allowed) = scanner.tokenizer.state();
        let last_start = last_start.to_owned();
        self.state = scanner.state;
        (self.model, self.last_start, self.cdata_allowed) = (model, last_start, cdata_allowed);
        self.pending.drain(..read);
        self.retry_at = (2 * self.pending.len()).max(1);
    }

    /// The page, its text being whole.
    pub fn finish(mut self) -> Page {
        let state = std::mem::replace(&mut self.state, State::new());
        self.scanner(state).read_to_the_end()
    }

    /// Goes on over the pending text.
    fn scanner(&self, state: State) -> Scanner<'_, 'o> {
        let mut tokenizer = Tokenizer::starting_in(&self.pending, self.model, &self.last_start);
        tokenizer.allow_cdata(self.cdata_allowed);
        Scanner {
            html: &self.pending,
            more_follows: false,
            options: self.options,
            tokenizer,
            state,
        }
    }
}

impl Scanner<'_, '_> {
    /// Reads up to the first token that ends where the text does: what follows may make it longer, or another one.
    /// Returns where it begins.
    fn read_whole_tokens(&mut self) -> usize {
        self.more_follows = true;
        loop {
            self.skim();
            let before = self.tokenizer.clone();
            let token = self.tokenizer.next();
            if self.tokenizer.position() >= self.html.len() {
                // What was tried in vain is work too; what came before it is told by the tokenizer no more.
                self.state.work_bytes += self.tokenizer.work_bytes();
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
