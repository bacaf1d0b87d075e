//! `orb crawl`: start a crawl, or go on with the one a folder holds.
//!
//! In: seeds, settings, a folder. Out: the folder; progress for people, one object for scripts.
//! May touch: what `crawl_run` does.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use orb_api::{CrawlDir, Reason, Summary};
use orb_crawl::EndReason;

use crate::crawl_run::{self, CrawlRun};
use crate::exit::{Exit, Outcome};
use crate::folder;
use crate::live::Wanted;
use crate::machine::Machine;
use crate::progress::{Way, summary_text};
use crate::seeds::Seeds;
use crate::settings_args::SettingsArgs;
use crate::terminal::{note, say, say_json};
use crate::{own_sites, settings, url_rules};

/// Arguments of `orb crawl`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb crawl https://example.com/ --contact you@example.org --max-pages 1000
  orb crawl --seeds top-1m.csv.zip --profile broad --out big --contact you@example.org
  orb crawl --out big --contact you@example.org --max-duration 8h   goes on where it ended
  orb crawl http://127.0.0.1:8080/ --allow-net 127.0.0.0/8          your own server: no contact

The folder gets warc/ (the archive), index/ (a row per request), state/ (what is needed to go on) and logs/.
Limits of pages and bytes count for the folder, --max-duration for this run. While it runs: orb status, pause, stop.

Exit codes:
  0  finished, or a limit was reached   3  stopped by a signal or `orb stop`, to be gone on with
  2  wrong arguments or settings        4  the disk or the state on it failed
  70 a bug of orb")]
pub(crate) struct CrawlArgs {
    /// Where to begin: URLs, or domains such as example.com (tried by https first).
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// File with a URL, domain or `rank,domain` on each line (a list of domains, Tranco, …), plain or packed by gzip,
    /// zstd or zip; `-` is standard input. Bad lines are reported and skipped. May be repeated.
    #[arg(long, value_name = "FILE")]
    seeds: Vec<PathBuf>,
    /// The crawl's folder; one that holds a crawl already is gone on with.
    #[arg(long, value_name = "DIR", default_value = folder::DEFAULT, value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// File with what not to fetch: a domain, or a URL pattern with `*`, on each line. May be repeated.
    #[arg(long, value_name = "FILE")]
    exclude: Vec<PathBuf>,
    /// Answer GET /status with JSON and GET /metrics for Prometheus on this loopback address.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Print the result as one JSON object, the last line of standard output.
    #[arg(long)]
    json: bool,
    /// No progress and no closing words; warnings stay.
    #[arg(long)]
    quiet: bool,
    /// Progress as plain lines, even on a terminal.
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Runs the crawl and tells how it ended.
pub(crate) fn run(args: &CrawlArgs) -> Outcome {
    let environment = settings::from_process();
    let log_filter = environment
        .iter()
        .find(|(name, _)| name == "ORB_LOG")
        .map(|(_, value)| value.clone());
    let mut settings = args.settings.in_force(environment, &Machine::this())?;
    let (rules, rule_lines) = url_rules::read(&args.exclude)?;
    let mut seeds = Seeds::open(&args.urls, &args.seeds)?;
    if let Some(warning) = own_sites::claim(&mut settings, &mut seeds)? {
        note(&format!("orb: {warning}"));
    }
    let end = crawl_run::run(CrawlRun {
        dir: CrawlDir::new(&args.out),
        settings,
        rules,
        rule_lines,
        seeds,
        listen: args.listen,
        way: Way::of(Wanted {
            plain: args.plain,
            quiet: args.quiet,
            json: args.json,
        }),
        log_filter,
    })?;
    if let Some(hint) = hint(&end.summary).filter(|_| !args.quiet) {
        note(&format!("orb: {hint}"));
    }
    if args.json {
        say_json(&end.summary)?;
    } else if !args.quiet {
        say(&summary_text(&end.summary, end.why));
    }
    Ok(exit_of(end.why))
}

/// What a script hears of an end.
pub(crate) fn exit_of(why: EndReason) -> Exit {
    match why {
        EndReason::Stopped | EndReason::Aborted => Exit::Stopped,
        EndReason::Finished
        | EndReason::PagesMax
        | EndReason::BytesMax
        | EndReason::DurationMax => Exit::Fine,
    }
}

/// What to look at when nothing at all was fetched.
fn hint(summary: &Summary) -> Option<&'static str> {
    let states = &summary.states;
    if summary.pages > 0 || states.done > 0 {
        return None;
    }
    let excluded = |reason| states.excluded.get(&reason).copied().unwrap_or(0);
    if excluded(Reason::GuardedAddress) > 0 {
        return Some(
            "nothing was fetched: addresses are closed to crawls; open your own with --allow-net",
        );
    }
    if excluded(Reason::RobotsUnreachable) + states.failed > 0 {
        return Some(
            "nothing was fetched: is the network up, and does DNS answer? See `orb fetch URL`",
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_api::States;

    #[test]
    fn ends_have_their_codes() {
        let codes = [
            (EndReason::Finished, 0),
            (EndReason::PagesMax, 0),
            (EndReason::BytesMax, 0),
            (EndReason::DurationMax, 0),
            (EndReason::Stopped, 3),
            (EndReason::Aborted, 3),
        ];
        for (why, code) in codes {
            assert_eq!(exit_of(why).code(), code, "{why:?}");
        }
    }

    #[test]
    fn a_run_that_fetched_nothing_says_where_to_look() {
        let states = States {
            failed: 1,
            ..States::default()
        };
        let nothing = Summary {
            states,
            ..Summary::default()
        };
        assert!(hint(&nothing).is_some_and(|hint| hint.contains("network")));
        assert_eq!(
            hint(&Summary {
                pages: 1,
                ..nothing
            }),
            None
        );
    }
}
