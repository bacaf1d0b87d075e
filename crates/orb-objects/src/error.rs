//! What can go wrong with a store's address and with an upload.
//!
//! In: addresses, objects, what the store and the disk say. Out: errors. May touch: nothing.
//! Invariant: no text holds a credential: object_store's errors name requests, never keys.

use std::io;
use std::path::PathBuf;

/// Why a text names no store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// No URL at all.
    #[error("`{text}` is no URL: write `s3://bucket/prefix`, `gs://`, `az://` or `file:///folder`")]
    NoUrl {
        /// As given.
        text: String,
    },
    /// A scheme that nothing here speaks.
    #[error("`{scheme}` is no kind of store: there are `s3`, `gs`, `az` and `file`")]
    Scheme {
        /// The URL's.
        scheme: String,
    },
    /// No bucket, or no folder.
    #[error(
        "`{text}` names no bucket (or, for `file`, no absolute folder, as in `file:///srv/archive`)"
    )]
    NoBucket {
        /// As given.
        text: String,
    },
    /// User, password, query or fragment.
    #[error(
        "a store's URL has only bucket and prefix: credentials and options come from the environment (AWS_…, GOOGLE_…, AZURE_…)"
    )]
    Extra,
}

/// Why an object did not arrive.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UploadError {
    /// The store cannot be spoken to at all: options that cannot be, no trust anchors.
    #[error("set up the store {to}: {detail}")]
    Setup {
        /// The store.
        to: String,
        /// What is missing or wrong.
        detail: String,
    },
    /// The store refused or did not answer.
    #[error("{what} {object} at {to}")]
    Store {
        /// What was tried.
        what: &'static str,
        /// The object.
        object: String,
        /// The store.
        to: String,
        /// What it said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The file cannot be read.
    #[error("read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the disk says.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the disk says.
        #[source]
        source: io::Error,
    },
    /// The file is shorter than what is to be uploaded.
    #[error("{} is shorter than the {bytes} bytes that are committed: `orb archive verify` says more", path.display())]
    Short {
        /// Which.
        path: PathBuf,
        /// Committed bytes.
        bytes: u64,
    },
    /// The ledger cannot be read or written.
    #[error("ledger of uploads {}", path.display())]
    Ledger {
        /// Which.
        path: PathBuf,
        /// What the disk says.
        #[source]
        source: io::Error,
    },
    /// The ledger was written by a later version, or by somebody else.
    #[error("{} line {line} is no row of this version ({detail}): use the version that wrote it", path.display())]
    LedgerRow {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        detail: String,
    },
    /// Another object has this name, and nothing here says that we began it.
    #[error(
        "{to} holds another {object} ({there_bytes} bytes, ours has {bytes}), which is left as it is: choose another prefix, or remove it"
    )]
    Occupied {
        /// The object.
        object: String,
        /// The store.
        to: String,
        /// Bytes of the other.
        there_bytes: u64,
        /// Bytes of ours.
        bytes: u64,
    },
    /// What is there is not what was sent.
    #[error("{object} at {to} is not what was sent")]
    Differs {
        /// The object.
        object: String,
        /// The store.
        to: String,
    },
}

impl UploadError {
    /// Whether trying again later, without anybody doing anything here, may help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            UploadError::Store { .. }
            | UploadError::Differs { .. }
            | UploadError::Ledger { .. } => true,
            UploadError::Setup { .. }
            | UploadError::Read { .. }
            | UploadError::Write { .. }
            | UploadError::Short { .. }
            | UploadError::LedgerRow { .. }
            | UploadError::Occupied { .. } => false,
        }
    }

    /// Whether the store knows nothing of an upload that was begun: it expired, or was completed.
    pub(crate) fn is_unknown(&self) -> bool {
        let UploadError::Store { source, .. } = self else {
            return false;
        };
        matches!(source.as_ref(), object_store::Error::NotFound { .. })
    }
}
