//! Eight bytes at a time (SIMD within a register): finding a byte that is likely near.
//!
//! In: bytes, and where to start. Out: positions.
//! May touch: nothing. Must not touch: markup; what a byte means is the caller's business.
//! Invariant: each answer is the one a byte-by-byte search gives.
//!
//! Between two tags there are often fewer than twenty bytes, where calling a wide search costs more than
//! the search itself. Beyond [`NEAR_BYTES`] the wide search takes over.

use memchr::memchr;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;
/// Clear in every ASCII control, blank, digit and punctuation mark up to `?`; set in every letter.
const LETTERS: u64 = 0x4040_4040_4040_4040;
/// The bit that turns an upper-case letter into a lower-case one.
const LOWER: u64 = 0x2020_2020_2020_2020;
const WORD_BYTES: usize = 8;
/// Bytes looked at here before the wide search is called.
const NEAR_BYTES: usize = 4 * WORD_BYTES;

/// The eight bytes at `at`, the first one lowest; `None` where fewer remain.
#[inline(always)]
pub(crate) fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let eight = bytes.get(at..at.wrapping_add(WORD_BYTES))?;
    Some(u64::from_le_bytes(eight.try_into().ok()?))
}

#[inline(always)]
const fn repeat(byte: u8) -> u64 {
    ONES * byte as u64
}

/// Marks the zero bytes. The lowest mark is always right; marks above it may be wrong, because borrows
/// travel upwards.
#[inline(always)]
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// The byte that the lowest mark is in.
#[inline(always)]
const fn lowest(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// The first `needle` at or behind `at`. Cost: O(bytes passed).
#[inline(always)]
pub(crate) fn find(bytes: &[u8], at: usize, needle: u8) -> Option<usize> {
    let Some(near) = bytes.get(at..).and_then(<[u8]>::first_chunk::<NEAR_BYTES>) else {
        return find_far(bytes, at, needle);
    };
    for (index, eight) in near.as_chunks::<WORD_BYTES>().0.iter().enumerate() {
        let marks = zeros(u64::from_le_bytes(*eight) ^ repeat(needle));
        if marks != 0 {
            return Some(at + index * WORD_BYTES + lowest(marks));
        }
    }
    find_far(bytes, at + NEAR_BYTES, needle)
}

/// The places of one byte, found a block ahead of where they are asked for, so that the processor need
/// not know where one thing ends to begin with the next.
#[derive(Debug)]
pub(crate) struct Places<'a, const NEEDLE: u8> {
    bytes: &'a [u8],
    block: usize,
    /// Bit n: whether the byte n of the block is one and was not handed out.
    marks: u64,
    next_block: usize,
}

const BLOCK_BYTES: usize = 64;

impl<'a, const NEEDLE: u8> Places<'a, NEEDLE> {
    /// Those of `bytes` from `at` on.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            block: at,
            marks: 0,
            next_block: at,
        }
    }

    /// The first place at or behind `at`, which never goes back. Cost: O(bytes passed).
    #[inline(always)]
    pub(crate) fn next_from(&mut self, at: usize) -> Option<usize> {
        loop {
            while self.marks != 0 {
                let place = self.block + self.marks.trailing_zeros() as usize;
                self.marks &= self.marks - 1;
                if place >= at {
                    return Some(place);
                }
            }
            if at > self.next_block + BLOCK_BYTES {
                self.jump(at);
            }
            let start = self.next_block;
            let Some(block) = self.bytes.get(start..).and_then(<[u8]>::first_chunk) else {
                return self.last_block(start, at);
            };
            self.block = start;
            self.next_block = start + BLOCK_BYTES;
            self.marks = marks_of::<NEEDLE>(block);
            if self.marks == 0 {
                // Text without markup is often long.
                self.next_block = find_far(self.bytes, self.next_block, NEEDLE)?;
            }
        }
    }

    /// Leaves out blocks that nobody asks for. Apart, so that a block begins where the last one ended
    /// rather than where something ended that is still being looked for.
    #[cold]
    #[inline(never)]
    fn jump(&mut self, at: usize) {
        self.next_block = at;
    }

    #[cold]
    fn last_block(&mut self, start: usize, at: usize) -> Option<usize> {
        let place = find_far(self.bytes, start.max(at), NEEDLE)?;
        self.next_block = place + 1;
        Some(place)
    }
}

/// One bit for each byte, set where it is the needle.
#[inline(always)]
fn marks_of<const NEEDLE: u8>(block: &[u8; BLOCK_BYTES]) -> u64 {
    let mut bits = [0; BLOCK_BYTES];
    for (at, bit) in bits.iter_mut().enumerate() {
        *bit = if block[at] == NEEDLE {
            1 << (at % WORD_BYTES)
        } else {
            0
        };
    }
    let words = bits.as_chunks::<WORD_BYTES>().0.iter().enumerate();
    words.fold(0, |marks, (index, word)| {
        // The eight bits of a word stand in eight different places: multiplying adds them up on top.
        let eight = u64::from_le_bytes(*word).wrapping_mul(ONES) >> 56;
        marks | eight << (index * WORD_BYTES)
    })
}

