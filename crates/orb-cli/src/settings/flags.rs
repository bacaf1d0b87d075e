//! `--set key=value`: settings on the command line.
//!
//! In: the arguments of `--set`. Out: assignments. May touch: `known`, `readings`.

use toml::Value;
use toml::de::DeValue;

use super::Assignment;
use super::error::SettingsError;
use super::file::flatten;
use super::key::Key;
use super::known::{Known, Standing};
use super::origin::Origin;
use super::readings::readings;

/// Whether the settings take this value at this key.
pub(super) type Accepts<'a> = &'a dyn Fn(&Key, &Value) -> bool;

/// Reads the arguments of `--set` in their order.
pub(super) fn read(
    known: &Known<'_>,
    sets: &[String],
    accepts: Accepts<'_>,
    assignments: &mut Vec<Assignment>,
) -> Result<(), SettingsError> {
    for set in sets {
        let malformed = || SettingsError::Malformed {
            origin: Origin::Set { key: set.clone() },
        };
        let (name, text) = set.split_once('=').ok_or_else(malformed)?;
        let key = Key::parse(name).ok_or_else(malformed)?;
        let origin = Origin::Set {
            key: key.to_string(),
        };
        if known.standing(&key) == Standing::Unknown {
            return Err(SettingsError::Unknown {
                origin: Origin::Set { key: set.clone() },
                key: key.to_string(),
                suggestion: known.nearest(&key).map(|key| key.to_string()),
            });
        }
        assign(known, &key, text, &origin, accepts, assignments)?;
    }
    Ok(())
}

/// Sets a known key to what `text` means there: the first reading that the settings take. A group of settings, or
/// an optional one, may be given as a table: `{ host = "…", port = 3128 }`.
pub(super) fn assign(
    known: &Known<'_>,
    key: &Key,
    text: &str,
    origin: &Origin,
    accepts: Accepts<'_>,
    assignments: &mut Vec<Assignment>,
) -> Result<(), SettingsError> {
    let standing = known.standing(key);
    let typed = DeValue::parse(text.trim())
        .ok()
        .filter(|value| value.get_ref().is_table());
    if let (Standing::Section | Standing::Open, Some(table)) = (standing, typed) {
        return flatten(known, key, &table, &|_| origin.clone(), assignments);
    }
    if standing == Standing::Section {
        return Err(SettingsError::Section {
            origin: origin.clone(),
            key: key.to_string(),
            example: known.example_below(key).map(|key| key.to_string()),
        });
    }
    let mut readings = readings(text, known.default_of(key));
    let taken = readings
        .iter()
        .position(|value| accepts(key, value))
        .unwrap_or(0);
    assignments.push(Assignment {
        key: key.clone(),
        value: readings.swap_remove(taken),
        origin: origin.clone(),
    });
    Ok(())
}
