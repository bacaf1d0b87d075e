//! Named fields in their order: the header of a record, or a block of `application/warc-fields`.
//!
//! In: bytes up to and with the empty line. Out: the fields and what was odd about them.
//! May touch: nothing else.
//! Invariant: parsing never fails; at most `FIELDS_MAX` fields are kept, order and repetition as found.

use memchr::memchr;

use crate::limits::FIELDS_MAX;
use crate::oddity::{Oddity, note};

/// Fields in the order of the file; names compare without regard to case (WARC 1.1, 4), repeats are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// Every value of `name`, in order.
    pub fn get_all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.iter()
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Number of fields, repeats counted.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads field lines up to an empty line or the end of `bytes`, and says what was odd.
    ///
    /// Bare LF, folded lines, lines without a colon (dropped) and text that is not UTF-8 (replaced) are oddities.
    pub fn parse(mut bytes: &[u8]) -> (Self, Vec<Oddity>) {
        let mut fields = Vec::new();
        let mut oddities = Vec::new();
        while !bytes.is_empty() {
            let end = memchr(b'\n', bytes);
            let line = &bytes[..end.unwrap_or(bytes.len())];
            bytes = &bytes[end.map_or(bytes.len(), |at| at + 1)..];
            let line = match line.strip_suffix(b"\r") {
                Some(line) => line,
                None => {
                    note(&mut oddities, Oddity::LineEnd);
                    line
                }
            };
            if line.is_empty() {
                break;
            }
            add_line(&mut fields, line, &mut oddities);
        }
        (Self(fields), oddities)
    }
}

fn add_line(fields: &mut Vec<(String, String)>, line: &[u8], oddities: &mut Vec<Oddity>) {
    let text = String::from_utf8_lossy(line);
    if matches!(text, std::borrow::Cow::Owned(_)) {
        note(oddities, Oddity::NotUtf8);
    }
    if line[0] == b' ' || line[0] == b'\t' {
        note(oddities, Oddity::FoldedLine);
        if let Some((_, value)) = fields.last_mut() {
            value.push(' ');
            value.push_str(text.trim_ascii());
        }
        return;
    }
    match text.split_once(':') {
        Some(_) if fields.len() >= FIELDS_MAX => note(oddities, Oddity::FieldsCut),
        Some((name, value)) => {
            fields.push((name.trim_ascii().to_owned(), value.trim_ascii().to_owned()))
        }
        None => note(oddities, Oddity::NoColon),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &[u8], fields: &[(&str, &str)], oddities: &[Oddity]) {
        let (found, odd) = Fields::parse(text);
        assert_eq!(found.iter().collect::<Vec<_>>(), fields);
        assert_eq!(odd, oddities);
    }

    #[test]
    fn fields_keep_order_and_repeats() {
        check(
            b"b: 1\r\nA:2\r\nb:  3 \r\n\r\nrest: x\r\n",
            &[("b", "1"), ("A", "2"), ("b", "3")],
            &[],
        );
        let (fields, _) = Fields::parse(b"WARC-Protocol: h2\r\nwarc-protocol: tls/1.3\r\n");
        assert_eq!(
            fields.get_all("Warc-PROTOCOL").collect::<Vec<_>>(),
            ["h2", "tls/1.3"]
        );
        assert_eq!(
            (
                fields.get("warc-protocol"),
                fields.get("none"),
                fields.len()
            ),
            (Some("h2"), None, 2)
        );
    }

    #[test]
    fn odd_lines_are_read_and_reported() {
        check(
            b"a: 1\nb: 2\n\n",
            &[("a", "1"), ("b", "2")],
            &[Oddity::LineEnd],
        );
        check(
            b"a: 1\r\n  more\r\n",
            &[("a", "1 more")],
            &[Oddity::FoldedLine],
        );
        check(
            b"nothing\r\na: \xff\r\n",
            &[("a", "\u{fffd}")],
            &[Oddity::NoColon, Oddity::NotUtf8],
        );
        check(b"a: 1", &[("a", "1")], &[Oddity::LineEnd]);
    }

    #[test]
    fn fields_beyond_the_limit_are_dropped() {
        let (fields, odd) = Fields::parse("a: 1\r\n".repeat(FIELDS_MAX + 2).as_bytes());
        assert_eq!((fields.len(), odd), (FIELDS_MAX, vec![Oddity::FieldsCut]));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            Fields::parse(&bytes);
        }
    }
}
