//! Clusters: pages that say of themselves that they are one page, and one page in several languages.
//!
//! In: each page's canonical link and alternates, as numbers. Out: clusters, each with the page that stands for it.
//! May touch: nothing. Must not touch: URLs, texts.
//! Invariant: the result does not depend on the order of the claims; every page is in one cluster; cycles end.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits::{ALTERNATES_MAX, CANONICAL_CHAIN_MAX};

/// What one page claims.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// The page.
    pub page: u64,
    /// The page that its canonical link names.
    pub canonical: Option<u64>,
    /// The pages that it names as the same in other languages, with the language as written (`de-AT`, `x-default`).
    pub alternates: Vec<(String, u64)>,
}

/// Pages that are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The page that stands for them: the one that canonical links lead to.
    pub representative: u64,
    /// All of them, ascending, the representative included.
    pub members: Vec<u64>,
    /// The same in other languages: language in lower case and the representative of that cluster, ascending. A language
    /// counts when both sides say so.
    pub languages: Vec<(String, u64)>,
}

/// Joins pages by what they claim.
///
/// - A canonical link to a page that claims nothing itself is followed; a chain of more than
///   [`CANONICAL_CHAIN_MAX`](crate::limits::CANONICAL_CHAIN_MAX) links ends where that many were followed.
/// - Pages that name each other in a circle are one cluster, and the smallest number stands for it.
/// - A language link counts when its target's cluster links back to the page's cluster.
/// - Cost: O(n log n) in claims and alternates.
#[must_use]
pub fn clusters(claims: &[Claims]) -> Vec<Cluster> {
    let canonical: BTreeMap<u64, u64> = claims
        .iter()
        .filter_map(|claim| Some((claim.page, claim.canonical.filter(|&to| to != claim.page)?)))
        .collect();
    let mut members: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for claim in claims {
        let representative = follow(claim.page, &canonical);
        let of_it = members
            .entry(representative)
            .or_insert_with(|| BTreeSet::from([representative]));
        of_it.insert(claim.page);
    }
    let mut named: BTreeSet<(u64, u64, String)> = BTreeSet::new();
    for claim in claims {
        let from = follow(claim.page, &canonical);
        for (language, page) in claim.alternates.iter().take(ALTERNATES_MAX) {
            named.insert((
                from,
                follow(*page, &canonical),
                language.to_ascii_lowercase(),
            ));
        }
    }
    let links_back = |from: u64, to: u64| {
        let back = (to, from, String::new())..;
        named
            .range(back)
            .next()
            .is_some_and(|(a, b, _)| (*a, *b) == (to, from))
    };
    members
        .iter()
        .map(|(&representative, members)| {
            let all = (representative, 0, String::new())..;
            let own = named
                .range(all)
                .take_while(|(from, ..)| *from == representative);
            let both = own.filter(|(from, to, _)| links_back(*from, *to));
            let mut languages: Vec<(String, u64)> = both
                .map(|(_, to, language)| (language.clone(), *to))
                .collect();
            languages.sort();
            Cluster {
                representative,
                members: members.iter().copied().collect(),
                languages,
            }
        })
        .collect()
}

/// Where the canonical links from a page lead.
fn follow(page: u64, canonical: &BTreeMap<u64, u64>) -> u64 {
    let mut way = vec![page];
    while let Some(&next) = canonical.get(way.last().unwrap_or(&page)) {
        if let Some(circle) = way.iter().position(|&before| before == next) {
            return way[circle..].iter().copied().min().unwrap_or(next);
        }
        way.push(next);
        if way.len() > CANONICAL_CHAIN_MAX {
            break;
        }
    }
    way.last().copied().unwrap_or(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(page: u64, canonical: u64, alternates: &[(&str, u64)]) -> Claims {
        Claims {
            page,
            canonical: (canonical != 0).then_some(canonical),
            alternates: alternates
                .iter()
                .map(|(language, page)| ((*language).to_owned(), *page))
                .collect(),
        }
    }

    fn shape(claims: &[Claims]) -> Vec<(u64, Vec<u64>)> {
        clusters(claims)
            .into_iter()
            .map(|cluster| (cluster.representative, cluster.members))
            .collect()
    }

    #[test]
    fn canonical_links_make_clusters() {
        let claims = [
            claim(1, 0, &[]),
            claim(2, 1, &[]),
            claim(3, 2, &[]),
            claim(4, 9, &[]),
            claim(5, 5, &[]),
        ];
        let expected = vec![(1, vec![1, 2, 3]), (5, vec![5]), (9, vec![4, 9])];
        assert_eq!(shape(&claims), expected);
        let mut turned = claims.to_vec();
        turned.reverse();
        assert_eq!(shape(&turned), expected);
    }

    #[test]
    fn circles_and_long_chains_end() {
        let circle = [
            claim(7, 8, &[]),
            claim(8, 9, &[]),
            claim(9, 7, &[]),
            claim(10, 8, &[]),
        ];
        assert_eq!(shape(&circle), vec![(7, vec![7, 8, 9, 10])]);
        let chain: Vec<Claims> = (1..100).map(|page| claim(page, page + 1, &[])).collect();
        let found = shape(&chain);
        let all: usize = found.iter().map(|(_, members)| members.len()).sum();
        assert!(all >= 99 && found.len() > 10);
    }

    #[test]
    fn languages_count_when_both_sides_say_so() {
        let claims = [
            claim(1, 0, &[("en", 1), ("DE", 2), ("fr", 3)]),
            claim(2, 0, &[("en", 1), ("de", 2)]),
            claim(3, 0, &[]),
            // A copy of the German page links back as well.
            claim(4, 2, &[("en", 1)]),
        ];
        let found = clusters(&claims);
        let languages = |at: usize| -> Vec<(&str, u64)> {
            found[at]
                .languages
                .iter()
                .map(|(language, page)| (language.as_str(), *page))
                .collect()
        };
        assert_eq!(languages(0), [("de", 2), ("en", 1)]);
        assert_eq!(languages(1), [("de", 2), ("en", 1)]);
        assert!(languages(2).is_empty());
        assert_eq!(found[1].members, [2, 4]);
    }
}
