//! What a page's text has in common with other texts, as a few numbers.
//!
//! In: visible text, one line per block. Out: [`TextMarks`].
//! May touch: nothing but its arguments. Must not touch: markup, URLs' meaning, what other pages say.
//! Invariant: equal texts give equal numbers, on every machine and in every version: they are stored.

mod echoes;
mod marks;
mod simhash;
mod words;

pub use echoes::Echoes;
pub use marks::{MARKS_MAX, TEXT_BYTES_MAX, TextMarks};
