//! Blocks: up to 2,048 ascending keys in about as few bits as they can have (Elias 1974, Fano 1971).
//!
//! In: ascending keys. Out: bytes; all keys again, or which of some are there.
//! May touch: nothing. Must not touch: files.
//! Invariant: no key is believed before the block's checksum was right.
//!
//! | part | bytes | content, numbers little-endian |
//! |---|---|---|
//! | keys | 2 | n, 1 to 2,048 |
//! | low bits | 1 | l, at most 56 |
//! | zero | 1 | |
//! | words | 2 | w |
//! | first key | 10 | partition (2) and fingerprint (8), big-endian; d of a key is its distance from here, below 2^64 |
//! | high part | 8 w | bit (d >> l) + i is set for key i, counted from 0; the rest is zero |
//! | low part | ⌈n l / 8⌉ + 8 | the l low bits of each d, one after the other, least first; zeroes |
//! | checksum | 4 | CRC-32 of all before |
//!
//! Of n evenly spread keys each takes about log2(2^76 / N) + 2 bits, N being all keys of the run: 6.0 bytes
//! at a billion. Eight zeroes at the end of the low part let every read be one of eight bytes.

use super::key::{Key, KeyBytes, bytes_of, number_of};
use super::limits::BLOCK_KEYS;

const HEAD_BYTES: usize = 16;
const CRC_BYTES: usize = 4;
const LOW_BITS_MAX: u32 = 56;
const LOW_SLACK: usize = 8;

/// Bytes that no block exceeds: 2,048 keys whose high parts are spread to three bits each, and all bits low.
pub(super) const BLOCK_BYTES_MAX: usize = 20 << 10;

/// Appends the block of `keys`: 1 to [`BLOCK_KEYS`], ascending, all within 2^64 of the first.
pub(super) fn encode(keys: &[Key], out: &mut Vec<u8>) {
    let start = out.len();
    let first = keys[0];
    let range = (keys[keys.len() - 1] - first) as u64;
    let keys_in = keys.len() as u64;
    let low_bits = (range / keys_in)
        .checked_ilog2()
        .map_or(0, |bits| bits.min(LOW_BITS_MAX));
    let words = ((range >> low_bits) + keys_in).div_ceil(64) as usize;
    out.extend_from_slice(&(keys.len() as u16).to_le_bytes());
    out.extend_from_slice(&[low_bits as u8, 0]);
    out.extend_from_slice(&(words as u16).to_le_bytes());
    out.extend_from_slice(&bytes_of(first));
    let mut high = [0_u64; BLOCK_KEYS * 3 / 64 + 8];
    for (place, key) in keys.iter().enumerate() {
        let bit = ((key - first) as u64 >> low_bits) as usize + place;
        high[bit / 64] |= 1 << (bit % 64);
    }
    for word in &high[..words] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    put_low(keys, low_bits, out);
    let crc = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&crc.to_le_bytes());
}

fn put_low(keys: &[Key], low_bits: u32, out: &mut Vec<u8>) {
    let end = out.len() + (keys.len() * low_bits as usize).div_ceil(8);
    let mask = (1 << low_bits) - 1;
    let (mut word, mut filled) = (0_u64, 0);
    for key in keys {
        let low = (key - keys[0]) as u64 & mask;
        word |= low << filled;
        filled += low_bits;
        if filled >= 64 {
            out.extend_from_slice(&word.to_le_bytes());
            filled -= 64;
            // What of `low` did not fit; nothing when it ended with the word.
            word = low >> (low_bits - filled);
        }
    }
    out.extend_from_slice(&word.to_le_bytes());
    out.resize(end + LOW_SLACK, 0);
}

/// A block whose checksum was right.
pub(super) struct Block<'a> {
    first: Key,
    keys: usize,
    low_bits: u32,
    high: &'a [[u8; 8]],
    low: &'a [u8],
}

