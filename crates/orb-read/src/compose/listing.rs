//! Listings of code.
//!
//! In: a `pre`. Out: its text as written, and the language that the page names.
//! May touch: the tree below it, classes around it. Must not touch: what the text means.
//! Invariant: line numbers, prompts of copy buttons and the first empty line are no part of it; everything else is.

use crate::document::Block;
use crate::hints::Hint;
use crate::tag::Tag;
use crate::tree::{Kind, NodeId};

use super::Composer;

/// Bytes of a language's name.
const LANGUAGE_BYTES_MAX: usize = 32;

impl Composer<'_, '_> {
    pub(super) fn listing(&self, id: NodeId) -> Option<Block> {
        let mut text = String::new();
        self.lines(id, &mut text);
        let text = text.strip_prefix('\n').unwrap_or(&text).trim_end();
        if text.trim().is_empty() {
            return None;
        }
        Some(Block::Code {
            language: self.language(id),
            text: text.to_owned(),
        })
    }

    fn lines(&self, id: NodeId, text: &mut String) {
        for child in self.tree.children(id) {
            match self.tree.kind(child) {
                Kind::Text(run) => text.push_str(&run.decode()),
                Kind::Element(..) if self.measures.is_out(child) => {}
                Kind::Element(..) if self.has(child, Hint::LineNumbers) => {}
                Kind::Element(Tag::Br, _) => text.push('\n'),
                Kind::Element(tag, _) => {
                    // Some sites write each line as a block.
                    if tag.is_block() && !text.is_empty() && !text.ends_with('\n') {
                        text.push('\n');
                    }
                    self.lines(child, text);
                }
            }
        }
    }

    /// From the `pre`, the `code` in it, or the two elements around, as highlighters write it.
    fn language(&self, id: NodeId) -> Option<String> {
        let inside = self
            .tree
            .children(id)
            .find(|child| self.tree.tag(*child) == Some(Tag::Code));
        let around = self.tree.upwards(id).skip(1).take(2);
        inside
            .into_iter()
            .chain(std::iter::once(id))
            .chain(around)
            .find_map(|element| {
                let [class, lang, language] = self
                    .tree
                    .attributes(element, ["class", "data-lang", "data-language"]);
                let is_around = element != id && Some(element) != inside;
                lang.or(language)
                    .filter(|_| !is_around)
                    .and_then(|name| clean(&name))
                    .or_else(|| class.and_then(|class| of_class(&class, is_around)))
            })
    }
}

/// `language-rust`, `lang-rust`, `highlight-rust`, `brush: rust`, `sourceCode rust`.
fn of_class(class: &str, is_around: bool) -> Option<String> {
    let mut words = class.split_ascii_whitespace().take(16);
    while let Some(word) = words.next() {
        let named = ["language-", "lang-", "highlight-source-", "highlight-"]
            .iter()
            .find_map(|prefix| word.strip_prefix(prefix));
        if let Some(name) = named {
            return clean(name);
        }
        let next_names = match word {
            "brush:" => true,
            "sourceCode" | "src" | "programlisting" => !is_around,
            _ => false,
        };
        if next_names {
            return words.next().and_then(clean);
        }
        if let Some(name) = word
            .strip_prefix("brush:")
            .or_else(|| word.strip_prefix("src-"))
        {
            return clean(name);
        }
    }
    None
}

fn clean(name: &str) -> Option<String> {
    let name = name.trim_matches(|letter: char| {
        !letter.is_ascii_alphanumeric() && letter != '+' && letter != '#'
    });
    let is_name = (1..=LANGUAGE_BYTES_MAX).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+#-_.".contains(&byte));
    let says_nothing = [
        "default",
        "none",
        "plaintext",
        "text",
        "plain",
        "source",
        "code",
        "wrapper",
    ];
    (is_name && !says_nothing.contains(&name)).then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn highlighters_name_the_language_in_their_ways() {
        for class in [
            "language-c++",
            "hljs lang-c++",
            "highlight-c++ notranslate",
            "brush: c++;",
            "sourceCode c++",
        ] {
            assert_eq!(of_class(class, false).as_deref(), Some("c++"), "{class}");
        }
        assert_eq!(of_class("highlight-default", false), None);
        assert_eq!(of_class("codehilite", false), None);
    }
}
