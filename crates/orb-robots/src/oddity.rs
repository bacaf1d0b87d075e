//! Oddities: what a site owner would want to mend in a robots.txt.
//!
//! In: nothing. Out: the closed list, and each in words. May touch: `limits`. Must not touch: parsing.
//! Invariant: an oddity never decides anything.

use std::fmt;

use crate::limits;

/// Something in the file that a site owner would want to mend. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Oddity {
    /// Longer than [`limits::ROBOTS_BYTES_MAX`]; the rest was not read.
    Cut {
        /// Length of the body handed in.
        body_bytes: u64,
    },
    /// Written in UTF-16; read all the same.
    Utf16,
    /// Holds NUL bytes.
    NulBytes,
    /// Looks like a web page.
    Html,
    /// Neither a comment nor a key with a value.
    NoRecord {
        /// Where.
        line: u32,
    },
    /// A key misspelt or without its colon; taken as meant.
    Misspelt {
        /// Where.
        line: u32,
    },
    /// A rule or delay before any user-agent line; ignored.
    OutsideGroup {
        /// Where.
        line: u32,
    },
    /// A user-agent line that names nobody.
    BadAgent {
        /// Where.
        line: u32,
    },
    /// A pattern that begins with neither `/` nor `*`; ignored.
    BadPattern {
        /// Where.
        line: u32,
    },
    /// A crawl-delay that is no plain number of seconds; ignored.
    BadCrawlDelay {
        /// Where.
        line: u32,
    },
    /// A sitemap or preference that is empty, too long or one too many; ignored.
    LeftOut {
        /// Where.
        line: u32,
    },
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Oddity::Cut { body_bytes } => {
                write!(
                    f,
                    "{body_bytes} bytes long, only the first {} were read",
                    limits::ROBOTS_BYTES_MAX
                )
            }
            Oddity::Utf16 => f.write_str("written in UTF-16 instead of UTF-8"),
            Oddity::NulBytes => f.write_str("holds NUL bytes"),
            Oddity::Html => f.write_str("looks like a web page"),
            Oddity::NoRecord { line } => write!(f, "line {line}: no key and value"),
            Oddity::Misspelt { line } => write!(
                f,
                "line {line}: key misspelt or without colon, taken as meant"
            ),
            Oddity::OutsideGroup { line } => {
                write!(f, "line {line}: before any user-agent line, ignored")
            }
            Oddity::BadAgent { line } => write!(f, "line {line}: user-agent names nobody"),
            Oddity::BadPattern { line } => write!(
                f,
                "line {line}: pattern begins with neither / nor *, ignored"
            ),
            Oddity::BadCrawlDelay { line } => write!(
                f,
                "line {line}: crawl-delay is no number of seconds, ignored"
            ),
            Oddity::LeftOut { line } => {
                write!(f, "line {line}: empty, too long or one too many, ignored")
            }
        }
    }
}
