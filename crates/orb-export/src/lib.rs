//! What the pages of an archive say: one line of JSON for each, with its main content as Markdown or text.
//!
//! In: WARC files, of this crawler or any other, and what the pages are wanted for. Out: files of JSON lines, one for
//! each archive file, in its order.
//! May touch: the disk it is given, threads. Must not touch: the archive's bytes, a crawl's state, the network.
//! Invariant: a page whose author refuses the use is not written; what is written is whole lines up to some capture of
//! the archive, so that a run killed at any moment goes on where its last line ends; memory is bounded by
//! [`limits::IN_FLIGHT_BYTES_MAX`].

mod capture;
mod checkpoint;
mod copies;
mod error;
mod export;
mod folder;
mod in_flight;
pub mod limits;
mod page_line;
mod tally;

pub use copies::{CopiesOptions, CopiesTally, find_copies};
pub use error::ExportError;
pub use folder::{ExportFolder, Exported, output_name};
pub use page_line::{ContentForm, ExportOptions};
pub use tally::Tally;
