//! What a forecast rests on, and how to give it better.
//!
//! In: names, values, sources. Out: lines for people, rows of JSON. May touch: nothing.
//! Invariant: what is assumed says so and names the flag that replaces it.

use serde::Serialize;

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// The command line.
    Given,
    /// Counted in seeds or rows.
    Counted,
    /// Settings in force.
    Settings,
    /// Measured on this machine.
    Measured,
    /// Learnt from the crawl's attempt rows.
    Learnt,
    /// Nobody knows.
    Assumed,
}

/// One figure a forecast rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Basis {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) source: Source,
    /// Where exactly, or how to give it.
    pub(crate) how: String,
}

impl Basis {
    pub(crate) fn new(
        name: &'static str,
        value: impl Into<String>,
        source: Source,
        how: impl Into<String>,
    ) -> Basis {
        Basis {
            name,
            value: value.into(),
            source,
            how: how.into(),
        }
    }
}
