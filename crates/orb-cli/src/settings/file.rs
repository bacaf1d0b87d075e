//! The settings file: TOML, every value with its line and column.
//!
//! In: path and text. Out: assignments. May touch: `known`. Must not touch: the disk; the caller has read the file.

use std::path::Path;

use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue, Deserializer, ValueDeserializer};
use toml::{Spanned, Value};

use super::Assignment;
use super::error::SettingsError;
use super::key::Key;
use super::known::{Known, Standing};
use super::origin::Origin;
use super::profiles::PROFILE_KEY;

/// Reads the file's assignments, in the order of their keys.
pub(super) fn read(
    known: &Known<'_>,
    path: &Path,
    text: &str,
    assignments: &mut Vec<Assignment>,
) -> Result<(), SettingsError> {
    let place = |offset: usize| Origin::in_file(path, text, offset);
    let table = DeTable::parse(text).map_err(|error| syntax(&error, &place))?;
    flatten_table(known, &Key::default(), table.get_ref(), &place, assignments)
}

/// Where exactly `T` refuses something in this file with this message; finer than a key when that is a list.
pub(super) fn place_of_refusal<T: DeserializeOwned>(
    path: &Path,
    text: &str,
    message: &str,
) -> Option<Origin> {
    let mut table = DeTable::parse(text).ok()?;
    table.get_mut().remove(PROFILE_KEY);
    let error = T::deserialize(Deserializer::from(table)).err()?;
    let span = error.span().filter(|_| error.message() == message)?;
    Some(Origin::in_file(path, text, span.start))
}

/// Turns one value into assignments, one for each setting in it. `place` turns offsets into origins.
pub(super) fn flatten(
    known: &Known<'_>,
    key: &Key,
    value: &Spanned<DeValue<'_>>,
    place: &dyn Fn(usize) -> Origin,
    assignments: &mut Vec<Assignment>,
) -> Result<(), SettingsError> {
    let origin = place(value.span().start);
    match (known.standing(key), value.get_ref()) {
        (Standing::Section, DeValue::Table(table)) => {
            flatten_table(known, key, table, place, assignments)
        }
        (Standing::Open, DeValue::Table(table)) if !table.is_empty() => {
            flatten_table(known, key, table, place, assignments)
        }
        (Standing::Section, _) => Err(SettingsError::Section {
            origin,
            key: key.to_string(),
            example: known.example_below(key).map(|key| key.to_string()),
        }),
        (Standing::Unknown, _) => Err(unknown(known, key, origin)),
        (Standing::Leaf(_) | Standing::Open, _) => {
            let value =
                Value::deserialize(ValueDeserializer::from(value.clone())).map_err(|error| {
                    SettingsError::BadValue {
                        origin: origin.clone(),
                        key: key.to_string(),
                        message: error.message().to_owned(),
                        default: known.default_of(key).map(ToString::to_string),
                    }
                })?;
            assignments.push(Assignment {
                key: key.clone(),
                value,
                origin,
            });
            Ok(())
        }
    }
}

fn flatten_table(
    known: &Known<'_>,
    above: &Key,
    table: &DeTable<'_>,
    place: &dyn Fn(usize) -> Origin,
    assignments: &mut Vec<Assignment>,
) -> Result<(), SettingsError> {
    for (name, value) in table {
        let key = above.child(name.get_ref());
        if known.standing(&key) == Standing::Unknown {
            return Err(unknown(known, &key, place(name.span().start)));
        }
        flatten(known, &key, value, place, assignments)?;
    }
    Ok(())
}

fn unknown(known: &Known<'_>, key: &Key, origin: Origin) -> SettingsError {
    SettingsError::Unknown {
        origin,
        key: key.to_string(),
        suggestion: known.nearest(key).map(|key| key.to_string()),
    }
}

fn syntax(error: &toml::de::Error, place: &dyn Fn(usize) -> Origin) -> SettingsError {
    SettingsError::Syntax {
        origin: place(error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    }
}
