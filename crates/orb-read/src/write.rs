//! A document as text for people and programs.
//!
//! In: blocks. Out: Markdown (CommonMark with the tables, strikes, footnotes and definition lists of its common
//! extensions), or plain text.
//! May touch: `document`. Must not touch: the tree.
//! Invariant: a CommonMark parser reads back the words that went in; output is bounded by [`limits`](crate::limits).

mod escape;
mod markdown;
mod plain;

pub(crate) use markdown::markdown;
pub(crate) use plain::plain;
