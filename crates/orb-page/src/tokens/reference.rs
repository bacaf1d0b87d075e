//! Character references, newlines and NUL: from the characters written to those meant.
//!
//! In: raw text of a run, attribute value or comment. Out: decoded pieces (HTML Standard, 13.2.3.5 and
//! 13.2.5.72 to 13.2.5.80).
//! May touch: the list of named references of the `entities` crate. Must not touch: markup.
//! Invariant: at most a fixed number of bytes is looked at behind each `&`, so decoding is linear.

use std::borrow::Cow;
use std::sync::OnceLock;

use entities::ENTITIES;
use memchr::memchr3;

use super::ContentModel;

/// Bytes of the longest name without `&` and `;` (`CounterClockwiseContourIntegral`).
const NAME_BYTES_MAX: usize = 31;
/// Bytes of the longest name that also works without `;` (`frac12`, `Aacute`).
const LEGACY_BYTES_MAX: usize = 6;

/// What becomes of a NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nul {
    /// Markup text hands it on; the tree builder would drop it.
    Keep,
    Replace,
    Drop,
}

/// Which rules a piece of text is decoded by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    references: bool,
    in_attribute: bool,
    nul: Nul,
}

impl Rules {
    pub(crate) const ATTRIBUTE: Rules = Rules {
        references: true,
        in_attribute: true,
        nul: Nul::Replace,
    };
    pub(crate) const LITERAL: Rules = Rules {
        references: false,
        in_attribute: false,
        nul: Nul::Replace,
    };

    /// The same, with NUL dropped, as a tree builder does with text that is shown.
    pub(crate) fn for_readers(self) -> Rules {
        Rules {
            nul: Nul::Drop,
            ..self
        }
    }

    pub(crate) fn of(model: ContentModel) -> Rules {
        let (references, nul) = match model {
            ContentModel::Data => (true, Nul::Keep),
            ContentModel::Rcdata => (true, Nul::Replace),
            ContentModel::CdataSection => (false, Nul::Keep),
            ContentModel::Rawtext | ContentModel::ScriptData | ContentModel::Plaintext => {
                (false, Nul::Replace)
            }
        };
        Rules {
            references,
            in_attribute: false,
            nul,
        }
    }
}

/// Decodes, borrowing when nothing changes.
pub(super) fn decode(raw: &str, rules: Rules) -> Cow<'_, str> {
    if memchr3(b'&', b'\r', 0, raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    decode_each(raw, rules, |piece| text.push_str(piece));
    Cow::Owned(text)
}

/// Hands the decoded text to `sink` in pieces. Cost: O(bytes); allocates nothing.
pub(crate) fn decode_each(raw: &str, rules: Rules, mut sink: impl FnMut(&str)) {
    let bytes = raw.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    while let Some(hop) = memchr3(b'&', b'\r', 0, &bytes[at..]) {
        let special = at + hop;
        at = special + 1;
        let mut flush = |end: usize| {
            sink(&raw[copied..special]);
            copied = end;
            end
        };
        match bytes[special] {
            b'\r' => {
                if bytes.get(at) == Some(&b'\n') {
                    at = flush(at);
                } else {
                    at = flush(at);
                    sink("\n");
                }
            }
            b'&' if rules.references => {
                if let Some(reference) = resolve(raw, special, rules.in_attribute) {
                    at = flush(reference.end);
                    match reference.meaning {
                        Meaning::Named(text) => sink(text),
                        Meaning::Code(c) => sink(c.encode_utf8(&mut [0; 4])),
                    }
                }
            }
            b'&' => {}
            _ => match rules.nul {
                Nul::Keep => {}
                Nul::Drop => at = flush(at),
                Nul::Replace => {
                    at = flush(at);
                    sink("\u{FFFD}");
                }
            },
        }
    }
    sink(&raw[copied..]);
}

struct Reference {
    meaning: Meaning,
    end: usize,
}

