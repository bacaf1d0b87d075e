//! Names of settings and profiles as arguments: what completions offer, what is refused and how.
//!
//! In: arguments. Out: names. May touch: `settings`. Must not touch: values.
//! Invariant: completions and checks read the same lists.

use std::ffi::OsStr;
use std::sync::OnceLock;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use orb_crawl::CrawlConfig;

use crate::settings::{PROFILES, Profile, Reference, profile_named};

/// One of the profiles, with its purpose in help and completions.
pub(crate) fn profile_name() -> impl TypedValueParser<Value = &'static Profile> {
    let values = PROFILES
        .iter()
        .map(|profile| PossibleValue::new(profile.name).help(profile.purpose));
    PossibleValuesParser::new(values)
        .map(|name| profile_named(&name).expect("parsed from the list"))
}

/// A key, or the name of a group of keys. Any text is let through: the command knows better what was meant.
pub(crate) fn setting_or_group() -> impl TypedValueParser<Value = String> {
    Names { suffix: "" }
}

/// `KEY=VALUE`; completions offer `KEY=`.
pub(crate) fn assignment() -> impl TypedValueParser<Value = String> {
    Names { suffix: "=" }
}

#[derive(Clone)]
struct Names {
    suffix: &'static str,
}

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        let text = value.to_str().map(str::to_owned);
        text.ok_or_else(|| clap::Error::new(clap::error::ErrorKind::InvalidUtf8).with_cmd(command))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = if self.suffix.is_empty() {
            keys_and_groups()
        } else {
            assignments()
        };
        Some(Box::new(
            names.iter().map(|name| PossibleValue::new(name.as_str())),
        ))
    }
}

fn keys_and_groups() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let Ok(reference) = Reference::of::<CrawlConfig>() else {
            return Vec::new();
        };
        let groups = reference
            .sections
            .iter()
            .map(|section| section.name.clone());
        let mut names: Vec<String> = groups.filter(|name| !name.is_empty()).collect();
        names.extend(reference.settings().map(|setting| setting.key.clone()));
        names
    })
}

fn assignments() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| {
        let Ok(reference) = Reference::of::<CrawlConfig>() else {
            return Vec::new();
        };
        reference
            .settings()
            .map(|setting| format!("{}=", setting.key))
            .collect()
    })
}
