//! `orb man`: manual pages and the command reference, from the definitions that parse the command line.
//!
//! In: names of commands. Out: roff, Markdown. May touch: the folder that pages are written to.
//! Invariant: neither depends on the machine; a test compares the Markdown with the page in `docs/reference/`.

use std::fs;
use std::path::PathBuf;

use clap::{Args, Command, CommandFactory, ValueHint};

use crate::cli::Cli;
use crate::exit::{Exit, Failure, Outcome};
use crate::help_text::flowing;
use crate::terminal::{note, say};

/// Width of help in the reference, whatever the terminal's.
const HELP_WIDTH: usize = 100;

/// Arguments of `orb man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb man crawl | man -l -                              read one
  orb man --out ~/.local/share/man/man1                 install all, for this user: then `man orb-crawl`")]
pub(crate) struct ManArgs {
    /// The command whose page is printed, such as `crawl` or `config show` [default: orb itself].
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
    /// Write the pages of all commands to this folder, which is made when absent.
    #[arg(long, value_name = "DIR", conflicts_with = "command", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Print the help of all commands as one page of Markdown.
    #[arg(long, conflicts_with_all = ["command", "out"])]
    markdown: bool,
    /// Print what `/metrics` tells as one page of Markdown.
    #[arg(long, conflicts_with_all = ["command", "out", "markdown"])]
    metrics: bool,
}

/// Prints or writes them.
pub(crate) fn run(args: &ManArgs) -> Outcome {
    if args.markdown {
        say(commands_markdown().trim_end());
        return Ok(Exit::Fine);
    }
    if args.metrics {
        say(orb_metrics::reference().trim_end());
        return Ok(Exit::Fine);
    }
    // Manual pages show examples as they are written, and prose with them.
    let mut root = whole(Cli::command());
    if let Some(dir) = &args.out {
        fs::create_dir_all(dir).map_err(Failure::storage)?;
        let mut written = 0;
        for (name, page) in pages(&root)? {
            fs::write(dir.join(name), page).map_err(Failure::storage)?;
            written += 1;
        }
        note(&format!(
            "orb: {written} manual pages written to {}",
            dir.display()
        ));
        return Ok(Exit::Fine);
    }
    let mut command = &mut root;
    for name in &args.command {
        let above = command.get_bin_name().unwrap_or("orb").to_owned();
        command = command.find_subcommand_mut(name).ok_or_else(|| {
            Failure::usage_text(format!(
                "`{above}` has no command `{name}`: see `{above} --help`"
            ))
        })?;
    }
    say(page(command)?.trim_end());
    Ok(Exit::Fine)
}

/// A command line, names of nested commands filled in.
fn whole(root: Command) -> Command {
    let mut root = root.disable_help_subcommand(true).term_width(HELP_WIDTH);
    root.build();
    root
}

/// File name and text of the page of every command.
fn pages(command: &Command) -> Result<Vec<(String, String)>, Failure> {
    let mut found = vec![(format!("{}.1", page_name(command)), page(command)?)];
    for below in command.get_subcommands() {
        found.extend(pages(below)?);
    }
    Ok(found)
}

fn page_name(command: &Command) -> String {
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    name.to_owned()
}

fn page(command: &Command) -> Result<String, Failure> {
    let mut roff = Vec::new();
    let man = clap_mangen::Man::new(command.clone()).manual("Orbweaver");
    man.render(&mut roff).map_err(Failure::bug)?;
    // Examples are laid out by hand; filled like prose they could not be read.
    let roff = String::from_utf8_lossy(&roff);
    Ok(roff
        .replace(".SH EXTRA\n", ".SH NOTES\n.nf\n")
        .replace("\n.SH VERSION\n", "\n.fi\n.SH VERSION\n"))
}

/// The page `docs/reference/commands.md`.
pub(crate) fn commands_markdown() -> String {
    let mut page = String::from(
        "# Commands\n\nMade from the code by `cargo xtask docs`: what `--help` says of each command.\n",
    );
    describe(&mut whole(flowing(Cli::command())), &mut page);
    page
}

fn describe(command: &mut Command, page: &mut String) {
    let path = command.get_bin_name().unwrap_or("orb").to_owned();
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    page.push_str(&format!(
        "\n## `{path}`\n\n```text\n{}\n```\n",
        lines.join("\n").trim_end()
    ));
    for below in command.get_subcommands_mut() {
        if !below.is_hide_set() {
            describe(below, page);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pages in `docs/reference/` say what the code says.
    #[test]
    fn the_reference_is_up_to_date() {
        let settings = crate::commands::config::settings_markdown().unwrap();
        for (name, made) in [
            ("commands.md", commands_markdown()),
            ("metrics.md", orb_metrics::reference()),
            ("settings.md", settings),
        ] {
            let path = format!("{}/../../docs/reference/{name}", env!("CARGO_MANIFEST_DIR"));
            let kept = fs::read_to_string(&path).unwrap_or_default();
            let first = kept
                .lines()
                .zip(made.lines())
                .enumerate()
                .find(|(_, (kept, made))| kept != made);
            let place = first.map_or_else(
                || "its end".to_owned(),
                |(line, (_, made))| format!("line {}, which should be: {made}", line + 1),
            );
            assert!(
                kept.trim_end() == made.trim_end(),
                "docs/reference/{name} differs from the code at {place}\nmake it anew: cargo xtask docs"
            );
        }
    }

    #[test]
    fn every_command_has_a_page_of_its_own_name() {
        let pages = pages(&whole(Cli::command())).unwrap();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        for name in ["orb.1", "orb-crawl.1", "orb-config-show.1"] {
            assert!(names.contains(&name), "{names:?}");
        }
        assert!(!names.iter().any(|name| name.contains("help")), "{names:?}");
        for (name, page) in &pages {
            assert!(page.contains(".SH SYNOPSIS"), "{name}");
            assert!(!page.contains(".SH EXTRA"), "{name}");
        }
    }
}
