//! The metrics of a crawl: what each is called, what it means, and how it is written.
//!
//! In: samples, numbers with labels. Out: OpenMetrics text, the older text format, a reference page.
//! May touch: nothing. Must not touch: how a number comes about; no crate of ours is known here.
//! Invariant: a metric is defined once, in `definitions`; a label's value is a text of the program, so that no URL,
//! host or secret can become one.

mod busiest;
mod definitions;
mod happenings;
mod highest;
mod histogram;
mod reference;
mod sample;
mod text;

pub use busiest::{Busiest, Counted};
pub use definitions::*;
pub use happenings::{Happening, HappeningCounts, Severity};
pub use highest::Highest;
pub use histogram::{BOUNDS, Exemplar, Histogram};
pub use reference::reference;
pub use sample::{Number, Sample};
pub use text::{open_metrics, plain_text};
