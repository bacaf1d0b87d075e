//! The fast way through markup: what says nothing is passed without becoming a token.
//!
//! In: the scanner's state. Out: facts of links and text; the tokenizer's position, moved to the next
//! thing that only it can read.
//! May touch: the scanner, the tokenizer's position. Must not touch: how an element is understood; that is
//! said once, in `scan` and `facts`.
//! Invariant: the page is the one that reading every token gives. What is passed here is read by the
//! tokenizer's own cursor; in doubt (comments, scripts, unfinished tags) the tokenizer goes on.

use super::Scanner;
use super::interest::{Interest, telling};
use crate::element::Element;
use crate::swar;
use crate::tokens::{ContentModel, Cursor, PackedName, Rules, end_tag, is_space, raw_end_tag};

/// Runs of text up to here are looked through in place; for longer ones a wide search is faster.
const SHORT_RUN_BYTES: usize = 32;

/// A tag up to the end of its name.
struct Head {
    is_end: bool,
    element: Element,
    name_end: usize,
}

/// The attributes of an anchor that are kept.
const ANCHOR_NAMES: [PackedName; 3] = [
    PackedName::new("href"),
    PackedName::new("rel"),
    PackedName::new("hreflang"),
];

impl<'a> Scanner<'a, '_> {
    /// Passes markup up to the next thing that only the tokenizer reads, or to the end.
    pub(super) fn skim(&mut self) {
        let Some(start) = self.tokenizer.position_in_markup() else {
            return;
        };
        let end = self.skim_from(start);
        self.tokenizer.resume_at(end);
        self.state.work_bytes += (end - start) as u64;
    }

    fn skim_from(&mut self, start: usize) -> usize {
        let html = self.html;
        let bytes = html.as_bytes();
        let mut interest = self.interest();
        let mut at = start;
        let mut places = swar::Places::<b'<'>::new(bytes, start);
        while let Some(lt) = places.next_from(at) {
            if let Some(end) = pass_dull(html, lt, interest) {
                if interest.text && at < lt {
                    self.text_between(at, lt);
                }
                at = end;
                continue;
            }
            let Some(head) = near_head(bytes, lt).or_else(|| any_head(html, lt)) else {
                if interest.text {
                    return at;
                }
                if begins_markup(bytes, lt) || (self.more_follows && may_begin_markup(bytes, lt)) {
                    return lt;
                }
                at = lt + 1;
                continue;
            };
            if interest.text && at < lt {
                self.text_between(at, lt);
            }
            let counts = match head.is_end {
                true => interest.ends,
                false => interest.starts,
            };
            let passed = if counts.contain(head.element) {
                let passed = self.meet(&head);
                interest = self.interest();
                passed
            } else {
                Cursor::pass(html, head.name_end)
            };
            match passed {
                Some(end) => at = end,
                None => return lt,
            }
        }
        if interest.text { at } else { bytes.len() }
    }

    /// Takes the text of a run; a short one has no reference in it as a rule.
    fn text_between(&mut self, start: usize, lt: usize) {
        let html = self.html;
        let is_short = lt - start <= SHORT_RUN_BYTES;
        if !is_short || swar::has_any(html.as_bytes(), start, lt, *b"&\r\0") {
            let rules = Rules::of(ContentModel::Data).for_readers();
            self.shown_text(&html[start..lt], rules);
        } else if self.wants_text() {
            self.state.work_bytes += (lt - start) as u64;
            self.take_text(&html[start..lt]);
        }
    }

    /// Reads a tag that counts and returns where to go on, unless the tokenizer has to read it.
    fn meet(&mut self, head: &Head) -> Option<usize> {
        let html = self.html;
        let element = head.element;
        if head.is_end {
            let end = Cursor::pass(html, head.name_end)?;
            if element == Element::A && self.state.foreign.is_idle() {
                self.close_anchor();
            } else {
                self.end_tag(element);
            }
            return Some(end);
        }
        if !self.state.foreign.is_idle() {
            return None;
        }
        if matches!(element, Element::Script | Element::Style) && !self.options.requisites {
            let start = Cursor::pass(html, head.name_end)?;
            return match element {
                Element::Script => end_tag(html.as_bytes(), start, b"script"),
                _ => raw_end_tag(html.as_bytes(), start, b"style"),
            };
        }
        if self.state.templates.are_inert() {
            return None;
        }
        if element == Element::A {
            let mut cursor = Cursor::new(html, head.name_end);
            let [href, rel, hreflang] = cursor.values(&ANCHOR_NAMES)?;
            self.anchor(href, rel, hreflang);
            return Some(cursor.position());
        }
        if telling(self.options.requisites).contain(element) {
            return None;
        }
        let end = Cursor::pass(html, head.name_end)?;
        self.boundary(element);
        Some(end)
    }
}

