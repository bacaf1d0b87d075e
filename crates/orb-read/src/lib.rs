//! From a page's decoded text to what a person wants of it: the main content as text and as Markdown, and the facts.
//!
//! In: the decoded text of a page, a feed, a JSON document or plain text, and its address.
//! Out: a [`Reading`].
//! May touch: nothing but its arguments. Must not touch: sockets, disk, clocks, settings.
//! Invariant: any input gives a reading; where there is text to read, the reading has some; time and memory are linear
//! in the input, recursion is bounded, and every bound is in [`limits`].
//!
//! This is the careful reading, off the crawl's hot path: it builds a tree (`builder`, `tree`), measures it
//! (`measure`), leaves out what sites put around their content (`furniture`), chooses the part that is the content
//! (`content`), composes a document of blocks and words (`compose`), and writes it (`write`). Links for the crawl are
//! `orb-page`'s part.

mod address;
mod builder;
mod compose;
mod content;
mod document;
mod facts;
mod feed;
mod furniture;
mod hints;
mod json;
mod labels;
pub mod limits;
mod measure;
mod media_type;
mod reading;
mod tag;
mod tree;
mod write;

pub use content::Extraction;
pub use facts::{Facts, Language, Structured, iso_8601};
pub use media_type::{MediaType, may_sniff, sniff, sniff_file};
pub use reading::{FoundLink, Reading, main_markdown, main_text, of_text, read, read_html};