/// Whether one of `needles` is between `at` and `end`. Cost: O(bytes between); looks at up to seven bytes
/// behind them, so `bytes` should go on there.
#[inline(always)]
pub(crate) fn has_any<const N: usize>(
    bytes: &[u8],
    at: usize,
    end: usize,
    needles: [u8; N],
) -> bool {
    let mut at = at;
    while at < end {
        let Some(word) = word(bytes, at) else {
            return bytes[at..end].iter().any(|byte| needles.contains(byte));
        };
        let marks = needles
            .iter()
            .fold(0, |marks, needle| marks | zeros(word ^ repeat(*needle)));
        if marks != 0 {
            return at + lowest(marks) < end;
        }
        at += WORD_BYTES;
    }
    false
}

#[inline(never)]
fn find_far(bytes: &[u8], at: usize, needle: u8) -> Option<usize> {
    memchr(needle, bytes.get(at..)?).map(|hop| at + hop)
}

/// The first byte at or behind `at` that `ends` the run; the length of `bytes` when none does.
///
/// - `ends`: may hold only for ASCII bytes up to `?`, which all ends of names and values are.
/// - Cost: O(bytes passed).
#[inline(always)]
pub(crate) fn run_end(bytes: &[u8], at: usize, ends: impl Fn(u8) -> bool) -> usize {
    let mut at = at;
    while let Some(word) = word(bytes, at) {
        let mut marks = !word & LETTERS;
        while marks != 0 {
            let candidate = at + lowest(marks);
            if ends(bytes[candidate]) {
                return candidate;
            }
            marks &= marks - 1;
        }
        at += WORD_BYTES;
    }
    while bytes.get(at).is_some_and(|byte| !ends(*byte)) {
        at += 1;
    }
    at
}

/// The letters that eight bytes begin with.
pub(crate) struct Letters {
    /// In lower-case in the low bytes, zero above. Other bytes from `@` up may be among them.
    pub(crate) name: u64,
    /// At most seven.
    pub(crate) count: usize,
    /// The bytes behind the letters, zero where the eight end.
    pub(crate) behind: u64,
}

/// The letters at the low end of `word`. None at all when all eight bytes may be letters: then the name
/// is longer than is looked at here.
#[inline(always)]
pub(crate) fn letters(word: u64) -> Letters {
    let bits = (!word & LETTERS).trailing_zeros() & 0b11_1000;
    Letters {
        name: (word | LOWER) & !(u64::MAX << bits),
        count: bits as usize / 8,
        behind: word >> bits,
    }
}

/// Whether every byte is above the blank and none is `&`.
#[inline(always)]
pub(crate) fn is_plain(bytes: &[u8]) -> bool {
    all_words(bytes, |word| {
        let low = word.wrapping_sub(repeat(b'!')) & !word & HIGHS;
        low | zeros(word ^ repeat(b'&')) == 0
    })
    .unwrap_or_else(|| bytes.iter().all(|byte| *byte > b' ' && *byte != b'&'))
}

/// Whether no byte is a blank or a control.
#[inline(always)]
pub(crate) fn is_one_word(bytes: &[u8]) -> bool {
    all_words(bytes, |word| {
        word.wrapping_sub(repeat(b'!')) & !word & HIGHS == 0
    })
    .unwrap_or_else(|| bytes.iter().all(|byte| *byte > b' '))
}

/// Whether `holds` of all bytes, the last eight looked at together even if some of them were before;
/// `None` for fewer than eight.
#[inline(always)]
fn all_words(bytes: &[u8], holds: impl Fn(u64) -> bool) -> Option<bool> {
    let last = u64::from_le_bytes(*bytes.last_chunk::<WORD_BYTES>()?);
    let (words, _) = bytes.as_chunks::<WORD_BYTES>();
    Some(words.iter().all(|word| holds(u64::from_le_bytes(*word))) && holds(last))
}

/// Bytes at the beginning, in whole blocks, that are surely single-spaced. Written so that the compiler
/// makes wide comparisons of it.
fn single_spaced_blocks(bytes: &[u8]) -> usize {
    const STEP: usize = BLOCK_BYTES / 2;
    let mut at = 0;
    if bytes.first() == Some(&b' ') {
        return 0;
    }
    while let Some(block) = bytes[at..].first_chunk::<{ STEP + 1 }>() {
        let mut odd = 0;
        for pair in block.windows(2) {
            let is_blank = |byte: u8| u8::from(byte == b' ');
            odd |= u8::from(pair[0] < b' ') | (is_blank(pair[0]) & is_blank(pair[1]));
        }
        if odd != 0 {
            break;
        }
        at += STEP;
    }
    at
}

