//! Why a crawl could not begin or go on.
//!
//! In: errors of the parts. Out: one enum with what the caller does. May touch: nothing.
//! Invariant: every variant names its subject and the way out.

use std::io;
use std::path::PathBuf;

use orb_frontier::FrontierError;
use orb_objects::UploadError;
use orb_shard::{Partition, SlotId};
use orb_store::{JournalError, StoreError};

/// Why a crawl could not begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CrawlError {
    /// A setting cannot be.
    #[error(transparent)]
    Config(#[from] crate::ConfigError),
    /// The list of opt-outs says something that is none.
    #[error("{} line {line} is no opt-out: crawls do not begin without knowing who opted out; mend it, or set opt_outs to another list", path.display())]
    OptOuts {
        /// The list.
        path: PathBuf,
        /// Which line of it.
        line: usize,
    },
    /// The folder was written by a newer version.
    #[error("{} was written by format version {found}, this program reads {known}: use the newer program", dir.display())]
    NewerFormat {
        /// The folder.
        dir: PathBuf,
        /// What it says.
        found: u32,
        /// What we read.
        known: u32,
    },
    /// The folder was written by an older version, whose layout this one does not read.
    #[error("{} was written by format version {found}, this program reads {known}: finish it with the older program, or start a new folder; its archive stays as good as it was", dir.display())]
    OlderFormat {
        /// The folder.
        dir: PathBuf,
        /// What it says.
        found: u32,
        /// What we read.
        known: u32,
    },
    /// The index of an open segment cannot be set aside.
    #[error("set aside the index of a segment that will grow")]
    Index {
        /// What the disk says.
        #[source]
        source: orb_dataset::DatasetError,
    },
    /// An archive that revisits are to refer to cannot be asked.
    #[error("setting `archive.revisits_of`")]
    Earlier {
        /// What is wrong with it.
        #[source]
        source: orb_dataset::EarlierError,
    },
    /// Uploads cannot begin.
    #[error(transparent)]
    Uploads(#[from] orb_objects::UploadError),
    /// A partition was being imported when the process ended.
    #[error(
        "the import of partition {partition} was cut short: run `orb state import` with its file again"
    )]
    HalfImported {
        /// Which.
        partition: Partition,
    },
    /// The folder's identity file is not readable.
    #[error("{} is not a crawl's identity file", file.display())]
    Identity {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The folder was made with another public suffix list.
    #[error("{} was made with public suffix list {found}, this program has {known}; sites would change: use the older program or start a new folder", dir.display())]
    SuffixList {
        /// The folder.
        dir: PathBuf,
        /// What it says.
        found: String,
        /// What we have.
        known: &'static str,
    },
    /// There is no crawl here.
    #[error("{} holds no crawl", dir.display())]
    NoCrawl {
        /// The folder.
        dir: PathBuf,
    },
    /// An absorbed position lies beyond the journal it belongs to.
    #[error(
        "slot {reader} has absorbed more of slot {writer}'s link journal than is stored: the folder mixes two states; restore it from one copy"
    )]
    PositionAhead {
        /// Who read.
        reader: SlotId,
        /// Who wrote.
        writer: SlotId,
    },
    /// A file could not be read or written.
    #[error("{what} {}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A slot's store failed.
    #[error("store of slot {slot}")]
    Store {
        /// Which slot.
        slot: SlotId,
        /// What it said.
        #[source]
        source: StoreError,
    },
    /// A slot's frontier failed.
    #[error("frontier of slot {slot}")]
    Frontier {
        /// Which slot.
        slot: SlotId,
        /// What it said.
        #[source]
        source: FrontierError,
    },
    /// A link journal failed.
    #[error("link journal of slot {slot}")]
    Journal {
        /// Which slot.
        slot: SlotId,
        /// What it said.
        #[source]
        source: JournalError,
    },
    /// A slot's groups failed again and again.
    #[error("slot {slot} could not commit {times} times in a row; the state on disk is safe")]
    Commit {
        /// Which slot.
        slot: SlotId,
        /// How often.
        times: u32,
    },
    /// A shard could not start.
    #[error("start shard {shard}: {problem}")]
    Shard {
        /// Which shard.
        shard: u16,
        /// Why.
        problem: String,
    },
    /// A thread panicked.
    #[error("shard {shard} ended by a bug; the state on disk is safe")]
    Bug {
        /// Which shard.
        shard: u16,
    },
}

/// What a program tells its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Settings or arguments.
    Usage,
    /// Disk or state.
    Storage,
    /// A mistake of ours.
    Bug,
}

impl CrawlError {
    pub(crate) fn file(
        what: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> CrawlError {
        let path = path.to_path_buf();
        move |source| CrawlError::File { what, path, source }
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        match self {
            CrawlError::Config(_)
            | CrawlError::OptOuts { .. }
            | CrawlError::NewerFormat { .. }
            | CrawlError::OlderFormat { .. }
            | CrawlError::Earlier { .. }
            | CrawlError::HalfImported { .. }
            | CrawlError::SuffixList { .. }
            | CrawlError::Uploads(
                UploadError::Setup { .. }
                | UploadError::Occupied { .. }
                | UploadError::LedgerRow { .. },
            )
            | CrawlError::NoCrawl { .. }
            | CrawlError::Shard { .. } => FailureKind::Usage,
            CrawlError::Identity { .. }
            | CrawlError::PositionAhead { .. }
            | CrawlError::Uploads(_)
            | CrawlError::Index { .. }
            | CrawlError::File { .. }
            | CrawlError::Store { .. }
            | CrawlError::Frontier { .. }
            | CrawlError::Journal { .. }
            | CrawlError::Commit { .. } => FailureKind::Storage,
            CrawlError::Bug { .. } => FailureKind::Bug,
        }
    }

    /// Exit code of design section 12: 2 usage or settings, 4 storage, 70 a bug.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.kind() {
            FailureKind::Usage => 2,
            FailureKind::Storage => 4,
            FailureKind::Bug => 70,
        }
    }
}
