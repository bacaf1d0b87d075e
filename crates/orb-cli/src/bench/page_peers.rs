//! Other readers of pages, which `orb bench page` runs beside ours when built with the feature `bench-peers`.
//!
//! In: a page. Out: what they found, as a number. May touch: nothing but its arguments.
//! Invariant: each does the least that gives what the name says, so that no comparison flatters us; without the feature
//! there are none, and nothing of them is in the program.

use crate::bench::page_readings::Reading;

/// The reading of theirs whose ratio to ours is a target.
pub(crate) const LOL_HTML_LINKS: &str = "lol_html: links";

#[cfg(not(feature = "bench-peers"))]
pub(crate) const PEERS: &[Reading] = &[];

#[cfg(feature = "bench-peers")]
pub(crate) use with_peers::PEERS;

#[cfg(feature = "bench-peers")]
mod with_peers {
    use std::cell::{Cell, RefCell};
    use std::hint::black_box;

    use dom_smoothie::{Config, Readability, TextMode};
    use html5ever::tendril::StrTendril;
    use html5ever::tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
    };
    use html5ever::{LocalName, TokenizerResult, local_name};
    use lol_html::{HtmlRewriter, Settings, element};

    use super::{LOL_HTML_LINKS, Reading};
    use crate::bench::page_set::BenchPage;

    /// Theirs, in the order of the report.
    pub(crate) const PEERS: &[Reading] = &[
        Reading {
            name: LOL_HTML_LINKS,
            micros: "lol_html_links_micros_per_page",
            rate: "lol_html_links_bytes_per_cpu_second",
            read: |_, page| lol_html_links(page),
        },
        Reading {
            name: "html5ever, tokens only: links",
            micros: "html5ever_links_micros_per_page",
            rate: "html5ever_links_bytes_per_cpu_second",
            read: |_, page| html5ever_tokens(page, false),
        },
        Reading {
            name: "html5ever, tokens only: links, text",
            micros: "html5ever_links_text_micros_per_page",
            rate: "html5ever_links_text_bytes_per_cpu_second",
            read: |_, page| html5ever_tokens(page, true),
        },
        Reading {
            name: "dom_smoothie: main text",
            micros: "dom_smoothie_text_micros_per_page",
            rate: "dom_smoothie_text_bytes_per_cpu_second",
            read: |_, page| dom_smoothie(page, TextMode::Raw),
        },
        Reading {
            name: "dom_smoothie: Markdown",
            micros: "dom_smoothie_markdown_micros_per_page",
            rate: "dom_smoothie_markdown_bytes_per_cpu_second",
            read: |_, page| dom_smoothie(page, TextMode::Markdown),
        },
    ];

    /// The references of `a` alone; the rewritten page goes nowhere.
    fn lol_html_links(page: &BenchPage) -> usize {
        let mut hrefs: Vec<String> = Vec::new();
        let take = element!("a[href]", |element| {
            hrefs.extend(element.get_attribute("href"));
            Ok(())
        });
        let settings = Settings::new().append_element_content_handler(take);
        let mut rewriter = HtmlRewriter::new(settings, |_: &[u8]| {});
        let went = rewriter
            .write(black_box(page.html.as_bytes()))
            .and_then(|()| rewriter.end());
        hrefs.len() + usize::from(went.is_err())
    }

    #[derive(Default)]
    struct Sink {
        hrefs: RefCell<Vec<StrTendril>>,
        text: RefCell<String>,
        wants_text: bool,
        /// Text of scripts and styles is none; the tokenizer alone would read their content as markup.
        hidden: Cell<bool>,
    }

    impl TokenSink for Sink {
        type Handle = ();

        fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
            match token {
                Token::TagToken(tag) => return self.tag(tag),
                Token::CharacterTokens(text) if self.wants_text && !self.hidden.get() => {
                    self.text.borrow_mut().push_str(&text);
                }
                _ => {}
            }
            TokenSinkResult::Continue
        }
    }

    impl Sink {
        fn tag(&self, tag: Tag) -> TokenSinkResult<()> {
            use html5ever::tokenizer::states::{Rawtext, Rcdata, ScriptData};
            let raw = match tag.name {
                local_name!("script") => Some(ScriptData),
                local_name!("style") => Some(Rawtext),
                local_name!("title") | local_name!("textarea") => Some(Rcdata),
                _ => None,
            };
            if tag.kind == TagKind::EndTag {
                self.hidden.set(false);
                return TokenSinkResult::Continue;
            }
            if tag.name == local_name!("a") {
                let is_href = |name: &LocalName| *name == local_name!("href");
                let found = tag.attrs.into_iter().find(|one| is_href(&one.name.local));
                self.hrefs.borrow_mut().extend(found.map(|one| one.value));
            }
            match raw {
                Some(kind) => {
                    self.hidden.set(kind != Rcdata);
                    TokenSinkResult::RawData(kind)
                }
                None => TokenSinkResult::Continue,
            }
        }
    }

    /// Without a tree: what its tokenizer costs at least.
    fn html5ever_tokens(page: &BenchPage, wants_text: bool) -> usize {
        let sink = Sink {
            wants_text,
            ..Sink::default()
        };
        let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
        let input = BufferQueue::default();
        input.push_back(StrTendril::from_slice(black_box(&page.html)));
        while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
        tokenizer.end();
        tokenizer.sink.hrefs.borrow().len() + tokenizer.sink.text.borrow().len()
    }

    fn dom_smoothie(page: &BenchPage, text_mode: TextMode) -> usize {
        let config = Config {
            text_mode,
            ..Config::default()
        };
        Readability::new(
            black_box(page.html.as_str()),
            Some(page.url.as_str()),
            Some(config),
        )
        .and_then(|mut reader| reader.parse())
        .map_or(0, |article| article.text_content.len())
    }
}
