//! What outlives the process: one slot's keyspaces, and the journal of the links it found.
//!
//! In: batches of rows; blocks of links for each destination slot.
//! Out: rows again, in key order; blocks again, in the order they were written.
//! May touch: `orb-env` (files), the embedded store (which owns its own files and thread).
//! Must not touch: what rows and blocks mean; no URL is known here.
//! Invariant: what an `Ok` acknowledged survives a kill and a power cut; what was never
//! acknowledged is absent or whole, never in part.

mod batch;
mod error;
mod fjall_store;
mod journal;
mod keyspace;
pub mod limits;
mod model_store;
mod rows;
mod store;

pub use batch::{Batch, Op};
pub use error::{JournalError, StoreError, StoreStep};
pub use fjall_store::FjallOpener;
pub use journal::{JournalBlock, JournalEnd, JournalReader, JournalWriter};
pub use keyspace::Keyspace;
pub use model_store::ModelOpener;
pub use rows::Rows;
pub use store::{Row, Store, StoreOpener};
