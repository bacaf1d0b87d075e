//! Words that programs and people read: outcomes, states, rows of the attempt log, summaries, folders.
//!
//! In: nothing. Out: types with one text form each, shared by the crawl, the audit and the program.
//! May touch: nothing. Must not touch: how any of it comes about.
//! Invariant: the lists are closed and their text forms and codes never change meaning.

mod attempt;
mod books;
mod bytes;
mod layout;
mod outcome;
mod status;

pub use attempt::{ArchivePlace, AttemptKind, AttemptRow, CommitRow, RobotsInForce};
pub use books::{Books, Sightings, States};
pub use bytes::{ByteSize, ByteSizeError};
pub use layout::{CrawlDir, FORMAT_VERSION};
pub use outcome::{Outcome, Reason, UrlState};
pub use status::{Phase, Status, Summary};
