//! The settings of a run: file, environment, `--set`, and the flags that are short for a setting.
//!
//! In: arguments, the machine. Out: the settings in force, and where each came from.
//! May touch: the settings file, the environment through `settings`. Must not touch: what a setting does.
//! Invariant: a flag wins over `--set`, that over the environment, that over the file, that over the default; only a
//! default is replaced by what the machine suggests.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use ipnet::IpNet;
use orb_api::ByteSize;
use orb_crawl::CrawlConfig;
use orb_frontier::Scope;

use crate::exit::Failure;
use crate::limits::TEXT_FILE_BYTES_MAX;
use crate::machine::Machine;
use crate::settings::{Origin, Sources, load};

/// Flags that set something. Each names the setting it stands for.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct SettingsArgs {
    /// Settings file (TOML). `orb config show` prints every setting with its value.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting, as in the file: --set fetch.connect_timeout=5s. May be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// How far to go from the seeds: their sites (registrable domains), hosts, folders, or anywhere
    /// [frontier.scope, default: site].
    #[arg(long, value_enum, value_name = "SCOPE", hide_possible_values = false)]
    scope: Option<ScopeArg>,
    /// End when the folder holds this many pages in all [limits.pages_max].
    #[arg(long, value_name = "N")]
    max_pages: Option<u64>,
    /// End when this much was received into the folder in all: 500MB, 2GiB [limits.bytes_max].
    #[arg(long, value_name = "SIZE")]
    max_bytes: Option<ByteSize>,
    /// Follow at most this many links from a seed [frontier.depth_max].
    #[arg(long, value_name = "N")]
    max_depth: Option<u16>,
    /// End this run after a time: 90s, 10m, 2h [limits.duration_max].
    #[arg(long, value_name = "TIME", value_parser = span)]
    max_duration: Option<Duration>,
    /// Pause between two requests to one site, counted from the end of the first: 1s, 500ms
    /// [politeness.site_delay, default: 1s].
    #[arg(long, value_name = "TIME", value_parser = span)]
    delay: Option<Duration>,
    /// Cores to use [threads, default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Also fetch what pages show: images, styles, scripts, fonts [limits.requisites].
    #[arg(long)]
    requisites: bool,
    /// Mail address or page of whoever answers for the crawl; every site sees it. Required for public addresses
    /// [identity.contact].
    #[arg(long, value_name = "MAIL-OR-URL")]
    contact: Option<String>,
    /// Recursive DNS server; port 53 unless given. May be repeated [dns.servers, default: the system's].
    #[arg(long, value_name = "ADDR:PORT", value_parser = dns_server)]
    dns: Vec<SocketAddr>,
    /// Opens a range of addresses that is closed otherwise: 127.0.0.0/8. May be repeated [guard.allow].
    #[arg(long, value_name = "CIDR", value_parser = range)]
    allow_net: Vec<IpNet>,
    /// PEM file of an authority to trust beside the system's. May be repeated [fetch.ca_files].
    #[arg(long, value_name = "FILE")]
    ca: Vec<PathBuf>,
}

/// `--scope`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ScopeArg {
    Site,
    Host,
    Prefix,
    Any,
}

/// Settings in force.
#[derive(Clone, Debug)]
pub(crate) struct InForce {
    pub(crate) config: CrawlConfig,
    pub(crate) origin: BTreeMap<String, Origin>,
}

impl SettingsArgs {
    /// Settings with nothing given, as a demonstration starts from.
    pub(crate) fn with_sets(sets: &[String]) -> SettingsArgs {
        SettingsArgs {
            set: sets.to_vec(),
            ..SettingsArgs::default()
        }
    }

    /// The settings in force on `machine`; `environment` as (name, value).
    pub(crate) fn in_force(
        &self,
        environment: Vec<(String, String)>,
        machine: &Machine,
    ) -> Result<InForce, Failure> {
        let file = match &self.config {
            Some(path) => Some((path.clone(), read_text(path)?)),
            None => None,
        };
        let sources = Sources {
            file,
            env: environment,
            sets: self.set.clone(),
            optional_keys: &[],
        };
        let loaded = load::<CrawlConfig>(&sources).map_err(Failure::usage)?;
        let mut in_force = InForce {
            config: loaded.value,
            origin: loaded.origin,
        };
        self.apply(&mut in_force);
        derive(&mut in_force, machine);
        in_force.config.check().map_err(Failure::usage)?;
        Ok(in_force)
    }

