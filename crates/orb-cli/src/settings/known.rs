//! Which keys there are, read off the serialised default, and which one was meant.
//!
//! In: the default settings as a table, the keys it leaves out. Out: what stands at a key; the nearest known key.
//! May touch: nothing but its arguments. Invariant: no key is listed here.

use toml::{Table, Value};

use super::key::Key;

/// How alike two keys must be, from 0 to 1, before one is offered for the other. At 0.7 three letters of ten may
/// differ; below it the offers in trials were seldom what was meant.
const LIKENESS_MIN: f64 = 0.7;

/// What stands at a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Standing<'a> {
    /// A table with known keys.
    Section,
    /// A setting, with its default.
    Leaf(&'a Value),
    /// An optional setting, or a place inside one, or inside a table with free names.
    Open,
    Unknown,
}

/// The known keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    defaults: &'a Table,
    optional: &'static [&'static str],
}

impl<'a> Known<'a> {
    pub(super) fn new(defaults: &'a Table, optional: &'static [&'static str]) -> Self {
        Self { defaults, optional }
    }

    /// An empty table of the default is one with free names, unless an optional key lies below it.
    pub(super) fn standing(&self, key: &Key) -> Standing<'a> {
        if self
            .optional_keys()
            .any(|optional| key.starts_with(&optional))
        {
            return Standing::Open;
        }
        let mut table = self.defaults;
        let mut reached = Key::default();
        for segment in key.segments() {
            reached = reached.child(segment);
            match table.get(segment) {
                None if self.is_above_optional(&reached) => return self.standing_outside(key),
                None => return Standing::Unknown,
                Some(Value::Table(below))
                    if below.is_empty() && !self.is_above_optional(&reached) =>
                {
                    return Standing::Open;
                }
                Some(Value::Table(below)) => table = below,
                Some(leaf) if reached == *key => return Standing::Leaf(leaf),
                Some(_) => return Standing::Unknown,
            }
        }
        Standing::Section
    }

    /// The default value of a setting.
    pub(super) fn default_of(&self, key: &Key) -> Option<&'a Value> {
        match self.standing(key) {
            Standing::Leaf(value) => Some(value),
            Standing::Section | Standing::Open | Standing::Unknown => None,
        }
    }

    /// The first setting below a section, as an example of how to name one.
    pub(super) fn example_below(&self, section: &Key) -> Option<Key> {
        self.settings()
            .into_iter()
            .find(|key| key.starts_with(section))
    }

    /// The known key most like `key`, if one is like it at all; the first of equals.
    pub(super) fn nearest(&self, key: &Key) -> Option<Key> {
        let mut best: Option<(f64, Key)> = None;
        for candidate in self.settings().into_iter().chain(self.sections()) {
            let likeness = likeness(key, &candidate);
            if likeness >= LIKENESS_MIN && best.as_ref().is_none_or(|(most, _)| likeness > *most) {
                best = Some((likeness, candidate));
            }
        }
        best.map(|(_, key)| key)
    }

    fn standing_outside(&self, key: &Key) -> Standing<'a> {
        if self.is_above_optional(key) {
            Standing::Section
        } else {
            Standing::Unknown
        }
    }

    fn is_above_optional(&self, key: &Key) -> bool {
        self.optional_keys()
            .any(|optional| optional.starts_with(key))
    }

    fn optional_keys(&self) -> impl Iterator<Item = Key> {
        self.optional
            .iter()
            .map(|text| Key::of(text.split('.').map(str::to_owned)))
    }

    fn settings(&self) -> Vec<Key> {
        let leaves = leaves(self.defaults).into_iter().map(|(key, _)| key);
        leaves.chain(self.optional_keys()).collect()
    }

    fn sections(&self) -> Vec<Key> {
        let mut found: Vec<Key> = Vec::new();
        for key in self.settings() {
            for length in 1..key.segments().len() {
                let section = Key::of(key.segments()[..length].iter().cloned());
                if !found.contains(&section) {
                    found.push(section);
                }
            }
        }
        found
    }
}

