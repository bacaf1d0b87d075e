//! What a page says of itself: who, when, where, in which language, and as data.
//!
//! In: a tree, the text of its content. Out: [`Facts`].
//! May touch: the tree's `meta`, scripts of data, a few elements. Must not touch: what the content is.
//! Invariant: every string has its bound in `limits`; what is not known is absent, never guessed from nothing.

mod byline;
mod dates;
mod json_ld;
mod language;
mod language_codes;
mod meta;
mod microdata;
mod structured;

use serde::Serialize;
use url::Url;

use crate::content::{Content, Extraction};
use crate::limits::{DESCRIPTION_BYTES_MAX, NAME_BYTES_MAX, TITLE_BYTES_MAX};
use crate::tag::Tag;
use crate::tree::{Tree, cut};

pub use dates::iso_8601;
pub use language::Language;
pub use structured::Structured;

use self::json_ld::LinkedData;
use self::meta::Metas;

/// What is known of a page beside its text. Names are a contract with scripts.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Facts {
    /// What kind of document it is, as an essence: `text/html`.
    pub media_type: String,
    /// Who wrote it.
    pub byline: Option<String>,
    /// When it was published, ISO 8601: a date, or a date and time with its offset where that is known.
    pub date: Option<String>,
    /// When it was changed last, likewise.
    pub modified: Option<String>,
    /// The site's name.
    pub site_name: Option<String>,
    /// What the page says it is about.
    pub description: Option<String>,
    /// The language of the main content.
    pub language: Option<Language>,
    /// Words of the main content; of scripts without blanks, two characters are one.
    pub words: u64,
    /// Links in the main content.
    pub links: u64,
    /// Pictures in the main content.
    pub images: u64,
    /// Share of the shown text that is not main content, 0 to 1.
    pub boilerplate_share: f64,
    /// How the main content was found.
    pub extraction: Option<Extraction>,
    /// Automated Readability Index: about the school year a reader needs. Only of prose long enough to tell.
    pub reading_grade: Option<f64>,
    /// Data the page carries for machines.
    pub structured: Structured,
}

/// Title and facts of an HTML page.
///
/// - `text`: its main content, to tell the language by.
pub(crate) fn of_page(
    tree: &Tree<'_>,
    content: &Content,
    page: Option<&Url>,
    text: &str,
) -> (Option<String>, Facts) {
    let metas = Metas::of(tree);
    let linked = LinkedData::of(tree);
    let title = title(tree, &metas, &linked);
    let shown = f64::from(content.page_letters);
    let kept = f64::from(content.measures.all(content.root).letters);
    let facts = Facts {
        media_type: "text/html".to_owned(),
        language: language_of(tree, &metas, text),
        byline: byline::find(tree, &content.measures, &metas, &linked),
        date: dates::published(tree, content, &metas, &linked, page),
        modified: dates::modified(tree, &content.measures, &metas, &linked),
        site_name: metas
            .first(&[
                "og:site_name",
                "application-name",
                "apple-mobile-web-app-title",
            ])
            .map(str::to_owned)
            .or_else(|| linked.text(&["publisher", "name"]))
            .and_then(|name| bounded(name, NAME_BYTES_MAX)),
        description: metas
            .first(&[
                "description",
                "og:description",
                "twitter:description",
                "dc.description",
            ])
            .map(str::to_owned)
            .or_else(|| linked.text(&["description"]))
            .and_then(|text| bounded(text, DESCRIPTION_BYTES_MAX)),
        boilerplate_share: if shown > 0.0 {
            share(1.0 - kept / shown)
        } else {
            0.0
        },
        extraction: Some(content.extraction),
        structured: structured::of(tree, &content.measures, &metas, linked),
        ..Facts::default()
    };
    (title, facts)
}

/// The language a page declares and the one it is written in.
fn language_of(tree: &Tree<'_>, metas: &Metas, text: &str) -> Option<Language> {
    let declared = tree
        .attribute(crate::tree::ROOT, "lang")
        .or_else(|| tree.attribute(crate::tree::ROOT, "xml:lang"))
        .map(std::borrow::Cow::into_owned)
        .filter(|lang| !lang.trim().is_empty())
        .or_else(|| body_lang(tree))
        .or_else(|| {
            metas
                .first(&["content-language", "og:locale", "dc.language"])
                .map(str::to_owned)
        });
    language::detect(text, declared.as_deref())
}

