//! From the bytes of a body to text.
//!
//! In: bytes, and the `charset` of their Content-Type. Out: UTF-8 text, and how the encoding was found.
//! May touch: `prescan`, `encoding_rs`, `chardetng`. Must not touch: markup beyond the prescan.
//! Invariant: at most [`GUESS_BYTES_MAX`] bytes are ever guessed on; UTF-8 is validated, not guessed.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

use crate::limits::{GUESS_BYTES_MAX, PRESCAN_BYTES_MAX};
use crate::prescan;

/// What decided the encoding of a text; in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CharsetSource {
    /// A byte order mark.
    Bom,
    /// `charset` of the Content-Type field.
    Header,
    /// `<meta charset>` or the like in the first kilobyte, or an XML declaration.
    Meta,
    /// Nothing declared, and the bytes are UTF-8.
    Utf8,
    /// Nothing declared, not UTF-8: guessed.
    Guess,
}

/// A body as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The text, without byte order mark; borrowed when the bytes already were UTF-8.
    pub text: Cow<'a, str>,
    /// The encoding's name (Encoding Standard), for example `windows-1252`.
    pub encoding: &'static str,
    /// How it was found.
    pub source: CharsetSource,
    /// Whether malformed sequences were replaced by U+FFFD.
    pub had_errors: bool,
}

/// Decodes a body: byte order mark, then `content_type_charset`, then the prescan of the first kilobyte,
/// then UTF-8 if it is that, then a guess (HTML Standard, 13.2.3.2).
///
/// - `content_type_charset`: the parameter's value as received; an unknown label counts as absent.
/// - UTF-8 that is cut off inside its last character is still UTF-8.
/// - Cost: O(bytes); copies unless the bytes are UTF-8.
pub fn decode_text<'a>(bytes: &'a [u8], content_type_charset: Option<&str>) -> Text<'a> {
    if let Some((encoding, bom_bytes)) = Encoding::for_bom(bytes) {
        return decode_as(&bytes[bom_bytes..], encoding, CharsetSource::Bom);
    }
    if let Some(encoding) = content_type_charset.and_then(by_label) {
        return decode_as(bytes, encoding, CharsetSource::Header);
    }
    let head = &bytes[..bytes.len().min(PRESCAN_BYTES_MAX)];
    if let Some(encoding) = prescan::declared_encoding(head) {
        return decode_as(bytes, encoding, CharsetSource::Meta);
    }
    // The wide check first: nearly every page passes it. Only the slow one tells where a page went wrong.
    if let Some(text) = UTF_8.decode_without_bom_handling_and_without_replacement(bytes) {
        return Text {
            text,
            encoding: UTF_8.name(),
            source: CharsetSource::Utf8,
            had_errors: false,
        };
    }
    if is_cut_utf_8(bytes) {
        decode_as(bytes, UTF_8, CharsetSource::Utf8)
    } else {
        decode_as(bytes, guess(bytes), CharsetSource::Guess)
    }
}

/// The `charset` of a content type (RFC 9110, 8.3.1), as written.
pub fn charset_of(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"'))
    })
}

/// Whether the only fault of the bytes is that they end inside a character, and they are more than ASCII.
fn is_cut_utf_8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_err_and(|error| error.error_len().is_none() && !bytes[..error.valid_up_to()].is_ascii())
}

fn by_label(label: &str) -> Option<&'static Encoding> {
    let bare = label.trim_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\''));
    Encoding::for_label(bare.as_bytes())
}

fn decode_as<'a>(bytes: &'a [u8], encoding: &'static Encoding, source: CharsetSource) -> Text<'a> {
    let (text, had_errors) = encoding.decode_without_bom_handling(bytes);
    Text {
        text,
        encoding: encoding.name(),
        source,
        had_errors,
    }
}

/// Guesses from the first bytes that say anything: plain ASCII before them is skipped.
fn guess(bytes: &[u8]) -> &'static Encoding {
    /// ASCII kept before the first other byte, because letters around it are evidence.
    const CONTEXT_BYTES: usize = 64;
    let start = Encoding::ascii_valid_up_to(bytes).saturating_sub(CONTEXT_BYTES);
    let end = bytes.len().min(start + GUESS_BYTES_MAX);
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&bytes[start..end], end == bytes.len());
    detector.guess(None, Utf8Detection::Allow)
}