/// Whether the `<` that no name follows begins a comment, a doctype or the like, rather than text.
fn begins_markup(bytes: &[u8], lt: usize) -> bool {
    match bytes.get(lt + 1) {
        Some(b'!' | b'?') => true,
        Some(b'/') => lt + 2 < bytes.len(),
        _ => false,
    }
}

/// Whether what follows the end of the bytes decides that.
fn may_begin_markup(bytes: &[u8], lt: usize) -> bool {
    matches!(bytes[lt + 1..], [] | [b'/'])
}

/// Passes a tag that the first bytes of its name show to be of no interest, and returns where it ends.
/// `None` when it may be of interest, has an unusual form, or is no tag.
#[inline(always)]
fn pass_dull(html: &str, lt: usize, interest: &Interest) -> Option<usize> {
    let bytes = html.as_bytes();
    let word = swar::word(bytes, lt + 1)?;
    let is_end = word as u8 == b'/';
    let (word, hints) = match is_end {
        true => (word >> 8, &interest.end_hints),
        false => (word, &interest.start_hints),
    };
    if hints.may_be(word) {
        return None;
    }
    let letters = swar::letters(word);
    let name_end = lt + 1 + usize::from(is_end) + letters.count;
    // Without letters a letter is behind: the name is a long one.
    match letters.behind as u8 {
        b'>' => Some(name_end + 1),
        b' ' => Cursor::pass(html, name_end),
        _ => None,
    }
}

/// The head of a tag with a short name of letters; `None` for others.
#[inline(always)]
fn near_head(bytes: &[u8], lt: usize) -> Option<Head> {
    let word = swar::word(bytes, lt + 1)?;
    let is_end = word as u8 == b'/';
    let letters = swar::letters(if is_end { word >> 8 } else { word });
    let begins_name = (letters.name as u8).is_ascii_lowercase();
    (begins_name && ends_name(letters.behind as u8)).then(|| Head {
        is_end,
        element: Element::of_packed(letters.name),
        name_end: lt + 1 + usize::from(is_end) + letters.count,
    })
}

/// The head of any tag; `None` when the `<` begins none.
#[inline(never)]
fn any_head(html: &str, lt: usize) -> Option<Head> {
    let bytes = html.as_bytes();
    let is_end = bytes.get(lt + 1) == Some(&b'/');
    let name_start = lt + 1 + usize::from(is_end);
    if !bytes.get(name_start)?.is_ascii_alphabetic() {
        return None;
    }
    let name_end = swar::run_end(bytes, name_start, ends_name);
    Some(Head {
        is_end,
        element: Element::of(&html[name_start..name_end]),
        name_end,
    })
}