impl<'a> Block<'a> {
    /// Reads a block; what is wrong with it otherwise. `bytes` are its own and no more.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Block<'a>, &'static str> {
        let Some((checked, crc)) = bytes.split_last_chunk::<CRC_BYTES>() else {
            return Err("a block that is too short");
        };
        if crc32fast::hash(checked).to_le_bytes() != *crc {
            return Err("wrong checksum of a block");
        }
        let Some((head, rest)) = checked.split_first_chunk::<HEAD_BYTES>() else {
            return Err("a block that is too short");
        };
        let [k0, k1, low_bits, 0, w0, w1, first @ ..] = *head else {
            return Err("a block with an unknown mark");
        };
        let first: KeyBytes = first;
        let keys = usize::from(u16::from_le_bytes([k0, k1]));
        let words = usize::from(u16::from_le_bytes([w0, w1]));
        let low_bits = u32::from(low_bits);
        if !(1..=BLOCK_KEYS).contains(&keys) || low_bits > LOW_BITS_MAX {
            return Err("a block with too many keys or bits");
        }
        let Some((high, low)) = rest.split_at_checked(words * 8) else {
            return Err("a block of another length than its keys need");
        };
        if low.len() != (keys * low_bits as usize).div_ceil(8) + LOW_SLACK {
            return Err("a block of another length than its keys need");
        }
        let block = Block {
            first: number_of(first),
            keys,
            low_bits,
            high: high.as_chunks().0,
            low,
        };
        let set: u32 = (0..words).map(|word| block.word(word).count_ones()).sum();
        if set as usize != keys {
            return Err("a block of another number of keys than it says");
        }
        Ok(block)
    }

    /// Its first key.
    pub(super) fn first(&self) -> Key {
        self.first
    }

    fn word(&self, word: usize) -> u64 {
        u64::from_le_bytes(self.high[word])
    }

    fn low(&self, place: usize) -> u64 {
        let bit = place * self.low_bits as usize;
        let bytes = self.low[bit / 8..].first_chunk();
        let bytes = bytes.expect("eight bytes follow the last key's");
        (u64::from_le_bytes(*bytes) >> (bit % 8)) & ((1 << self.low_bits) - 1)
    }

    /// Appends all keys; an error when they do not ascend.
    pub(super) fn keys_into(&self, out: &mut Vec<Key>) -> Result<(), &'static str> {
        let start = out.len();
        out.resize(start + self.keys, 0);
        let mut slots = out[start..].iter_mut().enumerate();
        let (mut ascend, mut least) = (true, 0);
        for number in 0..self.high.len() {
            let mut word = self.word(number);
            while word != 0 {
                let bit = number * 64 + word.trailing_zeros() as usize;
                word &= word - 1;
                let (place, slot) = slots.next().expect("as many bits as keys, as was checked");
                let distance = ((bit - place) as u64) << self.low_bits | self.low(place);
                ascend &= distance >= least;
                least = distance.wrapping_add(1);
                *slot = self.first + Key::from(distance);
            }
        }
        if ascend {
            Ok(())
        } else {
            Err("keys out of order")
        }
    }

    /// A look for keys that come in ascending order.
    pub(super) fn finder(&self) -> Finder<'_> {
        Finder {
            block: self,
            word: 0,
            ones: 0,
        }
    }
}

/// Finds ascending keys in a block without unpacking it: a key's high bits say between which two zeroes of
/// the high part it would stand, and only the few keys there are compared.
pub(super) struct Finder<'a> {
    block: &'a Block<'a>,
    /// The word that was looked at last.
    word: usize,
    /// Ones in the words before it.
    ones: usize,
}

impl Finder<'_> {
    /// Whether the block holds `key`, which is not below the one asked for before.
    pub(super) fn holds(&mut self, key: Key) -> bool {
        let block = self.block;
        let Some(distance) = key.checked_sub(block.first) else {
            return false;
        };
        let Ok(distance) = u64::try_from(distance) else {
            return false;
        };
        let high = distance >> block.low_bits;
        let Some(mut bit) = self.bit_of(high) else {
            return false;
        };
        let low = distance & ((1 << block.low_bits) - 1);
        // `high` zeroes stand before this bit, the others are keys.
        let mut place = bit - high as usize;
        while place < block.keys && block.word(bit / 64) >> (bit % 64) & 1 == 1 {
            let held = block.low(place);
            if held >= low {
                return held == low;
            }
            place += 1;
            bit += 1;
        }
        false
    }

    /// The bit after zero number `high`, counted from 1; `None` past the end.
    fn bit_of(&mut self, high: u64) -> Option<usize> {
        let Some(zero) = high.checked_sub(1) else {
            return Some(0);
        };
        loop {
            if self.word == self.block.high.len() {
                return None;
            }
            let word = self.block.word(self.word);
            let zeros_before = (self.word * 64 - self.ones) as u64;
            let within = zero - zeros_before;
            if within < u64::from(word.count_zeros()) {
                return Some(self.word * 64 + place_of_one(!word, within as u32) as usize + 1);
            }
            self.ones += word.count_ones() as usize;
            self.word += 1;
        }
    }
}

