//! Headings that announce what is not the content.
//!
//! In: the text of a heading or of a short line. Out: whether furniture follows.
//! May touch: nothing. Must not touch: the tree.
//! Invariant: a phrase is compared whole or as a beginning, never found inside another; case and punctuation at the
//! ends do not matter.

/// Bytes of the longest heading that is looked at.
pub(crate) const LABEL_BYTES_MAX: usize = 64;

/// Headings that are furniture when they say exactly this.
const WHOLE: &[&str] = &[
    "about the author",
    "advertisement",
    "also read",
    "archives",
    "autres articles",
    "blogroll",
    "categories",
    "comments",
    "contents",
    "follow us",
    "in this article",
    "in this section",
    "inhalt",
    "inhaltsverzeichnis",
    "kategorien",
    "leave a comment",
    "leave a reply",
    "links",
    "menu",
    "meta",
    "most popular",
    "most read",
    "navigation",
    "newsletter",
    "on this page",
    "popular",
    "previous topic",
    "next topic",
    "quick links",
    "quick search",
    "read more",
    "recent comments",
    "recent posts",
    "recommended",
    "related",
    "search",
    "share",
    "share this",
    "sponsored",
    "subscribe",
    "table of contents",
    "tags",
    "this page",
    "trending",
    "verwandte artikel",
];

/// Headings that are furniture when they begin like this.
const BEGINNING: &[&str] = &[
    "articles similaires",
    "auch interessant",
    "customers also",
    "das könnte sie",
    "frequently bought",
    "latest news",
    "latest posts",
    "mehr zum thema",
    "more from",
    "more in ",
    "more stories",
    "people also",
    "read also",
    "read next",
    "recently viewed",
    "recommended for",
    "related articles",
    "related content",
    "related posts",
    "related products",
    "related questions",
    "related stories",
    "related topics",
    "share this",
    "sign up for",
    "similar articles",
    "similar products",
    "similar topics",
    "sur le même",
    "temas relacionados",
    "who is online",
    "you may also",
    "you might also",
];

/// Whether a heading announces links to elsewhere, sharing, or the site's own business.
pub(crate) fn announces_furniture(heading: &str) -> bool {
    if heading.len() > LABEL_BYTES_MAX {
        return false;
    }
    let lower = heading.to_lowercase();
    let phrase = lower.trim_matches(|letter: char| !letter.is_alphanumeric());
    WHOLE.contains(&phrase) || BEGINNING.iter().any(|start| phrase.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_compared_whole_or_as_a_beginning() {
        assert!(announces_furniture("Related Articles:"));
        assert!(announces_furniture("» Share"));
        assert!(announces_furniture("More from Jane Doe"));
        assert!(!announces_furniture("Share your disks"));
        assert!(!announces_furniture("How related articles are found"));
    }
}
