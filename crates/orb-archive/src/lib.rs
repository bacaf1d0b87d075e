//! Archive files as they lie there, from this crawler or any other: verified, repaired, looked into.
//!
//! In: WARC files by path, through a disk. Out: reports, sound copies, single records.
//! May touch: the disk it is given; it reads originals and writes only new files. Must not touch: a crawl's state, HTTP
//! content codings, the network.
//! Invariant: an original is never changed, and every byte of it is a record that was judged or a range that is named.

mod error;
mod files;
pub mod limits;
mod look;
mod repair;
mod verify;

pub use error::ArchiveError;
pub use files::{ArchiveFile, list};
pub use look::{
    Look, Walked, head_at, newest, record_at, record_referred, records_from, records_of,
    records_walked,
};
pub use repair::{Repaired, repair};
pub use verify::{Damage, DamageKind, FileReport, verify};
