//! Words of a text as hashes, with what changes from page to page for no reason made equal.
//!
//! In: a line of text. Out: one hash a word.
//! May touch: nothing. Must not touch: what words mean.
//! Invariant: any text gives words; work is linear.

/// A number, or a letter that stands alone: all the same; and what a reader takes for the same, such as words of the page's
/// own address.
pub(crate) const BLANK: u64 = 1;

/// The words of a line.
///
/// A word is a run of letters and digits, ASCII letters in lower case; in scripts without blanks between words each
/// character is one. A word with a digit is a [`BLANK`], as is a single letter.
pub(crate) struct Words<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    pub(crate) fn new(line: &'a [u8]) -> Words<'a> {
        Words { bytes: line, at: 0 }
    }

    fn word(&mut self) -> Option<u64> {
        while !is_word(*self.bytes.get(self.at)?) {
            self.at += 1;
        }
        if is_ideograph(self.bytes[self.at]) {
            let end = (self.at + 3).min(self.bytes.len());
            let word = hash(&self.bytes[self.at..end]);
            self.at = end;
            return Some(word);
        }
        let start = self.at;
        let (mut state, mut has_digit) = (START, false);
        while let Some(&byte) = self.bytes.get(self.at) {
            if !is_word(byte) || is_ideograph(byte) {
                break;
            }
            has_digit |= byte.is_ascii_digit();
            state = step(state, byte.to_ascii_lowercase());
            self.at += 1;
        }
        let word = end(state);
        let is_blank = has_digit || self.at - start == 1;
        Some(if is_blank { BLANK } else { word })
    }
}

impl Iterator for Words<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.word()
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// First byte of U+3000 to U+DFFF: kana, Chinese characters, Hangul.
fn is_ideograph(byte: u8) -> bool {
    (0xe3..=0xed).contains(&byte)
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

fn step(state: u64, byte: u8) -> u64 {
    (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

fn end(state: u64) -> u64 {
    mix(state) | 2
}

/// Hash of a word as it stands in a text, its ASCII letters in lower case.
pub(crate) fn hash(word: &[u8]) -> u64 {
    end(word
        .iter()
        .fold(START, |state, byte| step(state, byte.to_ascii_lowercase())))
}

/// Spreads every bit over all (the last step of MurmurHash3).
pub(crate) fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    value = (value ^ (value >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ (value >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<u64> {
        let mut words: Vec<u64> = Words::new(line.as_bytes()).collect();
        words.dedup();
        words
    }

    #[test]
    fn what_changes_for_no_reason_is_blank() {
        assert_eq!(words("Monday, 12 May 2024"), words("monday 3 May 1999!"));
        assert_eq!(words("1 2 3 4 5 6"), vec![BLANK]);
        assert_eq!(words("a/b/c"), vec![BLANK]);
        assert_eq!(words("session 8f3a09"), words("session 77bb1"));
        assert_ne!(words("May"), words("June"));
    }

    #[test]
    fn scripts_without_blanks_have_words() {
        assert_eq!(words("東京の天気").len(), 5);
        assert_eq!(words("grün"), vec![hash("grün".as_bytes())]);
    }
}