/// Length of the longest beginning in which whitespace stands only as single blanks between words.
/// Begins with a word or is empty, and ends with a word.
pub(crate) fn single_spaced(bytes: &[u8]) -> usize {
    let mut at = single_spaced_blocks(bytes);
    let mut after_blank = at == 0 || bytes[at - 1] == b' ';
    loop {
        while let Some(word) = word(bytes, at) {
            let blanks = zeros(word ^ repeat(b' '));
            let controls = word.wrapping_sub(repeat(b' ')) & !word & HIGHS;
            let doubled = blanks & (blanks << 8 | u64::from(after_blank) << 7);
            if controls | doubled != 0 {
                break;
            }
            after_blank = word >> 56 == u64::from(b' ');
            at += WORD_BYTES;
        }
        // Byte by byte to the end, or past what only looked doubtful.
        let end = bytes.len().min(at + WORD_BYTES);
        while at < end {
            let byte = bytes[at];
            if byte.is_ascii_whitespace() && (byte != b' ' || after_blank) {
                return at - usize::from(after_blank && at > 0);
            }
            after_blank = byte == b' ';
            at += 1;
        }
        if at == bytes.len() {
            return at - usize::from(after_blank && at > 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes beside the interesting ones too, where borrows and sign bits would show.
    fn near() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop::sample::select(
            b"\0\x01\t\n\r\x1f  !!\"%&'/<=>?@Aaz\x7f\x80\xa0\xbc\xff".to_vec(),
        );
        prop::collection::vec(byte, 0..80)
    }

    fn single_spaced_slowly(bytes: &[u8]) -> usize {
        let irregular = (0..bytes.len())
            .find(|at| {
                let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
                bytes[*at].is_ascii_whitespace() && (bytes[*at] != b' ' || before == b' ')
            })
            .unwrap_or(bytes.len());
        irregular - usize::from(bytes[..irregular].ends_with(b" "))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_000) })]

        #[test]
        fn searches_agree_with_slow_ones(bytes in near(), start in 0usize..20, needle in prop::sample::select(b"<&>\"'".to_vec())) {
            let start = start.min(bytes.len());
            let slow = bytes[start..].iter().position(|b| *b == needle).map(|hop| start + hop);
            prop_assert_eq!(find(&bytes, start, needle), slow);
            let ends = |b: u8| b.is_ascii_whitespace() || matches!(b, b'>' | b'=');
            let slow = bytes[start..].iter().position(|b| ends(*b)).map_or(bytes.len(), |hop| start + hop);
            prop_assert_eq!(run_end(&bytes, start, ends), slow);
            let end = start + (bytes.len() - start) / 2;
            let any = bytes[start..end].iter().any(|b| b"&\r\0".contains(b));
            prop_assert_eq!(has_any(&bytes, start, end, *b"&\r\0"), any);
            prop_assert_eq!(is_plain(&bytes), bytes.iter().all(|b| *b > b' ' && *b != b'&'));
            prop_assert_eq!(is_one_word(&bytes), bytes.iter().all(|b| *b > b' '));
            prop_assert_eq!(single_spaced(&bytes), single_spaced_slowly(&bytes));
        }

        /// One byte that counts among many that do not, at any place of a word.
        #[test]
        fn one_byte_is_found_anywhere(length in 0usize..60, at in 0usize..60, byte in prop::sample::select(b"\0\t &<%!A".to_vec())) {
            let mut bytes = vec![b'\'' ; length];
            if at < length {
                bytes[at] = byte;
            }
            prop_assert_eq!(is_plain(&bytes), bytes.iter().all(|b| *b > b' ' && *b != b'&'));
            prop_assert_eq!(is_one_word(&bytes), bytes.iter().all(|b| *b > b' '));
            prop_assert_eq!(find(&bytes, 0, b'<'), bytes.iter().position(|b| *b == b'<'));
        }

        #[test]
        fn places_are_those_of_a_search(bytes in "[<a]{0,20}a{0,150}[<a]{0,90}", steps in prop::collection::vec(0usize..90, 0..60)) {
            let bytes = bytes.as_bytes();
            let mut places = Places::<b'<'>::new(bytes, 0);
            let mut at = 0;
            for step in steps {
                let expected = bytes.get(at..).and_then(|rest| memchr(b'<', rest)).map(|hop| at + hop);
                prop_assert_eq!(places.next_from(at), expected);
                let Some(place) = expected else { break };
                at = place + 1 + step.saturating_sub(70);
            }
        }

        /// Mostly regular, so that whole words are passed before something is found.
        #[test]
        fn spacing_is_found_behind_regular_words(text in "([a!\u{e9}]{1,5} ){0,40}[a \t]{0,4}([a!]{1,5} ){0,4}") {
            prop_assert_eq!(single_spaced(text.as_bytes()), single_spaced_slowly(text.as_bytes()));
        }
    }

    #[test]
    fn letters_are_packed_in_lower_case() {
        let found = letters(u64::from_le_bytes(*b"DiV clas"));
        assert_eq!(found.name, u64::from_le_bytes(*b"div\0\0\0\0\0"));
        assert_eq!(found.count, 3);
        assert_eq!(found.behind, u64::from_le_bytes(*b" clas\0\0\0"));
        let found = letters(u64::from_le_bytes(*b"section>"));
        assert_eq!((found.count, found.behind), (7, u64::from(b'>')));
        for none in [b"=\"x\" y=z", b"textarea"] {
            let word = u64::from_le_bytes(*none);
            let found = letters(word);
            assert_eq!((found.name, found.count, found.behind), (0, 0, word));
        }
    }
}
