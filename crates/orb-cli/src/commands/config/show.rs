//! `orb config show`: the settings in force, and where each came from.
//!
//! In: the sources of settings. Out: TOML that can be used as a file, or JSON. May touch: nothing else.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use toml::{Table, Value};

use super::{reference, unknown};
use crate::exit::{Exit, Failure, Outcome};
use crate::machine::Machine;
use crate::setting_names::setting_or_group;
use crate::settings::{self, Meaning, Origin, PROFILE_KEY, Reference};
use crate::settings_args::{InForce, SettingsArgs};
use crate::terminal::{harmless, say, say_json, wrapped};

/// Widest setting that the column of origins makes room for; what is wider pushes its own origin aside.
const COLUMN_MAX: usize = 56;

/// Arguments of `orb config show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb config show --changed             what differs from the defaults, and who set it
  orb config show politeness            one group of settings
  orb config show politeness.site_delay one setting: value, origin, default, meaning
  orb config show --config orb.toml     what that file, the environment and the machine come to
  orb config show > orb.toml            a settings file that holds all of this (see also `orb config init`)

Later ones win: default, profile, file, environment (ORB_ and `__` between the parts), --set, flags.")]
pub(crate) struct ShowArgs {
    /// Only this setting with all that is known of it, or only this group of settings.
    #[arg(value_name = "KEY", value_parser = setting_or_group(), hide_possible_values = true)]
    key: Option<String>,
    /// Only what somebody set: by a profile, file, variable or flag.
    #[arg(long)]
    changed: bool,
    /// Print one JSON object: {"key":{"value":…,"from":"…","default":…,"description":"…"}}.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// One setting in force.
#[derive(Serialize)]
struct Shown {
    value: Value,
    from: String,
    default: Value,
    description: String,
    #[serde(skip)]
    is_chosen: bool,
}

/// Runs it.
pub(super) fn run(args: &ShowArgs) -> Outcome {
    let reference = reference()?;
    let key = args.key.as_deref().map(str::trim);
    let one = key.and_then(|key| reference.find(key));
    if let Some(key) = key
        && one.is_none()
        && reference.section(key).is_none()
    {
        return Err(unknown(&reference, key));
    }
    let in_force = args
        .settings
        .in_force(settings::from_process(), &Machine::this())?;
    let mut shown = shown(&in_force, &reference)?;
    let below = |name: &str, key: &str| {
        name.strip_prefix(key)
            .is_some_and(|rest| rest.starts_with('.'))
    };
    shown.retain(|name, setting| {
        let wanted = key.is_none_or(|key| name == key || below(name, key));
        wanted && (setting.is_chosen || !args.changed)
    });
    if args.json {
        say_json(&shown)?;
    } else if let Some(one) = one {
        if let Some(setting) = shown.get(&one.key) {
            say(&all_about(one, setting));
        }
    } else if shown.is_empty() {
        say(
            "# nothing is set: every setting has its default, or what was derived from this machine",
        );
    } else {
        say(&table(&shown, &reference));
    }
    Ok(Exit::Fine)
}

fn shown(in_force: &InForce, reference: &Reference) -> Result<BTreeMap<String, Shown>, Failure> {
    let mut table = Table::try_from(&in_force.config).map_err(Failure::bug)?;
    let profile = in_force.profile.name.to_owned();
    table.insert(PROFILE_KEY.to_owned(), Value::String(profile));
    let mut shown = BTreeMap::new();
    for setting in reference.settings() {
        let mut below = Some(&table);
        let mut value = None;
        for part in setting.key.split('.') {
            value = below.and_then(|table| table.get(part));
            below = value.and_then(Value::as_table);
        }
        let Some(value) = value else { continue };
        let origin = in_force
            .origin
            .get(&setting.key)
            .unwrap_or(&Origin::Default);
        shown.insert(
            setting.key.clone(),
            Shown {
                value: value.clone(),
                from: origin.to_string(),
                default: setting.default.clone(),
                description: setting.what.clone(),
                is_chosen: origin.is_chosen(),
            },
        );
    }
    Ok(shown)
}

/// A line for each setting, in the order of the reference, a blank line between the groups.
fn table(shown: &BTreeMap<String, Shown>, reference: &Reference) -> String {
    let mut groups = Vec::new();
    for section in &reference.sections {
        let lines: Vec<(String, &str)> = section
            .settings
            .iter()
            .filter_map(|setting| shown.get_key_value(&setting.key))
            .map(|(key, setting)| (format!("{key} = {}", setting.value), setting.from.as_str()))
            .collect();
        if !lines.is_empty() {
            groups.push(lines);
        }
    }
    let width = groups
        .iter()
        .flatten()
        .map(|(line, _)| line.chars().count())
        .filter(|width| *width <= COLUMN_MAX)
        .max()
        .unwrap_or(0);
    let text = groups.iter().map(|lines| {
        let lines: Vec<String> = lines
            .iter()
            .map(|(line, from)| format!("{line:width$}  # {from}"))
            .collect();
        lines.join("\n")
    });
    harmless(&text.collect::<Vec<String>>().join("\n\n"))
}

fn all_about(setting: &Meaning, shown: &Shown) -> String {
    let variable = format!(
        "ORB_{}",
        setting.key.replace('.', "__").to_ascii_uppercase()
    );
    let mut lines = vec![
        format!("{} = {}", setting.key, shown.value),
        format!("  from      {}", shown.from),
        format!("  default   {}", setting.default),
        format!("  write     {}", setting.kind),
    ];
    for (name, meaning) in &setting.choices {
        lines.push(format!("            {name:10} {meaning}"));
    }
    lines.push(format!(
        "  set it    in a file: {} = …   --set {}=…   {variable}=…",
        setting.key, setting.key
    ));
    lines.push(String::new());
    lines.extend(
        wrapped(&setting.what, 96)
            .iter()
            .map(|line| format!("  {line}")),
    );
    harmless(&lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(value: &str, from: &str) -> Shown {
        Shown {
            value: value.parse().unwrap(),
            from: from.to_owned(),
            default: Value::Integer(0),
            description: String::new(),
            is_chosen: true,
        }
    }

    #[test]
    fn origins_stand_in_one_column_and_long_values_only_push_their_own() {
        let reference = reference().unwrap();
        let long = format!("[\"{}\"]", "x".repeat(80));
        let shown = BTreeMap::from([
            ("threads".to_owned(), setting("4", "--threads")),
            ("limits.pages_max".to_owned(), setting("100", "--max-pages")),
            ("limits.types".to_owned(), setting(&long, "orb.toml:3:1")),
        ]);
        let expected = format!(
            "threads = 4             # --threads\n\n\
             limits.pages_max = 100  # --max-pages\n\
             limits.types = {long}  # orb.toml:3:1"
        );
        assert_eq!(table(&shown, &reference), expected);
    }

    #[test]
    fn one_setting_is_told_with_all_that_is_known_of_it() {
        let reference = reference().unwrap();
        let scope = reference.find("frontier.scope").unwrap();
        let text = all_about(scope, &setting("\"any\"", "profile broad"));
        for part in [
            "frontier.scope = \"any\"",
            "from      profile broad",
            "default   \"site\"",
            "prefix ",
            "ORB_FRONTIER__SCOPE=",
            "How far to go from the seeds.",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
