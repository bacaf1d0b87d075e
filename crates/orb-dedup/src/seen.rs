//! Pages that were seen, by what they say: has a page like this one been met on its site, or anywhere?
//!
//! In: signatures with their page and site. Out: the page most alike, of the same site and of others.
//! May touch: `signature`. Must not touch: files, URLs' meaning.
//! Invariant: memory is fixed when it is made; the oldest pages are forgotten for the newest; work for one page is bounded
//! by [`limits`](crate::limits), whatever others say.

use crate::limits::{BANDS, COMPARED_MAX};
use crate::signature::Signature;

/// A page like the one asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alike {
    /// Its number, as it was noted.
    pub page: u64,
    /// Bits of 64 in which the two differ; 0 for texts that say the same.
    pub distance: u32,
}

/// What is known of pages like one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// One of the same site.
    pub on_site: Option<Alike>,
    /// One of another site.
    pub elsewhere: Option<Alike>,
}

impl Seen {
    /// The most alike of both.
    #[must_use]
    pub fn anywhere(&self) -> Option<Alike> {
        let both = self.on_site.into_iter().chain(self.elsewhere);
        both.min_by_key(|alike| alike.distance)
    }
}

#[derive(Clone, Debug)]
struct Entry {
    signature: Signature,
    site: u32,
    page: u64,
    /// The page noted before under the same place of each band's table; pages are counted from 1.
    before: [u32; BANDS],
}

/// Bytes of the index for each page it holds: its entry, and a place in the table of each band. Tables have at least half
/// as many places as there are pages, and at most as many.
const BYTES_PER_PAGE: usize = size_of::<Entry>() + BANDS * size_of::<u32>();

/// The index: a ring of entries, and for each band a table of the newest page under each place.
#[derive(Clone, Debug)]
pub(crate) struct SeenPages {
    entries: Vec<Entry>,
    entries_max: usize,
    heads: Vec<u32>,
    /// Places of one band's table, a power of two.
    places: usize,
    /// Pages noted so far: the number of the newest.
    noted: u32,
}

impl SeenPages {
    pub(crate) fn new(bytes_max: usize) -> SeenPages {
        let entries_max = (bytes_max / BYTES_PER_PAGE).max(1);
        let places = entries_max.div_ceil(2).next_power_of_two();
        SeenPages {
            entries: Vec::with_capacity(entries_max),
            entries_max,
            heads: vec![0; places * BANDS],
            places,
            noted: 0,
        }
    }

    /// Pages held.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of memory, when it is full.
    pub(crate) fn bytes_max(&self) -> usize {
        self.entries_max * size_of::<Entry>() + self.heads.len() * size_of::<u32>()
    }

    fn place(&self, band: usize, key: u32) -> usize {
        band * self.places + key as usize % self.places
    }

    /// The page of that number, if it has not been forgotten.
    fn entry(&self, number: u32) -> Option<&Entry> {
        let age = self.noted.checked_sub(number)? as usize;
        if number == 0 || age >= self.entries_max {
            return None;
        }
        self.entries.get((number as usize - 1) % self.entries_max)
    }

    /// Pages like this one. Cost: at most [`BANDS`] times [`COMPARED_MAX`] comparisons, mostly a handful.
    pub(crate) fn look(&self, site: u32, signature: &Signature) -> Seen {
        let mut seen = Seen::default();
        for (band, &key) in signature
            .bands
            .iter()
            .enumerate()
            .filter(|(_, key)| **key != 0)
        {
            let mut number = self.heads[self.place(band, key)];
            for _ in 0..COMPARED_MAX {
                let Some(entry) = self.entry(number) else {
                    break;
                };
                if let Some(distance) = signature.distance(&entry.signature) {
                    let best = match entry.site == site {
                        true => &mut seen.on_site,
                        false => &mut seen.elsewhere,
                    };
                    if best.is_none_or(|best| distance < best.distance) {
                        *best = Some(Alike {
                            page: entry.page,
                            distance,
                        });
                    }
                }
                // Chains go from newer to older pages, so they end; a place taken anew ends one early.
                number = entry.before[band].min(number - 1);
            }
        }
        seen
    }

    pub(crate) fn note(&mut self, page: u64, site: u32, signature: Signature) {
        if self.noted == u32::MAX {
            // After four billion pages the numbers begin again, and so does the memory.
            self.entries.clear();
            self.heads.fill(0);
            self.noted = 0;
        }
        self.noted += 1;
        let mut before = [0; BANDS];
        for (band, &key) in signature
            .bands
            .iter()
            .enumerate()
            .filter(|(_, key)| **key != 0)
        {
            let place = self.place(band, key);
            before[band] = std::mem::replace(&mut self.heads[place], self.noted);
        }
        let entry = Entry {
            signature,
            site,
            page,
            before,
        };
        let at = (self.noted as usize - 1) % self.entries_max;
        match self.entries.get_mut(at) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(number: u32) -> Signature {
        Signature::of((0..100).map(|mark| number.wrapping_mul(1_000) + mark), 7)
    }

    #[test]
    fn a_page_is_found_on_its_site_and_elsewhere() {
        let mut pages = SeenPages::new(100 * BYTES_PER_PAGE);
        assert_eq!(pages.look(1, &signature(5)), Seen::default());
        pages.note(50, 1, signature(5));
        pages.note(60, 2, signature(5));
        pages.note(70, 1, signature(6));
        let seen = pages.look(1, &signature(5));
        assert_eq!(
            seen.on_site,
            Some(Alike {
                page: 50,
                distance: 0
            })
        );
        assert_eq!(
            seen.elsewhere,
            Some(Alike {
                page: 60,
                distance: 0
            })
        );
        assert_eq!(
            pages.look(3, &signature(6)).anywhere(),
            Some(Alike {
                page: 70,
                distance: 0
            })
        );
    }

    /// The oldest go for the newest, and nothing of them is found under what stands in their place.
    #[test]
    fn memory_is_bounded_and_the_newest_are_kept() {
        let mut pages = SeenPages::new(100 * BYTES_PER_PAGE);
        let full = pages.bytes_max();
        assert!(full <= 100 * BYTES_PER_PAGE + BANDS * 32, "{full}");
        for number in 0..1_000 {
            pages.note(u64::from(number), 1, signature(number));
            assert!(pages.len() <= 100);
        }
        for number in 0..1_000 {
            let found = pages
                .look(1, &signature(number))
                .on_site
                .map(|alike| alike.page);
            assert_eq!(
                found,
                (number >= 900).then_some(u64::from(number)),
                "{number}"
            );
        }
        assert_eq!(pages.bytes_max(), full);
    }

    /// What the bounds' documentation says, and that it is kept.
    #[test]
    fn sixty_four_mebibytes_hold_half_a_million_pages() {
        let pages = SeenPages::new(64 << 20);
        assert_eq!(pages.entries_max, 524_288);
        assert!(pages.bytes_max() <= 64 << 20);
        assert_eq!(pages.entries.capacity(), pages.entries_max);
    }

    /// C9: a farm of copies costs no more than its bound to look through.
    #[test]
    fn c9_copies_without_number_are_not_all_compared() {
        let mut pages = SeenPages::new(100_000 * BYTES_PER_PAGE);
        for number in 0..100_000 {
            pages.note(number, 1, signature(9));
        }
        let seen = pages.look(2, &signature(9));
        assert!(
            seen.elsewhere
                .is_some_and(|alike| alike.page >= 100_000 - COMPARED_MAX as u64)
        );
    }
}
