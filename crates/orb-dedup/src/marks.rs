//! Marks of a text: hashes of its word triples, the smallest ones.
//!
//! In: visible text, one line per block, and the page's address. Out: [`TextMarks`].
//! May touch: `words`, `simhash`. Must not touch: other texts.
//! Invariant: allocates nothing; work is linear and ends at [`TEXT_BYTES_MAX`].

use crate::Echoes;
use crate::limits::PROSE_LINE_BYTES_MIN;
use crate::simhash::Simhash;
use crate::words::{BLANK, Words, mix};

/// Marks of a text at most. The smallest are kept, so two texts keep the same ones of what they share.
pub const MARKS_MAX: usize = 256;

/// Text that is read: a novel says what it is in its first chapter.
pub const TEXT_BYTES_MAX: usize = 16 << 10;

/// Marks gathered before all but the smallest are dropped.
const ROOM: usize = 2 * MARKS_MAX;

/// What a text has in common with others. 1.1 KB.
#[derive(Clone, Debug)]
pub struct TextMarks {
    all: MarkList,
    simhash: u64,
}

/// What a text says, whatever its address: what copies are known by. 2 KB.
#[derive(Clone, Debug)]
pub struct ContentMarks {
    /// Of long lines, and of the others.
    prose: MarkList,
    frame: MarkList,
    digest: u64,
}

/// The smallest marks of something, ascending and distinct.
#[derive(Clone, Debug)]
struct MarkList {
    marks: [u32; MARKS_MAX],
    len: usize,
}

impl MarkList {
    fn get(&self) -> &[u32] {
        &self.marks[..self.len]
    }
}

impl TextMarks {
    /// Reads a text, given in parts.
    ///
    /// - `texts`: one line per block; a mark never spans two, so blocks may move.
    /// - `address`: the page's own, whose words say nothing new.
    /// - Marks: a hash of each three words in a row, of a shorter line as a whole; numbers, single letters and words of
    ///   the address are all the same, equal words in a row count once, so a calendar's thirty-one days are one word, and a
    ///   line of nothing else has no mark.
    /// - Cost: about 4 ns a byte; allocates nothing.
    #[must_use]
    pub fn of(texts: &[&str], address: &str) -> TextMarks {
        let echoes = Echoes::of(address);
        let mut all = Smallest::new();
        for line in lines(texts) {
            let mut triples = Triples::default();
            for word in Words::new(line) {
                let shown = if echoes.has(word) { BLANK } else { word };
                triples.push(shown, &mut all);
            }
            triples.end(&mut all);
        }
        let all = all.finish();
        let mut simhash = Simhash::default();
        for &mark in all.get() {
            simhash.add(mix(u64::from(mark)));
        }
        TextMarks {
            all,
            simhash: simhash.finish(),
        }
    }

    /// The marks, ascending and distinct.
    #[must_use]
    pub fn marks(&self) -> &[u32] {
        self.all.get()
    }

    /// Sixty-four bits, made of the marks, that differ in few places where texts differ a little.
    #[must_use]
    pub fn simhash(&self) -> u64 {
        self.simhash
    }
}

impl ContentMarks {
    /// Reads a text as [`TextMarks::of`] does, but for the address: a copy has another one.
    #[must_use]
    pub fn of(texts: &[&str]) -> ContentMarks {
        let (mut prose, mut frame, mut digest) = (Smallest::new(), Smallest::new(), 0_u64);
        for line in lines(texts) {
            let part = match line.len() >= PROSE_LINE_BYTES_MIN {
                true => &mut prose,
                false => &mut frame,
            };
            let mut triples = Triples::default();
            for word in Words::new(line) {
                triples.push(word, part);
                digest = (digest.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            }
            triples.end(part);
        }
        ContentMarks {
            prose: prose.finish(),
            frame: frame.finish(),
            digest: mix(digest),
        }
    }

    /// Digest of the words in their order: equal for texts that differ in case, white space, punctuation and numbers only.
    /// It tells copies apart, it proves nothing against who wants two texts to have one.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// Marks of the long lines, ascending and distinct: what a page says in sentences.
    #[must_use]
    pub fn prose(&self) -> &[u32] {
        self.prose.get()
    }

    /// Marks of the short lines, likewise: menus, headings, dates, most ads, and what a page says in few words.
    #[must_use]
    pub fn frame(&self) -> &[u32] {
        self.frame.get()
    }
}

/// The lines of the text that is read.
fn lines<'a>(texts: &'a [&str]) -> impl Iterator<Item = &'a [u8]> {
    let mut room = TEXT_BYTES_MAX;
    texts.iter().flat_map(move |text| {
        let bytes = &text.as_bytes()[..text.len().min(room)];
        room -= bytes.len();
        bytes.split(|&byte| byte == b'\n')
    })
}

/// Makes marks of a line's words.
#[derive(Default)]
struct Triples {
    first: u64,
    second: u64,
    count: u32,
    said: bool,
}

