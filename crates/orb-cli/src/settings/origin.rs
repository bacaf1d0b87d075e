//! Where a setting came from.
//!
//! In: places found by the readers of sources. Out: text that a person can go to.
//! May touch: nothing.

use std::fmt;
use std::path::{Path, PathBuf};

/// The source of one setting. Displays as `default`, `profile broad`, `orb.toml:3:14`, the variable's name, `--set key`, a flag such as
/// `--delay`, or what a default was derived from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    /// The profile in force.
    Profile {
        name: &'static str,
    },
    /// Line and column count from one; columns count characters.
    File {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    Environment {
        name: String,
    },
    Set {
        key: String,
    },
    /// A flag of its own.
    Flag {
        name: &'static str,
    },
    /// Nobody set it, and the program found it out.
    Derived {
        from: &'static str,
    },
}

impl Origin {
    /// Whether somebody set it for this run or this crawl, and not the program.
    pub(crate) fn is_chosen(&self) -> bool {
        !matches!(self, Self::Default | Self::Derived { .. })
    }

    /// The place `offset` bytes into `text`.
    pub(crate) fn in_file(path: &Path, text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self::File {
            path: path.to_owned(),
            line: 1 + before.matches('\n').count(),
            column: 1 + before[line_start..].chars().count(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Profile { name } => write!(f, "profile {name}"),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Environment { name } => f.write_str(name),
            Self::Set { key } => write!(f, "--set {key}"),
            Self::Flag { name } => f.write_str(name),
            Self::Derived { from } => write!(f, "derived from {from}"),
        }
    }
}
