//! JSON documents, and addresses in any text.
//!
//! In: text. Out: a reading: strings as text, addresses as links, the whole as a listing.
//! May touch: nothing else. Must not touch: what fields mean, JSON Feed excepted.
//! Invariant: the parser stops at 128 levels; what does not parse is read as plain text.

use serde_json::Value;
use url::Url;

use crate::document::Block;
use crate::facts::language_of_text;
use crate::feed::{self, Entry, Feed};
use crate::limits::{JSON_STRINGS_MAX, LINKS_MAX, URL_BYTES_MAX};
use crate::reading::{FoundLink, Reading, bounded_links, of_blocks};

/// Bytes of a document that is parsed; a parsed one takes about ten times as much.
const PARSED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Reads a JSON document.
pub(crate) fn read(text: &str, page: Option<&Url>) -> Reading {
    let parsed = (text.len() <= PARSED_BYTES_MAX)
        .then(|| serde_json::from_str::<Value>(text).ok())
        .flatten();
    let is_feed = |value: &Value| {
        value["version"]
            .as_str()
            .is_some_and(|version| version.contains("jsonfeed.org/version"))
    };
    if let Some(value) = parsed.as_ref().filter(|value| is_feed(value)) {
        return feed::reading(&json_feed(value), page);
    }
    let listing = parsed
        .as_ref()
        .and_then(|value| serde_json::to_string_pretty(value).ok())
        .unwrap_or_else(|| text.trim().to_owned());
    let mut reading = of_blocks(&[Block::Code {
        language: Some("json".to_owned()),
        text: listing,
    }]);
    if let Some(value) = &parsed {
        let strings = strings(value);
        reading.text = strings.join("\n");
        reading.title = ["title", "name", "headline"]
            .iter()
            .find_map(|field| value[field].as_str())
            .map(str::to_owned);
    }
    reading.links = addresses_in(text);
    reading.facts.links = reading.links.len() as u64;
    reading.facts.language = language_of_text(&reading.text, None);
    reading
}

/// Every string value, in order, without recursion.
fn strings(value: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) if found.len() < JSON_STRINGS_MAX => found.push(text.as_str()),
            Value::Array(values) => open.extend(values.iter().rev()),
            Value::Object(fields) => open.extend(fields.values().rev()),
            _ => {}
        }
    }
    found
}

/// JSON Feed 1.1.
fn json_feed(value: &Value) -> Feed {
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or("").to_owned();
    let author = |value: &Value| {
        let author = value["authors"].get(0).unwrap_or(&value["author"]);
        author["name"].as_str().unwrap_or("").to_owned()
    };
    let entries = value["items"].as_array().map_or(&[][..], Vec::as_slice);
    Feed {
        title: text(value, "title"),
        about: text(value, "description"),
        link: text(value, "home_page_url"),
        language: text(value, "language"),
        entries: entries
            .iter()
            .take(crate::limits::FEED_ENTRIES_MAX)
            .map(|item| Entry {
                title: text(item, "title"),
                link: text(item, "url"),
                date: text(item, "date_published"),
                author: author(item),
                summary: text(item, "summary"),
                content: match item["content_html"].as_str() {
                    Some(html) => html.to_owned(),
                    None => feed::escaped(&text(item, "content_text")),
                },
            })
            .collect(),
    }
}

/// Addresses that stand in a text, without the punctuation behind them. Each once.
pub(crate) fn addresses_in(text: &str) -> Vec<FoundLink> {
    let mut seen = rustc_hash::FxHashSet::default();
    let mut links = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("http") {
        rest = &rest[at..];
        let is_address = rest.starts_with("http://") || rest.starts_with("https://");
        if !is_address || links.len() >= LINKS_MAX {
            rest = &rest["http".len()..];
            continue;
        }
        let end = rest
            .find(|letter: char| {
                letter.is_whitespace() || letter.is_control() || "<>\"`{}|\\^".contains(letter)
            })
            .unwrap_or(rest.len());
        let mut address = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*']);
        if address.ends_with(')') && !address.contains('(') {
            address = address.trim_end_matches(')');
        }
        rest = &rest[end.max(1)..];
        if address.len() <= URL_BYTES_MAX
            && let Ok(url) = Url::parse(address)
            && url.has_host()
            && seen.insert(url.as_str().to_owned())
        {
            links.push(FoundLink {
                url: url.into(),
                text: String::new(),
            });
        }
    }
    bounded_links(links)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_text_and_addresses_links() {
        let reading = read(
            r#"{"title":"Pots","items":[{"name":"Red pot","url":"https://a.example/1"},3,null]}"#,
            None,
        );
        assert_eq!(reading.title.as_deref(), Some("Pots"));
        assert!(reading.text.contains("Red pot") && reading.markdown.starts_with("```json\n"));
        assert_eq!(reading.links[0].url, "https://a.example/1");
    }

    #[test]
    fn what_does_not_parse_is_shown_as_it_is() {
        let reading = read("{\"a\": https://a.example/x, ", None);
        assert!(reading.markdown.contains("https://a.example/x"));
        assert_eq!(reading.links[0].url, "https://a.example/x");
        assert!(!read(&"[".repeat(100_000), None).markdown.is_empty());
    }

    #[test]
    fn addresses_end_before_punctuation() {
        let found = addresses_in(
            "see (https://a.example/x). And https://b.example/y_(z), http:// and https://a.example/x",
        );
        let urls: Vec<&str> = found.iter().map(|link| link.url.as_str()).collect();
        assert_eq!(urls, ["https://a.example/x", "https://b.example/y_(z)"]);
    }
}
