//! The settings of a run: file, environment, `--set`, and the flags that are short for a setting.
//!
//! In: arguments, the machine. Out: the settings in force, and where each came from.
//! May touch: the settings file, the environment through `settings`. Must not touch: what a setting does.
//! Invariant: a flag wins over `--set`, that over the environment, that over the file, that over the profile, that over
//! the default; only a default is replaced by what the machine suggests.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use ipnet::IpNet;
use orb_api::ByteSize;
use orb_crawl::CrawlConfig;
use orb_frontier::Scope;

use crate::exit::Failure;
use crate::limits::TEXT_FILE_BYTES_MAX;
use crate::machine::Machine;
use crate::own_sites;
use crate::setting_names::{assignment, profile_name};
use crate::settings::{Origin, PROFILES, Profile, Sources, load};

/// Flags that set something. Each names the setting it stands for.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct SettingsArgs {
    /// Settings file (TOML). `orb config init` writes one to begin with, `orb config show` tells what is in force.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// A named set of values below the file: default, polite, broad, archive or own-site; `orb config profiles` tells
    /// what each sets and why.
    #[arg(long, value_name = "NAME", value_parser = profile_name(), hide_possible_values = true)]
    profile: Option<&'static Profile>,
    /// One setting, as in the file: --set fetch.connect_timeout=5s. May be repeated. `orb config keys` prints all.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = assignment(), hide_possible_values = true)]
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
    /// An earlier archive: pages whose payload it holds become revisits that refer to it. A crawl's folder, a CDXJ file, or
    /// a zipnum cluster. May be repeated [archive.revisits_of].
    #[arg(long, value_name = "DIR", value_hint = ValueHint::AnyPath)]
    revisits_of: Vec<PathBuf>,
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
    pub(crate) profile: &'static Profile,
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
            with_profiles: true,
            profile: self.profile,
        };
        let loaded = load::<CrawlConfig>(&sources).map_err(Failure::usage)?;
        let mut in_force = InForce {
            config: loaded.value,
            origin: loaded.origin,
            profile: loaded.profile.unwrap_or(&PROFILES[0]),
        };
        self.apply(&mut in_force);
        derive(&mut in_force, machine);
        in_force.config.check().map_err(Failure::usage)?;
        own_sites::check_scope(&in_force)?;
        Ok(in_force)
    }

    fn apply(&self, in_force: &mut InForce) {
        let InForce { config, origin, .. } = in_force;
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
        if !self.revisits_of.is_empty() {
            let earlier = &mut config.archive.revisits_of;
            earlier.extend(self.revisits_of.iter().cloned());
            flag("archive.revisits_of", "--revisits-of");
        }
    }
}

/// Replaces defaults by what the machine and other settings suggest.
fn derive(in_force: &mut InForce, machine: &Machine) {
    let InForce { config, origin, .. } = in_force;
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
pub(crate) fn range(text: &str) -> Result<IpNet, String> {
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
mod tests;
