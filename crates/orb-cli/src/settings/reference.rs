//! What each setting means: read off the doc comments of the settings structs.
//!
//! In: a settings type with its JSON schema. Out: every key with its meaning, kind, choices and default, in the order
//! the structs declare them. May touch: `profiles`, for the one key that belongs to no struct.
//! Must not touch: values in force.
//! Invariant: nothing about a setting is written here; a doc comment is the only place to say what a key does.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value as Json;
use toml::{Table, Value};

use super::key::Key;
use super::known::{Known, leaves};
use super::profiles::{PROFILE_KEY, PROFILES};

/// Every setting of a program.
#[derive(Debug)]
pub(crate) struct Reference {
    /// The settings above all tables first, then one section for each table.
    pub(crate) sections: Vec<Section>,
    defaults: Table,
    schema: Json,
}

/// One table of the settings file.
#[derive(Debug)]
pub(crate) struct Section {
    /// Name of the table; empty for the settings above all tables.
    pub(crate) name: String,
    pub(crate) purpose: String,
    pub(crate) settings: Vec<Meaning>,
}

/// What one setting means.
#[derive(Debug)]
pub(crate) struct Meaning {
    pub(crate) key: String,
    /// Whole sentences, without line ends.
    pub(crate) what: String,
    /// What to write, in a few words.
    pub(crate) kind: &'static str,
    /// The possible values and what each means, where the list is closed.
    pub(crate) choices: Vec<(String, String)>,
    pub(crate) default: Value,
}

impl Reference {
    /// Reads the reference of `T`, with the key `profile` before all others.
    pub(crate) fn of<T: JsonSchema + Serialize + Default>() -> Result<Reference, toml::ser::Error> {
        let mut defaults = Table::try_from(T::default())?;
        let order = declared_order(&toml::to_string(&T::default())?);
        let mut schema = schema_of::<T>();
        let usual = PROFILES[0].name;
        defaults.insert(PROFILE_KEY.to_owned(), Value::String(usual.to_owned()));
        if let Some(properties) = schema["properties"].as_object_mut() {
            properties.insert(PROFILE_KEY.to_owned(), profile_schema());
        }
        let mut by_key: BTreeMap<String, Value> = leaves(&defaults)
            .into_iter()
            .map(|(key, value)| (key.to_string(), value.clone()))
            .collect();
        let mut sections: Vec<Section> = Vec::new();
        let keys = std::iter::once(PROFILE_KEY.to_owned()).chain(order);
        for key in keys {
            let Some(default) = by_key.remove(&key) else {
                continue;
            };
            let table = key.rsplit_once('.').map_or("", |(table, _)| table);
            if sections.last().is_none_or(|section| section.name != table) {
                sections.push(Section {
                    name: table.to_owned(),
                    purpose: plain(at(&schema, table)),
                    settings: Vec::new(),
                });
            }
            let section = sections
                .last_mut()
                .expect("pushed above when there was none");
            section.settings.push(meaning(key, default, &schema));
        }
        Ok(Reference {
            sections,
            defaults,
            schema,
        })
    }

    /// All settings in order.
    pub(crate) fn settings(&self) -> impl Iterator<Item = &Meaning> {
        self.sections.iter().flat_map(|section| &section.settings)
    }

    /// The setting of this key.
    pub(crate) fn find(&self, key: &str) -> Option<&Meaning> {
        self.settings().find(|setting| setting.key == key)
    }

    /// The section of this name.
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        self.sections
            .iter()
            .find(|section| section.name == name && !name.is_empty())
    }

    /// The key that was probably meant.
    pub(crate) fn nearest(&self, key: &str) -> Option<String> {
        let key = Key::parse(key)?;
        let nearest = Known::new(&self.defaults, &[]).nearest(&key)?;
        Some(nearest.to_string())
    }

    /// The JSON schema of the settings file, for editors.
    pub(crate) fn schema(&self) -> &Json {
        &self.schema
    }
}

/// Keys in the order of the struct's fields, as the serialiser writes them.
fn declared_order(toml: &str) -> Vec<String> {
    let mut table = String::new();
    let mut keys = Vec::new();
    for line in toml.lines() {
        let header = line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'));
        if let Some(name) = header {
            table = format!("{name}.");
        } else if let Some((key, _)) = line.split_once(" = ") {
            keys.push(format!("{table}{key}"));
        }
    }
    keys
}

fn schema_of<T: JsonSchema>() -> Json {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    join_lines(&mut schema);
    schema
}

