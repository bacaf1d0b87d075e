//! What `orb plan` is made of: questions asked, costs measured, facts read, words.
//!
//! In: arguments, settings, a crawl's folder. Out: questions for `orb-plan`, text. May touch: what its parts say.
//! Must not touch: the arithmetic; that is `orb-plan`'s. Invariant: every figure is shown with its source.

pub(crate) mod asking;
pub(crate) mod basis;
pub(crate) mod calibration;
pub(crate) mod sizes_file;
pub(crate) mod under_way;
pub(crate) mod words;
