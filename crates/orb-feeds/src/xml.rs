//! What every reader of foreign XML here needs: names without prefixes, and references without a DTD.
//!
//! In: names as written. Out: their parts, characters. May touch: nothing. Must not touch: documents.
//! Invariant: no entity is known but the five of XML.

use std::borrow::Cow;

/// The prefix of a name (empty where there is none) and the name without it.
#[must_use]
pub fn split_name(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}

/// The character that a reference stands for (XML 1.0, 4.1 and 4.6).
///
/// - `name`: what stands between `&` and `;`, as in `amp`, `#233`, `#xE9`.
/// - `None` for any other entity, and for what is no character or NUL.
#[must_use]
pub fn referenced(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            code.ok()
                .and_then(char::from_u32)
                .filter(|letter| *letter != '\0')
        }
    }
}

/// The value of an attribute, its references resolved; what is none of them stays as written.
#[must_use]
pub fn unescaped(written: &str) -> Cow<'_, str> {
    let mut parts = written.split('&');
    let first = parts.next().unwrap_or("");
    if first.len() == written.len() {
        return Cow::Borrowed(written);
    }
    let mut text = String::with_capacity(written.len());
    text.push_str(first);
    for part in parts {
        let found = part
            .split_once(';')
            .and_then(|(name, rest)| Some((referenced(name)?, rest)));
        if let Some((letter, rest)) = found {
            text.push(letter);
            text.push_str(rest);
        } else {
            text.push('&');
            text.push_str(part);
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_characters_and_five_names() {
        for (name, expected) in [
            ("amp", Some('&')),
            ("#233", Some('é')),
            ("#xe9", Some('é')),
            ("#X1F600", Some('😀')),
            ("eacute", None),
            ("#0", None),
            ("#xD800", None),
            ("#x110000", None),
            ("#99999999999999999999", None),
            ("#", None),
            ("", None),
        ] {
            assert_eq!(referenced(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_no_reference_stays() {
        assert_eq!(
            unescaped("/?a=1&amp;b=2&c=3&copy;&#65;&"),
            "/?a=1&b=2&c=3&copy;A&"
        );
        assert!(matches!(unescaped("/plain"), Cow::Borrowed("/plain")));
        assert_eq!(unescaped("&amp;lt;"), "&lt;");
    }

    #[test]
    fn names_have_a_prefix_or_none() {
        assert_eq!(split_name("image:loc"), ("image", "loc"));
        assert_eq!(split_name("loc"), ("", "loc"));
    }
}
