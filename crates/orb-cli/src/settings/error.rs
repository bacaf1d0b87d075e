//! Why settings were refused.
//!
//! In: what the readers found. Out: messages that say where, what, and what to write instead.
//! May touch: `Origin`. Invariant: a message stands on its own; the caller only prints it and ends with exit code 2.

use super::origin::Origin;

/// Why [`super::load`] gave no settings. Every one of them ends the program as wrong usage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SettingsError {
    #[error("{origin}: no valid TOML: {message}")]
    Syntax { origin: Origin, message: String },
    #[error("{origin}: not of the form `key=value`")]
    Malformed { origin: Origin },
    #[error("{origin}: unknown setting `{key}`{}", did_you_mean(.suggestion.as_deref()))]
    Unknown {
        origin: Origin,
        key: String,
        suggestion: Option<String>,
    },
    #[error("{origin}: `{key}` is a group of settings, not one{}", such_as(.example.as_deref()))]
    Section {
        origin: Origin,
        key: String,
        example: Option<String>,
    },
    #[error("{origin}: bad value of `{key}`: {message}{}", default_is(.default.as_deref()))]
    BadValue {
        origin: Origin,
        key: String,
        message: String,
        default: Option<String>,
    },
    #[error("settings do not fit together at `{key}`: {message}")]
    Rejected { key: String, message: String },
    #[error("the built-in settings cannot be written as TOML")]
    Defaults {
        #[source]
        source: toml::ser::Error,
    },
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |suggestion| {
        format!(", did you mean `{suggestion}`?")
    })
}

fn such_as(example: Option<&str>) -> String {
    example.map_or_else(String::new, |example| {
        format!(": name one of them, such as `{example}`")
    })
}

fn default_is(default: Option<&str>) -> String {
    default.map_or_else(String::new, |default| {
        format!(" (the default is {default})")
    })
}