#[cfg(test)]
mod tests {
    use super::*;

    const META: &str = "<!DOCTYPE html><meta charset=windows-1251>";

    fn check(bytes: &[u8], header: Option<&str>, encoding: &str, source: CharsetSource) {
        let text = decode_text(bytes, header);
        assert_eq!(
            (text.encoding, text.source),
            (encoding, source),
            "{bytes:?}"
        );
    }

    #[test]
    fn the_charset_of_a_content_type_is_found() {
        assert_eq!(
            charset_of("text/html; Charset=\"ISO-8859-1\""),
            Some("ISO-8859-1")
        );
        assert_eq!(charset_of("text/html"), None);
    }

    #[test]
    fn each_source_gives_way_to_the_one_before() {
        let bom = [b"\xEF\xBB\xBF", META.as_bytes()].concat();
        check(&bom, Some("koi8-r"), "UTF-8", CharsetSource::Bom);
        check(
            META.as_bytes(),
            Some("koi8-r"),
            "KOI8-R",
            CharsetSource::Header,
        );
        check(
            META.as_bytes(),
            Some("nonsense"),
            "windows-1251",
            CharsetSource::Meta,
        );
        check(META.as_bytes(), None, "windows-1251", CharsetSource::Meta);
        check(
            "plain \u{e9}".as_bytes(),
            None,
            "UTF-8",
            CharsetSource::Utf8,
        );
        check(b"", None, "UTF-8", CharsetSource::Utf8);
        check(
            b"caf\xE9 au lait",
            None,
            "windows-1252",
            CharsetSource::Guess,
        );
    }

    #[test]
    fn labels_are_read_as_browsers_read_them() {
        check(b"x", Some(" \"UTF-8\" "), "UTF-8", CharsetSource::Header);
        check(b"x", Some("latin1"), "windows-1252", CharsetSource::Header);
        check(b"x", Some("utf-7"), "UTF-8", CharsetSource::Utf8);
    }

    #[test]
    fn utf_16_needs_its_mark_or_its_label() {
        check(b"\xFF\xFEa\0", None, "UTF-16LE", CharsetSource::Bom);
        assert_eq!(decode_text(b"\xFE\xFF\0a", None).text, "a");
        assert_eq!(decode_text(b"a\0", Some("utf-16le")).text, "a");
    }

    #[test]
    fn utf_8_cut_inside_a_character_stays_utf_8() {
        let text = decode_text("\u{e9}\u{20ac}".as_bytes().split_last().unwrap().1, None);
        assert_eq!((text.encoding, text.source), ("UTF-8", CharsetSource::Utf8));
        assert_eq!(text.text, "\u{e9}\u{FFFD}");
        assert!(text.had_errors);
    }

    #[test]
    fn valid_utf_8_is_borrowed() {
        assert!(matches!(
            decode_text("\u{e9}".as_bytes(), None).text,
            Cow::Borrowed(_)
        ));
        assert!(matches!(
            decode_text("\u{e9}".as_bytes(), Some("utf8")).text,
            Cow::Borrowed(_)
        ));
    }

    /// The evidence may start far behind the first kilobytes of a page that begins with scripts.
    #[test]
    fn the_guess_looks_where_the_text_is() {
        let russian = encoding_rs::WINDOWS_1251
            .encode("Съешь же ещё этих мягких французских булок")
            .0;
        let late = [&vec![b' '; 4 * GUESS_BYTES_MAX], &russian[..]].concat();
        check(&late, None, "windows-1251", CharsetSource::Guess);
    }

    /// The guess reads a prefix only, so what follows cannot change it.
    #[test]
    fn the_guess_is_bounded() {
        let page = b"caf\xE9 au lait ".repeat(GUESS_BYTES_MAX / 8);
        let long = [&page[..], &b"\x81\x8D\xFF".repeat(1_000)].concat();
        assert_eq!(
            decode_text(&page, None).encoding,
            decode_text(&long, None).encoding
        );
    }
}
