//! `orb simweb`: the synthetic web as a server on this machine.
//!
//! In: what web to make. Out: HTTP, HTTPS and DNS on loopback; a folder with what a crawl of it needs.
//! May touch: sockets through `orb-simweb`, that folder.

use std::cell::Cell;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::thread;

use clap::{Args, Subcommand, ValueEnum};
use futures_util::future::{Either, select};
use orb_env::BootClock;
use orb_simweb::{FaultMix, LivingSites, Seen, Server, SimWeb, SimWebConfig, SizeProfile};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::commands::simweb_hostile::{self, HostileArgs};
use crate::exit::{Exit, Failure, Outcome};
use crate::open_files;
use crate::settings_args::span;
use crate::signals::Ending;
use crate::terminal::{count, say, say_json};

/// Arguments of `orb simweb`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  orb simweb --sites 1000 --pages-per-site 50
  and in another terminal what it prints

One seed makes one web, byte for byte. Ends at SIGINT or SIGTERM with exit code 0.")]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SimwebArgs {
    #[command(subcommand)]
    other: Option<OtherWeb>,
    /// Everything follows from it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Number of sites, at most a million.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    sites: u32,
    /// Mean number of pages of a site.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pages_per_site: u32,
    /// How large pages are: mean 242 KB, 16 KB or 1 KB.
    #[arg(long, value_enum, value_name = "SIZE", default_value = "small")]
    size: SizeArg,
    /// What goes wrong: nothing, what goes wrong on a healthy web, or everything often.
    #[arg(long, value_enum, value_name = "MIX", default_value = "usual")]
    faults: FaultsArg,
    /// Share of the sites that live: their sitemaps list pages that nothing links to, and pages change every hour or
    /// more seldom.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    living: f64,
    /// A web of traps: in every site endless calendars, sessions, directories and facets between its real pages, and
    /// as the last site a domain with a million sub-domains. By http, without faults, pages of its own size.
    #[arg(long, conflicts_with_all = ["size", "faults", "https_share", "living"])]
    traps: bool,
    /// Number of loopback addresses the sites are spread over.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    addresses: u32,
    /// Share of the sites served by https.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    https_share: f64,
    /// Time before an answer begins: one for all sites (300ms), or a range in which each site has its own
    /// (200ms..2s).
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = latency)]
    latency: (u32, u32),
    /// Port of http; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    http_port: u16,
    /// Port of https; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    https_port: u16,
    /// Where DNS is answered; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:5300")]
    dns: SocketAddr,
    /// Folder for seeds.txt, ca.pem and sizes.txt (pages of each site, for `orb plan --sizes`).
    #[arg(long, value_name = "DIR", default_value = "orb-simweb")]
    out: PathBuf,
    /// File that gets a line of JSON for each request as it ends: address, host, path, status, which of its connection it
    /// was, and when it began and ended, in microseconds of the server's own clock.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Print where everything is as one JSON object.
    #[arg(long)]
    json: bool,
    /// End when standard input ends: for a parent process that may be killed.
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

/// Webs of another kind.
#[derive(Debug, Subcommand)]
enum OtherWeb {
    /// Serve the hostile web: what broken and malicious servers do, one listener for each kind.
    Hostile(HostileArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SizeArg {
    Large,
    Small,
    Tiny,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FaultsArg {
    None,
    Usual,
    Harsh,
}

/// Where a served web is. Names are a contract with scripts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Served {
    pub(crate) sites: u32,
    pub(crate) pages: u64,
    pub(crate) http_port: u16,
    pub(crate) https_port: u16,
    pub(crate) dns: SocketAddr,
    pub(crate) seeds: PathBuf,
    pub(crate) ca: PathBuf,
    /// Pages of each site, as `orb plan --sizes` reads them.
    pub(crate) sizes: PathBuf,
    pub(crate) range: String,
}

/// Serves until told to end.
pub(crate) fn run(args: &SimwebArgs) -> Outcome {
    if let Some(OtherWeb::Hostile(args)) = &args.other {
        return simweb_hostile::run(args);
    }
    crate::log_file::start_without_file();
    open_files::raise();
    let server = Server::bind(SimWeb::new(config(args)), args.dns).map_err(Failure::usage)?;
    let served = write_down(args, &server)?;
    let log = args.log.as_deref().map(RequestLog::open).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::storage)?;
    runtime.block_on(async {
        // Before the first line: whoever read it may send a signal at once.
        let mut ending = Ending::install().map_err(Failure::storage)?;
        if args.json {
            say_json(&served)?;
        } else {
            say(&for_people(&served, args.traps));
        }
        let stop = async {
            match args.until_stdin_ends {
                false => ending.next().await,
                true => match select(pin!(ending.next()), stdin_end()).await {
                    Either::Left(_) | Either::Right(_) => {}
                },
            }
        };
        let add = |address, seen| {
            if let Some(log) = &log {
                log.add(address, &seen);
            }
        };
        let told = log.is_some().then_some(&add as &dyn Fn(IpAddr, Seen));
        server
            .run_told(Arc::new(BootClock::new()), stop, told)
            .await
            .map_err(Failure::usage)
    })?;
    // A log with holes proves nothing.
    match (&args.log, log.and_then(|log| log.failed.take())) {
        (Some(path), Some(error)) => Err(log_failure(path, error)),
        _ => Ok(Exit::Fine),
    }
}

fn config(args: &SimwebArgs) -> SimWebConfig {
    SimWebConfig {
        seed: args.seed,
        sites: args.sites,
        pages_per_site: args.pages_per_site,
        size: match args.size {
            SizeArg::Large => SizeProfile::Large,
            SizeArg::Small => SizeProfile::Small,
            SizeArg::Tiny => SizeProfile::Tiny,
        },
        addresses: args.addresses,
        http_port: args.http_port,
        https_port: args.https_port,
        https_share: args.https_share.clamp(0.0, 1.0),
        living: LivingSites {
            share: args.living.clamp(0.0, 1.0),
            ..LivingSites::NONE
        },
        traps: args.traps,
        latency_ms_min: args.latency.0,
        latency_ms_max: args.latency.1,
        faults: match args.faults {
            FaultsArg::None => FaultMix::none(),
            FaultsArg::Usual => FaultMix::default(),
            FaultsArg::Harsh => FaultMix::harsh(),
        },
        ..SimWebConfig::default()
    }
}

/// A line of the request log. Names are a contract with scripts.
#[derive(Serialize)]
struct LogLine<'a> {
    address: IpAddr,
    scheme: &'a str,
    host: &'a str,
    path: &'a str,
    status: u16,
    nth: u32,
    begun_us: u64,
    ended_us: u64,
}

