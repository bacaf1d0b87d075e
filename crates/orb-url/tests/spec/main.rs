//! The specification of `orb-url`, as tests.
//!
//! `canonical` and `seeds` state the rules, `stable` pins what is stored, `hostile` holds what
//! an enemy writes, `properties` holds what is true of every text, `shortcut` holds the short way to the
//! long one, and `wpt` and `psl` run the
//! public corpora where the variable `ORB_CORPORA` names their folder.

#[path = "../grammar/mod.rs"]
mod grammar;

mod canonical;
mod corpora;
mod hostile;
mod properties;
mod psl;
mod rewrites;
mod seeds;
mod shortcut;
mod stable;
mod wpt;
