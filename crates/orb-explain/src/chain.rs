//! The way from a URL back to the seed it comes from.
//!
//! In: facts of one URL after the other. Out: the steps, and how the way ends.
//! May touch: the source of facts. Must not touch: rows, archive.
//! Invariant: bounded; a page that leads back to itself ends the way.

use std::collections::BTreeSet;

use orb_api::{FoundFacts, UrlFacts};
use orb_url::CrawlUrl;
use serde::Serialize;

use crate::limits::CHAIN_STEPS_MAX;
use crate::source::{ExplainError, FactSource};

/// One step of the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What was found.
    pub url: String,
    /// `seed`, `link`, `redirect`, …
    pub how: String,
    /// Links from its seed.
    pub depth: u16,
    /// Redirects in a row that led here.
    pub hops: u8,
    /// Rank in the seeds list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<u32>,
    /// Whether the seed was a bare domain.
    pub bare_domain: bool,
}

/// How the way ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainEnd {
    /// At a seed.
    Seed,
    /// At a sitemap that its site's robots.txt names.
    Robots,
    /// Nothing is known of how the last URL was found.
    Unknown,
    /// The last URL is one that came before.
    Loop,
    /// More steps than are followed.
    TooLong,
}

/// The way from a URL to its seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Discovery {
    /// The URL itself, the page it was found on, the page that was found on, …
    pub steps: Vec<Step>,
    /// How it ends.
    pub end: ChainEnd,
}

/// How a URL was found, from its queue row or its fate.
pub(crate) fn found_of(facts: &UrlFacts) -> Option<&FoundFacts> {
    let queued = facts.queue.as_ref().map(|queue| &queue.found);
    queued.or_else(|| facts.fate.as_ref().map(|fate| &fate.found))
}

/// Follows `via` from `facts` to a seed.
pub(crate) fn follow(
    source: &mut dyn FactSource,
    facts: &UrlFacts,
) -> Result<Discovery, ExplainError> {
    let mut steps = Vec::new();
    let mut seen = BTreeSet::new();
    let mut current = facts.clone();
    let end = loop {
        if !seen.insert(current.url.clone()) {
            break ChainEnd::Loop;
        }
        let Some(found) = found_of(&current) else {
            break ChainEnd::Unknown;
        };
        steps.push(Step {
            url: current.url.clone(),
            how: found.how.clone(),
            depth: found.depth,
            hops: found.hops,
            rank: found.rank,
            bare_domain: found.bare_domain,
        });
        let Some(via) = found
            .via
            .as_deref()
            .and_then(|via| CrawlUrl::parse(via).ok())
        else {
            break if found.how == "seed" {
                ChainEnd::Seed
            } else {
                ChainEnd::Unknown
            };
        };
        if found.how == "sitemap_file" && via.path() == "/robots.txt" {
            break ChainEnd::Robots;
        }
        if steps.len() >= CHAIN_STEPS_MAX {
            break ChainEnd::TooLong;
        }
        current = source
            .url_facts(&via)
            .map_err(ExplainError::facts(via.as_str()))?;
        if current.url.is_empty() {
            current.url = via.as_str().to_owned();
        }
    };
    Ok(Discovery { steps, end })
}
