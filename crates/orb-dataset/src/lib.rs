//! Captures as data people take them: Parquet in Common Crawl's columnar index schema, CDXJ, zipnum clusters.
//!
//! In: the records of WARC files with their places, one file after another. Out: index files that appear whole or not
//! at all. May touch: the disk it is given. Must not touch: how records are read from files, content codings, HTTP, crawls.
//! Invariant: an index is made from records alone, so that whatever is lost can be made again; memory is bounded however
//! many captures a file holds; no text of a page or server can add a line, a row or a field.
//!
//! ```text
//! index/cdxj/NAME.warc.gz.cdxj                                   lines sorted by key and time
//! index/captures/crawl=X/subset=warc/NAME.warc.gz.parquet        successful captures, sorted by key and time
//! index/captures/crawl=X/subset=crawldiagnostics/…               redirects, errors, revisits
//! index/captures/crawl=X/subset=robotstxt/…                      answers to requests for robots.txt
//! ```
//!
//! The CDXJ file is written last: where it stands, the index of that WARC file is complete.

mod cdx_key;
mod cdxj;
mod cluster;
mod columns;
mod earlier;
mod error;
mod host;
mod language;
pub mod limits;
mod lookup;
mod output;
mod place;
mod row;
mod segment;
mod sorted;
mod table;
mod zipnum;

pub use cdx_key::cdx_key;
pub use cdxj::cdxj_line;
pub use columns::SCHEMA_VERSION;
pub use earlier::{EarlierCapture, EarlierError, EarlierIndexes};
pub use error::DatasetError;
pub use lookup::lines_of_key;
pub use place::{IndexPlace, Subset};
pub use row::CaptureRow;
pub use segment::{Indexed, SegmentIndex};
pub use sorted::SortedLines;
pub use zipnum::ZipNum;
