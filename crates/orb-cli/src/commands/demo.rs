//! `orb demo`: a synthetic web, a crawl of it, an audit of that; ends by itself within a minute.
//!
//! In: nothing. Out: a crawl's folder, and plain words about what happened. May touch: a folder beside the caller,
//! loopback sockets, one child process that serves the web.
//! Invariant: the child ends with this process, however that ends.

use std::path::{Path, PathBuf};

use clap::Args;
use orb_api::{CrawlDir, Summary};
use orb_audit::{Judgement, Report};
use orb_crawl::CrawlEnd;
use serde::Serialize;

use crate::commands::simweb::Served;
use crate::commands::{audit, crawl};
use crate::crawl_run::{self, CrawlRun};
use crate::exit::{Exit, Failure, Outcome};
use crate::limits::DEMO_DURATION_MAX;
use crate::live::Wanted;
use crate::machine::Machine;
use crate::progress::{Way, summary_text};
use crate::seeds::Seeds;
use crate::settings_args::SettingsArgs;
use crate::terminal::{count, note, say, say_json};
use crate::web_process::WebProcess;

/// Arguments of `orb demo`.
#[derive(Debug, Args)]
#[command(
    after_help = "Needs no network and no settings. Everything stays in one folder, which you may delete."
)]
pub(crate) struct DemoArgs {
    /// Folder to make [default: orb-demo, or the first free orb-demo-N].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Sites of the synthetic web.
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    sites: u32,
    /// Which synthetic web.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the result as one JSON object, the last line of standard output.
    #[arg(long)]
    json: bool,
    /// Progress as plain lines, even on a terminal.
    #[arg(long)]
    plain: bool,
}

/// The last line of `--json`.
#[derive(Serialize)]
struct DemoResult<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    audit_passed: bool,
}

/// Runs the demonstration.
pub(crate) fn run(args: &DemoArgs) -> Outcome {
    let root = match &args.out {
        Some(root) => root.clone(),
        None => free_folder()?,
    };
    let kind = [
        "--pages-per-site=8".to_owned(),
        "--size=small".to_owned(),
        format!("--sites={}", args.sites),
        format!("--seed={}", args.seed),
    ];
    let web = WebProcess::start(&root.join("web"), &kind)?;
    note(&format!(
        "orb: a synthetic web of {} sites and {} pages is up on this machine, with broken, slow, closed and \
         redirecting ones among them.\norb: the crawl of it begins. This web is ours, so pauses are short: 100 ms a \
         site instead of 1 s.",
        count(u64::from(web.served.sites)),
        count(web.served.pages)
    ));
    let dir = CrawlDir::new(root.join("crawl"));
    let way = Way::of(Wanted {
        plain: args.plain,
        json: args.json,
        quiet: false,
    });
    let end = crawl_of(&web.served, &dir, way)?;
    drop(web);
    if crawl::exit_of(end.why) == Exit::Stopped {
        say(&summary_text(&end.summary, end.why));
        return Ok(Exit::Stopped);
    }
    note("orb: the audit of it begins: nothing that the crawl counted itself is believed.");
    let report = audit::judge(&dir)?;
    let passed = report.passed();
    if args.json {
        say_json(&DemoResult {
            summary: &end.summary,
            audit_passed: passed,
        })?;
    } else {
        say(&closing(&end, &report, &root));
    }
    Ok(if passed {
        Exit::Fine
    } else {
        Exit::CheckFailed
    })
}

fn free_folder() -> Result<PathBuf, Failure> {
    let names = std::iter::once("orb-demo".to_owned())
        .chain((2..1_000).map(|number| format!("orb-demo-{number}")));
    let free = names.map(PathBuf::from).find(|path| !path.exists());
    free.ok_or_else(|| {
        Failure::usage_text("a thousand folders orb-demo-N are here: delete some, or give --out")
    })
}

fn crawl_of(served: &Served, dir: &CrawlDir, way: Way) -> Result<CrawlEnd, Failure> {
    let sets = [
        format!("dns.servers={}", served.dns),
        format!("guard.allow={}", served.range),
        format!("fetch.ca_files={}", served.ca.display()),
        format!("limits.duration_max={}s", DEMO_DURATION_MAX.as_secs()),
        "frontier.scope=any".into(),
        "politeness.site_delay=100ms".into(),
        "politeness.address_delay=20ms".into(),
        "politeness.site_delay_adaptive_max=1s".into(),
        "politeness.backoff_first=500ms".into(),
        "limits.retry_first=1s".into(),
        "fetch.first_byte_timeout=3s".into(),
        "memory_max=512MiB".into(),
    ];
    let settings = SettingsArgs::with_sets(&sets).in_force(Vec::new(), &Machine::this())?;
    crawl_run::run(CrawlRun {
        dir: dir.clone(),
        settings,
        rules: orb_frontier::UrlRules::default(),
        rule_lines: Vec::new(),
        seeds: Seeds::open(&[], std::slice::from_ref(&served.seeds))?,
        listen: None,
        way,
        log_filter: None,
    })
}

fn closing(end: &CrawlEnd, report: &Report, root: &Path) -> String {
    let broken = report
        .verdicts
        .iter()
        .filter(|verdict| verdict.judgement == Judgement::Fail)
        .count();
    let judged = match broken {
        0 => "The audit found no broken promise:".to_owned(),
        broken => format!("The audit found {broken} broken promises:"),
    };
    format!(
        "{}\n\n{judged}\n{}\nWhat is left: {}/warc (any WARC reader opens it), index/attempts (a row for each \
         request).\nDelete it with: rm -r {}",
        summary_text(&end.summary, end.why),
        report,
        root.join("crawl").display(),
        root.display(),
    )
}
