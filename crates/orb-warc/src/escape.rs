//! Text of the web made safe for a field line.
//!
//! In: any text. Out: bytes of one line, appended.
//! May touch: nothing else.
//! Invariant: no line end, control character or invisible order mark leaves here raw,
//! and two readers that trim differently see the same value.
//!
//! Unsafe characters are percent-encoded (UTF-8 bytes, upper-case hexadecimal); `%` itself stays, because most values are URLs.

use crate::limits::FIELD_VALUE_BYTES_MAX;

/// Appends a value of a record header: printable ASCII without spaces, all else percent-encoded.
pub(crate) fn header_value(out: &mut Vec<u8>, text: &str) {
    let mut rest = shortened(text).as_bytes();
    while !rest.is_empty() {
        let clean = run(rest, |byte| byte.is_ascii_graphic());
        out.extend_from_slice(&rest[..clean]);
        rest = &rest[clean..];
        if let Some((&byte, after)) = rest.split_first() {
            percent(out, byte);
            rest = after;
        }
    }
}

/// Appends a value of an `application/warc-fields` block: UTF-8, with hidden characters and white space at either end percent-encoded.
pub(crate) fn block_value(out: &mut Vec<u8>, text: &str) {
    let text = shortened(text);
    let inner_start = text.len() - text.trim_start().len();
    let inner_end = text.trim_end().len().max(inner_start);
    let edge = |out: &mut Vec<u8>, edge: &str| edge.bytes().for_each(|byte| percent(out, byte));
    edge(out, &text[..inner_start]);
    let mut rest = &text[inner_start..inner_end];
    while !rest.is_empty() {
        // Nearly all of the web's addresses and most of its words are this: copied whole, not letter by letter.
        let clean = run(rest.as_bytes(), |byte| matches!(byte, b' '..=b'~'));
        out.extend_from_slice(&rest.as_bytes()[..clean]);
        rest = &rest[clean..];
        let mut letters = rest.chars();
        if let Some(letter) = letters.next() {
            let mut utf8 = [0; 4];
            let bytes = letter.encode_utf8(&mut utf8).as_bytes();
            if is_hidden(letter) {
                bytes.iter().for_each(|&byte| percent(out, byte));
            } else {
                out.extend_from_slice(bytes);
            }
            rest = letters.as_str();
        }
    }
    edge(out, &text[inner_end..]);
}

/// How many bytes at the start are `clean`.
fn run(bytes: &[u8], clean: impl Fn(u8) -> bool) -> usize {
    let dirty = bytes.iter().position(|&byte| !clean(byte));
    dirty.unwrap_or(bytes.len())
}

/// Appends a field name: the `token` characters of RFC 9110, 5.6.2; each other becomes `_`, and nothing becomes `_`.
pub(crate) fn name(out: &mut Vec<u8>, text: &str) {
    if text.is_empty() {
        out.push(b'_');
    }
    for c in shortened(text).chars() {
        let token = c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        out.push(if token { c as u8 } else { b'_' });
    }
}

/// Characters that end lines for some reader, move text about, or cannot be seen.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn percent(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[
        b'%',
        DIGITS[usize::from(byte >> 4)],
        DIGITS[usize::from(byte & 15)],
    ]);
}

/// The longest prefix of whole characters within the limit.
fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(FIELD_VALUE_BYTES_MAX)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(append: fn(&mut Vec<u8>, &str), text: &str) -> String {
        let mut out = Vec::new();
        append(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn header_values_are_printable_ascii() {
        assert_eq!(
            written(header_value, "http://a.example/?q=%20"),
            "http://a.example/?q=%20"
        );
        assert_eq!(
            written(header_value, "a b\r\nX: y\0é\u{7f}"),
            "a%20b%0D%0AX:%20y%00%C3%A9%7F"
        );
    }

    #[test]
    fn block_values_keep_readable_text() {
        assert_eq!(written(block_value, "Größe – 日本"), "Größe – 日本");
        assert_eq!(written(block_value, "\u{a0}a b\t"), "%C2%A0a b%09");
        assert_eq!(
            written(block_value, "a\r\nb\u{85}c\u{2028}d\u{202e}e"),
            "a%0D%0Ab%C2%85c%E2%80%A8d%E2%80%AEe"
        );
        assert_eq!(written(block_value, " \u{3000} "), "%20%E3%80%80%20");
    }

    #[test]
    fn names_are_tokens() {
        assert_eq!(written(name, "fetchTimeMs"), "fetchTimeMs");
        assert_eq!(written(name, "a: b\r\nc"), "a__b__c");
        assert_eq!(written(name, ""), "_");
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        assert_eq!(
            written(block_value, &"é".repeat(FIELD_VALUE_BYTES_MAX)).len(),
            FIELD_VALUE_BYTES_MAX
        );
        assert_eq!(
            written(header_value, &"a".repeat(FIELD_VALUE_BYTES_MAX + 9)).len(),
            FIELD_VALUE_BYTES_MAX
        );
    }

    /// Letter by letter, as the rule is told.
    fn block_value_by_letters(text: &str) -> String {
        let inner = text.trim().len();
        let start = text.len() - text.trim_start().len();
        let mut out = Vec::new();
        for (at, letter) in text.char_indices() {
            let mut utf8 = [0; 4];
            let bytes = letter.encode_utf8(&mut utf8).as_bytes();
            if is_hidden(letter) || at < start || at >= start + inner {
                bytes.iter().for_each(|&byte| percent(&mut out, byte));
            } else {
                out.extend_from_slice(bytes);
            }
        }
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn runs_are_copied_as_their_letters_would_be(text in "[ a-cä\u{202e}\u{a0}\t\n]{0,12}") {
            prop_assert_eq!(written(block_value, &text), block_value_by_letters(&text));
        }

        #[test]
        fn every_value_is_one_trimmed_line(text: String) {
            for value in [written(header_value, &text), written(block_value, &text), written(name, &text)] {
                prop_assert_eq!(value.trim(), value.as_str());
                prop_assert!(!value.chars().any(is_hidden));
            }
        }
    }
}
