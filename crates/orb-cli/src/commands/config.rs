//! `orb config show`: the settings in force, and where each came from.
//!
//! In: the sources of settings. Out: TOML that can be used as a file, or JSON. May touch: nothing else.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde::Serialize;
use toml::{Table, Value};

use crate::exit::{Exit, Failure, Outcome};
use crate::machine::Machine;
use crate::settings;
use crate::settings_args::SettingsArgs;
use crate::terminal::{say, say_json};

/// `orb config …`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting with its value and where that came from.
    Show(Box<ShowArgs>),
}

/// Arguments of `orb config show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb config show > orb.toml            a settings file with every setting
  orb config show --config orb.toml     what that file, the environment and the machine come to
  ORB_POLITENESS__SITE_DELAY=2s orb config show

Later ones win: default, file, environment (ORB_ and `__` between the parts), --set, flags.")]
pub(crate) struct ShowArgs {
    /// Print one JSON object: {\"key\":{\"value\":…,\"from\":\"…\"}}.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

#[derive(Serialize)]
struct Shown {
    value: Value,
    from: String,
}

/// Runs `orb config …`.
pub(crate) fn run(command: &ConfigCommand) -> Outcome {
    let ConfigCommand::Show(args) = command;
    let in_force = args
        .settings
        .in_force(settings::from_process(), &Machine::this())?;
    let table = Table::try_from(&in_force.config).map_err(Failure::bug)?;
    let mut shown = BTreeMap::new();
    for (key, value) in leaves(&table, "") {
        let from = in_force
            .origin
            .get(&key)
            .map_or_else(|| "default".to_owned(), ToString::to_string);
        shown.insert(key, Shown { value, from });
    }
    if args.json {
        say_json(&shown)?;
        return Ok(Exit::Fine);
    }
    let lines: Vec<(String, &str)> = shown
        .iter()
        .map(|(key, shown)| (format!("{key} = {}", shown.value), shown.from.as_str()))
        .collect();
    let width = lines
        .iter()
        .map(|(line, _)| line.chars().count())
        .filter(|width| *width <= 60)
        .max()
        .unwrap_or(0);
    for (line, from) in lines {
        say(&format!("{line:width$}  # {from}"));
    }
    Ok(Exit::Fine)
}

fn leaves(table: &Table, above: &str) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (name, value) in table {
        let key = if above.is_empty() {
            name.clone()
        } else {
            format!("{above}.{name}")
        };
        match value {
            Value::Table(below) if !below.is_empty() => found.extend(leaves(below, &key)),
            value => found.push((key, value.clone())),
        }
    }
    found
}
