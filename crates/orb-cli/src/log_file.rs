//! The log of this process: where its lines are shown.
//!
//! In: a folder, what to log. Out: counts of what happens. May touch: standard error, through the curtain.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use orb_crawl::World;
use orb_env::KernelDisk;
use orb_metrics::HappeningCounts;

use crate::exit::Failure;
use crate::live::curtain::LogLines;
use crate::log_writer;

/// Logs into `folder`, warnings on standard error too. `filter` is the value of `ORB_LOG`.
pub(crate) fn start(
    world: &dyn World,
    folder: &Path,
    filter: Option<&str>,
) -> Result<Arc<HappeningCounts>, Failure> {
    log_writer::start(Arc::new(KernelDisk), world.clock(), folder, filter, show)
        .map_err(Failure::usage)
}

/// Only warnings, only on standard error: for commands without a crawl's folder.
pub(crate) fn start_without_file() {
    log_writer::start_without_file(show);
}

fn show(line: &str) {
    LogLines.write_all(line.as_bytes()).ok(); // a closed standard error stops nothing
}
