//! `orb completions SHELL`.
//!
//! In: the name of a shell. Out: its script on standard output. May touch: nothing.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::{Exit, Outcome};
use crate::terminal::say;

/// Arguments of `orb completions`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:  orb completions bash > ~/.local/share/bash-completion/completions/orb"
)]
pub(crate) struct CompletionsArgs {
    /// Which shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "orb", &mut script);
    say(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Fine)
}