/// For each byte and each `n`, where its one number `n` stands.
const ONES_OF_BYTE: [[u8; 8]; 256] = {
    let mut table = [[8; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut found) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                table[byte][found] = bit as u8;
                found += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// Where one number `n` of `word` stands, both counted from 0; `word` has more than `n` (Vigna 2008).
fn place_of_one(word: u64, n: u32) -> u32 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let mut sums = word - ((word >> 1) & 0x5555_5555_5555_5555);
    sums = (sums & 0x3333_3333_3333_3333) + ((sums >> 2) & 0x3333_3333_3333_3333);
    sums = ((sums + (sums >> 4)) & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(EACH);
    // Byte i of `sums`: ones in bytes 0 to i. The byte wanted follows those whose sum is at most `n`.
    let at_most = (((u64::from(n) * EACH) | (EACH << 7)) - sums) & (EACH << 7);
    let byte = at_most.count_ones();
    let before = ((sums << 8) >> (8 * byte)) as u8;
    let within = n - u32::from(before);
    8 * byte + u32::from(ONES_OF_BYTE[(word >> (8 * byte)) as usize & 255][within as usize & 7])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Keys of every spread: near each other, over a partition, in clusters.
    fn keys() -> impl Strategy<Value = BTreeSet<Key>> {
        let spread = (0_u32..64, 0_u128..1 << 75);
        (spread, 1..300_usize).prop_flat_map(|((bits, from), keys)| {
            let distance =
                (any::<u64>(), 0..=bits).prop_map(move |(any, less)| any >> (63 - bits + less));
            proptest::collection::btree_set(distance, 1..=keys)
                .prop_map(move |all| all.into_iter().map(|key| from + Key::from(key)).collect())
        })
    }

    proptest! {
        #[test]
        fn a_block_gives_back_its_keys_and_finds_no_others(keys in keys(), near in -3_i128..4) {
            let all: Vec<Key> = keys.iter().copied().collect();
            let mut bytes = vec![7; 3];
            encode(&all, &mut bytes);
            prop_assert!(bytes.len() < BLOCK_BYTES_MAX);
            let block = Block::read(&bytes[3..]).unwrap();
            let mut back = Vec::new();
            block.keys_into(&mut back).unwrap();
            prop_assert_eq!(&back, &all);
            prop_assert_eq!(block.first(), all[0]);
            let mut asked: Vec<Key> = all.iter().chain([&0, &((1 << 76) - 1)])
                .flat_map(|key| [*key, key.saturating_add_signed(near), key + (1 << 60)]).collect();
            asked.sort_unstable();
            let mut finder = block.finder();
            for key in asked {
                prop_assert_eq!(finder.holds(key), keys.contains(&key), "{}", key);
            }
        }

        #[test]
        fn any_flipped_bit_is_noticed(keys in keys(), at: proptest::sample::Index, bit in 0..8) {
            let mut bytes = Vec::new();
            encode(&keys.into_iter().collect::<Vec<_>>(), &mut bytes);
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            prop_assert!(Block::read(&bytes).is_err());
        }

        /// Even with a right checksum.
        #[test]
        fn no_bytes_make_the_reader_panic(mut bytes: Vec<u8>, keys in keys(), at: usize, to: u8, ask: u64) {
            let mut near = Vec::new();
            encode(&keys.into_iter().collect::<Vec<_>>(), &mut near);
            near.truncate(near.len() - CRC_BYTES);
            let at = at % near.len();
            near[at] = to;
            for mut bytes in [std::mem::take(&mut bytes), near] {
                let crc = crc32fast::hash(&bytes);
                bytes.extend_from_slice(&crc.to_le_bytes());
                if let Ok(block) = Block::read(&bytes) {
                    let _either = block.keys_into(&mut Vec::new());
                    let _either = block.finder().holds(block.first() + Key::from(ask));
                }
            }
        }

        #[test]
        fn the_nth_one_is_found(word: u64) {
            let ones: Vec<u32> = (0..64).filter(|bit| word >> bit & 1 == 1).collect();
            for (n, place) in ones.iter().enumerate() {
                prop_assert_eq!(place_of_one(word, n as u32), *place);
            }
        }
    }

    /// A full block of a run with a billion keys: 2^76 / 10^9 between neighbours.
    #[test]
    fn at_a_billion_a_key_takes_six_bytes_and_a_fiftieth() {
        let keys: Vec<Key> = (0..BLOCK_KEYS as Key)
            .map(|n| n * ((1 << 76) / 1_000_000_000))
            .collect();
        let mut bytes = Vec::new();
        encode(&keys, &mut bytes);
        let hundredths = bytes.len() * 100 / BLOCK_KEYS;
        assert_eq!(hundredths, 602);
    }

    #[test]
    fn the_widest_block_is_within_the_bound() {
        let keys: Vec<Key> = (0..BLOCK_KEYS as Key).map(|n| (n << 53) + 5).collect();
        let mut bytes = Vec::new();
        encode(&keys, &mut bytes);
        assert!(bytes.len() < BLOCK_BYTES_MAX);
        let two = [0, Key::from(u64::MAX)];
        bytes.clear();
        encode(&two, &mut bytes);
        let mut back = Vec::new();
        Block::read(&bytes).unwrap().keys_into(&mut back).unwrap();
        assert_eq!(back, two);
    }
}
