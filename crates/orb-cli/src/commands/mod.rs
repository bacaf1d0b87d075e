//! The commands, one module each: its arguments, what it does, what it prints.
//!
//! In: parsed arguments. Out: lines and an exit. May touch: the crates below.
//! Invariant: a command wires; what it wires lives in the crates.

pub(crate) mod archive;
pub(crate) mod archive_index;
pub(crate) mod archive_upload;
pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod bench_archive;
pub(crate) mod bench_fetch;
pub(crate) mod bench_frontier;
pub(crate) mod bench_page;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod control;
pub(crate) mod crawl;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod export_duplicates;
pub(crate) mod fetch;
pub(crate) mod frontier;
pub(crate) mod history;
pub(crate) mod identity;
pub(crate) mod inspect;
pub(crate) mod man;
pub(crate) mod pdf;
pub(crate) mod plan;
pub(crate) mod read;
pub(crate) mod robots;
pub(crate) mod simweb;
pub(crate) mod simweb_hostile;
pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod steering;
pub(crate) mod trace;
pub(crate) mod url;
pub(crate) mod why;
