//! The encoding a page declares about itself, found before it can be decoded.
//!
//! In: the first bytes of the body. Out: the encoding they name (HTML Standard, 13.2.3.2, "prescan a
//! byte stream to determine its encoding", and "get an XML encoding").
//! May touch: `encoding_rs` for labels. Must not touch: the tokenizer, which needs text.
//! Invariant: looks at no byte behind those given.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, X_USER_DEFINED};
use memchr::{memchr, memmem};

/// Returns the declared encoding. `head`: the first kilobyte. Cost: O(bytes), a few small allocations.
pub(crate) fn declared_encoding(head: &[u8]) -> Option<&'static Encoding> {
    if head.starts_with(b"<\0?\0x\0") {
        return Some(UTF_16LE);
    }
    if head.starts_with(b"\0<\0?\0x") {
        return Some(UTF_16BE);
    }
    Prescan { head, at: 0 }
        .meta_encoding()
        .or_else(|| xml_encoding(head))
}

struct Prescan<'a> {
    head: &'a [u8],
    at: usize,
}

impl Prescan<'_> {
    fn meta_encoding(&mut self) -> Option<&'static Encoding> {
        while self.at < self.head.len() {
            let rest = &self.head[self.at..];
            if rest.starts_with(b"<!--") {
                self.at += 2 + memmem::find(&rest[2..], b"-->")? + 3;
            } else if is_meta(rest) {
                self.at += 5;
                if let Some(encoding) = self.meta()? {
                    return Some(encoding);
                }
            } else if begins_tag(rest) {
                self.at += rest.iter().position(|b| is_space(*b) || *b == b'>')?;
                while self.attribute()?.is_some() {}
            } else if rest[0] == b'<' && matches!(rest.get(1), Some(b'!' | b'/' | b'?')) {
                self.at += memchr(b'>', rest)? + 1;
            } else {
                self.at += memchr(b'<', &rest[1..])? + 1;
            }
        }
        None
    }

    /// Behind `<meta`. The outer `None`: the bytes ended.
    fn meta(&mut self) -> Option<Option<&'static Encoding>> {
        let mut seen: Vec<Vec<u8>> = Vec::new();
        let mut has_pragma = false;
        let mut needs_pragma = None;
        let mut declared = None;
        while let Some((name, value)) = self.attribute()? {
            if seen.contains(&name) {
                continue;
            }
            match name.as_slice() {
                b"http-equiv" => has_pragma = value == b"content-type",
                b"content" if declared.is_none() => {
                    if let Some(encoding) = encoding_of_content(&value) {
                        declared = Some(Some(encoding));
                        needs_pragma = Some(true);
                    }
                }
                b"charset" => {
                    declared = Some(Encoding::for_label(&value));
                    needs_pragma = Some(false);
                }
                _ => continue,
            }
            seen.push(name);
        }
        if needs_pragma.is_none() || (needs_pragma == Some(true) && !has_pragma) {
            return Some(None);
        }
        Some(declared.flatten().map(as_declared_in_ascii))
    }

    /// "Get an attribute": name and value in lower-case. The outer `None`: the bytes ended.
    fn attribute(&mut self) -> Option<Option<(Vec<u8>, Vec<u8>)>> {
        while is_space(self.peek()?) || self.peek()? == b'/' {
            self.at += 1;
        }
        if self.peek()? == b'>' {
            return Some(None);
        }
        let mut name = Vec::new();
        loop {
            match self.peek()? {
                b'=' if !name.is_empty() => break,
                byte if is_space(byte) => break,
                b'/' | b'>' => return Some(Some((name, Vec::new()))),
                byte => name.push(byte.to_ascii_lowercase()),
            }
            self.at += 1;
        }
        self.skip_space()?;
        if self.peek()? != b'=' {
            return Some(Some((name, Vec::new())));
        }
        self.at += 1;
        self.skip_space()?;
        let value = self.value()?;
        Some(Some((name, value)))
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        let rest = &self.head[self.at..];
        let (start, length) = match self.peek()? {
            quote @ (b'"' | b'\'') => (1, memchr(quote, &rest[1..])?),
            _ => (0, rest.iter().position(|b| is_space(*b) || *b == b'>')?),
        };
        self.at += start + length + start;
        Some(rest[start..start + length].to_ascii_lowercase())
    }

    fn peek(&self) -> Option<u8> {
        self.head.get(self.at).copied()
    }

    fn skip_space(&mut self) -> Option<()> {
        while is_space(self.peek()?) {
            self.at += 1;
        }
        Some(())
    }
}

fn is_meta(rest: &[u8]) -> bool {
    rest.len() > 5
        && rest[..5].eq_ignore_ascii_case(b"<meta")
        && (is_space(rest[5]) || rest[5] == b'/')
}

