//! `orb config init`: a settings file with everything in it, to be edited.
//!
//! In: the reference, what is known already. Out: a commented TOML file. May touch: that file.
//! Invariant: the file as written changes nothing but what was asked for, and every line of it can be uncommented
//! alone: keys are written with their dots, so no table header decides what a line means.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use toml::Value;

use super::reference;
use crate::exit::{Exit, Failure, Outcome};
use crate::setting_names::profile_name;
use crate::settings::{Meaning, PROFILE_KEY, Profile, Reference};
use crate::terminal::{note, say, wrapped};

/// Widest line of comments.
const WIDTH: usize = 100;

/// What nearly everybody looks at first; the rest follows by groups.
const ESSENTIALS: [&str; 9] = [
    "identity.contact",
    PROFILE_KEY,
    "frontier.scope",
    "politeness.site_delay",
    "limits.pages_max",
    "limits.bytes_max",
    "limits.duration_max",
    "memory_max",
    "disk_max",
];

/// Arguments of `orb config init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb config init --contact you@example.org           writes orb.toml
  orb config init mine.toml --profile broad
  orb config init - | less

Use it with: orb crawl --config orb.toml …")]
pub(crate) struct InitArgs {
    /// The file to write; `-` prints it.
    #[arg(value_name = "FILE", default_value = "orb.toml", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// Your mail address or web page, written into the file.
    #[arg(long, value_name = "MAIL-OR-URL")]
    contact: Option<String>,
    /// The profile, written into the file.
    #[arg(long, value_name = "NAME", value_parser = profile_name())]
    profile: Option<&'static Profile>,
    /// Overwrite a file that is there.
    #[arg(long)]
    force: bool,
}

/// Writes it.
pub(super) fn run(args: &InitArgs) -> Outcome {
    if let Some(contact) = &args.contact {
        crate::identity::check_contact(contact).map_err(Failure::usage)?;
    }
    let text = text(&reference()?, args.contact.as_deref(), args.profile);
    if args.file == Path::new("-") {
        say(text.trim_end());
        return Ok(Exit::Fine);
    }
    let name = args.file.display();
    let mut options = OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let written = options
        .open(&args.file)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Failure::usage_text(format!(
                "{name} is there already: choose another name, or overwrite it with --force"
            )));
        }
        Err(error) => {
            let error = anyhow::Error::new(error);
            return Err(Failure::usage(
                error.context(format!("{name} cannot be written")),
            ));
        }
    }
    note(&format!(
        "orb: {name} written; use it with: orb crawl --config {name} …"
    ));
    if args.contact.is_none() {
        note(
            "orb: before a crawl of public sites, write who answers for it: identity.contact, its first setting",
        );
    }
    Ok(Exit::Fine)
}

/// The file's text.
fn text(reference: &Reference, contact: Option<&str>, profile: Option<&Profile>) -> String {
    let mut lines: Vec<String> = [
        "# Settings of Orbweaver.",
        "#",
        "# A line that begins with `#` and a key shows the default: take the `#` away and change the value.",
        "# Later ones win: default, profile, this file, environment (ORB_…), --set, flags.",
        "# `orb config show --config FILE --changed` tells what is set; `orb config keys` explains every key.",
        "",
        "",
        "# ==== What to look at first ====",
    ]
    .map(str::to_owned)
    .to_vec();
    let given = |key: &str| match key {
        "identity.contact" => contact.map(str::to_owned),
        PROFILE_KEY => profile.map(|profile| profile.name.to_owned()),
        _ => None,
    };
    for key in ESSENTIALS {
        if let Some(setting) = reference.find(key) {
            describe(setting, given(key).map(Value::String), &mut lines);
        }
    }
    for section in &reference.sections {
        let rest = section
            .settings
            .iter()
            .filter(|setting| !ESSENTIALS.contains(&setting.key.as_str()));
        let name = if section.name.is_empty() {
            "the process"
        } else {
            &section.name
        };
        lines.extend([String::new(), String::new(), format!("# ==== {name} ====")]);
        if !section.name.is_empty() {
            comment(&section.purpose, &mut lines);
        }
        for setting in rest {
            describe(setting, None, &mut lines);
        }
    }
    lines.join("\n") + "\n"
}

/// One setting: what it means, and its line; commented out unless a value is given.
fn describe(setting: &Meaning, given: Option<Value>, lines: &mut Vec<String>) {
    lines.push(String::new());
    comment(&setting.what, lines);
    for (name, meaning) in &setting.choices {
        comment(&format!("  {name}: {meaning}"), lines);
    }
    lines.push(match given {
        Some(value) => format!("{} = {value}", setting.key),
        None => format!("#{} = {}", setting.key, setting.default),
    });
}

fn comment(text: &str, lines: &mut Vec<String>) {
    let indent = text.len() - text.trim_start().len();
    let parts = wrapped(text, WIDTH - 2 - indent);
    lines.extend(
        parts
            .iter()
            .map(|part| format!("# {}{part}", " ".repeat(indent))),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Sources, load, profile_named};
    use orb_crawl::CrawlConfig;
    use std::collections::BTreeSet;

    fn read(text: &str) -> crate::settings::Loaded<CrawlConfig> {
        let sources = Sources {
            file: Some(("orb.toml".into(), text.to_owned())),
            with_profiles: true,
            ..Sources::default()
        };
        load(&sources).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    #[test]
    fn a_fresh_file_loads_and_changes_nothing() {
        let loaded = read(&text(&reference().unwrap(), None, None));
        assert_eq!(loaded.value, CrawlConfig::default());
        assert!(loaded.origin.values().all(|origin| !origin.is_chosen()));
    }

    #[test]
    fn what_was_given_is_in_force_and_nothing_else() {
        let contact = "\"quoted\"@example.org";
        let loaded = read(&text(
            &reference().unwrap(),
            Some(contact),
            profile_named("broad"),
        ));
        assert_eq!(loaded.value.identity.contact, contact);
        assert_eq!(loaded.profile, profile_named("broad"));
    }

    /// Each line may be uncommented alone, and all of them together; either way it says what was in force before.
    #[test]
    fn every_line_can_be_uncommented() {
        let reference = reference().unwrap();
        let text = text(&reference, None, None);
        let is_setting =
            |line: &&str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
        let mut seen = BTreeSet::new();
        for line in text.lines().filter(is_setting) {
            let loaded = read(&line[1..]);
            assert_eq!(loaded.value, CrawlConfig::default(), "{line}");
            let key = line[1..].split(" = ").next().unwrap();
            assert!(seen.insert(key.to_owned()), "{key} is there twice");
        }
        assert_eq!(seen.len(), reference.settings().count());
        let all: Vec<&str> = text
            .lines()
            .map(|line| if is_setting(&line) { &line[1..] } else { line })
            .collect();
        assert_eq!(read(&all.join("\n")).value, CrawlConfig::default());
    }

    #[test]
    fn the_contact_comes_first() {
        let text = text(&reference().unwrap(), None, None);
        let first = text
            .lines()
            .find(|line| line.starts_with('#') && line.contains(" = "));
        assert_eq!(first, Some("#identity.contact = \"\""));
        assert!(
            text.lines().all(|line| line.chars().count() <= 120),
            "{text}"
        );
    }
}
