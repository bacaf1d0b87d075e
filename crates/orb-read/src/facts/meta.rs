//! The `meta` elements of a page.
//!
//! In: a tree. Out: names and contents, in order.
//! May touch: attributes. Must not touch: what they mean.
//! Invariant: at most [`METAS_MAX`], each bounded.

use crate::limits::{METAS_MAX, PROPERTY_BYTES_MAX};
use crate::tag::Tag;
use crate::tree::{Tree, cut};

/// Names (lower-case) and contents.
#[derive(Debug, Default)]
pub(crate) struct Metas(Vec<(String, String)>);

impl Metas {
    pub(crate) fn of(tree: &Tree<'_>) -> Metas {
        let all = tree
            .ids()
            .filter(|id| tree.tag(*id) == Some(Tag::Meta))
            .filter_map(|id| {
                let [name, property, equiv, itemprop, content] = tree.attributes(
                    id,
                    ["name", "property", "http-equiv", "itemprop", "content"],
                );
                let name = property.or(name).or(equiv).or(itemprop)?;
                let mut content = content?.into_owned();
                cut(&mut content, PROPERTY_BYTES_MAX);
                let content = content.trim().to_owned();
                (!content.is_empty() && name.len() < 256)
                    .then(|| (name.trim().to_ascii_lowercase(), content))
            });
        Metas(all.take(METAS_MAX).collect())
    }

    /// The first content of the first name that has one.
    pub(crate) fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|wanted| {
            self.0
                .iter()
                .find(|(name, _)| name == wanted)
                .map(|(_, content)| content.as_str())
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_str()))
    }
}
