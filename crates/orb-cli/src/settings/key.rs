//! Dotted keys, such as `politeness.site_delay`.
//!
//! In: texts, and paths of the deserialiser. Out: a [`Key`]. May touch: nothing.

use std::fmt;

use serde_path_to_error::{Path, Segment};
use toml::de::{DeTable, DeValue};

/// A path into the settings. Displays with dots; parts that TOML would quote are quoted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Key(Vec<String>);

impl Key {
    /// Reads a key as TOML writes it left of `=`; `None` when it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let line = format!("{text} = 0");
        let table = DeTable::parse(&line)
            .ok()
            .filter(|_| !text.contains('\n'))?;
        let mut segments = Vec::new();
        let mut below = table.get_ref();
        loop {
            let (name, value) = below.iter().next()?;
            segments.push(name.get_ref().clone().into_owned());
            match value.get_ref() {
                DeValue::Table(table) => below = table,
                _ => return Some(Self(segments)),
            }
        }
    }

    /// The named part of a path: what lies inside an array is its array's.
    pub(super) fn of_path(path: &Path) -> Self {
        let names = path.iter().map_while(|segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { variant } => Some(variant.clone()),
            Segment::Seq { .. } | Segment::Unknown => None,
        });
        Self(names.collect())
    }

    pub(super) fn of(segments: impl IntoIterator<Item = String>) -> Self {
        Self(segments.into_iter().collect())
    }

    pub(super) fn child(&self, name: &str) -> Self {
        let mut segments = self.0.clone();
        segments.push(name.to_owned());
        Self(segments)
    }

    pub(super) fn segments(&self) -> &[String] {
        &self.0
    }

    pub(super) fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            let is_bare =
                |letter: u8| letter.is_ascii_alphanumeric() || letter == b'_' || letter == b'-';
            if !segment.is_empty() && segment.bytes().all(is_bare) {
                f.write_str(segment)?;
            } else {
                write!(f, "{segment:?}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_and_write_as_in_toml() {
        for text in [
            "memory_max",
            "politeness.site_delay",
            "groups.\"example.com\".delay",
        ] {
            assert_eq!(Key::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Key::parse(" a . b ").unwrap().to_string(), "a.b");
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in ["", ".", "a.", "a b", "a\nb", "a = 1\nb", "[a]", "#"] {
            assert_eq!(Key::parse(text), None, "{text:?}");
        }
    }
}
