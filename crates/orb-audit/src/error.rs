//! Why an audit could not be finished. What is wrong with the crawl is a verdict, never an error.
//!
//! In: failures of disk and store. Out: the errors. May touch: nothing.
//! Invariant: each names what could not be read.

use std::io;
use std::path::PathBuf;

use orb_robots::TokenError;
use orb_shard::SlotId;

/// What a [`crate::StateReader`] may fail with.
pub type StateError = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// A file or folder cannot be read.
    #[error("read {path}")]
    Disk {
        /// Which.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// The file that says what the crawl is cannot be understood.
    #[error("{path} is no identity of a crawl")]
    Identity {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The state of a slot cannot be read.
    #[error("read the state of slot {slot}")]
    State {
        /// Which.
        slot: SlotId,
        /// What the store said.
        #[source]
        source: StateError,
    },
    /// The settings name an agent token that no crawler can have.
    #[error("settings of the audit")]
    Token(#[from] TokenError),
}

impl AuditError {
    pub(crate) fn disk(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> AuditError {
        let path = path.into();
        move |source| AuditError::Disk { path, source }
    }

    pub(crate) fn state(slot: SlotId) -> impl FnOnce(StateError) -> AuditError {
        move |source| AuditError::State { slot, source }
    }
}
