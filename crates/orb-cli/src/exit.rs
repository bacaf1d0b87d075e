//! Exit codes, and the way every run ends.
//!
//! In: what a command returns, or its panic. Out: an exit code, one line on standard error when it failed.
//! May touch: the panic hook, standard error, the live view that must not outlive a panic. Invariant: the codes are a contract with scripts.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::process::ExitCode;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Finished, or a limit was reached.
    Fine,
    /// A check failed: audit.
    CheckFailed,
    /// The arguments or settings cannot be.
    Usage,
    /// Stopped by a signal; the state on disk is safe.
    Stopped,
    /// The disk or the state on it.
    Storage,
    /// A mistake of ours.
    Bug,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Fine => 0,
            Exit::CheckFailed => 1,
            Exit::Usage => 2,
            Exit::Stopped => 3,
            Exit::Storage => 4,
            Exit::Bug => 70,
        }
    }

    /// The exit of a code that a crawl's error names.
    pub(crate) fn of_code(code: u8) -> Exit {
        [Exit::Usage, Exit::Storage]
            .into_iter()
            .find(|exit| exit.code() == code)
            .unwrap_or(Exit::Bug)
    }
}

/// A run that failed: what to tell the person, and what to tell the script.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) error: anyhow::Error,
}

impl Failure {
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Failure {
        Failure {
            exit: Exit::Usage,
            error: error.into(),
        }
    }

    pub(crate) fn storage(error: impl Into<anyhow::Error>) -> Failure {
        Failure {
            exit: Exit::Storage,
            error: error.into(),
        }
    }

    pub(crate) fn bug(error: impl Into<anyhow::Error>) -> Failure {
        Failure {
            exit: Exit::Bug,
            error: error.into(),
        }
    }

    /// A failure in plain words, with what to do.
    pub(crate) fn usage_text(text: impl Into<String>) -> Failure {
        Failure::usage(anyhow::Error::msg(text.into()))
    }
}

impl From<orb_crawl::CrawlError> for Failure {
    fn from(error: orb_crawl::CrawlError) -> Failure {
        Failure {
            exit: Exit::of_code(error.exit_code()),
            error: error.into(),
        }
    }
}

/// What every command returns.
pub(crate) type Outcome = Result<Exit, Failure>;

/// Runs the program: a failure becomes one line and its code, a panic 70.
pub(crate) fn guarded(run: impl FnOnce() -> Outcome) -> ExitCode {
    std::panic::set_hook(Box::new(report_panic));
    ExitCode::from(exit_of(run).code())
}

fn exit_of(run: impl FnOnce() -> Outcome) -> Exit {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(exit)) => exit,
        Ok(Err(failure)) => {
            crate::terminal::note(&format!("orb: {:#}", failure.error));
            failure.exit
        }
        Err(_) => Exit::Bug,
    }
}

fn report_panic(info: &PanicHookInfo<'_>) {
    crate::live::curtain::lower();
    let what = info.payload_as_str().unwrap_or("no message");
    let place = info
        .location()
        .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    orb_metrics::happened!(Panicked, what, place);
    crate::terminal::note(&format!(
        "orb: this is a bug of orb{place}: {what}\n\
         orb: what was committed is safe; the same command goes on from there. Please report these lines"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes of the help of `orb crawl`.
    #[test]
    fn every_end_has_its_code() {
        let code = |run: fn() -> Outcome| exit_of(run).code();
        assert_eq!(code(|| Ok(Exit::Fine)), 0);
        assert_eq!(code(|| Ok(Exit::CheckFailed)), 1);
        assert_eq!(code(|| Err(Failure::usage_text("planted"))), 2);
        assert_eq!(code(|| Ok(Exit::Stopped)), 3);
        assert_eq!(
            code(|| Err(Failure::storage(anyhow::Error::msg("planted")))),
            4
        );
        assert_eq!(code(|| panic!("planted")), 70);
        for (from, to) in [(2, Exit::Usage), (4, Exit::Storage), (70, Exit::Bug)] {
            assert_eq!(Exit::of_code(from), to);
        }
    }
}
