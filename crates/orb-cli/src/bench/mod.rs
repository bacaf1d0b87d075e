//! The frame of every bench: runs, figures, targets, machine, report.
//!
//! In: what single runs measured. Out: medians with their spread, compared with targets, as a table and as JSON.
//! May touch: `/proc`, child processes. Must not touch: what is measured.
//! Invariant: every number says how it spreads and on what machine it was taken; the arithmetic is pure.
//!
//! A bench is a list of rows, a [`report::Run`] for each run of a row, the [`table::Column`]s worth showing, and its
//! lines in [`targets::TARGETS`].

pub(crate) mod archive_forms;
pub(crate) mod archive_set;
pub(crate) mod callgrind;
pub(crate) mod cores;
pub(crate) mod crawl_rows;
pub(crate) mod crawl_run;
pub(crate) mod fetch_cost;
#[cfg(feature = "bench-peers")]
pub(crate) mod fetch_hyper;
pub(crate) mod fetch_load;
pub(crate) mod fetch_ours;
pub(crate) mod figure;
pub(crate) mod frontier_report;
pub(crate) mod instructions;
pub(crate) mod interrupt;
pub(crate) mod page_peers;
pub(crate) mod page_readings;
pub(crate) mod page_set;
pub(crate) mod process;
pub(crate) mod report;
pub(crate) mod surroundings;
pub(crate) mod table;
pub(crate) mod targets;
