//! Text to fill bodies with, out of the seed.
//!
//! In: a seed, how much. Out: HTML text. May touch: `chance`, `words`. Must not touch: framing.
//! Invariant: plain ASCII without the byte sequences of any framing; one seed, one text.

use crate::chance::Chance;
use crate::words::{ADJECTIVES, NOUNS, VERBS};

/// Makes text of any size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filler {
    seed: u64,
}

impl Filler {
    pub(super) const fn new(seed: u64) -> Filler {
        Filler { seed }
    }

    /// Exactly `bytes` bytes of text.
    pub(super) fn text(self, bytes: usize) -> Vec<u8> {
        let mut chance = Chance::new(self.seed);
        let mut text = b"<p>".to_vec();
        while text.len() < bytes {
            for list in [ADJECTIVES, NOUNS, VERBS] {
                let word = list[chance.below(list.len() as u32) as usize];
                text.extend_from_slice(word.as_bytes());
                text.push(b' ');
            }
        }
        text.truncate(bytes);
        text
    }
}
