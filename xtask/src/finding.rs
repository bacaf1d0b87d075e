//! What a check has found, and where.
//!
//! In: path, line and text from the checks. Out: one line for people and editors, sorted by place.
//! May touch: nothing outside. Invariant: the text says what is wrong *and* what to do about it.

use std::fmt;

/// How much a finding weighs. Only an [`Weight::Error`] fails the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    Warning,
    Error,
}

/// One finding. Orders by path and line, so that a run's output is stable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    weight: Weight,
    text: String,
}

impl Finding {
    /// `line` counts from one.
    pub(crate) fn error(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            weight: Weight::Error,
            text: text.into(),
        }
    }

    /// `line` counts from one.
    pub(crate) fn warning(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self {
            weight: Weight::Warning,
            ..Self::error(path, line, text)
        }
    }

    pub(crate) fn is_error(&self) -> bool {
        self.weight == Weight::Error
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.weight {
            Weight::Warning => "warning",
            Weight::Error => "error",
        };
        write!(f, "{}:{}: {weight}: {}", self.path, self.line, self.text)
    }
}
