//! Settings from environment variables: `ORB_POLITENESS__SITE_DELAY=2s` sets `politeness.site_delay`.
//!
//! In: variables as (name, value). Out: assignments. May touch: `known`; the process environment, in
//! [`from_process`], [`of_stores`] and nowhere else in the workspace.

use super::Assignment;
use super::error::SettingsError;
use super::flags::{Accepts, assign};
use super::key::Key;
use super::known::{Known, Standing};
use super::origin::Origin;

/// What the name of a setting's variable begins with.
const PREFIX: &str = "ORB_";

/// What stands between the parts of a key; a single one belongs to the part's name.
const SEPARATOR: &str = "__";

/// Variables with our prefix that are no settings: where tests find conformance data, and which log lines are shown.
const NO_SETTINGS: [&str; 2] = ["ORB_CORPORA", "ORB_LOG"];

/// What the names of variables for object stores begin with, as the stores' own tools have them.
const STORE_PREFIXES: [&str; 3] = ["AWS_", "GOOGLE_", "AZURE_"];

/// The variables of this process that may be settings. Bytes that are no Unicode become U+FFFD.
pub(crate) fn from_process() -> Vec<(String, String)> {
    std::env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect()
}

/// The variables of this process that object stores are reached by; their values may be secrets.
pub(crate) fn of_stores() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| STORE_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
        .collect()
}

/// Reads the variables in the order of their names.
pub(super) fn read(
    known: &Known<'_>,
    variables: &[(String, String)],
    accepts: Accepts<'_>,
    assignments: &mut Vec<Assignment>,
) -> Result<(), SettingsError> {
    let mut variables: Vec<&(String, String)> = variables.iter().collect();
    variables.sort();
    for (name, text) in variables {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        if NO_SETTINGS.contains(&name.as_str()) {
            continue;
        }
        let key = Key::of(rest.split(SEPARATOR).map(str::to_ascii_lowercase));
        let origin = Origin::Environment { name: name.clone() };
        if known.standing(&key) == Standing::Unknown {
            return Err(SettingsError::Unknown {
                origin,
                key: key.to_string(),
                suggestion: known.nearest(&key).map(|key| variable(&key)),
            });
        }
        assign(known, &key, text, &origin, accepts, assignments)?;
    }
    Ok(())
}

/// The variable that sets `key`.
fn variable(key: &Key) -> String {
    format!(
        "{PREFIX}{}",
        key.segments().join(SEPARATOR).to_ascii_uppercase()
    )
}
