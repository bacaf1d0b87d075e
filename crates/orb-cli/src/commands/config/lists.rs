//! `orb config keys`, `profiles` and `schema`: what can be set, without regard to what is in force.
//!
//! In: the reference and the table of profiles. Out: text, Markdown, JSON. May touch: nothing.
//! Invariant: the Markdown does not depend on the machine; a test compares it with the page in `docs/reference/`.

use clap::Args;
use serde::Serialize;
use toml::Value;

use super::{reference, unknown};
use crate::exit::{Exit, Failure, Outcome};
use crate::setting_names::setting_or_group;
use crate::settings::{Meaning, PROFILES, Profile, Section};
use crate::terminal::{say, say_json, wrapped};

/// Width of text for terminals.
const WIDTH: usize = 96;

/// Arguments of `orb config keys`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb config keys | less
  orb config keys politeness")]
pub(crate) struct KeysArgs {
    /// Only this setting or group of settings.
    #[arg(value_name = "KEY", value_parser = setting_or_group(), hide_possible_values = true)]
    key: Option<String>,
    /// Print the page of the reference as Markdown.
    #[arg(long, conflicts_with_all = ["key", "json"])]
    markdown: bool,
    /// Print one JSON object: {"key":{"description":…,"kind":…,"choices":…,"default":…}}.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Told<'a> {
    description: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<&'a str>,
    default: &'a Value,
}

/// Prints the reference.
pub(super) fn keys(args: &KeysArgs) -> Outcome {
    if args.markdown {
        say(settings_markdown()?.trim_end());
        return Ok(Exit::Fine);
    }
    let reference = reference()?;
    let key = args.key.as_deref().map(str::trim);
    if let Some(key) = key
        && reference.find(key).is_none()
        && reference.section(key).is_none()
    {
        return Err(unknown(&reference, key));
    }
    let wanted = |section: &Section, setting: &Meaning| {
        key.is_none_or(|key| key == section.name || key == setting.key)
    };
    let mut told = serde_json::Map::new();
    let mut blocks = Vec::new();
    for section in &reference.sections {
        let settings: Vec<&Meaning> = section
            .settings
            .iter()
            .filter(|setting| wanted(section, setting))
            .collect();
        for setting in &settings {
            let json = serde_json::to_value(Told {
                description: &setting.what,
                kind: setting.kind,
                choices: setting
                    .choices
                    .iter()
                    .map(|(name, _)| name.as_str())
                    .collect(),
                default: &setting.default,
            });
            told.insert(setting.key.clone(), json.map_err(Failure::bug)?);
        }
        if !settings.is_empty()
            && !section.name.is_empty()
            && key.is_none_or(|key| key == section.name)
        {
            blocks.push(format!("== {}: {}", section.name, section.purpose));
        }
        blocks.extend(settings.into_iter().map(for_terminal));
    }
    if args.json {
        say_json(&told)?;
    } else {
        say(&blocks.join("\n\n"));
    }
    Ok(Exit::Fine)
}

fn for_terminal(setting: &Meaning) -> String {
    let mut lines = vec![format!(
        "{} = {}    ({})",
        setting.key, setting.default, setting.kind
    )];
    lines.extend(
        wrapped(&setting.what, WIDTH - 4)
            .iter()
            .map(|line| format!("    {line}")),
    );
    for (name, meaning) in &setting.choices {
        let parts = wrapped(meaning, WIDTH - 17);
        for (place, part) in parts.iter().enumerate() {
            let name = if place == 0 { name } else { "" };
            lines.push(format!("      {name:10} {part}"));
        }
    }
    lines.join("\n")
}

/// Arguments of `orb config profiles`.
#[derive(Debug, Args)]
#[command(after_help = "\
Choose one with `--profile NAME`, `profile = \"NAME\"` in the settings file, or ORB_PROFILE. Whatever is set by hand
wins over it: `orb crawl --profile broad --scope any` goes on from the listed sites to every site they link to.")]
pub(crate) struct ProfilesArgs {
    /// Print one JSON object: {"name":{"purpose":…,"values":{"key":{"value":…,"why":…}}}}.
    #[arg(long)]
    json: bool,
}

