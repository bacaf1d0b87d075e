//! Pieces: matches what stands behind the first `*` of a pattern.
//!
//! In: pieces joined by `*`, the rest of a path. Out: whether they occur one after the other.
//! May touch: `limits`. Must not touch: rules and their precedence.
//! Invariant: no backtracking. Each piece is taken at its first occurrence, which is right because a later one never
//! leaves more room. Two exact filters (bytes and pairs of bytes that a path has) refuse most tails unsearched.

use memchr::{memchr, memmem, memrchr};

use crate::limits::{SEARCH_BYTES_MAX, SEARCH_SETUP_BYTES};

/// What is known of a pattern's pieces beforehand. Their text, which the caller keeps, neither begins nor ends with
/// a star and has no two in a row.
#[derive(Debug)]
pub(crate) struct Pieces {
    /// Set of bytes in them.
    bytes: u128,
    /// Their length without the stars.
    literal_bytes: u32,
    /// The last one must end the path.
    anchored: bool,
}

impl Pieces {
    pub(crate) fn new(text: &[u8], anchored: bool) -> Pieces {
        let stars = text.iter().filter(|&&byte| byte == b'*').count();
        let bytes = byte_set(text) & !(1 << b'*');
        Pieces {
            bytes,
            literal_bytes: (text.len() - stars) as u32,
            anchored,
        }
    }

    /// Whether the filters let a search decide; `shape` is that of a path that ends in `rest`.
    pub(crate) fn may_match(&self, text: &[u8], rest: &[u8], shape: &Shape) -> bool {
        self.literal_bytes as usize <= rest.len()
            && self.bytes & !shape.bytes == 0
            && text.windows(2).all(|pair| shape.has_pair(pair[0], pair[1]))
    }

    /// Whether the pieces occur in `rest`, one after the other.
    pub(crate) fn matches(&self, text: &[u8], rest: &[u8], work: &mut Work) -> bool {
        let (mut text, mut rest) = (text, rest);
        work.bytes += text.len();
        if self.anchored {
            let last = memrchr(b'*', text).map_or(0, |star| star + 1);
            let Some(before) = rest.strip_suffix(&text[last..]) else {
                return false;
            };
            if last == 0 {
                return true;
            }
            rest = before;
            text = &text[..last - 1];
        }
        loop {
            let star = memchr(b'*', text);
            let piece = &text[..star.unwrap_or(text.len())];
            let Some(end) = work.find(rest, piece) else {
                return false;
            };
            let Some(star) = star else {
                return true;
            };
            rest = &rest[end..];
            text = &text[star + 1..];
        }
    }
}

/// Bytes looked at by the searches of one query.
#[derive(Default)]
pub(crate) struct Work {
    bytes: usize,
}

impl Work {
    pub(crate) fn is_spent(&self) -> bool {
        self.bytes >= SEARCH_BYTES_MAX
    }

    /// The work so far, for tests of its bound.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Where the first occurrence of `piece` ends.
    fn find(&mut self, rest: &[u8], piece: &[u8]) -> Option<usize> {
        if rest.starts_with(piece) {
            self.bytes += piece.len();
            return Some(piece.len());
        }
        let found = match *piece {
            [byte] => memchr(byte, rest),
            _ => memmem::find(rest, piece),
        };
        let end = found.map(|start| start + piece.len());
        self.bytes += end.unwrap_or(rest.len()) + SEARCH_SETUP_BYTES;
        end
    }
}

/// What a path is made of.
pub(crate) struct Shape {
    bytes: u128,
    /// One bit for each pair of neighbouring ASCII bytes; a star is every byte's neighbour.
    pairs: [u64; 256],
}

impl Shape {
    pub(crate) fn of(path: &[u8]) -> Shape {
        let mut shape = Shape {
            bytes: byte_set(path),
            pairs: STARS,
        };
        for pair in path.windows(2) {
            let (word, bit) = place(pair[0], pair[1]);
            shape.pairs[word] |= 1 << bit;
        }
        shape
    }

    fn has_pair(&self, first: u8, second: u8) -> bool {
        let (word, bit) = place(first, second);
        self.pairs[word] >> bit & 1 == 1
    }
}

/// The pairs that have a star.
const STARS: [u64; 256] = {
    let mut pairs = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        let (word, bit) = place(byte, b'*');
        pairs[word] |= 1 << bit;
        let (word, bit) = place(b'*', byte);
        pairs[word] |= 1 << bit;
        byte += 1;
    }
    pairs
};

const fn place(first: u8, second: u8) -> (usize, u8) {
    (
        (first & 127) as usize * 2 + (second >> 6 & 1) as usize,
        second & 63,
    )
}

fn byte_set(text: &[u8]) -> u128 {
    text.iter()
        .fold(0, |set, &byte| set | 1u128 << (byte & 127))
}
