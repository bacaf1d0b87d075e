//! Uploads to object storage: every file arrives once, whole, and is proven there before anybody may remove the local copy.
//!
//! In: a store's URL, options, files that grow no more. Out: objects, and a ledger of what arrived.
//! May touch: the network of the store, the ledger, files (reading). Must not touch: the environment; crawls.
//! Invariant: an object is in the ledger as arrived only after its bytes were proven; the ledger is synced first.
//!
//! Start at `upload.rs`.

mod connect;
mod download;
mod error;
mod http;
mod ledger;
pub mod limits;
mod patience;
mod place;
mod upload;
mod verify;

pub use connect::{Store, StoreOptions};
pub use error::{PlaceError, UploadError};
pub use ledger::{Arrived, Known, Ledger, Proof};
pub use place::{Place, Scheme};
pub use upload::{Meter, Source, Uploader};
pub use verify::Verify;
