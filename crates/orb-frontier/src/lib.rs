//! Which URL next: the sieve, site queues, the site table and budgets.

mod codec;
mod found;
mod sieve;

pub use codec::DecodeError;
pub use found::{Found, How};
pub use sieve::{
    Admitted, AdmittedRows, MergeJob, Merged, RunList, Sieve, SieveError, SieveKey, check_runs,
    read_admitted, remove_admitted,
};
