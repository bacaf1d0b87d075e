//! From a document's bytes to its text.
//!
//! In: bytes. Out: text. May touch: the encodings of the web. Must not touch: HTTP; sitemaps say themselves what they
//! are written in.
//! Invariant: the encoding depends on the first bytes alone, so a document that breaks off is read like the whole one.
//! No guess: XML without a declaration is UTF-8 (XML 1.0, 4.3.3).

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

use crate::limits::DECLARATION_BYTES_MAX;
use crate::oddity::{Oddities, OddityKind};

/// Encodings whose text is ASCII that hides other characters, markup among them; browsers dropped them for that.
const REFUSED: [&str; 5] = ["utf-7", "utf7", "unicode-1-1-utf-7", "scsu", "bocu-1"];

/// The text, without byte order mark; `None` when the encoding is refused.
pub(crate) fn text<'b>(bytes: &'b [u8], oddities: &mut Oddities) -> Option<Cow<'b, str>> {
    let (encoding, mark_bytes) = match Encoding::for_bom(bytes) {
        Some(found) => found,
        // XML 1.0, appendix F: how `<` looks in sixteen bits.
        None if bytes.starts_with(b"<\0") => (UTF_16LE, 0),
        None if bytes.starts_with(b"\0<") => (UTF_16BE, 0),
        None => (declared(bytes, oddities)?, 0),
    };
    let (text, had_errors) = encoding.decode_without_bom_handling(&bytes[mark_bytes..]);
    if had_errors {
        oddities.note(OddityKind::BadBytes);
    }
    Some(text)
}

/// What the XML declaration names.
fn declared(bytes: &[u8], oddities: &mut Oddities) -> Option<&'static Encoding> {
    let Some(label) = label(bytes) else {
        return Some(UTF_8);
    };
    let label = label.trim_ascii();
    let is_refused = REFUSED
        .iter()
        .any(|name| label.eq_ignore_ascii_case(name.as_bytes()));
    match Encoding::for_label(label) {
        _ if is_refused => {
            oddities.note(OddityKind::RefusedEncoding);
            None
        }
        Some(encoding) if encoding == REPLACEMENT => {
            oddities.note(OddityKind::RefusedEncoding);
            None
        }
        // The declaration was read in bytes of eight bits, so it is wrong.
        Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => Some(UTF_8),
        Some(encoding) => Some(encoding),
        None => {
            oddities.note(OddityKind::UnknownEncoding);
            Some(UTF_8)
        }
    }
}

/// The value of `encoding` in `<?xml … ?>`.
fn label(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.trim_ascii_start();
    let head = &bytes[..bytes.len().min(DECLARATION_BYTES_MAX)];
    let inside = head.strip_prefix(b"<?xml")?;
    let inside = &inside[..memchr::memmem::find(inside, b"?>")?];
    let at = memchr::memmem::find(inside, b"encoding")? + b"encoding".len();
    let value = inside[at..]
        .trim_ascii_start()
        .strip_prefix(b"=")?
        .trim_ascii_start();
    let (&quote, value) = value.split_first()?;
    let end = memchr::memchr(quote, value)?;
    matches!(quote, b'"' | b'\'').then(|| &value[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Option<&str>, odd: &[OddityKind]) {
        let mut oddities = Oddities::default();
        assert_eq!(text(bytes, &mut oddities).as_deref(), expected);
        let kinds: Vec<_> = oddities.0.iter().map(|oddity| oddity.kind).collect();
        assert_eq!(kinds, odd, "{bytes:?}");
    }

    #[test]
    fn the_first_bytes_name_the_encoding() {
        check(b"\xEF\xBB\xBF<a/>", Some("<a/>"), &[]);
        check(b"\xFF\xFE<\0a\0>\0", Some("<a>"), &[]);
        check(b"\xFE\xFF\0<\0a\0>", Some("<a>"), &[]);
        check(b"<\0a\0>\0", Some("<a>"), &[]);
        check(b"\0<\0a\0>", Some("<a>"), &[]);
        check("<é>".as_bytes(), Some("<é>"), &[]);
        let declared = b"<?xml version=\"1.0\" encoding='ISO-8859-1'?>\xE9";
        check(
            declared,
            Some("<?xml version=\"1.0\" encoding='ISO-8859-1'?>é"),
            &[],
        );
        let wide = "<?xml encoding=\"UTF-16\"?>é";
        check(wide.as_bytes(), Some(wide), &[]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        use OddityKind::{BadBytes, RefusedEncoding, UnknownEncoding};
        check(b"<\xE9>", Some("<\u{FFFD}>"), &[BadBytes]);
        let unknown = "<?xml encoding=\"utf8mb4\"?>";
        check(unknown.as_bytes(), Some(unknown), &[UnknownEncoding]);
        check(b"<?xml encoding=\"utf-7\"?>+ADw-", None, &[RefusedEncoding]);
        check(
            b"<?xml encoding=\"ISO-2022-KR\"?>",
            None,
            &[RefusedEncoding],
        );
        // Not closed: no declaration.
        check(
            b"<?xml encoding=\"utf-7\"",
            Some("<?xml encoding=\"utf-7\""),
            &[],
        );
    }
}
