//! The settings of a run as a person sets them: what each flag stands for, what wins, what is derived, what is refused.
//!
//! In: command lines, variables, files. May touch: the public surface of `settings_args` only.

use super::*;
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: SettingsArgs,
}

fn machine() -> Machine {
    Machine {
        cores: 6,
        memory_bytes: 32 << 30,
        dns: vec!["192.0.2.53:53".parse().unwrap()],
    }
}

fn in_force(arguments: &[&str], environment: &[(&str, &str)]) -> Result<InForce, Failure> {
    let line = Line::try_parse_from(["orb"].iter().chain(arguments)).map_err(Failure::usage)?;
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    line.settings.in_force(environment.collect(), &machine())
}

/// Each flag sets exactly one setting, and is named as its origin.
#[test]
fn flags_are_short_for_settings() {
    let check = |line: &str, set: &str| {
        let arguments: Vec<&str> = line.split(' ').collect();
        let by_flag = in_force(&arguments, &[]).unwrap();
        let by_set = in_force(&["--set", set], &[]).unwrap();
        assert_eq!(by_flag.config, by_set.config, "{line}");
        let default = in_force(&[], &[]).unwrap().config;
        assert_ne!(by_flag.config, default, "{line} changes nothing");
        let key = set.split('=').next().unwrap();
        assert_eq!(by_flag.origin[key].to_string(), arguments[0]);
    };
    let cases = [
        ("--scope any", "frontier.scope=any"),
        ("--max-pages 7", "limits.pages_max=7"),
        ("--max-bytes 2GiB", "limits.bytes_max=2GiB"),
        ("--max-depth 3", "frontier.depth_max=3"),
        ("--max-duration 10m", "limits.duration_max=10m"),
        ("--delay 250ms", "politeness.site_delay=250ms"),
        ("--delay 2", "politeness.site_delay=2s"),
        ("--threads 2", "threads=2"),
        ("--requisites", "limits.requisites=true"),
        (
            "--contact me@example.org",
            "identity.contact=me@example.org",
        ),
        ("--dns 127.0.0.1:5353", "dns.servers=127.0.0.1:5353"),
        ("--dns 9.9.9.9", "dns.servers=9.9.9.9:53"),
        ("--allow-net 127.0.0.0/8", "guard.allow=127.0.0.0/8"),
        ("--ca a.pem --ca b.pem", "fetch.ca_files=a.pem,b.pem"),
        ("--revisits-of old", "archive.revisits_of=old"),
    ];
    for (line, set) in cases {
        check(line, set);
    }
}

#[test]
fn a_flag_wins_over_set_environment_file_and_default() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orb.toml");
    std::fs::write(&file, "[politeness]\nsite_delay = \"2s\"\n").unwrap();
    let file = file.display().to_string();
    let environment = [("ORB_POLITENESS__SITE_DELAY", "3s")];
    let set = "politeness.site_delay=4s";
    let seconds = |arguments: &[&str], environment: &[(&str, &str)]| {
        in_force(arguments, environment)
            .unwrap()
            .config
            .politeness
            .site_delay
            .as_secs()
    };
    assert_eq!(seconds(&[], &[]), 1);
    assert_eq!(seconds(&["--config", &file], &[]), 2);
    assert_eq!(seconds(&["--config", &file], &environment), 3);
    assert_eq!(seconds(&["--config", &file, "--set", set], &environment), 4);
    assert_eq!(
        seconds(
            &["--config", &file, "--set", set, "--delay", "5s"],
            &environment
        ),
        5
    );
}

#[test]
fn what_nobody_set_is_derived_from_the_machine() {
    let InForce { config, origin, .. } = in_force(&[], &[]).unwrap();
    assert_eq!((config.memory_max, config.threads), (ByteSize::gib(16), 6));
    assert_eq!(config.dns.servers, machine().dns);
    assert_eq!(
        origin["memory_max"].to_string(),
        "derived from half of the memory"
    );
    assert_eq!(origin["fetch.keep_alive"].to_string(), "default");
    let config = in_force(&["--set", "memory_max=1GiB", "--requisites"], &[])
        .unwrap()
        .config;
    assert_eq!(
        (config.memory_max, config.limits.types.len()),
        (ByteSize::gib(1), 0)
    );
    let config = in_force(&["--requisites", "--set", "limits.types=image/"], &[])
        .unwrap()
        .config;
    assert_eq!(config.limits.types, ["image/"]);
}

#[test]
fn unknown_and_bad_settings_are_usage() {
    let check = |arguments: &[&str], part: &str| {
        let failure = in_force(arguments, &[]).unwrap_err();
        assert_eq!(failure.exit, crate::exit::Exit::Usage);
        assert!(
            failure.error.to_string().contains(part),
            "{:#}",
            failure.error
        );
    };
    check(
        &["--set", "politeness.site_delai=1s"],
        "did you mean `politeness.site_delay`?",
    );
    check(&["--set", "fetch.keep_alive=perhaps"], "expected a boolean");
    check(&["--set", "slots=5"], "setting `slots`");
    check(
        &["--config", "/no/such/orb.toml"],
        "/no/such/orb.toml cannot be read",
    );
    check(&["--delay", "soon"], "write 500ms");
    check(&["--dns", "dns.example:53"], "write an address and a port");
    check(&["--threads", "0"], "--threads");
    check(
        &["--scope", "sites"],
        "[possible values: site, host, prefix, any]",
    );
}

#[test]
fn a_profile_lies_below_everything_that_is_set_by_hand() {
    let broad = in_force(&["--profile", "broad"], &[]).unwrap();
    assert_eq!(broad.profile.name, "broad");
    assert_eq!(broad.config.frontier.pages_per_site_max, 10_000);
    assert_eq!(broad.origin["frontier.scope"].to_string(), "profile broad");
    let wide = in_force(&["--profile", "broad", "--scope", "any"], &[]).unwrap();
    assert_eq!(wide.config.frontier.scope, Scope::Any);
    assert_eq!(wide.origin["frontier.scope"].to_string(), "--scope");
    let archive = in_force(&[], &[("ORB_PROFILE", "archive")]).unwrap();
    assert!(archive.config.limits.requisites && archive.config.limits.types.is_empty());
    assert_eq!(
        archive.origin["limits.types"].to_string(),
        "profile archive"
    );
    let refused = in_force(&["--profile", "brod"], &[]).unwrap_err();
    assert!(
        refused.error.to_string().contains("broad"),
        "{:#}",
        refused.error
    );
}

/// Whoever asks for their own site's pace cannot get it for the web at large.
#[test]
fn own_site_and_anywhere_do_not_go_together() {
    for scope in ["site", "host", "prefix"] {
        in_force(&["--profile", "own-site", "--scope", scope], &[]).unwrap();
    }
    let refused = in_force(&["--profile", "own-site", "--scope", "any"], &[]).unwrap_err();
    let message = refused.error.to_string();
    assert!(message.contains("(--scope) leaves them"), "{message}");
}