impl Triples {
    fn push(&mut self, word: u64, into: &mut Smallest) {
        if word == self.second {
            return;
        }
        self.count += 1;
        self.said |= word != BLANK;
        if self.count >= 3 && [self.first, self.second, word] != [BLANK; 3] {
            into.add((triple(self.first, self.second, word) >> 32) as u32);
        }
        (self.first, self.second) = (self.second, word);
    }

    fn end(self, into: &mut Smallest) {
        if self.said && self.count < 3 {
            into.add((triple(self.first, self.second, 0) >> 32) as u32);
        }
    }
}

fn triple(first: u64, second: u64, third: u64) -> u64 {
    let sum = first
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(23)
        .wrapping_add(second)
        .wrapping_mul(0xc2b2_ae3d_27d4_eb4f)
        .rotate_left(29)
        .wrapping_add(third);
    mix(sum)
}

/// Keeps the smallest distinct numbers.
struct Smallest {
    held: [u32; ROOM],
    len: usize,
    /// Larger ones are not wanted any more.
    most: u32,
}

impl Smallest {
    fn new() -> Smallest {
        Smallest {
            held: [0; ROOM],
            len: 0,
            most: u32::MAX,
        }
    }

    fn add(&mut self, mark: u32) {
        if mark > self.most {
            return;
        }
        self.held[self.len] = mark;
        self.len += 1;
        if self.len == ROOM {
            self.drop_large();
        }
    }

    fn drop_large(&mut self) {
        let held = &mut self.held[..self.len];
        held.sort_unstable();
        let mut len = 0;
        for at in 0..held.len() {
            if len == 0 || held[at] != held[len - 1] {
                held[len] = held[at];
                len += 1;
            }
        }
        self.len = len.min(MARKS_MAX);
        if self.len == MARKS_MAX {
            self.most = self.held[MARKS_MAX - 1];
        }
    }

    fn finish(mut self) -> MarkList {
        self.drop_large();
        let mut marks = [0; MARKS_MAX];
        marks[..self.len].copy_from_slice(&self.held[..self.len]);
        MarkList {
            marks,
            len: self.len,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marks(text: &str, address: &str) -> Vec<u32> {
        TextMarks::of(&[text], address).marks().to_vec()
    }

    #[test]
    fn pages_of_a_calendar_are_one_text() {
        let may = "Events\n1 2 3 4 5 6 7\nNo events on 12 of this month";
        let june = "Events\n8 9 10 11\nNo events on 3 of this month";
        assert_eq!(marks(may, ""), marks(june, ""));
    }

    #[test]
    fn a_page_that_repeats_its_address_says_nothing_new() {
        let page = |word: &str| {
            let text = format!("Welcome to {word}, the best of all hosts");
            marks(&text, &format!("https://{word}.example.com/"))
        };
        assert_eq!(page("qwzx"), page("pkkt"));
        assert_ne!(
            marks("blue car for sale", ""),
            marks("green car for sale", "")
        );
    }

    #[test]
    fn the_digest_is_that_of_the_words_in_their_order() {
        let digest = |text: &str| ContentMarks::of(&[text]).digest();
        let text = "Opened on 3 May 2024: a garden, and a house.";
        assert_eq!(
            digest(text),
            digest("opened  on 12 MAY 1999 a garden\nand a house")
        );
        assert_ne!(
            digest(text),
            digest("Opened on 3 May 2024: a house, and a garden.")
        );
        assert_ne!(
            digest(text),
            digest("Opened on 3 June 2024: a garden, and a house.")
        );
    }

    #[test]
    fn blocks_may_move() {
        let (a, b) = ("one two three four", "five six seven eight nine");
        assert_eq!(
            marks(&format!("{a}\n{b}"), ""),
            marks(&format!("{b}\n{a}"), "")
        );
    }

    #[test]
    fn texts_that_differ_a_little_share_most_marks_and_bits() {
        let words = |odd: u64| -> String {
            let word = |i: u64| {
                let letters = mix(i).to_be_bytes().map(|b| char::from(b'a' + b % 26));
                letters.iter().collect::<String>()
            };
            let text: Vec<String> = (0..2_000)
                .map(|i| word(if i % 200 == 7 { i + odd } else { i }))
                .collect();
            text.join(" ")
        };
        let (a, b) = (
            TextMarks::of(&[&words(0)], ""),
            TextMarks::of(&[&words(1_000_000)], ""),
        );
        assert_eq!(a.marks().len(), MARKS_MAX);
        let shared = a.marks().iter().filter(|m| b.marks().contains(m)).count();
        assert!(shared > MARKS_MAX * 9 / 10, "{shared}");
        let bits = (a.simhash() ^ b.simhash()).count_ones();
        assert!(bits < 12, "{bits}");
        let other = TextMarks::of(&[&words(5).replace('e', "o")], "");
        assert!((a.simhash() ^ other.simhash()).count_ones() > 15);
    }

    proptest! {
        #[test]
        fn any_text_gives_ascending_marks(text: String, address: String) {
            let found = TextMarks::of(&[&text], &address);
            prop_assert!(found.marks().is_sorted_by(|a, b| a < b));
            let again = TextMarks::of(&[&text], &address);
            prop_assert_eq!(found.marks(), again.marks());
        }
    }
}
