//! Who wrote a page.
//!
//! In: metadata, elements named for authors. Out: a name or several, joined.
//! May touch: the tree. Must not touch: the running text.
//! Invariant: an address is no name, and neither is a sentence.

use crate::hints::Hint;
use crate::limits::NAME_BYTES_MAX;
use crate::measure::Measures;
use crate::tag::Tag;
use crate::tree::{NodeId, Tree};

use super::bounded;
use super::json_ld::LinkedData;
use super::meta::Metas;

/// Words of the longest line that is taken for names.
const NAME_WORDS_MAX: usize = 12;

pub(super) fn find(
    tree: &Tree<'_>,
    measures: &Measures,
    metas: &Metas,
    linked: &LinkedData,
) -> Option<String> {
    linked
        .text(&["author", "name"])
        .and_then(|name| clean(&name))
        .or_else(|| {
            [
                "author",
                "article:author",
                "dc.creator",
                "dcterms.creator",
                "parsely-author",
                "citation_author",
                "twitter:creator",
            ]
            .iter()
            .find_map(|name| metas.first(&[name]).and_then(clean))
        })
        .or_else(|| {
            let may_say = |id: &NodeId| {
                measures.has(*id, Hint::Property)
                    || matches!(tree.tag(*id), Some(Tag::A | Tag::Link))
            };
            let is_named = |id: &NodeId| measures.has(*id, Hint::Author);
            tree.ids()
                .filter(may_say)
                .find_map(|id| by_attribute(tree, id))
                .or_else(|| {
                    tree.ids()
                        .filter(is_named)
                        .find_map(|id| by_class(tree, id))
                })
        })
}

/// `itemprop=author` and `rel=author` are said to mean it.
fn by_attribute(tree: &Tree<'_>, id: NodeId) -> Option<String> {
    let [itemprop, rel] = tree.attributes(id, ["itemprop", "rel"]);
    let says = |value: Option<std::borrow::Cow<'_, str>>| {
        value.is_some_and(|value| value.split_ascii_whitespace().any(|word| word == "author"))
    };
    let is_link = matches!(tree.tag(id), Some(Tag::A | Tag::Link));
    let is_author = says(itemprop) || (is_link && says(rel));
    if !is_author {
        return None;
    }
    let name = (id + 1..tree.end(id)).find(|inside| {
        tree.attribute(*inside, "itemprop")
            .is_some_and(|inner| inner == "name")
    });
    clean(&tree.text(name.unwrap_or(id), NAME_BYTES_MAX))
}

fn by_class(tree: &Tree<'_>, id: NodeId) -> Option<String> {
    let class = tree.attribute(id, "class")?;
    let is_byline = class.split_ascii_whitespace().any(|name| {
        let name = name.to_ascii_lowercase();
        matches!(
            name.as_str(),
            "byline"
                | "by-line"
                | "author"
                | "author-name"
                | "post-author"
                | "entry-author"
                | "article-author"
                | "p-author"
                | "byline-name"
                | "article__author"
                | "post__author"
        )
    });
    if !is_byline {
        return None;
    }
    clean(&tree.text(id, NAME_BYTES_MAX))
}

/// The name without "By" before and a date behind.
fn clean(name: &str) -> Option<String> {
    let name = bounded(name.to_owned(), NAME_BYTES_MAX)?;
    let mut name = name.as_str();
    for start in [
        "by ",
        "von ",
        "par ",
        "por ",
        "written by ",
        "posted by ",
        "author: ",
        "by: ",
    ] {
        if name
            .get(..start.len())
            .is_some_and(|own| own.eq_ignore_ascii_case(start))
        {
            name = name[start.len()..].trim_start();
        }
    }
    for end in [" | ", " · ", " • ", " — ", " – ", " on "] {
        name = name.split(end).next().unwrap_or(name);
    }
    let name =
        name.trim_matches(|letter: char| letter.is_whitespace() || ",;:|·•-–—".contains(letter));
    let is_address = name.contains("://") || name.starts_with("www.") || name.starts_with('@');
    let is_name = name.chars().any(char::is_alphabetic)
        && name.split_whitespace().count() <= NAME_WORDS_MAX
        && !is_address;
    is_name.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder;

    fn check(html: &str, expected: Option<&str>) {
        let tree = builder::build(html);
        let found = find(
            &tree,
            &Measures::of(&tree, false),
            &Metas::of(&tree),
            &LinkedData::of(&tree),
        );
        assert_eq!(found.as_deref(), expected, "{html}");
    }

    #[test]
    fn names_are_found_where_pages_put_them() {
        check("<meta name=author content='Ada Byron'>", Some("Ada Byron"));
        check(
            "<p class=byline>By Ada Byron | 3 May 2024</p>",
            Some("Ada Byron"),
        );
        check(
            "<a rel='nofollow author' href=/a>Ada Byron</a>",
            Some("Ada Byron"),
        );
        check(
            "<div itemprop=author itemscope><img alt=x><b itemprop=name>Ada</b> edits</div>",
            Some("Ada"),
        );
        check(
            "<meta property=article:author content=https://a.example/ada>",
            None,
        );
        check("<p>by nobody</p>", None);
    }
}