/// The language of a text that declares none.
pub(crate) fn language_of_text(text: &str, declared: Option<&str>) -> Option<Language> {
    language::detect(text, declared)
}

fn body_lang(tree: &Tree<'_>) -> Option<String> {
    tree.children(crate::tree::ROOT)
        .find(|child| tree.tag(*child) == Some(Tag::Body))
        .and_then(|body| tree.attribute(body, "lang"))
        .map(std::borrow::Cow::into_owned)
}

/// `title`, else what else names the page, else its first heading.
fn title(tree: &Tree<'_>, metas: &Metas, linked: &LinkedData) -> Option<String> {
    let text_of = |wanted: Tag| {
        tree.ids()
            .find(|id| {
                tree.tag(*id) == Some(wanted)
                    && !tree
                        .upwards(*id)
                        .any(|above| tree.tag(above) == Some(Tag::Svg))
            })
            .map(|id| tree.text(id, TITLE_BYTES_MAX))
            .filter(|text| !text.is_empty())
    };
    text_of(Tag::Title)
        .or_else(|| {
            metas
                .first(&["og:title", "twitter:title", "dc.title"])
                .map(str::to_owned)
        })
        .or_else(|| linked.text(&["headline"]))
        .or_else(|| text_of(Tag::H1))
}

/// A share as it is printed: four places.
pub(crate) fn share(value: f64) -> f64 {
    (value.clamp(0.0, 1.0) * 10_000.0).round() / 10_000.0
}

/// White space collapsed, cut; `None` when nothing is left.
pub(crate) fn bounded(text: String, bytes_max: usize) -> Option<String> {
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    cut(&mut text, bytes_max);
    (!text.is_empty()).then_some(text)
}

/// Words, and the index of readability where there is enough prose.
pub(crate) fn count_words(text: &str) -> (u64, Option<f64>) {
    let mut words = 0_u64;
    let mut unspaced = 0_u64;
    let mut letters = 0_u64;
    let mut sentences = 0_u64;
    for word in text.split_ascii_whitespace() {
        let mut is_word = false;
        let plain = word.bytes().filter(u8::is_ascii_alphanumeric).count() as u64;
        is_word |= plain > 0;
        letters += plain;
        let beyond_ascii = if word.is_ascii() { "" } else { word };
        for letter in beyond_ascii.chars().filter(|letter| !letter.is_ascii()) {
            if is_unspaced(letter) {
                unspaced += 1;
            } else if letter.is_alphanumeric() {
                is_word = true;
                letters += 1;
            }
        }
        words += u64::from(is_word);
        if word
            .as_bytes()
            .last()
            .is_some_and(u8::is_ascii_alphanumeric)
        {
            continue; // no end of a sentence, as most words
        }
        let end = word.trim_end_matches(['"', '\'', ')', ']', '”', '’', '»']);
        sentences += u64::from(end.ends_with(['.', '!', '?', '…', '。']));
    }
    let enough = words >= 100 && sentences >= 3 && unspaced == 0;
    let grade = enough.then(|| {
        let (words, letters, sentences) = (words as f64, letters as f64, sentences as f64);
        let index = 4.71 * letters / words + 0.5 * words / sentences - 21.43;
        (index.clamp(0.0, 30.0) * 10.0).round() / 10.0
    });
    (words + unspaced.div_ceil(2), grade)
}

/// Scripts that put no blanks between words: Han, Kana, Thai, Lao, Khmer, Myanmar.
fn is_unspaced(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' | '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_in_every_script() {
        assert_eq!(count_words("two words, — really 3").0, 4);
        assert_eq!(count_words("日本語の文章").0, 3);
        assert_eq!(count_words("").0, 0);
        let prose = "This is a sentence of some eight words here. ".repeat(20);
        assert!(count_words(&prose).1.is_some_and(|grade| grade < 8.0));
    }
}
