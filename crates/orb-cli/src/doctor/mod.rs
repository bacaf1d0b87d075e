//! What `orb doctor` looks at, and what it makes of it.
//!
//! In: settings, what the probes read of this machine. Out: findings, each with why it matters and how to mend it.
//! May touch: nothing itself; `probes` read the kernel's files, ask the configured DNS servers, write one temporary file.
//! Invariant: judgements are pure: a table of inputs gives a table of findings, whatever machine the tests run on.

pub(crate) mod clock;
pub(crate) mod cores;
pub(crate) mod descriptors;
pub(crate) mod disk;
pub(crate) mod finding;
pub(crate) mod folder_state;
pub(crate) mod identity;
pub(crate) mod ipv6;
pub(crate) mod kernel;
pub(crate) mod memory;
pub(crate) mod names;
pub(crate) mod ports;
pub(crate) mod probes;
pub(crate) mod trust;