/// Prints the profiles.
pub(super) fn profiles(args: &ProfilesArgs) -> Outcome {
    if args.json {
        let all: serde_json::Map<String, serde_json::Value> = PROFILES
            .iter()
            .map(|profile| (profile.name.to_owned(), profile_json(profile)))
            .collect();
        say_json(&all)?;
        return Ok(Exit::Fine);
    }
    let blocks: Vec<String> = PROFILES.iter().map(profile_text).collect();
    say(&blocks.join("\n\n"));
    Ok(Exit::Fine)
}

fn profile_json(profile: &Profile) -> serde_json::Value {
    let values: serde_json::Map<String, serde_json::Value> = profile
        .values
        .iter()
        .map(|set| {
            let value = set.value.parse::<Value>().ok();
            let told = serde_json::json!({"value": value, "why": set.why});
            (set.key.to_owned(), told)
        })
        .collect();
    serde_json::json!({"purpose": profile.purpose, "values": values})
}

fn profile_text(profile: &Profile) -> String {
    let mut lines = vec![profile.name.to_owned()];
    lines.extend(
        wrapped(profile.purpose, WIDTH - 4)
            .iter()
            .map(|line| format!("    {line}")),
    );
    let settings: Vec<String> = profile
        .values
        .iter()
        .map(|set| format!("{} = {}", set.key, set.value))
        .collect();
    let width = settings.iter().map(String::len).max().unwrap_or(0);
    for (setting, set) in settings.iter().zip(profile.values) {
        lines.push(format!("      {setting:width$}  # {}", set.why));
    }
    lines.join("\n")
}

/// Prints the JSON schema.
pub(super) fn schema() -> Outcome {
    let reference = reference()?;
    let text = serde_json::to_string_pretty(reference.schema()).map_err(Failure::bug)?;
    say(&text);
    Ok(Exit::Fine)
}

/// The page `docs/reference/settings.md`.
pub(crate) fn settings_markdown() -> Result<String, Failure> {
    let mut page = String::from(
        "# Settings\n\n\
         Made from the code by `cargo xtask docs`; edit the doc comments of the settings structs, not this page.\n\n\
         A settings file is TOML; `orb config init` writes one with all of this in it. Every key can also be set by \
         `--set KEY=VALUE` and by a variable: `ORB_POLITENESS__SITE_DELAY=2s` sets `politeness.site_delay`. Later \
         ones win: default, profile, file, environment, `--set`, flags. `orb config show` tells what is in force and \
         where it came from.\n\n\
         Times are written `500ms`, `90s`, `10m`, `2h 30m`; sizes `512MiB`, `2GB`, or a number of bytes. A list needs \
         no brackets on the command line: `--set dns.servers=9.9.9.9:53,1.1.1.1:53`.\n\n\
         ## Profiles\n\n\
         Chosen by `--profile NAME`, `profile = \"NAME\"` in the file, or `ORB_PROFILE`. Whatever is set by hand wins \
         over a profile.\n",
    );
    for profile in PROFILES {
        page.push_str(&format!("\n### {}\n\n{}\n", profile.name, profile.purpose));
        if profile.values.is_empty() {
            continue;
        }
        page.push_str("\n| key | value | why |\n|---|---|---|\n");
        for set in profile.values {
            page.push_str(&format!(
                "| `{}` | `{}` | {} |\n",
                set.key, set.value, set.why
            ));
        }
    }
    for section in &reference()?.sections {
        if section.name.is_empty() {
            page.push_str("\n## The process\n\nKeys above all tables.\n");
        } else {
            page.push_str(&format!(
                "\n## `[{}]`\n\n{}\n",
                section.name, section.purpose
            ));
        }
        for setting in &section.settings {
            page.push_str(&format!(
                "\n### `{}`\n\n{}\n\nDefault: `{}` ({})\n",
                setting.key, setting.what, setting.default, setting.kind
            ));
            if !setting.choices.is_empty() {
                page.push('\n');
            }
            for (name, meaning) in &setting.choices {
                page.push_str(&format!("- `{name}`: {meaning}\n"));
            }
        }
    }
    Ok(page)
}
