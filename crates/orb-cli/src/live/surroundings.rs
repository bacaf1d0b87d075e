//! Whether a live view has a place here, and how it may look.
//!
//! In: flags, the environment, the terminal. Out: yes or no, a look. May touch: the environment, file descriptors.
//! Invariant: where a script, a log or a person without a capable terminal reads, plain lines are written.

use std::io::{self, IsTerminal};

use orb_screen::Look;
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

use super::curtain::Stream;

/// What the command line says about it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// `--plain`.
    pub(crate) plain: bool,
    /// `--quiet`.
    pub(crate) quiet: bool,
    /// `--json`.
    pub(crate) json: bool,
}

impl Wanted {
    /// Whether the view is to be shown on `stream`.
    pub(crate) fn view_on(self, stream: Stream) -> bool {
        let terminal = match stream {
            Stream::Output => io::stdout().is_terminal(),
            Stream::Error => io::stderr().is_terminal(),
        };
        terminal && in_front(stream) && self.view_in(variable)
    }

    fn view_in(self, variable: impl Fn(&str) -> Option<String>) -> bool {
        let set = |name| variable(name).is_some_and(|value| !value.is_empty() && value != "false");
        let dumb = variable("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        !(self.plain || self.quiet || self.json || dumb || set("CI"))
    }
}

/// Whether this process may use the terminal: one in the background would be stopped by its first attempt.
pub(crate) fn in_front(stream: Stream) -> bool {
    let front = match stream {
        Stream::Output => tcgetpgrp(io::stdout()),
        Stream::Error => tcgetpgrp(io::stderr()),
    };
    front.is_ok_and(|front| front == getpgrp())
}

/// How the view looks here.
pub(crate) fn look() -> Look {
    Look::from_environment(variable)
}

/// A variable of the environment, for what is said of the terminal there.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_logs_and_dumb_terminals_get_plain_lines() {
        let shown = |wanted: Wanted, variables: &[(&str, &str)]| {
            wanted.view_in(|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        let plainly = Wanted::default();
        let xterm = ("TERM", "xterm-256color");
        assert!(shown(plainly, &[xterm]));
        assert!(shown(plainly, &[xterm, ("CI", ""), ("NO_COLOR", "1")]));
        assert!(!shown(plainly, &[]));
        assert!(!shown(plainly, &[("TERM", "dumb")]));
        assert!(!shown(plainly, &[xterm, ("CI", "true")]));
        for wanted in [
            Wanted {
                plain: true,
                ..plainly
            },
            Wanted {
                quiet: true,
                ..plainly
            },
            Wanted {
                json: true,
                ..plainly
            },
        ] {
            assert!(!shown(wanted, &[xterm]), "{wanted:?}");
        }
    }
}
