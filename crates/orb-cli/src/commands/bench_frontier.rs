//! `orb bench frontier`: the frontier filled and worked on at a chosen size.
//!
//! In: a size, a folder. Out: a report, for people or as JSON. May touch: that folder, a child process that is killed.
//! Invariant: nothing is contacted; the folder is removed at the end unless it is to be kept.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::Args;
use orb_api::{ByteSize, count};
use orb_drill::{DrillSettings, Recovery, StreamSize, Told, reopen};

use crate::bench::frontier_report::{FrontierReport, mark_line};
use crate::bench::interrupt::Interrupt;
use crate::bench::surroundings::Surroundings;
use crate::commands::bench::Workplace;
use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::{note, say, say_report};

/// Sites beside the hot one, where nothing else is said.
const SITES_BESIDE_HOT: u64 = 100_000;

/// Memory that is allowed for a site that waits, at least: what a table of that many sites needs, whatever the rest has.
const SITE_BYTES: u64 = 80;

/// Arguments of `orb bench frontier`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  orb bench frontier                                    a first look in about a minute
  orb bench frontier --urls 200M --sites 10M            the size of the musts: two hours, 20 GB
  orb bench frontier --hot-site 20M                     one site with most of the URLs beside 100,000 ordinary ones

No web is needed: links are made up and requests are pretended, but stores, files, clocks and the calls between them
are those of a crawl. First the front pages of all sites are found, as seeds. Then pages are viewed, sites by Zipf's
law, with twenty links each: three in four stay on the site, half of those are its navigation, and each URL is found
ten times. The first tenth of the URLs is fed without requests; then requests keep step with links; the last tenth of
the requests comes when no links do. Requests take 100 to 300 ms and sites rest for a second, in a time of the bench's
own that passes as fast as the work is done. At the end a child process goes on with the folder, is killed (SIGKILL),
and opening what it left is timed, from the disk.

At every tenth a line says how things stand, so that a run that is ended early has told something. Ctrl-C ends it with
a report of what there is. Musts are for 200 million URLs on 10 million sites.")]
pub(crate) struct BenchFrontierArgs {
    /// Distinct URLs; the hot site's come on top [default: 2M].
    #[arg(long, value_name = "N", value_parser = amount)]
    urls: Option<u64>,
    /// Sites [default: a twentieth of the URLs; with --hot-site 100k].
    #[arg(long, value_name = "N", value_parser = amount)]
    sites: Option<u64>,
    /// URLs of one site beside all others.
    #[arg(long, value_name = "N", value_parser = amount)]
    hot_site: Option<u64>,
    /// Part of the URLs that is done at the end; with --hot-site, of those of the others.
    #[arg(long, value_name = "PERCENT", default_value = "50%", value_parser = share)]
    done: f64,
    /// How often each URL is found.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=20))]
    repeat: u32,
    /// Memory that is shared out as a crawl's `memory_max` is: a quarter to stores, a twelfth to sieves, a quarter to
    /// sites (or 80 bytes for each, if that is more).
    #[arg(long, value_name = "SIZE", default_value = "2GiB")]
    memory: ByteSize,
    /// Requests under way at once. Each takes 200 ms, so five times as many come in a second of the bench's own time; all
    /// that come in a quarter of it share a commit.
    #[arg(long, value_name = "N", default_value_t = 800, value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: u16,
    /// Threads that own slots; each has two helpers, as in a crawl.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    threads: u8,
    /// Slots: 4, 8, 16, 32 or 64.
    #[arg(long, value_name = "N", default_value_t = 4)]
    slots: u8,
    /// Which links.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Folder to work in; must not exist, is removed at the end [default: orb-bench, or the first free orb-bench-N].
    #[arg(long, alias = "out", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Leave the folder.
    #[arg(long)]
    keep: bool,
    /// Print the report as one JSON object, the last line of standard output.
    #[arg(long)]
    json: bool,
    /// What the killed child does: goes on with the folder until it is ended.
    #[arg(long, hide = true)]
    goes_on: bool,
}