/// All settings of a table in order, tables with free names included when they are empty.
pub(super) fn leaves(table: &Table) -> Vec<(Key, &Value)> {
    let mut found = Vec::new();
    collect_leaves(&Key::default(), table, &mut found);
    found
}

fn collect_leaves<'a>(above: &Key, table: &'a Table, found: &mut Vec<(Key, &'a Value)>) {
    for (name, value) in table {
        let key = above.child(name);
        match value {
            Value::Table(below) if !below.is_empty() => collect_leaves(&key, below, found),
            _ => found.push((key, value)),
        }
    }
}

/// Whole keys are compared, and their last parts: a forgotten or wrong section is the commonest slip.
fn likeness(key: &Key, candidate: &Key) -> f64 {
    let whole = strsim::normalized_damerau_levenshtein(&key.to_string(), &candidate.to_string());
    let last = match (key.segments().last(), candidate.segments().last()) {
        (Some(key), Some(candidate)) => strsim::normalized_damerau_levenshtein(key, candidate),
        _ => 0.0,
    };
    // A likeness of the last part alone counts less, so that a slip in the section leads to that section.
    whole.max(last * 0.9)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONAL: &[&str] = &["contact", "fetch.proxy", "tls.ca"];

    fn defaults() -> Table {
        "memory_max = \"1GiB\"\n[politeness]\nsite_delay = \"1s\"\naddress_delay = \"500ms\"\n[groups]\n[tls]\n[fetch]\nattempts = 3"
            .parse()
            .unwrap()
    }

    fn check_standing(key: &str, check: impl Fn(Standing<'_>) -> bool) {
        let defaults = defaults();
        let standing = Known::new(&defaults, OPTIONAL).standing(&Key::parse(key).unwrap());
        assert!(check(standing), "{key}: {standing:?}");
    }

    fn check_nearest(key: &str, expected: Option<&str>) {
        let defaults = defaults();
        let nearest = Known::new(&defaults, OPTIONAL).nearest(&Key::parse(key).unwrap());
        assert_eq!(
            nearest.map(|key| key.to_string()).as_deref(),
            expected,
            "{key}"
        );
    }

    #[test]
    fn the_default_names_the_keys() {
        check_standing("memory_max", |standing| {
            matches!(standing, Standing::Leaf(_))
        });
        check_standing("politeness.site_delay", |standing| {
            matches!(standing, Standing::Leaf(_))
        });
        check_standing("politeness", |standing| standing == Standing::Section);
        check_standing("politeness.delay", |standing| standing == Standing::Unknown);
        check_standing("memory_max.bytes", |standing| standing == Standing::Unknown);
        check_standing("speed", |standing| standing == Standing::Unknown);
    }

    #[test]
    fn optional_keys_and_tables_with_free_names_are_open() {
        check_standing("contact", |standing| standing == Standing::Open);
        check_standing("fetch.proxy", |standing| standing == Standing::Open);
        check_standing("fetch.proxy.host", |standing| standing == Standing::Open);
        check_standing("groups.shop.delay", |standing| standing == Standing::Open);
        check_standing("tls.ca", |standing| standing == Standing::Open);
        check_standing("tls", |standing| standing == Standing::Section);
        check_standing("tls.cb", |standing| standing == Standing::Unknown);
    }

    #[test]
    fn a_slip_leads_to_the_key_that_was_meant() {
        check_nearest("politness.site_delay", Some("politeness.site_delay"));
        check_nearest("politeness.sitedelay", Some("politeness.site_delay"));
        check_nearest("site_delay", Some("politeness.site_delay"));
        check_nearest("fetch.site_delay", Some("politeness.site_delay"));
        check_nearest("politness", Some("politeness"));
        check_nearest("memory-max", Some("memory_max"));
        check_nearest("memory_max.x", Some("memory_max"));
        check_nearest("contcat", Some("contact"));
        check_nearest("fetch.porxy", Some("fetch.proxy"));
        check_nearest("colour", None);
    }
}
