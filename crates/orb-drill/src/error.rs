//! Why a drill ended early.
//!
//! In: errors of the parts. Out: one enum. May touch: nothing. Invariant: the subject is in the fields.

use std::io;
use std::path::PathBuf;

use orb_frontier::FrontierError;
use orb_shard::SlotId;
use orb_store::StoreError;

/// Why a drill ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrillError {
    /// A slot's store could not be opened, read or written.
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
    /// A file or a thread could not be had.
    #[error("{what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file, or nothing.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The number of slots cannot be.
    #[error(transparent)]
    Slots(#[from] orb_shard::SlotCountError),
    /// The frontier did what it must never do.
    #[error("slot {slot}: {what}")]
    Broken {
        /// Which slot.
        slot: SlotId,
        /// What is wrong.
        what: String,
    },
    /// A thread of the drill panicked.
    #[error("a thread of the drill panicked: {what}")]
    Panicked {
        /// Which.
        what: &'static str,
    },
}

impl DrillError {
    pub(crate) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> DrillError {
        let path = path.into();
        move |source| DrillError::Io { what, path, source }
    }
}
