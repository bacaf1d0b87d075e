//! Microdata as JSON.
//!
//! In: elements with `itemscope` and `itemprop`. Out: items as the HTML Standard (5.5) writes them: `type`, `id`,
//! `properties`.
//! May touch: attributes and text. Must not touch: vocabularies. `itemref` is not followed.
//! Invariant: at most [`PROPERTIES_MAX`] values, items inside items to [`ITEM_DEPTH_MAX`].

use serde_json::{Map, Value};

use crate::limits::{ITEM_DEPTH_MAX, PROPERTIES_MAX, PROPERTY_BYTES_MAX};
use crate::tag::Tag;
use crate::tree::{NodeId, Tree, cut};

/// The top-level items of a page.
pub(crate) fn items(tree: &Tree<'_>) -> Vec<Value> {
    let mut reader = Reader {
        tree,
        values_left: PROPERTIES_MAX,
    };
    let mut items = Vec::new();
    let mut inside = 0;
    for id in tree.ids() {
        if id < inside || tree.tag(id).is_none() || tree.attribute(id, "itemscope").is_none() {
            continue;
        }
        inside = tree.end(id);
        if reader.values_left > 0 {
            items.push(reader.item(id, 0));
        }
    }
    items
}

struct Reader<'t, 'a> {
    tree: &'t Tree<'a>,
    values_left: usize,
}

impl Reader<'_, '_> {
    fn item(&mut self, id: NodeId, depth: usize) -> Value {
        let [kind, own_id] = self.tree.attributes(id, ["itemtype", "itemid"]);
        let mut item = Map::new();
        if let Some(kind) = kind {
            let kinds: Vec<Value> = kind
                .split_ascii_whitespace()
                .take(8)
                .map(|kind| Value::from(short(kind.to_owned())))
                .collect();
            item.insert("type".to_owned(), Value::from(kinds));
        }
        if let Some(own_id) = own_id {
            item.insert(
                "id".to_owned(),
                Value::from(short(own_id.trim().to_owned())),
            );
        }
        let mut properties = Map::new();
        if depth < ITEM_DEPTH_MAX {
            self.properties(id, depth, &mut properties);
        }
        item.insert("properties".to_owned(), Value::Object(properties));
        Value::Object(item)
    }

    fn properties(&mut self, item: NodeId, depth: usize, properties: &mut Map<String, Value>) {
        let mut inside = 0;
        for id in item + 1..self.tree.end(item) {
            if id < inside || self.tree.tag(id).is_none() {
                continue;
            }
            let [names, scope] = self.tree.attributes(id, ["itemprop", "itemscope"]);
            if scope.is_some() {
                inside = self.tree.end(id);
            }
            let Some(names) = names else { continue };
            if self.values_left == 0 {
                return;
            }
            let value = if scope.is_some() {
                self.item(id, depth + 1)
            } else {
                Value::from(self.value(id))
            };
            for name in names.split_ascii_whitespace().take(4) {
                self.values_left = self.values_left.saturating_sub(1);
                let values = properties
                    .entry(short(name.to_owned()))
                    .or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(values) = values {
                    values.push(value.clone());
                }
            }
        }
    }

    /// HTML Standard, 5.2.4.
    fn value(&self, id: NodeId) -> String {
        let attribute = match self.tree.tag(id) {
            Some(Tag::Meta) => Some("content"),
            Some(
                Tag::Audio
                | Tag::Embed
                | Tag::Iframe
                | Tag::Img
                | Tag::Source
                | Tag::Track
                | Tag::Video,
            ) => Some("src"),
            Some(Tag::A | Tag::Area | Tag::Link) => Some("href"),
            Some(Tag::Object) => Some("data"),
            Some(Tag::Time) => Some("datetime"),
            // Of the others `content` is not the standard's, but everyone writes it.
            _ => Some("content"),
        };
        attribute
            .and_then(|name| self.tree.attribute(id, name))
            .map_or_else(
                || self.tree.text(id, PROPERTY_BYTES_MAX),
                |value| short(value.trim().to_owned()),
            )
    }
}

fn short(mut text: String) -> String {
    cut(&mut text, PROPERTY_BYTES_MAX);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder;

    #[test]
    fn items_hold_items() {
        let html = "<div itemscope itemtype=https://schema.org/Product><b itemprop=name>Tea pot</b>\
                    <div itemprop=offers itemscope><meta itemprop=price content=12.50>\
                    <a itemprop='url x' href=/t>t</a></div></div>";
        let found = items(&builder::build(html));
        let expected = serde_json::json!([{
            "type": ["https://schema.org/Product"],
            "properties": {
                "name": ["Tea pot"],
                "offers": [{"properties": {"price": ["12.50"], "url": ["/t"], "x": ["/t"]}}],
            },
        }]);
        assert_eq!(Value::from(found), expected);
    }

    #[test]
    fn items_nested_without_end_stop() {
        let deep = "<div itemscope itemprop=x>".repeat(5_000);
        let found = serde_json::to_string(&items(&builder::build(&deep))).unwrap();
        assert!(found.len() < 2_000, "{}", found.len());
    }
}