/// The file that requests are appended to, and what went wrong with it.
struct RequestLog {
    file: fs::File,
    failed: Cell<Option<io::Error>>,
}

impl RequestLog {
    fn open(path: &Path) -> Result<RequestLog, Failure> {
        let file = fs::OpenOptions::new().create(true).append(true).open(path);
        Ok(RequestLog {
            file: file.map_err(|error| log_failure(path, error))?,
            failed: Cell::new(None),
        })
    }

    fn add(&self, address: IpAddr, seen: &Seen) {
        let line = LogLine {
            address,
            scheme: if seen.secure { "https" } else { "http" },
            host: &seen.host,
            path: &seen.target,
            status: seen.status,
            nth: seen.nth,
            begun_us: seen.begun.0,
            ended_us: seen.ended.0,
        };
        let mut line = serde_json::to_vec(&line).expect("a line has only plain keys");
        line.push(b'\n');
        if let Err(error) = (&self.file).write_all(&line) {
            self.failed.set(Some(error));
        }
    }
}

fn log_failure(path: &Path, error: io::Error) -> Failure {
    let what = format!("the log {} cannot be written", path.display());
    Failure::storage(anyhow::Error::new(error).context(what))
}

/// A time or a range of times, in milliseconds, at most a minute.
fn latency(text: &str) -> Result<(u32, u32), String> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    let millis = |text: &str| -> Result<u32, String> {
        let millis = span(text)?.as_millis();
        u32::try_from(millis)
            .ok()
            .filter(|millis| *millis <= 60_000)
            .ok_or_else(|| format!("{text} is too long: at most 60s"))
    };
    match (millis(low)?, millis(high)?) {
        (low, high) if low <= high => Ok((low, high)),
        _ => Err(format!(
            "{low} is longer than {high}: write the shorter one first"
        )),
    }
}

fn write_down(args: &SimwebArgs, server: &Server) -> Result<Served, Failure> {
    let web = server.web();
    let (seeds, ca) = (args.out.join("seeds.txt"), args.out.join("ca.pem"));
    let sizes = args.out.join("sizes.txt");
    let size = |site| format!("{},{}\n", web.host(site), web.page_urls(site));
    let size_list: String = (0..web.config().sites).map(size).collect();
    let mut list = web.seeds().join("\n");
    list.push('\n');
    let written = fs::create_dir_all(&args.out)
        .and_then(|()| fs::write(&seeds, list))
        .and_then(|()| fs::write(&ca, server.ca_pem()))
        .and_then(|()| fs::write(&sizes, size_list));
    written.map_err(|error| {
        Failure::storage(
            anyhow::Error::new(error).context(format!("{} cannot be written", args.out.display())),
        )
    })?;
    Ok(Served {
        sites: web.config().sites,
        pages: (0..web.config().sites)
            .map(|site| u64::from(web.pages(site)))
            .sum(),
        http_port: web.config().http_port,
        https_port: web.config().https_port,
        dns: server.dns_addr(),
        seeds,
        ca,
        sizes,
        range: "127.0.0.0/8".to_owned(),
    })
}

fn for_people(served: &Served, traps: bool) -> String {
    let endless = if traps {
        "without budgets that learn it does not end:\n  … --set frontier.novelty=true\n"
    } else {
        ""
    };
    format!(
        "{} sites with {} pages in all, by http on port {} and https on port {}, names by DNS at {}\n\
         crawl them, politely:\n  \
         orb crawl --seeds {} --scope any --dns {} --allow-net {} --ca {}\n\
         or as fast as they answer:\n  \
         … --delay 0s --set politeness.address_delay=0s --set politeness.site_delay_factor=0\n\
         {endless}end with ctrl-c",
        count(u64::from(served.sites)),
        count(served.pages),
        served.http_port,
        served.https_port,
        served.dns,
        served.seeds.display(),
        served.dns,
        served.range,
        served.ca.display(),
    )
}

/// Done when standard input has ended.
fn stdin_end() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    thread::spawn(move || {
        let mut buffer = [0; 256];
        while io::stdin().read(&mut buffer).is_ok_and(|bytes| bytes > 0) {}
        ended.send(()).ok(); // the server may have ended by a signal meanwhile
    });
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_one_time_or_a_range() {
        for (text, expected) in [
            ("0s", (0, 0)),
            ("300ms", (300, 300)),
            ("200ms..2s", (200, 2_000)),
        ] {
            assert_eq!(latency(text), Ok(expected), "{text}");
        }
        for text in ["", "fast", "2s..1s", "1h", "1s.."] {
            assert!(latency(text).is_err(), "{text}");
        }
    }
}