/// A number with k, M or G behind it: thousands, millions, thousands of millions.
fn amount(text: &str) -> Result<u64, String> {
    let text = text.trim().replace([',', '_'], "");
    let (digits, unit) = match text.char_indices().next_back() {
        Some((at, 'k' | 'K')) => (&text[..at], 1e3),
        Some((at, 'm' | 'M')) => (&text[..at], 1e6),
        Some((at, 'g' | 'G' | 'b' | 'B')) => (&text[..at], 1e9),
        _ => (text.as_str(), 1.0),
    };
    let number: f64 = digits
        .parse()
        .map_err(|_| "write a number, such as 200000, 200k or 1.5M".to_owned())?;
    let amount = number * unit;
    if (1.0..=4e9).contains(&amount) {
        Ok(amount.round() as u64)
    } else {
        Err("from 1 to 4G".into())
    }
}

fn share(text: &str) -> Result<f64, String> {
    let digits = text.trim().trim_end_matches('%').trim_end();
    match digits.parse::<f64>() {
        Ok(percent) if (1.0..=95.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("write a part in percent from 1% to 95%".into()),
    }
}

impl BenchFrontierArgs {
    fn settings(&self, dir: PathBuf) -> DrillSettings {
        let hot = self.hot_site.unwrap_or(0);
        let sites = match (self.sites, self.urls) {
            (Some(sites), _) => sites,
            (None, _) if hot > 0 => SITES_BESIDE_HOT,
            (None, urls) => (urls.unwrap_or(2_000_000) / 20).max(1),
        };
        let ordinary = self.urls.unwrap_or(sites * 20).max(sites);
        let urls = ordinary + hot;
        DrillSettings {
            dir,
            stream: StreamSize {
                hot_urls: hot,
                repeat: f64::from(self.repeat),
                ..StreamSize::of(urls, sites + u64::from(hot > 0), self.seed)
            },
            done_share: self.done * ordinary as f64 / urls as f64,
            memory_bytes: self.memory.bytes(),
            shards: usize::from(self.threads.min(self.slots)),
            slots: self.slots,
            sites_memory_bytes: SITE_BYTES * sites,
            in_flight: usize::from(self.in_flight),
            goes_on: self.goes_on,
        }
    }
}

/// Runs it.
pub(crate) fn run(args: &BenchFrontierArgs) -> Outcome {
    if args.goes_on {
        return go_on(args);
    }
    let interrupt = Interrupt::install().map_err(Failure::storage)?;
    let mut workplace = Workplace::make(args.dir.as_deref())?;
    if args.keep {
        workplace.keep();
    }
    let settings = args.settings(workplace.path().join("frontier"));
    let surroundings = Surroundings::here(workplace.path());
    note(&format!(
        "orb: {} URLs on {} sites, {:.0} % of them done at the end, in {}",
        count(settings.stream.urls),
        count(settings.stream.sites),
        settings.done_share * 100.0,
        settings.dir.display()
    ));
    let mut heard = |told: Told| {
        match told {
            Told::Mark(mark) => note(&mark_line(&mark, settings.stream.urls)),
            Told::Under(admitted, urls, done, seconds) => {
                note(&under(admitted, urls, done, seconds, settings.done_share));
            }
        }
        !interrupt.asked()
    };
    let findings = orb_drill::run(&settings, &mut heard).map_err(Failure::storage)?;
    let recovery = if interrupt.asked() {
        None
    } else {
        note("orb: a child goes on with it and is killed");
        Some(killed_and_opened(args, &settings)?)
    };
    drop(workplace);
    let report = FrontierReport::new(surroundings, &settings, &findings, recovery);
    say_report(&report, &report.text(), args.json)?;
    Ok(if interrupt.asked() {
        Exit::Stopped
    } else {
        Exit::Fine
    })
}

/// How far it is. What was admitted and what was done both count: each takes about half of the time.
fn under(admitted: u64, urls: u64, done: u64, seconds: f64, done_share: f64) -> String {
    let wanted = done_share * urls as f64;
    let part = (admitted as f64 / urls as f64 + (done as f64 / wanted.max(1.0)).min(1.0)) / 2.0;
    let left = if part > 0.01 {
        format!(", about {:.0} s left", seconds * (1.0 - part) / part)
    } else {
        String::new()
    };
    format!(
        "orb:   {:.0} s: {} of {} URLs in, {} done{left}",
        seconds,
        count(admitted),
        count(urls),
        count(done)
    )
}

/// Goes on with a folder until somebody ends the process, and says a word when work is under way.
fn go_on(args: &BenchFrontierArgs) -> Outcome {
    let dir = args
        .dir
        .clone()
        .ok_or_else(|| Failure::usage_text("--goes-on needs --dir"))?;
    let settings = args.settings(dir);
    let mut heard = |told: Told| {
        if matches!(told, Told::Under(..)) {
            say("at work");
        }
        true
    };
    orb_drill::run(&settings, &mut heard).map_err(Failure::storage)?;
    Ok(Exit::Fine)
}

/// Has a child work on the folder for some seconds, kills it, and opens what it left.
fn killed_and_opened(
    args: &BenchFrontierArgs,
    settings: &DrillSettings,
) -> Result<Recovery, Failure> {
    let program = std::env::current_exe().map_err(Failure::storage)?;
    let mut command = Command::new(program);
    command
        .args(["bench", "frontier", "--goes-on", "--dir"])
        .arg(&settings.dir);
    for (name, value) in [
        ("--urls", args.urls),
        ("--sites", args.sites),
        ("--hot-site", args.hot_site),
        ("--seed", Some(args.seed)),
        ("--slots", Some(u64::from(args.slots))),
        ("--threads", Some(u64::from(args.threads))),
        ("--in-flight", Some(u64::from(args.in_flight))),
        ("--memory", Some(args.memory.bytes())),
    ] {
        if let Some(value) = value {
            command.arg(name).arg(value.to_string());
        }
    }
    let mut child = command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(Failure::storage)?;
    let mut word = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout)
            .read_line(&mut word)
            .map_err(Failure::storage)?;
    }
    child.kill().map_err(Failure::storage)?;
    child.wait().map_err(Failure::storage)?;
    if word.is_empty() {
        return Err(Failure::usage_text(
            "the child that should be killed ended by itself",
        ));
    }
    reopen(settings).map_err(Failure::storage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: BenchFrontierArgs,
    }

    fn check(line: &str, urls: u64, sites: u64, hot: u64, done: f64) {
        let settings = Line::try_parse_from(line.split(' '))
            .unwrap()
            .args
            .settings("x".into());
        let stream = settings.stream;
        assert_eq!(
            (stream.urls, stream.sites, stream.hot_urls),
            (urls, sites, hot),
            "{line}"
        );
        assert!(
            (settings.done_share - done).abs() < 1e-9,
            "{line}: {}",
            settings.done_share
        );
    }

    #[test]
    fn sizes_are_as_they_are_written() {
        check("x", 2_000_000, 100_000, 0, 0.5);
        check(
            "x --urls 200M --sites 10M --done 25%",
            200_000_000,
            10_000_000,
            0,
            0.25,
        );
        check("x --urls 40k", 40_000, 2_000, 0, 0.5);
        check("x --hot-site 98M", 100_000_000, 100_001, 98_000_000, 0.01);
        for wrong in [
            "x --urls many",
            "x --urls 0",
            "x --done 100%",
            "x --urls 5G",
        ] {
            assert!(Line::try_parse_from(wrong.split(' ')).is_err(), "{wrong}");
        }
    }

    #[test]
    fn progress_says_what_is_left() {
        assert_eq!(
            under(1_000_000, 2_000_000, 500_000, 30.0, 0.5),
            "orb:   30 s: 1,000,000 of 2,000,000 URLs in, 500,000 done, about 30 s left"
        );
    }
}
