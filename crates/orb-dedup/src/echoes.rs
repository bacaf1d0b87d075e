//! Words of a page's own address: many a trap repeats it in its text and shows nothing else that is new.
//!
//! In: an address. Out: whether a word is a whole part of it.
//! May touch: `words`. Must not touch: what the parts of an address mean.
//! Invariant: fixed size; parts beyond the bound are not echoes.

use crate::words;

const ECHOES_MAX: usize = 16;

/// The parts of an address that are one word each: `qwzx` of `https://qwzx.example.com/`, but not `blue-car`, which
/// says something.
#[derive(Clone, Debug, Default)]
pub struct Echoes {
    parts: [u64; ECHOES_MAX],
    len: usize,
    /// One bit for each part: most words are told apart by it.
    bits: u64,
}

impl Echoes {
    /// The parts of an address, as it is written in a request. Cost: O(bytes); allocates nothing.
    #[must_use]
    pub fn of(address: &str) -> Echoes {
        let mut echoes = Echoes::default();
        for part in address.split(['/', '?', '&', '=', ';', '.', ':', '+', ',']) {
            let is_word = part.len() > 1 && part.bytes().all(|b| b.is_ascii_alphabetic());
            if is_word && echoes.len < ECHOES_MAX {
                let word = words::hash(part.as_bytes());
                echoes.parts[echoes.len] = word;
                echoes.len += 1;
                echoes.bits |= 1 << (word >> 58);
            }
        }
        echoes
    }

    pub(crate) fn has(&self, word: u64) -> bool {
        self.bits & (1 << (word >> 58)) != 0 && self.parts[..self.len].contains(&word)
    }
}
