//! Pages with the same text: which page of a slot said it first?
//!
//! In: digests of texts as they are captured, with site and URL. Out: an earlier page with the same one.
//! May touch: memory. Must not touch: the archive, rows.
//! Invariant: memory is bounded by its share and [`SAME_TEXT_BYTES_MAX`]; the oldest are forgotten for the newest. It begins empty
//! whenever its slot is opened: what it tells is a hint, on which nothing that is durable rests.

use std::collections::{BTreeMap, VecDeque};

use orb_api::SameText;
use orb_warc::Digest;

use crate::limits::SAME_TEXT_BYTES_MAX;

/// Bytes of an entry beside its URL: key and place in the map, key in the queue.
const ENTRY_BYTES: usize = 80;

/// A text and the site it was captured of. Ordered, not hashed: sites choose their texts.
type Key = (u64, u64);

/// See the module.
#[derive(Debug)]
pub(crate) struct SameTexts {
    bytes_max: usize,
    first: BTreeMap<Key, Box<str>>,
    /// Keys in the order in which they came.
    order: VecDeque<Key>,
    bytes: usize,
}

impl SameTexts {
    /// - `memory`: of all slots together.
    pub(crate) fn within(memory: u64, slots: u8) -> SameTexts {
        let share = memory / u64::from(slots.max(1));
        SameTexts {
            bytes_max: usize::try_from(share)
                .map_or(SAME_TEXT_BYTES_MAX, |share| share.min(SAME_TEXT_BYTES_MAX)),
            first: BTreeMap::new(),
            order: VecDeque::new(),
            bytes: 0,
        }
    }

    /// An earlier page with this text, of the same site if there is one; the page is remembered where it is the first
    /// of its site.
    ///
    /// - `digest`: of the text, as [`TextFacts`](orb_api::TextFacts) has it.
    /// - Cost: two digests of short texts and a look into a map: about a microsecond.
    pub(crate) fn note(&mut self, digest: &str, site: &str, url: &str) -> Option<SameText> {
        let key = (short(digest), short(site));
        if let Some(own) = self.first.get(&key) {
            return told(own, url, true);
        }
        let texts = self.first.range((key.0, 0)..=(key.0, u64::MAX));
        let elsewhere = texts.map(|(_, first)| first).next();
        let same = elsewhere.and_then(|first| told(first, url, false));
        self.bytes += ENTRY_BYTES + url.len();
        self.first.insert(key, url.into());
        self.order.push_back(key);
        while self.bytes > self.bytes_max {
            let oldest = self
                .order
                .pop_front()
                .and_then(|key| self.first.remove(&key));
            self.bytes -= ENTRY_BYTES + oldest.map_or(0, |url| url.len());
        }
        same
    }
}

/// A page that is captured again is no copy of itself.
fn told(first: &str, url: &str, same_site: bool) -> Option<SameText> {
    (first != url).then(|| SameText {
        url: first.to_owned(),
        same_site,
    })
}

/// Enough of a digest to tell some ten thousand texts apart, whoever wrote them.
fn short(text: &str) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = Digest::sha1(text.as_bytes()).to_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &mut SameTexts, page: [&str; 3], expected: Option<(&str, bool)>) {
        let [digest, site, url] = page;
        let found = texts.note(digest, site, url);
        let found = found.as_ref().map(|same| (&*same.url, same.same_site));
        assert_eq!(found, expected, "{page:?}");
    }

    #[test]
    fn the_first_page_with_a_text_is_named_of_the_same_site_before_others() {
        let mut texts = SameTexts::within(u64::MAX, 4);
        check(&mut texts, ["t", "a", "a/1"], None);
        check(&mut texts, ["u", "a", "a/2"], None);
        check(&mut texts, ["t", "a", "a/3"], Some(("a/1", true)));
        check(&mut texts, ["t", "b", "b/1"], Some(("a/1", false)));
        check(&mut texts, ["t", "b", "b/2"], Some(("b/1", true)));
        // Captured again: not its own copy.
        check(&mut texts, ["t", "a", "a/1"], None);
    }

    #[test]
    fn memory_is_bounded_and_the_newest_are_kept() {
        let mut texts = SameTexts::within(u64::MAX, 4);
        let url = |number: usize| format!("{number:0>920}");
        let count = 2 * SAME_TEXT_BYTES_MAX / 1_000;
        for number in 0..count {
            assert_eq!(texts.note(&number.to_string(), "a", &url(number)), None);
            assert!(texts.bytes <= SAME_TEXT_BYTES_MAX);
            assert_eq!(texts.first.len(), texts.order.len());
        }
        let newest = (count - 1).to_string();
        check(
            &mut texts,
            [&newest, "a", "x"],
            Some((&url(count - 1), true)),
        );
        check(&mut texts, ["0", "a", "x"], None);
    }
}
