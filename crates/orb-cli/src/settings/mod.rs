//! Settings: one value from built-in defaults, a profile, a file, the environment and the command line.
//!
//! In: the texts of all sources. Out: the settings, and where each of them came from; or the first refusal, saying
//! where, what, and what was probably meant.
//! May touch: `known`, `readings`, the three readers of sources. Must not touch: what any setting means; each crate
//! owns its own. The process environment is read in `environment` only.
//! Invariant: later sources win, key by key, in the order profile, file, environment, `--set`. The keys are those of the
//! serialised default, so a new field is a new setting without a line here.

mod environment;
mod error;
mod file;
mod flags;
mod key;
mod known;
mod origin;
mod profiles;
mod readings;
mod reference;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

pub(crate) use environment::{from_process, of_stores};
pub(crate) use error::SettingsError;
pub(crate) use origin::Origin;
pub(crate) use profiles::{OWN_SITE, PROFILE_KEY, PROFILES, Profile, named as profile_named};
pub(crate) use reference::{Meaning, Reference, Section};

use key::Key;
use known::Known;

/// Everything that may set something, lowest rank first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The settings file: its path, for messages, and its text.
    pub(crate) file: Option<(PathBuf, String)>,
    /// Variables as (name, value). Names that do not begin with `ORB_` are passed over.
    pub(crate) env: Vec<(String, String)>,
    /// Arguments of `--set`, `key=value` each; a later one wins.
    pub(crate) sets: Vec<String>,
    /// Dotted keys that the default leaves out: fields of type `Option` that are `None`. Anything below one of them
    /// is let through, and judged by the field's own type.
    pub(crate) optional_keys: &'static [&'static str],
    /// Whether there is a key `profile` that chooses one of [`PROFILES`].
    pub(crate) with_profiles: bool,
    /// `--profile`; wins over that key.
    pub(crate) profile: Option<&'static Profile>,
}

/// The settings in force.
#[derive(Clone, Debug)]
pub(crate) struct Loaded<T> {
    pub(crate) value: T,
    /// Where each setting came from, by dotted key. Options that nobody set are not in it.
    pub(crate) origin: BTreeMap<String, Origin>,
    /// The profile in force, where there are any.
    pub(crate) profile: Option<&'static Profile>,
}

/// One key set by one source.
#[derive(Clone, Debug)]
struct Assignment {
    key: Key,
    value: Value,
    origin: Origin,
}

/// Merges all sources into a `T`.
///
/// - `T`: its serialised default names the keys. Enumerations must be without data, or their fields optional keys.
/// - Errors: the first source that cannot be read, names an unknown key or gives a value of the wrong kind, from the
///   lowest rank up; then the first value that `T` refuses. A value that a higher source replaces is not judged.
/// - Cost: reads `T` once, and once more for each variable and `--set`; for start-up only.
pub(crate) fn load<T>(sources: &Sources) -> Result<Loaded<T>, SettingsError>
where
    T: Serialize + DeserializeOwned + Default,
{
    let defaults =
        Table::try_from(T::default()).map_err(|source| SettingsError::Defaults { source })?;
    let mut named = defaults.clone();
    if sources.with_profiles {
        let usual = Value::String(PROFILES[0].name.to_owned());
        named.insert(PROFILE_KEY.to_owned(), usual);
    }
    let known = Known::new(&named, sources.optional_keys);
    let mut assignments = Vec::new();
    if let Some((path, text)) = &sources.file {
        file::read(&known, path, text, &mut assignments)?;
    }
    let accepts = |key: &Key, value: &Value| is_accepted::<T>(&defaults, key, value);
    environment::read(&known, &sources.env, &accepts, &mut assignments)?;
    flags::read(&known, &sources.sets, &accepts, &mut assignments)?;

    let mut choice = None;
    if sources.with_profiles {
        let (profile, origin) = profiles::choose(sources.profile, &mut assignments)?;
        assignments.splice(0..0, profiles::assignments(profile));
        choice = Some((profile, origin));
    }

    let mut merged = defaults.clone();
    for assignment in &assignments {
        insert(
            &mut merged,
            assignment.key.segments(),
            assignment.value.clone(),
        );
    }
    let value = read_table::<T>(merged.clone()).map_err(|refusal| {
        let (at, message) = refusal;
        blame::<T>(&known, sources, &assignments, &at, message)
    })?;
    let mut origin = origins(&merged, &assignments);
    let profile = choice.map(|(profile, from)| {
        origin.insert(PROFILE_KEY.to_owned(), from);
        profile
    });
    Ok(Loaded {
        value,
        origin,
        profile,
    })
}

/// Whether `T` takes `value` at `key`, all else being default. Refusals elsewhere do not count: a table may need
/// more than one key.
fn is_accepted<T: DeserializeOwned>(defaults: &Table, key: &Key, value: &Value) -> bool {
    let mut table = defaults.clone();
    insert(&mut table, key.segments(), value.clone());
    match read_table::<T>(table) {
        Ok(_) => true,
        Err((at, _)) => !at.starts_with(key),
    }
}

/// Reads the table as a `T`; a refusal says at which key, and why.
fn read_table<T: DeserializeOwned>(table: Table) -> Result<T, (Key, String)> {
    serde_path_to_error::deserialize(table).map_err(|error| {
        let at = Key::of_path(error.path());
        (at, error.into_inner().message().to_owned())
    })
}

/// Finds out who set what was refused at `at`: the value itself, one above it, or the first one below it.
fn blame<T: DeserializeOwned>(
    known: &Known<'_>,
    sources: &Sources,
    assignments: &[Assignment],
    at: &Key,
    message: String,
) -> SettingsError {
    let latest = assignments
        .iter()
        .rev()
        .find(|assignment| at.starts_with(&assignment.key));
    let culprit = latest.or_else(|| {
        assignments
            .iter()
            .find(|assignment| assignment.key.starts_with(at))
    });
    let Some(culprit) = culprit else {
        return SettingsError::Rejected {
            key: at.to_string(),
            message,
        };
    };
    let inside_file = match (&culprit.value, &culprit.origin, &sources.file) {
        (Value::Array(_), Origin::File { .. }, Some((path, text))) => {
            file::place_of_refusal::<T>(path, text, &message)
        }
        _ => None,
    };
    SettingsError::BadValue {
        origin: inside_file.unwrap_or_else(|| culprit.origin.clone()),
        key: culprit.key.to_string(),
        default: known.default_of(&culprit.key).map(ToString::to_string),
        message,
    }
}

/// Puts `value` at the path, making tables on the way and replacing what is none.
fn insert(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [last] => {
            table.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let below = table
                .entry(first.clone())
                .or_insert_with(|| Value::Table(Table::new()));
            if !below.is_table() {
                *below = Value::Table(Table::new());
            }
            if let Value::Table(below) = below {
                insert(below, rest, value);
            }
        }
    }
}

/// Who set each leaf: the last assignment of the key or of one above it.
fn origins(merged: &Table, assignments: &[Assignment]) -> BTreeMap<String, Origin> {
    let mut found = BTreeMap::new();
    for (key, _) in known::leaves(merged) {
        let last = assignments
            .iter()
            .rev()
            .find(|assignment| key.starts_with(&assignment.key));
        let origin = last.map_or(Origin::Default, |assignment| assignment.origin.clone());
        found.insert(key.to_string(), origin);
    }
    found
}

#[cfg(test)]
mod tests;