    fn apply(&self, in_force: &mut InForce) {
        let InForce { config, origin } = in_force;
        let mut flag = |key: &str, name: &'static str| {
            origin.insert(key.to_owned(), Origin::Flag { name });
        };
        if let Some(scope) = self.scope {
            config.frontier.scope = scope.into();
            flag("frontier.scope", "--scope");
        }
        if let Some(pages) = self.max_pages {
            config.limits.pages_max = pages;
            flag("limits.pages_max", "--max-pages");
        }
        if let Some(bytes) = self.max_bytes {
            config.limits.bytes_max = bytes;
            flag("limits.bytes_max", "--max-bytes");
        }
        if let Some(depth) = self.max_depth {
            config.frontier.depth_max = depth;
            flag("frontier.depth_max", "--max-depth");
        }
        if let Some(duration) = self.max_duration {
            config.limits.duration_max = duration;
            flag("limits.duration_max", "--max-duration");
        }
        if let Some(delay) = self.delay {
            config.politeness.site_delay = delay;
            flag("politeness.site_delay", "--delay");
        }
        if let Some(threads) = self.threads {
            config.threads = threads;
            flag("threads", "--threads");
        }
        if self.requisites {
            config.limits.requisites = true;
            flag("limits.requisites", "--requisites");
        }
        if let Some(contact) = &self.contact {
            config.identity.contact.clone_from(contact);
            flag("identity.contact", "--contact");
        }
        if !self.dns.is_empty() {
            config.dns.servers.clone_from(&self.dns);
            flag("dns.servers", "--dns");
        }
        if !self.allow_net.is_empty() {
            config.guard.allow.extend(&self.allow_net);
            flag("guard.allow", "--allow-net");
        }
        if !self.ca.is_empty() {
            config.fetch.ca_files.extend(self.ca.iter().cloned());
            flag("fetch.ca_files", "--ca");
        }
    }
}

/// Replaces defaults by what the machine and other settings suggest.
fn derive(in_force: &mut InForce, machine: &Machine) {
    let InForce { config, origin } = in_force;
    let mut derive = |key: &str, from: &'static str| {
        let is_default = origin
            .get(key)
            .is_none_or(|origin| *origin == Origin::Default);
        if is_default {
            origin.insert(key.to_owned(), Origin::Derived { from });
        }
        is_default
    };
    if derive("memory_max", "half of the memory") {
        config.memory_max = ByteSize(machine.memory_bytes / 2).max(ByteSize::mib(64));
    }
    if config.threads == 0 && derive("threads", "the cores") {
        config.threads = machine.cores;
    }
    if config.dns.servers.is_empty() && derive("dns.servers", "/etc/resolv.conf") {
        config.dns.servers.clone_from(&machine.dns);
    }
    // Requisites are asked for by name, so the filter that would refuse them all gives way.
    if config.limits.requisites && derive("limits.types", "limits.requisites") {
        config.limits.types.clear();
    }
}

impl From<ScopeArg> for Scope {
    fn from(scope: ScopeArg) -> Scope {
        match scope {
            ScopeArg::Site => Scope::Site,
            ScopeArg::Host => Scope::Host,
            ScopeArg::Prefix => Scope::Prefix,
            ScopeArg::Any => Scope::Any,
        }
    }
}

/// A time as people write it; a bare number is seconds.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string());
    }
    humantime::parse_duration(text).map_err(|error| format!("{error}; write 500ms, 90s, 10m or 2h"))
}

/// `ADDR` or `ADDR:PORT`.
pub(crate) fn dns_server(text: &str) -> Result<SocketAddr, String> {
    let with_port = text.parse::<SocketAddr>().ok();
    with_port
        .or_else(|| {
            text.parse::<IpAddr>()
                .ok()
                .map(|address| SocketAddr::new(address, 53))
        })
        .ok_or_else(|| "write an address and a port: 9.9.9.9:53 or [2620:fe::fe]:53".to_owned())
}

/// A range, or one address.
fn range(text: &str) -> Result<IpNet, String> {
    let range = text.parse::<IpNet>().ok();
    range
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
        .ok_or_else(|| "write a range such as 127.0.0.0/8 or fd00::/8".to_owned())
}

/// Reads a text file that a person wrote.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let failed = |error| {
        Failure::usage(
            anyhow::Error::new(error).context(format!("{} cannot be read", path.display())),
        )
    };
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    file.take(TEXT_FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(failed)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
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
        let InForce { config, origin } = in_force(&[], &[]).unwrap();
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
}