fn begins_tag(rest: &[u8]) -> bool {
    let name = rest.strip_prefix(b"</").or_else(|| rest.strip_prefix(b"<"));
    name.and_then(<[u8]>::first)
        .is_some_and(u8::is_ascii_alphabetic)
}

/// "Extracting a character encoding from a meta element", on a lower-case value.
fn encoding_of_content(value: &[u8]) -> Option<&'static Encoding> {
    let mut rest = value;
    loop {
        rest = &rest[memmem::find(rest, b"charset")? + 7..];
        let after = rest.trim_ascii_start();
        let Some(after) = after.strip_prefix(b"=") else {
            continue;
        };
        let after = after.trim_ascii_start();
        let label = match after.first()? {
            quote @ (b'"' | b'\'') => {
                let inner = &after[1..];
                &inner[..memchr(*quote, inner)?]
            }
            _ => {
                let end = after.iter().position(|b| is_space(*b) || *b == b';');
                &after[..end.unwrap_or(after.len())]
            }
        };
        return Encoding::for_label(label);
    }
}

/// The `encoding` of an XML declaration, which browsers heed in HTML too.
fn xml_encoding(head: &[u8]) -> Option<&'static Encoding> {
    if !head.starts_with(b"<?xml") {
        return None;
    }
    let declaration = &head[..memchr(b'>', head)?];
    let rest = &declaration[memmem::find(declaration, b"encoding")? + 8..];
    let rest = skip_controls(rest).strip_prefix(b"=")?;
    let rest = skip_controls(rest);
    let quote = *rest.first().filter(|b| matches!(b, b'"' | b'\''))?;
    let inner = &rest[1..];
    let label = &inner[..memchr(quote, inner)?];
    if label.iter().any(|b| *b <= 0x20) {
        return None;
    }
    Encoding::for_label(label).map(|encoding| {
        if encoding == UTF_16BE || encoding == UTF_16LE {
            UTF_8
        } else {
            encoding
        }
    })
}

fn skip_controls(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|b| *b > 0x20).unwrap_or(bytes.len());
    &bytes[start..]
}

/// A declaration that could be read byte by byte is not in UTF-16, whatever it says.
fn as_declared_in_ascii(encoding: &'static Encoding) -> &'static Encoding {
    if encoding == UTF_16BE || encoding == UTF_16LE {
        UTF_8
    } else if encoding == X_USER_DEFINED {
        WINDOWS_1252
    } else {
        encoding
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::declared_encoding;

    fn check(head: &str, expected: Option<&str>) {
        let found = declared_encoding(head.as_bytes()).map(|encoding| encoding.name());
        assert_eq!(found, expected, "{head:?}");
    }

    #[test]
    fn a_meta_declares() {
        let koi = Some("KOI8-R");
        check("<meta charset=koi8-r>", koi);
        check("<META/CHARSET = 'KOI8-R' >", koi);
        check("<p a='<meta charset=utf-8>'><meta charset=\"koi8-r\">", koi);
        check(
            "<meta http-equiv=content-type content='text/html; charset=koi8-r'>",
            koi,
        );
        check(
            "<meta content='x charset charset = \"koi8-r\" y' http-equiv=Content-Type>",
            koi,
        );
        check("<meta charset=koi8-r charset=utf-8>", koi);
        check("</p a><!x><?y?><meta charset=koi8-r>", koi);
    }

    #[test]
    fn what_is_no_declaration() {
        check("<meta content='text/html; charset=koi8-r'>", None);
        check("<meta name=a content='charset=koi8-r'>", None);
        check("<!-- <meta charset=koi8-r> -->", None);
        check("<metal charset=koi8-r>", None);
        check("<meta charset=nonsense>", None);
        check("<meta charset=koi8-r", None);
        check("plain", None);
        check("", None);
    }

    /// The comment's opening dashes may be its closing ones.
    #[test]
    fn comments_end_as_in_the_standard() {
        check("<!--><meta charset=koi8-r>", Some("KOI8-R"));
        check("<!-- a --><meta charset=koi8-r>", Some("KOI8-R"));
    }

    #[test]
    fn utf_16_cannot_be_declared_in_ascii() {
        check("<meta charset=utf-16>", Some("UTF-8"));
        check("<meta charset=x-user-defined>", Some("windows-1252"));
        check("<?xml version='1.0' encoding='utf-16'?>", Some("UTF-8"));
        check("<\0?\0x\0m\0", Some("UTF-16LE"));
        check("\0<\0?\0x\0m", Some("UTF-16BE"));
    }

    #[test]
    fn an_xml_declaration_is_the_last_resort() {
        check(
            "<?xml version='1.0' encoding=\"koi8-r\"?><html>",
            Some("KOI8-R"),
        );
        check(
            "<?xml encoding='utf-8'?><meta charset=koi8-r>",
            Some("KOI8-R"),
        );
        check("<?xml encoding='koi8-r '?>", None);
    }
}
