//! What pages' texts have in common, and what follows: copies, pages that are missing, parked domains, clusters.
//!
//! In: visible text, one line per block; what pages claim to be. Out: [`TextMarks`], [`Seen`], [`Notice`], [`Cluster`].
//! May touch: nothing but its arguments. Must not touch: markup, URLs' meaning, sockets, files.
//! Invariant: equal texts give equal numbers, on every machine and in every version: marks and simhash are stored; memory
//! is bounded whatever comes.
//!
//! A crawl calls [`TextMarks::of`] for each page where it judges what is new or tells what texts are known by.
//! [`ContentMarks::of`] and [`Duplicates::note`], for whether a page is a copy, are made to be as cheap; `orb export
//! duplicates` calls them over an archive. [`resemblance`] compares two pages by their marks, which are a MinHash sketch of them; [`MissingPage`] and
//! [`notice`] know pages that are none; [`clusters`] joins what pages say of each other.

mod clusters;
mod duplicates;
mod echoes;
pub mod limits;
mod marks;
mod missing;
mod notice;
mod seen;
mod signature;
mod simhash;
mod sketch;
mod template;
mod words;

pub use clusters::{Claims, Cluster, clusters};
pub use duplicates::{DuplicateBounds, Duplicates};
pub use echoes::Echoes;
pub use marks::{ContentMarks, MARKS_MAX, TEXT_BYTES_MAX, TextMarks};
pub use missing::{MissingPage, probe_path};
pub use notice::{Notice, notice};
pub use seen::{Alike, Seen};
pub use sketch::resemblance;
