//! Data that a page carries for machines.
//!
//! In: a tree. Out: JSON-LD as written, OpenGraph and its kin by name, microdata as JSON.
//! May touch: the readers of each form. Must not touch: what vocabularies mean.
//! Invariant: bounded by `limits`; addresses stay as written.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::hints::Hint;
use crate::limits::PROPERTIES_MAX;
use crate::measure::Measures;
use crate::tree::Tree;

use super::json_ld::LinkedData;
use super::meta::Metas;
use super::microdata;

/// Structured data, each form under its own name.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Structured {
    /// Each `application/ld+json` script, parsed.
    pub json_ld: Vec<Value>,
    /// Those that are no JSON, or too long or too deep.
    pub json_ld_broken: u32,
    /// `og:`, `article:`, `product:`, `twitter:` and the like: contents by name, in the order of the page.
    pub open_graph: BTreeMap<String, Vec<String>>,
    /// Top-level items.
    pub microdata: Vec<Value>,
}

/// Names of `meta` that belong to OpenGraph and its relatives.
const PREFIXES: &[&str] = &[
    "og:", "article:", "product:", "book:", "profile:", "video:", "music:", "twitter:", "fb:",
];

pub(crate) fn of(
    tree: &Tree<'_>,
    measures: &Measures,
    metas: &Metas,
    linked: LinkedData,
) -> Structured {
    let mut open_graph: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let wanted = metas
        .iter()
        .filter(|(name, _)| PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
    for (name, content) in wanted.take(PROPERTIES_MAX) {
        open_graph
            .entry(name.to_owned())
            .or_default()
            .push(content.to_owned());
    }
    Structured {
        json_ld: linked.pieces,
        json_ld_broken: linked.broken,
        open_graph,
        // Items without a single property say nothing; most pages have none at all.
        microdata: if tree.ids().any(|id| measures.has(id, Hint::Property)) {
            microdata::items(tree)
        } else {
            Vec::new()
        },
    }
}