/// Doc comments are broken where the source's lines end; readers break lines where their windows do.
fn join_lines(schema: &mut Json) {
    match schema {
        Json::Object(members) => {
            for (name, member) in members {
                match member {
                    Json::String(text) if name == "description" => *text = joined(text),
                    member => join_lines(member),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(join_lines),
        _ => {}
    }
}

fn joined(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

fn profile_schema() -> Json {
    let choices: Vec<Json> = PROFILES
        .iter()
        .map(|profile| serde_json::json!({"const": profile.name, "description": profile.purpose}))
        .collect();
    serde_json::json!({
        "description": "A named set of values between the defaults and everything that is set by hand. \
                        `orb config profiles` tells what each sets and why.",
        "oneOf": choices,
        "default": PROFILES[0].name,
    })
}

/// The schema of a dotted key.
fn at<'a>(schema: &'a Json, key: &str) -> &'a Json {
    let parts = key.split('.').filter(|part| !part.is_empty());
    parts.fold(schema, |schema, part| &schema["properties"][part])
}

fn plain(schema: &Json) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn meaning(key: String, default: Value, schema: &Json) -> Meaning {
    let schema = at(schema, &key);
    let choices = schema["oneOf"].as_array().into_iter().flatten();
    let choices: Vec<(String, String)> = choices
        .filter_map(|choice| Some((choice["const"].as_str()?.to_owned(), plain(choice))))
        .collect();
    Meaning {
        what: plain(schema),
        kind: kind(schema, !choices.is_empty()),
        choices,
        default,
        key,
    }
}

fn kind(schema: &Json, is_closed: bool) -> &'static str {
    if is_closed {
        return "one of";
    }
    match (schema["format"].as_str(), schema["type"].as_str()) {
        (Some("span"), _) => "time: 500ms, 90s, 10m, 2h",
        (Some("size"), _) => "size: 512MiB, 2GB",
        (_, Some("boolean")) => "true or false",
        (_, Some("integer")) => "whole number",
        (_, Some("number")) => "number",
        (_, Some("array")) if schema["items"]["type"] == "object" => "list of tables",
        (_, Some("array")) => "list",
        _ => "text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_crawl::CrawlConfig;

    fn reference() -> Reference {
        Reference::of::<CrawlConfig>().unwrap()
    }

    /// A key without a doc comment, or with one that says nothing, does not pass.
    #[test]
    fn every_setting_is_described() {
        let reference = reference();
        for section in &reference.sections {
            assert!(
                section.purpose.len() > 10,
                "[{}] has no purpose",
                section.name
            );
            for setting in &section.settings {
                let (key, what) = (&setting.key, &setting.what);
                assert!(what.len() > 20, "{key} has no description: {what:?}");
                let ends = what.ends_with(['.', '`']);
                assert!(ends, "{key}: a description is whole sentences: {what:?}");
                for (choice, meaning) in &setting.choices {
                    assert!(meaning.len() > 5, "{key}: `{choice}` has no description");
                }
                assert!(
                    setting.choices.is_empty() || setting.choices.len() > 1,
                    "{key}"
                );
            }
        }
    }

    #[test]
    fn no_setting_is_left_out() {
        let described: std::collections::BTreeSet<String> = reference()
            .settings()
            .map(|setting| setting.key.clone())
            .collect();
        let defaults = Table::try_from(CrawlConfig::default()).unwrap();
        let mut all: std::collections::BTreeSet<String> = leaves(&defaults)
            .into_iter()
            .map(|(key, _)| key.to_string())
            .collect();
        all.insert(PROFILE_KEY.to_owned());
        assert_eq!(described, all);
    }

    #[test]
    fn kinds_choices_and_defaults_are_told() {
        let reference = reference();
        let check = |key: &str, kind: &str, default: &str| {
            let setting = reference.find(key).unwrap_or_else(|| panic!("{key}"));
            assert!(setting.kind.starts_with(kind), "{key}: {}", setting.kind);
            assert_eq!(setting.default.to_string(), default, "{key}");
        };
        check("politeness.site_delay", "time", "\"1s\"");
        check("memory_max", "size", "\"2GiB\"");
        check("fetch.body_bytes_max", "size", "\"10MiB\"");
        check("fetch.keep_alive", "true or false", "true");
        check("limits.pages_max", "whole number", "0");
        check("politeness.pages_per_second_max", "number", "0.0");
        check("politeness.groups", "list of tables", "[]");
        check("dns.servers", "list", "[]");
        check("identity.contact", "text", "\"\"");
        check("frontier.scope", "one of", "\"site\"");
        check("profile", "one of", "\"default\"");
        let scope = reference.find("frontier.scope").unwrap();
        let names: Vec<&str> = scope
            .choices
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["site", "host", "prefix", "any"]);
        assert_eq!(reference.section("politeness").unwrap().settings.len(), 14);
        assert_eq!(
            reference.nearest("site_delai").as_deref(),
            Some("politeness.site_delay")
        );
    }

    /// Editors check a file by the schema, so it must not refuse what the program takes.
    #[test]
    fn the_schema_names_every_key_and_closes_the_tables() {
        let reference = reference();
        let schema = reference.schema();
        assert_eq!(schema["additionalProperties"], false);
        for setting in reference.settings() {
            assert!(at(schema, &setting.key).is_object(), "{}", setting.key);
        }
        assert_eq!(schema["properties"]["memory_max"]["format"], "size");
    }
}
