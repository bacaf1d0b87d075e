//! `orb frontier restore`: URLs that budgets cut come back into the queues of a stopped crawl.
//!
//! In: a folder nobody works on, a site. Out: how many came back.
//! May touch: the folder's stores. Must not touch: a running crawl.

use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use orb_api::count;
use orb_crawl::{StateError, StoredCrawl};
use orb_explain::understand_site;
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::folder::{self, FolderArg};
use crate::terminal::{note, say, say_json};
use crate::world::KernelWorld;

/// Subcommands of `orb frontier`.
#[derive(Debug, Subcommand)]
pub(crate) enum FrontierCommand {
    /// Bring URLs that a budget cut back into the queues of a stopped crawl.
    Restore(RestoreArgs),
}

/// Arguments of `orb frontier restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb frontier restore --dry-run
  orb frontier restore --site example.com big
  orb crawl --out big          (fetches them, before all others of their sites)

Budgets put what they cut of a site into its cold log: beyond `frontier.pages_per_site_max`, or where parts of it show
nothing new (`frontier.novelty`). `orb status` counts it as excluded (budget), `orb why URL` tells of a single one. What
is brought back is fetched whatever the budgets say. A crawl must be stopped for this; pages already fetched stay.")]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    folder: FolderArg,
    /// Only URLs of this site: its registrable domain, or any host or URL of it.
    #[arg(long, value_name = "DOMAIN")]
    site: Option<String>,
    /// Why they were cut.
    #[arg(long, value_enum, value_name = "REASON", default_value = "budget")]
    reason: ReasonArg,
    /// Only count them.
    #[arg(long)]
    dry_run: bool,
    /// Print the count as one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ReasonArg {
    /// A budget of their site, host or prefix.
    Budget,
}

#[derive(Serialize)]
struct Restored {
    urls: u64,
    dry_run: bool,
}

/// Runs the command.
pub(crate) fn run(command: &FrontierCommand) -> Outcome {
    let FrontierCommand::Restore(args) = command;
    crate::log_file::start_without_file();
    let ReasonArg::Budget = args.reason;
    let site = match &args.site {
        None => None,
        Some(text) => {
            let (site, assumed) = understand_site(text).map_err(Failure::usage)?;
            for words in assumed {
                note(&format!("orb: {words}"));
            }
            Some(site)
        }
    };
    let dir = args.folder.existing()?;
    let _lock = folder::lock(&dir)?;
    let world = Arc::new(KernelWorld::for_reading());
    let crawl = StoredCrawl::open(world, dir).map_err(|error| failure(error.into()))?;
    let urls = crawl
        .restore(site.as_ref(), args.dry_run)
        .map_err(failure)?;
    if args.json {
        say_json(&Restored {
            urls,
            dry_run: args.dry_run,
        })?;
    } else if args.dry_run {
        say(&format!("{} URLs would come back.", count(urls)));
    } else {
        say(&format!(
            "{} URLs are back in their queues; go on with `orb crawl`.",
            count(urls)
        ));
    }
    Ok(Exit::Fine)
}

fn failure(error: StateError) -> Failure {
    match &error {
        StateError::Crawl(crawl) if crawl.exit_code() == 2 => Failure::usage(error),
        StateError::Unclean { .. } => Failure::usage(error),
        _ => Failure::storage(error),
    }
}
