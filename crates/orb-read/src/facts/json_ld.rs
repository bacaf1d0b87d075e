//! JSON-LD: parsed, and searched for the few things everyone writes in it.
//!
//! In: `script type=application/ld+json`. Out: its values, and strings by path.
//! May touch: scripts of data. Must not touch: contexts; nothing is fetched or expanded.
//! Invariant: bytes, pieces and depth are bounded (the parser stops at 128 levels, the search at
//! [`ITEM_DEPTH_MAX`]); what does not parse is counted, not guessed.

use serde_json::Value;

use crate::limits::{ITEM_DEPTH_MAX, JSON_LD_BYTES_MAX, JSON_LD_PIECES_MAX};
use crate::tag::Tag;
use crate::tree::{Kind, Tree};

/// Types that describe the page rather than the site or the way to it.
const PAGE_TYPES: &[&str] = &[
    "Article",
    "NewsArticle",
    "BlogPosting",
    "TechArticle",
    "ScholarlyArticle",
    "Report",
    "AnalysisNewsArticle",
    "LiveBlogPosting",
    "DiscussionForumPosting",
    "QAPage",
    "Question",
    "Product",
    "Recipe",
    "HowTo",
    "VideoObject",
    "Book",
    "Event",
    "CreativeWork",
    "WebPage",
];

/// All JSON-LD of a page.
#[derive(Debug, Default)]
pub(crate) struct LinkedData {
    pub(crate) pieces: Vec<Value>,
    /// Pieces that are no JSON, or too deep or too long.
    pub(crate) broken: u32,
}

impl LinkedData {
    pub(crate) fn of(tree: &Tree<'_>) -> LinkedData {
        let mut found = LinkedData::default();
        let mut bytes_left = JSON_LD_BYTES_MAX;
        for id in tree.ids() {
            let is_data = tree.tag(id) == Some(Tag::Script)
                && tree.attribute(id, "type").is_some_and(|kind| {
                    let essence = kind.split(';').next().unwrap_or("").trim();
                    essence.eq_ignore_ascii_case("application/ld+json")
                });
            if !is_data {
                continue;
            }
            let mut text = String::new();
            for child in tree.children(id) {
                if let Kind::Text(run) = tree.kind(child)
                    && text.len() <= bytes_left
                {
                    text.push_str(&run.decode());
                }
            }
            let parsed = (text.len() <= bytes_left && found.pieces.len() < JSON_LD_PIECES_MAX)
                .then(|| serde_json::from_str(unwrapped(&text)));
            match parsed {
                Some(Ok(value)) => {
                    bytes_left -= text.len();
                    found.pieces.push(value);
                }
                _ => found.broken = found.broken.saturating_add(1),
            }
        }
        found
    }

    /// The string at `path` of the first description of the page that has one.
    pub(crate) fn text(&self, path: &[&str]) -> Option<String> {
        PAGE_TYPES.iter().find_map(|kind| {
            self.pieces
                .iter()
                .find_map(|piece| in_typed(piece, kind, path, 0))
        })
    }
}

/// Old pages hide data from old browsers with comment marks.
fn unwrapped(text: &str) -> &str {
    let text = text.trim();
    let text = text
        .strip_prefix("<!--")
        .or_else(|| text.strip_prefix("//<![CDATA["))
        .or_else(|| text.strip_prefix("<![CDATA["))
        .unwrap_or(text);
    let text = text.trim_end();
    let text = text
        .strip_suffix("-->")
        .or_else(|| text.strip_suffix("//]]>"))
        .or_else(|| text.strip_suffix("]]>"))
        .unwrap_or(text);
    text.trim().trim_end_matches(';')
}

fn in_typed(value: &Value, kind: &str, path: &[&str], depth: usize) -> Option<String> {
    if depth > ITEM_DEPTH_MAX {
        return None;
    }
    match value {
        Value::Array(values) => values
            .iter()
            .find_map(|value| in_typed(value, kind, path, depth + 1)),
        Value::Object(fields) => {
            let is_kind = fields.get("@type").is_some_and(|own| names(own, kind));
            let own = if is_kind { at(value, path) } else { None };
            own.or_else(|| {
                [
                    "@graph",
                    "mainEntity",
                    "mainEntityOfPage",
                    "itemListElement",
                ]
                .iter()
                .filter_map(|field| fields.get(*field))
                .find_map(|value| in_typed(value, kind, path, depth + 1))
            })
        }
        _ => None,
    }
}

fn names(own: &Value, kind: &str) -> bool {
    match own {
        Value::String(own) => own.rsplit(['/', ':', '#']).next() == Some(kind),
        Value::Array(all) => all.iter().any(|own| own.as_str() == Some(kind)),
        _ => false,
    }
}

/// Follows a path through objects; of several values all names, joined.
fn at(value: &Value, path: &[&str]) -> Option<String> {
    match (value, path) {
        (Value::Object(fields), [first, rest @ ..]) => at(fields.get(*first)?, rest),
        (Value::Array(values), path) => {
            let all: Vec<String> = values
                .iter()
                .take(8)
                .filter_map(|value| at(value, path))
                .collect();
            (!all.is_empty()).then(|| all.join(", "))
        }
        // An author may be a bare string where an object with a name could stand.
        (Value::String(text), [] | ["name"]) => (!text.trim().is_empty()).then(|| text.clone()),
        (Value::Object(fields), []) => fields
            .get("name")
            .or_else(|| fields.get("@value"))
            .and_then(|name| at(name, &[])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder;

    #[test]
    fn the_page_is_found_in_a_graph() {
        let html = r#"<script type="application/ld+json">{"@graph":[{"@type":"WebSite","name":"S"},
            {"@type":["NewsArticle"],"headline":"H","author":[{"name":"A"},"B"],"datePublished":"2024-05-06"}]}</script>"#;
        let linked = LinkedData::of(&builder::build(html));
        assert_eq!(linked.text(&["headline"]).as_deref(), Some("H"));
        assert_eq!(linked.text(&["author", "name"]).as_deref(), Some("A, B"));
        assert_eq!(linked.text(&["publisher", "name"]), None);
    }

    #[test]
    fn hostile_depth_is_counted_and_dropped() {
        let deep = format!(
            "<script type=application/ld+json>{}1{}</script>",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        let linked = LinkedData::of(&builder::build(&deep));
        assert_eq!((linked.pieces.len(), linked.broken), (0, 1));
    }
}
