//! Looking: what the judgements of `orb doctor` are given.
//!
//! In: settings. Out: inputs of the judgements. May touch: the kernel's files, the configured DNS servers, one
//! temporary file in the folder that is examined. Must not touch: any other host; nothing is judged here.
//! Invariant: every wait is bounded; what cannot be read is absent, never a failure.

pub(crate) mod dns;
pub(crate) mod dns_message;
pub(crate) mod machine;
pub(crate) mod place;
pub(crate) mod times;
