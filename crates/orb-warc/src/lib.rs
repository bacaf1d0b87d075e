//! WARC 1.1 records, written and read (ISO 28500:2017).
//!
//! In: the bytes of one exchange and its facts (address, time, ids, digest), or the bytes of an archive file.
//! Out: whole records appended to a buffer with their place in it, or records with their place in the file.
//! May touch: memory and the `Read` it is given. Must not touch: files, clocks, randomness, sockets, other orb crates.
//! Invariant: what is written holds exactly the records and fields asked for, whatever text a server or page put into them;
//! what is read never panics and never ends early without saying so.
//!
//! The writer is strict, the reader tolerant: it reports oddities beside the record, damage with its place, and goes on.
//!
//! ```
//! use orb_warc::{Compression, Reader, RecordId, RecordType, Writer};
//! let mut file = Vec::new();
//! let mut writer = Writer::new(Compression::Gzip);
//! let written = writer.warcinfo(&mut file, RecordId::from_random([7; 16]), 0, "a.warc.gz", &[("software", "orb")]);
//! let record = Reader::new(&file[..]).next_record().unwrap().unwrap();
//! assert_eq!((record.offset, record.len), (written.start as u64, written.len as u64));
//! assert_eq!(record.record_type(), RecordType::Warcinfo);
//! ```

mod chunked;
mod date;
#[cfg(feature = "zstd")]
mod dictionary;
mod digest;
mod encode;
mod escape;
mod fields;
mod gzip;
mod http_head;
mod id;
mod input;
pub mod limits;
mod name;
mod oddity;
mod raw;
mod read;
mod record;
mod write;

pub use chunked::{ChunkedEnd, Dechunked, dechunk};
pub use date::{format_date, parse_date};
#[cfg(feature = "zstd")]
pub use dictionary::Dictionary;
pub use digest::{Digest, DigestOf};
pub use encode::Compression;
pub use fields::Fields;
pub use http_head::HttpHead;
pub use id::RecordId;
pub use name::{SegmentName, segment_name};
pub use oddity::Oddity;
pub use read::{ReadError, Reader};
pub use record::{DigestCheck, DigestVerdict, Record, RecordType};
pub use write::{
    MetadataRecord, Referred, RequestRecord, ResponseRecord, RevisitProfile, RevisitRecord,
    Truncated, Writer, Written,
};
