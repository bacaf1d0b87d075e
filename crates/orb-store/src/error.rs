//! What can go wrong with stored things, and what to do about it.
//!
//! In: causes. Out: errors that name folder, file and place.
//! May touch: nothing. Must not touch: recovery; callers act on `next_step`.
//! Invariant: every variant has one next step.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use crate::{JournalEnd, Keyspace};

/// The cause below.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The folder could not be opened.
    #[error("open the store in {}", dir.display())]
    Open {
        /// The store's folder.
        dir: PathBuf,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// Another handle or process has the folder open.
    #[error("the store in {} is open elsewhere; close that first", dir.display())]
    Locked {
        /// The store's folder.
        dir: PathBuf,
    },
    /// A row could not be read.
    #[error("read {keyspace} of the store in {}", dir.display())]
    Read {
        /// The store's folder.
        dir: PathBuf,
        /// What was read.
        keyspace: Keyspace,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// A batch was not acknowledged.
    #[error("commit to the store in {}", dir.display())]
    Commit {
        /// The store's folder.
        dir: PathBuf,
        /// The cause.
        #[source]
        source: Cause,
    },
    /// A row is outside the limits; nothing was changed.
    #[error(
        "a row of {keyspace} with a key of {key_bytes} and a value of {value_bytes} bytes is outside the limits"
    )]
    Refused {
        /// Where the row was meant to go.
        keyspace: Keyspace,
        /// Bytes of its key.
        key_bytes: usize,
        /// Bytes of its value.
        value_bytes: usize,
    },
}

/// What a caller does after a [`StoreError`] or [`JournalError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreStep {
    /// Drop all handles, cut the files to the stored lengths and open again; if the disk is full,
    /// once there is room.
    Reopen,
    /// A person must act: the folder is in use or damaged.
    Stop,
    /// The caller is at fault; the handle is good.
    Bug,
}

impl StoreError {
    /// What the caller does next.
    #[must_use]
    pub fn next_step(&self) -> StoreStep {
        match self {
            StoreError::Open { .. } if self.is_disk_full() => StoreStep::Reopen,
            StoreError::Open { .. } | StoreError::Locked { .. } => StoreStep::Stop,
            StoreError::Read { .. } | StoreError::Commit { .. } => StoreStep::Reopen,
            StoreError::Refused { .. } => StoreStep::Bug,
        }
    }

    /// Whether the cause is a full disk or quota, as far as the cause tells.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let mut cause: Option<&(dyn Error + 'static)> = Some(self);
        while let Some(error) = cause {
            if error.downcast_ref::<io::Error>().is_some_and(is_full) {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Why a link journal was not written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file system said no.
    #[error("access the link journal at {}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A frame that was acknowledged is not what was written.
    #[error("link journal {} is damaged at byte {offset}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the frame begins.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A file is shorter than the length the store holds for it, or gone.
    #[error("link journal {} has {bytes} bytes of {stored} that were stored", path.display())]
    Short {
        /// The file.
        path: PathBuf,
        /// What is there; 0 when the file is gone.
        bytes: u64,
        /// What the store says.
        stored: u64,
    },
    /// A reader's stored position is past what the writer's store shows.
    #[error("position {position} in link journal {} is past its stored end {shown}", dir.display())]
    PastEnd {
        /// The journal's folder.
        dir: PathBuf,
        /// The reader's position.
        position: JournalEnd,
        /// The writer's stored end.
        shown: JournalEnd,
    },
    /// A group that no journal can hold; nothing was written.
    #[error("group {group} does not fit the link journal: {what}")]
    Refused {
        /// The group.
        group: u64,
        /// Why.
        what: &'static str,
    },
    /// An earlier append failed, so the end of the file is unknown; nothing was written.
    #[error("link journal {} failed before; open it again", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
    },
}

impl JournalError {
    /// What the caller does next.
    #[must_use]
    pub fn next_step(&self) -> StoreStep {
        match self {
            JournalError::Io { .. } | JournalError::Broken { .. } => StoreStep::Reopen,
            JournalError::Damaged { .. }
            | JournalError::Short { .. }
            | JournalError::PastEnd { .. } => StoreStep::Stop,
            JournalError::Refused { .. } => StoreStep::Bug,
        }
    }

    /// Whether the cause is a full disk or quota.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        matches!(self, JournalError::Io { source, .. } if is_full(source))
    }
}
