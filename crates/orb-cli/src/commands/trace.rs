//! `orb trace`: where the time of single requests went.
//!
//! In: an id, or what to look for; a folder. Out: waterfalls or a list. May touch: the folder's rows, reading.

use std::path::PathBuf;

use clap::Args;
use orb_api::{CrawlDir, Phase};
use orb_env::{Clock, KernelDisk};
use orb_explain::{
    Crawl, LogLine, Times, Trace, TraceQuery, log_lines, log_words, traces, understand_site,
};
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::folder;
use crate::local_time::LocalTime;
use crate::terminal::{say, say_json};

/// Arguments of `orb trace`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb trace --slow --out big                     the slowest requests, one a line
  orb trace --failed --site example.com --out big
  orb trace 3f2a90 --out big                     one of them, as a waterfall

Every request has a row in index/attempts/, which is never dropped, so every request has a trace; the id is that of its
WARC record. A crawl may run meanwhile. `queue` is the time from the turn of its site: `robots` finding its robots.txt, `dns`
its address, then the clock of that address. `first_byte` is the server's time and one way there and back, `ours` the
work here, with `decode`, `scan` and `archive` in it, `commit` the wait until that was durable. Below an id stands what the log
says of it: the log tells of requests in trouble and slow ones, some of them when there are many.")]
pub(crate) struct TraceArgs {
    /// A request's id, or how it begins.
    #[arg(value_name = "ID", value_parser = id)]
    id: Option<String>,
    /// The slowest first, instead of the newest.
    #[arg(long)]
    slow: bool,
    /// Only requests that ended in trouble.
    #[arg(long)]
    failed: bool,
    /// Only requests for this site: its registrable domain, or any host or URL of it.
    #[arg(long, value_name = "DOMAIN")]
    site: Option<String>,
    /// Requests at most.
    #[arg(long, value_name = "N", default_value_t = 20)]
    max: usize,
    /// The crawl's folder.
    #[arg(long, value_name = "DIR", default_value = folder::DEFAULT, value_hint = clap::ValueHint::DirPath)]
    out: PathBuf,
    /// Print each request as one JSON object.
    #[arg(long)]
    json: bool,
}

/// A request with what the log says of it.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    trace: &'a Trace,
    log: Vec<LogLine>,
}

fn id(text: &str) -> Result<String, String> {
    let hex = text.chars().all(|letter| letter.is_ascii_hexdigit());
    match hex && (1..=32).contains(&text.len()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("an id has up to 32 hex digits".to_owned()),
    }
}

/// Runs the command.
pub(crate) fn run(args: &TraceArgs) -> Outcome {
    crate::log_file::start_without_file();
    let site = args.site.as_deref().map(understand_site).transpose();
    let site = site.map_err(Failure::usage)?;
    let query = TraceQuery {
        id: args.id.clone(),
        site: site.map(|(site, _)| site.as_str().to_owned()),
        failed: args.failed,
        slow: args.slow,
        max: args.max,
    };
    let dir = CrawlDir::new(&args.out);
    if !dir.identity().exists() {
        return Err(Failure::usage_text(format!(
            "{} holds no crawl; name its folder",
            dir.root().display()
        )));
    }
    let crawl = Crawl {
        disk: &KernelDisk,
        dir: &dir,
        phase: Phase::Stopped,
        politeness: None,
        attempts_max: None,
    };
    let found = traces(&crawl, &query, &mut |_| {}).map_err(Failure::storage)?;
    let zone = LocalTime::of_system();
    let local = |at| zone.text(at);
    let times = Times {
        now: orb_env::BootClock::new().wall(),
        local: &local,
    };
    for trace in &found {
        if args.id.is_none() {
            if args.json {
                say_json(trace)?;
            } else {
                say(&trace.line(&times));
            }
            continue;
        }
        let log = log_lines(&crawl, &trace.row.id).map_err(Failure::storage)?;
        if args.json {
            say_json(&Told { trace, log })?;
            continue;
        }
        say(&trace.page(&times));
        if !log.is_empty() {
            say("\n  In the log:");
        }
        for line in &log {
            say(&format!("  {}", log_words(line)));
        }
    }
    if found.is_empty() && args.id.is_some() {
        return Err(Failure::usage_text("no request has such an id"));
    }
    Ok(Exit::Fine)
}