#[inline(always)]
fn ends_name(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'/' | b'>')
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::Scanner;
    use crate::{Page, ScanOptions, scan};

    /// Every token read, none passed.
    fn by_tokens(html: &str, options: &ScanOptions) -> Page {
        let mut scanner = Scanner::new(html, options);
        while let Some(token) = scanner.tokenizer.next() {
            scanner.token(&token);
        }
        scanner.finish()
    }

    fn check(html: &str) -> Result<(), TestCaseError> {
        for choice in 0..8 {
            let options = ScanOptions {
                text: choice & 1 != 0,
                requisites: choice & 2 != 0,
                token: "orbweaver".to_owned(),
                links_max: if choice & 4 != 0 { 2 } else { 1_000 },
            };
            let mut skimmed = scan(html, &options);
            let mut read = by_tokens(html, &options);
            // Work is what the two differ in.
            skimmed.work_bytes = 0;
            read.work_bytes = 0;
            prop_assert_eq!(skimmed, read, "{:?} of {:?}", options, html);
        }
        Ok(())
    }

    /// Pieces of pages, apart by `¦`: what changes the reading of what follows, whole and broken off.
    pub(in crate::scan) const PIECES: &str = "\
        <¦>¦/¦!¦?¦-¦=¦'¦\"¦&¦;¦ ¦\t¦\n¦\r¦\u{c}¦\0¦</¦/>¦<!¦<?¦</>¦</ ¦a¦b¦X¦word¦ two words ¦\u{e9}¦\u{1f577}¦\
        &amp;¦&lt¦&#0;¦&copy=¦some text that is longer than the bytes looked at before the wide search ¦\
        <a href=x>¦<a href='y z'>¦<A\nHREF = \"/q?a=1&amp;b=2\" class=c>¦<a name=n>¦<a href=x¦<a/href='1'/>¦<a\t¦\
        <a href=\"\" rel='nofollow ugc' hreflang=de>¦<a class=\"c d\" href=\"#h\" title=\"a > b\">¦<a HREF=\"1\" href=\"2\">¦\
        </a>¦</a >¦</A b='>'>¦<area href=a alt=' t '>¦<abbr>¦<a1 href=no>¦<a\0 href=no>¦\
        <p>¦<P class=\"story\">¦</p>¦<div class='c' id=d data-x=\"1>2\">¦</div>¦<span title='<a href=no>'>¦</span>¦\
        <br/>¦<b>¦<h1>¦<h7>¦<my-element a b=c>¦<blockquote cite=x>¦<section>¦<textarea>¦</textarea>¦<li¦<x y='¦<x y=\"¦\
        <table>¦</table>¦<tr>¦<td>¦<th scope=row>¦</td>¦<base href=/base>¦<base target=t>¦<html lang=en>¦\
        <link rel=canonical href=c>¦<link rel='next icon' href=i>¦<meta name=robots content='noindex, noai'>¦\
        <meta http-equiv=refresh content='0;url=r'>¦<meta http-equiv=content-language content=fr>¦\
        <title>¦</title>¦<TITLE >t&amp;u</TITLE>¦<script>¦</script>¦<script src=s>var a='<a href=no>';</script>¦\
        <!--¦-->¦--!>¦<!-->¦<!-- <script> --> ¦<script><!--<script></script>-->¦<script¦</script¦\
        <style>¦</style>¦<style>@import 'i'; a{b:url(u)}</style>¦</styles>¦<!DOCTYPE html>¦<!DOCTYPE html PUBLIC '¦\
        <svg>¦</svg>¦<svg/>¦<math>¦</math>¦<mi>¦</mi>¦<foreignObject>¦</foreignObject>¦<desc>¦</desc>¦<g>¦</g>¦\
        <path d='M0 0'/>¦<svg><a xlink:href=s>¦<image xlink:href=im />¦<annotation-xml encoding=text/html>¦\
        <font>¦<font color=red>¦<![CDATA[¦]]>¦<template>¦</template>¦<template shadowrootmode=open>¦\
        <iframe src=f>¦</iframe>¦<frame src=fr>¦<noembed>¦</noembed>¦<noframes>¦</noframes>¦<xmp>¦</xmp>¦<plaintext>¦\
        <noscript>¦</noscript>¦<object data=o>¦</object>¦<embed src=e>¦<img src=g srcset='h 1x, i 2x'>¦\
        <input type=image src=j>¦<video src=v poster=w>¦<source src=q>¦<track src=t>¦<audio src=u>";

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

        #[test]
        fn skimming_gives_the_page_that_reading_gives(
            pieces in prop::collection::vec(prop::sample::select(PIECES.split('¦').collect::<Vec<_>>()), 0..40)
        ) {
            check(&pieces.concat())?;
        }

        #[test]
        fn the_same_for_bytes_that_mean_something(html in "[<>/!a-c='\" &\\-\\n\\x00\u{e9}]{0,60}") {
            check(&html)?;
        }
    }
}
