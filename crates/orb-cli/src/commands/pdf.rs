//! `orb read-pdf`: the process that reads one PDF for the others.
//!
//! In: a PDF on standard input. Out: its text as JSON. May touch: its own limits.
//! Invariant: nobody types it; `orb read` and `orb export` start it.

use crate::exit::{Exit, Failure, Outcome};

/// The name of the command.
const READ_PDF: &str = "read-pdf";

/// Reads, within its limits.
pub(crate) fn run() -> Outcome {
    orb_pdf::serve().map_err(Failure::storage)?;
    Ok(Exit::Fine)
}

/// What starts it.
pub(crate) fn reader() -> Result<orb_pdf::Reader, Failure> {
    let program = std::env::current_exe().map_err(Failure::storage)?;
    Ok(orb_pdf::Reader::new(program, &[READ_PDF]))
}
