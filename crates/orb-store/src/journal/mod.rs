//! The link journal of one source slot: found links, by destination, until they are absorbed.
//!
//! In: for each commit group a block of bytes per destination slot.
//! Out: for each destination its blocks, in the order of the groups, up to the stored end.
//! May touch: `orb-env` (files). Must not touch: what a block holds.
//! Invariant: files end at a frame; what lies beyond the end that a store batch stored is never read
//! and is cut at the next opening.

mod frame;
mod reader;
mod writer;

pub use reader::{JournalBlock, JournalReader};
pub use writer::JournalWriter;

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a journal, always between two frames. The default is the place before everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalEnd {
    /// Number of the file, from 1; 0 only with 0 bytes, before the first file.
    pub file: u64,
    /// Bytes of that file before this place.
    pub bytes: u64,
}

impl JournalEnd {
    /// The stored form: two big-endian numbers, so that it sorts as it compares.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.file) << 64 | u128::from(self.bytes)).to_be_bytes()
    }

    /// Reads [`JournalEnd::to_bytes`] back; `None` unless it is 16 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<JournalEnd> {
        let number = u128::from_be_bytes(bytes.try_into().ok()?);
        Some(JournalEnd {
            file: (number >> 64) as u64,
            bytes: number as u64,
        })
    }

    /// The same place, with the one before everything named as the start of the first file.
    fn normal(self) -> JournalEnd {
        JournalEnd {
            file: self.file.max(1),
            ..self
        }
    }
}

/// File number and byte, as `3:4096`.
impl fmt::Display for JournalEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.bytes)
    }
}

/// Path of file `number`.
fn file_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("links-{number:08}.orbl"))
}

/// The number in a file's name; `None` for files that are not ours.
fn file_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("links-")?.strip_suffix(".orbl")?;
    let ours = digits.len() >= 8 && digits.bytes().all(|b| b.is_ascii_digit());
    ours.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