enum Meaning {
    Named(&'static str),
    Code(char),
}

/// Resolves the reference whose `&` is at `start`; `None` when the `&` stands for itself.
fn resolve(raw: &str, start: usize, in_attribute: bool) -> Option<Reference> {
    let bytes = raw.as_bytes();
    match bytes.get(start + 1)? {
        b'#' => numeric(bytes, start + 2),
        byte if byte.is_ascii_alphanumeric() => named(raw, start + 1, in_attribute),
        _ => None,
    }
}

fn numeric(bytes: &[u8], start: usize) -> Option<Reference> {
    let (radix, digits_start) = match bytes.get(start)? {
        b'x' | b'X' => (16, start + 1),
        _ => (10, start),
    };
    let mut code: u32 = 0;
    let mut end = digits_start;
    while let Some(digit) = bytes.get(end).and_then(|b| char::from(*b).to_digit(radix)) {
        code = code.saturating_mul(radix).saturating_add(digit);
        end += 1;
    }
    if end == digits_start {
        return None;
    }
    if bytes.get(end) == Some(&b';') {
        end += 1;
    }
    Some(Reference {
        meaning: Meaning::Code(character(code)),
        end,
    })
}

/// HTML Standard, 13.2.5.80: NUL, surrogates and what lies beyond Unicode are replaced, C1 controls are
/// read as windows-1252, which is what their authors meant.
fn character(code: u32) -> char {
    const C1: [u32; 32] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0x8D, 0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013,
        0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
    ];
    let code = match code {
        0 => 0xFFFD,
        0x80..=0x9F => C1[(code - 0x80) as usize],
        _ => code,
    };
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The longest name of the list that the text begins with. All names are letters and digits, so a name
/// with `;` must be the whole run of those; only legacy names can be shorter than the run.
fn named(raw: &str, start: usize, in_attribute: bool) -> Option<Reference> {
    let bytes = &raw.as_bytes()[start..];
    let run = bytes
        .iter()
        .take(NAME_BYTES_MAX + 1)
        .take_while(|b| b.is_ascii_alphanumeric())
        .count();
    if bytes.get(run) == Some(&b';')
        && let Some(name) = find(&raw[start..start + run])
    {
        return Some(Reference {
            meaning: Meaning::Named(name.text),
            end: start + run + 1,
        });
    }
    // In an attribute a legacy name followed by a letter, a digit or `=` is part of a query.
    if in_attribute && (run > LEGACY_BYTES_MAX || bytes.get(run) == Some(&b'=')) {
        return None;
    }
    let shortest = if in_attribute { run } else { 2 };
    (shortest..=run.min(LEGACY_BYTES_MAX))
        .rev()
        .find_map(|length| {
            let name = find(&raw[start..start + length]).filter(|name| name.legacy)?;
            Some(Reference {
                meaning: Meaning::Named(name.text),
                end: start + length,
            })
        })
}

/// A named reference; `name` is without `&` and `;`.
struct Named {
    name: &'static str,
    text: &'static str,
    /// Whether it also works without `;`.
    legacy: bool,
}

impl Named {
    const fn common(name: &'static str, text: &'static str) -> Named {
        Named {
            name,
            text,
            legacy: true,
        }
    }
}

/// Cost: O(log names) comparisons of short strings; nearly every reference on the web is one of five.
fn find(name: &str) -> Option<&'static Named> {
    static COMMON: [Named; 5] = [
        Named::common("amp", "&"),
        Named::common("quot", "\""),
        Named::common("nbsp", "\u{a0}"),
        Named::common("lt", "<"),
        Named::common("gt", ">"),
    ];
    if let Some(common) = COMMON.iter().find(|common| common.name == name) {
        return Some(common);
    }
    let table = table();
    let index = table.binary_search_by(|entry| entry.name.cmp(name)).ok()?;
    table.get(index)
}

/// The list sorted by name, with and without `;` folded into one entry (they never differ in meaning).
fn table() -> &'static [Named] {
    static TABLE: OnceLock<Box<[Named]>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut all: Vec<Named> = ENTITIES
            .iter()
            .map(|entity| {
                let name = entity.entity.trim_start_matches('&');
                Named {
                    name: name.trim_end_matches(';'),
                    text: entity.characters,
                    legacy: !name.ends_with(';'),
                }
            })
            .collect();
        all.sort_by_key(|entry| (entry.name, !entry.legacy));
        all.dedup_by_key(|entry| entry.name);
        all.into_boxed_slice()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, in_text: &str, in_attribute: &str) {
        assert_eq!(
            decode(raw, Rules::of(ContentModel::Data)),
            in_text,
            "{raw:?} in text"
        );
        assert_eq!(
            decode(raw, Rules::ATTRIBUTE),
            in_attribute,
            "{raw:?} in an attribute"
        );
    }

    #[test]
    fn the_table_is_the_closed_list_of_the_standard() {
        assert_eq!(table().len(), 2_125);
        assert_eq!(table().iter().filter(|name| name.legacy).count(), 106);
        assert!(
            table()
                .iter()
                .all(|entry| entry.name.len() <= NAME_BYTES_MAX)
        );
        assert!(
            table()
                .iter()
                .all(|entry| !entry.legacy || entry.name.len() <= LEGACY_BYTES_MAX)
        );
    }

    #[test]
    fn named_references_match_the_longest_name() {
        check(
            "&amp;&lt;&CounterClockwiseContourIntegral;",
            "&<\u{2233}",
            "&<\u{2233}",
        );
        check("&notin; &notit;", "\u{2209} \u{ac}it;", "\u{2209} &notit;");
        check("&NotEqualTilde;", "\u{2242}\u{338}", "\u{2242}\u{338}");
        check("&unknown; & &; &", "&unknown; & &; &", "&unknown; & &; &");
    }

    #[test]
    fn a_query_in_an_attribute_stays_what_it_is() {
        check("?a=1&copy=2", "?a=1\u{a9}=2", "?a=1&copy=2");
        check("?a=1&copy2=3", "?a=1\u{a9}2=3", "?a=1&copy2=3");
        check("?a=1&copy", "?a=1\u{a9}", "?a=1\u{a9}");
        check("?a=1&copy&b", "?a=1\u{a9}&b", "?a=1\u{a9}&b");
    }

    #[test]
    fn numeric_references() {
        check("&#65;&#x42;&#X43&#68", "ABCD", "ABCD");
        check(
            "&#0;&#xD800;&#x110000;&#99999999999;",
            "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}",
            "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}",
        );
        check("&#x80;&#150;", "\u{20AC}\u{2013}", "\u{20AC}\u{2013}");
        check("&#; &#x; &#xg;", "&#; &#x; &#xg;", "&#; &#x; &#xg;");
    }

    #[test]
    fn newlines_are_normalised_unless_referred_to() {
        check("a\r\nb\rc\nd\r\r\n", "a\nb\nc\nd\n\n", "a\nb\nc\nd\n\n");
        check("&#13;", "\r", "\r");
    }
}
