//! Which seeds a crawl was given, as its archive tells it: `state/crawl.json`, and each file's warcinfo record.
//!
//! In: seeds as they are taken in. Out: their number, a digest, the addresses themselves where they are few.
//! May touch: nothing. Invariant: memory does not grow with a list; a list that is given again is told once.
//!
//! The digest is SHA-1 of the canonical addresses in the order they were given, each with a line feed, so that whoever has
//! the list can compute it: `orb url explain` tells the canonical form.

use orb_url::Seed;
use orb_warc::{Digest, DigestOf};
use serde::{Deserialize, Serialize};

use crate::limits::{SEED_LISTS_MAX, SEEDS_NAMED_BYTES_MAX, SEEDS_NAMED_MAX};

/// One list of seeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedList {
    /// Number of seeds.
    pub count: u64,
    /// Digest of their canonical addresses, as archives write digests.
    pub digest: String,
    /// The addresses, if they are few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<String>,
}

/// A list that is being taken in.
#[derive(Default)]
pub(crate) struct SeedTally {
    count: u64,
    digest: DigestOf,
    named: Vec<String>,
    named_bytes: usize,
}

impl SeedTally {
    pub(crate) fn note(&mut self, seed: &Seed) {
        let url = seed.url.as_str();
        self.count += 1;
        self.digest.add(url.as_bytes());
        self.digest.add(b"\n");
        self.named_bytes += url.len();
        if self.count <= SEEDS_NAMED_MAX && self.named_bytes <= SEEDS_NAMED_BYTES_MAX {
            self.named.push(url.to_owned());
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The list, unless it was empty.
    pub(crate) fn list(self) -> Option<SeedList> {
        let whole = self.named.len() as u64 == self.count;
        (self.count > 0).then(|| SeedList {
            count: self.count,
            digest: Digest::to_string(&self.digest.finish()),
            named: if whole { self.named } else { Vec::new() },
        })
    }
}

/// Adds a list to those a folder was given; one that is there already is not told twice.
pub(crate) fn add(lists: &mut Vec<SeedList>, list: SeedList) -> bool {
    if lists.contains(&list) || lists.len() >= SEED_LISTS_MAX {
        return false;
    }
    lists.push(list);
    true
}

/// The fields of a warcinfo record: number and digest of each list, and its addresses where they are few.
pub(crate) fn info(lists: &[SeedList]) -> impl Iterator<Item = (String, String)> + '_ {
    lists.iter().flat_map(|list| {
        let field = |name: &str, value: String| (name.to_owned(), value);
        let told = [
            field("seeds-count", list.count.to_string()),
            field("seeds-digest", list.digest.clone()),
        ];
        let named = list.named.iter();
        told.into_iter()
            .chain(named.map(move |url| field("seed", url.clone())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(urls: &[String]) -> Option<SeedList> {
        let mut tally = SeedTally::default();
        for url in urls {
            tally.note(&orb_url::parse_seed_line(url).unwrap().unwrap());
        }
        tally.list()
    }

    #[test]
    fn a_short_list_is_named_and_a_long_one_is_counted() {
        let urls = |count: u64| -> Vec<String> {
            (0..count)
                .map(|at| format!("https://a.example/{at}"))
                .collect()
        };
        let few = list(&urls(2)).unwrap();
        let text = b"https://a.example/0\nhttps://a.example/1\n";
        assert_eq!(few.digest, Digest::sha1(text).to_string());
        let told: Vec<(String, String)> = info(std::slice::from_ref(&few)).collect();
        let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["seeds-count", "seeds-digest", "seed", "seed"]);
        assert_eq!(told[3].1, "https://a.example/1");
        let many = list(&urls(SEEDS_NAMED_MAX + 1)).unwrap();
        assert_eq!((many.count, many.named.len()), (SEEDS_NAMED_MAX + 1, 0));
        assert_eq!(list(&[]), None);
        let mut lists = Vec::new();
        assert!(add(&mut lists, few.clone()) && add(&mut lists, many) && !add(&mut lists, few));
    }

    /// Canonical addresses hold no line end, so that none can add a field; the writer of records escapes what others do.
    #[test]
    fn an_address_with_line_ends_adds_no_field() {
        let url = orb_url::CrawlUrl::parse("https://a.example/x\r\noperator: other").unwrap();
        let hostile = list(&[url.as_str().to_owned()]).unwrap();
        assert!(!hostile.named[0].contains(['\r', '\n']), "{hostile:?}");
    }
}
